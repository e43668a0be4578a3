"""The tests' side of the mock provider: scripts in, what it saw out. Every case is isolated by its name."""
import itertools
import json

from .http import ask
from .processes import MOCK_PROVIDER, Process, until


class Mock:
    """A running mock provider. `url` is its base address, `case_url` that of one scripted case."""

    numbers = itertools.count()

    def __init__(self, directory, *arguments: str, port: int = 0):
        self.process = Process([MOCK_PROVIDER, "--listen", f"127.0.0.1:{port}", *arguments], directory / f"mock-provider-{next(self.numbers)}.log")
        line = until(lambda: self.process.log.read_text().strip() or self.process.require_alive(), 20, "the mock provider's address")
        self.url = "http://" + line.splitlines()[0]

    def case_url(self, case: str) -> str:
        return f"{self.url}/s/{case}"

    def script(self, case: str, *answers: dict):
        """What the case answers, attempt by attempt, the last one for all further ones; forgets what it saw before."""
        reply = ask(self.url, "POST", f"/__script/{case}", body=json.dumps(list(answers), ensure_ascii=False).encode())
        assert reply.status == 200, f"the mock refuses the script of {case}: {reply.text()}"

    def seen(self, case: str, at_least: int = 0, ended: int = 0, seconds: float = 10) -> list[dict]:
        """The case's requests, once there are that many and that many of them have ended."""
        reply = ask(self.url, "GET", f"/__seen/{case}?at_least={at_least}&ended={ended}&seconds={seconds}")
        requests = json.loads(reply.body)["requests"]
        assert len(requests) >= at_least, f"the provider saw {len(requests)} requests of case {case}, expected at least {at_least}"
        done = sum(request["progress"] != "open" for request in requests)
        assert done >= ended, f"only {done} of {len(requests)} exchanges of case {case} have ended, expected {ended}"
        return requests

    def open_gate(self, case: str, gate: str):
        ask(self.url, "POST", f"/__gate/{case}/{gate}")

    def requests(self) -> int:
        """All requests so far, whatever their case."""
        return json.loads(ask(self.url, "GET", "/__count").body)["requests"]


def header(request: dict, name: str) -> str | None:
    """A header of a request that the mock saw."""
    return next((value for key, value in request["headers"] if key == name), None)
