"""The cases of `chat_anthropic_stream_goldens.py`: Anthropic's streams as an answer to `/v1/chat/completions`. All made up here."""

import json

from messages_cases import SSE, gzipped, message

USER = {"role": "user", "content": "hi é 😀"}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
SLASHED = {"type": "function", "function": {"name": "files/read", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}
WITH_USAGE = {"stream_options": {"include_usage": True}}
PLAIN = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1}


def event(kind, raw=False, **data):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=not raw)}\n\n"


def bare(kind, **data):
    return f"data: {json.dumps({'type': kind, **data})}\n\n"


def start(usage=PLAIN, **changes):
    return event("message_start", message=message(content=[], stop_reason=None, **({} if usage is None else {"usage": usage}), **changes))


def opened(kind, at=0, **block):
    return event("content_block_start", index=at, content_block={"type": kind, **block})


def delta(kind, at=0, **fields):
    return event("content_block_delta", index=at, delta={"type": kind, **fields})


def said(text, at=0):
    return delta("text_delta", at, text=text)


def partial(text, at=0):
    return delta("input_json_delta", at, partial_json=text)


def thought(text, at=0):
    return delta("thinking_delta", at, thinking=text)


def signed(text, at=0):
    return delta("signature_delta", at, signature=text)


def closed(at=0):
    return event("content_block_stop", index=at)


def ended(reason="end_turn", usage={"output_tokens": 5}, **fields):
    return event("message_delta", delta={"stop_reason": reason, "stop_sequence": None, **fields}, usage=usage)


def used(name="get_weather", at=0, ident="toolu_1", **more):
    return opened("tool_use", at, id=ident, name=name, input={}, **more)


START = start()
PING = event("ping")
STOP = event("message_stop")
OPEN = opened("text", text="")
TEXT = [OPEN, said("Hé"), said("llo 😀"), closed()]
END = [ended(), STOP]
WHOLE = [START, *TEXT, *END]


def stream(name, *pieces, end="clean", group="claude", headers=SSE, usage=True, **changes):
    answer = {"status": 200, "headers": headers, "pieces": list(pieces), "end": end}
    return answered(name, answer, group, usage, **changes)


def answered(name, answer, group="claude", usage=True, **changes):
    body = {"model": group, "messages": [USER], "stream": True, **(WITH_USAGE if usage else {}), **changes}
    return {"name": name, "group": group, "headers": [], "body": body, "answers": [answer]}


def message_stream(name, *pieces, **more):
    """A whole message around its blocks."""
    return stream(name, START, *pieces, *END, **more)


def themes():
    return {
        "texts": texts(), "tools": tools(), "thinking": thinking(), "json_mode": json_mode(), "server_tools": server_tools(),
        "usages": usages(), "counted": counted(), "endings": endings(), "framing": framing(), "errors": errors(), "oddities": oddities(),
        "names": names(),
    }


def texts():
    citation = {"type": "char_location", "cited_text": "é", "document_index": 0, "document_title": None, "start_char_index": 0, "end_char_index": 5}
    return [
        stream("plain", *WHOLE),
        stream("without usage", *WHOLE, usage=False),
        stream("usage declined", *WHOLE, usage=False, stream_options={"include_usage": False}),
        stream("null stream options", *WHOLE, usage=False, stream_options=None),
        stream("pings", PING, START, PING, OPEN, PING, said("a"), PING, closed(), *END, PING),
        message_stream("text in the block", opened("text", text="He"), said("llo"), closed()),
        message_stream("two blocks", *TEXT, opened("text", 1, text=""), said("b", 1), closed(1)),
        message_stream("nothing said", OPEN, closed()),
        stream("no blocks", START, *END),
        message_stream("empty delta", OPEN, said(""), said("a"), said(""), closed()),
        message_stream("white space", OPEN, said(" "), said("\n"), said("\t\u00a0"), closed()),
        message_stream("raw unicode", OPEN, event("content_block_delta", raw=True, index=0, delta={"type": "text_delta", "text": "é😀\u2026"}), closed()),
        message_stream("escapes", OPEN, said('"\\\b\f\r\n\u0000\u001f\u007f\u2028'), closed()),
        message_stream("lone surrogate", OPEN, said("a"), said("\ud800"), said("b"), closed()),
        message_stream("lone surrogate first", OPEN, said("\ud800"), said("b"), closed()),
        message_stream("lone surrogate in a citation", OPEN, said("a"), delta("citations_delta", citation={"a": "\ud800"}), said("b"), closed()),
        message_stream("lone surrogate in a citation first", OPEN, delta("citations_delta", citation={"a": "\ud800"}), said("b"), closed()),
        message_stream("lone surrogate in a thought", opened("thinking", thinking=""), thought("\ud800"), closed(), OPEN, said("b"), closed(), usage=False),
        message_stream("lone surrogate in an argument", used(), partial("\ud800"), closed(), usage=False, tools=[TOOL]),
        message_stream("numbers in a citation", OPEN, delta("citations_delta", citation=[float("nan"), float("inf"), -float("inf"), 10**30, -0.0, 1.0, 1e16, 1e-7, 1e300, 2**63, 2**64]), closed()),
        message_stream("deep citation", OPEN, delta("citations_delta", citation=json.loads("[" * 120 + "]" * 120)), closed()),
        message_stream("deeper citation", OPEN, said("a"), delta("citations_delta", citation=json.loads("[" * 300 + "]" * 300)), said("b"), closed()),
        message_stream("special tokens", OPEN, said("<s>"), said("</s>"), said("<|im_end|>"), closed()),
        message_stream("same text again and again", OPEN, *[said("same")] * 120, closed()),
        message_stream("citations", opened("text", text="", citations=[]), delta("citations_delta", citation=citation), said("a"), delta("citations_delta", citation={**citation, "start_char_index": 2}), closed()),
        message_stream("citations of the web", opened("text", text="", citations=[]), said("a"), delta("citations_delta", citation={
            "type": "web_search_result_location", "cited_text": "é", "url": "https://example.com/", "title": None, "encrypted_index": "x"}), closed(), usage=False),
        message_stream("null citation", OPEN, delta("citations_delta", citation=None), closed()),
        message_stream("citation as a text", OPEN, delta("citations_delta", citation="é"), closed()),
        stream("other model", start(model="claude-opus-4-1-20250805"), *TEXT, *END),
        stream("unknown model", *WHOLE, group="ours"),
        stream("by alias", *WHOLE, group="alias"),
        message_stream("delta of an unknown kind", OPEN, delta("news_delta", news="a"), said("b"), closed()),
        message_stream("text with other fields", OPEN, delta("text_delta", text="a", thinking="b", partial_json="c"), closed()),
        stream("unknown events", START, event("news", a=1), OPEN, event("content_block_news", index=0), said("a"), closed(), event("more"), *END),
        stream("events without a type", START, "data: {}\n\n", OPEN, "data: {\"type\": null}\n\n", said("a"), closed(), *END),
        message_stream("tool result event", *TEXT, event("tool_result", content="a")),
    ]


def tools():
    one = [used(), partial(""), partial('{"city"'), partial(': "Pärís 😀"}'), closed()]
    caller = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    end = [ended("tool_use"), STOP]

    def called(name, *pieces, **more):
        return stream(name, START, *pieces, *end, **{"tools": [TOOL], **more})

    return [
        called("one tool", *one),
        called("one tool without usage", *one, usage=False),
        called("text and a tool", *TEXT, used(at=1), partial('{"city": "a"}', 1), closed(1)),
        called("parallel tools", used(), partial('{"city": "a"}'), closed(), used(at=1, ident="toolu_2"), partial('{"city"', 1), partial(': "b"}', 1), closed(1)),
        called("three tools with text between", used(), partial("{}"), closed(), OPEN, said("a", 1), closed(1), used(at=2, ident="t2"), partial("{}", 2), closed(2), used(at=3, ident="t3"), closed(3)),
        called("no arguments", used(), closed()),
        called("empty arguments", used(), partial(""), partial(""), closed()),
        called("input in the block", opened("tool_use", id="t", name="get_weather", input={"city": "a"}), closed()),
        called("nothing but the opening", used()),
        called("renamed tool", used("files_read"), partial("{}"), closed(), tools=[SLASHED]),
        called("renamed tool and another", used("files_read"), partial("{}"), closed(), used("get_weather", 1), closed(1), tools=[SLASHED, TOOL]),
        called("with a caller", used(caller=caller), partial("{}"), closed()),
        called("with an empty caller", used(caller=None), partial("{}"), closed(), used(at=1, caller={}), closed(1)),
        called("text in a tool block", used(), said("a"), partial("{}"), closed()),
        called("text alone in a tool block", used(), said("a"), closed()),
        called("thinking in a tool block", used(), thought("a"), closed()),
        called("arguments in a text block", OPEN, partial("{}"), closed()),
        called("stop of a tool without a block", closed(), used(), closed(), closed()),
        called("tool of two kinds", used(), partial("{}"), closed(), opened("tool_use", 1, id=None, name="b", input={}), closed(1)),
        called("numbers as ids", opened("tool_use", id=5, name="b", input={}), closed()),
        called("null name", opened("tool_use", id="a", name=None, input={}), closed()),
        called("no id", opened("tool_use", name="a", input={}), closed()),
        called("no name", opened("tool_use", id="a", input={}), closed()),
        called("null arguments", used(), partial(None), closed()),
        called("arguments as an object", used(), partial({"a": 1}), closed()),
        called("arguments as a number", used(), partial(5), closed()),
        called("functions", *one, tools=None, functions=[{"name": "get_weather", "parameters": {"type": "object", "properties": {}}}]),
        called("unknown block", opened("news", a=1), delta("news_delta", a=1), closed()),
        called("tool use in a block without a type", event("content_block_start", index=0, content_block={"text": "a"}), closed()),
    ]


def thinking():
    one = [opened("thinking", thinking="", signature=""), thought("Let me"), thought(" think é"), signed("EqQ="), closed()]
    counts = {"output_tokens": 40, "output_tokens_details": {"thinking_tokens": 7}}
    end = [ended(usage=counts), STOP]
    asks = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}

    def reasoned(name, *pieces, **more):
        return stream(name, START, *pieces, *end, **{**asks, **more})

    return [
        reasoned("thinking and text", *one, *TEXT),
        reasoned("thinking without usage", *one, *TEXT, usage=False),
        reasoned("thinking and a tool", *one, used(at=1), partial("{}", 1), closed(1), tools=[TOOL]),
        reasoned("two thoughts", *one, *TEXT, opened("thinking", 2, thinking="", signature=""), thought("b", 2), signed("Z", 2), closed(2)),
        reasoned("thinking alone", *one),
        reasoned("signature alone", opened("thinking", thinking="", signature=""), signed("EqQ="), closed(), *TEXT),
        reasoned("signature in two", opened("thinking", thinking="", signature=""), thought("a"), signed("E"), signed("q"), closed()),
        reasoned("thinking with its signature", opened("thinking", thinking="", signature=""), delta("thinking_delta", thinking="a", signature="E"), closed()),
        reasoned("empty thoughts", opened("thinking", thinking="", signature=""), thought(""), signed(""), closed(), *TEXT),
        reasoned("null thoughts", opened("thinking", thinking="", signature=""), thought(None), signed(None), closed(), *TEXT),
        reasoned("a number as a thought", opened("thinking", thinking="", signature=""), thought(5), thought("a"), signed("E"), closed(), *TEXT),
        reasoned("thinking in its block", opened("thinking", thinking="said", signature="E"), closed(), *TEXT),
        reasoned("redacted", opened("redacted_thinking", data="EmQ="), closed(), *TEXT),
        reasoned("redacted and thinking", opened("redacted_thinking", data="EmQ="), closed(), *one, *TEXT),
        reasoned("redacted without data", opened("redacted_thinking"), closed(), *TEXT),
        reasoned("redacted with nothing", opened("redacted_thinking", data=None), closed(), *TEXT, usage=False),
        reasoned("counted beyond the output", *one, *TEXT[:2], ended(usage={"output_tokens": 3, "output_tokens_details": {"thinking_tokens": 7}})),
        reasoned("counted below nothing", *one, ended(usage={"output_tokens": 3, "output_tokens_details": {"thinking_tokens": -1}})),
        reasoned("counted as a text", *one, ended(usage={"output_tokens": 3, "output_tokens_details": {"thinking_tokens": "2"}})),
        stream("counted without thinking", START, *TEXT, *end),
        stream("thinking and no output", START, *one, ended(usage={"output_tokens": 0}), STOP, usage=False, **asks),
        stream("thinking, not counted, without usage", START, *one, *TEXT, ended(usage={"output_tokens": 40}), STOP, usage=False, **asks),
    ]


def json_mode():
    def formed(name, *pieces, group="sonnet-4", reason="tool_use", **more):
        return stream(name, START, *pieces, ended(reason), STOP, **{"group": group, "response_format": SCHEMA, **more})

    def tool(*parts, name="json_tool_call"):
        return [used(name), *[partial(part) for part in parts], closed()]

    return [
        formed("by a tool", *tool("", '{"a"', ': "é', '"}')),
        formed("by a tool without usage", *tool('{"a": "b"}'), usage=False),
        formed("in one piece", *tool('{"a": "é", "b": [1.0, 1e5, 12345678901234567890], "c": null}')),
        formed("with values", *tool('{"values": {"a": "é"}}')),
        formed("with null values", *tool('{"values": null}')),
        formed("with values that are a text", *tool('{"values": "é"}')),
        formed("a number in a piece", *tool('{"a": ', "12", "}")),
        formed("words in a piece", *tool('{"a": ', "null", ', "b": ', "true", ', "c": ', '"é"', ', "d": ', "NaN", "}")),
        formed("a list in a piece", *tool('{"a": ', "[1, 2]", "}")),
        formed("white space in a piece", *tool('{"a": ', " ", " 1 ", "}")),
        formed("empty object", *tool("{}")),
        formed("no arguments", *tool()),
        formed("empty arguments", *tool("", "")),
        formed("null arguments", used("json_tool_call"), partial(None), closed()),
        formed("arguments as a number", used("json_tool_call"), partial(5), closed()),
        formed("another tool", *tool('{"city": "a"}', name="get_weather"), tools=[TOOL]),
        formed("another tool behind", *tool('{"a": "b"}'), used(at=1, ident="t2"), partial('{"city": "a"}', 1), closed(1), tools=[TOOL]),
        formed("another tool before", *tool('{"city": "a"}', name="get_weather"), used("json_tool_call", 1, "t2"), partial('{"a": "b"}', 1), closed(1), tools=[TOOL]),
        formed("text and a tool", *TEXT, *tool('{"a": "b"}')),
        formed("cut off", *tool('{"a": "b'), reason="max_tokens"),
        formed("native", *[OPEN, said('{"a": '), said('"b"}'), closed()], group="claude", reason="end_turn"),
        formed("native with a tool", *tool('{"a": "b"}'), group="claude"),
        formed("text is asked for", *TEXT, response_format={"type": "text"}, reason="end_turn"),
        formed("any object", *tool('{"a": "b"}'), response_format={"type": "json_object"}),
        formed("not asked for", *tool('{"a": "b"}'), response_format=None, tools=[TOOL]),
    ]


def server_tools():
    query = [opened("server_tool_use", id="srvtoolu_1", name="web_search", input={}), partial(""), partial('{"query": "é'), partial(' weather"}'), closed()]
    page = {"type": "web_search_result", "title": "T é", "url": "https://example.com/a", "encrypted_content": "Eq", "page_age": None}
    found = opened("web_search_tool_result", 1, tool_use_id="srvtoolu_1", content=[page, {**page, "url": "https://example.com/b", "page_age": "1 day"}])
    searched = {"output_tokens": 50, "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}}
    answer = [opened("text", 2, text=""), said("a", 2), closed(2)]
    asks = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}

    def served(name, *pieces, usage_of=searched, **more):
        return stream(name, START, *pieces, ended(usage=usage_of, **more.pop("fields", {})), STOP, **{**asks, **more})

    def ran(kind, at=1, ident="srvtoolu_1", **content):
        return opened(kind, at, tool_use_id=ident, content=content)

    def bash(*parts, ident="srvtoolu_1", name="bash_code_execution", at=0):
        return [opened("server_tool_use", at, id=ident, name=name, input={}), *[partial(part, at) for part in parts], closed(at)]

    outcome = {"type": "bash_code_execution_result", "stdout": "6 é\n", "stderr": "", "return_code": 0, "content": []}
    container = {"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}
    summary = {"content": "a summary é"}
    return [
        served("web search", *query, found, closed(1), *answer),
        served("web search without usage", *query, found, closed(1), *answer, usage=False),
        served("two searches", *query, found, closed(1), opened("server_tool_use", 2, id="srvtoolu_2", name="web_search", input={}), partial('{"query": "b"}', 2), closed(2),
               opened("web_search_tool_result", 3, tool_use_id="srvtoolu_2", content=[page]), closed(3), *answer),
        served("failed search", *query, opened("web_search_tool_result", 1, tool_use_id="srvtoolu_1", content={"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}), closed(1), *answer),
        served("search nobody asked for", opened("web_search_tool_result", 0, tool_use_id="srvtoolu_9", content=[page]), closed(), *answer),
        served("search with its input in the block", opened("server_tool_use", id="srvtoolu_1", name="web_search", input={"query": "q"}), closed(), found, closed(1)),
        served("search with an odd query", opened("server_tool_use", id="srvtoolu_1", name="web_search", input={"query": 5}), partial('{"query": [1'), closed(), found, closed(1)),
        served("search with odd results", *query, opened("web_search_tool_result", 1, tool_use_id="srvtoolu_1", content=[page, "a", {"type": "other", "url": "x"}, {"type": "web_search_result"}]), closed(1)),
        served("results without content", *query, opened("web_search_tool_result", 1, tool_use_id="srvtoolu_1"), closed(1)),
        served("arguments inside results", *query, found, partial("{}", 1), closed(1)),
        served("web fetch", opened("server_tool_use", id="srvtoolu_1", name="web_fetch", input={}), partial('{"url": "https://example.com"}'), closed(),
               ran("web_fetch_tool_result", type="web_fetch_result", url="https://example.com", content={"type": "document"}, retrieved_at="2026"), closed(1), *answer),
        served("search and fetch", *query, found, closed(1), ran("web_fetch_tool_result", 2, type="web_fetch_result", url="u"), closed(2)),
        served("bash", *bash('{"command": "ec', 'ho 6"}'), ran("bash_code_execution_tool_result", **outcome), closed(1), *answer, fields={"container": container}),
        served("bash with errors", *bash('{"command": "x"}'), ran("bash_code_execution_tool_result", **{**outcome, "stdout": "a", "stderr": "boom"}), closed(1), fields={"container": container}),
        served("bash, nothing said", *bash('{"command": 5}'), ran("bash_code_execution_tool_result", **{**outcome, "stdout": ""}), closed(1)),
        served("bash of nobody", ran("bash_code_execution_tool_result", ident="other", **outcome), closed(1), fields={"container": container}),
        served("bash twice", *bash('{"command": "a"}'), ran("bash_code_execution_tool_result", **outcome), closed(1), *bash('{"command": "b"}', ident="srvtoolu_2", at=2),
               ran("bash_code_execution_tool_result", 3, "srvtoolu_2", **{**outcome, "stdout": "7"}), closed(3), fields={"container": container}),
        served("bash that failed", *bash('{"command": "a"}'), ran("bash_code_execution_tool_result", type="bash_code_execution_tool_result_error", error_code="unavailable"), closed(1)),
        served("bash with content as a list", *bash("[1]"), opened("bash_code_execution_tool_result", 1, tool_use_id="srvtoolu_1", content=[]), closed(1)),
        served("text editor", *bash('{"command": "view"}', name="text_editor_code_execution"), ran("text_editor_code_execution_tool_result", type="text_editor_code_execution_view_result", content="x", num_lines=1), closed(1), *answer),
        served("code execution", *bash('{"code": "1"}', name="code_execution"), ran("code_execution_tool_result", type="code_execution_result", stdout="1", stderr="", return_code=0), closed(1), *answer, fields={"container": container}),
        served("tool search", *bash('{"query": "a"}', name="tool_search_tool_regex"), ran("tool_search_tool_result", type="tool_search_tool_search_result", tool_references=[{"type": "tool_reference", "tool_name": "a"}]), closed(1), used(at=2), closed(2)),
        served("mcp", opened("mcp_tool_use", id="m", name="a", server_name="s", input={}), partial('{"a": 1}'), closed(), opened("mcp_tool_result", 1, tool_use_id="m", is_error=False, content=[{"type": "text", "text": "r"}]), closed(1), *answer),
        served("container alone", *answer, fields={"container": container}),
        served("container without results", *answer, fields={"container": {"id": None, "expires_at": None}}),
        served("container as a text", *answer, fields={"container": "c"}, usage=False),
        served("empty container", *answer, fields={"container": {}}),
        served("null container", *answer, fields={"container": None}),
        served("advisor", opened("server_tool_use", id="srvtoolu_1", name="advisor", input={}), closed(), ran("advisor_tool_result", type="advisor_result", text="a"), closed(1), *answer),
        served("server tool without an id", opened("server_tool_use", name="web_search", input={}), closed()),
        served("server tool with a list as its input", opened("server_tool_use", id="a", name="web_search", input=[1]), closed(), found, closed(1)),
        served("compaction", opened("compaction", content=""), delta("compaction_delta", content="a summary é"), closed(), *answer, tools=None),
        served("compaction in its block", opened("compaction", **summary), closed(), *answer, tools=None),
        served("compaction twice", opened("compaction", **summary), closed(), opened("compaction", 1, content=None), delta("compaction_delta", 1, content=None), closed(1), *answer, tools=None, usage=False),
        served("compaction without content", opened("compaction"), closed(), *answer, tools=None),
        served("compaction stops it", opened("compaction", **summary), closed(), tools=None, fields={"stop_reason": "compaction"}),
        served("context management", *answer, fields={"context_management": {"applied_edits": []}}, tools=None),
        served("tool searches counted", *answer, usage_of={"output_tokens": 5, "server_tool_use": {"web_search_requests": None, "tool_search_requests": 2}}),
        served("two counts", *answer, usage_of={"output_tokens": 5, "server_tool_use": {"web_search_requests": 0, "tool_search_requests": 0}}),
        served("no counts", *answer, usage_of={"output_tokens": 5, "server_tool_use": {}}),
    ]


def usages():
    full = {"input_tokens": 10, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 7, "output_tokens": 1,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10}, "service_tier": "standard", "inference_geo": "not_available"}
    whole = {key: value for key, value in full.items() if key != "cache_creation"} | {"output_tokens": 50}

    def told(name, first, last, **more):
        return stream(name, start(first), *TEXT, ended(usage=last), STOP, **more)

    iteration = {"type": "message", "input_tokens": 4, "output_tokens": 6, "cache_creation_input_tokens": 1, "cache_read_input_tokens": 2}
    split = {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 0}
    thoughtful = {**iteration, "output_tokens_details": {"thinking_tokens": 2}}
    compacted = {**iteration, "type": "compaction", "cache_creation": split}
    return [
        told("full", full, whole),
        told("full in both", full, full | {"output_tokens": 50}),
        told("full at the start only", full, {"output_tokens": 50}),
        told("full at the end only", {"input_tokens": 1, "output_tokens": 1}, full | {"output_tokens": 50}),
        told("only output", {"output_tokens": 1}, {"output_tokens": 5, "input_tokens": 9}),
        told("one output token in both", PLAIN, {"output_tokens": 1}),
        told("nulls", {key: None for key in full}, {**{key: None for key in full}, "output_tokens": 5, "input_tokens": 3}),
        told("floats", {"input_tokens": 10.0, "output_tokens": 1.5}, {"output_tokens": 5.9}),
        told("booleans", {"input_tokens": True, "output_tokens": True}, {"output_tokens": 5}),
        told("texts", {"input_tokens": "10", "output_tokens": "1"}, {"output_tokens": 5, "input_tokens": 4}),
        told("unknown counts", {**PLAIN, "news": 1}, {"output_tokens": 5, "news": {"a": 1}}),
        told("tier", {**PLAIN, "service_tier": "priority"}, {"output_tokens": 5, "service_tier": "priority"}, service_tier="auto"),
        told("region", {**PLAIN, "inference_geo": "us"}, {"output_tokens": 5, "inference_geo": "us"}, group="opus-4-6"),
        told("region at the start", {**PLAIN, "inference_geo": "us"}, {"output_tokens": 5}, group="opus-4-6"),
        told("region that is no text", {**PLAIN, "inference_geo": 5}, {"output_tokens": 5, "inference_geo": 5}),
        told("fast", {**PLAIN, "speed": "fast"}, {"output_tokens": 5}, group="opus-4-6"),
        told("fast in both", {**PLAIN, "speed": "fast"}, {"output_tokens": 5, "speed": "fast"}, group="opus-4-6"),
        told("fast at the end", PLAIN, {"output_tokens": 5, "speed": "fast"}, group="opus-4-6"),
        told("asked to be fast", PLAIN, {"output_tokens": 5}, group="opus-4-6", speed="fast"),
        told("iterations", PLAIN, {"output_tokens": 5, "input_tokens": 4, "iterations": [iteration, iteration]}),
        told("iterations with a split", PLAIN, {"output_tokens": 5, "iterations": [iteration, compacted]}),
        told("iterations with thoughts", PLAIN, {"output_tokens": 5, "iterations": [thoughtful, thoughtful]}),
        told("iterations with one thought", PLAIN, {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 1}, "iterations": [thoughtful, iteration]}),
        told("no iterations", PLAIN, {"output_tokens": 5, "iterations": []}),
        told("null iterations", PLAIN, {"output_tokens": 5, "iterations": None}),
        told("split that is a list", {**full, "cache_creation": []}, whole),
        told("split with nulls", {**full, "cache_creation": {"ephemeral_5m_input_tokens": None}}, whole),
        told("split with others", {**full, "cache_creation": {"ephemeral_5m_input_tokens": 3, "other": 1}}, whole),
        told("long prompt", {"input_tokens": 250000, "output_tokens": 1}, {"output_tokens": 50}),
        told("much", {"input_tokens": 123456789, "cache_read_input_tokens": 98765, "output_tokens": 1}, {"output_tokens": 65535}),
        told("negative", {"input_tokens": -5, "output_tokens": 1}, {"output_tokens": 5, "input_tokens": 7}),
        told("unknown model", full, whole, group="ours"),
        told("older model", full, whole, group="haiku-3"),
        told("searches at the start", {**PLAIN, "server_tool_use": {"web_search_requests": 2}}, {"output_tokens": 5}),
        stream("usage twice at the end", START, *TEXT, ended(None, {"output_tokens": 3}).removesuffix("\n"), ended(usage={"output_tokens": 5}), STOP),
        stream("usage of two ends", START, *TEXT, ended(None, {"output_tokens": 3}), ended(usage={"output_tokens": 5}), STOP),
        told("details that are no object", PLAIN, {"output_tokens": 5, "output_tokens_details": 3}),
        told("details without thoughts", PLAIN, {"output_tokens": 5, "output_tokens_details": {}}),
        told("details with a null", PLAIN, {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": None}}),
        told("details with a float", PLAIN, {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 2.0}}),
        told("server tools as a list", PLAIN, {"output_tokens": 5, "server_tool_use": []}),
    ]


def counted():
    """What LiteLLM counts with a tokenizer of its own."""
    one = [opened("thinking", thinking="", signature=""), thought("Let me think"), thought(" about é."), signed("EqQ="), closed()]
    asks = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
    return [
        stream("thoughts not counted", START, *one, *TEXT, ended(usage={"output_tokens": 40}), STOP, **asks),
        stream("thoughts beyond the output", START, *one, *TEXT, ended(usage={"output_tokens": 2}), STOP, **asks),
        stream("thoughts with no output", START, *one, ended(usage={"output_tokens": 0}), STOP, **asks),
        stream("cut off", START, OPEN, said("Hello there")),
        stream("cut off with two tokens", start({**PLAIN, "output_tokens": 2}), OPEN, said("Hello there")),
        stream("no counts at the end", START, *TEXT, ended(usage={}), STOP),
        stream("no output counted", START, *TEXT, ended(usage={"output_tokens": 0}), STOP),
        stream("no usage at the start", event("message_start", message={"role": "assistant"}), *TEXT, ended(usage={"output_tokens": 5}), STOP),
        stream("nothing counted", event("message_start", message={}), *TEXT, ended(usage={}), STOP),
        stream("a tool, not counted", start({}), used(), partial('{"city": "a"}'), closed(), ended("tool_use", usage={}), STOP, tools=[TOOL]),
        stream("cut off without a start", OPEN, said("Hello there")),
        stream("cut off without a start in thoughts", *one[:3]),
        stream("cut off without a start behind thoughts", *one, OPEN, said("Hello there")),
        stream("cut off without a start in a call", used(), partial('{"city": '), tools=[TOOL]),
        stream("nothing came"),
        stream("a comment came", ": hi\n\n"),
    ]


def endings():
    reasons = ["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "pause_turn", "compaction", "model_context_window_exceeded",
               "guardrail_intervened", "error", "stop", "length", "because", ""]
    cases = [stream(f"stops by {reason or 'nothing'}", START, *TEXT, ended(reason), STOP, usage=at % 2 == 0) for at, reason in enumerate(reasons)]
    return cases + [
        stream("stop reason null", START, *TEXT, ended(None), STOP),
        stream("no stop reason", START, *TEXT, event("message_delta", delta={}, usage={"output_tokens": 5}), STOP),
        stream("stop reason is a number", START, *TEXT, ended(5), STOP),
        stream("stop reason is a list", START, *TEXT, ended([]), STOP),
        stream("stop reason is a full list", START, *TEXT, ended([1]), STOP),
        stream("no delta", START, *TEXT, event("message_delta", usage={"output_tokens": 5}), STOP),
        stream("no usage", START, *TEXT, event("message_delta", delta={"stop_reason": "end_turn"}), STOP),
        stream("null usage", START, *TEXT, ended(usage=None), STOP),
        stream("no message stop", START, *TEXT, ended()),
        stream("no message delta", START, *TEXT, STOP, usage=False),
        stream("ends in the text", START, OPEN, said("a"), usage=False),
        stream("text behind the end", *WHOLE[:-1], OPEN, said("late"), STOP),
        stream("bare text behind the end", START, *TEXT, ended(), bare("content_block_delta", index=0, delta={"type": "text_delta", "text": "late"}), STOP),
        stream("bare text behind the end without usage", START, *TEXT, ended(), bare("content_block_delta", index=0, delta={"type": "text_delta", "text": "late"}), STOP, usage=False),
        stream("bare text behind two blank lines without usage", START, *TEXT, ended(), "\n" + bare("content_block_delta", index=0, delta={"type": "text_delta", "text": "late"}), STOP, usage=False),
        stream("bare text behind two blank lines", START, *TEXT, ended(), "\n" + bare("content_block_delta", index=0, delta={"type": "text_delta", "text": "late"}), STOP),
        stream("bare text behind the end without a blank line", START, *TEXT, ended()[:-1], bare("content_block_delta", index=0, delta={"type": "text_delta", "text": "late"}), STOP),
        stream("bare tool behind the end without a blank line", START, *TEXT, ended()[:-1], bare("content_block_start", index=0, content_block={"type": "tool_use", "id": "a", "name": "b"})[:-1],
               bare("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{}"}), STOP),
        stream("two ends without a blank line", START, *TEXT, ended()[:-1], ended("max_tokens", {"output_tokens": 7}), STOP),
        stream("two ends", START, *TEXT, ended(), ended("max_tokens", {"output_tokens": 7}), STOP),
        stream("two bare ends", START, *TEXT, ended(), bare("message_delta", delta={"stop_reason": "max_tokens"}, usage={"output_tokens": 7}), STOP),
        stream("container, then text without a blank line", START, *TEXT, ended(container={"id": "c"})[:-1], bare("content_block_delta", index=0, delta={"type": "text_delta", "text": "late"}), STOP),
        stream("a stop event first", STOP, *WHOLE),
        stream("a second message", *WHOLE, *WHOLE),
        stream("refusal with details", START, ended("refusal", stop_details={"category": "x", "explanation": "é"}), STOP),
        stream("stop sequence", START, *TEXT, ended("stop_sequence", stop_sequence="###"), STOP, stop=["###"]),
    ]


def framing():
    text = "".join(WHOLE)
    raw = "".join([START, OPEN, event("content_block_delta", raw=True, index=0, delta={"type": "text_delta", "text": "é😀漢"}), closed(), *END])
    half = len(text) // 2
    deltas = event("content_block_delta", raw=True, index=0, delta={"type": "text_delta", "text": "a"})
    return [
        stream("one piece", text),
        stream("two pieces", text[:half], text[half:]),
        stream("pieces of seven", *[text[at:at + 7] for at in range(0, len(text), 7)]),
        stream("split characters", *pieces_of(raw, 3)),
        stream("single bytes", *pieces_of(raw, 1), usage=False),
        stream("carriage returns", text.replace("\n", "\r\n")),
        stream("lone carriage returns", text.replace("\n", "\r")),
        stream("cut in a line's end", *text.replace("\n", "\r\n").replace("\r\n", "\r\0\n").split("\0")),
        stream("data only", "".join(line + "\n\n" for line in text.split("\n") if line.startswith("data:"))),
        stream("data only without blank lines", "".join(line + "\n" for line in text.split("\n") if line.startswith("data:"))),
        stream("no blank lines", text.replace("\n\n", "\n")),
        stream("no space behind data", text.replace("data: ", "data:")),
        stream("many spaces behind data", text.replace("data: ", "data:  \t")),
        stream("space before data", START, OPEN, said("a").replace("data: ", " data: "), said("b"), closed(), *END),
        stream("comments", ": hi\n", *WHOLE[:3], ": data: x\n\n", *WHOLE[3:]),
        stream("ids and retries", START, OPEN, "id: 1\nretry: 5\n" + said("a"), closed(), *END),
        stream("names without data", START, "event: news\n\n", *TEXT, *END),
        stream("no last line's end", text.rstrip("\n")),
        stream("byte order mark", "\ufeff" + text),
        stream("gzip", usage=True) | {"answers": [gzipped(text, SSE)]},
        stream("as json", *WHOLE, headers=[["content-type", "application/json"]]),
        stream("no content type", *WHOLE, headers=[]),
        stream("in latin 1", *pieces_of(raw, 50), headers=[["content-type", "text/event-stream; charset=iso-8859-1"]]),
        stream("in an unknown encoding", *pieces_of(raw, 50), headers=[["content-type", "text/event-stream; charset=klingon"]]),
        stream("in ascii", *pieces_of(raw, 50), headers=[["content-type", "text/event-stream; charset=us-ascii"]]),
        stream("bad bytes", START, OPEN, {"base64": "ZGF0YTogeyJ0eXBlIjogImNvbnRlbnRfYmxvY2tfZGVsdGEiLCAiZGVsdGEiOiB7InR5cGUiOiAidGV4dF9kZWx0YSIsICJ0ZXh0IjogIv/DKGEifX0KCg=="}, closed(), *END),
        stream("line separator", START, OPEN, deltas.replace('"a"', '"a\u2028b"'), said("c"), closed(), *END),
        stream("line separator without usage", START, OPEN, deltas.replace('"a"', '"a\u2029b"'), said("c"), closed(), *END, usage=False),
        stream("next line", START, OPEN, deltas.replace('"a"', '"a\u0085b"'), said("c"), closed(), *END),
        stream("form feed", START, OPEN, deltas.replace('"a"', '"a\x0cb"'), closed(), *END),
        stream("data in two lines", START, OPEN, said("a").replace('"index"', '\ndata: "index"'), said("b"), closed(), *END),
        stream("data in two lines of text", START, OPEN, said("ab").replace("ab", "a\ndata:b"), said("c"), closed(), *END),
        stream("two values in a line", START, OPEN, said("a")[:-2] + ' {"type": "ping"}\n\n', said("b"), closed(), *END),
        stream("two texts in a line", START, OPEN, said("a")[:-2] + said("b").split("data: ")[1], said("c"), closed(), *END),
        stream("not json", START, OPEN, said("a"), "data: {\n\n", said("b"), closed(), *END),
        stream("not json in brackets", START, OPEN, said("a"), "data: {nope}\n\n", said("b"), closed(), *END),
        stream("not json first", "data: nope\n\n", *WHOLE),
        stream("a number, then text", START, OPEN, "data: 5 5\n\n", said("b"), closed(), *END),
        stream("done", *WHOLE, "data: [DONE]\n\n"),
        stream("done inside", START, OPEN, said("a"), "data: [DONE]\n\n", said("b"), closed(), *END),
        stream("empty data", START, OPEN, "data:\n\n", said("b"), closed(), *END),
        stream("empty data, then more", START, OPEN, "data: \n\n", said("b"), "data: []\n\n", said("c"), closed(), *END),
        stream("json cut off at the end", START, OPEN, said("a"), said("b")[:-8]),
        stream("json in two lines at the end", START, OPEN, said("a"), 'data: {"type": "content_block_delta", "index": 0,\ndata: "delta": {"type": "text_delta", "text": "z"}} 5'),
        stream("json in two lines at the end, two values", START, OPEN, said("a"), 'data: {"type": "content_block_delta", "index": 0,\ndata: "delta": {"type": "text_delta", "text": "z"}} {"type": "ping"} 5'),
    ]


def pieces_of(text, size):
    import base64
    data = text.encode()
    return [{"base64": base64.b64encode(data[at:at + size]).decode()} for at in range(0, len(data), size)]


def errors():
    kinds = ["overloaded_error", "rate_limit_error", "api_error", "invalid_request_error", "authentication_error", "timeout_error"]

    def failed(kind, **more):
        return event("error", error={"type": kind, "message": "boom é", **more})

    cases = []
    for kind in kinds:
        cases += [stream(f"{kind} first", failed(kind)), stream(f"{kind} later", START, OPEN, said("a"), failed(kind), said("b"))]
    phrases = ["Overloaded", "prompt is too long: 5 tokens", "Invalid API Key", "Output blocked by content filtering policy", "Request timed out",
               "rate limit reached", "429", "maximum context length is", "litellm.Timeout"]
    for phrase in phrases:
        cases += [stream(f"says {phrase}", START, OPEN, said("a"), event("error", error={"type": "x", "message": phrase})),
                  stream(f"says {phrase} first", event("error", error={"type": "x", "message": phrase}))]
    bare_error = {"type": "error"}
    return cases + [
        stream("error behind the start", START, failed("overloaded_error")),
        stream("error behind the start and a ping", START, PING, OPEN, failed("overloaded_error")),
        stream("error behind the end", START, *TEXT, ended(), failed("api_error")),
        stream("bare error behind the end", START, *TEXT, ended(), bare("error", error={"message": "late"})),
        stream("bare error behind the end without a blank line", START, *TEXT, ended()[:-1], bare("error", error={"message": "late"})),
        stream("error with a tool", START, used(), partial("{"), failed("api_error")),
        stream("error with thinking", START, opened("thinking", thinking=""), thought("a"), failed("api_error")),
        stream("error without a message", START, OPEN, said("a"), event("error", error={"type": "é", "n": None, "t": True, "f": 1.0})),
        stream("error with an empty message", event("error", error={"type": "x", "message": ""})),
        stream("error without an error", START, OPEN, said("a"), event("error")),
        stream("null error", event("error", error=None)),
        stream("error as a text", START, OPEN, said("a"), event("error", error="boom")),
        stream("error with a number", event("error", error={"message": 5})),
        stream("error with a list", event("error", error={"message": ["a"]})),
        stream("error key without its type", START, OPEN, said("a"), f"data: {json.dumps({'error': {'message': 'x'}})}\n\n", closed(), *END),
        stream("type alone", f"data: {json.dumps(bare_error)}\n\n"),
        stream("closed first", end="close"),
        stream("closed behind the start", START, end="close"),
        stream("closed later", START, OPEN, said("a"), end="close"),
        stream("closed behind the end", START, *TEXT, ended(), end="close"),
        stream("closed behind the end's line", START, *TEXT, ended()[:-1], end="close"),
        stream("closed inside a line", START, OPEN, said("a"), said("b")[:-9], end="close"),
        stream("reset first", end="reset"),
        stream("reset later", START, OPEN, said("a"), end="reset"),
        stream("hangs first", end="hang", group="quick-stream"),
        stream("hangs later", START, OPEN, said("a"), end="hang", group="quick-stream"),
        stream("hangs behind the end's line", START, *TEXT, ended()[:-1], end="hang", group="quick-stream"),
        stream("a secret in an error", event("error", error={"message": "key sk-ant-REDACTED of it"})),
        stream("repeats without blank lines", START, OPEN, *[bare("content_block_delta", index=0, delta={"type": "text_delta", "text": "same"})[:-1]] * 120, closed(), *END),
        answered("refused 400", {"status": 400, "headers": [["content-type", "application/json"]], "body": json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": "no é"}})}),
        answered("refused 429", {"status": 429, "headers": [["content-type", "application/json"], ["retry-after", "1"]], "body": json.dumps({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}})}),
        answered("refused 529", {"status": 529, "headers": [["content-type", "application/json"]], "body": json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})}),
        answered("refused 500", {"status": 500, "headers": [["content-type", "text/html"]], "body": "<html>"}),
    ]


def oddities():
    """Events that aren't as Anthropic sends them."""
    def odd(name, *pieces, **more):
        return stream(name, START, OPEN, said("a"), *pieces, said("b"), closed(), *END, **more)

    def data(value):
        return f"data: {json.dumps(value)}\n\n"

    block = "content_block_delta"
    return [
        odd("a list", data([1])),
        odd("a number", data(5)),
        odd("null", data(None)),
        odd("a text", data("a")),
        stream("a list first", data([1]), *WHOLE),
        odd("type that is a list", data({"type": ["a"]})),
        odd("type that is a number", data({"type": 5})),
        odd("delta without a delta", data({"type": block})),
        odd("null delta", data({"type": block, "delta": None})),
        odd("delta as a text", data({"type": block, "delta": "text of it"})),
        odd("delta as a list", data({"type": block, "delta": ["text"]})),
        odd("empty delta", data({"type": block, "delta": {}})),
        odd("null text", data({"type": block, "delta": {"type": "text_delta", "text": None}})),
        odd("text as a number", data({"type": block, "delta": {"type": "text_delta", "text": 5}})),
        odd("text as a list", data({"type": block, "delta": {"type": "text_delta", "text": ["a"]}})),
        odd("text as an object", data({"type": block, "delta": {"type": "text_delta", "text": {"a": 1}}})),
        odd("text that is false", data({"type": block, "delta": {"type": "text_delta", "text": False}})),
        odd("start without a block", data({"type": "content_block_start"})),
        odd("null block", data({"type": "content_block_start", "content_block": None})),
        odd("block without a text", data({"type": "content_block_start", "content_block": {"type": "text"}})),
        odd("block without a type", data({"type": "content_block_start", "content_block": {}})),
        odd("block with a null type", data({"type": "content_block_start", "content_block": {"type": None}})),
        odd("block with a number as its type", data({"type": "content_block_start", "content_block": {"type": 5}})),
        odd("block with a null text", data({"type": "content_block_start", "content_block": {"type": "text", "text": None}})),
        stream("start without a message", event("message_start"), *TEXT, *END),
        stream("start with a null message", event("message_start", message=None), *TEXT, *END),
        stream("start with an empty message", event("message_start", message={}), *TEXT, *END),
        stream("start with a null usage", event("message_start", message={"usage": None}), *TEXT, *END),
        stream("start with a list as its usage", event("message_start", message={"usage": []}), *TEXT, *END),
        stream("stop without a delta type", START, used(), event(block, delta={"a": 1}), closed(), *END, tools=[TOOL]),
        stream("stop of a text block without a delta type", START, OPEN, event(block, delta={"a": 1}), closed(), *END),
        stream("counts that are lists", start({"input_tokens": [], "output_tokens": {}}), *TEXT, ended(usage={"output_tokens": 5, "input_tokens": 3}), STOP),
        stream("caches as texts", start({"input_tokens": 1, "cache_read_input_tokens": "a"}), *TEXT, *END),
        stream("caches as floats", start({"input_tokens": 1, "cache_read_input_tokens": 2.5, "cache_creation_input_tokens": 1.0}), *TEXT, *END),
        stream("tier that is a number", START, *TEXT, ended(usage={"output_tokens": 5, "service_tier": 5}), STOP),
        stream("iterations of numbers", START, *TEXT, ended(usage={"output_tokens": 5, "iterations": [1]}), STOP),
        stream("iterations as an object", START, *TEXT, ended(usage={"output_tokens": 5, "iterations": {"a": 1}}), STOP),
        stream("searches as a text", START, *TEXT, ended(usage={"output_tokens": 5, "server_tool_use": {"web_search_requests": "2"}}), STOP),
        stream("searches as a word", START, *TEXT, ended(usage={"output_tokens": 5, "server_tool_use": {"web_search_requests": "two"}}), STOP),
        stream("stop without an index", START, OPEN, said("a"), data({"type": "content_block_stop"}), *END),
        stream("keys twice", START, OPEN, 'data: {"type": "ping", "type": "content_block_delta", "delta": {"type": "text_delta", "text": "x", "text": "y"}}\n\n', closed(), *END),
        stream("deep", START, OPEN, f"data: {{\"type\": \"x\", \"a\": {'[' * 500}{']' * 500}}}\n\n", said("b"), closed(), *END),
        stream("big numbers", START, OPEN, 'data: {"type": "x", "a": 123456789012345678901234567890, "b": 1e999, "c": NaN}\n\n', said("b"), closed(), *END),
    ]


def names():
    """The client's name of the model decides about the costs once anything was said."""
    groups = ["claude-3-haiku-20240307", "team--claude-sonnet-4-5", "gpt-4o", "anthropic/claude-3-haiku-20240307", "anthropic/ours", "openai/gpt-4o"]
    cases = []
    for group in groups:
        cases += [
            stream(f"{group}", *WHOLE, group=group),
            stream(f"{group} with nothing said", START, *END, group=group),
            stream(f"{group} without usage at the start", event("message_start", message={}), *TEXT, ended(usage={"input_tokens": 9, "output_tokens": 5}), STOP, group=group),
            stream(f"{group} cut off", START, OPEN, said("Hello there"), group=group),
            stream(f"{group} with nothing counted", event("message_start", message={}), *TEXT, ended(usage={}), STOP, group=group),
        ]
    return cases
