"""Crossfade under test: started by its command line, asked through its admin port, as an operator would."""
import json
import os
import re
import subprocess
from pathlib import Path

from .http import Answer, ask
from .processes import CROSSFADE, Process, free_port, until

ADMIN_TOKEN = "token-of-tests"
SERVED_BY = "x-crossfade-served-by"
PIN_TO_NATIVE = 'route: "*"\nstage: full\nhold: true\nholdout: 0.0\n'
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def command_line(*arguments: str, environment: dict[str, str] | None = None, timeout: float = 60) -> subprocess.CompletedProcess:
    """Runs a crossfade command that ends by itself."""
    return subprocess.run([CROSSFADE, *arguments], capture_output=True, text=True, timeout=timeout, env={**os.environ, **(environment or {})})


class Crossfade:
    """A `crossfade serve`. `rules` maps file names to their text; the directory can be changed while it runs."""

    def __init__(self, directory: Path, upstream: str, config: Path | None = None, rules: dict[str, str] | None = None,
                 arguments: list[str] | None = None, environment: dict[str, str] | None = None, tap_port: int | None = None,
                 port: int | None = None):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.upstream, self.config = directory, upstream, config
        self.rules, self.reports, self.fault = directory / "rules", directory / "reports", directory / "fault"
        self.port, self.admin_port, self.tap_port = port or free_port(), free_port(), tap_port or free_port()
        self.url, self.admin = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.admin_port}"
        self.tap = f"http://127.0.0.1:{self.tap_port}"
        self.extra, self.environment = arguments or [], environment or {}
        self.rules.mkdir(exist_ok=True)
        self.fault.touch()
        for name, text in (rules or {}).items():
            self.write_rule(name, text)
        self.process = None

    def start(self):
        command = [CROSSFADE, "serve", "--upstream", self.upstream, "--rules", str(self.rules), "--reports", str(self.reports),
                   "--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin_port}", "--tap", f"127.0.0.1:{self.tap_port}",
                   *([] if "--drain-timeout" in self.extra else ["--drain-timeout", "1s"])]
        if self.config is not None:
            command += ["--config", str(self.config)]
        environment = {"CROSSFADE_ADMIN_TOKEN": ADMIN_TOKEN, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "CROSSFADE_FAULT_FILE": str(self.fault), **self.environment}
        self.process = Process([*command, *self.extra], self.directory / "crossfade.log", environment)

        def lives():
            self.process.require_alive()
            return ask(self.admin, "GET", "/health/live", timeout=5).status == 200

        until(lives, 20, f"crossfade's admin port {self.admin}")
        return self

    def ready(self, seconds: float = 60):
        """Waits until it says it is ready, which includes agreement with the running Python."""
        until(lambda: self.process.require_alive() or ask(self.admin, "GET", "/health/ready", timeout=5).status == 200, seconds,
              f"crossfade ready; agreement now: {self.explain_agreement()}")
        return self

    def explain_agreement(self):
        try:
            return self.api("/api/status").get("agreement")
        except (AssertionError, OSError) as error:
            return error

    def stop(self):
        if self.process is not None:
            self.process.stop()

    def write_rule(self, name: str, text: str):
        """Replaces a rule file the way editors do: written beside, then renamed."""
        beside = self.directory / "rule-being-written"
        beside.write_text(text)
        beside.rename(self.rules / name)

    def set_fault(self, name: str):
        """Breaks parity on purpose, or with an empty name stops doing so. Only builds with the feature `fault-injection` obey."""
        self.fault.write_text(name)

    def admin_ask(self, method: str, path: str, body: dict | None = None, token: str | None = ADMIN_TOKEN, headers=()) -> Answer:
        head = [*headers, *([("authorization", f"Bearer {token}")] if token else [])]
        if body is not None:
            head.append(("content-type", "application/json"))
        return ask(self.admin, method, path, head, json.dumps(body).encode() if body is not None else (b"" if method == "POST" else None), timeout=20)

    def api(self, path: str, body: dict | None = None, method: str | None = None) -> dict:
        """An admin call that has to succeed."""
        answer = self.admin_ask(method or ("GET" if body is None else "POST"), path, body)
        assert answer.status == 200, f"{path} answered {answer.status}: {answer.text()[:500]}"
        return json.loads(answer.body)

    def lane(self, lane: str = "ocr:mistral") -> dict:
        """The lane as the board shows it; with a model group in its id if there is only one such lane."""
        lanes = self.api("/api/lanes")["lanes"]
        found = [entry for entry in lanes if entry["id"] == lane] or [entry for entry in lanes if entry["id"].startswith(lane)]
        assert found, f"no lane {lane}, there are {[entry['id'] for entry in lanes]}"
        return found[0]

    def metrics(self) -> list[tuple[str, dict[str, str], float]]:
        samples = []
        for line in ask(self.admin, "GET", "/metrics", [("authorization", f"Bearer {ADMIN_TOKEN}")]).text().splitlines():
            if match := SAMPLE.match(line):
                samples.append((match[1], dict(LABEL.findall(match[2] or "")), float(match[3])))
        return samples

    def metric(self, name: str, **labels: str) -> float:
        """Sum over the samples of a metric that carry these labels."""
        return sum(value for found, having, value in self.metrics() if found == name and labels.items() <= having.items())


def tapped_config(original: Path, tap: str, into: Path) -> Path:
    """The config that `crossfade tap` prints for this one."""
    printed = command_line("tap", "--config", str(original), "--tap-url", tap)
    assert printed.returncode == 0, f"crossfade tap failed: {printed.stderr}"
    into.write_text(printed.stdout)
    return into
