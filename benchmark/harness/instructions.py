"""Instructions, allocations and system calls per request, by the difference of two counts: what start-up and the first requests
cost is in both, so it cancels out. One serving thread, one connection, one request after the other: the figures repeat to a
percent where times do not.
"""
import os
import re
import signal
import statistics
import subprocess
from collections import Counter
from pathlib import Path

from . import configuration
from .measuring import Workload, load
from .targets import Bench

FEW, MANY = 300, 1300
# A process under callgrind that takes too long over its end is killed, and what it counted is lost.
ATTEMPTS = 3
ALLOCATORS = re.compile(r"^(_rjem_)?(je_)?(malloc|calloc|realloc|mallocx|rallocx|posix_memalign|aligned_alloc|memalign)$")


class Counted:
    """Counts of one thread, as callgrind wrote them."""

    def __init__(self, file: Path):
        self.functions: Counter[str] = Counter()  # own instructions by function
        self.below: Counter[str] = Counter()  # what its callees spent, by function
        self.calls: Counter[str] = Counter()  # calls by callee
        names: dict[str, str] = {}

        def resolve(text: str) -> str:
            number, _, name = text.partition(" ")
            if name:
                names[number] = name
            return names.get(number, text)

        function, skip = "", False
        with open(file, errors="replace") as lines:
            for line in lines:
                if line.startswith("fn="):
                    function = resolve(line[3:].rstrip("\n"))
                elif line.startswith("cfn="):
                    callee = resolve(line[4:].rstrip("\n"))
                elif line.startswith("calls="):
                    self.calls[callee] += int(line[6:].split()[0])
                    skip = True  # the next line is the callee's cost, which the callee has counted
                elif line[:1] in "0123456789+-*":
                    (self.below if skip else self.functions)[function] += int(line.split()[1])
                    skip = False

    def instructions(self) -> int:
        return sum(self.functions.values())

    def allocations(self) -> int:
        return sum(count for name, count in self.calls.items() if ALLOCATORS.match(name.split("'")[0].split("@")[0]))


def count(bench: Bench, name: str, workload: Workload, requests: int) -> Counted:
    """Runs a target under callgrind for that many requests. The thread that serves is the one that sends most (nginx has but one); what
    others do belongs to the clock, not to a request."""
    for _ in range(ATTEMPTS):
        threads = threads_of(bench, name, workload, requests)
        if threads:
            return max(threads, key=lambda thread: (thread.calls["send"], thread.instructions()))
    raise RuntimeError(f"{name} ended {ATTEMPTS} times before callgrind had written what it counted of {requests} requests")


def threads_of(bench: Bench, name: str, workload: Workload, requests: int) -> list[Counted]:
    """What each thread did; none if the process was gone before callgrind had written."""
    file = bench.folder / f"callgrind-{name}-{workload.name}-{requests}"
    for old in file.parent.glob(f"{file.name}-*"):
        old.unlink()
    # Crossfade hashes its own executable at start, which takes ten times as long when counted; the others start at once.
    later = name in ("passthrough", "native")
    bench.wrapper = ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--instr-atstart={'no' if later else 'yes'}", f"--callgrind-out-file={file}"]
    try:
        target = bench.start(name)
        if later:
            subprocess.run(["callgrind_control", "--instr=on", str(target.process.pid)], check=True, capture_output=True)
        load(bench, with_requests(workload, requests), target)
        target.process.stop(signal.SIGINT, 60)
        target.stop()
    finally:
        bench.wrapper = []
    return [Counted(thread) for thread in file.parent.glob(f"{file.name}-*")]


def with_requests(workload: Workload, requests: int) -> Workload:
    return Workload(workload.name, workload.group, (), connections=1, requests=requests, warm=0, body_bytes=workload.body_bytes, stream=workload.stream)


def per_request(bench: Bench, name: str, workload: Workload) -> dict:
    """Instructions and allocations of one request, and where the instructions go."""
    few, many = count(bench, name, workload, FEW), count(bench, name, workload, MANY)
    functions = {function: (spent - few.functions.get(function, 0)) / (MANY - FEW) for function, spent in many.functions.items()}
    inclusive = {function: spent + (many.below[function] - few.below[function]) / (MANY - FEW) for function, spent in functions.items()}
    return {
        "instructions": (many.instructions() - few.instructions()) / (MANY - FEW),
        # A stripped binary does not say which of its functions allocate.
        "allocations": (many.allocations() - few.allocations()) / (MANY - FEW) if many.allocations() else None,
        "top": greatest(functions, 40),
        "top_inclusive": greatest(inclusive, 150),
    }


def greatest(functions: dict[str, float], count: int) -> list:
    return [[function, round(spent)] for function, spent in sorted(functions.items(), key=lambda item: -item[1])[:count]]


def system_calls(bench: Bench, name: str, workload: Workload) -> dict:
    """System calls of one request by name."""
    counts = []
    for requests in (FEW, MANY):
        file = bench.folder / f"strace-{name}-{requests}"
        bench.wrapper = ["strace", "-f", "-c", "-o", str(file)]
        try:
            target = bench.start(name)
            load(bench, with_requests(workload, requests), target)
            # strace reports when what it follows has ended; it passes no signal on by itself. Pingora takes five minutes over SIGTERM.
            for pid in target.process.tree()[1:]:
                try:
                    os.kill(pid, signal.SIGINT)
                except OSError:
                    pass
            target.process.child.wait(20)
            target.stop()
        finally:
            bench.wrapper = []
        calls = Counter()
        for line in file.read_text().splitlines():
            words = line.split()
            if len(words) >= 5 and words[0].replace(".", "").isdigit() and words[-1] != "total":
                calls[words[-1]] += int(words[3])
        counts.append(calls)
    each = {call: (counts[1][call] - counts[0][call]) / (MANY - FEW) for call in counts[1]}
    return {"total": sum(each.values()), "by_name": {call: round(count, 2) for call, count in sorted(each.items(), key=lambda item: -item[1]) if count >= 0.05}}


def spread(values: list[float]) -> float:
    """Interquartile range, or of few values the whole range, as a share of the median."""
    if len(values) < 2 or not statistics.median(values):
        return 0.0
    if len(values) < 4:
        return (max(values) - min(values)) / statistics.median(values)
    quarters = statistics.quantiles(values, n=4)
    return (quarters[2] - quarters[0]) / statistics.median(values)
