"""`/v1/messages/count_tokens`, native against Python: Anthropic is asked alike and as often, and the client gets the same answer.

LiteLLM asks Anthropic at its own address, past every tap. Here the name leads to the mock, for both legs.
"""
import json

import pytest

from conftest import DIRECT
from count_tokens_cases import COUNTED, USER, Case, all_cases, refused
from harness import litellm
from harness.anthropic import Anthropic
from harness.compare import answer_differences, assert_same, provider_differences
from harness.crossfade import PIN_TO_NATIVE, SERVED_BY, Crossfade, command_line
from harness.http import JSON_TYPE, ask, bearer
from harness.parity import ask_case, check_parity, run, run_both
from harness.processes import free_port, until

CASES = {case.id: case for case in all_cases()}
REFUSED = Case("refused-connection")
RESTING = Case("resting")
MESSAGE = json.dumps({"model": RESTING.group, "max_tokens": 5, "messages": [USER]}).encode()
SHADOWED = Case("shadowed")
REPLAYED = Case("replayed")


def models(case: Case, mock) -> list[dict]:
    """The deployments of a case's group: its own, then the others."""
    found = []
    for own in [case.deployment, *case.others]:
        parameters = {"model": case.model, "api_key": f"sk-of-{case.group}", **own}
        written = {name: value.replace("@CASE@", mock.case_url(case.group)) if isinstance(value, str) else value for name, value in parameters.items()}
        found.append({"model_name": case.group, "litellm_params": {name: value for name, value in written.items() if value is not None}})
    return found


@pytest.fixture(scope="module")
def anthropic(work, mock):
    running = Anthropic(work / "anthropic", mock)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def counting(work, mock, anthropic):
    """The control: a LiteLLM that meets the mock under Anthropic's name."""
    cases = [*CASES.values(), REFUSED, RESTING, SHADOWED, REPLAYED]
    deployments = [model for case in cases for model in models(case, mock)]
    named = next(model for model in deployments if model["model_name"] == CASES["told-by-id"].group)
    named["model_info"] = {"id": "id-of-counts"}
    # So many deployments that LiteLLM forgets failures of theirs: what rests has a LiteLLM of its own.
    config = litellm.config(deployments, router_settings={"model_group_alias": {"counts-by-another-name": CASES["told-alias"].group}, "disable_cooldowns": True})
    running = litellm.LiteLlm(work, "counting", config, {**anthropic.environment, "ANTHROPIC_API_KEY": None, "ANTHROPIC_API_BASE": None}).start().ready()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def pinned(work, counting, anthropic):
    """Crossfade before it, everything native."""
    running = Crossfade(work / "counting", counting.url, counting.config, {"everything.yaml": PIN_TO_NATIVE}, environment=anthropic.environment).start().ready()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def native_url(request, counting) -> str:
    return counting.url if DIRECT else request.getfixturevalue("pinned").url


@pytest.fixture(scope="module")
def results(counting, native_url, mock):
    return run_both(CASES, ["told-plain", "left-no-content"], counting.url, native_url, mock)


@pytest.mark.parametrize("identity", CASES)
def test_counts(identity, results):
    check_parity(CASES[identity], results, not DIRECT)


def test_litellm_was_led_to_the_mock(results):
    """Or everything above would compare LiteLLM's own counts."""
    (control, seen), _ = results["told-plain"]
    assert json.loads(control.body) == {"input_tokens": 42}
    assert [request["path"] for request in seen] == ["/v1/messages/count_tokens"]
    assert dict(seen[0]["headers"])["host"] == "api.anthropic.com"


def test_nobody_listens_at_anthropic(anthropic, counting, native_url, mock):
    anthropic.stop()
    try:
        control, candidate = (run(REFUSED, url, mock)[0] for url in (counting.url, native_url))
    finally:
        anthropic.start()
    assert_same(answer_differences(control, candidate), "a refused connection")
    assert control.status == 200 and (DIRECT or candidate.header(SERVED_BY) == "native")


def test_a_wrong_key_is_pythons_to_refuse(counting, native_url):
    control, candidate = (ask(url, "POST", Case.endpoint, [*bearer("sk-wrong"), JSON_TYPE], REFUSED.payload()) for url in (counting.url, native_url))
    assert_same(answer_differences(control, candidate), "a wrong key")
    assert control.status == 400, "without a database there are no other keys"


@pytest.mark.crossfade
def test_a_group_that_rests_is_counted_for_its_name(work, mock, anthropic):
    """A refused count rests nobody, a refused message does; each leg knows what it served itself."""
    config = litellm.config(models(RESTING, mock), router_settings={"num_retries": 0, "cooldown_time": 120})
    python = litellm.LiteLlm(work, "counting-rests", config, anthropic.environment).start().ready()
    running = Crossfade(work / "counting-rests", python.url, python.config, {"everything.yaml": PIN_TO_NATIVE}, environment=anthropic.environment).start().ready()
    try:
        (control, control_seen), (candidate, candidate_seen) = (rest(url, mock) for url in (python.url, running.url))
    finally:
        running.stop()
        python.stop()
    for number, (one, other) in enumerate(zip(control, candidate)):
        assert_same(answer_differences(one, other), f"request {number}")
        assert other.header(SERVED_BY) == "native", f"request {number} was left to Python"
    assert_same(provider_differences(control_seen, candidate_seen), "the provider")
    assert [answer.status for answer in control] == [200, 200, 401, 200, 429]
    assert len(control_seen) == 3, "a resting deployment is not asked"


def rest(url: str, mock):
    """Two refused counts, a refused message, and a count and a message while the deployment rests."""
    mock.script(RESTING.group, refused(401, "authentication_error"))

    def message():
        return ask(url, "POST", "/v1/messages", [*bearer(), JSON_TYPE], MESSAGE)

    answers = [ask_case(RESTING, url), ask_case(RESTING, url), message(), ask_case(RESTING, url), message()]
    return answers, mock.seen(RESTING.group)


@pytest.mark.crossfade
def test_a_shadow_neither_asks_nor_compares(work, mock, anthropic, counting):
    """LiteLLM asks past the tap, so there is no tape; and without one nothing is compared, and nobody asked a second time."""
    rule = {"counts.yaml": "route: count_tokens\nstage: shadow\n"}
    running = Crossfade(work / "counting-shadow", counting.url, counting.config, rule, environment=anthropic.environment).start().ready()
    try:
        answer, seen = run(SHADOWED, running.url, mock)
        assert (answer.status, answer.header(SERVED_BY), len(seen)) == (200, "python", 1)
        assert "extra_headers" not in seen[0]["body"]
        until(lambda: running.metric("crossfade_outcomes_total", lane="count_tokens:anthropic", reason="no_tape") == 1, 20, "a skipped comparison")
        lane = running.lane("count_tokens:anthropic")
        assert (lane["stage"], lane["gate"]["ready"]) == ("shadow", False), lane
        assert running.metric("crossfade_shadow_provider_requests_total") == 0
        assert len(mock.seen(SHADOWED.group)) == 1
    finally:
        running.stop()


@pytest.mark.crossfade
def test_replay_takes_recorded_controls_only(counting, mock, tmp_path):
    answer, seen = run(REPLAYED, counting.url, mock)
    body = {"json": json.loads(REPLAYED.payload())}
    attempt = {"url": f"https://api.anthropic.com{seen[0]['path']}", "headers": seen[0]["headers"], "body": {"text": seen[0]["body"]}}
    control = {"status": answer.status, "headers": [list(pair) for pair in answer.headers], "body": {"text": answer.text()}, "attempts": [attempt]}
    case = {"id": "counted", "request": {"path": Case.endpoint, "body": body}, "tape": [{"headers": [list(JSON_TYPE)], "body": {"json": COUNTED["body"]}}]}
    file, prices = tmp_path / "cases.jsonl", tmp_path / "prices.json"
    prices.write_bytes(ask(counting.url, "GET", "/public/litellm_model_cost_map").body)
    arguments = ["replay", str(file), "--config", str(counting.config), "--rules", "/nonexistent", "--price-map", str(prices), "--format", "json"]
    file.write_text(json.dumps({**case, "control": control}) + "\n")
    report = json.loads(command_line(*arguments).stdout)
    assert report["cases"][0]["verdict"] == "match", report
    # LiteLLM would ask the real Anthropic.
    file.write_text(json.dumps(case) + "\n")
    mock.script(REPLAYED.group, COUNTED)
    done = command_line(*arguments, "--against", counting.url, "--tap", f"127.0.0.1:{free_port()}")
    assert done.returncode == 1 and json.loads(done.stdout)["cases"][0]["verdict"] == "failed", done.stdout
    assert mock.seen(REPLAYED.group) == []
