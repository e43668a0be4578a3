"""`/v1/messages`, native against Python: the same provider requests, as many of them, and the same answer to the client, byte
for byte where it is a stream.

All cases run before the first assertion, sixteen at a time, each on LiteLLM directly and then on the gateway: back-offs and
silences overlap that way.
"""
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import DIRECT
from harness.compare import answer_differences, assert_same, provider_differences
from harness.crossfade import SERVED_BY
from harness.http import JSON_TYPE, ask, bearer
from messages_cases import SSE_HEADERS, WHOLE, all_cases

SIDE_BY_SIDE = 16
CASES = {case.id: case for case in all_cases()}


def run(case, url: str, mock):
    """One leg: the client's answer and what the provider saw of it."""
    mock.script(case.id, *case.answers)
    answer = ask(url, "POST", case.path, [*bearer(), *case.headers, JSON_TYPE], case.payload())
    return answer, mock.seen(case.id)


@pytest.fixture(scope="module")
def results(python, native, mock):
    def both(case):
        return run(case, python.url, mock), run(case, native, mock)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        # The first request of each kind loads LiteLLM's modules; nobody should time out on that.
        both(CASES["request-plain"])
        return dict(zip(CASES, pool.map(both, CASES.values())))


@pytest.mark.parametrize("identity", CASES)
def test_parity(identity, results):
    case = CASES[identity]
    (control, control_seen), (candidate, candidate_seen) = results[identity]
    found = provider_differences(control_seen, candidate_seen) + answer_differences(control, candidate)
    assert_same(found, f"{identity} (served by {candidate.header(SERVED_BY)})")
    if not DIRECT and case.native == "must":
        assert candidate.header(SERVED_BY) == "native", f"{identity} was left to Python although the native leg has to cover it"


WHOLE_STREAM = "".join(WHOLE)
CHUNKINGS = {
    "one-piece": {"text": WHOLE_STREAM, "chunked": True},
    "with-a-length": {"text": WHOLE_STREAM},
    **{f"{size}-bytes": {"text": WHOLE_STREAM, "chunked": True, "drip": {"bytes": size, "every": 0}} for size in (1, 2, 3, 7, 64)},
    "merged-frames": {"steps": [{"send": WHOLE_STREAM[:250]}, {"send": WHOLE_STREAM[250:900]}, {"send": WHOLE_STREAM[900:]}]},
}


@pytest.mark.crossfade
@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_how_the_provider_cuts_its_bytes_does_not_matter(chunking, results, native, mock):
    """Bytes one by one cut characters and the names of events; the client gets what it gets of whole events."""
    case = CASES["stream-plain"]
    mock.script(case.id, {"headers": SSE_HEADERS, **CHUNKINGS[chunking]})
    answer = ask(native, "POST", case.path, [*bearer(), JSON_TYPE], case.payload())
    (control, _), _ = results[case.id]
    assert answer.header(SERVED_BY) == "native"
    assert answer.body == control.body and answer.status == control.status
