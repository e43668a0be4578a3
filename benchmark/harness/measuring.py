"""Sending a workload to targets in turn, round after round in random order, and what each round gave."""
import json
import random
import statistics
import subprocess
from dataclasses import dataclass, field, replace

from . import configuration
from .processes import MemoryPeak, thread_cpu_microseconds, tasks
from .targets import TARGET, Bench, Target


@dataclass(frozen=True)
class Workload:
    """One request, and how it is sent."""

    name: str
    group: str  # model group: kind and profile (configuration.py)
    targets: tuple[str, ...]
    connections: int = 1
    seconds: float = 1.0  # of one round
    requests: int | None = None  # of one round, instead of seconds
    warm: int = 200
    rate: float | None = None  # open loop
    body_bytes: int = 600
    stream: bool = False
    events: int = 0  # that one answer brings, to count processor time per event
    every_ms: float = 0.0  # between them
    rounds: int | None = None
    status: str = "200"  # what every answer must have
    slow: dict = field(default_factory=dict)  # replaced fields for LiteLLM, a hundred times slower

    def for_target(self, name: str) -> "Workload":
        return replace(self, **self.slow) if name.startswith("litellm") else self


def load(bench: Bench, workload: Workload, target: Target) -> dict:
    """One run of the load generator."""
    body = bench.folder / f"{workload.name}.body"
    body.write_bytes(configuration.body(workload.group, workload.body_bytes, workload.stream))
    pinned = ["taskset", "-c", ",".join(map(str, sorted(bench.client_cores)))] if bench.client_cores else []
    command = [*pinned, TARGET / "load", "--target", target.address, "--path", configuration.path(workload.group), "--body", body,
               "--header", f"authorization: Bearer {configuration.MASTER_KEY}", "--connections", workload.connections, "--warm", workload.warm, "--timeout", 120]
    for name, value in target.headers.items():
        command += ["--header", f"{name}: {value}"]
    command += ["--requests", workload.requests] if workload.requests else ["--seconds", workload.seconds]
    if workload.rate:
        command += ["--rate", workload.rate]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True, timeout=24 * 3600)
    return json.loads(done.stdout)


def one_round(bench: Bench, workload: Workload, target: Target, memory: bool) -> dict:
    """One target's turn: what the load generator saw, and what the target used meanwhile."""
    workload = workload.for_target(target.name)
    process = target.process
    before = process.cpu_microseconds() if process else 0.0
    live_before, provider_before = live_cpu(target), bench.provider_process.cpu_microseconds()
    with MemoryPeak(process if memory else None) as peak:
        seen = load(bench, workload, target)
    answers = seen["requests"] + seen["warm"]
    row = {
        "workload": workload.name, "target": target.name, "connections": workload.connections,
        "requests": seen["requests"], "failures": sum(seen["failures"].values()), "unexpected": sum(count for status, count in seen["statuses"].items() if status != workload.status),
        "native": seen["served"]["native"], "python": seen["served"]["python"], "litellm_rust": seen["served"]["litellm_rust"],
        "per_second": seen["per_second"],
        "cpu_us": (process.cpu_microseconds() - before) / max(answers, 1) if process else 0.0,
        "live_cpu_us": (live_cpu(target) - live_before) / max(answers, 1),
        "provider_cpu_us": (bench.provider_process.cpu_microseconds() - provider_before) / max(answers, 1),
        "pss_mib": peak.pss, "rss_mib": peak.rss,
        "reads": seen["reads_per_answer"], "bytes": seen["bytes_per_answer"],
    }
    for kind in ("response", "service", "first_byte", "gap"):
        for quantile in ("p50", "p90", "p99", "max"):
            row[f"{kind}_{quantile}_us"] = seen[f"{kind}_us"][quantile]
    return row


def live_cpu(target: Target) -> float:
    """Processor time of Crossfade's serving threads alone."""
    if not target.process or target.name not in ("passthrough", "native", "mirror"):
        return 0.0
    named = target.process.threads()
    return sum(thread_cpu_microseconds(target.process.pid, task) for task in tasks(target.process.pid) if named.get(task, "").startswith("crossfade") and task != target.process.pid)


def interleaved(bench: Bench, workload: Workload, targets: dict[str, Target], rounds: int, memory: bool = False, say=print) -> list[dict]:
    """Every target once a round, in a new order each time, so that whatever the machine does meanwhile meets all alike."""
    rows = []
    names = list(targets)
    bench.place(together=workload.connections == 1)
    for number in range(workload.rounds or rounds):
        random.shuffle(names)
        for name in names:
            row = one_round(bench, workload, targets[name], memory)
            rows.append({**row, "target": name, "round": number})
    for name in targets:
        mine = [row for row in rows if row["target"] == name]
        odd = sum(row["failures"] + row["unexpected"] for row in mine)
        say(f"  {workload.name:18} {name:14} {median(mine, 'per_second'):9.0f}/s  p50 {median(mine, 'service_p50_us'):9.1f} µs  cpu {median(mine, 'cpu_us'):8.1f} µs"
            f"  gap p99 {median(mine, 'gap_p99_us'):8.0f} µs  {median(mine, 'rss_mib'):6.1f} MiB" + (f"  {odd} ODD" if odd else "") + served(mine))
    return rows


def served(rows: list[dict]) -> str:
    """Which leg of Crossfade answered, if it was Crossfade."""
    native, python = sum(row["native"] for row in rows), sum(row["python"] for row in rows)
    return f"  native {native / (native + python):.0%}" if native + python else ""


def median(rows: list[dict], name: str) -> float:
    return statistics.median(row[name] for row in rows) if rows else float("nan")
