"""Starts the real LiteLLM (LITELLM_BIN, default `litellm`) and asks it things. Standard library only."""

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


class RealLiteLlm:
    """A running proxy; a context manager. `environment` adds variables, a value of None removes one."""

    def __init__(self, config_path, port, environment=None):
        self.base = f"http://127.0.0.1:{port}"
        variables = dict(
            os.environ,
            LITELLM_LOCAL_MODEL_COST_MAP="True",
            LITELLM_MODE="PRODUCTION",
            LITELLM_RUST="false",
            PYTHONDONTWRITEBYTECODE="1",
        )
        for name, value in (environment or {}).items():
            if value is None:
                variables.pop(name, None)
            else:
                variables[name] = value
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log", delete=False)
        binary = os.environ.get("LITELLM_BIN", "litellm")
        command = [binary, "--config", config_path, "--host", "127.0.0.1", "--port", str(port)]
        self.process = subprocess.Popen(command, env=variables, stdout=self.log, stderr=subprocess.STDOUT)

    def __enter__(self):
        for _ in range(900):
            if self.process.poll() is not None:
                raise RuntimeError(f"LiteLLM ended while starting, see {self.log.name}")
            try:
                if self.get("/health/liveliness", key=None)[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.2)
        raise RuntimeError(f"LiteLLM did not start, see {self.log.name}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def get(self, path, key="sk-1234"):
        return self.send("GET", path, key=key)

    def send(self, method, path, body=None, headers=None, key="sk-1234"):
        headers = dict(headers or {})
        if key:
            headers["authorization"] = f"Bearer {key}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("content-type", "application/json")
        request = urllib.request.Request(self.base + path, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, dict(answer.headers), answer.read()
