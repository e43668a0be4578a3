"""What the figures were measured on, and with what."""
import json
import os
import platform
import re
import subprocess
from pathlib import Path


def said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "not there"
    return (done.stdout + done.stderr).strip()


def processor() -> str:
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def name() -> str:
    """A short name for the folder of a run."""
    return re.sub(r"[^a-z0-9]+", "-", f"{os.cpu_count()}x-{processor()}".lower()).strip("-")[:40].strip("-")


def cores() -> tuple[set[int], set[int]]:
    """The cores of the gateway and those of everything else. With one core they are the same."""
    available = sorted(os.sched_getaffinity(0))
    return ({available[-1]}, set(available[:-1])) if len(available) > 1 else (set(available), set(available))


def gateway_version(installed: Path, name: str) -> str:
    """Of a gateway that `scripts/setup gateways` has installed."""
    if name == "portkey":
        package = installed / "node_modules/@portkey-ai/gateway/package.json"
        return json.loads(package.read_text())["version"] if package.exists() else "not there"
    return python_package(installed / "bin/python", name)


def python_package(python: Path, name: str) -> str:
    return said(str(python), "-c", f"import importlib.metadata as m; print(m.version({name!r}))")


def describe(root: Path, litellm: Path) -> dict:
    first = lambda text: text.splitlines()[0] if text else ""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_mib": int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) // 1024,
        "system": first(said("sh", "-c", ". /etc/os-release; echo $PRETTY_NAME")),
        "kernel": platform.release(),
        "virtual": first(said("systemd-detect-virt")),
        "load_before": [round(value, 2) for value in os.getloadavg()],
        "commit": first(said("git", "-C", str(root), "rev-parse", "HEAD")),
        "changed": bool(said("git", "-C", str(root), "status", "--porcelain", "--", "src", "crates", "Cargo.lock", "Cargo.toml")),
        "rust": first(said("rustc", "--version")),
        "nginx": first(said("nginx", "-v")),
        "haproxy": first(said("haproxy", "-v")),
        "valgrind": first(said("valgrind", "--version")),
        "litellm": first(python_package(litellm.parent / "python", "litellm")),
        "python": first(said(str(litellm.parent / "python"), "--version")),
    }
