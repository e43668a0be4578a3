"""The whole loop: evidence lifts the lane, broken parity takes it back, operators overrule, and a power cut forgets nothing.

Parity is broken on purpose by builds with the feature `fault-injection`: they read the name of a fault from the file in
CROSSFADE_FAULT_FILE for every request. `ocr_drop_last_page` makes the native leg lose the last page of a document.
"""
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest

from harness.crossfade import SERVED_BY, Crossfade, command_line
from harness.http import JSON_TYPE, ask, bearer
from harness.processes import until

pytestmark = [pytest.mark.crossfade, pytest.mark.timeout(300)]
# Relaxed until a lane can climb within a test; the arithmetic is the real one.
RELAXED = """
route: ocr
stage: {stage}
mirror: 1.0
sticky_by: request
canary: {{ steps: [0.25, 0.5], minimum_time: 1s }}
holdout: {holdout}
gate: {{ mismatch_rate_max: 0.2, alpha: 0.05, unseen_shape_max: 1.0, uncompared_max: 1.0, minimum_time: 1s, caller_hourly_max: 1000000 }}
rollback: {{ mismatch_rate_ok: 0.0005, average_run_length: 100000, native_5xx_max: 50, cooldown: 1h }}
promote: {promote}
"""


def rule(stage="shadow", holdout="0.1", promote="automatic") -> dict[str, str]:
    return {"ocr.yaml": RELAXED.format(stage=stage, holdout=holdout, promote=promote)}


@pytest.fixture
def start(tapped, fleet, tmp_path):
    """Starts Crossfade in front of the tapped LiteLLM, one at a time: the tap's port is fixed in LiteLLM's config."""
    running = []

    def begin(rules, directory=None, ready=True, **options):
        one = Crossfade(directory or tmp_path / f"crossfade-{len(running)}", tapped.url, fleet.shadow_config, rules, tap_port=fleet.tap_port, **options).start()
        running.append(one)
        return one.ready() if ready else one

    yield begin
    for one in running:
        one.stop()


NUMBERS = itertools.count()


def drive(crossfade, count: int, group: str = "ocr") -> list[str | None]:
    """Varied OCR requests, eight at a time; who served each."""
    def one(_: int):
        # Never the same request twice: a repeated one is no new evidence.
        number = next(NUMBERS)
        document = {"type": "document_url", "document_url": f"https://example.org/{number}.pdf"}
        options = [{}, {"pages": [number % 5]}, {"include_image_base64": number % 2 == 0}, {"image_limit": number % 7}][number % 4]
        body = json.dumps({"model": group, "document": document, **options}).encode()
        answer = ask(crossfade.url, "POST", "/v1/ocr", [*bearer(), JSON_TYPE], body)
        assert answer.status == 200, f"{answer.status}: {answer.text()[:300]}"
        return answer.header(SERVED_BY)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(count)))


def drive_until(crossfade, holds, what: str, most: int = 3000):
    """Traffic until the lane is as wanted."""
    driven = 0
    while not holds(crossfade.lane()):
        assert driven < most, f"{driven} requests and still not: {what}; lane: {json.dumps(crossfade.lane(), indent=1)[:3000]}"
        drive(crossfade, 40)
        driven += 40
    return crossfade.lane()


def entries(crossfade, action: str) -> list[dict]:
    return [entry for entry in crossfade.api("/api/journal?limit=200")["entries"] if entry["action"] == action]


def test_the_lane_climbs_and_falls(start, mock):
    crossfade = start(rule())
    assert crossfade.lane()["stage"] == "shadow"
    calls_before = mock.requests()
    drive_until(crossfade, lambda lane: lane["stage"] == "canary", "canary")
    lane = drive_until(crossfade, lambda lane: lane["stage"] == "full", "full")
    assert lane["outcomes"]["mismatch"] == 0 and lane["rollback"] is None
    steps = [(entry["to"]["stage"], entry["to"]["weight"]) for entry in reversed(entries(crossfade, "promote"))]
    assert [weight for stage, weight in steps if stage == "canary"] == [0.25, 0.5] and steps[-1][0] == "full", steps
    assert all(entry["actor"] == "controller" and entry["reason"] and entry["evidence"] for entry in entries(crossfade, "promote"))
    served = drive(crossfade, 100)
    assert served.count("native") >= 70, f"at full with a hold-out of a tenth: {served.count('native')} of 100 native"
    assert crossfade.metric("crossfade_shadow_provider_requests_total") == 0
    assert mock.requests() > calls_before, "nobody asked the provider"

    crossfade.set_fault("ocr_drop_last_page")
    lane = drive_until(crossfade, lambda lane: lane["rollback"] is not None, "the rollback after parity was broken on purpose")
    assert lane["stage"] in ("off", "shadow") and lane["rollback"]["text"], lane["rollback"]
    assert set(drive(crossfade, 40)) == {"python"}, "after the rollback nothing is served natively"
    causes = crossfade.api("/api/causes")["causes"]
    assert any("pages" in cause["path"] for cause in causes), causes
    assert entries(crossfade, "rollback")[0]["actor"] == "controller"
    crossfade.set_fault("")
    drive(crossfade, 80)
    assert crossfade.lane()["stage"] in ("off", "shadow"), "the cool-down of an hour keeps it down"


def test_a_panic_fails_open_and_takes_the_lane_back(start, mock):
    """Before any effect: Python answers, once, and one panic is one too many for the lane."""
    crossfade = start(rule(promote="manual"))
    drive_until(crossfade, lambda lane: lane["outcomes"]["match"] >= 40, "every shape compared")
    crossfade.write_rule("ocr.yaml", rule(stage="full", holdout="0.0", promote="manual")["ocr.yaml"])
    until(lambda: crossfade.lane()["stage"] == "full", 20, "the stage that the rule says")
    assert set(drive(crossfade, 8)) == {"native"}

    mock.script("ocr", {})
    crossfade.set_fault("panic_early")
    assert drive(crossfade, 1) == ["python"]
    assert len(mock.seen("ocr", at_least=1)) == 1, "one request, one call"
    assert crossfade.metric("crossfade_native_panics_total") == 1
    until(lambda: crossfade.lane()["rollback"] is not None, 20, "the rollback after a panic")
    crossfade.set_fault("")
    lane = crossfade.lane()
    assert (lane["stage"], lane["rollback"]["trigger"]) == ("shadow", "panic"), lane["rollback"]
    assert crossfade.metric("crossfade_rollbacks_total", trigger="panic") == 1
    assert crossfade.metric("crossfade_outcomes_total", reason="shadow_failed") == 1
    assert set(drive(crossfade, 8)) == {"python"}, "after the rollback nothing is served natively"


def test_a_native_leg_that_became_slow_is_taken_back(start, mock):
    """The provider's time is not its own: with a slow provider the lane stays, with 300 ms of its own it falls."""
    # A step would begin its own count, so none is made.
    held = rule(stage="canary", promote="manual")["ocr.yaml"].replace("cooldown:", "overhead_ms_max: 250, cooldown:")
    crossfade = start({"ocr.yaml": held})
    mock.script("ocr", {"delay": 0.4})
    try:
        drive_until(crossfade, lambda lane: lane["latency"]["native_ms_p50"] and lane["latency"]["python_overhead_us_p50"], "answers of both legs")
    finally:
        mock.script("ocr", {})
    lane = crossfade.lane()
    assert lane["stage"] == "canary" and lane["rollback"] is None, lane["rollback"]
    latency = lane["latency"]
    assert latency["native_ms_p50"] > 350 and latency["native_overhead_us_p50"] < 200_000, latency
    assert latency["python_ms_p50"] > 350 and latency["python_overhead_us_p50"], latency
    crossfade.set_fault("slow_early")
    drive_until(crossfade, lambda lane: lane["rollback"] is not None, "the rollback of a slow native leg", most=400)
    assert crossfade.lane()["rollback"]["trigger"] == "overhead"
    crossfade.set_fault("")


def test_the_provider_is_called_once_for_every_request(start, mock):
    """At half weight and mirrored: still one call each."""
    crossfade = start(rule(stage="canary"), ready=True)
    mock.script("ocr", {})
    served = drive(crossfade, 120)
    assert len(mock.seen("ocr", at_least=120)) == 120, f"{served.count('native')} were native"


def test_hold_freeze_and_release(start):
    crossfade = start(rule())
    crossfade.api("/api/lanes/ocr:mistral/hold", {"reason": "looking"})
    drive(crossfade, 300)
    lane = crossfade.lane()
    assert lane["stage"] == "shadow" and lane["hold"], "a held lane moved"
    assert not next(check for check in lane["gate"]["checks"] if check["name"] == "hold")["ok"]
    crossfade.api("/api/freeze", {"reason": "incident elsewhere"})
    crossfade.api("/api/lanes/ocr:mistral/release", {"reason": "looked"})
    drive(crossfade, 80)
    assert crossfade.lane()["stage"] == "shadow" and crossfade.api("/api/status")["frozen"], "a frozen lane moved"
    crossfade.api("/api/unfreeze", {"reason": "over"})
    drive_until(crossfade, lambda lane: lane["stage"] == "canary", "canary after release and unfreeze")
    assert [entry["reason"] for entry in entries(crossfade, "hold")] == ["looking"]


def test_operators_move_lanes_and_are_named(start):
    crossfade = start(rule(promote="manual"))
    drive(crossfade, 300)
    assert crossfade.lane()["stage"] == "shadow", "promote: manual moved by itself"
    environment = {"CROSSFADE_ADMIN_TOKEN": "token-of-tests"}
    for arguments in (["status"], ["promote", "ocr:mistral", "--reason", "ready"], ["hold", "ocr:mistral", "--reason", "wait"], ["rollback", "ocr:mistral", "--reason", "no"], ["freeze", "--reason", "stop"]):
        done = command_line(*arguments, "--admin", crossfade.admin, environment=environment)
        assert done.returncode == 0, f"crossfade {' '.join(arguments)}: {done.stderr or done.stdout}"
    assert crossfade.lane()["stage"] in ("off", "shadow")
    assert entries(crossfade, "promote")[0]["actor"].startswith("operator") and entries(crossfade, "rollback")[0]["reason"] == "no"


def test_kill_and_restart(start, tmp_path):
    """kill -9 in the middle of the climb: stage, weight, evidence and journal are as they were."""
    first = start(rule(), tmp_path / "killed")
    drive_until(first, lambda lane: lane["stage"] == "canary", "canary")
    first.api("/api/lanes/ocr:mistral/hold", {"reason": "so that nothing moves while it is killed"})
    drive(first, 40)
    until(lambda: first.lane()["evidence"]["pairs"] > 0, 20, "evidence of the step")
    counted = first.lane()["evidence"]["pairs"]
    # What an operator does is written with all that was counted until then; without it, a second's evidence may be lost.
    first.api("/api/lanes/ocr:mistral/hold", {"reason": "once more, so that it is written"})
    before, journal = first.lane(), first.api("/api/journal?limit=200")["entries"]
    first.process.kill()
    second = start(rule(), tmp_path / "killed")
    after = second.lane()
    assert [after[key] for key in ("stage", "weight", "hold")] == [before[key] for key in ("stage", "weight", "hold")]
    assert after["evidence"]["pairs"] >= counted, "the evidence is gone"
    assert [entry["id"] for entry in journal] == [entry["id"] for entry in second.api("/api/journal?limit=200")["entries"]][-len(journal):]


def test_kill_in_the_middle_of_traffic(start, tmp_path):
    """A stage never comes back higher than the journal says."""
    first = start(rule(), tmp_path / "killed")
    killer = threading.Timer(2.0, first.process.kill)
    killer.start()
    try:
        while first.process.alive():
            drive(first, 40)
    except (OSError, AssertionError, HTTPException):
        pass  # the requests under way die with it
    killer.join()  # its locks are free once it is gone
    second = start(rule(), tmp_path / "killed")
    lane, promotions = second.lane(), entries(second, "promote")
    journalled = (promotions[0]["to"]["stage"], promotions[0]["to"]["weight"]) if promotions else ("shadow", 0)
    order = ["off", "shadow", "canary", "full"]
    assert (order.index(lane["stage"]), lane["weight"]) <= (order.index(journalled[0]), journalled[1] or 0) or lane["stage"] == journalled[0]


def test_changed_rules_start_the_evidence_anew(start):
    crossfade = start(rule(promote="manual"))
    drive(crossfade, 80)
    until(lambda: crossfade.lane()["evidence"]["pairs"] >= 40, 20, "evidence")
    key = crossfade.lane()["evidence"]["key"]["rules"]
    crossfade.write_rule("ocr.yaml", rule(promote="manual")["ocr.yaml"].replace("mismatch_rate_max: 0.2", "mismatch_rate_max: 0.3"))
    until(lambda: crossfade.lane()["evidence"]["key"]["rules"] != key, 20, "the new rules' hash")
    assert crossfade.lane()["evidence"]["pairs"] == 0


def test_one_noisy_client_does_not_carry_the_gate(start):
    crossfade = start({"ocr.yaml": rule()["ocr.yaml"].replace("caller_hourly_max: 1000000", "caller_hourly_max: 5")})
    drive(crossfade, 400)
    lane = crossfade.lane()
    assert lane["stage"] == "shadow", f"one caller alone lifted the lane: {lane['evidence']}"


def test_not_comparing_does_not_pass_the_gate(start):
    """With a tiny sample rate nearly everything is uncompared: the gate must say so and hold."""
    text = rule()["ocr.yaml"].replace("mirror: 1.0", "mirror: 0.001").replace("uncompared_max: 1.0", "uncompared_max: 0.05")
    crossfade = start({"ocr.yaml": text})
    drive(crossfade, 300)
    assert crossfade.lane()["stage"] == "shadow"


def test_shadow_work_is_shed_before_it_hurts(start):
    crossfade = start(rule(promote="manual"))
    drive(crossfade, 200)
    until(lambda: crossfade.metric("crossfade_outcomes_total") >= 200, 30, "an outcome for every request, compared or shed")
    shadow = crossfade.api("/api/status")["shadow"]
    assert shadow["queue"] <= shadow["queue_limit"] and shadow["bytes"] <= shadow["bytes_limit"] and shadow["provider_requests_total"] == 0
