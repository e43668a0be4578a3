"""Cooldowns on `/v1/messages`, native against Python: whom one process rests, the other rests too.

LiteLLM is asked first, then Crossfade, which counts failures of its own: both see the same conversation from its start. The
first deployment of each group has all the weight, so that it is picked whenever it does not rest.
"""
import json

import pytest

from harness import litellm
from harness.compare import answer_differences, assert_same, provider_differences
from harness.crossfade import PIN_TO_NATIVE, SERVED_BY, Crossfade
from harness.http import JSON_TYPE, MASTER_KEY, ask, bearer

pytestmark = pytest.mark.crossfade

GOOD = {"body": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "stop_reason": "end_turn", "stop_sequence": None,
                 "content": [{"type": "text", "text": "hi"}], "usage": {"input_tokens": 3, "output_tokens": 2}}}
RETRIES = {"x-litellm-num-retries": "2"}


def failing(status, *headers):
    return {"status": status, "headers": list(headers), "body": {"type": "error", "error": {"type": "api_error", "message": f"status {status}"}}}


# group -> what each deployment answers, one list a deployment, and the headers of each request.
CONVERSATIONS = {
    "rests-401": ([[failing(401)], [GOOD]], [{}] * 3),
    "rests-401-retried": ([[failing(401)], [GOOD]], [RETRIES] * 2),
    "rests-429": ([[failing(429), GOOD], [GOOD]], [{}] * 3),
    "rests-429-shortly": ([[failing(429, ("retry-after", "0")), GOOD], [GOOD]], [{}] * 2),
    "rests-500": ([[failing(500)], [GOOD]], [{}] * 7),
    "rests-500-after-successes": ([[GOOD] * 5 + [failing(500)], [GOOD]], [{}] * 13),
    "rests-400": ([[failing(400)], [GOOD]], [{}] * 6),
    "rests-both": ([[failing(401)], [failing(401)]], [{}] * 4),
    "rests-both-retried": ([[failing(429)], [failing(429)]], [RETRIES] * 3),
    "rests-lone-401": ([[failing(401)]], [{}] * 3),
    "rests-lone-429": ([[failing(429), failing(429), GOOD]], [{}] * 3),
    "rests-lone-500": ([[failing(500)] * 6 + [GOOD]], [{}] * 7),
}


@pytest.fixture(scope="module")
def both(mock, work):
    """LiteLLM and a Crossfade before it that pins everything native."""
    models = []
    for group, (deployments, _) in CONVERSATIONS.items():
        for number in range(len(deployments)):
            weight = {"weight": int(number == 0)} if len(deployments) > 1 else {}
            models.append(litellm.deployment(group, "anthropic/claude-sonnet-4-5", mock.case_url(f"{group}-{number}"), **weight))
    settings = {"num_retries": 0, "cooldown_time": 120}
    python = litellm.LiteLlm(work, "cooldowns", litellm.config(models, router_settings=settings)).start().ready()
    running = Crossfade(work / "cooldowns", python.url, python.config, {"everything.yaml": PIN_TO_NATIVE}).start().ready()
    yield python.url, running.url
    running.stop()
    python.stop()


def converse(url, group, mock):
    """The answers, and what each deployment was asked."""
    deployments, requests = CONVERSATIONS[group]
    for number, answers in enumerate(deployments):
        mock.script(f"{group}-{number}", *answers)
    body = json.dumps({"model": group, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).encode()
    answers = [ask(url, "POST", "/v1/messages", [*bearer(MASTER_KEY), JSON_TYPE, *headers.items()], body) for headers in requests]
    return answers, [mock.seen(f"{group}-{number}") for number in range(len(deployments))]


@pytest.mark.parametrize("group", CONVERSATIONS)
def test_cooldowns(group, both, mock):
    python, native = both
    controls, control_seen = converse(python, group, mock)
    candidates, candidate_seen = converse(native, group, mock)
    for number, (control, candidate) in enumerate(zip(controls, candidates)):
        assert_same(answer_differences(control, candidate), f"{group}, request {number}")
        assert candidate.header(SERVED_BY) == "native", f"{group}, request {number} was left to Python"
    for number, (one, other) in enumerate(zip(control_seen, candidate_seen)):
        assert_same(provider_differences(one, other), f"{group}, deployment {number}")
