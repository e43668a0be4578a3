#!/usr/bin/env python3
"""`make bench`: measures Crossfade beside what else could stand in front of a provider. README.md here says what and how."""
import argparse
import datetime
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from harness import configuration, instructions, machine, measuring, plots, recorder, report, workloads  # noqa: E402
from harness.measuring import Workload  # noqa: E402
from harness.processes import Process, end_children_with_this  # noqa: E402
from harness.targets import BESIDE, GATEWAYS, LITELLM, ROOT, Bench, ask  # noqa: E402

PHASES = ("workloads", "mirror", "start", "instructions", "syscalls", "soak")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="below five minutes; the figures go to target/bench and are not for keeping")
    parser.add_argument("--phase", action="append", choices=PHASES, help="only these; repeatable")
    parser.add_argument("--only", action="append", default=[], help="only workloads whose name begins so; repeatable")
    parser.add_argument("--without", action="append", default=[], help="leave a target out; repeatable")
    parser.add_argument("--beside", action="append", default=[], choices=BESIDE, help="measure this gateway, too (scripts/setup gateways installs them); repeatable")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--soak", type=int, help="requests of the soak; by default 20,000 (quick) or 10,000,000")
    parser.add_argument("--into", type=Path, help="the folder for the results")
    parser.add_argument("--check", action="store_true", help="exit 1 if a mark is missed")
    parser.add_argument("--keep-readme", action="store_true", help="do not renew the repository's README from this run")
    return parser.parse_args()


class Run:
    def __init__(self, options: argparse.Namespace, folder: Path):
        self.options, self.folder, self.rounds = options, folder, options.rounds or (3 if options.quick else 9)
        self.workloads = [workload for workload in workloads.workloads(options.quick) if workload.name.startswith(tuple(options.only) or "")]
        self.workloads = workloads.with_others(self.workloads, options.beside)
        if options.rounds:
            self.workloads = [replace(workload, rounds=min(workload.rounds or options.rounds, options.rounds)) for workload in self.workloads]
        self.bench = Bench(folder, workloads.groups(workloads.workloads(False)), tls=True)
        self.rows: list[dict] = []
        self.counts: dict = {}
        self.extras: dict = {}
        self.begun = time.monotonic()

    def say(self, text: str):
        print(f"{time.monotonic() - self.begun:7.1f} s  {text}", flush=True)

    def measure(self):
        # The soak comes last, because it may take hours: what was measured before it is written before it.
        for phase in PHASES:
            if phase in (self.options.phase or PHASES):
                self.say(f"-- {phase}")
                getattr(self, f"phase_{phase}")()
                yield phase

    def phase_workloads(self):
        """Every workload with its targets; LiteLLM takes ten seconds to start and is kept, the others are new for each workload."""
        kept = {}
        for workload in self.workloads:
            names = [name for name in workload.targets if name not in self.options.without]
            for name in names:
                if name.startswith("litellm") and name not in kept:
                    self.say(f"starting {name}")
                    kept[name] = self.bench.start(name)
            of_group = lambda name: {"group": workload.group} if name in BESIDE else {}
            targets = {name: kept.get(name) or self.bench.start(name, **of_group(name)) for name in names}
            self.rows += measuring.interleaved(self.bench, workload, targets, self.rounds, memory=workload.connections >= 50, say=self.say)
            for name, target in targets.items():
                if name not in kept:
                    target.stop()
        for target in kept.values():
            target.stop()

    def phase_mirror(self):
        """Crossfade in front of a control as fast as it gets, comparing nothing, a tenth, everything. At a rate that both can bear:
        the shadow is to have time to compare, and a live request is to find its thread idle."""
        relayed = recorder.record(self.bench, {"claude": configuration.body("claude"), "scan": configuration.body("scan")})
        self.extras["mirror_outcomes"] = {}
        for kind, group in (("messages", "claude"), ("ocr", "scan"))[:1 if self.options.quick else 2]:
            workload = Workload(f"mirror-{kind}", group, (), 4, rate=400.0, seconds=1.5 if self.options.quick else 8.0)
            targets = {f"mirror-{share}": self.bench.start("mirror", share=share / 100, relayed=relayed) for share in ((0, 100) if self.options.quick else (0, 10, 100))}
            self.rows += measuring.interleaved(self.bench, workload, targets, self.rounds, say=self.say)
            for name, target in targets.items():
                self.extras["mirror_outcomes"][f"{kind}-{name.split('-')[1]}"] = outcomes(target)
                target.stop()
        self.say(f"outcomes {self.extras['mirror_outcomes']}")

    def phase_start(self):
        names = ("pingora", "passthrough", "native") if self.options.quick else ("nginx", "haproxy", "pingora", "passthrough", "native")
        names = [name for name in names if name not in self.options.without]
        self.extras["start_ms"] = {name: [] for name in names}
        for _ in range(3 if self.options.quick else 9):
            for name in names:
                target = self.bench.start(name)
                self.extras["start_ms"][name].append(round(target.first_answer_ms, 1))
                target.stop()
        self.say(f"exec to first answer, ms: {self.extras['start_ms']}")

    def phase_instructions(self):
        wanted = [("passthrough", "chat"), ("pingora", "chat"), ("native", "messages"), ("native", "ocr"), ("native", "chat"), ("nginx", "chat"), ("haproxy", "chat")]
        for name, kind in wanted[:3] if self.options.quick else wanted:
            group = {"chat": "chat", "messages": "claude", "ocr": "scan"}[kind]
            if name == "native" and not self.is_native(group):
                continue
            counted = instructions.per_request(self.bench, name, Workload(kind, group, ()))
            self.counts[f"{name} {kind}"] = counted
            allocations = "" if counted["allocations"] is None else f", {counted['allocations']:.1f} allocations"
            self.say(f"  {name} {kind}: {counted['instructions']:,.0f} instructions{allocations}")

    def is_native(self, group: str) -> bool:
        """Whether this build answers the group natively."""
        target = self.bench.start("native")
        try:
            headers = {"authorization": f"Bearer {configuration.MASTER_KEY}"}
            return ask(target.address, configuration.path(group), configuration.body(group), headers)[1].get("x-crossfade-served-by") == "native"
        finally:
            target.stop()

    def phase_syscalls(self):
        for name, kind, group in (("passthrough", "chat", "chat"), ("pingora", "chat", "chat"), ("native", "messages", "claude"), ("nginx", "chat", "chat"), ("haproxy", "chat", "chat")):
            counted = instructions.system_calls(self.bench, name, Workload(kind, group, ()))
            self.counts.setdefault(f"{name} {kind}", {})["system_calls"] = counted
            self.say(f"  {name} {kind}: {counted['total']:.1f} system calls {counted['by_name']}")

    def phase_soak(self):
        requests = self.options.soak or (20_000 if self.options.quick else 10_000_000)
        self.extras["soak"] = {}
        for name in ("passthrough", "native"):
            target = self.bench.start(name)
            workload = Workload("soak", "claude", (), 50, requests=max(requests // 10, 1), warm=0)
            memory = []
            for _ in range(10):
                row = measuring.one_round(self.bench, workload, target, memory=False)
                memory.append(round(target.process.memory()[1], 2))
            self.extras["soak"][name] = {"requests": requests, "rss_mib": memory, "failures_in_last_tenth": row["failures"]}
            self.say(f"  soak {name}: {memory} MiB")
            target.stop()


def outcomes(target) -> str:
    """What Crossfade says of the pairs it compared."""
    text = ask(target.admin, "/metrics")[2].decode()
    found = {}
    for line in text.splitlines():
        if line.startswith("crossfade_outcomes_total{"):
            labels, count = line[25:].rsplit("} ", 1)
            label = "/".join(part.split("=")[1].strip('"') for part in labels.split(",") if part.startswith(("outcome=", "reason=")) and part.split("=")[1] != '""')
            found[label] = found.get(label, 0) + int(float(count))
    return ", ".join(f"{label} {count}" for label, count in sorted(found.items())) or "nothing compared"


def main() -> int:
    options = arguments()
    described = machine.describe(ROOT, LITELLM)
    described |= {name: machine.gateway_version(GATEWAYS, name) for name in options.beside}
    name = f"{datetime.date.today()}-{machine.name()}"
    into = options.into or (ROOT / "target/bench" / name if options.quick else ROOT / "benchmark/runs" / name)
    whole = not (options.phase or options.only or options.without)
    command = "make bench" if len(sys.argv) == 1 else "benchmark/bench.py " + " ".join(sys.argv[1:])
    end_children_with_this()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    print(f"measuring on {described['cores']} x {described['processor']}, load {described['load_before'][0]}; results go to {into}", flush=True)
    try:
        run = Run(options, folder)
        for _ in run.measure():
            described["load_after"] = [round(value, 2) for value in os.getloadavg()]
            summary = report.summarise(run.rows, run.counts, run.extras, described, command)
            report.write(into, run.rows, summary)
    finally:
        Process.stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    print("\n" + summary["table"] + "\n")
    try:
        plots.draw(into, summary)
    except ImportError:
        print("no matplotlib, so no plots: scripts/setup bench installs it", file=sys.stderr)
    if whole and not options.quick and not options.keep_readme:
        report.update_readme(summary, into)
        shutil.copy(into / "results.csv", ROOT / "benchmark/results.csv")
    print(f"results in {into}")
    return 1 if options.check and any(mark["result"] == "FAIL" for mark in summary["marks"]) else 0


if __name__ == "__main__":
    sys.exit(main())
