"""The loop on a lane that streams: streams on tape and their differences lift the lane and take it back."""
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import messages_cases
from harness.crossfade import SERVED_BY
from harness.http import JSON_TYPE, ask, bearer
from harness.processes import until
from streamed_routes import CHAT, MESSAGES, ROUTES, StreamedRoute
from test_cutover import entries, rule, start

__all__ = ["start"]
pytestmark = [pytest.mark.crossfade, pytest.mark.timeout(300)]
NUMBERS = itertools.count()


def rules(route: StreamedRoute, **options) -> dict[str, str]:
    return {f"{route.rule}.yaml": rule(**options)["ocr.yaml"].replace("route: ocr", f"route: {route.rule}")}


def drive(route: StreamedRoute, crossfade, count: int, group: str | None = None) -> list[str | None]:
    """Varied requests, two of three streamed, eight at a time; who served each."""
    def one(_: int):
        number = next(NUMBERS)
        options = route.options[number // 3 % len(route.options)]
        body = {**route.asked, "model": group or route.group, "messages": [{"role": "user", "content": f"question {number}"}], "stream": number % 3 > 0, **options}
        answer = ask(crossfade.url, "POST", route.path, [*bearer(), JSON_TYPE], json.dumps(body).encode())
        assert answer.status == 200, f"{answer.status}: {answer.text()[:300]}"
        assert number % 3 == 0 or b"data: " in answer.body.rstrip().splitlines()[-1], answer.body[-200:]
        return answer.header(SERVED_BY)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(count)))


def drive_until(route: StreamedRoute, crossfade, holds, what: str, most: int = 2000):
    driven = 0
    while not holds(crossfade.lane(route.lane)):
        assert driven < most, f"{driven} requests and still not: {what}; lane: {json.dumps(crossfade.lane(route.lane), indent=1)[:3000]}"
        drive(route, crossfade, 40)
        driven += 40
    return crossfade.lane(route.lane)


BROKEN = [(route, fault) for route in ROUTES.values() for fault in route.faults]


@pytest.mark.parametrize("route, fault", BROKEN, ids=[f"{route.name}-{fault}" for route, fault in BROKEN])
def test_a_lane_that_streams_climbs_and_falls(start, mock, route, fault):
    crossfade = start(rules(route))
    assert crossfade.lane(route.lane)["stage"] == "shadow"
    drive_until(route, crossfade, lambda lane: lane["stage"] == "canary", "canary")
    lane = drive_until(route, crossfade, lambda lane: lane["stage"] == "full", "full")
    assert lane["outcomes"]["mismatch"] == 0 and lane["rollback"] is None
    assert [entry["to"]["stage"] for entry in reversed(entries(crossfade, "promote"))][-1] == "full"
    served = drive(route, crossfade, 60)
    assert served.count("native") >= 40, f"at full with a hold-out of a tenth: {served.count('native')} of 60 native"
    assert crossfade.metric("crossfade_shadow_provider_requests_total") == 0

    crossfade.set_fault(fault)
    lane = drive_until(route, crossfade, lambda lane: lane["rollback"] is not None, "the rollback after parity was broken on purpose")
    assert lane["stage"] == "shadow" and lane["rollback"]["text"], lane["rollback"]
    assert set(drive(route, crossfade, 12)) == {"python"}, "after the rollback nothing is served natively"
    crossfade.set_fault("")
    paths = {cause["path"] for cause in crossfade.api("/api/causes")["causes"]}
    layer, other = route.faults[fault]
    assert layer in paths, paths
    assert other is None or not [path for path in paths if path.startswith(other)], paths


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_mirrored_traffic_is_equal(start, route, stream):
    """Python serves, the native leg runs on the tape: each of these requests is compared and equal."""
    crossfade = start(rules(route, promote="manual"))
    for number, options in enumerate(route.options):
        body = {**route.asked, "model": route.group, "messages": [{"role": "user", "content": f"mirrored {number}"}], "stream": stream, **options}
        answer = ask(crossfade.url, "POST", route.path, [*bearer(), JSON_TYPE], json.dumps(body).encode())
        assert (answer.status, answer.header(SERVED_BY)) == (200, "python"), answer.text()[:300]
    until(lambda: crossfade.metric("crossfade_outcomes_total") >= len(route.options), 30, "an outcome of each")
    outcomes = crossfade.lane(route.lane)["outcomes"]
    assert outcomes["match"] == len(route.options), (outcomes, crossfade.api("/api/causes")["causes"])


ON_ANTHROPIC = replace(CHAT, name="chat on anthropic", cases=messages_cases, lane="chat_completions:anthropic", group="claude", asked=MESSAGES.asked,
                       opening=MESSAGES.opening, ending=MESSAGES.ending)
LONG = {**ROUTES, ON_ANTHROPIC.name: ON_ANTHROPIC}
EVENTS = 400


@pytest.mark.parametrize("route", LONG.values(), ids=LONG)
def test_a_long_stream_is_equal(start, mock, slot, route):
    """Its time and its id are made up anew by each leg and stand in every chunk: that is one difference, and noise."""
    crossfade = start(rules(route, promote="manual"))
    late = [{"delay": 1.1}, {"send": route.opening}]
    mock.script(f"slot-{slot}", {"headers": [["content-type", "text/event-stream"]], "steps": [*late, *({"send": route.delta(f"word {number} ")} for number in range(EVENTS)), {"send": route.ending}]})
    body = {**route.asked, "model": route.slot(slot), "stream": True}
    answer = ask(crossfade.url, "POST", route.path, [*bearer(), JSON_TYPE], json.dumps(body).encode())
    assert (answer.status, answer.header(SERVED_BY)) == (200, "python"), answer.text()[:300]
    assert answer.body.count(b"data: ") > EVENTS
    until(lambda: crossfade.metric("crossfade_outcomes_total") >= 1, 30, "its outcome")
    lane = crossfade.lane(route.lane)
    assert lane["outcomes"]["match"] == 1, (lane["outcomes"], json.dumps(crossfade.api("/api/causes"))[:3000])
    [sample] = crossfade.api(f"/api/samples?lane={route.lane}&limit=5")["samples"]
    listed = [difference["path"] for difference in crossfade.api(f"/api/samples/{sample['id']}")["differences"]]
    assert len(listed) <= 4, listed


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_the_provider_is_called_once_for_every_request(start, mock, slot, route):
    """At half weight and mirrored, streams and not: still one call each."""
    crossfade = start(rules(route, stage="canary"))
    mock.script(f"slot-{slot}", {})
    served = drive(route, crossfade, 120, route.slot(slot))
    assert len(mock.seen(f"slot-{slot}", at_least=120)) == 120, f"{served.count('native')} were native"
