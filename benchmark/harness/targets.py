"""Everything that can stand between a client and the provider, started the same way: one worker, one core.

`Bench` owns the folder, the fast provider and whatever runs; `bench.start("nginx")` gives a running target.
"""
import http.client
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import configuration, machine
from .processes import Process, free_port, tasks

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("BENCH_PROFILE", "release")
LITELLM = Path(os.environ.get("LITELLM_BIN", ROOT / ".cache/venv/bin/litellm"))
GATEWAYS = ROOT / ".cache/gateways"
# Gateways that registries have, measured when asked for: `--beside`.
BESIDE = ("smg", "portkey")
# No network, no telemetry, no reload: what remains is what is measured.
LITELLM_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True", "LITELLM_LOCAL_BLOG_POSTS": "True", "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "PYTHONDONTWRITEBYTECODE": "1",
}

NGINX = """worker_processes 1;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_max_body_size 64m;
  client_body_buffer_size 2m;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi; uwsgi_temp_path {folder}/nginx-uwsgi; scgi_temp_path {folder}/nginx-scgi;
  upstream provider {{ server {provider}; keepalive 2048; keepalive_requests 100000000; }}
  server {{
    listen {address} backlog=4096;
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 600s; }}
  }}
}}
"""
# `http-no-delay`: without it a stream of 50 events reaches the client in 3 reads.
HAPROXY = """global
  nbthread 1
  maxconn 8192
defaults
  mode http
  option http-no-delay
  http-reuse always
  timeout connect 5s
  timeout client 600s
  timeout server 600s
listen relay
  bind {address} backlog 4096
  server provider {provider} maxconn 8192
"""

LABELS = {
    "direct": "no gateway", "nginx": "nginx, plain relay", "haproxy": "HAProxy, plain relay", "pingora": "bare Pingora",
    "smg": "smg 1.13, relay to one provider", "portkey": "Portkey 1.15",
    "litellm": "LiteLLM, Python", "litellm-rust": "LiteLLM, LITELLM_RUST=1", "passthrough": "Crossfade, pass-through", "native": "Crossfade, native",
}


@dataclass
class Target:
    name: str
    address: str
    process: Process | None = None
    admin: str | None = None
    beside: list[Process] = field(default_factory=list)  # started for it, not counted as its own
    headers: dict[str, str] = field(default_factory=dict)  # that its clients must send
    first_answer_ms: float = 0.0  # from exec to the first answer of the kind that the target is for

    def stop(self):
        for process in [self.process, *reversed(self.beside)]:
            if process:
                process.stop()


def ask(address: str, path: str, body: bytes | None = None, headers: dict | None = None, timeout: float = 30) -> tuple[int, dict, bytes]:
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        connection.request("POST" if body is not None else "GET", path, body, {"content-type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


BEARER = {"authorization": f"Bearer {configuration.MASTER_KEY}"}


class Bench:
    """A folder with everything that runs. `groups` are the model groups of all configurations."""

    def __init__(self, folder: Path, groups: list[str], tls: bool = False):
        self.folder, self.groups, self.number = folder, groups, 0
        folder.mkdir(parents=True, exist_ok=True)
        self.gateway_cores, self.other_cores = machine.cores()
        self.client_cores = self.other_cores
        self.wrapper: list[str] = []  # what the gateway is run under: valgrind, strace
        self.controls: list[Process] = []
        self.certificate = self.make_certificate() if tls else None
        self.provider_process, self.provider, self.encrypted = self.start_provider()
        self.config = folder / "config.yaml"
        self.config.write_text(configuration.litellm(groups, self.provider, self.encrypted))
        self.prices = next(iter(LITELLM.parent.parent.glob("lib/python*/site-packages/litellm/model_prices_and_context_window_backup.json")), None)

    def make_certificate(self) -> tuple[Path, Path, Path]:
        """A certificate with its chain, its key, and the authority that clients are told to trust: rustls takes no authority for a server."""
        authority, key, request, certificate = (self.folder / name for name in ("authority.pem", "provider.key", "provider.csr", "provider.pem"))
        extensions = self.folder / "provider.ext"
        extensions.write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        for command in (
            ["req", "-x509", *new_key, "-days", "30", "-subj", "/CN=authority of the benchmark", "-keyout", self.folder / "authority.key", "-out", authority],
            ["req", *new_key, "-subj", "/CN=provider", "-keyout", key, "-out", request],
            ["x509", "-req", "-in", request, "-CA", authority, "-CAkey", self.folder / "authority.key", "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", certificate],
        ):
            subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
        return certificate, key, authority

    def start_provider(self):
        command = [TARGET / "fast-provider", "--listen", "127.0.0.1:0"]
        if self.certificate:
            command += ["--tls-listen", "127.0.0.1:0", "--tls-cert", self.certificate[0], "--tls-key", self.certificate[1]]
        process = Process("fast-provider", command, self.folder, self.other_cores)
        wanted = 2 if self.certificate else 1
        lines = process.wait_until(lambda: (found := process.log.read_text().split()) and len(found) >= wanted and found, "its address")
        return process, lines[0], lines[1] if self.certificate else None

    def place(self, together: bool):
        """Provider, controls and clients: on the gateway's core, or on the others. One client waits for every answer, so nothing runs
        at once, and waking another core costs a virtual machine more than the gateway does; many clients would fight over one core."""
        cores = self.gateway_cores if together else self.other_cores
        self.client_cores = cores
        for process in [self.provider_process, *self.controls]:
            for task in tasks(process.pid) if cores else []:
                os.sched_setaffinity(task, cores)

    def start(self, name: str, **options) -> Target:
        """A running target; a name may be started several times."""
        self.number += 1
        unique = f"{name}-{self.number}"
        starter = {"direct": self._direct, "nginx": self._nginx, "haproxy": self._haproxy, "pingora": self._pingora, "litellm": self._litellm, "litellm-rust": self._litellm,
                   "passthrough": self._passthrough, "native": self._native, "mirror": self._mirror,
                   "smg": self._smg, "portkey": self._portkey}[name]
        return starter(unique, name, f"127.0.0.1:{free_port()}", **options)

    def _run(self, unique: str, command: list, environment: dict | None = None) -> Process:
        return Process(unique, [*self.wrapper, *command], self.folder, self.gateway_cores, environment)

    def _direct(self, unique, name, address):
        return Target(name, self.provider)

    def _answering(self, target: Target, seconds: float = 60, group: str = "claude") -> Target:
        """Waits until the target passes on what the provider answers."""
        path, body, headers = configuration.path(group), configuration.body(group), {**BEARER, **target.headers}
        target.process.wait_until(lambda: ask(target.address, path, body, headers)[0] == 200, "an answer from the provider", seconds)
        target.first_answer_ms = target.process.age_milliseconds()
        return target

    def _nginx(self, unique, name, address):
        file = self.folder / f"{unique}.conf"
        file.write_text(NGINX.format(folder=self.folder, provider=self.provider, address=address))
        return self._answering(Target(name, address, self._run(unique, ["nginx", "-c", file, "-p", self.folder, "-e", self.folder / f"{unique}-error.log"])))

    def _haproxy(self, unique, name, address):
        file = self.folder / f"{unique}.cfg"
        file.write_text(HAPROXY.format(provider=self.provider, address=address))
        return self._answering(Target(name, address, self._run(unique, ["haproxy", "-db", "-f", file])))

    def _pingora(self, unique, name, address):
        return self._answering(Target(name, address, self._run(unique, [TARGET / "bare-pingora", "--listen", address, "--upstream", self.provider, "--threads", "1"])))

    def _smg(self, unique, name, address, group: str):
        """It knows one provider at a time. What it would do beside relaying (health checks, retries, opening circuits) is off."""
        command = [GATEWAYS / "bin/python", "-m", "smg", "launch", "--backend", configuration.provider(group), "--worker-urls", f"http://{self.provider}", "--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1],
                   "--prometheus-host", "127.0.0.1", "--prometheus-port", free_port(), "--log-level", "error", "--disable-retries", "--disable-circuit-breaker", "--disable-health-check"]
        return self._answering(Target(name, address, self._run(unique, command)), group=group)

    def _portkey(self, unique, name, address, group: str):
        """Its clients say whom to ask."""
        headers = {"x-portkey-provider": configuration.provider(group), "x-portkey-custom-host": f"http://{self.provider}/v1"}
        command = ["node", GATEWAYS / "node_modules/@portkey-ai/gateway/build/start-server.js", f"--port={address.rsplit(':', 1)[1]}", "--headless"]
        return self._answering(Target(name, address, self._run(unique, command, {"NODE_ENV": "production"}), headers=headers), group=group)

    def _litellm(self, unique, name, address):
        environment = {**LITELLM_ENVIRONMENT, "LITELLM_RUST": "1" if name == "litellm-rust" else "false", "PATH": f"{LITELLM.parent}:{os.environ['PATH']}"}
        if self.certificate:
            environment["SSL_CERT_FILE"] = str(self.certificate[2])
        command = [LITELLM, "--config", self.config, "--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1], "--telemetry", "False", "--num_workers", "1"]
        return self._answering(Target(name, address, self._run(unique, command, environment)), 180)

    def _crossfade(self, unique, name, address, upstream, *arguments, tap=None):
        admin, reports = f"127.0.0.1:{free_port()}", self.folder / f"{unique}-reports"
        shutil.rmtree(reports, ignore_errors=True)
        command = [TARGET / "crossfade", "serve", "--upstream", f"http://{upstream}", "--listen", address, "--admin", admin, "--reports", reports, "--threads", "1",
                   "--drain-timeout", "1s", *arguments]
        environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "CROSSFADE_LOG": "warn"}
        if self.certificate:
            environment["SSL_CERT_FILE"] = str(self.certificate[2])
        return Target(name, address, self._run(unique, command, environment), admin)

    def _passthrough(self, unique, name, address):
        return self._answering(self._crossfade(unique, name, address, self.provider, "--rules", self.folder / "no-rules"))

    def _control(self, unique, provider: str, relayed: dict | None) -> tuple[Process, str]:
        file = self.folder / f"{unique}-recording.json"
        file.write_text(json.dumps(configuration.recording(self.groups, self.prices, relayed)))
        process = Process(f"{unique}-control", [TARGET / "fast-control", "--recording", file, "--provider", provider], self.folder, self.other_cores)
        self.controls = [control for control in self.controls if control.child.poll() is None] + [process]
        return process, process.wait_until(lambda: process.log.read_text().strip(), "its address")

    def _rules(self, unique: str, text: str) -> Path:
        folder = self.folder / f"{unique}-rules"
        folder.mkdir(exist_ok=True)
        (folder / "rules.yaml").write_text(text)
        return folder

    def _ready(self, target: Target) -> Target:
        """Waits for Crossfade's own word, which includes that it agrees with its control."""
        target.process.wait_until(lambda: ask(target.admin, "/health/ready")[0] == 200, f"readiness; agreement: see http://{target.admin}/api/status", 120)
        return target

    def _native(self, unique, name, address):
        control, upstream = self._control(unique, self.provider, None)
        target = self._crossfade(unique, name, address, upstream, "--config", self.config, "--rules", self._rules(unique, configuration.PINNED))
        target.beside.append(control)
        self._ready(target)
        # Ready and native are two things: the table is published a moment after.
        body = configuration.body("claude")
        served = lambda: ask(target.address, "/v1/messages", body, BEARER)[1].get("x-crossfade-served-by") == "native"
        target.process.wait_until(served, "a native answer", 30)
        target.first_answer_ms = target.process.age_milliseconds()
        return target

    def _mirror(self, unique, name, address, share: float, relayed: dict):
        tap = f"127.0.0.1:{free_port()}"
        control, upstream = self._control(unique, tap, relayed)
        target = self._crossfade(unique, name, address, upstream, "--config", self.config, "--rules", self._rules(unique, configuration.mirrored(share)), "--tap", tap)
        target.beside.append(control)
        self._ready(target)
        self.keep_live_threads_apart(target)
        return target

    def keep_live_threads_apart(self, target: Target):
        """The serving threads keep the gateway's core; whatever works for the shadow goes to the others."""
        for task, title in target.process.threads().items():
            cores = self.gateway_cores if title.startswith(("crossfade", "Server")) else self.other_cores
            subprocess.run(["taskset", "-pc", ",".join(map(str, sorted(cores))), str(task)], capture_output=True)

    def close(self):
        Process.stop_all()
