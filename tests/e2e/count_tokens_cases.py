"""The parity cases of `/v1/messages/count_tokens` as data: what the client asks, and what Anthropic answers."""
from dataclasses import dataclass

from harness import parity

USER = {"role": "user", "content": "Wie hoch? \u2028 \"quoted\" 😀"}
TOOL = {"name": "weather", "description": "tells", "input_schema": {"type": "object", "properties": {"city": {"type": "string", "description": "where"}}, "required": ["city"]}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
HISTORY = [
    {"role": "user", "content": [{"type": "text", "text": "see", "cache_control": {"type": "ephemeral"}}, IMAGE]},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}, {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Köln", "n": 1.50}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "sunny"}]}]},
]
JSON_HEADERS = [["content-type", "application/json"], ["request-id", "req_1"], ["anthropic-ratelimit-requests-remaining", "9"]]
COUNTED = {"headers": JSON_HEADERS, "body": {"input_tokens": 42}}
MISTRAL = {"model": "mistral/mistral-large-latest"}
OPENAI = {"model": "openai/gpt-4o", "api_base": "@CASE@/v1"}


def refused(status: int, kind: str, *headers) -> dict:
    return {"status": status, "headers": [*JSON_HEADERS, *headers], "body": {"type": "error", "error": {"type": kind, "message": "no é"}}}


BROKEN = refused(500, "api_error")


@dataclass
class Case(parity.Case):
    route = "counts"
    endpoint = "/v1/messages/count_tokens"
    asked = {"messages": [USER]}
    answered = COUNTED
    model = "anthropic/claude-sonnet-4-5"
    raw: bytes | None = None
    # What the other deployments of the group have instead.
    others: tuple[dict, ...] = ()

    def payload(self) -> bytes:
        return super().payload() if self.raw is None else self.raw


def told() -> list[Case]:
    """Anthropic tells a number."""
    bodies = {
        "plain": {}, "system": {"system": "be brief"}, "system-blocks": {"system": [{"type": "text", "text": "be", "cache_control": {"type": "ephemeral"}}]}, "tools": {"tools": [TOOL]},
        "image": {"messages": HISTORY[:1]}, "history": {"messages": HISTORY, "tools": [TOOL]}, "nulls": {"system": None, "tools": None}, "server-tools": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        "options": {"max_tokens": 5, "stream": True, "temperature": 0.5, "thinking": {"type": "enabled", "budget_tokens": 1024}, "tool_choice": {"type": "auto"}, "metadata": {"user_id": "u"}, "unknown": 1},
        "extra-headers": {"extra_headers": {"x-mine": "1"}}, "alias": {"model": "counts-by-another-name"}, "by-id": {"model": "id-of-counts"},
    }
    claude_code = [("user-agent", "claude-cli/2.1.0 (external, cli)"), ("anthropic-beta", "claude-code-20250219,token-counting-2024-11-01"), ("anthropic-version", "2023-06-01"), ("x-app", "cli")]
    numbers = {"zero": 0, "text": "7", "fraction": 7.5, "null": None, "large": 10**20}
    return [
        *(Case(f"told-{name}", body) for name, body in bodies.items()),
        *(Case(f"told-number-{name}", answers=[{**COUNTED, "body": {"input_tokens": number}}]) for name, number in numbers.items()),
        Case("told-claude-code", headers=claude_code, path="/v1/messages/count_tokens?beta=true"),
        Case("told-origin", headers=[("origin", "https://example.org")]),
        Case("told-own-options", deployment={"timeout": 5, "temperature": 1, "max_tokens": 7}),
        Case("told-by-a-base", deployment={"api_base": "https://api.anthropic.com/"}),
    ]


def failed() -> list[Case]:
    """It does not, and LiteLLM counts."""
    kinds = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error", 500: "api_error", 503: "api_error", 529: "overloaded_error"}
    return [
        *(Case(f"failed-{status}", answers=[refused(status, kind)]) for status, kind in kinds.items()),
        Case("failed-429-retry-after", answers=[refused(429, "rate_limit_error", ["retry-after", "5"]), COUNTED]),
        Case("failed-500-then-well", {"num_retries": 3}, [BROKEN, COUNTED]),
        Case("failed-tools", {"tools": [TOOL], "system": "be"}, [BROKEN]),
        Case("failed-history", {"messages": HISTORY, "tools": [TOOL]}, [BROKEN]),
        Case("failed-long", {"messages": [{"role": "user", "content": "Grüße aus dem langen Brief. " * 20_000}]}, [BROKEN]),
        Case("failed-claude-3", answers=[BROKEN], deployment={"model": "anthropic/claude-3-haiku-20240307"}),
        Case("failed-unpriced", answers=[BROKEN], deployment={"model": "anthropic/our-own-model"}),
        Case("failed-no-json", answers=[{"headers": JSON_HEADERS, "text": "hello"}]),
        Case("failed-list", answers=[{"headers": JSON_HEADERS, "text": "[1]"}]),
        Case("failed-no-number", answers=[{"headers": JSON_HEADERS, "body": {"input_tokens": "x"}}]),
        Case("failed-created", answers=[{**COUNTED, "status": 201}]),
        Case("failed-closed", answers=[{"close": True}, COUNTED]),
        Case("failed-reset", answers=[{"reset": True}, {"reset": True}, COUNTED]),
        Case("failed-cut", answers=[{**COUNTED, "cut": 5}, COUNTED]),
    ]


def counted() -> list[Case]:
    """LiteLLM asks nobody."""
    bodies = {"plain": {}, "system": {"system": "be brief"}, "tools": {"tools": [TOOL]}, "image": {"messages": HISTORY[:1]}, "history": {"messages": HISTORY, "tools": [TOOL]}}
    return [
        *(Case(f"counted-{name}", body, deployment=MISTRAL) for name, body in bodies.items()),
        Case("counted-origin", headers=[("origin", "https://example.org")], deployment=MISTRAL),
        Case("counted-by-another-provider", deployment={"model": "mistral-small", "custom_llm_provider": "mistral"}),
    ]


def groups() -> list[Case]:
    """Of several deployments the one with all the weight is asked."""
    other, third = ({"api_key": f"sk-of-nobody-{number}", "weight": 0} for number in range(2))
    return [
        Case("several", deployment={"weight": 1}, others=(other, third)),
        Case("several-refused", answers=[refused(429, "rate_limit_error")], deployment={"weight": 1}, others=(other,)),
        Case("several-alike", others=({"temperature": 0.5}, {"temperature": 1})),
        Case("mixed-told", deployment={"weight": 1}, others=({**MISTRAL, "weight": 0},)),
        Case("mixed-counted", deployment={**MISTRAL, "weight": 1}, others=({"model": Case.model, "weight": 0},)),
    ]


def left_to_python() -> list[Case]:
    """What the native leg does not serve: the answers are LiteLLM's, and the provider is asked as often."""
    bodies = {
        "no-model": {"model": ""}, "unknown-model": {"model": "nobody"}, "unknown-claude": {"model": "claude-opus-4-1"}, "several-models": {"model": "counts-told-plain,counts-told-tools"},
        "no-messages": {"messages": []}, "messages-of-text": {"messages": "hi"}, "no-content": {"messages": [{"role": "user"}]}, "tools-of-text": {"tools": ["x"]}, "tags": {"tags": ["a"]}, "own-base": {"api_base": "http://x"},
        "uncountable": {"messages": [{"role": "user", "content": [{"type": "redacted_thinking", "data": "x"}]}]},
    }
    return [
        *(Case(f"left-{name}", body, native="may") for name, body in bodies.items()),
        *(Case(f"left-raw-{name}", raw=raw, native="may") for name, raw in {"broken": b"{", "empty": b"", "list": b"[]"}.items()),
        Case("left-another-base", deployment={"api_base": "http://127.0.0.1:9"}, native="may"),
        Case("left-without-a-key", deployment={"api_key": None}, native="may"),
        # LiteLLM asks OpenAI to count as well, at the deployment's own address.
        Case("left-openai", answers=[{"headers": JSON_HEADERS, "body": {"object": "response.input_tokens", "input_tokens": 11}}], deployment=OPENAI, native="may"),
        Case("left-openai-failed", answers=[BROKEN], deployment=OPENAI, native="may"),
        Case("left-openai-mixed", deployment={"weight": 1}, others=({**OPENAI, "weight": 0},), native="may"),
    ]


def all_cases() -> list[Case]:
    return [*told(), *failed(), *counted(), *groups(), *left_to_python()]
