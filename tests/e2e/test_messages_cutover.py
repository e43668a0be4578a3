"""The loop on a lane that streams: streams on tape and their differences lift the lane and take it back."""
import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.crossfade import SERVED_BY
from harness.http import JSON_TYPE, ask, bearer
from harness.processes import until
from messages_cases import TOOL
from test_cutover import entries, rule, start

__all__ = ["start"]
pytestmark = [pytest.mark.crossfade, pytest.mark.timeout(300)]
LANE = "messages:anthropic"
NUMBERS = itertools.count()


def rules(**options) -> dict[str, str]:
    return {"messages.yaml": rule(**options)["ocr.yaml"].replace("route: ocr", "route: messages")}


def drive(crossfade, count: int, group: str = "claude") -> list[str | None]:
    """Varied messages, two of three streamed, eight at a time; who served each."""
    def one(_: int):
        number = next(NUMBERS)
        options = [{}, {"temperature": 0.5}, {"system": "be brief"}, {"tools": [TOOL]}][number // 3 % 4]
        body = {"model": group, "max_tokens": 50, "messages": [{"role": "user", "content": f"question {number}"}], "stream": number % 3 > 0, **options}
        answer = ask(crossfade.url, "POST", "/v1/messages", [*bearer(), JSON_TYPE], json.dumps(body).encode())
        assert answer.status == 200, f"{answer.status}: {answer.text()[:300]}"
        assert number % 3 == 0 or answer.body.rstrip().endswith(b"}"), answer.body[-200:]
        return answer.header(SERVED_BY)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(count)))


def drive_until(crossfade, holds, what: str, most: int = 2000):
    driven = 0
    while not holds(crossfade.lane(LANE)):
        assert driven < most, f"{driven} requests and still not: {what}; lane: {json.dumps(crossfade.lane(LANE), indent=1)[:3000]}"
        drive(crossfade, 40)
        driven += 40
    return crossfade.lane(LANE)


BROKEN = {
    # The fault, where the differences lie, and where none does.
    "messages_change_delta": ("$.message.content[*].text", None),
    "messages_drop_last_event": ("$.events[*]", "$.message"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_lane_that_streams_climbs_and_falls(start, mock, fault):
    crossfade = start(rules())
    assert crossfade.lane(LANE)["stage"] == "shadow"
    drive_until(crossfade, lambda lane: lane["stage"] == "canary", "canary")
    lane = drive_until(crossfade, lambda lane: lane["stage"] == "full", "full")
    assert lane["outcomes"]["mismatch"] == 0 and lane["rollback"] is None
    assert [entry["to"]["stage"] for entry in reversed(entries(crossfade, "promote"))][-1] == "full"
    served = drive(crossfade, 60)
    assert served.count("native") >= 40, f"at full with a hold-out of a tenth: {served.count('native')} of 60 native"
    assert crossfade.metric("crossfade_shadow_provider_requests_total") == 0

    crossfade.set_fault(fault)
    lane = drive_until(crossfade, lambda lane: lane["rollback"] is not None, "the rollback after parity was broken on purpose")
    assert lane["stage"] == "shadow" and lane["rollback"]["text"], lane["rollback"]
    assert set(drive(crossfade, 12)) == {"python"}, "after the rollback nothing is served natively"
    crossfade.set_fault("")
    paths = {cause["path"] for cause in crossfade.api("/api/causes")["causes"]}
    layer, other = BROKEN[fault]
    assert layer in paths, paths
    assert other is None or not [path for path in paths if path.startswith(other)], paths


def test_the_provider_is_called_once_for_every_request(start, mock, slot):
    """At half weight and mirrored, streams and not: still one call each."""
    crossfade = start(rules(stage="canary"))
    mock.script(f"slot-{slot}", {})
    served = drive(crossfade, 120, f"claude-slot-{slot}")
    assert len(mock.seen(f"slot-{slot}", at_least=120)) == 120, f"{served.count('native')} were native"
