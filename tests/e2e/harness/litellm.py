"""The real LiteLLM, started as operators start it."""
import json
import os
from pathlib import Path

from .http import MASTER_KEY, ask
from .processes import LITELLM, Process, free_port, until

# No network, no telemetry, no reload: what remains is what is measured. LITELLM_RUST=false is the control.
ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_RUST": "false",
    "LITELLM_MODE": "PRODUCTION",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class LiteLlm:
    """A running LiteLLM proxy; `start` returns at once, `ready` waits."""

    def __init__(self, directory: Path, name: str, config: dict | Path, environment: dict[str, str | None] | None = None, port: int | None = None):
        self.name, self.port = name, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        if isinstance(config, dict):
            self.config = directory / f"{name}.yaml"
            self.config.write_text(json.dumps(config, indent=1))  # JSON is YAML
        else:
            self.config = config
        self.directory, self.environment = directory, {**ENVIRONMENT, **(environment or {})}  # None: not set at all
        self.process = None

    def start(self):
        self.environment["PATH"] = f"{Path(LITELLM).parent}:{os.environ['PATH']}"
        command = [LITELLM, "--config", str(self.config), "--host", "127.0.0.1", "--port", str(self.port), "--telemetry", "False"]
        self.process = Process(command, self.directory / f"litellm-{self.name}.log", self.environment, self.directory)
        return self

    def ready(self, seconds: float = 120):
        def answers():
            self.process.require_alive()
            return ask(self.url, "GET", "/health/liveliness", timeout=5).status == 200

        until(answers, seconds, f"LiteLLM '{self.name}' on {self.url}")
        return self

    def stop(self):
        if self.process is not None:
            self.process.stop()


def deployment(name: str, model: str, api_base: str, key: str = "sk-provider", **parameters) -> dict:
    """One entry of `model_list`."""
    return {"model_name": name, "litellm_params": {"model": model, "api_base": api_base, "api_key": key, **parameters}}


def config(models: list[dict], master_key: str | None = MASTER_KEY, **sections) -> dict:
    """A whole config.yaml."""
    whole = {"model_list": models, **sections}
    if master_key is not None:
        whole["general_settings"] = {"master_key": master_key, **whole.get("general_settings", {})}
    return whole
