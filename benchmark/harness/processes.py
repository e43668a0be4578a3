"""Starting and ending what is measured, and reading from /proc what it used."""
import atexit
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path


def free_port() -> int:
    """A port that was free a moment ago, outside the range from which the system takes ports for outgoing connections."""
    for port in random.sample(range(18_000, 32_000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("200 ports and none of them free")


class Process:
    """A child in a process group of its own, kept to some of the machine's cores."""

    running: list["Process"] = []

    def __init__(self, name: str, command: list[str], folder: Path, cores: set[int] | None = None, environment: dict[str, str] | None = None):
        self.name, self.log = name, folder / f"{name}.log"
        self.begun = time.perf_counter()
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(
                [*(["taskset", "-c", ",".join(map(str, sorted(cores)))] if cores else []), *map(str, command)],
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})}, cwd=folder, start_new_session=True,
            )
        Process.running.append(self)

    @property
    def pid(self) -> int:
        return self.child.pid

    def age_milliseconds(self) -> float:
        return (time.perf_counter() - self.begun) * 1e3

    def require_alive(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.child.returncode}; its last words:\n{self.log.read_text(errors='replace')[-3000:]}")

    def wait_until(self, holds, what: str, seconds: float = 60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.require_alive()
            try:
                if found := holds():
                    return found
            except OSError:
                pass
            time.sleep(0.001)
        raise RuntimeError(f"{self.name}: waited {seconds:g} s in vain for {what}; its last words:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10):
        for number in (number, signal.SIGKILL):
            if self.child.poll() is None:
                try:
                    os.killpg(self.pid, number)
                    self.child.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
                except ProcessLookupError:
                    break
        if self in Process.running:
            Process.running.remove(self)

    @staticmethod
    def stop_all():
        for process in reversed(Process.running[:]):
            process.stop()

    def tree(self) -> list[int]:
        """This process and everything below it."""
        children: dict[int, list[int]] = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    parent = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
                except (OSError, IndexError):
                    continue
                children.setdefault(parent, []).append(int(entry))
        found, open_ends = [], [self.pid]
        while open_ends:
            pid = open_ends.pop()
            found.append(pid)
            open_ends += children.get(pid, [])
        return found

    def threads(self) -> dict[int, str]:
        """Names of its own threads by id."""
        names = {}
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                names[int(task)] = Path(f"/proc/{self.pid}/task/{task}/comm").read_text().strip()
            except OSError:
                continue
        return names

    def cpu_microseconds(self) -> float:
        """Processor time of the whole tree; exact to the switch, unlike the ticks in /proc/PID/stat."""
        return sum(thread_cpu_microseconds(pid, task) for pid in self.tree() for task in tasks(pid))

    def memory(self) -> tuple[float, float]:
        """Proportional and resident memory of the whole tree now, in MiB."""
        pss = rss = 0
        for pid in self.tree():
            try:
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        pss += int(line.split()[1])
                    elif line.startswith("Rss:"):
                        rss += int(line.split()[1])
            except OSError:
                continue
        return pss / 1024, rss / 1024


def tasks(pid: int) -> list[int]:
    try:
        return [int(task) for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def thread_cpu_microseconds(pid: int, task: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0]) / 1e3
    except OSError:
        return 0.0


class MemoryPeak:
    """Looks at a process tree's memory ten times a second while the block runs."""

    def __init__(self, process: Process | None, interval: float = 0.1):
        self.process, self.interval, self.pss, self.rss = process, interval, 0.0, 0.0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def _look(self):
        while not self.stopped.is_set():
            pss, rss = self.process.memory()
            self.pss, self.rss = max(self.pss, pss), max(self.rss, rss)
            self.stopped.wait(self.interval)

    def __enter__(self):
        if self.process:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        if self.process:
            self.thread.join()


def end_children_with_this():
    """Children have sessions of their own: without this they would outlive a run that is told to end."""
    atexit.register(Process.stop_all)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A shell has a command in its background ignore SIGINT, and so would the children, which some are ended by.
    signal.signal(signal.SIGINT, signal.default_int_handler)
