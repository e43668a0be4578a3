#!/usr/bin/env python3
"""Holds what a request costs, counted in instructions and allocations, against benchmark/baseline.json. `make test` runs it.

usage: benchmark/guard.py            exit 1 if a figure moved by more than three parts in a hundred, up or down
       benchmark/guard.py --accept   measure and write the figures of this build as the new baseline

Times need a quiet machine; counts do not. They belong to the build profile `ci` and to a version of the compiler.
"""
import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("BENCH_PROFILE", "ci")
sys.path.insert(0, str(Path(__file__).parent))
from harness import configuration, instructions, machine  # noqa: E402
from harness.measuring import Workload  # noqa: E402
from harness.processes import Process, end_children_with_this  # noqa: E402
from harness.targets import ROOT, Bench, ask  # noqa: E402

BASELINE = ROOT / "benchmark/baseline.json"
TOLERANCE = 0.03
FEW, MANY = 100, 400
MEASURED_MAX = 3  # when figures seem to have moved
ROUTES = [("passthrough", "chat", "pass-through"), ("native", "claude", "native messages"), ("native", "scan", "native ocr"), ("native", "chat", "native chat_completions")]


def measure(folder: Path) -> dict[str, dict]:
    """Instructions and allocations of one request for every route that this build has."""
    instructions.FEW, instructions.MANY = FEW, MANY

    def one(number: int) -> tuple[str, dict | None]:
        name, group, label = ROUTES[number]
        bench = Bench(folder / str(number), ["chat", "claude", "scan"])
        bench.prices = None  # LiteLLM's own map is large, changes, and need not be installed
        bench.gateway_cores = bench.other_cores = bench.client_cores = None
        if name == "native" and not is_native(bench, group):
            return label, None
        counted = instructions.per_request(bench, name, Workload(label.replace(" ", "-"), group, ()))
        return label, {"instructions": round(counted["instructions"]), "allocations": round(counted["allocations"] or 0, 2)}

    with ThreadPoolExecutor(os.cpu_count()) as several:
        return {label: counted for label, counted in several.map(one, range(len(ROUTES))) if counted}


def is_native(bench: Bench, group: str) -> bool:
    target = bench.start("native")
    headers = {"authorization": f"Bearer {configuration.MASTER_KEY}"}
    served = ask(target.address, configuration.path(group), configuration.body(group), headers)[1].get("x-crossfade-served-by")
    target.stop()
    return served == "native"


def moved(baseline: dict, found: dict) -> list[str]:
    """What is not as the baseline has it, in words."""
    words = []
    for label in {**baseline, **found}:
        if label not in found:
            words.append(f"{label}: in the baseline, but this build does not serve it natively")
        elif label not in baseline:
            words.append(f"{label}: {found[label]['instructions']:,} instructions, {found[label]['allocations']:g} allocations; the baseline does not have it yet")
        else:
            for name, now in found[label].items():
                before = baseline[label][name]
                change = (now - before) / before
                if abs(change) > TOLERANCE:
                    words.append(f"{label}: {name} per request went {'up' if change > 0 else 'DOWN'} by {abs(change):.1%}, from {before:,} to {now:,}")
    return words


def measured() -> dict[str, dict]:
    folder = Path(tempfile.mkdtemp(prefix="guard-"))
    try:
        return measure(folder)
    finally:
        Process.stop_all()
        shutil.rmtree(folder, ignore_errors=True)


def least(earlier: dict, found: dict) -> dict:
    """What else the machine does can only add to a count."""
    return {label: {name: min(now, earlier.get(label, counted)[name]) for name, now in counted.items()} for label, counted in found.items()}


def main() -> int:
    if not shutil.which("valgrind"):
        print("guard: valgrind is not there; scripts/setup test installs it", file=sys.stderr)
        return 1
    end_children_with_this()
    compiler = machine.said("rustc", "--version")
    accepts = "--accept" in sys.argv[1:]
    baseline = json.loads(BASELINE.read_text())
    found: dict[str, dict] = {}
    for _ in range(MEASURED_MAX):
        found = least(found, measured())
        if not accepts and not moved(baseline["per_request"], found):
            break
    for label, counted in found.items():
        print(f"{label:26} {counted['instructions']:>9,} instructions {counted['allocations']:>8g} allocations")
    if accepts:
        BASELINE.write_text(json.dumps({"compiler": compiler, "per_request": found}, indent=1) + "\n")
        print(f"written to {BASELINE.relative_to(ROOT)}")
        return 0
    words = moved(baseline["per_request"], found)
    if not words:
        print(f"{len(found)} passed, 0 failed: all within {TOLERANCE:.0%} of the baseline")
        return 0
    print("\nThe cost of a request moved:")
    for line in words:
        print(f"  {line}")
    if baseline["compiler"] != compiler:
        print(f"  (the baseline is of {baseline['compiler']}, this is {compiler}: that alone moves figures)")
    print("\nIf that is meant, a saving included, accept it with `benchmark/guard.py --accept` and commit benchmark/baseline.json with the change that\n"
          "moved it. To see where the instructions go: `benchmark/bench.py --phase instructions`, then `top` in its summary.json.")
    print(f"{len(found) - len(words)} passed, {len(words)} failed")
    return 1


if __name__ == "__main__":
    sys.exit(main())
