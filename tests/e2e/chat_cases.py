"""The parity cases of `/chat/completions` on OpenAI as data: what the client asks, what the provider answers attempt by attempt."""
import json
from functools import partial

from harness import parity

USER = {"role": "user", "content": "Wie hoch? \u2028 \"quoted\" 😀"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "weather", "description": "tells", "parameters": PARAMETERS, "strict": True}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": PARAMETERS}}
JSON_HEADERS = [["content-type", "application/json"], ["x-request-id", "req_1"], ["openai-processing-ms", "12"],
                ["x-ratelimit-remaining-requests", "9"], ["x-ratelimit-reset-tokens", "6ms"]]
SSE_HEADERS = [["content-type", "text/event-stream; charset=utf-8"], ["cache-control", "no-cache"], ["x-request-id", "req_1"]]
KEPT_ALIVE = [["connection", "keep-alive"], ["keep-alive", "timeout=5"]]
USAGE = {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29, "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
         "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}
ABSENT = object()


def call(identity: str, city: str = "Köln", **function) -> dict:
    return {"id": identity, "type": "function", "function": {"name": "weather", "arguments": json.dumps({"city": city}, ensure_ascii=False), **function}}


def choice(index: int = 0, finish: str | None = "stop", logprobs=None, **message) -> dict:
    said = {"role": "assistant", "content": "hé 日本 😀", "refusal": None, "annotations": [], **message}
    return {"index": index, "message": said, "logprobs": logprobs, "finish_reason": finish}


def without_absent(plain: dict, changes: dict) -> dict:
    return {key: value for key, value in {**plain, **changes}.items() if value is not ABSENT}


def completion(*choices: dict, **changes) -> dict:
    plain = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1754675179, "model": "gpt-4o-2024-08-06", "choices": list(choices) or [choice()],
             "usage": USAGE, "service_tier": "default", "system_fingerprint": "fp_1"}
    return without_absent(plain, changes)


def answered(*choices: dict, **changes) -> dict:
    return {"headers": JSON_HEADERS, "body": completion(*choices, **changes)}


def event(data) -> str:
    return f"data: {data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)}\n\n"


def chunk(delta: dict | None = None, finish: str | None = None, index: int = 0, logprobs=None, **changes) -> str:
    """An event with one choice, or with none."""
    choices = [] if delta is None else [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}]
    plain = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1754675179, "model": "gpt-4o-2024-08-06", "service_tier": "default",
             "system_fingerprint": "fp_1", "choices": choices, "usage": None, "obfuscation": "x"}
    return event(without_absent(plain, changes))


def delta(text: str) -> str:
    return chunk({"content": text})


def called(*calls: dict, **message) -> str:
    return chunk({**message, "tool_calls": list(calls)})


START = chunk({"role": "assistant", "content": "", "refusal": None})
WORDS = ["Zwölf ", "Meter", ", 日本 ", "😀", "."]
STOP = chunk({}, "stop")
COUNT = chunk(usage=USAGE)
DONE = event("[DONE]")
ENDING = [STOP, COUNT, DONE]
WHOLE = [START, *map(delta, WORDS), *ENDING]
TOOL_USE = [
    called({"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}, role="assistant", content=None),
    called({"index": 0, "function": {"arguments": '{"city":'}}), called({"index": 0, "function": {"arguments": ' "Bern"}'}}), chunk({}, "tool_calls"), COUNT, DONE,
]
PARALLEL = [
    *TOOL_USE[:3], called({"index": 1, "id": "call_2", "type": "function", "function": {"name": "weather", "arguments": ""}}),
    called({"index": 1, "function": {"arguments": '{"city": "Köln"}'}}), *TOOL_USE[3:],
]
STRUCTURED = [START, *map(delta, ('{"city"', ':"Kö', 'ln"}')), *ENDING]
ASKS_USAGE = {"stream_options": {"include_usage": True}}
ONCE = {"num_retries": 0}


def refused(status: int, kind: str = "invalid_request_error", message: str = "no é", **answer) -> dict:
    return {"status": status, "headers": JSON_HEADERS, "body": {"error": {"message": message, "type": kind, "param": "messages", "code": "odd"}}, **answer}


def error_event(message: str = "boom é", kind: str = "server_error", code=None) -> str:
    return event({"error": {"message": message, "type": kind, "param": None, "code": code}})


streamed = partial(parity.streamed, SSE_HEADERS)


class Case(parity.Case):
    route = "chat"
    endpoint = "/v1/chat/completions"
    asked = {"messages": [USER]}
    answered = {"headers": JSON_HEADERS, "body": completion()}
    model = "openai/gpt-4o"


def said(*parts) -> dict:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def requests() -> list[Case]:
    """By what the client says in the body."""
    text = {"type": "text", "text": "what?"}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}
    turns = [{"role": "system", "content": "be"}, {**USER, "name": "ann"}, {"role": "assistant", "content": None, "tool_calls": [call("call_1"), call("call_2", "Bern")]},
             {"role": "tool", "tool_call_id": "call_1", "content": "21"}, {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "19"}]}]
    bodies = {
        "plain": {}, "sampling": {"temperature": 0.7, "top_p": 1, "presence_penalty": 0.1, "frequency_penalty": -0.5, "seed": 3, "stop": ["a", "b"], "max_tokens": 50},
        "choices": {"n": 2}, "logit-bias": {"logit_bias": {"50256": -100}}, "logprobs": {"logprobs": True, "top_logprobs": 2}, "limit": {"max_completion_tokens": 9},
        "tools": {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False}, "tool-choice": {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
        "functions": {"functions": [TOOL["function"]], "function_call": "auto"}, "json-object": {"response_format": {"type": "json_object"}}, "json-schema": {"response_format": SCHEMA},
        "vision": said(text, image), "vision-as-text": said({"type": "image_url", "image_url": "https://example.org/a.png"}),
        "file": said(text, {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}}), "file-id": said({"type": "file", "file": {"file_id": "file-abc"}}),
        "audio": said({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}}), "history": {"messages": turns, "tools": [TOOL]},
        "developer": {"messages": [{"role": "developer", "content": "be"}, USER]}, "nulls": {"temperature": None, "tools": None, "stream": None, "metadata": None},
        "unknown": {"frobnicate": {"deep": [1, 2.50, None]}, "top_k": 5}, "extra-body": {"extra_body": {"top_k": 3}}, "extra-headers": {"extra_headers": {"x-mine": "1"}},
        "metadata": {"metadata": {"a": "b"}, "user": "someone", "store": True, "service_tier": "auto"}, "prediction": {"prediction": {"type": "content", "content": "x"}},
    }
    return [*(Case(f"request-{name}", body) for name, body in bodies.items()),
            Case("request-tags", {"tags": ["a"]}, native="may"), Case("request-prompt", {"prompt_id": "a"}, native="may")]


def ways() -> list[Case]:
    """By its paths and headers."""
    return [
        Case("path-bare", path="/chat/completions"), Case("path-engine", path="/engines/{model}/chat/completions"),
        Case("path-deployment", path="/openai/deployments/{model}/chat/completions"), Case("path-bare-streamed", {"stream": True}, [streamed(*WHOLE)], path="/chat/completions"),
        Case("path-engine-streamed", {"stream": True}, [streamed(*WHOLE)], path="/engines/{model}/chat/completions"),
        Case("path-api-version", path="/openai/deployments/{model}/chat/completions?api-version=2024-10-21", native="may"),
        Case("header-call-id", headers=[("x-litellm-call-id", "mine"), ("x-request-id", "also-mine")]), Case("header-origin", headers=[("origin", "https://example.org")]),
        Case("header-organization", headers=[("openai-organization", "org-1"), ("x-stainless-lang", "js"), ("x-custom", "1")]),
        Case("header-agent", {"top_p": 0.5}, headers=[("user-agent", "claude-cli/2.1.0 (external, cli)")], deployment={"model": "openai/o3-mini"}),
    ]


def models() -> list[Case]:
    """By what the model takes: fitted, dropped or refused."""
    bodies = {
        "o1-effort": ("o1", {"reasoning_effort": "low", "max_tokens": 100}), "o3-mini-temperature": ("o3-mini", {"temperature": 0.3, **ONCE}),
        "o3-mini-drops": ("o3-mini", {"temperature": 0.3, "top_p": 0.1, "drop_params": True}), "gpt-5-effort": ("gpt-5", {"reasoning_effort": "minimal", "verbosity": "low", "max_tokens": 9}),
        "gpt-5-temperature": ("gpt-5", {"temperature": 0.3, **ONCE}), "gpt-5-temperature-retried": ("gpt-5", {"temperature": 0.3, "num_retries": 1}),
        "gpt-5-temperature-streamed": ("gpt-5", {"temperature": 0.3, "stream": True, **ONCE}), "gpt-5.1-no-effort": ("gpt-5.1", {"reasoning_effort": "none", "temperature": 0.3}),
        "gpt-4-format": ("gpt-4", {"response_format": {"type": "json_object"}, **ONCE}), "unknown": ("of-our-own", {"user": "someone", "temperature": 0.1}),
    }
    return [Case(f"model-{name}", body, deployment={"model": f"openai/{model}"}) for name, (model, body) in bodies.items()]


def answers() -> list[Case]:
    token = {"token": "a", "logprob": -0.1, "bytes": [97]}
    logprobs = {"content": [{**token, "top_logprobs": [token, {**token, "bytes": None}]}], "refusal": None}
    citation = {"type": "url_citation", "url_citation": {"start_index": 1, "end_index": 2, "url": "https://a", "title": "t"}}
    unnamed = [{key: one[key] for key in ("type", "function")} for one in (call(""), call("", "Bern"))]
    reasoned = {**USAGE, "completion_tokens": 800, "total_tokens": 819, "completion_tokens_details": {"reasoning_tokens": 640}}
    bodies = {
        "tool-calls": answered(choice(finish="tool_calls", content=None, tool_calls=[call("call_1")])),
        "parallel-calls": answered(choice(finish="tool_calls", content=None, tool_calls=[call("call_1"), call("call_2", "Bern")])),
        "broken-arguments": answered(choice(finish="tool_calls", content=None, tool_calls=[call("call_1", arguments='{"city": ')])),
        "refusal": answered(choice(content=None, refusal="I can't")), "two-choices": answered(choice(), choice(1, "length", content="b")),
        "logprobs": answered(choice(logprobs=logprobs)), "length": answered(choice(finish="length")), "filtered": answered(choice(finish="content_filter", content="")),
        "annotations": answered(choice(annotations=[citation])), "reasoning": answered(choice(reasoning_content="why"), usage=reasoned), "think-tags": answered(choice(content="<think>why</think>so")),
        "extras": answered(choice(new={"a": None}), more={"b": [1e-7, 1.0, 10 ** 20]}), "undated": answered(created=ABSENT), "without-id": answered(id=ABSENT),
        "call-without-id": answered(choice(finish="tool_calls", content=None, tool_calls=[call("")])),
        "calls-without-ids": answered(choice(finish="tool_calls", content=None, tool_calls=unnamed), choice(1, "tool_calls", content=None, tool_calls=unnamed), id=ABSENT),
        "without-usage": answered(usage=ABSENT), "another-model": answered(model="gpt-4o-mini-2024-07-18"), "bare": answered(system_fingerprint=ABSENT, service_tier=ABSENT),
        "created-201": {**answered(), "status": 201}, "unnamed": {"headers": [["content-type", "text/plain"]], "body": completion()},
    }
    texts = {"list": "[1]", "no-json": "hello", "empty": "", "error-in-200": '{"error": {"message": "boom", "code": 429}}', "no-choices": '{"id": "a", "object": "chat.completion", "choices": []}'}
    return [*(Case(f"answer-{name}", answers=[answer]) for name, answer in bodies.items()),
            *(Case(f"answer-{name}", ONCE, [{"headers": JSON_HEADERS, "text": text}]) for name, text in texts.items())]


PHRASES = {"context": "This model's maximum context length is 8192 tokens", "policy": "Your request was rejected as a result of our safety system. content_policy_violation",
           "rate": "Rate limit reached for gpt-4o", "server": "The server had an error processing your request. Sorry"}


def errors() -> list[Case]:
    good = answered()
    html = {"status": 502, "headers": [["content-type", "text/html"]], "text": "<html>bad gateway</html>"}
    told = [*JSON_HEADERS, ["retry-after", "1"]]
    return [
        *(Case(f"error-{status}", ONCE, [refused(status)]) for status in (400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504)),
        *(Case(f"error-stream-{status}", {**ONCE, "stream": True}, [refused(status)]) for status in (400, 401, 404, 408, 422, 429, 500, 503)),
        *(Case(f"error-phrase-{name}", ONCE, [refused(400, message=words)]) for name, words in PHRASES.items()),
        Case("error-html", ONCE, [html]), Case("error-stream-html", {**ONCE, "stream": True}, [html]), Case("error-empty", ONCE, [{"status": 500, "headers": JSON_HEADERS, "text": ""}]),
        Case("error-quota", ONCE, [refused(429, "insufficient_quota", "You exceeded your current quota", headers=told)]),
        Case("error-origin", ONCE, [refused(400)], [("origin", "https://example.org")]),
        Case("error-dropped-then-fine", {"drop_params": True, "seed": 1, **ONCE}, [{"status": 422, "headers": JSON_HEADERS, "body": {"detail": [{"loc": ["body", "seed"], "msg": "m"}]}}, good], native="may"),
        Case("retried-500", answers=[refused(500), good]), Case("retried-429", answers=[refused(429, headers=told), good]), Case("retried-408-then-503", answers=[refused(408), refused(503), good]),
        Case("retried-in-vain", answers=[refused(500, "server_error")]), Case("retried-by-header", answers=[refused(500), good], headers=[("x-litellm-num-retries", "1")]),
        Case("retried-closed", answers=[{"close": True}, good]), Case("retried-reset", answers=[{"reset": True}, {"reset": True}, good]), Case("retried-cut", answers=[{**good, "cut": 30}, good]),
        Case("retried-before-a-stream", {"stream": True}, [refused(500), {"close": True}, streamed(*WHOLE)]), Case("retried-html", answers=[html, good]),
        Case("closed", ONCE, [{"close": True}]), Case("reset", ONCE, [{"reset": True}]), Case("cut", ONCE, [{**good, "cut": 30}]), Case("closed-stream", {**ONCE, "stream": True}, [{"close": True}]),
        Case("reset-stream", {**ONCE, "stream": True}, [{"reset": True}]),
    ]


STALL = {"delay": 3}
# LiteLLM loses what it has not read yet of a stream that breaks: it is given the time to read.
SHORTLY = {"delay": 1.5}


def timeouts() -> list[Case]:
    slow = {**answered(), "delay": 3}
    slow_stream = {**streamed(*WHOLE), "delay": 3}
    quick = {"stream": True, "stream_timeout": 1, **ONCE}
    return [
        Case("timeout-in-the-body", {**ONCE, "timeout": 1}, [slow]), Case("timeout-by-header", ONCE, [slow], [("x-litellm-timeout", "1")]),
        Case("timeout-of-the-deployment", ONCE, [slow], deployment={"timeout": 1}), Case("timeout-retried", {"timeout": 1, "num_retries": 1}, [slow, answered()]),
        Case("timeout-of-a-stream", quick, [slow_stream]), Case("timeout-of-a-stream-by-header", {"stream": True, **ONCE}, [slow_stream], [("x-litellm-stream-timeout", "1")]),
        Case("timeout-of-a-streaming-deployment", {"stream": True, **ONCE}, [slow_stream], deployment={"stream_timeout": 1}),
        Case("timeout-before-content", quick, [streamed(STALL, *WHOLE)]), Case("timeout-after-content", quick, [streamed(*WHOLE[:4], STALL, *WHOLE[4:])]),
        Case("slow-head", ONCE, [{**answered(), "delay": 1}]), Case("slow-stream-head", {"stream": True}, [{**streamed(*WHOLE), "delay": 1}]),
    ]


def streams() -> list[Case]:
    """By the steps of the provider's answer; none is retried."""
    token = {"content": [{"token": "a", "logprob": -1e-7, "bytes": [97], "top_logprobs": []}], "refusal": None}
    both = [START, chunk({"role": "assistant", "content": ""}, index=1), delta("a"), chunk({"content": "b"}, index=1), STOP, chunk({}, "length", index=1), COUNT, DONE]
    bare = [piece.replace('"fp_1"', "null") for piece in WHOLE]
    scripts = {
        "plain": WHOLE, "tools": TOOL_USE, "parallel-calls": PARALLEL, "structured": STRUCTURED, "one-piece": ["".join(WHOLE)], "crlf": [piece.replace("\n", "\r\n") for piece in WHOLE],
        "comments": [": hello\n\n", *WHOLE[:3], ": still here\n\n", *WHOLE[3:]], "named-events": ["event: message\nid: 1\n" + piece for piece in WHOLE], "bare": bare,
        "two-choices": both, "logprobs": [START, chunk({"content": "a"}, logprobs=token), *ENDING], "refusal": [START, chunk({"refusal": "no"}), chunk({"refusal": " way"}), *ENDING],
        "reasoning": [chunk({"role": "assistant", "reasoning_content": "why"}), delta("so"), *ENDING], "length": [*WHOLE[:4], chunk({}, "length"), COUNT, DONE],
        "finish-with-content": [START, chunk({"content": "a"}, "stop"), COUNT, DONE], "empty": [], "only-done": [DONE], "without-content": [START, *ENDING], "without-done": WHOLE[:-1],
        "without-finish": [*WHOLE[:4], DONE], "just-ends": WHOLE[:4], "ends-in-an-event": [*WHOLE[:4], 'data: {"id": "chat'], "behind-done": [*WHOLE, *WHOLE[1:3]],
        "without-id": [piece.replace('"id": "chatcmpl-2", ', "") for piece in WHOLE], "id-changes": [*WHOLE[:3], chunk({"content": "a"}, id="chatcmpl-3"), *ENDING],
        "not-json-first": [event("{")], "not-json-later": [*WHOLE[:4], event("{")], "no-events": ["hello"],
        "error-first": [error_event()], "error-first-limited": [error_event("Rate limit reached", "requests", "rate_limit_exceeded")], "error-first-invalid": [error_event("bad", "invalid_request_error", 400)],
        "error-after-the-role": [START, error_event()], "error-after-content": [*WHOLE[:4], error_event(), *WHOLE[4:]], "error-event": [*WHOLE[:4], "event: error\n" + error_event()],
        "error-after-the-finish": [*WHOLE[:-2], error_event()], "error-as-text": [*WHOLE[:3], event({"error": "boom"})],
        "cut-at-the-head": ["break"], "cut-before-content": [START, SHORTLY, "break"], "cut-after-content": [*WHOLE[:4], SHORTLY, "break"], "cut-in-an-event": [*WHOLE[:4], 'data: {"id": "ch', SHORTLY, "break"],
        "cut-after-the-finish": [*WHOLE[:-2], SHORTLY, "break"], "cut-after-done": [*WHOLE, SHORTLY, "break"],
    }
    plain = [Case(f"stream-{name}", {"stream": True, **ONCE}, [streamed(*script)]) for name, script in scripts.items()]
    counted = ("plain", "tools", "parallel-calls", "structured", "two-choices", "without-content", "finish-with-content", "error-after-content", "cut-after-content", "bare", "reasoning", "without-done")
    usage = [Case(f"stream-usage-{name}", {"stream": True, **ASKS_USAGE, **ONCE}, [streamed(*scripts[name])]) for name in counted]
    return [
        *plain, *usage,
        Case("stream-usage-declined", {"stream": True, "stream_options": {"include_usage": False}}, [streamed(*WHOLE)]),
        Case("stream-reset-after-content", {"stream": True, **ONCE}, [{**streamed(*WHOLE[:4], SHORTLY, "break"), "reset": True}]),
        Case("stream-kept-alive", {"stream": True}, [{**streamed(*WHOLE), "headers": [*SSE_HEADERS, *KEPT_ALIVE]}]),
        Case("stream-of-json", {"stream": True, **ONCE}, [answered()]), Case("stream-origin", {"stream": True}, [streamed(*WHOLE)], [("origin", "https://example.org")]),
        Case("stream-asked-tools", {"stream": True, "tools": [TOOL], "parallel_tool_calls": True}, [streamed(*PARALLEL)]),
        Case("stream-asked-schema", {"stream": True, "response_format": SCHEMA}, [streamed(*STRUCTURED)]), Case("stream-asked-choices", {"stream": True, "n": 2}, [streamed(*both)]),
        Case("stream-of-o1", {"stream": True, "reasoning_effort": "low", **ASKS_USAGE}, [streamed(*[piece.replace("gpt-4o-2024-08-06", "o1-2024-12-17") for piece in WHOLE])], deployment={"model": "openai/o1"}),
        Case("stream-repeats", {"stream": True, **ONCE}, [streamed(START, *[delta("same")] * 120, *ENDING)]),
    ]


def all_cases() -> list[Case]:
    return [*requests(), *ways(), *models(), *answers(), *errors(), *timeouts(), *streams()]
