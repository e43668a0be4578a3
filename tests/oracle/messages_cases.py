"""The cases of `messages_goldens.py`: what a client sends and what the provider answers, by theme. All made up here."""

import base64
import gzip
import json

JSON = [["content-type", "application/json"], ["request-id", "req_1"]]
SSE = [["content-type", "text/event-stream; charset=utf-8"], ["request-id", "req_1"], ["x-ratelimit-limit-requests", "9"],
       ["anthropic-ratelimit-requests-limit", "10"]]
USER = {"role": "user", "content": "hi é 😀"}
TOOL = {"name": "Bash", "description": "runs", "input_schema": {"type": "object", "properties": {"a": {"type": "number"}}}}


def message(**changes):
    usage = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 5}
    plain = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
             "content": [{"type": "text", "text": "hé\u2028"}], "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
    return {**plain, **changes}


def answered(body=None, status=200, headers=JSON):
    return {"status": status, "headers": headers, "body": json.dumps(message() if body is None else body)}


def raw(text, status=200, headers=JSON):
    return {"status": status, "headers": headers, "body": text}


def refused(status, kind="invalid_request_error", text="no"):
    return answered({"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}, status)


def gzipped(text, headers):
    encoded = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return {"status": 200, "headers": [*headers, ["content-encoding", "gzip"]], "body_base64": encoded}


def body(group="claude", **changes):
    return {"model": group, "max_tokens": 1000, "messages": [USER], **changes}


def case(name, answer=None, group="claude", headers=(), answers=None, **changes):
    return {"name": name, "group": group, "headers": list(headers), "body": body(group, **changes),
            "answers": answers or [answer or answered()]}


def event(kind, **data):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n"


START = event("message_start", message=message(content=[], stop_reason=None))
OPEN = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
PING = event("ping")
DELTA = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "hé"})
CLOSE = event("content_block_stop", index=0)
ENDING = event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 5})
STOP = event("message_stop")
WHOLE = [START, OPEN, DELTA, CLOSE, ENDING, STOP]


def error_event(kind, **more):
    return event("error", error={"type": kind, "message": "boom é", **more})


def stream(name, *pieces, end="clean", group="claude", headers=SSE, **changes):
    answer = {"status": 200, "headers": headers, "pieces": list(pieces), "end": end}
    return case(name, answer, group, stream=True, **changes)


def themes():
    return {
        "requests": requests(), "thinking": thinking(), "histories": histories(), "betas": betas(), "deployments": deployments(),
        "answers": answers(), "costs": costs(), "errors": errors(), "phrases": phrases(), "refusals": refusals(), "failures": failures(),
        "streams": streams(), "stream_errors": stream_errors(), "declined": declined(), "odd_histories": odd_histories(),
    }


def requests():
    system = [{"type": "text", "text": "be", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "citations": {"enabled": True}}
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    servers = [{"type": "url", "url": "https://example.com/mcp", "name": "example"}]
    return [
        case("plain"),
        case("alias", group="alias"),
        case("system text", system="be brief"),
        case("system blocks", system=system),
        case("empty system", system=[]),
        case("tools", tools=[TOOL, {**TOOL, "name": "b", "cache_control": {"type": "ephemeral"}}], tool_choice={"type": "any"}),
        case("empty tools", tools=[]),
        case("server tools", tools=[search, {"type": "code_execution_20250825", "name": "code_execution"}]),
        case("sampling", temperature=0.7, top_p=0.9, top_k=5, stop_sequences=["x"]),
        case("numbers", temperature=1e-7, top_p=1.0, tools=[{**TOOL, "n": [1e16, 1e22, -0.0, 123456789012345678, 5.25e-5]}]),
        case("nulls", system=None, temperature=None, tools=None, metadata=None, thinking=None),
        case("metadata", metadata={"user_id": "user_abc_account__session_12345678-1234"}),
        case("empty metadata", metadata={}),
        case("metadata without id", metadata={"user_id": None}),
        case("unknown keys", foo=1, bar={"a": 1}),
        case("service tier", service_tier="auto"),
        case("user", user="someone"),
        case("top-level cache control", cache_control={"type": "ephemeral"}),
        case("output config", output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}}),
        case("output format", output_format={"type": "json_schema", "schema": {"type": "object"}}),
        case("mcp servers", mcp_servers=servers),
        case("container", container="container_1"),
        case("container object", container={"id": "container_1"}),
        case("inference geo", inference_geo="us"),
        case("safeguards", safeguards=[{"type": "x"}]),
        case("order of keys", tools=[TOOL], output_config={"format": None}, container="c", inference_geo="eu", system="s",
             top_k=1, temperature=1, metadata={"user_id": "u"}),
        case("media", messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, image, document]}]),
        case("system role", messages=[{"role": "system", "content": "s"}, USER]),
        case("extra headers", extra_headers={"X-Mine": "1"}),
        case("options of litellm", num_retries=0, timeout=20, stream_timeout=3.5, drop_params=False),
        case("options by header", headers=[["x-litellm-timeout", "7.5"], ["x-litellm-num-retries", "0"]]),
        case("claude code", headers=[["user-agent", "claude-cli/2.1.0 (external, cli)"], ["x-app", "cli"],
                                     ["x-claude-code-session-id", "12345678-1234"]]),
        case("stream false", stream=False),
        case("speed that is allowed", group="opus-4-8", speed="fast"),
        case("speed that is dropped", group="drops", speed="fast"),
        case("speed without leave", drop_params=True, speed="fast"),
        case("big history", messages=[{"role": "user", "content": "x" * 3000}, {"role": "assistant", "content": "y"}, USER]),
    ]


def thinking():
    enabled = {"type": "enabled", "budget_tokens": 5000}
    adaptive = {"type": "adaptive"}
    cases = []
    for group in ("claude", "haiku-3", "opus-4-5", "sonnet-4-6", "opus-4-8", "fable-5", "newer", "dotted", "ours"):
        cases += [
            case(f"{group} enabled", group=group, thinking=enabled, max_tokens=9000),
            case(f"{group} adaptive", group=group, thinking=adaptive, max_tokens=9000),
            case(f"{group} effort", group=group, output_config={"effort": "high", "format": None}, max_tokens=3000),
            case(f"{group} adaptive with effort", group=group, thinking=adaptive, output_config={"effort": "xhigh"}, max_tokens=9000),
            case(f"{group} disabled", group=group, thinking={"type": "disabled"}),
        ]
    cases += [
        case("no room", thinking=adaptive, max_tokens=1024),
        case("little room", thinking=adaptive, max_tokens=1025),
        case("effort none", output_config={"effort": "none"}),
        case("effort max", thinking=adaptive, output_config={"effort": "max"}, max_tokens=20000, group="opus-4-5"),
        case("effort minimal", thinking=adaptive, output_config={"effort": "minimal"}, max_tokens=20000),
        case("temperature goes", thinking=enabled, temperature=0, max_tokens=9000),
        case("temperature of one stays", thinking=enabled, temperature=1.0, max_tokens=9000),
        case("temperature with effort", group="opus-4-5", output_config={"effort": "low"}, temperature=0.5),
        case("temperature on adaptive", group="sonnet-4-6", thinking=enabled, temperature=0, max_tokens=9000),
        case("budget to effort, xhigh", group="opus-4-8", thinking={"type": "enabled", "budget_tokens": 8192}, max_tokens=9000),
        case("budget to effort, medium", group="opus-4-8", thinking={"type": "enabled", "budget_tokens": 2048}, max_tokens=9000),
        case("budget to effort, none", group="opus-4-8", thinking={"type": "enabled"}, max_tokens=9000),
        case("own effort wins", group="opus-4-8", thinking=enabled, output_config={"x": 1, "effort": "low"}, max_tokens=9000),
        case("sampling dropped", group="drops", temperature=0.5, top_p=0.5, top_k=1),
        case("sampling dropped for claude code", group="opus-4-8", temperature=0.5, headers=[["user-agent", "claude-cli/1"]]),
        case("sampling dropped for codex", group="opus-4-8", top_k=3, headers=[["user-agent", "Codex_cli/1"]]),
        case("temperature of one on a model without", group="opus-4-8", temperature=1),
    ]
    return cases


def histories():
    def turn(*blocks, role="assistant"):
        return {"role": role, "content": list(blocks)}

    text = {"type": "text", "text": "t"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"a": 1.50}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [text], "is_error": False}
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    sealed = "litellm_encrypted_reasoning:x"
    searched = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
    hit = {"type": "web_search_result", "url": "https://e.com", "title": "T", "encrypted_content": "abc"}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [hit]}
    foreign = {**found, "content": [{**hit, "encrypted_content": "", "snippet": "S"}, {"type": "web_search_result"}]}
    advice = [{"type": "server_tool_use", "id": "a1", "name": "advisor", "input": {}},
              {"type": "advisor_tool_result", "tool_use_id": "a1", "content": "x"}]

    def history(name, *turns, **changes):
        return case(name, messages=[USER, *turns, USER], **changes)

    advisor = {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-4-6"}
    return [
        history("tool use", turn(thought, text, use), turn(result, role="user")),
        history("empty text goes", turn({"type": "text", "text": ""}, use), turn({"type": "text", "text": " \n\u2003\u001c"}, result, role="user")),
        history("message of empty blocks goes", turn({"type": "text", "text": ""})),
        history("text without text goes", turn({"type": "text"}, text)),
        history("empty thinking goes", turn({"type": "thinking", "thinking": "", "signature": "s"}, text)),
        history("redacted thinking stays", turn({"type": "redacted_thinking", "data": "x"}, text)),
        history("odd ids", turn({**use, "id": "functions.Bash:0"}), turn({**result, "tool_use_id": "functions.Bash:0"}, role="user")),
        history("id with a thought", turn({**use, "id": "call_1__thought__abc"}), turn({**result, "tool_use_id": ""}, role="user")),
        history("own search stays", turn(searched, found, text)),
        history("foreign search becomes text", turn(searched, foreign, text)),
        history("foreign search without hits", turn(searched, {**found, "content": []}, text)),
        history("foreign search of nobody", turn({**foreign, "tool_use_id": "other"}, text)),
        history("search error stays", turn(searched, {**found, "content": {"type": "web_search_tool_result_error", "error_code": "x"}})),
        history("foreign reasoning goes", turn({**thought, "signature": sealed}, text)),
        history("message of foreign reasoning goes", turn({"type": "redacted_thinking", "data": sealed})),
        history("fields of litellm go", turn({**text, "provider_specific_fields": {"a": 1}}, {**use, "provider_specific_fields": None})),
        history("advice goes with its tool", turn(*advice, text)),
        history("advice stays with its tool", turn(*advice, text), tools=[advisor]),
        history("content null-like", {"role": "assistant", "content": ""}),
        history("citations", turn({**text, "citations": [{"type": "char_location", "cited_text": "x", "document_index": 0}]})),
        history("refused signature", turn(thought, text), turn(thought), thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000,
                answers=[refused(400, text="messages.1.content.0: Invalid `signature` in `thinking` block"), answered()]),
        history("refused signature twice", turn(thought, text),
                answers=[refused(400, text="each thinking block must contain thinking"), refused(400, text="still no")]),
        history("refused for something else", turn(thought, text), answers=[refused(400, text="thinking is nice")]),
        history("refused signature in a stream", turn(thought, text), stream=True,
                answers=[refused(400, text="thinking.signature.str: Input should be a valid string"),
                         {"status": 200, "headers": SSE, "pieces": WHOLE}]),
    ]


def betas():
    edits = {"edits": [{"type": "clear_tool_uses_20250919", "keep": {"type": "tool_uses", "value": 2}}]}
    both = {"edits": [{"type": "compact_20260112"}, {"type": "clear_thinking_20251015"}, {}]}
    regex = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    advisor = {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-4-6"}
    sent = [["anthropic-version", "2024-01-01"], ["anthropic-beta", "oauth-2025-04-20, claude-code-20250219,interleaved-thinking-2025-05-14"]]
    return [
        case("of the client", headers=sent),
        case("of the client in a stream", {"status": 200, "headers": SSE, "pieces": WHOLE}, headers=sent, stream=True),
        case("empty parts", headers=[["anthropic-beta", "b,,a , a"]]),
        case("context management", context_management=edits),
        case("context management with more", context_management=both, headers=sent),
        case("no edits", context_management={"edits": []}),
        case("no edits named", context_management={"x": 1}),
        case("tool search", tools=[regex, TOOL]),
        case("advisor", tools=[advisor]),
        case("structured output", output_config={"format": {"type": "json_schema"}}, headers=sent),
        case("fast mode", group="opus-4-8", speed="fast", headers=sent),
        case("version only", headers=[["anthropic-version", "2023-06-01"]]),
    ]


def deployments():
    return [case(name, group=name) for name in ("full-base", "slash-base", "query-base", "headers", "options", "ours")] + [
        case("options of the client win", group="options", temperature=1, thinking=None, output_config={"effort": "high"}),
        case("headers of the client win", group="headers", extra_headers={"X-Mine": "2"}),
        stream("stream of a base with a query", *WHOLE, group="query-base"),
        case("cross origin", headers=[["origin", "https://example.com"]]),
        stream("cross origin stream", *WHOLE) | {"headers": [["origin", "https://example.com"]]},
    ]


def answers():
    odd = '{"b":[1e-7,1e16,-0.0,1.0,123456789012345678901234567890,1e22],"model":"x","a":"\\u00e9\\/\\u007f","a":2,"usage":{"input_tokens":1,"output_tokens":2}}'
    return [
        case("tool use", answered(message(content=[{"type": "tool_use", "id": "t", "name": "n", "input": {"x": 1.0, "y": 1e-7}}], stop_reason="tool_use"))),
        case("thinking", answered(message(content=[{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "text": "x"}]))),
        case("odd numbers", raw(odd)),
        case("no model", answered({"id": "x"})),
        case("model null", answered({"id": "x", "model": None})),
        case("nan", raw('{"x": NaN}')),
        case("lone surrogate", raw('{"x": "\\ud800"}')),
        case("not json", raw("hello")),
        case("empty", raw("")),
        case("a list", raw("[1]")),
        case("a text", raw('"x"')),
        case("a null", raw("null")),
        case("byte order mark", raw("\ufeff{}")),
        case("refusal", answered(message(stop_reason="refusal", content=[], stop_details={"type": "refusal", "category": "x"}))),
        case("total tokens stay", answered(message(usage={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}))),
        case("extra fields", answered(message(container={"id": "c", "expires_at": "t"}, context_management={"applied_edits": []}))),
        case("error in a 200", answered({"type": "error", "error": {"type": "api_error", "message": "x"}})),
        case("gzip", gzipped(json.dumps(message()), JSON)),
        case("gzip of an error", {**gzipped('{"a": "é"}', JSON), "status": 400}),
        case("deep", raw('{"a":' + "[" * 150 + "]" * 150 + "}")),
    ]


def costs():
    def priced(name, model="claude-sonnet-4-5-20250929", group="claude", **usage):
        plain = {"input_tokens": 1234, "output_tokens": 567}
        return case(name, answered(message(model=model, usage={**plain, **usage})), group=group)

    split = {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 7}
    cached = {"cache_creation_input_tokens": 307, "cache_read_input_tokens": 4096}
    return [
        priced("plain"),
        priced("cache", **cached),
        priced("cache by lifetime", **cached, cache_creation=split),
        priced("lifetimes null", **cached, cache_creation={"ephemeral_5m_input_tokens": None, "ephemeral_1h_input_tokens": 5}),
        priced("cache null", cache_creation_input_tokens=None, cache_read_input_tokens=None),
        priced("only read", cache_read_input_tokens=99),
        priced("long prompt", input_tokens=150000, cache_read_input_tokens=60000, cache_creation_input_tokens=307, cache_creation=split),
        priced("at the threshold", input_tokens=200000, cache_read_input_tokens=0),
        priced("tier", **cached, service_tier="priority"),
        priced("tier batch", **cached, service_tier="batch"),
        priced("region", model="claude-sonnet-4-6", group="sonnet-4-6", **cached, cache_creation=split, inference_geo="us"),
        priced("region global", model="claude-sonnet-4-6", **cached, inference_geo="global"),
        priced("region unknown", model="claude-sonnet-4-6", **cached, inference_geo="EU"),
        priced("region without cache", model="claude-sonnet-4-6", inference_geo="US"),
        priced("fast", model="claude-opus-4-8", group="opus-4-8", **cached, speed="fast", inference_geo="us"),
        priced("thinking tokens", **cached, output_tokens_details={"thinking_tokens": 123}),
        priced("thinking tokens beyond", **cached, output_tokens_details={"thinking_tokens": 9999}),
        priced("thinking tokens without cache", output_tokens_details={"thinking_tokens": 123}),
        priced("searches", **cached, server_tool_use={"web_search_requests": 3}),
        priced("no searches", server_tool_use={"web_search_requests": 0}),
        priced("fetches", **cached, server_tool_use={"web_search_requests": 0, "web_fetch_requests": 2}),
        priced("searches of a model without price", model="claude-3-haiku-20240307", server_tool_use={"web_search_requests": 2}),
        priced("iterations", **cached, iterations=[{"input_tokens": 5, "output_tokens": 6, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 8,
                                                   "cache_creation": split}, {"input_tokens": 50, "output_tokens": 60}]),
        priced("iterations with thinking", **cached, iterations=[{"input_tokens": 5, "output_tokens": 600, "output_tokens_details": {"thinking_tokens": 40}}]),
        priced("unknown answered model", model="claude-of-tomorrow", **cached),
        priced("family answered model", model="claude-tomorrow-9", **cached),
        priced("answered model in capitals", model="CLAUDE-SONNET-4-5", **cached),
        priced("answered model of another provider", model="gpt-4o", **cached),
        priced("answered model with provider", model="anthropic/claude-haiku-4-5", **cached),
        priced("nobody knows", model="x", group="ours", **cached),
        priced("newer", model="claude-newer-7", group="newer", **cached),
        priced("zero", input_tokens=0, output_tokens=0),
        priced("haiku", model="claude-haiku-4-5-20251001", group="haiku", **cached, cache_creation=split),
        case("usage null", answered(message(usage=None))),
        case("usage empty", answered(message(usage={}))),
        case("usage half", answered(message(usage={"output_tokens": 5}))),
    ]


def errors():
    statuses = [400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 500, 501, 502, 503, 504, 520, 529]
    cases = [case(f"status {status}", refused(status, "x_error", "é \"x\"")) for status in statuses]
    cases += [case(f"status {status} in a stream", refused(status, "x_error"), stream=True) for status in (400, 401, 413, 429, 500, 529)]
    return cases + [
        case("empty body", raw("", 500)),
        case("html", raw("<html>é</html>", 502, [["content-type", "text/html"]])),
        case("latin-1", {"status": 400, "headers": [["content-type", "text/plain; charset=latin-1"]], "body_base64": "6Q=="}),
        case("retry-after", refused(429) | {"headers": [*JSON, ["retry-after", "3"]]}),
        case("request id", refused(400), headers=[["x-request-id", "mine"]]),
        case("request id in a stream", refused(400), headers=[["x-request-id", "mine"]], stream=True),
        case("cross origin", refused(400), headers=[["origin", "https://e.com"]]),
        case("timeout by header", refused(400), headers=[["x-litellm-timeout", "7"]]),
    ]


def phrases():
    texts = [
        "prompt is too long: 3 > 2", "prompt: length 3", "this model's maximum context length is 1", "Overloaded", "overloaded_error", "Invalid API Key",
        "Output blocked by content filtering policy", "Client error '400 Bad Request'", "Request timed out", "rate limit exceeded", "429",
        "key sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789", "No deployments available", "/usr/lib/python3/x.py", "http://10.0.0.1:8080/x",
    ]
    return [case(f"{status} {text}", refused(status, text=text)) for text in texts for status in (400, 500)]


def refusals():
    return [
        case("temperature", group="opus-4-8", temperature=0.5),
        case("temperature of the deployment", group="options-4-8"),
        case("top_p", group="fable-5", top_p=1),
        case("top_k of a text", group="fable-5", top_k="x"),
        case("for a client like codex", group="opus-4-8", top_k=3, headers=[["user-agent", "codexx/1"]]),
        case("speed", speed="fast"),
        case("speed in a stream", speed="fast", stream=True),
        case("speed before temperature", group="fable-5", temperature=1e-7, speed="slow"),
        case("against the client's wish", group="drops", drop_params=False, temperature=2.5),
        case("not for claude code against its wish", group="opus-4-8", drop_params=False, top_p=0.1, headers=[["user-agent", "claude-cli/1"]]),
    ]


def failures():
    hang = {**answered(), "delay": 2}
    return [
        case("refused", group="refused"),
        case("refused stream", group="refused", stream=True),
        case("closed", {"failure": "close"}),
        case("reset", {"failure": "reset"}),
        case("cut", answered() | {"cut": 20}),
        case("timeout", hang, group="quick"),
        case("timeout of a stream", hang, group="quick", stream=True),
        case("timeout of a stream of its own", hang, group="quick-stream", stream=True),
    ]


def streams():
    crlf = [event.replace("\n", "\r\n") for event in WHOLE]
    server = event("content_block_start", index=0, content_block={"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})
    other = START.replace("claude-sonnet-4-5-20250929", "claude")
    return [
        stream("plain", *WHOLE),
        stream("in one piece", "".join(WHOLE)),
        stream("with a ping among others", START, OPEN + PING + DELTA, PING, CLOSE, ENDING, STOP),
        stream("a ping first", PING, *WHOLE),
        stream("pings after content", *WHOLE[:3], PING, PING, *WHOLE[3:]),
        stream("carriage returns", *crlf),
        stream("torn", *[text for event in WHOLE for text in (event[:20], event[20:])][:2], *WHOLE[1:]),
        stream("start torn late", START[:-1], START[-1:] + OPEN, *WHOLE[2:]),
        stream("model is the client's already", other, *WHOLE[1:]),
        stream("compact json", *[event.replace(": ", ":").replace(", ", ",").replace("event:", "event: ").replace("data:", "data: ") for event in WHOLE]),
        stream("no content", START, ENDING, STOP),
        stream("no message start", OPEN, DELTA, CLOSE),
        stream("only blocks", START, server, CLOSE, ENDING, STOP),
        stream("nothing"),
        stream("not events", "hello", " you"),
        stream("json", json.dumps(message()), headers=JSON),
        stream("comment first", ": hello\n\n", *WHOLE),
        stream("unfinished event", START, OPEN, DELTA, "event: content_block_stop\ndata: {"),
        stream("unfinished start", START[:40]),
        stream("start without a blank line", START.rstrip()),
        stream("two fields of data", START, OPEN, "event: content_block_delta\ndata: {\ndata: }\n\n", STOP),
        stream("start with odd text", START.replace("msg_1", "m\u2028é😀"), *WHOLE[1:]),
        stream("start with big numbers", START.replace('"input_tokens": 10', '"input_tokens": 12345678901234567890, "x": 1e-7'), *WHOLE[1:]),
        stream("start without a model", START.replace('"model": "claude-sonnet-4-5-20250929", ', ""), *WHOLE[1:]),
        stream("ended in the middle", START, OPEN, DELTA),
        stream("refusal", START, OPEN, DELTA, event("message_delta", delta={"stop_reason": "refusal", "stop_details": {"type": "refusal"}}), STOP),
        stream("unpriced", *WHOLE, group="ours"),
        stream("tools", *WHOLE, tools=[TOOL], thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000),
        stream("done behind the end", *WHOLE, "data: [DONE]\n\n"),
        case("gzip", gzipped("".join(WHOLE), SSE), stream=True),
        stream("many blocks", START, *[OPEN + CLOSE for _ in range(30)], DELTA, STOP),
    ]


def stream_errors():
    kinds = ["overloaded_error", "rate_limit_error", "api_error", "timeout_error", "new_error", "invalid_request_error", "authentication_error",
             "permission_error", "not_found_error"]
    early = [stream(f"{kind} before content", START, error_event(kind)) for kind in kinds]
    return early + [stream(f"{kind} first", error_event(kind)) for kind in kinds[:2]] + [
        stream("error after content", START, OPEN, DELTA, error_event("overloaded_error")),
        stream("error after a ping", PING, error_event("overloaded_error")),
        stream("error after an error", START, error_event("invalid_request_error"), error_event("overloaded_error")),
        stream("error of no kind", START, event("error", error={"message": "x"})),
        stream("error of no object", START, event("error", error="x")),
        stream("error without message", START, event("error", error={"type": "overloaded_error"})),
        stream("error without a blank line", START, error_event("overloaded_error").rstrip()),
        stream("secret in an error", START, event("error", error={"type": "api_error", "message": "key sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"})),
        stream("cut before content", START, end="close"),
        stream("cut at once", end="close"),
        stream("cut after content", START, OPEN, DELTA, end="close"),
        stream("cut inside an event", START, OPEN, DELTA[:30], end="close"),
        stream("cut inside the start", PING, START[:30], end="close"),
        stream("reset after content", START, OPEN, DELTA, end="reset"),
        stream("cut after a ping", PING, START, end="close"),
        stream("stalled before content", START, end="hang", group="quick"),
        stream("stalled after content", START, OPEN, DELTA, end="hang", group="quick"),
    ]


def declined():
    keys = {"api_key": "k", "api_base": "http://x", "mock_response": "x", "fallbacks": ["a"], "guardrails": ["g"], "caching": True, "tags": ["t"],
            "reasoning_effort": "high", "litellm_metadata": {"a": 1}, "cache": {"no-cache": True}, "base_url": "x", "user": 3}
    cases = [case(f"body key {key}", **{key: value}) for key, value in keys.items()]
    return cases + [
        case("models", group="claude,haiku"),
        case("metadata with more", metadata={"user_id": "u", "tags": ["x"]}),
        case("metadata text", metadata="{}"),
        case("no limit") | {"body": {"model": "claude", "messages": [USER]}},
        case("no messages") | {"body": {"model": "claude", "max_tokens": 5}},
        case("effort of another kind", thinking={"type": "adaptive"}, output_config={"effort": "huge"}),
        case("context management of another api", context_management=[{"type": "compaction"}]),
        case("gateway tool", tools=[{"type": "mcp", "server_url": "litellm_proxy", "server_label": "x"}]),
        case("stream text", stream="yes"),
        case("tag header", headers=[["x-litellm-tags", "a"]]),
        case("not json") | {"raw": "{"},
        case("a list") | {"raw": "[]"},
    ]


def odd_histories():
    """Blocks that are none, beside search results that LiteLLM tells as texts."""
    def history(name, *blocks, role="assistant"):
        return case(name, messages=[USER, {"role": role, "content": list(blocks)}, USER])

    text = {"type": "text", "text": "t"}
    searched = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
    hit = {"type": "web_search_result", "url": "https://e.com", "title": "T", "snippet": "S"}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [hit]}
    return [
        history("null", None, text),
        history("null beside a search", None, searched, None, found, text, None),
        history("null beside an own search", None, searched, {**found, "content": [{**hit, "encrypted_content": "x"}]}),
        history("other garbage beside a search", 1, "a", [None], {}, False, searched, found),
        history("only null and a search", None, found),
        history("null hit", searched, {**found, "content": [hit, None]}),
        history("null address", None, searched, {**found, "content": [{**hit, "url": None}]}),
        history("no hits but null", None, searched, {**found, "content": None}),
        history("null id", None, searched, {**found, "tool_use_id": None}),
        history("number for an id", None, searched, {**found, "tool_use_id": 1}),
        history("null input", None, {**searched, "input": None}, found),
        history("null query", None, {**searched, "input": {"query": None}}, found),
        history("no input", None, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search"}, found),
        history("hit of another kind", None, searched, {**found, "content": [{**hit, "type": "x"}]}),
        history("search of the user", None, searched, found, role="user"),
        history("id with a thought", {**searched, "id": "a__thought__b"}, {**found, "tool_use_id": "a__thought__b"}),
        history("id with a thought, result without", {**searched, "id": "a__thought__b"}, {**found, "tool_use_id": "a"}, None),
    ]
