"""Starting, waiting for and ending the processes under test."""
import atexit
import os
import signal
import random
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
MOCK_PROVIDER = os.environ.get("MOCK_PROVIDER_BIN", str(TARGET / "ci" / "mock-provider"))
CROSSFADE = os.environ.get("CROSSFADE_BIN", str(TARGET / "ci" / "crossfade"))
LITELLM = os.environ.get("LITELLM_BIN", str(ROOT / ".cache/venv/bin/litellm"))


def free_port() -> int:
    """A port that was free a moment ago, outside the range from which the system takes ports for outgoing connections."""
    for port in random.sample(range(18_000, 32_000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("200 ports and none of them free")


def until(holds, seconds: float, what: str):
    """Asks `holds` again and again until it answers something true, and returns that. Says what it waited for when it never does."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            last = holds()
        except OSError as error:
            last = error
        else:
            if last:
                return last
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:g} s in vain for: {what}; last answer: {last!r}")


class Process:
    """A child in its own process group, with its output in a file that a failing test can quote."""

    running: set["Process"] = set()  # what `stop_all` ends, should a test or fixture fail before it can

    def __init__(self, command: list[str], log: Path, environment: dict[str, str | None] | None = None, directory: Path | None = None):
        self.command, self.log = command, log
        self.started = time.monotonic()
        self._output = open(log, "ab")
        whole = {**os.environ, **(environment or {})}
        self.child = subprocess.Popen(
            command, stdout=self._output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={name: value for name, value in whole.items() if value is not None}, cwd=directory, start_new_session=True,
        )
        Process.running.add(self)

    @property
    def pid(self) -> int:
        return self.child.pid

    def alive(self) -> bool:
        return self.child.poll() is None

    def output(self, last: int = 4000) -> str:
        """The end of what the process printed."""
        return self.log.read_text(errors="replace")[-last:]

    def require_alive(self):
        assert self.alive(), f"{self.command[0]} ended with {self.child.returncode}; its last words:\n{self.output()}"

    def signal(self, number: int):
        if self.alive():
            os.kill(self.child.pid, number)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        """The hard way, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self):
        """The polite way, then the hard one."""
        self._end(signal.SIGTERM)

    def _end(self, number: int):
        if self.alive():
            try:
                os.killpg(self.child.pid, signal.SIGCONT)
                os.killpg(self.child.pid, number)
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait(10)
            except ProcessLookupError:
                pass
        self.child.wait(10)
        self._output.close()
        Process.running.discard(self)

    @staticmethod
    def stop_all():
        for process in list(Process.running):
            process.stop()

    def resident_bytes(self) -> int:
        """Resident memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"process {self.pid} has no VmRSS")


atexit.register(Process.stop_all)
