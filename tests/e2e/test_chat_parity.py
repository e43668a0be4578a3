"""`/chat/completions` on OpenAI, native against Python: the same provider requests, as many of them, and the same answer to the
client, byte for byte where it is a stream, but for LiteLLM's own clock and the ids it makes up."""
import pytest

from chat_cases import PARALLEL, SSE_HEADERS, WHOLE, all_cases
from conftest import DIRECT
from harness.compare import answer_differences, assert_same
from harness.crossfade import SERVED_BY
from harness.parity import ask_case, check_parity, run_both

CASES = {case.id: case for case in all_cases()}


@pytest.fixture(scope="module")
def results(python, native, mock):
    return run_both(CASES, ["request-plain"], python.url, native, mock)


@pytest.mark.parametrize("identity", CASES)
def test_chat_parity(identity, results):
    check_parity(CASES[identity], results, not DIRECT)


def chunkings(events: list[str]) -> dict[str, dict]:
    """The same bytes, cut otherwise."""
    whole = "".join(events)
    return {
        "one-piece": {"text": whole, "chunked": True},
        "with-a-length": {"text": whole},
        **{f"{size}-bytes": {"text": whole, "chunked": True, "drip": {"bytes": size, "every": 0}} for size in (1, 2, 3, 7, 64)},
        "merged-frames": {"steps": [{"send": whole[:250]}, {"send": whole[250:900]}, {"send": whole[900:]}]},
        "two-by-two": {"steps": [{"send": "".join(events[at:at + 2])} for at in range(0, len(events), 2)]},
    }


STREAMS = {"stream-plain": WHOLE, "stream-usage-parallel-calls": PARALLEL}
CUTS = [(identity, name, script) for identity, events in STREAMS.items() for name, script in chunkings(events).items()
        if identity == "stream-plain" or name in ("1-bytes", "merged-frames", "two-by-two")]


@pytest.mark.crossfade
@pytest.mark.parametrize("identity, name, script", CUTS, ids=[f"{identity}-{name}" for identity, name, _ in CUTS])
def test_how_the_provider_cuts_its_bytes_does_not_matter_to_chat(identity, name, script, results, native, mock):
    """Bytes one by one cut characters and names; the client gets what it gets of whole events."""
    case = CASES[identity]
    mock.script(case.group, {"headers": SSE_HEADERS, **script})
    answer = ask_case(case, native)
    (control, _), _ = results[identity]
    assert answer.header(SERVED_BY) == "native"
    # The head shows how the provider framed its answer.
    assert_same(answer_differences(control, answer, {"llm_provider-transfer-encoding", "llm_provider-content-length"}), f"{identity} as {name}")
