"""The cases of `chat_anthropic_goldens.py`: what a client of `/chat/completions` sends and what Anthropic answers, by theme. All made
up here."""

import json

from signed_histories import SignedHistories

HEADERS = [["content-type", "application/json"], ["request-id", "req_1"], ["anthropic-organization-id", "org"],
           ["anthropic-ratelimit-requests-limit", "50"], ["anthropic-ratelimit-requests-remaining", "49"],
           ["anthropic-ratelimit-tokens-limit", "400000"], ["anthropic-ratelimit-tokens-remaining", "399000"]]
SSE = [["content-type", "text/event-stream; charset=utf-8"], ["request-id", "req_1"], ["anthropic-ratelimit-requests-limit", "50"]]
USER = {"role": "user", "content": "hi é 😀"}
REPLY = {"role": "assistant", "content": "ok"}
USAGE = {"input_tokens": 19, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
         "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, "output_tokens": 10,
         "service_tier": "standard", "inference_geo": "global"}
FUNCTION = {"name": "weather", "description": "tells", "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                                                                       "required": ["city"], "additionalProperties": False}}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Köln\"}"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": {
    "type": "object", "properties": {"a": {"type": "integer", "minimum": 1, "description": "d"}, "b": {"$ref": "#/$defs/B"}},
    "required": ["a"], "$defs": {"B": {"type": "object", "properties": {"c": {"type": "string", "maxLength": 3}}}}}}}
TEXT = {"type": "text", "text": "hé\u2028 </x>"}
THINKING = {"type": "thinking", "thinking": "Let me think about it: 1 + 1 = 2, isn't it?", "signature": "sig=="}
REDACTED = {"type": "redacted_thinking", "data": "abc"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Köln", "n": 1.0}}


def message(*content, stop="end_turn", usage=USAGE, model="claude-sonnet-4-5-20250929", **changes):
    plain = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": list(content) or [TEXT],
             "stop_reason": stop, "stop_sequence": None, "usage": usage}
    return {key: value for key, value in {**plain, **changes}.items() if value != "absent"}


def answered(body=None, status=200, headers=HEADERS):
    return {"status": status, "headers": headers, "body": json.dumps(message() if body is None else body)}


def raw(text, status=200, headers=HEADERS):
    return {"status": status, "headers": headers, "body": text}


def refused(status, text="no", kind="invalid_request_error", headers=HEADERS):
    return answered({"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}, status, headers)


def body(group="sonnet", **changes):
    return {"model": group, "messages": [USER], **changes}


def case(name, answer=None, group="sonnet", headers=(), answers=None, path=None, **changes):
    made = {"name": name, "group": group, "headers": list(headers), "body": body(group, **changes),
            "answers": answers or [answer or answered()]}
    return {**made, "path": path} if path else made


def event(data, name=None):
    named = name or data["type"]
    return f"event: {named}\ndata: {json.dumps(data)}\n\n"


def start(usage=USAGE, model="claude-sonnet-4-5-20250929", **changes):
    begun = {**message(usage={**usage, "output_tokens": 1}, model=model, stop=None), "content": [], **changes}
    return event({"type": "message_start", "message": begun})


def opened(block, index=0):
    return event({"type": "content_block_start", "index": index, "content_block": block})


def delta(change, index=0):
    return event({"type": "content_block_delta", "index": index, "delta": change})


def closed(index=0):
    return event({"type": "content_block_stop", "index": index})


def said(*texts, index=0):
    return [opened({"type": "text", "text": ""}, index), *[delta({"type": "text_delta", "text": text}, index) for text in texts], closed(index)]


def thought(*texts, index=0, signature="sig=="):
    return [opened({"type": "thinking", "thinking": "", "signature": ""}, index),
            *[delta({"type": "thinking_delta", "thinking": text}, index) for text in texts],
            delta({"type": "signature_delta", "signature": signature}, index), closed(index)]


def used(*pieces, index=0, name="weather", id="toolu_1", kind="tool_use"):
    return [opened({"type": kind, "id": id, "name": name, "input": {}}, index),
            *[delta({"type": "input_json_delta", "partial_json": piece}, index) for piece in pieces], closed(index)]


def finished(reason="end_turn", usage=None, **changes):
    return event({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None},
                  "usage": {"output_tokens": 15} if usage is None else usage, **changes})


PING = event({"type": "ping"})
STOP = event({"type": "message_stop"})
ASKS_USAGE = {"stream_options": {"include_usage": True}}


def stream(name, *pieces, end="clean", group="sonnet", headers=SSE, **changes):
    answer = {"status": 200, "headers": headers, "pieces": list(pieces), "end": end}
    return case(name, answer, group, stream=True, **changes)


def whole(*blocks, reason="end_turn", usage=None, begun=None):
    return [begun or start(), PING, *blocks, finished(reason, usage), STOP]


def themes():
    return {
        "requests": requests(), "models": models(), "histories": histories(), "tools": tools(), "formats": formats(),
        "deployments": deployed(), "answers": answers(), "costs": costs(), "errors": errors(), "phrases": phrases(),
        "refusals": refusals(), "failures": failures(), "streams": streams(), "stream_errors": stream_errors(),
        "declined": declined(), "foreign_ids": foreign_ids(), "refused_together": refused_together(), "told_costs": told_costs(),
    }


def requests():
    edits = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    return [
        case("plain"),
        case("without the version in the path", path="/chat/completions"),
        case("model in the path", path="/openai/deployments/sonnet/chat/completions"),
        case("alias", group="alias"),
        case("sampling", temperature=0.7, top_p=0.9, stop=["a", "b"], max_tokens=50),
        case("temperature as a whole number", temperature=1, top_p=0),
        case("nulls", temperature=None, tools=None, stop=None, stream=None, user=None, metadata=None, n=None, top_k=None),
        case("one stop", stop="a"),
        case("blank stop", stop=" "),
        case("blank among stops", stop=["a", "\n\n"]),
        case("more stops than four", stop=["a", "b", "c", "d", "e"]),
        case("no stops", stop=[]),
        case("limit", max_tokens=7),
        case("other limit", max_completion_tokens=7),
        case("both limits", max_tokens=7, max_completion_tokens=9),
        case("both limits, other order", max_completion_tokens=9, max_tokens=7),
        case("limit as a float", max_tokens=7.5),
        case("top_k", top_k=5),
        case("unknown keys", foo=1, bar={"a": None}),
        case("extra body", extra_body={"top_k": 3}),
        case("extra headers", extra_headers={"X-Mine": "1"}),
        case("user", user="someone"),
        case("user that is an email", user="ann@example.com"),
        case("user that is a phone number", user="+49 (30) 1234567"),
        case("empty user", user=""),
        case("metadata", metadata={"a": "b"}),
        case("metadata with a user", metadata={"user_id": "ann"}),
        case("metadata with a user and a user", metadata={"user_id": "ann"}, user="bob"),
        case("number of one", n=1),
        case("thinking", thinking={"type": "enabled", "budget_tokens": 2048}),
        case("thinking below a limit", thinking={"type": "enabled", "budget_tokens": 2048}, max_tokens=4000),
        case("thinking in camel case", thinking={"type": "enabled", "budgetTokens": 2048}),
        case("thinking disabled", thinking={"type": "disabled"}),
        case("thinking adaptive", thinking={"type": "adaptive"}),
        case("thinking adaptive below a limit", thinking={"type": "adaptive"}, max_tokens=1500),
        case("thinking adaptive with no room", thinking={"type": "adaptive"}, max_tokens=500),
        case("thinking true", thinking=True),
        case("thinking false", thinking=False),
        case("effort", reasoning_effort="low"),
        case("effort minimal", reasoning_effort="minimal"),
        case("effort medium", reasoning_effort="medium"),
        case("effort high", reasoning_effort="high"),
        case("effort xhigh", reasoning_effort="xhigh"),
        case("effort max", reasoning_effort="max"),
        case("effort none", reasoning_effort="none"),
        case("effort and a limit", reasoning_effort="high", max_tokens=100),
        case("effort as an object", reasoning_effort={"effort": "low", "summary": "auto"}),
        case("effort object without an effort", reasoning_effort={"summary": "auto"}),
        case("effort and thinking", reasoning_effort="high", thinking={"type": "enabled", "budget_tokens": 1024}),
        case("effort none and thinking", reasoning_effort="none", thinking={"type": "enabled", "budget_tokens": 1024}),
        case("context management", context_management=edits),
        case("context management of openai", context_management=[{"type": "compaction", "compact_threshold": 1000.5, "x": 1}]),
        case("compaction without a threshold", context_management=[{"type": "compaction"}]),
        case("context management that is none", context_management=[{"type": "other"}]),
        case("cache control", cache_control={"type": "ephemeral"}),
        case("cache control of an hour", cache_control={"type": "ephemeral", "ttl": "1h"}),
        case("output config", group="opus-4-5", output_config={"effort": "low"}),
        case("output config on sonnet", output_config={"effort": "low"}),
        case("output config with a format", output_config={"format": {"type": "json_schema", "schema": {}}}),
        case("output config on adaptive", group="opus-4-6", output_config={"effort": "max"}),
        case("container id", container="c_1"),
        case("mcp servers", mcp_servers=[{"type": "url", "url": "https://m", "name": "m"}]),
        case("service tier", service_tier="auto", drop_params=True),
        case("service tier standard only", service_tier="standard_only", drop_params=True),
        case("system of anthropic", system="s"),
        case("inference geo", inference_geo="us"),
        case("beta of the body", anthropic_beta=["files-api-2025-04-14", "context-1m-2025-08-07"]),
        case("speed", group="opus-4-6", speed="fast"),
        case("speed on opus 4.8", group="opus-4-8", speed="fast"),
        case("dropped by the client", additional_drop_params=["top_k", "temperature"], top_k=1, temperature=0.2, top_p=0.5),
        case("allowed by the client", allowed_openai_params=["seed"], seed=1),
        case("allowed and not sent", allowed_openai_params=["seed"]),
        case("allowed by the client, effort", group="haiku-3", allowed_openai_params=["reasoning_effort"], reasoning_effort="low"),
        case("dropping", drop_params=True, seed=1, logprobs=True, frequency_penalty=1, n=2, top_p=0.5),
        case("claude code", headers=[["user-agent", "claude-cli/2.1.0 (external, cli)"]], seed=1),
        case("claude code and a version", headers=[["user-agent", "claude-cli/2.1.0 (external, cli)"], ["anthropic-version", "2023-01-01"]]),
        case("version of the client", headers=[["anthropic-version", "2023-01-01"]]),
        case("beta of the client", headers=[["anthropic-beta", "files-api-2025-04-14, context-1m-2025-08-07"]]),
        case("beta of the client and a tool's", headers=[["anthropic-beta", "context-1m-2025-08-07"]],
             tools=[{"type": "web_fetch_20250910", "name": "web_fetch"}]),
        case("beta of the client and a format's", headers=[["anthropic-beta", "context-1m-2025-08-07"]], group="opus-4-6", response_format=SCHEMA),
        case("headers of the client", headers=[["x-custom", "1"], ["origin", "https://example.com"], ["openai-beta", "b"]]),
        case("extra headers with a beta", extra_headers={"anthropic-beta": "context-1m-2025-08-07"}),
        case("dropped speed and its beta", speed="fast", drop_params=True, headers=[["anthropic-beta", "fast-mode-2026-02-01"]]),
        case("dropped speed", speed="fast", drop_params=True),
        case("timeouts", num_retries=0, timeout=20, stream_timeout=3.5),
        case("options by header", headers=[["x-litellm-timeout", "7.5"], ["x-litellm-num-retries", "0"]]),
        case("stream false", stream=False),
        case("stream options without a stream", **ASKS_USAGE),
        case("parallel tool calls without tools", parallel_tool_calls=False),
        case("tool choice without tools", tool_choice="auto"),
        case("web search options", web_search_options={}),
        case("web search options in full", web_search_options={"search_context_size": "low", "user_location": {
            "type": "approximate", "approximate": {"country": "DE", "city": "Köln", "x": 1}}}),
        case("web search options and tools", web_search_options={"search_context_size": "high"}, tools=[TOOL]),
        case("web search options without a place", web_search_options={"user_location": {"type": "approximate"}}),
        case("numbers", tools=[{"type": "function", "function": {"name": "n", "parameters": {"type": "object", "properties": {
            "n": {"enum": [1e16, -0.0, 123456789012345678, 5.25e-5]}}}}}]),
        case("order of keys", top_p=0.1, temperature=0.2, tools=[TOOL], response_format=SCHEMA, max_tokens=3, foo=1, bar=2, user="u",
             stop="x", tool_choice="auto", parallel_tool_calls=True, top_k=1),
        case("prompt cache key", prompt_cache_key="k", drop_params=True),
        case("openai's own", store=True, safety_identifier="s", verbosity="low", modalities=["text"], drop_params=True),
        case("moderation and the like", moderation={"model": "omni"}, prompt_cache_options={"mode": "explicit"}),
        case("stop with thinking", stop=["a"], reasoning_effort="low", temperature=1),
    ]


def models():
    cases = []
    for group in ("sonnet", "haiku", "haiku-3", "sonnet-3-7", "opus-4-1", "opus-4-5", "opus-4-6", "opus-4-7", "opus-4-8", "sonnet-4-6",
                  "sonnet-5", "fable", "mythos", "unknown", "drops", "opus-5", "fable-5-1"):
        cases += [
            case(f"{group}: plain", group=group),
            case(f"{group}: temperature", group=group, temperature=0.2),
            case(f"{group}: temperature of one", group=group, temperature=1),
            case(f"{group}: top_p", group=group, top_p=0.5),
            case(f"{group}: top_k", group=group, top_k=3),
            case(f"{group}: effort", group=group, reasoning_effort="low"),
            case(f"{group}: extreme effort", group=group, reasoning_effort="xhigh"),
            case(f"{group}: most effort", group=group, reasoning_effort="max"),
            case(f"{group}: no effort", group=group, reasoning_effort="none"),
            case(f"{group}: strange effort", group=group, reasoning_effort="strange"),
            case(f"{group}: thinking", group=group, thinking={"type": "enabled", "budget_tokens": 10000}),
            case(f"{group}: adaptive", group=group, thinking={"type": "adaptive"}),
            case(f"{group}: disabled", group=group, thinking={"type": "disabled"}),
            case(f"{group}: format", group=group, response_format=SCHEMA),
            case(f"{group}: format and thinking", group=group, response_format=SCHEMA, reasoning_effort="high"),
            case(f"{group}: required tools", group=group, tools=[TOOL], tool_choice="required"),
            case(f"{group}: output effort", group=group, output_config={"effort": "max"}),
            case(f"{group}: speed", group=group, speed="fast"),
            case(f"{group}: unsupported", group=group, seed=1, logprobs=True),
        ]
    return cases


def histories():
    png = "data:image/png;base64,aGk="
    image = {"type": "image_url", "image_url": {"url": png, "detail": "low"}}
    text = {"type": "text", "text": "a"}
    cache = {"cache_control": {"type": "ephemeral"}}

    def user(*content):
        return {"role": "user", "content": list(content)}

    def assistant(**fields):
        return {"role": "assistant", **fields}

    asked = assistant(content=None, tool_calls=[CALL])
    told = {"role": "tool", "tool_call_id": "call_1", "content": "21"}
    server = {**CALL, "id": "srvtoolu_1", "function": {"name": "web_search", "arguments": "{\"query\": \"q\"}"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    searched = {"web_search_results": [result]}
    pdf = {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"}}
    T = [TOOL]
    made = {
        "system": [{"role": "system", "content": "s"}, USER],
        "system parts": [{"role": "system", "content": [text, {**text, **cache}, {"type": "text", "text": ""}]}, USER],
        "two systems": [{"role": "system", "content": "s", **cache}, USER, {"role": "system", "content": "t"}],
        "empty system": [{"role": "system", "content": ""}, USER],
        "developer": [{"role": "developer", "content": "s", "name": "n"}, USER],
        "image": [user(text, image)],
        "image as a text": [user({"type": "image_url", "image_url": png})],
        "image with a format": [user({"type": "image_url", "image_url": {"url": png, "format": "image/webp"}})],
        "image behind https": [user({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}})],
        "image with a cache mark": [user({**image, **cache})],
        "image with an escaped type": [user({"type": "image_url", "image_url": "data:image\\/png;base64,aGk="})],
        "pdf as an image": [user({"type": "image_url", "image_url": "data:application/pdf;base64,aGk="})],
        "file data": [user(text, pdf)],
        "file data with a format": [user({"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk=", "format": "text/plain"}})],
        "file with a cache mark": [user({**pdf, **cache})],
        "file id": [user({"type": "file", "file": {"file_id": "file-abc"}})],
        "file id with a format": [user({"type": "file", "file": {"file_id": "file-abc", "format": "application/pdf"}})],
        "file id of an image": [user({"type": "file", "file": {"file_id": "file-abc", "format": "image/png"}})],
        "file behind https": [user({"type": "file", "file": {"file_id": "https://example.com/a.pdf"}})],
        "document": [user({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "citations": {"enabled": True}})],
        "document with a cache mark": [user({"type": "document", "source": {"type": "url", "url": "u"}, **cache})],
        "audio is left out": [user(text, {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}})],
        "cache mark on a message": [{**USER, **cache}],
        "cache mark on a text": [user({**text, "cache_control": {"type": "ephemeral", "ttl": "1h"}})],
        "cache mark that is null": [user({**text, "cache_control": None})],
        "users in a row": [USER, user(text), USER],
        "assistants in a row": [USER, REPLY, REPLY, USER],
        "empty user": [{"role": "user", "content": ""}],
        "blank user": [{"role": "user", "content": " \n"}],
        "empty part": [user({"type": "text", "text": ""}, text)],
        "empty parts": [{"role": "user", "content": []}, USER],
        "empty assistant": [USER, assistant(content=""), USER],
        "null assistant": [USER, assistant(content=None), USER],
        "assistant parts": [USER, assistant(content=[text, {"type": "text", "text": " "}, {"type": "refusal", "refusal": "no"}, {**text, **cache}]), USER],
        "assistant with a cache mark": [USER, {**REPLY, **cache}, USER],
        "prefill": [USER, assistant(content="The answer is  ")],
        "prefill that is told": [USER, assistant(content="The answer is", prefix=True)],
        "prefill in parts": [USER, assistant(content=[{"type": "text", "text": "a \n"}, {"type": "text", "text": "b "}])],
        "assistant first": [REPLY, USER],
        "no role": [{"content": "a"}, USER],
        "name": [{**USER, "name": "ann"}],
        "tool calls": [USER, asked, told],
        "tool calls with text": [USER, assistant(content="let me", tool_calls=[CALL]), told],
        "parallel calls": [USER, assistant(tool_calls=[CALL, {**CALL, "id": "call_2"}]), told, {**told, "tool_call_id": "call_2"}, USER],
        "repeated calls": [USER, assistant(tool_calls=[CALL, CALL]), told],
        "calls of the same id in a row": [USER, asked, asked, told],
        "ids that Anthropic refuses": [USER, assistant(tool_calls=[{**CALL, "id": "call|1:é"}]), {**told, "tool_call_id": "call|1:é"}],
        "empty id": [USER, assistant(tool_calls=[{**CALL, "id": ""}]), {**told, "tool_call_id": ""}],
        "empty arguments": [USER, assistant(tool_calls=[{**CALL, "function": {"name": "weather", "arguments": ""}}]), told],
        "arguments that are cut": [USER, assistant(tool_calls=[{**CALL, "function": {"name": "weather", "arguments": "{\"a\": [1, {\"b\": 2,"}}]), told],
        "arguments that are a list": [USER, assistant(tool_calls=[{**CALL, "function": {"name": "weather", "arguments": "[1]"}}]), told],
        "call of another kind": [USER, assistant(content="x", tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "n", "input": "i"}}]), USER],
        "call with a cache mark": [USER, assistant(tool_calls=[{**CALL, **cache}]), {**told, **cache}],
        "empty tool calls": [USER, {**REPLY, "tool_calls": []}, USER],
        "tool texts": [USER, asked, {**told, "content": [text, {**text, **cache}]}],
        "tool image": [USER, asked, {**told, "content": [text, image]}],
        "tool pdf": [USER, asked, {**told, "content": [{"type": "image_url", "image_url": "data:application/pdf;base64,aGk="}]}],
        "tool file": [USER, asked, {**told, "content": [pdf]}],
        "tool reference": [USER, asked, {**told, "content": [{"type": "tool_reference", "tool_name": "weather"}]}],
        "empty tool content": [USER, asked, {**told, "content": ""}],
        "tool result then user": [USER, asked, told, USER],
        "function role with an id": [USER, asked, {"role": "function", "tool_call_id": "call_1", "name": "f", "content": "1"}],
        "thinking blocks": [USER, {**REPLY, "thinking_blocks": [THINKING, REDACTED]}, USER],
        "thinking blocks without a signature": [USER, {**REPLY, "thinking_blocks": [{"type": "thinking", "thinking": "a"},
                                                                                    {**THINKING, "signature": ""}, THINKING]}, USER],
        "foreign reasoning": [USER, {**REPLY, "thinking_blocks": [{**THINKING, "signature": "litellm_encrypted_reasoning:x"}]}, USER],
        "thinking blocks and calls": [USER, {**asked, "thinking_blocks": [THINKING]}, told],
        "thinking in parts": [USER, assistant(content=[THINKING, text]), USER],
        "thinking in parts and blocks": [USER, assistant(content=[THINKING, text], thinking_blocks=[REDACTED]), USER],
        "redacted in parts": [USER, assistant(content=[REDACTED, text]), USER],
        "reasoning content": [USER, {**REPLY, "reasoning_content": "r"}, USER],
        "server tool": [USER, assistant(content="found", tool_calls=[server], provider_specific_fields=searched), USER],
        "server tool without a result": [USER, assistant(content="found", tool_calls=[server]), USER],
        "server tool and thinking": [USER, assistant(content="found", tool_calls=[server, CALL], thinking_blocks=[THINKING, REDACTED],
                                                     provider_specific_fields=searched), told],
        "server tool and more calls than thinking": [USER, assistant(content=None, tool_calls=[server, {**server, "id": "srvtoolu_2"}],
                                                                     thinking_blocks=[THINKING], provider_specific_fields={
            "web_search_results": [result, {**result, "tool_use_id": "srvtoolu_2"}]}), USER],
        "server tool in parts": [USER, assistant(content=[{"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
                                                          result, text]), USER],
        "tool result of code": [USER, assistant(tool_calls=[{**server, "function": {"name": "bash_code_execution", "arguments": "{}"}}],
                                                provider_specific_fields={"tool_results": [{"type": "bash_code_execution_tool_result",
                                                                                            "tool_use_id": "srvtoolu_1", "content": {}}]}), USER],
        "compaction": [USER, {**REPLY, "provider_specific_fields": {"compaction_blocks": [{"type": "compaction", "content": "c"}]}}, USER],
        "fields of an answer": [USER, {**REPLY, "provider_specific_fields": {"citations": None, "thinking_blocks": None}, "annotations": [],
                                       "refusal": None, "function_call": None}, USER],
        "advisor blocks": [USER, assistant(content=[{"type": "server_tool_use", "id": "srvtoolu_9", "name": "advisor", "input": {}},
                                                    {"type": "advisor_tool_result", "tool_use_id": "srvtoolu_9", "content": {}}, text]), USER],
        "system only, then a reply": [{"role": "system", "content": "s"}, REPLY],
    }
    bare = [case(name, messages=messages) for name, messages in made.items()]
    calls = [name for name in made if "call" in name or "tool" in name or "argument" in name or "id" in name.split()]
    return bare + [case(f"{name}, tools given", messages=made[name], tools=T) for name in calls] + [
        case("thinking asked, none in the history", messages=made["tool calls"], tools=T, reasoning_effort="low"),
        case("thinking asked, some in the history", messages=made["thinking blocks and calls"], tools=T, reasoning_effort="low"),
    ]


def tools():
    def function(**fields):
        return {"type": "function", "function": {"name": "f", **fields}}

    nested = {"type": "object", "properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"type": "string"}}}
    schemas = {
        "no parameters": function(),
        "empty parameters": function(parameters={}),
        "null parameters": function(parameters=None),
        "no type": function(parameters={"properties": {"a": {"type": "string"}}}),
        "other type": function(parameters={"type": "string"}),
        "no properties": function(parameters={"type": "object"}),
        "definitions": function(parameters=nested),
        "defs": function(parameters={"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}}),
        "components": function(parameters={"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}},
                                           "components": {"schemas": {"A": {"type": "string"}}}}),
        "circle": function(parameters={"type": "object", "properties": {"a": {"$ref": "#/definitions/A"}},
                                       "definitions": {"A": {"type": "object", "properties": {"b": {"$ref": "#/definitions/A"}}}}}),
        "keywords": function(parameters={"$schema": "s", "title": "t", "type": "object", "properties": {}, "oneOf": [], "strict": True,
                                         "additionalProperties": {"type": "string"}, "required": [], "description": "d", "$id": "i",
                                         "anyOf": [], "allOf": [], "x": 1, "patternProperties": {}, "minProperties": 1, "enum": []}),
        "strict": function(strict=True, description="d", parameters={"type": "object", "properties": {}}),
        "null description": function(description=None),
        "cache mark": {**TOOL, "cache_control": {"type": "ephemeral"}},
        "cache mark inside": function(cache_control={"type": "ephemeral", "ttl": "1h"}),
        "deferred": {**TOOL, "defer_loading": True},
        "deferred inside": function(defer_loading=False),
        "callers": {**TOOL, "allowed_callers": ["code_execution_20250825"]},
        "callers inside": function(allowed_callers=["direct"]),
        "examples": {**TOOL, "input_examples": [{"city": "a"}]},
        "examples inside": function(input_examples=[{"a": 1}]),
        "eager": {**TOOL, "eager_input_streaming": True},
        "pattern": function(parameters={"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]+$"}}}),
        "strange pattern": function(parameters={"type": "object", "properties": {"a": {"type": "string", "pattern": "\\p{L}"}}}),
        "anthropic's own": {"name": "a", "description": "d", "input_schema": {"type": "object", "properties": {}}},
        "anthropic's own with a type": {"type": "custom", "name": "a", "input_schema": {"type": "object"}, "strict": True},
        "custom type": {"type": "custom", "function": {"name": "c"}},
        "web search": {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        "web fetch": {"type": "web_fetch_20250910", "name": "web_fetch", "citations": {"enabled": True}},
        "code execution": {"type": "code_execution_20250825", "name": "code_execution"},
        "older code execution": {"type": "code_execution_20250522", "name": "code_execution"},
        "memory": {"type": "memory_20250818", "name": "memory"},
        "bash": {"type": "bash_20250124", "name": "bash"},
        "bash by a function": {"type": "bash_20250124", "function": {"name": "bash"}},
        "text editor": {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 100, "cache_control": {"type": "ephemeral"}},
        "computer": {"type": "computer_20250124", "function": {"name": "computer", "parameters": {"display_width_px": 1, "display_height_px": 2, "display_number": 0}}},
        "older computer": {"type": "computer_20241022", "function": {"parameters": {"display_width_px": 1, "display_height_px": 2}}},
        "tool search": {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
        "tool search by words": {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25", "cache_control": {"type": "ephemeral"}},
        "advisor": {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-4-8", "max_uses": 2, "caching": {"type": "ephemeral", "ttl": "5m"}},
        "namespace": {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "a", "description": "d", "parameters": {"type": "object"}},
                                                                   TOOL, {"name": "b", "input_schema": {}}]},
        "name with a slash": function(name="a/b"),
    }
    cases = [case(name, tools=[tool]) for name, tool in schemas.items()]
    clash = [function(name="a/b"), function(name="a_b"), function(name="a.b"), function(name="x" * 130)]
    back = message({**USE, "name": "a_b_2"}, {**USE, "name": "a_b"}, stop="tool_use")
    choices = {
        "auto": "auto", "none": "none", "required": "required", "named": {"type": "function", "function": {"name": "weather"}},
        "auto as an object": {"type": "auto"}, "required as an object": {"type": "required"}, "unknown": "sometimes",
    }
    for name, choice in choices.items():
        cases.append(case(f"choice: {name}", tools=[TOOL], tool_choice=choice))
        cases.append(case(f"choice: {name}, not parallel", tools=[TOOL], tool_choice=choice, parallel_tool_calls=False))
    return cases + [
        case("names that clash", answered(back), tools=clash, tool_choice={"type": "function", "function": {"name": "a.b"}},
             messages=[USER, {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "a/b", "arguments": "{}"}}]},
                       {"role": "tool", "tool_call_id": "call_1", "content": "1"}]),
        case("parallel", tools=[TOOL], parallel_tool_calls=True),
        case("empty tools", tools=[], tool_choice="auto"),
        case("several", tools=[TOOL, schemas["web search"], schemas["cache mark"]]),
        case("functions", functions=[FUNCTION], drop_params=True),
        stream("names that clash, streamed", start(), *used("{}", name="a_b_2"), finished("tool_use"), STOP, tools=clash),
        case("container upload", messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}], tools=[TOOL]),
        case("container upload and code execution", messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}],
             tools=[TOOL, schemas["code execution"]]),
        case("mcp of openai", tools=[{"type": "mcp", "server_label": "m", "server_url": "https://m", "require_approval": "never",
                                      "allowed_tools": ["a"], "headers": {"Authorization": "Bearer t"}}]),
        case("mcp of anthropic", tools=[{"type": "url", "url": "https://m", "name": "m"}]),
    ]


def formats():
    told = message({"type": "tool_use", "id": "t", "name": "json_tool_call", "input": {"a": 1, "é": "ü"}}, stop="tool_use")
    mixed = message(TEXT, {"type": "tool_use", "id": "t", "name": "json_tool_call", "input": {"a": 1}}, USE, stop="tool_use")
    values = message({"type": "tool_use", "id": "t", "name": "json_tool_call", "input": {"values": {"a": 1}}}, stop="tool_use")
    strict = {"type": "object", "properties": {
        "a": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 2}, "minItems": 1, "maxItems": 3, "uniqueItems": True},
        "b": {"oneOf": [{"type": "string", "minLength": 1}, {"type": "null"}], "anyOf": [{"type": "object"}]},
        "c": {"type": "string", "enum": ["x", None]}, "d": {"type": "string", "pattern": "^a", "format": "date"},
        "e": {"type": ["string", "null"], "enum": ["a"]}, "f": {"not": {"type": "string"}, "description": "is"},
        "g": {"allOf": [{"type": "object", "minProperties": 1}]}, "h": {"type": "array", "contains": {"a": "é"}, "uniqueItems": False, "prefixItems": [1]},
        "i": {"if": {"a": 1}, "then": True, "else": False, "maximum": 1.0, "minimum": 5}}, "additionalProperties": True}
    wide = {"type": "json_schema", "json_schema": {"name": "n", "schema": strict}}
    legacy = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"a": {"$ref": "#/definitions/A"}},
                                                                             "definitions": {"A": {"type": "array", "items": {"$ref": "#/definitions/B"}},
                                                                                             "B": {"type": "integer", "minimum": 1}}}}}
    circle = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}},
                                                                             "$defs": {"A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/A"}}}}}}}
    cases = []
    for group in ("haiku-3", "opus-4-1", "sonnet", "opus-4-6", "sonnet-3-7", "fable-5-1"):
        cases += [
            case(f"{group}: object", group=group, response_format={"type": "json_object"}),
            case(f"{group}: object with a schema", group=group, response_format={"type": "json_object", "response_schema": {"type": "object", "properties": {"a": {}}}}),
            case(f"{group}: text", group=group, response_format={"type": "text"}),
            case(f"{group}: schema", answered(told), group=group, response_format=SCHEMA),
            case(f"{group}: wide schema", answered(told), group=group, response_format=wide),
            case(f"{group}: legacy definitions", answered(told), group=group, response_format=legacy),
            case(f"{group}: circle", answered(told), group=group, response_format=circle),
            case(f"{group}: schema and tools", answered(mixed), group=group, response_format=SCHEMA, tools=[TOOL]),
            case(f"{group}: schema and a choice", answered(mixed), group=group, response_format=SCHEMA, tools=[TOOL], tool_choice="auto"),
            case(f"{group}: values", answered(values), group=group, response_format=SCHEMA),
            case(f"{group}: answered in words", group=group, response_format=SCHEMA),
            case(f"{group}: thinking", answered(told), group=group, response_format=SCHEMA, thinking={"type": "enabled", "budget_tokens": 1024}),
            stream(f"{group}: streamed", start(), *used("{\"a\"", ": 1}", name="json_tool_call"), finished("tool_use"), STOP, group=group, response_format=SCHEMA),
            stream(f"{group}: streamed and tools", start(), *said("x"), *used("{\"a\": 1}", name="json_tool_call", index=1),
                   *used("{}", index=2), finished("tool_use"), STOP, group=group, response_format=SCHEMA, tools=[TOOL], **ASKS_USAGE),
        ]
    return cases


def deployed():
    return [case(group, group=group) for group in ("slash-base", "full-base", "query-base", "path-query-base", "options", "headers", "beta-headers", "dropping",
                                                   "allowing", "extra-body", "limited", "thinks")] + [
        case("options the client has too", group="options", temperature=0.9, unknown=2, stop="y"),
        case("null instead of an option", group="options", temperature=None),
        case("headers and the client's", group="headers", extra_headers={"X-Mine": "1"}),
        case("dropped keys", group="dropping", top_k=1, foo=2, top_p=0.5),
        case("drops", group="drops", seed=1, top_p=0.4, temperature=0.3, stop=" "),
        case("limited and a limit", group="limited", max_tokens=3),
        case("limited and another limit", group="limited", max_completion_tokens=3),
        case("thinks and a limit", group="thinks", max_tokens=30),
        case("max retries", max_retries=3),
    ]


def answers():
    citation = {"type": "char_location", "cited_text": "c", "document_index": 0, "document_title": None, "start_char_index": 0, "end_char_index": 1}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
        {"type": "web_search_result", "url": "https://a", "title": "t", "encrypted_content": "e", "page_age": None}]}
    failed = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "web_search_tool_result_error", "error_code": "x"}}
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
    ran = {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": {
        "type": "bash_code_execution_result", "stdout": "out", "stderr": "err", "return_code": 0, "content": []}}
    run = {"type": "server_tool_use", "id": "srvtoolu_2", "name": "bash_code_execution", "input": {"command": "ls"}}
    usages = {
        "minimal": {"input_tokens": 1, "output_tokens": 2},
        "cached": {**USAGE, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 50, "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}},
        "cached without details": {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 50},
        "nulls": {"input_tokens": None, "output_tokens": None, "cache_read_input_tokens": None, "cache_creation_input_tokens": None, "cache_creation": None,
                  "server_tool_use": None, "service_tier": None, "inference_geo": None},
        "searches": {**USAGE, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}},
        "no searches": {**USAGE, "server_tool_use": {"web_search_requests": 0}},
        "tool searches": {**USAGE, "server_tool_use": {"tool_search_requests": 2}},
        "iterations": {**USAGE, "iterations": [{"type": "message", "input_tokens": 3, "output_tokens": 4, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 6},
                                               {"type": "compaction", "input_tokens": 1, "output_tokens": 2}]},
        "iterations with details": {**USAGE, "iterations": [{"input_tokens": 3, "output_tokens": 4, "cache_creation_input_tokens": 5, "cache_read_input_tokens": None,
                                                             "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
                                                             "output_tokens_details": {"thinking_tokens": 2}}]},
        "no iterations": {**USAGE, "iterations": []},
        "thinking told": {**USAGE, "output_tokens": 100, "output_tokens_details": {"thinking_tokens": 60}},
        "more thinking than output": {**USAGE, "output_tokens_details": {"thinking_tokens": 60}},
        "fast": {**USAGE, "speed": "fast"},
        "region": {**USAGE, "inference_geo": "us"},
        "extra": {**USAGE, "new": 1, "other": {"a": None}},
        "floats": {"input_tokens": 1.0, "output_tokens": 2.9},
        "priority": {**USAGE, "service_tier": "priority"},
        "batch": {**USAGE, "service_tier": "batch"},
        "zero": {"input_tokens": 0, "output_tokens": 0},
    }
    blocks = {
        "two texts": [TEXT, {"type": "text", "text": " more"}],
        "no content": [],
        "empty text": [{"type": "text", "text": ""}],
        "tool use": [USE],
        "text and tool use": [TEXT, USE, {**USE, "id": "toolu_2", "input": {}}],
        "tool use with a caller": [{**USE, "caller": {"type": "direct"}}],
        "thinking": [THINKING, TEXT],
        "long thinking": [{**THINKING, "thinking": "Ich überlege: 12345678 Äpfel, don't\n\n\n  we'll\tsee  … 漢字かな 😀👍🏽 foo_bar(baz){}; HELLO'S 'S don'T  \n"}, TEXT],
        "redacted thinking": [REDACTED, TEXT],
        "both kinds of thinking": [THINKING, REDACTED, {**THINKING, "thinking": ""}, TEXT],
        "empty thinking": [{**THINKING, "thinking": ""}, TEXT],
        "thinking and tool use": [THINKING, USE],
        "citations": [{**TEXT, "citations": [citation]}, {**TEXT, "citations": None}, {**TEXT, "citations": []}],
        "search": [search, found, {**TEXT, "citations": [{"type": "web_search_result_location", "url": "https://a", "title": "t", "encrypted_index": "i", "cited_text": "c"}]}],
        "failed search": [search, failed, TEXT],
        "result without a search": [found, TEXT],
        "fetch": [{"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_fetch", "input": {"url": "u"}},
                  {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "web_fetch_result", "url": "u"}}, TEXT],
        "code": [run, ran, TEXT],
        "code without output": [run, {**ran, "content": {**ran["content"], "stdout": "", "stderr": ""}}, TEXT],
        "code that failed": [run, {**ran, "content": {"type": "bash_code_execution_tool_result_error", "error_code": "unavailable"}}, TEXT],
        "editor": [{**run, "name": "text_editor_code_execution"}, {"type": "text_editor_code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": {"a": 1}}, TEXT],
        "tool search": [{**run, "name": "tool_search_tool_regex"}, {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_2", "content": {}}, USE],
        "compaction": [{"type": "compaction", "content": "c"}, TEXT],
        "unknown block": [{"type": "new_block", "x": 1}, TEXT],
        "mcp": [{"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}}, {"type": "mcp_tool_result", "tool_use_id": "m", "content": []}, TEXT],
        "numbers in an input": [{**USE, "input": {"a": [1e16, -0.0, 12345678901234567890, 5.25e-5, True, None, "é\u2028😀"]}}],
        "think tags": [{"type": "text", "text": "<think>why\nso</think>\nanswer"}],
        "container upload": [{"type": "container_upload", "file_id": "f"}, TEXT],
    }
    reasons = ["end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded", "compaction", None, "new_reason"]
    ends = {"model": None, "unknown model": "claude-unknown"}
    return [case(f"usage: {name}", answered(message(usage=usage))) for name, usage in usages.items()] + [
        case(f"usage: {name}, with thinking", answered(message(THINKING, TEXT, usage=usage))) for name, usage in usages.items()] + [
        case(f"blocks: {name}", answered({**message(*content), "content": content})) for name, content in blocks.items()] + [
        case(f"stops: {reason}", answered(message(stop=reason))) for reason in reasons] + [
        case(f"stops: {reason}, with a call", answered(message(USE, stop=reason))) for reason in ("end_turn", "tool_use", "max_tokens")] + [
        case(f"model: {name}", answered(message(model=model))) for name, model in ends.items() if model] + [
        case("context management", answered(message(context_management={"applied_edits": []}))),
        case("container", answered(message(run, ran, container={"id": "c_1", "expires_at": "x"}))),
        case("null container", answered(message(container=None, context_management=None))),
        case("stop details", answered(message(stop="refusal", stop_details={"type": "refusal"}))),
        case("extra at the top", answered(message(new_top={"a": None}))),
        case("prefill is told", answered(message({"type": "text", "text": " 42"})), messages=[USER, {"role": "assistant", "content": "The answer is", "prefix": True}]),
        case("prefill is repeated", answered(message({"type": "text", "text": "The answer is 42"})),
             messages=[USER, {"role": "assistant", "content": "The answer is", "prefix": True}]),
        case("no usage", answered(message(usage="absent"))),
        case("no model", answered(message(model="absent"))),
        case("null model", answered({**message(), "model": None})),
        case("no content field", answered(message(content="absent"))),
        case("null content", answered({**message(), "content": None})),
        case("content is a text", answered({**message(), "content": "hi"})),
        case("no stop reason", answered(message(stop_reason="absent"))),
        case("a block without a type", answered(message({"text": "a"}))),
        case("a text without a text", answered(message({"type": "text"}))),
        case("a use without an input", answered(message({"type": "tool_use", "id": "a", "name": "b"}))),
        case("error in a 200", answered({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})),
        case("not json", raw("{")),
        case("empty", raw("")),
        case("a list", raw("[]")),
        case("html", raw("<html>", headers=[["content-type", "text/html"]])),
        case("other status that is fine", answered(status=201)),
        case("json as text", raw(json.dumps(message()), headers=[["content-type", "text/plain"]])),
        case("many headers", answered(headers=[*HEADERS, ["x-twice", "a=b"], ["x-twice", "c=d"], ["x-empty", ""], ["X-Upper", "U"],
                                               ["x-litellm-fake", "1"], ["llm_provider-x", "2"], ["date", "Mon, 01 Jan 2024 00:00:00 GMT"],
                                               ["x-ratelimit-limit-requests", "7"]])),
        case("thinking asked and given", answered(message(THINKING, TEXT)), thinking={"type": "enabled", "budget_tokens": 1024}),
    ]


def costs():
    cached = {**USAGE, "input_tokens": 200, "cache_read_input_tokens": 1024, "cache_creation_input_tokens": 500,
              "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 200}}
    kinds = {
        "plain": USAGE, "cached": cached, "long": {**USAGE, "input_tokens": 250000}, "long by the cache": {**cached, "cache_read_input_tokens": 250000},
        "searched": {**USAGE, "server_tool_use": {"web_search_requests": 3}}, "fast": {**cached, "speed": "fast"},
        "us": {**cached, "inference_geo": "us"}, "thought": {**USAGE, "output_tokens": 500, "output_tokens_details": {"thinking_tokens": 400}},
        "no details": {"input_tokens": 7, "output_tokens": 8, "cache_creation_input_tokens": 9, "cache_read_input_tokens": 10},
        "priority": {**cached, "service_tier": "priority"},
    }
    names = {"haiku-3": "claude-3-haiku-20240307", "sonnet": "claude-sonnet-4-5-20250929", "opus-4-6": "claude-opus-4-6", "opus-4-8": "claude-opus-4-8",
             "haiku": "claude-haiku-4-5-20251001", "unknown": "claude-unknown-9", "fable": "claude-fable-5", "ours": "our-own-model"}
    cases = []
    for group, model in names.items():
        for name, usage in kinds.items():
            cases.append(case(f"{group}: {name}", answered(message(model=model, usage=usage)), group))
    return cases + [
        case("another model answers", answered(message(model="claude-3-haiku-20240307"))),
        case("speed asked", answered(message(model="claude-opus-4-6")), "opus-4-6", speed="fast"),
        case("search asked", answered(message(usage=kinds["searched"])), web_search_options={"search_context_size": "high"}),
        stream("stream of another model", *whole(*said("a"), begun=start(model="claude-3-haiku-20240307")), **ASKS_USAGE),
        stream("stream, cached", *whole(*said("a"), begun=start(usage=cached)), **ASKS_USAGE),
        stream("stream, searched", *whole(*said("a"), usage=kinds["searched"]), **ASKS_USAGE),
    ]


def errors():
    cases = []
    for status in (400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 501, 502, 503, 504, 529):
        cases += [
            case(f"{status}", refused(status, "nope", "some_error")),
            case(f"{status} as text", raw("<html>nope</html>", status, [["content-type", "text/html"]])),
            case(f"{status} of a stream", refused(status, "nope", "some_error"), stream=True),
        ]
    return cases + [
        case("empty body", raw("", 500)),
        case("400 empty", raw("", 400)),
        case("empty body of a stream", raw("", 500), stream=True),
        case("limit with a time", refused(429, "limited", "rate_limit_error", headers=[*HEADERS, ["retry-after", "7"]])),
        case("quotes", refused(400, "it's \"bad\" é 😀\n")),
        case("quotes of a stream", refused(400, "it's \"bad\" é 😀\n"), stream=True),
        case("bytes that aren't text", {"status": 400, "headers": [["content-type", "application/json"]], "body_base64": "eyJhIjoi/yJ9"}),
        case("bytes that aren't text of a stream", {"status": 400, "headers": [["content-type", "application/json"]], "body_base64": "eyJhIjoi/yJ9"}, stream=True),
        case("origin", refused(400), headers=[["origin", "https://example.com"]]),
        case("timeout header", refused(400), headers=[["x-litellm-timeout", "9"]]),
        case("timeout in the body", refused(400), timeout=9),
        case("thinking refused", answers=[refused(400, "messages.1.content.0: Invalid `signature` in `thinking` block"), answered()],
             messages=[USER, {**REPLY, "thinking_blocks": [THINKING]}, USER]),
        case("no content", raw("", 204)),
        case("drops and 422", refused(422, "nope"), group="drops"),
    ]


def phrases():
    texts = {
        "context": "prompt is too long: 250000 tokens > 200000 maximum", "length": "prompt: length", "window": "input length and `max_tokens` exceed context limit",
        "overloaded": "Overloaded", "key": "Invalid API Key", "policy": "Output blocked by content filtering policy", "timeout": "Request timed out.",
        "rate": "This request would exceed your rate limit", "secret": "key sk-ant-api03-abcdefghijklmnopqrstuvwxyz123456 leaked",
        "deployments": "No deployments available", "client error": "Client error '400 Bad Request' for url", "max": "max_tokens: 300000 > 64000",
        "credit": "Your credit balance is too low", "file": "error in '/usr/lib/python3/x.py', line 5",
    }
    cases = []
    for name, text in texts.items():
        cases.append(case(f"{name}: 400", refused(400, text)))
        cases.append(case(f"{name}: 500", refused(500, text, "api_error")))
        cases.append(case(f"{name}: stream", refused(400, text), stream=True))
    return cases


def refusals():
    return [
        case("unsupported", seed=1),
        case("several unsupported", seed=1, logprobs=True, frequency_penalty=0.1, n=2),
        case("unsupported by the deployment's word", group="allowing", logit_bias={"1": 1}, top_logprobs=1),
        case("temperature", group="opus-4-7", temperature=0.2),
        case("temperature as a float of one", group="opus-4-7", temperature=1.0),
        case("top_p", group="opus-4-7", top_p=0.2),
        case("forced tools", group="fable-5-1", tools=[TOOL], tool_choice="required"),
        case("speed", speed="fast"),
        case("effort", group="haiku-3", reasoning_effort="low"),
        case("thinking", group="haiku-3", thinking={"type": "enabled", "budget_tokens": 1}),
        case("stream unsupported", seed=1, stream=True),
        case("agentic client that says no", seed=1, drop_params=False, headers=[["user-agent", "claude-cli/2.1.0"]]),
        case("strange effort", reasoning_effort="strange"),
        case("only a system", messages=[{"role": "system", "content": "s"}]),
        case("no messages", messages=[]),
        case("strange output effort", group="opus-4-6", output_config={"effort": "strange"}),
        case("max output effort", output_config={"effort": "max"}),
    ]


def failures():
    return [
        case("closed", {"failure": "close"}), case("reset", {"failure": "reset"}),
        case("closed stream", {"failure": "close"}, stream=True),
        case("refused connection", group="refused"), case("refused connection of a stream", group="refused", stream=True),
        case("too slow", {**answered(), "delay": 1}, group="quick"),
        case("too slow for a stream", {"status": 200, "headers": SSE, "pieces": whole(*said("a")), "delay": 1}, group="quick-stream", stream=True),
        case("cut body", {**answered(), "cut": 30}),
    ]


def streams():
    calls = [*used("{\"city\":", " \"Köln\"}"), *used(index=1, id="toolu_2")]
    search = [opened({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}), delta({"type": "input_json_delta", "partial_json": "{\"query\": \"q\"}"}),
              closed(), opened({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "url": "u", "title": "t",
                                                                                                         "encrypted_content": "e", "page_age": None}]}, 1), closed(1)]
    cite = delta({"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": "u", "title": "t", "encrypted_index": "i", "cited_text": "c"}}, 2)
    code = [*used("{\"command\": \"ls\"}", id="srvtoolu_2", name="bash_code_execution", kind="server_tool_use"),
            opened({"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": {
                "type": "bash_code_execution_result", "stdout": "out", "stderr": "", "return_code": 0, "content": []}}, 1), closed(1)]
    plain = {
        "text": whole(*said("hé", " llo")),
        "empty text": whole(*said("", "a")),
        "no blocks": whole(),
        "tool calls": whole(*calls, reason="tool_use"),
        "text and a call": whole(*said("let me"), *used("{\"a\"", ": 1}", index=1), reason="tool_use"),
        "call with a caller": whole(opened({"type": "tool_use", "id": "t", "name": "n", "input": {}, "caller": {"type": "direct"}}), closed(), reason="tool_use"),
        "call whose input comes at once": whole(opened({"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}}), closed(), reason="tool_use"),
        "thinking": whole(*thought("Let me", " think"), *said("done", index=1)),
        "thinking told": whole(*thought("Let me", " think"), *said("done", index=1), usage={"output_tokens": 30, "output_tokens_details": {"thinking_tokens": 12}}),
        "redacted": whole(opened(REDACTED), closed(), *said("done", index=1)),
        "thinking and a call": whole(*thought("hm"), *used("{}", index=1), reason="tool_use"),
        "thinking without words": whole(*thought(), *said("done", index=1)),
        "search": whole(*search, opened({"type": "text", "text": "", "citations": []}, 2), delta({"type": "text_delta", "text": "a"}, 2), cite, closed(2),
                        usage={**USAGE, "server_tool_use": {"web_search_requests": 1}}),
        "code": whole(*code, *said("a", index=2)),
        "compaction": whole(opened({"type": "compaction", "content": None}), delta({"type": "compaction_delta", "content": "c"}), closed(), *said("a", index=1)),
        "unknown block": whole(opened({"type": "new_block", "x": 1}), closed(), *said("a", index=1)),
        "unknown event": [start(), event({"type": "new_event", "x": 1}), *said("a"), finished(), STOP],
        "stopped at the limit": whole(*said("a"), reason="max_tokens"),
        "stopped by a sequence": whole(*said("a"), reason="stop_sequence"),
        "paused": whole(*said("a"), reason="pause_turn"),
        "refused": whole(*said("a"), reason="refusal"),
        "window": whole(*said("a"), reason="model_context_window_exceeded"),
        "all usage at the end": whole(*said("a"), usage={**USAGE, "input_tokens": 25, "cache_read_input_tokens": 5, "output_tokens": 15}),
        "cached": whole(*said("a"), begun=start(usage={**USAGE, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 8,
                                                        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 5}})),
        "iterations": whole(*said("a"), usage={"output_tokens": 15, "iterations": [{"input_tokens": 3, "output_tokens": 4}]}),
        "context management": [start(), *said("a"), finished(context_management={"applied_edits": []}), STOP],
        "container": [start(), *said("a"), event({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None, "container": {"id": "c"}},
                                                  "usage": {"output_tokens": 3}}), STOP],
        "no message stop": [start(), *said("a"), finished()],
        "no message delta": [start(), *said("a"), STOP],
        "no message start": [*said("a"), finished(), STOP],
        "only a start": [start()],
        "nothing": [],
        "pings": [start(), PING, PING, *said("a"), PING, finished(), PING, STOP],
        "without event lines": [piece.split("\n", 1)[1] for piece in whole(*said("a"))],
        "crlf": [piece.replace("\n", "\r\n") for piece in whole(*said("a"))],
        "split anywhere": [part for piece in whole(*said("hé", "llo")) for part in (piece[:9], piece[9:31], piece[31:])],
        "all in one": ["".join(whole(*said("hé", "llo")))],
        "comments": [start(), ": note\n\n", *said("a"), finished(), STOP],
        "done": [*whole(*said("a")), "data: [DONE]\n\n"],
        "special tokens": whole(*said("<|im_end|>", "<think>a</think>", "\u2028")),
        "null usage": [start(), *said("a"), finished(usage={"output_tokens": None}), STOP],
        "odd text": whole(opened({"type": "text", "text": "first"}), delta({"type": "text_delta", "text": "second"}), closed()),
        "many calls": whole(*used("{}", index=0), *used("{}", index=1, id="toolu_2"), *used("{}", index=2, id="toolu_3"), reason="tool_use"),
    }
    return [stream(name, *pieces) for name, pieces in plain.items()] + [
        stream(f"{name}, usage asked", *pieces, **ASKS_USAGE) for name, pieces in plain.items()] + [
        stream("no usage asked", *plain["text"], stream_options={"include_usage": False}),
        stream("tools asked", *plain["tool calls"], tools=[TOOL], tool_choice="auto"),
        stream("thinking asked", *plain["thinking"], thinking={"type": "enabled", "budget_tokens": 1024}, **ASKS_USAGE),
        stream("cross origin", *plain["text"], headers=[["origin", "https://example.com"]]),
        stream("prefill", *plain["text"], messages=[USER, {"role": "assistant", "content": "The", "prefix": True}]),
        stream("speed", *plain["text"], group="opus-4-6", speed="fast", **ASKS_USAGE),
        stream("more headers", *plain["text"], headers=SSE + [["x-litellm-fake", "1"], ["retry-after", "3"]]),
        stream("alias", *plain["text"], group="alias"),
    ]


def stream_errors():
    error = event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    kinds = ["invalid_request_error", "authentication_error", "permission_error", "not_found_error", "rate_limit_error", "api_error", "overloaded_error",
             "timeout_error", "request_too_large", "new_error"]
    cases = []
    for kind in kinds:
        broken = event({"type": "error", "error": {"type": kind, "message": "nope"}})
        cases += [stream(f"{kind} first", broken), stream(f"{kind} in the middle", start(), opened({"type": "text", "text": ""}), delta({"type": "text_delta", "text": "a"}), broken)]
    return cases + [
        stream("error behind the start", start(), error),
        stream("error at the end", start(), *said("a"), finished(), error),
        stream("error without a type", start(), *said("a"), event({"type": "error", "error": {"message": "m"}})),
        stream("error without an error", start(), *said("a"), event({"type": "error"})),
        stream("closed", start(), opened({"type": "text", "text": ""}), delta({"type": "text_delta", "text": "a"}), end="close"),
        stream("reset", start(), opened({"type": "text", "text": ""}), delta({"type": "text_delta", "text": "a"}), end="reset"),
        stream("closed at once", end="close"),
        stream("reset at once", end="reset"),
        stream("too quiet", start(), *said("a"), end="hang", group="quick-stream"),
        stream("not json", start(), *said("a"), "event: x\ndata: {nope\n\n", finished(), STOP),
        stream("not json first", "data: {nope\n\n"),
        stream("a json answer", json.dumps(message()), headers=[["content-type", "application/json"]]),
        stream("html", "<html>", headers=[["content-type", "text/html"]]),
        stream("no type", start(), *said("a"), "data: {\"x\": 1}\n\n", finished(), STOP),
        stream("a text delta without a text", start(), opened({"type": "text", "text": ""}), delta({"type": "text_delta"}), closed(), finished(), STOP),
        stream("unknown delta", start(), opened({"type": "text", "text": ""}), delta({"type": "new_delta", "x": 1}), closed(), finished(), STOP),
        stream("empty data", start(), "data: \n\n", *said("a"), finished(), STOP),
    ]


def declined():
    """What is left to Python: recorded to see that it is answered there at all."""
    return [
        case("image behind http", messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/a.png"}}]}]),
        case("function call in the history", messages=[USER, {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}, USER]),
        case("function role without an id", messages=[USER, {"role": "function", "name": "f", "content": "1"}]),
        case("empty beta of the client", headers=[["anthropic-beta", ""]]),
        case("container", container={"skills": [{"type": "anthropic", "skill_id": "pptx", "version": "latest"}]}),
        case("cut arguments", messages=[USER, {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "weather", "arguments": "{\"a\""}}]},
                                        {"role": "tool", "tool_call_id": "call_1", "content": "1"}]),
        case("image in no format", messages=[{"role": "user", "content": [{"type": "image_url", "image_url": "aGk="}]}]),
        case("unknown tool", tools=[{"type": "image_generation"}]),
        case("arguments as an object", messages=[USER, {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "weather", "arguments": {"a": 1}}}]},
                                                  {"role": "tool", "tool_call_id": "call_1", "content": "1"}]),
        case("any tool", tools=[TOOL], tool_choice={"type": "any"}),
        case("tool of anthropic", tools=[TOOL], tool_choice={"type": "tool", "name": "weather"}),
        case("managed file", messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": "bGl0ZWxsbV9wcm94eQ"}}]}]),
        case("pattern of a path in a drop", additional_drop_params=["tools[*].x"]),
        case("beta in capitals", extra_headers={"Anthropic-Beta": "context-1m-2025-08-07"}),
        case("version in a header of the body", extra_headers={"anthropic-version": "2023-01-01"}),
        case("unknown beta of the client", headers=[["anthropic-beta", "unknown-beta"]]),
        case("unknown beta of the body", anthropic_beta=["files-api-2025-04-14", "x"]),
        case("of a model of their name", group="geminis", messages=[USER, {"role": "tool", "tool_call_id": "call_1__thought__QUJD", "content": "21"}]),
    ]


def foreign_ids():
    signed = SignedHistories(USER, CALL)
    made = {
        **signed.ids(),
        "two that become one": signed.calls([{**CALL, "id": "call_1__thought__A"}, {**CALL, "id": "call_1__thought__B"}]),
        **signed.roles(),
        **signed.of_a_function(),
        "call of the server's": signed.calls([{**CALL, "id": "srvtoolu_1__thought__QUJD"}]),
        **signed.lists(),
    }
    return [case(name, messages=messages) for name, messages in made.items()] + [
        case("with tools", messages=made["call and result"], tools=[TOOL]),
        case("of a model of their name, plain", group="geminis"),
    ]


def refused_together():
    every = {"service_tier": "flex", "store": True, "prompt_cache_key": "k", "safety_identifier": "s", "seed": 1, "logit_bias": {"1": 1},
             "presence_penalty": 1, "frequency_penalty": 1, "n": 3, "audio": {"voice": "a"}, "modalities": ["text"],
             "prediction": {"type": "content"}, "logprobs": True, "top_logprobs": 2, "verbosity": "low", "functions": [{"name": "f"}],
             "function_call": "auto", "reasoning_effort": "low", "thinking": {"type": "enabled", "budget_tokens": 1024}}
    return [case("tier and store", service_tier="flex", store=True), case("every", **every), case("every, haiku", group="haiku-3", **every)]


def told_costs():
    """The provider is a LiteLLM itself, which tells a cost."""
    names = ("x-litellm-response-cost", "llm_provider-x-litellm-response-cost")
    pieces = whole(*said("a"))
    cases = []
    for name, value in [(names[0], value) for value in ("0.5", "0", "abc", "", "-1", "inf", "nan")] + [(names[1], "0.5")]:
        told = [name, value]
        cases += [
            case(f"{name} {value!r}", answered(headers=[*HEADERS, told])),
            stream(f"stream, {name} {value!r}", *pieces, headers=[*SSE, told], **ASKS_USAGE),
        ]
    told = [names[0], "0.5"]
    both = [told, [names[1], "0.25"]]
    return cases + [
        case("unknown model", answered(message(model="unknown"), headers=[*HEADERS, told]), group="ours"),
        case("both names", answered(headers=[*HEADERS, *both])), case("both names, the other first", answered(headers=[*HEADERS, *both[::-1]])),
        case("twice", answered(headers=[*HEADERS, told, told])),
        stream("stream, both names", *pieces, headers=[*SSE, *both], **ASKS_USAGE),
        stream("stream, no usage asked for", *pieces, headers=[*SSE, told]),
    ]
