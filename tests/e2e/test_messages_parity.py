"""`/v1/messages`, native against Python: the same provider requests, as many of them, and the same answer to the client, byte
for byte where it is a stream."""
import pytest

from conftest import DIRECT
from harness.crossfade import SERVED_BY
from harness.parity import ask_case, check_parity, run_both
from messages_cases import SSE_HEADERS, WHOLE, all_cases

CASES = {case.id: case for case in all_cases()}


@pytest.fixture(scope="module")
def results(python, native, mock):
    return run_both(CASES, ["request-plain"], python.url, native, mock)


@pytest.mark.parametrize("identity", CASES)
def test_parity(identity, results):
    check_parity(CASES[identity], results, not DIRECT)


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
    mock.script(case.group, {"headers": SSE_HEADERS, **CHUNKINGS[chunking]})
    answer = ask_case(case, native)
    (control, _), _ = results[case.id]
    assert answer.header(SERVED_BY) == "native"
    assert answer.body == control.body and answer.status == control.status
