"""Parity cases: what a client asks and what the provider answers attempt by attempt, run on LiteLLM directly and on the gateway.

Each case has a model group and a corner of the mock provider of its own, so that they can run side by side.
"""
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ClassVar

from .compare import answer_differences, assert_same, provider_differences
from .crossfade import SERVED_BY
from .http import JSON_TYPE, Answer, Headers, ask, bearer

SIDE_BY_SIDE = 16


@dataclass
class Case:
    """One case; a route's own class says what its cases have in common."""

    id: str
    body: dict = field(default_factory=dict)
    answers: list[dict] = field(default_factory=list)
    headers: Headers = field(default_factory=list)
    path: str = ""
    native: str = "must"
    deployment: dict = field(default_factory=dict)

    # What a route's cases are named by, where they go, what they ask and are answered unless they say otherwise.
    route: ClassVar[str]
    endpoint: ClassVar[str]
    asked: ClassVar[dict]
    answered: ClassVar[dict]
    model: ClassVar[str]

    @property
    def group(self) -> str:
        """Its model group, and its corner of the mock."""
        return f"{self.route}-{self.id}"

    def target(self) -> str:
        return (self.path or self.endpoint).replace("{model}", self.group)

    def payload(self) -> bytes:
        return json.dumps({"model": self.group, **self.asked, **self.body}, ensure_ascii=False).encode()


def streamed(sse_headers: list, *steps) -> dict:
    """An answer piece by piece: a text is one of them, `break` and anything else a step of the mock's."""
    return {"headers": sse_headers, "steps": [{"send": step} if isinstance(step, str) and step != "break" else step for step in steps]}


def ask_case(case: Case, url: str) -> Answer:
    return ask(url, "POST", case.target(), [*bearer(), *case.headers, JSON_TYPE], case.payload())


def run(case: Case, url: str, mock) -> tuple[Answer, list[dict]]:
    """One leg: the client's answer and what the provider saw of it."""
    mock.script(case.group, *(case.answers or [case.answered]))
    return ask_case(case, url), mock.seen(case.group)


def run_both(cases: dict[str, Case], first: list[str], python: str, gateway: str, mock) -> dict:
    """All cases before the first assertion, sixteen at a time, each on LiteLLM and then on the gateway: back-offs and silences
    overlap that way."""
    def both(case):
        return run(case, python, mock), run(case, gateway, mock)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        # The first request of each kind loads LiteLLM's modules; nobody should time out on that.
        for identity in first:
            both(cases[identity])
        return dict(zip(cases, pool.map(both, cases.values())))


def check_parity(case: Case, results: dict, must_be_native: bool):
    """The same provider requests, as many of them, and the same answer; served natively where the case has to be."""
    (control, control_seen), (candidate, candidate_seen) = results[case.id]
    found = provider_differences(control_seen, candidate_seen) + answer_differences(control, candidate)
    assert_same(found, f"{case.id} (served by {candidate.header(SERVED_BY)})")
    if must_be_native and case.native == "must":
        assert candidate.header(SERVED_BY) == "native", f"{case.id} was left to Python although the native leg has to cover it"
