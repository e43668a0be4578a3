"""The parity cases of `/v1/messages` as data: what the client asks, what the provider answers attempt by attempt."""
import json
from functools import partial

from harness import parity

USER = {"role": "user", "content": "Wie hoch? \u2028 \"quoted\" 😀"}
TOOL = {"name": "weather", "description": "tells", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
JSON_HEADERS = [["content-type", "application/json"], ["request-id", "req_1"], ["anthropic-ratelimit-requests-limit", "10"]]
SSE_HEADERS = [["content-type", "text/event-stream; charset=utf-8"], ["cache-control", "no-cache"], ["request-id", "req_1"]]
KEPT_ALIVE = [["connection", "keep-alive"], ["keep-alive", "timeout=5"]]
USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4, "output_tokens": 5}
GOOD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": [{"type": "text", "text": "hé 日本 😀"}],
        "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE}


def event(kind: str, **data) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=False)}\n\n"


def delta(text: str, index: int = 0) -> str:
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": text})


def opened(block: dict, index: int = 0) -> str:
    return event("content_block_start", index=index, content_block=block)


START = event("message_start", message={**GOOD, "content": [], "stop_reason": None})
OPEN = opened({"type": "text", "text": ""})
PING = event("ping")
CLOSE = event("content_block_stop", index=0)
ENDING = event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 5})
STOP = event("message_stop")
WORDS = ["Zwölf ", "Meter", ", 日本 ", "😀", "."]
# A ping in a piece of its own LiteLLM drops or keeps by chance.
WHOLE = [START, OPEN + PING, *map(delta, WORDS), CLOSE, ENDING, STOP]
THINKING = [
    START, opened({"type": "thinking", "thinking": "", "signature": ""}), event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"}),
    event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2ln"}), CLOSE, opened({"type": "text", "text": ""}, 1), delta("so", 1),
    event("content_block_stop", index=1), ENDING, STOP,
]
TOOL_USE = [
    START, opened({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}), event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": ""}),
    event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"city":'}), event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": ' "Bern"}'}),
    CLOSE, event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 9}), STOP,
]


def error_event(kind: str) -> str:
    return event("error", error={"type": kind, "message": "boom é"})


def refused(status: int, kind: str = "invalid_request_error", **answer) -> dict:
    return {"status": status, "headers": JSON_HEADERS, "body": {"type": "error", "error": {"type": kind, "message": "no é"}, "request_id": "req_1"}, **answer}


streamed = partial(parity.streamed, SSE_HEADERS)


class Case(parity.Case):
    route = "messages"
    endpoint = "/v1/messages"
    asked = {"max_tokens": 3000, "messages": [USER]}
    answered = {"headers": JSON_HEADERS, "body": GOOD}
    model = "anthropic/claude-sonnet-4-5"


def requests() -> list[Case]:
    system = [{"type": "text", "text": "be", "cache_control": {"type": "ephemeral"}}]
    turns = [USER, {"role": "assistant", "content": [{"type": "text", "text": ""}, {"type": "tool_use", "id": "functions.x:0", "name": "weather", "input": {"a": 1.50}}]},
             {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "functions.x:0", "content": "x"}]}]
    bodies = {
        "plain": {}, "system": {"system": system}, "tools": {"tools": [TOOL], "tool_choice": {"type": "any"}}, "sampling": {"temperature": 0.7, "top_k": 5, "stop_sequences": ["x"]},
        "thinking": {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "history": {"messages": turns}, "nulls": {"system": None, "temperature": None},
        "user-id": {"metadata": {"user_id": "someone"}}, "unknown": {"frobnicate": {"deep": [1, 2.50, None]}}, "extra-headers": {"extra_headers": {"x-mine": "1"}},
    }
    cases = [Case(f"request-{name}", body) for name, body in bodies.items()]
    return [
        *cases,
        Case("request-betas", headers=[("anthropic-beta", "b, a"), ("anthropic-version", "2024-01-01")]),
        Case("request-call-id", headers=[("x-litellm-call-id", "mine"), ("x-request-id", "also-mine")]),
        Case("request-origin", headers=[("origin", "https://example.org")]),
        Case("request-tags", {"tags": ["a"]}, native="may"),
        Case("answer-odd", answers=[{"headers": JSON_HEADERS, "body": {**GOOD, "extra": {"b": [1e-7, 1.0, 10 ** 20]}}}]),
        Case("answer-list", {"num_retries": 0}, [{"headers": JSON_HEADERS, "text": "[1]"}]),
        Case("answer-no-json", {"num_retries": 0}, [{"headers": JSON_HEADERS, "text": "hello"}]),
    ]


def errors() -> list[Case]:
    statuses = [400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529]
    cases = [Case(f"error-{status}", {"num_retries": 0}, [refused(status)]) for status in statuses]
    cases += [Case(f"error-stream-{status}", {"num_retries": 0, "stream": True}, [refused(status)]) for status in (400, 401, 413, 429, 500, 529)]
    good = {"headers": JSON_HEADERS, "body": GOOD}
    return [
        *cases,
        Case("retried-500", answers=[refused(500), good]),
        Case("retried-429", answers=[refused(429, headers=[*JSON_HEADERS, ["retry-after", "1"]]), good]),
        Case("retried-529-then-503", answers=[refused(529), refused(503), good]),
        Case("retried-in-vain", answers=[refused(500, "api_error")]),
        Case("retried-closed", answers=[{"close": True}, good]),
        Case("retried-reset", answers=[{"reset": True}, {"reset": True}, good]),
        Case("retried-cut", answers=[{"headers": JSON_HEADERS, "body": GOOD, "cut": 30}, good]),
        Case("retried-before-a-stream", {"stream": True}, [refused(500), {"close": True}, streamed(*WHOLE)]),
        Case("retried-signature", {"messages": [USER, {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}, {"type": "text", "text": "t"}]}, USER]},
             [{"status": 400, "headers": JSON_HEADERS, "body": {"type": "error", "error": {"type": "invalid_request_error", "message": "messages.1.content.0: Invalid `signature` in `thinking` block"}}}, good]),
        Case("slow-head", {"num_retries": 0, "timeout": 1}, [{"headers": JSON_HEADERS, "body": GOOD, "delay": 3}]),
    ]


STALL = {"delay": 3}
# LiteLLM loses what it has not read yet of a stream that breaks: it is given the time to read.
SHORTLY = {"delay": 1.5}
QUIET = {"delay": 16.5}  # LiteLLM tells its client after 15 s that the stream is alive


def streams() -> list[Case]:
    """By the steps of the provider's answer."""
    scripts = {
        "plain": WHOLE, "thinking": THINKING, "tool-use": TOOL_USE, "one-piece": ["".join(WHOLE)], "ping-first": [PING, *WHOLE],
        "ping-between": [*WHOLE[:5], PING, *WHOLE[5:]], "crlf": [piece.replace("\n", "\r\n") for piece in WHOLE], "comment": [": hello\n\n", *WHOLE],
        "empty": [], "without-content": [START, ENDING, STOP], "just-ends": WHOLE[:5], "ends-in-an-event": [*WHOLE[:5], "event: content_block_delta\ndata: {\"ty"],
        "cut-at-the-head": ["break"], "cut-before-content": [START, OPEN, "break"], "cut-after-content": [*WHOLE[:5], SHORTLY, "break"],
        **{f"error-first-{kind}": [error_event(kind)] for kind in ("overloaded_error", "rate_limit_error", "api_error", "invalid_request_error", "authentication_error")},
        "error-before-content": [START, OPEN, error_event("overloaded_error")], "error-after-content": [*WHOLE[:5], error_event("overloaded_error")],
        "no-events": ["hello"],
    }

    cases = [Case(f"stream-{name}", {"stream": True, "num_retries": 0}, [streamed(*script)]) for name, script in scripts.items()]
    return [
        *cases,
        Case("stream-reset-after-content", {"stream": True, "num_retries": 0}, [{**streamed(*WHOLE[:5], SHORTLY, "break"), "reset": True}]),
        Case("stream-kept-alive", {"stream": True}, [{**streamed(*WHOLE), "headers": [*SSE_HEADERS, *KEPT_ALIVE]}]),
        Case("stream-of-json", {"stream": True, "num_retries": 0}, [{"headers": JSON_HEADERS, "body": GOOD}]),
        Case("stream-origin", {"stream": True}, [streamed(*WHOLE)], [("origin", "https://example.org")]),
        Case("stream-tools", {"stream": True, "tools": [TOOL]}, [streamed(*TOOL_USE)]),
        Case("stream-stalls-before-content", {"stream": True, "num_retries": 0, "stream_timeout": 1}, [streamed(START, STALL, *WHOLE[1:])]),
        Case("stream-stalls-after-content", {"stream": True, "num_retries": 0, "stream_timeout": 1}, [streamed(*WHOLE[:5], STALL, *WHOLE[5:])]),
        Case("stream-quiet-before-content", {"stream": True, "num_retries": 0}, [streamed(START, QUIET, *WHOLE[1:])]),
        Case("stream-quiet-after-content", {"stream": True, "num_retries": 0}, [streamed(*WHOLE[:5], QUIET, *WHOLE[5:])]),
        Case("stream-quiet-then-error", {"stream": True, "num_retries": 0}, [streamed(START, QUIET, error_event("overloaded_error"))]),
    ]


def all_cases() -> list[Case]:
    return [*requests(), *errors(), *streams()]
