"""Cooldowns on the routes that have them, native against Python: whom one process rests, the other rests too.

LiteLLM is asked first, then Crossfade, which counts failures of its own: both see the same conversation from its start. The
first deployment of each group has all the weight, so that it is picked whenever it does not rest.
"""
import json
from dataclasses import dataclass
from types import ModuleType

import pytest

import chat_cases
import messages_cases
from harness import litellm
from harness.compare import answer_differences, assert_same, provider_differences
from harness.crossfade import PIN_TO_NATIVE, SERVED_BY, Crossfade
from harness.http import JSON_TYPE, MASTER_KEY, ask, bearer

pytestmark = pytest.mark.crossfade

PLAIN, RETRIED, STREAMED = {}, {"headers": {"x-litellm-num-retries": "2"}}, {"body": {"stream": True}}


@dataclass(frozen=True)
class Route:
    path: str
    model: str
    base: str
    """Behind the provider's address."""
    provider: ModuleType
    """How it speaks."""
    asked: dict

    def answer(self, said) -> dict:
        """A status with headers, or the name of a good answer."""
        if said == "good":
            return self.provider.Case.answered
        if said == "stream":
            return self.provider.streamed(*self.provider.WHOLE)
        if said == "broken":
            return self.provider.streamed(*self.provider.WHOLE[:3], self.provider.error_event("overloaded_error"))
        status, *headers = said
        refused = self.provider.refused(status, "api_error")
        return {**refused, "headers": [*refused["headers"], *headers]}


TURN = {"messages": [{"role": "user", "content": "hi"}]}
ROUTES = {
    "messages": Route("/v1/messages", "anthropic/claude-sonnet-4-5", "", messages_cases, {"max_tokens": 9, **TURN}),
    "chat": Route("/v1/chat/completions", "openai/gpt-4o", "/v1", chat_cases, TURN),
    "chat-anthropic": Route("/v1/chat/completions", "anthropic/claude-sonnet-4-5", "", messages_cases, {"max_tokens": 9, **TURN}),
}

# group -> what each deployment answers, one list a deployment, and what each request is.
CONVERSATIONS = {
    "rests-401": ([[(401,)], ["good"]], [PLAIN] * 3),
    "rests-401-retried": ([[(401,)], ["good"]], [RETRIED] * 2),
    "rests-429": ([[(429,), "good"], ["good"]], [PLAIN] * 3),
    "rests-429-shortly": ([[(429, ("retry-after", "0")), "good"], ["good"]], [PLAIN] * 2),
    "rests-500": ([[(500,)], ["good"]], [PLAIN] * 7),
    "rests-500-after-successes": ([["good"] * 5 + [(500,)], ["good"]], [PLAIN] * 13),
    "rests-400": ([[(400,)], ["good"]], [PLAIN] * 6),
    "rests-both": ([[(401,)], [(401,)]], [PLAIN] * 4),
    "rests-both-retried": ([[(429,)], [(429,)]], [RETRIED] * 3),
    "rests-lone-401": ([[(401,)]], [PLAIN] * 3),
    "rests-lone-429": ([[(429,), (429,), "good"]], [PLAIN] * 3),
    "rests-lone-500": ([[(500,)] * 6 + ["good"]], [PLAIN] * 7),
    "rests-stream-429": ([[(429,), "stream"], ["stream"]], [STREAMED] * 3),
    "rests-stream-500": ([["stream"] * 2 + [(500,)], ["stream"]], [STREAMED] * 9),
    "rests-stream-broken": ([["broken"], ["stream"]], [STREAMED] * 7),
}


@pytest.fixture(scope="module", params=ROUTES)
def both(request, mock, work):
    """LiteLLM and a Crossfade before it that pins everything native; one pair a route, for LiteLLM forgets failures of many
    deployments."""
    name, route = request.param, ROUTES[request.param]
    models = []
    for group, (deployments, _) in CONVERSATIONS.items():
        for number in range(len(deployments)):
            weight = {"weight": int(number == 0)} if len(deployments) > 1 else {}
            models.append(litellm.deployment(group, route.model, mock.case_url(f"{name}-{group}-{number}") + route.base, **weight))
    settings = {"num_retries": 0, "cooldown_time": 120}
    python = litellm.LiteLlm(work, f"cooldowns-{name}", litellm.config(models, router_settings=settings)).start().ready()
    running = Crossfade(work / f"cooldowns-{name}", python.url, python.config, {"everything.yaml": PIN_TO_NATIVE}).start().ready()
    yield name, python.url, running.url
    running.stop()
    python.stop()


def converse(name, url, group, mock):
    """The answers, and what each deployment was asked."""
    deployments, requests = CONVERSATIONS[group]
    route = ROUTES[name]
    for number, answers in enumerate(deployments):
        mock.script(f"{name}-{group}-{number}", *map(route.answer, answers))

    def one(headers=(), body=()):
        payload = json.dumps({"model": group, **route.asked, **dict(body)}).encode()
        return ask(url, "POST", route.path, [*bearer(MASTER_KEY), JSON_TYPE, *dict(headers).items()], payload)

    answers = [one(**request) for request in requests]
    return answers, [mock.seen(f"{name}-{group}-{number}") for number in range(len(deployments))]


@pytest.mark.parametrize("group", CONVERSATIONS)
def test_cooldowns(group, both, mock):
    name, python, native = both
    controls, control_seen = converse(name, python, group, mock)
    candidates, candidate_seen = converse(name, native, group, mock)
    for number, (control, candidate) in enumerate(zip(controls, candidates)):
        assert_same(answer_differences(control, candidate), f"{name} {group}, request {number}")
        assert candidate.header(SERVED_BY) == "native", f"{name} {group}, request {number} was left to Python"
    for number, (one, other) in enumerate(zip(control_seen, candidate_seen)):
        assert_same(provider_differences(one, other), f"{name} {group}, deployment {number}")
