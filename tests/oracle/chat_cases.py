"""The cases of `chat_goldens.py`: what a client sends and what the provider answers, by theme. All made up here."""

import json

from signed_histories import OWN, SignedHistories

JSON = [["content-type", "application/json"], ["x-request-id", "req_1"], ["x-ratelimit-remaining-requests", "9"],
        ["x-ratelimit-reset-tokens", "6ms"], ["openai-processing-ms", "12"]]
SSE = [["content-type", "text/event-stream; charset=utf-8"], ["x-request-id", "req_1"], ["x-ratelimit-limit-requests", "9"]]
USER = {"role": "user", "content": "hi é 😀"}
DETAILS = {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
USAGE = {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
         "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0}, "completion_tokens_details": DETAILS}
FUNCTION = {"name": "weather", "description": "tells", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Köln\"}"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": {"type": "object", "properties": {}}}}


def choice(index=0, finish="stop", **message):
    said = {"role": "assistant", "content": "hé\u2028 </x>", "refusal": None, "annotations": [], **message}
    return {"index": index, "message": said, "logprobs": None, "finish_reason": finish}


def completion(*choices, **changes):
    plain = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1754675179, "model": "gpt-4o-2024-08-06",
             "choices": list(choices) or [choice()], "usage": USAGE, "service_tier": "default", "system_fingerprint": "fp_1"}
    return {key: value for key, value in {**plain, **changes}.items() if value != "absent"}


def answered(body=None, status=200, headers=JSON):
    return {"status": status, "headers": headers, "body": json.dumps(completion() if body is None else body)}


def raw(text, status=200, headers=JSON):
    return {"status": status, "headers": headers, "body": text}


def refused(status, message="no", kind="invalid_request_error", param=None, code=None, headers=JSON):
    return answered({"error": {"message": message, "type": kind, "param": param, "code": code}}, status, headers)


def body(group="gpt", **changes):
    return {"model": group, "messages": [USER], **changes}


def case(name, answer=None, group="gpt", headers=(), answers=None, path=None, **changes):
    made = {"name": name, "group": group, "headers": list(headers), "body": body(group, **changes),
            "answers": answers or [answer or answered()]}
    return {**made, "path": path} if path else made


def event(data):
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"


def chunk(delta=None, finish=None, index=0, **changes):
    choices = [] if delta is None else [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]
    plain = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1754675179, "model": "gpt-4o-2024-08-06",
             "service_tier": "default", "system_fingerprint": "fp_1", "choices": choices, "usage": None, "obfuscation": "x"}
    return event({key: value for key, value in {**plain, **changes}.items() if value != "absent"})


ROLE = chunk({"role": "assistant", "content": "", "refusal": None})
HE = chunk({"content": "hé"})
LLO = chunk({"content": " llo"})
STOP = chunk({}, "stop")
COUNT = chunk(None, usage=USAGE)
DONE = event("[DONE]")
WHOLE = [ROLE, HE, LLO, STOP, COUNT, DONE]
ASKS_USAGE = {"stream_options": {"include_usage": True}}


def stream(name, *pieces, end="clean", group="gpt", headers=SSE, **changes):
    answer = {"status": 200, "headers": headers, "pieces": list(pieces), "end": end}
    return case(name, answer, group, stream=True, **changes)


def themes():
    return {
        "requests": requests(), "models": models(), "histories": histories(), "deployments": deployed(), "answers": answers(),
        "costs": costs(), "errors": errors(), "phrases": phrases(), "refusals": refusals(), "failures": failures(),
        "streams": streams(), "stream_counts": stream_counts(), "stream_errors": stream_errors(), "declined": declined(),
        "odd_usages": odd_usages(), "odd_answers": odd_answers(), "odd_streams": odd_streams(),
        "efforts": efforts(), "foreign_ids": foreign_ids(), "refused_together": refused_together(),
    }


def requests():
    search = {"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"country": "DE"}}}
    functions = {"functions": [FUNCTION], "function_call": {"name": "weather"}}
    return [
        case("plain"),
        case("without the version in the path", path="/chat/completions"),
        case("model in the path", path="/openai/deployments/gpt/chat/completions"),
        case("engine in the path", path="/engines/gpt/chat/completions"),
        case("alias", group="alias"),
        case("sampling", temperature=0.7, top_p=0.9, presence_penalty=0.1, frequency_penalty=-0.5, seed=3, n=2, stop=["a", "b"],
             logit_bias={"50256": -100}, max_tokens=50),
        case("temperature as a whole number", temperature=1, top_p=0),
        case("nulls", temperature=None, tools=None, stop=None, stream=None, user=None, metadata=None, n=None),
        case("one stop", stop="a"),
        case("more stops than four", stop=["a", "b", "c", "d", "e"]),
        case("no stops", stop=[]),
        case("tools", tools=[TOOL, {**TOOL, "function": {**FUNCTION, "strict": True}}], tool_choice="auto",
             parallel_tool_calls=False),
        case("empty tools", tools=[], tool_choice="auto"),
        case("tool choice without tools", tool_choice="none"),
        case("named tool choice", tools=[TOOL], tool_choice={"type": "function", "function": {"name": "weather"}}),
        case("tool choice as an object", tools=[TOOL], tool_choice={"type": "required"}),
        case("custom tool", tools=[{"type": "custom", "custom": {"name": "c"}}]),
        case("cache control", messages=[{"role": "user", "content": [{"type": "text", "text": "a",
             "cache_control": {"type": "ephemeral"}}]}], tools=[{**TOOL, "cache_control": {"type": "ephemeral"}}]),
        case("functions", **functions),
        case("json object", response_format={"type": "json_object"}),
        case("json schema", response_format=SCHEMA),
        case("logprobs", logprobs=True, top_logprobs=2),
        case("user", user="someone"),
        case("user on an unknown model", group="ours", user="someone"),
        case("service tier", service_tier="auto"),
        case("store", store=True),
        case("safety", safety_identifier="s", prompt_cache_key="k"),
        case("prompt cache retention", prompt_cache_retention="24h"),
        case("prediction", prediction={"type": "content", "content": "x"}),
        case("modalities", modalities=["text"]),
        case("web search", group="search", web_search_options=search),
        case("verbosity on gpt-5", group="gpt-5", verbosity="low"),
        case("unknown keys", foo=1, bar={"a": None}, top_k=None),
        case("keys the SDK knows and LiteLLM doesn't", moderation={"model": "omni-moderation-latest"},
             prompt_cache_options={"mode": "explicit"}),
        case("extra body", extra_body={"top_k": 3, "a": {"b": 1}}, foo=1),
        case("extra headers", extra_headers={"X-Mine": "1"}),
        case("options of litellm", num_retries=0, timeout=20, stream_timeout=3.5, drop_params=False),
        case("options by header", headers=[["x-litellm-timeout", "7.5"], ["x-litellm-num-retries", "0"]]),
        case("whole timeout by header", headers=[["x-litellm-timeout", "7"]]),
        case("dropped by the client", additional_drop_params=["seed", "foo"], seed=1, foo=2, top_p=0.5),
        case("allowed by the client", allowed_openai_params=["reasoning_effort"], reasoning_effort="low"),
        case("headers of the client", headers=[["openai-organization", "o"], ["x-custom", "1"], ["openai-beta", "b"],
                                               ["x-stainless-lang", "js"], ["origin", "https://example.com"]]),
        case("claude code", headers=[["user-agent", "claude-cli/2.1.0 (external, cli)"]], seed=1),
        case("stream false", stream=False),
        case("stream options without a stream", **ASKS_USAGE),
        case("numbers", tools=[{"type": "function", "function": {"name": "n", "parameters": {"n": [1e16, -0.0, 123456789012345678, 5.25e-5]}}}]),
        case("pattern", tools=[{"type": "function", "function": {"name": "n", "parameters": {"type": "object", "properties": {
            "a": {"type": "string", "pattern": "^[a-z]+$"}}}}}]),
        case("max retries", max_retries=3),
        case("metadata", metadata={"a": "b"}),
        case("max completion tokens", max_completion_tokens=5),
        case("include obfuscation", stream_options={"include_obfuscation": False}),
        case("reasoning effort on an unknown model", group="ours", reasoning_effort="high"),
        case("developer with a name", messages=[{"role": "developer", "content": "s", "name": "n"}, USER]),
        case("developer on o1", group="o1", messages=[{"role": "developer", "content": "s", "name": "n"}, USER]),
        case("developer on gpt-5", group="gpt-5", messages=[{"role": "developer", "content": "s"}, USER]),
        case("functions on gpt-5", group="gpt-5", functions=[FUNCTION]),
        case("allowed tools", tools=[TOOL], tool_choice={"type": "allowed_tools", "function": {"name": "weather"}}),
        case("parts for the assistant", messages=[USER, {"role": "assistant", "content": ["a"]}, USER]),
        case("audio out", group="audio", modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}),
        case("whole float", temperature=1.0, max_tokens=10, top_p=0.30000000000000004),
        case("agentic client with an option too many", group="o3-mini", top_p=0.5, headers=[["user-agent", "claude-cli/2.1.0 (external, cli)"]]),
        case("codex with an option too many", group="o3-mini", top_p=0.5, headers=[["user-agent", "codex_cli_rs/0.1"]]),
        case("agentic client that says no", group="o3-mini", top_p=0.5, drop_params=False, headers=[["user-agent", "claude-cli/2.1.0"]]),
        case("extra body over an option", extra_body={"temperature": 0.1, "model": "other"}, temperature=0.9),
        case("chat template", chat_template_kwargs={"enable_thinking": False}, min_p=0.1, repetition_penalty=1.1, top_k=40),
        case("reasoning as openrouter has it", reasoning={"effort": "low"}),
        case("null stream", stream=None, stream_options={"include_usage": True}),
        case("dropped stop", additional_drop_params=["stop", "tools"], stop=["a"], tools=[TOOL], tool_choice="auto"),
        case("allowed though unsupported", group="o3-mini", allowed_openai_params=["top_p", "logprobs"], top_p=0.5),
        case("number of one", group="gpt-5-search", n=1),
        case("order of keys", top_p=0.1, temperature=0.2, tools=[TOOL], seed=1, response_format=SCHEMA, max_tokens=3, foo=1, bar=2),
    ]


def models():
    cases = []
    for group in ("o1", "o3-mini", "gpt-5", "gpt-5.1", "gpt-5.2", "gpt-5-chat", "gpt-5-search", "gpt-4", "ours", "drops",
                  "drops-5", "drops-5.1", "drops-o1", "search", "audio", "gpt-5.6"):
        cases += [
            case(f"{group}: limit", group=group, max_tokens=100),
            case(f"{group}: both limits", group=group, max_tokens=100, max_completion_tokens=5),
            case(f"{group}: temperature", group=group, temperature=0.2),
            case(f"{group}: temperature of one", group=group, temperature=1),
            case(f"{group}: top_p", group=group, top_p=0.5),
            case(f"{group}: logprobs", group=group, logprobs=True, top_logprobs=1),
            case(f"{group}: penalties", group=group, presence_penalty=0.5, frequency_penalty=0.5, stop=["a"], logit_bias={"1": 1}),
            case(f"{group}: effort", group=group, reasoning_effort="low"),
            case(f"{group}: no effort", group=group, reasoning_effort="none", temperature=0.3, top_p=0.4, logprobs=True),
            case(f"{group}: extreme effort", group=group, reasoning_effort="xhigh"),
            case(f"{group}: effort as an object", group=group, reasoning_effort={"effort": "low"}),
            case(f"{group}: tools", group=group, tools=[TOOL], tool_choice="auto", parallel_tool_calls=True),
            case(f"{group}: system", group=group, messages=[{"role": "system", "content": "s"}, USER]),
            case(f"{group}: format", group=group, response_format=SCHEMA),
            case(f"{group}: count of one", group=group, n=1, verbosity="low"),
        ]
    return cases


def histories():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low", "format": "image/png"}}
    text = {"type": "text", "text": "a"}

    def said(*content):
        return {"role": "user", "content": list(content)}

    asked = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    told = {"role": "tool", "tool_call_id": "call_1", "content": "21"}
    reply = {"role": "assistant", "content": "ok"}
    return [
        case("image", messages=[said(text, image)]),
        case("image as a text", messages=[said({"type": "image_url", "image_url": "data:image/png;base64,aGk="})]),
        case("file data", messages=[said({"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}})]),
        case("file data with a name", messages=[said({"type": "file", "file": {"filename": "a.pdf", "file_data": "x", "format": "p"}})]),
        case("file id", messages=[said({"type": "file", "file": {"file_id": "file-abc"}})]),
        case("audio", messages=[said({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}})]),
        case("tool calls", messages=[USER, asked, told]),
        case("empty tool calls", messages=[USER, {**reply, "tool_calls": []}]),
        case("arguments as an object", messages=[USER, {"role": "assistant", "tool_calls": [
            {**CALL, "function": {"name": "weather", "arguments": {"a": 1}}}]}, told]),
        case("nulls in a message", messages=[{**USER, "name": None}, {**reply, "refusal": None, "audio": None}]),
        case("nulls deeper", messages=[said({**text, "x": None}), {**reply, "content": [{**text, "y": None}]}]),
        case("no role", messages=[{"content": "a"}, USER]),
        case("developer", messages=[{"role": "developer", "content": "s"}, USER]),
        case("system", messages=[{"role": "system", "content": [text]}, USER]),
        case("name", messages=[{**USER, "name": "ann"}]),
        case("empty content", messages=[{"role": "user", "content": ""}, {"role": "user", "content": []}]),
        case("reasoning content", messages=[USER, {**reply, "reasoning_content": "r"}, USER]),
        case("fields of an answer", messages=[USER, {**reply, "provider_specific_fields": {"refusal": None}, "annotations": []}, USER]),
        case("tool texts", messages=[USER, asked, {**told, "content": [text]}]),
        case("function role", messages=[USER, {"role": "function", "name": "f", "content": "1"}]),
        case("thinking blocks", messages=[USER, {**reply, "thinking_blocks": [{"type": "thinking", "thinking": "a", "signature": "s"}]}, USER]),
        case("assistant parts", messages=[USER, {"role": "assistant", "content": [text, {"type": "refusal", "refusal": "no"}]}, USER]),
        case("no messages", messages=[]),
        case("message key of ours", messages=[{**USER, "cache_control": {"type": "ephemeral"}}]),
    ]


def deployed():
    return [case(group, group=group) for group in ("slash-base", "query-base", "options", "headers", "organization", "dropping",
                                                   "allowing", "extra-body")] + [
        case("options the client has too", group="options", temperature=0.9, seed=None, unknown=2, stop="y"),
        case("null instead of an option", group="sampled", temperature=None, seed=None),
        case("sampled", group="sampled"),
        case("extra option of the deployment", group="sampled", foo=2),
        case("headers and the client's", group="headers", extra_headers={"X-Mine": "1"}),
        case("dropped keys", group="dropping", seed=1, foo=2, top_p=0.5),
        case("allowed keys", group="allowing", reasoning_effort="low"),
        case("extra body of both", group="extra-body", extra_body={"a": 1}, foo=1),
        case("tools on gpt-5.4", group="gpt-5.4", tools=[TOOL]),
    ]


def answers():
    top = {"token": "a", "logprob": -0.1, "bytes": [97]}
    logprobs = {"content": [{**top, "top_logprobs": [top, {**top, "bytes": None}]}, {**top, "logprob": 0, "top_logprobs": []}], "refusal": None}
    citation = {"type": "url_citation", "url_citation": {"start_index": 1, "end_index": 2, "url": "https://a", "title": "t"}}
    usages = {"minimal": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
              "without a total": {"prompt_tokens": 1, "completion_tokens": 2},
              "extra": {**USAGE, "queue_time": 0.1, "cost": 0.5, "x": None},
              "null details": {**USAGE, "prompt_tokens_details": None, "completion_tokens_details": None},
              "empty details": {**USAGE, "prompt_tokens_details": {}, "completion_tokens_details": {}},
              "cache write": {**USAGE, "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3, "audio_tokens": 0}},
              "extra details": {**USAGE, "prompt_tokens_details": {"cached_tokens": 4, "new": 3, "text_tokens": 5}}}
    return [case(f"usage: {name}", answered(completion(usage=usage))) for name, usage in usages.items()] + [
        case("no usage", answered(completion(usage="absent"))),
        case("null usage", answered(completion(usage=None))),
        case("tool calls", answered(completion(choice(finish="tool_calls", content=None, tool_calls=[CALL, {**CALL, "id": "call_2"}])))),
        case("tool call with extras", answered(completion(choice(finish="tool_calls", content=None, tool_calls=[{**CALL, "extra": {"a": None}, "function": {"name": "a", "arguments": "", "more": 1}}])))),
        case("tool call without an id", answered(completion(choice(finish="tool_calls", content=None, tool_calls=[{"id": "", "type": "function", "function": {"name": "a", "arguments": "{}"}}])))),
        case("refusal with logprobs", answered(completion({**choice(), "logprobs": {"content": None, "refusal": [{**top, "top_logprobs": []}]}}))),
        case("empty content", answered(completion(choice(content=""))) ),
        case("think tags unfinished", answered(completion(choice(content="<think>why")))),
        case("thinking tag", answered(completion(choice(content="<thinking>a</think>b")))),
        case("big numbers", answered(completion(big=12345678901234567890123, small=1e-7, exact=1.0))),
        case("tool calls that stop", answered(completion(choice(finish="stop", content=None, tool_calls=[CALL])))),
        case("tool calls with an index", answered(completion(choice(finish="tool_calls", tool_calls=[{"index": 0, **CALL}])))),
        case("custom call", answered(completion(choice(finish="tool_calls", content=None, tool_calls=[
            {"id": "c", "type": "custom", "custom": {"name": "n", "input": "i"}}])))),
        case("empty tool calls", answered(completion(choice(tool_calls=[])))),
        case("hallucinated parallel calls", answered(completion(choice(finish="tool_calls", tool_calls=[{**CALL, "function": {
            "name": "multi_tool_use.parallel", "arguments": json.dumps({"tool_uses": [{"recipient_name": "functions.a", "parameters": {"é": 1.0}},
                                                                                      {"recipient_name": "b", "parameters": {}}]})}}])))),
        case("arguments that aren't JSON", answered(completion(choice(finish="tool_calls", tool_calls=[
            {**CALL, "function": {"name": "a", "arguments": "{"}}])))),
        case("function call", answered(completion(choice(finish="function_call", content=None, function_call={"name": "a", "arguments": "{}"})))),
        case("refusal", answered(completion(choice(content=None, refusal="I can't")))),
        case("no refusal field", answered(completion({"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}))),
        case("two choices", answered(completion(choice(), choice(1, "length", content="b")))),
        case("indices that lie", answered(completion(choice(3), choice(7)))),
        case("no choices", answered(completion(choices=[]))),
        case("logprobs", answered(completion({**choice(), "logprobs": logprobs}))),
        case("annotations", answered(completion(choice(annotations=[citation])))),
        case("content filter", answered(completion(choice(finish="content_filter", content="")))),
        case("unknown finish", answered(completion(choice(finish="because")))),
        case("mapped finish", answered(completion(choice(finish="max_tokens")))),
        case("no finish", answered(completion(choice(finish=None)))),
        case("extra in a choice", answered(completion({**choice(), "content_filter_results": {"hate": {"filtered": False}}, "x": None}))),
        case("extra in a message", answered(completion(choice(new_field={"a": None}, other=None)))),
        case("extra at the top", answered(completion(new_top={"a": None}, other=None, prompt_filter_results=[{"a": 1}]))),
        case("reasoning content", answered(completion(choice(reasoning_content="why")))),
        case("reasoning", answered(completion(choice(reasoning="why")))),
        case("think tags", answered(completion(choice(content="<think>why\nso</think>\nanswer")))),
        case("null fingerprint", answered(completion(system_fingerprint=None, service_tier=None))),
        case("no fingerprint", answered(completion(system_fingerprint="absent", service_tier="absent"))),
        case("created as a float", answered(completion(created=1754675179.7))),
        case("other object", answered(completion(object="text"))),
        case("role that is null", answered(completion(choice(role=None)))),
        case("audio", answered(completion(choice(content=None, audio={"id": "a", "data": "aGk=", "expires_at": 1, "transcript": "t"})))),
        case("moderation", answered(completion(moderation=None))),
        case("plain text", raw("hello", headers=[["content-type", "text/plain"]])),
        case("json by another name", raw(json.dumps(completion()), headers=[["content-type", "application/vnd.x+json"]])),
        case("json as text", raw(json.dumps(completion()), headers=[["content-type", "text/plain"]])),
        case("no content type", raw(json.dumps(completion()), headers=[])),
        case("not json", raw("{", headers=JSON)),
        case("empty", raw("", headers=JSON)),
        case("a list", raw("[]")),
        case("an error in a 200", answered({"error": {"message": "boom", "code": 429}})),
        case("an error text in a 200", answered({"error": "boom"})),
        case("an empty error in a 200", answered(completion(error={}))),
        case("choices that are null", answered(completion(choices=None))),
        case("other status that is fine", answered(status=201)),
        case("many headers", answered(headers=[*JSON, ["x-twice", "a=b"], ["x-twice", "c=d"], ["x-empty", ""], ["X-Upper", "U"],
                                               ["x-litellm-fake", "1"], ["llm_provider-x", "2"], ["date", "Mon, 01 Jan 2024 00:00:00 GMT"]])),
        case("images", answered(completion(choice(images=[{"type": "image_url", "image_url": {"url": "u"}}])))),
    ]


def costs():
    cached = {**USAGE, "prompt_tokens": 2000, "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0}}
    reasoning = {**USAGE, "completion_tokens": 800, "completion_tokens_details": {**DETAILS, "reasoning_tokens": 640}}
    audio = {**USAGE, "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 7}, "completion_tokens_details": {**DETAILS, "audio_tokens": 6}}
    written = {**USAGE, "prompt_tokens": 4000, "prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 500}}
    long = {**USAGE, "prompt_tokens": 300000, "total_tokens": 300010}
    cases = []
    for group in ("gpt", "mini", "o3-mini", "gpt-5", "gpt-5.6", "gpt-4", "ours", "audio", "dated"):
        model = {"gpt": "gpt-4o", "mini": "gpt-4o-mini", "dated": "gpt-4o-2024-08-06", "audio": "gpt-4o-audio-preview",
                 "gpt-5.6": "gpt-5.6-sol"}.get(group, group)
        for name, usage in {"plain": USAGE, "cached": cached, "reasoning": reasoning, "written": written, "long": long, "audio": audio}.items():
            cases.append(case(f"{group}: {name}", answered(completion(model=model, usage=usage)), group))
        for tier in ("flex", "priority", "default"):
            cases.append(case(f"{group}: tier {tier}", answered(completion(model=model, usage=cached, service_tier=tier)), group))
    pieces = [ROLE, HE, STOP]
    return cases + [
        case("another model answers", answered(completion(model="gpt-4o-mini-2024-07-18"))),
        case("an unknown model answers", answered(completion(model="gpt-unknown"))),
        case("no model answers", answered(completion(model="absent"))),
        case("tier asked", answered(completion(service_tier="default")), "gpt-5", service_tier="flex"),
        case("tier asked in priority", answered(completion(service_tier="default")), "gpt-5", service_tier="priority"),
        case("search by citation", answered(completion(choice(annotations=[{"type": "url_citation", "url_citation": {
            "start_index": 1, "end_index": 2, "url": "u", "title": "t"}}]), model="gpt-4o-search-preview")), "search"),
        case("search asked for low", answered(completion(choice(annotations=[{"type": "url_citation", "url_citation": {
            "start_index": 1, "end_index": 2, "url": "u", "title": "t"}}]), model="gpt-4o-search-preview")), "search",
             web_search_options={"search_context_size": "low"}),
        stream("stream of another model", *[piece.replace("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18") for piece in [*pieces, COUNT]], DONE, **ASKS_USAGE),
        stream("stream, cached", *pieces, chunk(None, usage=cached), DONE, **ASKS_USAGE),
        stream("stream, reasoning", *pieces, chunk(None, usage=reasoning), DONE, group="gpt-5", **ASKS_USAGE),
        stream("stream, tier", *pieces, chunk(None, usage=cached, service_tier="priority"), DONE, group="gpt-5", **ASKS_USAGE),
        stream("stream, tier asked", *pieces, COUNT, DONE, group="gpt-5", service_tier="flex", **ASKS_USAGE),
        stream("stream of an unknown model", *pieces, COUNT, DONE, group="ours", **ASKS_USAGE),
        stream("stream, written", *pieces, chunk(None, usage=written), DONE, group="gpt-5.6", **ASKS_USAGE),
    ]


COUNTS = {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29}
ODD_USAGES = {
    "of deepseek": {**COUNTS, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 15, "completion_tokens_details": {"reasoning_tokens": 5}},
    "of deepseek, with details": {**COUNTS, "prompt_cache_hit_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 1}},
    "of deepseek, true": {**COUNTS, "prompt_cache_hit_tokens": True},
    "cache read": {**COUNTS, "cache_read_input_tokens": 4},
    "cache written": {**COUNTS, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 4},
    "cache written, with details": {**COUNTS, "cache_creation_input_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2, "new": 1}},
    "cache written, in the details": {**COUNTS, "prompt_tokens_details": {"cache_creation_input_tokens": 3}},
    "cache written, by its other name": {**COUNTS, "prompt_tokens_details": {"cache_creation_tokens": 3, "cache_creation_token_details": {"ephemeral_1h_input_tokens": 3}}},
    "cache read as a text": {**COUNTS, "cache_read_input_tokens": "4"},
    "cache read as a float": {**COUNTS, "cache_read_input_tokens": 4.0},
    "reasoning beside": {**COUNTS, "reasoning_tokens": 5},
    "reasoning beside and inside": {**COUNTS, "reasoning_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 1}},
    "reasoning beyond": {**COUNTS, "reasoning_tokens": 50},
    "reasoning as a float": {**COUNTS, "reasoning_tokens": 5.5},
    "reasoning as a text": {**COUNTS, "reasoning_tokens": "5"},
    "counts as texts": {key: str(value) for key, value in COUNTS.items()},
    "counts as floats": {key: float(value) for key, value in COUNTS.items()},
    "a broken count": {**COUNTS, "completion_tokens": 1.5},
    "a word for a count": {**COUNTS, "prompt_tokens": "many"},
    "null counts": {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
    "a text and a null": {**COUNTS, "prompt_tokens": "19", "total_tokens": None},
    "truth for a count": {**COUNTS, "completion_tokens": True},
    "details as texts": {**COUNTS, "prompt_tokens_details": {"cached_tokens": "4"}, "completion_tokens_details": {"reasoning_tokens": 5.0}},
    "details that are broken": {**COUNTS, "prompt_tokens_details": {"cached_tokens": "four"}},
    "details that are none": {**COUNTS, "prompt_tokens_details": [1], "completion_tokens_details": "x"},
    "empty details": {**COUNTS, "prompt_tokens_details": {}, "completion_tokens_details": {"x": None}},
    "other details": {**COUNTS, "prompt_tokens_details": {"web_search_requests": 1, "tool_use_tokens": 2, "character_count": 3, "x": {"y": None}}},
    "tools of a server": {**COUNTS, "server_tool_use": {"web_search_requests": 2, "other": 1}},
    "a cost as a text": {**COUNTS, "cost": "0.5"},
    "no counts": {},
    "a text": "29",
    "a list": [COUNTS],
    "a number": 29,
}


def odd_usages():
    start = [chunk({"role": "assistant", "content": ""}), chunk({"content": "ab"})]
    return [case(name, answered(completion(usage=usage))) for name, usage in ODD_USAGES.items()] + [
        stream(f"stream, {name}", *start, STOP, chunk(None, usage=usage), DONE, **ASKS_USAGE) for name, usage in ODD_USAGES.items()
    ] + [stream(f"stream, {name}, with a choice", *start, chunk({}, "stop", usage=usage), DONE, **ASKS_USAGE) for name, usage in ODD_USAGES.items()]


def odd_answers():
    citation = {"start_index": 1, "end_index": 2, "url": "u", "title": "t"}
    annotation = {"type": "url_citation", "url_citation": citation}
    token = {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}
    thought = {"type": "thinking", "thinking": "t", "signature": "s"}
    audio = {"id": "a", "data": "aGk=", "expires_at": 1, "transcript": "t"}
    messages = {
        "content as a list": {"content": [{"type": "text", "text": "a"}]}, "content as a number": {"content": 5},
        "another role": {"role": "user"}, "a role nobody has": {"role": "model"}, "no role": {"role": ""},
        "annotations as a text": {"annotations": "x"}, "an annotation of another type": {"annotations": [{**annotation, "type": "file_citation"}]},
        "an annotation with more": {"annotations": [{**annotation, "more": 1, "url_citation": {**citation, "more": {"x": None}}}]},
        "an annotation with less": {"annotations": [{"type": "url_citation"}]},
        "an annotation's numbers as texts": {"annotations": [{**annotation, "url_citation": {**citation, "start_index": "1", "end_index": 2.0}}]},
        "tool calls as a text": {"tool_calls": "x"}, "tool calls as a number": {"tool_calls": 5}, "tool calls that are null": {"tool_calls": [None]},
        "a call without a function": {"tool_calls": [{"id": "c", "type": "function"}]},
        "a call with arguments as an object": {"tool_calls": [{**CALL, "function": {"name": "a", "arguments": {"a": 1}}}]},
        "a call with arguments as a list": {"tool_calls": [{**CALL, "function": {"name": "a", "arguments": []}}]},
        "a call with parameters": {"tool_calls": [{**CALL, "function": {"name": "a", "parameters": {"é": 1}}}]},
        "a call without a name": {"tool_calls": [{**CALL, "function": {"arguments": "{}"}}]},
        "a call with a number for a name": {"tool_calls": [{**CALL, "function": {"name": 5, "arguments": "{}"}}]},
        "a call with null for an id": {"tool_calls": [{**CALL, "id": None}, {**CALL, "id": None}]},
        "a custom call without an input": {"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "n"}}]},
        "a custom call of no type": {"tool_calls": [{"id": "c", "custom": {"name": "n", "input": "i"}}]},
        "two hallucinated calls": {"tool_calls": [{**CALL, "id": n, "function": {"name": "multi_tool_use.parallel", "arguments": json.dumps({"tool_uses": [
            {"recipient_name": "functions.a", "parameters": {}}, {"recipient_name": "b", "parameters": 1}]})}} for n in ("1", "2")]},
        "a hallucinated call of nothing": {"tool_calls": [{**CALL, "function": {"name": "multi_tool_use.parallel", "arguments": "{}"}}]},
        "a function call without arguments": {"function_call": {"name": "f"}}, "a function call with more": {"function_call": {"name": "f", "arguments": "", "x": 1}},
        "a function call as a text": {"function_call": "f"},
        "fields as a list": {"provider_specific_fields": [1]}, "fields": {"provider_specific_fields": {"a": None}},
        "thoughts": {"thinking_blocks": [thought, {"type": "redacted_thinking", "data": "d"}, {**thought, "more": 1}]},
        "odd thoughts": {"thinking_blocks": [{"type": "thought"}]}, "reasoning that is no text": {"reasoning_content": ["a"]},
        "audio without a name": {"audio": {**audio, "id": None, "expires_at": "1"}}, "audio without data": {"audio": {"id": "a"}},
        "pictures without a number": {"images": [{"type": "image_url", "image_url": {"url": "u", "detail": None, "x": 1}}]}, "pictures of no kind": {"images": [{"image_url": {"url": "u"}}]},
        "a picture as a text": {"images": "x"},
    }
    tops = {
        "no message": {"choices": [{"index": 0, "finish_reason": "stop"}]}, "null for a message": {"choices": [{**choice(), "message": None}]},
        "a text for a message": {"choices": [{**choice(), "message": "x"}]}, "a text for a choice": {"choices": ["x"]}, "null for a choice": {"choices": [None]},
        "choices as a text": {"choices": "x"}, "choices as an object": {"choices": {"0": choice()}}, "no choices at all": {"choices": "absent"},
        "a finish as a number": {"choices": [choice(finish=5)]}, "a finish as a list": {"choices": [choice(finish=["stop"])]}, "an empty finish": {"choices": [choice(finish="")]},
        "details of a finish": {"choices": [{**choice(finish=None), "finish_details": "length"}]}, "enhancements": {"choices": [{**choice(), "enhancements": {"a": 1}}]},
        "logprobs as a text": {"choices": [{**choice(), "logprobs": "x"}]}, "logprobs with a text": {"choices": [{**choice(), "logprobs": {"content": "x"}}]},
        "logprobs' numbers": {"choices": [{**choice(), "logprobs": {"content": [{**token, "logprob": "-1", "bytes": ["97"], "top_logprobs": None}], "x": None}}]},
        "logprobs without a token": {"choices": [{**choice(), "logprobs": {"content": [{"logprob": 0}]}}]},
        "created as a text": {"created": "1754675179.5"}, "created as a word": {"created": "now"}, "created as truth": {"created": True}, "created as a list": {"created": [1]},
        "a number for a model": {"model": 5}, "an empty model": {"model": ""}, "null for a model": {"model": None}, "a list for a model": {"model": ["gpt-4o"]},
        "a number for an id": {"id": 5}, "an empty id": {"id": ""}, "a number for a fingerprint": {"system_fingerprint": 5}, "an odd tier": {"service_tier": 5},
        "citations": {"citations": ["u"]}, "a word that is an error's": {"choices": [{**choice(), "message": {"role": "nobody", "content": "Rate limit reached"}}]},
    }
    return [case(name, answered(completion(choice(**message)))) for name, message in messages.items()] + [
        case(name, answered(completion(**changes))) for name, changes in tops.items()]


def odd_streams():
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    bare = {"id": "absent", "model": "absent", "created": "absent", "object": "absent", "system_fingerprint": "absent"}

    def chosen(**changes):
        return chunk(None, choices=[{"index": 0, "delta": {"content": "a"}, "finish_reason": None, **changes}])

    deltas = {
        "tool calls as a text": {"tool_calls": "x"}, "tool calls as a number": {"tool_calls": 5}, "tool calls as zero": {"tool_calls": 0},
        "calls that are null": {"tool_calls": [None, call]}, "a call without a function beside a content": {"content": "b", "tool_calls": [{"index": 0, "id": "c"}]},
        "a call without a function": {"tool_calls": [{"index": 0, "id": "c"}]}, "a call with arguments as a number": {"content": "b", "tool_calls": [{**call, "function": {"arguments": 5}}]},
        "an index as a text": {"tool_calls": [{**call, "index": "1"}]}, "a call with more": {"tool_calls": [{**call, "extra": 1, "function": {"name": "f", "arguments": "", "x": 1}}]},
        "a custom call without its input": {"tool_calls": [{"index": 0, "custom": {"name": "n"}, "extra": 1}]},
        "a content as a list": {"content": ["b"]}, "a content as an empty list": {"content": []}, "a content as a number": {"content": 5},
        "a function call as a text": {"content": "b", "function_call": "f"}, "a function call without arguments": {"function_call": {"name": "f"}},
        "a function call with more": {"function_call": {"name": "f", "arguments": "", "x": 1}},
        "fields": {"content": "b", "provider_specific_fields": {"a": None}}, "fields as a text": {"content": "b", "provider_specific_fields": "x"},
        "thoughts": {"thinking_blocks": [{"type": "thinking", "thinking": "t"}], "reasoning_content": "t"}, "items": {"reasoning_items": [{"type": "reasoning", "id": "r"}]},
        "reasoning that is no text": {"reasoning": ["a"]}, "annotations as a number": {"content": "b", "annotations": 5}, "pictures": {"images": [{"type": "image_url", "image_url": {"url": "u"}}]},
        "pictures as a number": {"images": 5}, "sound": {"audio": {"data": "aGk="}, "content": "b"}, "sound that is broken": {"audio": {"data": "d"}, "content": "b"},
        "a role as a number": {"role": 5, "content": "b"}, "unknown keys": {"content": "b", "x": {"y": None}, "z": [1]},
    }
    chunks = {
        "citations": chunk({"content": "a"}, citations=["u"], search_results=[1]), "fields of the chunk": chunk({"content": "a"}, provider_specific_fields={"a": 1}),
        "fields of the chunk as a text": chunk({"content": "a"}, provider_specific_fields="x"), "choices as a text": chunk(None, choices="x"), "choices as a number": chunk(None, choices=5),
        "choices as an object": chunk(None, choices={"0": 1}), "choices that are null": chunk(None, choices=[None]), "a choice as a text": chunk(None, choices=["x"]),
        "a second choice as a text": chunk(None, choices=[{"index": 0, "delta": {"content": "a"}}, "x", {"index": 1, "delta": "x"}]), "a delta as a text": chosen(delta="x"), "a delta that is null": chosen(delta=None),
        "a finish as a number": chosen(delta={}, finish_reason=5), "a finish as a list": chosen(delta={}, finish_reason=["stop"]), "logprobs as a text": chosen(logprobs="x"),
        "logprobs that are broken": chosen(logprobs={"content": [{"token": 5}]}), "no index": chosen(index=None), "an index as a text": chosen(index="1"), "enhancements": chosen(enhancements={"a": 1}, message={"role": "assistant"}, more=1),
        "without names": chunk({"content": "a"}, **bare), "an empty id": chunk({"content": "a"}, id=""), "a number for an id": chunk({"content": "a"}, id=5),
        "a number for an id, with a usage": chunk({"content": "a"}, id=5, usage=COUNTS), "a number for a fingerprint, with a usage": chunk({"content": "a"}, system_fingerprint=5, usage=COUNTS),
        "a number for a model": chunk({"content": "a"}, model=5), "a usage in the middle": chunk({"content": "a"}, usage={**COUNTS, "prompt_cache_hit_tokens": 4}),
        "a stream of its own": chunk({"content": "a"}, stream=True, usage=COUNTS),
    }
    named = {name: chunk(delta) for name, delta in deltas.items()} | chunks
    ends = [STOP, COUNT, DONE]
    nameless = [chunk({"role": "assistant", "content": ""}, **bare), chunk({"content": "a"}, **bare), chunk({}, "stop", **bare)]
    return [stream(name, ROLE, one, *ends, **ASKS_USAGE) for name, one in named.items()] + [
        stream(f"{name}, first", one, *ends) for name, one in named.items()] + [
        stream("nobody names anything", *nameless, DONE), stream("nobody names anything, with a usage", *nameless, chunk(None, usage=COUNTS, **bare), DONE, **ASKS_USAGE),
        stream("nobody names anything, without a usage", *nameless, DONE, **ASKS_USAGE), stream("named at last alone", *nameless, COUNT, DONE, **ASKS_USAGE),
        stream("a usage behind the end", ROLE, HE, STOP, chunk({"refusal": "no"}, usage=COUNTS), chunk({}, usage=COUNTS), DONE, **ASKS_USAGE),
        stream("annotations that are empty at the end", ROLE, HE, chunk({"annotations": []}, "stop", usage=COUNTS), DONE, **ASKS_USAGE),
    ]


def errors():
    cases = []
    for status in (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 501, 502, 503, 504, 529):
        cases += [
            case(f"{status}", refused(status, kind="some_error", param="p", code="c")),
            case(f"{status} as text", raw("<html>nope</html>", status, [["content-type", "text/html"]])),
        ]
    return cases + [
        case("empty body", raw("", 500)),
        case("400 empty", raw("", 400)),
        case("invalid request", refused(400, "bad field", param="messages[0]", code="invalid_value")),
        case("invalid request 404", refused(404, "The model `x` does not exist", code="model_not_found")),
        case("quota", refused(429, "You exceeded your current quota", kind="insufficient_quota", code="insufficient_quota",
                              headers=[*JSON, ["retry-after", "7"]])),
        case("key", refused(401, "Incorrect API key provided: sk-abc***xyz. You can find", code="invalid_api_key")),
        case("unsupported", refused(400, "Unsupported value: 'temperature'", param="temperature", code="unsupported_value")),
        case("nested error", answered({"error": {"error": {"message": "inner"}}}, 400)),
        case("message is empty", refused(400, "")),
        case("message at the top", answered({"message": "top", "code": 5}, 400)),
        case("detail", answered({"detail": "Not Found"}, 404)),
        case("detail list", answered({"detail": [{"loc": ["body", "seed"], "msg": "m"}]}, 422)),
        case("error is a text", answered({"error": "just text"}, 400)),
        case("error is null", answered({"error": None}, 500)),
        case("a list", raw("[1]", 400)),
        case("a number", raw("5", 400)),
        case("code is a number", answered({"error": {"message": "m", "type": None, "param": 3, "code": 400}}, 400)),
        case("no type", answered({"error": {"message": "m"}}, 400)),
        case("unprocessable with leave to drop", refused(422, kind="some_error"), drop_params=True),
        case("error is not an object", raw('"text"', 400)),
        case("spaces around", raw("  nope \n", 503, [["content-type", "text/plain"]])),
        case("message is an object", answered({"error": {"message": {"a": 1}}}, 400)),
        case("retry told", refused(500, headers=[*JSON, ["x-should-retry", "true"], ["retry-after", "1"]])),
        case("origin", refused(400), headers=[["origin", "https://example.com"]]),
        case("request id", refused(400), headers=[["x-request-id", "mine"]]),
        case("stream refused", refused(400), stream=True),
        case("stream limited", refused(429, kind="requests"), stream=True),
        case("stream broken", refused(500, kind="server_error"), stream=True),
        case("stream as text", raw("<html>", 502, [["content-type", "text/html"]]), stream=True),
        case("timeout header", refused(400), headers=[["x-litellm-timeout", "9"]]),
        case("timeout in the body", refused(400), timeout=9),
    ]


def phrases():
    texts = {
        "context": "This model's maximum context length is 8192 tokens",
        "context by code": "x context_length_exceeded y",
        "policy": "Your request was rejected as a result of our safety system. content_policy_violation",
        "safety": "request was rejected as a result of the safety system",
        "usage policy": "Invalid prompt: your prompt was flagged as potentially violating our usage policy",
        "rate": "Rate limit reached for gpt-4o",
        "rate 429": "error 429 seen",
        "timeout": "Request timed out.",
        "timeout occurred": "A timeout occurred",
        "too large": "Request too large for gpt-4o",
        "server": "The server had an error processing your request. Sorry",
        "roles": "Conversation roles must alternate user/assistant",
        "openai": "OPENAI says openai.OpenAIError",
        "encrypted": "invalid_encrypted_content",
        "secret": "key sk-abcdefghijklmnopqrstuvwxyz123456 leaked",
        "deployments": "No deployments available",
    }
    cases = []
    for name, text in texts.items():
        cases += [case(f"{name} 400", refused(400, text)), case(f"{name} 500", refused(500, text, kind="server_error"))]
    return cases


def refusals():
    return [
        case("format on gpt-4", group="gpt-4", response_format={"type": "json_object"}),
        case("temperature on o3", group="o3-mini", temperature=0.3),
        case("temperature on gpt-5", group="gpt-5", temperature=0.3),
        case("stop on gpt-5", group="gpt-5", stop=["x"], presence_penalty=1),
        case("several on o1", group="o1", top_p=0.4, logprobs=True),
        case("effort on gpt-4o", reasoning_effort="low"),
        case("thinking", thinking={"type": "enabled", "budget_tokens": 1024}),
        case("refused and dropped by the client", group="o3-mini", temperature=0.3, top_p=0.1, drop_params=True),
        case("streamed", group="gpt-5", temperature=0.3, stream=True),
        case("verbosity on gpt-4o", verbosity="low"),
    ]


def failures():
    return [
        case("refused connection", group="refused"),
        case("closed", answers=[{"failure": "close"}]),
        case("reset", answers=[{"failure": "reset"}]),
        case("slow", {**answered(), "delay": 1.2}, "quick"),
        case("slow stream", {"status": 200, "headers": SSE, "pieces": WHOLE, "delay": 1.2}, "quick-stream", stream=True),
        case("cut", {**answered(), "cut": 20}),
        case("refused stream", group="refused", stream=True),
        case("closed stream", answers=[{"failure": "close"}], stream=True),
    ]


def streams():
    tools = [chunk({"role": "assistant", "content": None, "tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "a", "arguments": ""}}]}),
             chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{\"é\""}}]}), chunk({"tool_calls": [{"index": 1, "id": "call_2", "type": "function",
             "function": {"name": "b", "arguments": "{}"}}]}), chunk({}, "tool_calls")]
    bare = {"system_fingerprint": None}
    logprobs = {"content": [{"token": "a", "logprob": -1e-7, "bytes": [97], "top_logprobs": []}], "refusal": None}

    def logged(delta, finish=None):
        return chunk(None, choices=[{"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}])

    minimal = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 12}
    return [
        stream("plain", *WHOLE),
        stream("with usage", *WHOLE, **ASKS_USAGE),
        stream("usage declined", *WHOLE, stream_options={"include_usage": False}),
        stream("other stream options", *WHOLE, stream_options={"include_obfuscation": False}),
        stream("null stream options", *WHOLE, stream_options=None),
        stream("without a fingerprint", *[chunk({"role": "assistant", "content": ""}, **bare), chunk({"content": "a"}, **bare), chunk({}, "stop", **bare),
                                          chunk(None, usage=USAGE, **bare), DONE], **ASKS_USAGE),
        stream("tools", *tools, COUNT, DONE, **ASKS_USAGE),
        stream("tools without a fingerprint", *[piece.replace('"fp_1"', "null") for piece in tools], DONE),
        stream("several choices", chunk({"role": "assistant", "content": ""}), chunk({"role": "assistant", "content": ""}, index=1), HE,
               chunk({"content": "b"}, index=1), STOP, chunk({"content": "c"}, index=1), chunk({}, "length", index=1), COUNT, DONE, n=2, **ASKS_USAGE),
        stream("choices in one chunk", chunk(None, choices=[{"index": 0, "delta": {"content": "a"}, "finish_reason": None},
               {"index": 1, "delta": {"content": "b"}, "finish_reason": "stop"}]), STOP, DONE),
        stream("logprobs", ROLE, logged({"content": "a"}), logged({}, "stop"), DONE, logprobs=True),
        stream("refusal", chunk({"role": "assistant", "content": "", "refusal": None}), chunk({"refusal": "no"}), chunk({"refusal": " way"}), STOP, DONE),
        stream("refusal without a role", chunk({"refusal": "no"}), HE, STOP, DONE),
        stream("finish with content", ROLE, chunk({"content": "a"}, "stop"), COUNT, DONE, **ASKS_USAGE),
        stream("usage with the finish", ROLE, HE, chunk({}, "stop", usage=USAGE), DONE, **ASKS_USAGE),
        stream("usage with the content", ROLE, chunk({"content": "a"}, usage=minimal), chunk({"content": "b"}, usage=minimal), STOP, DONE, **ASKS_USAGE),
        stream("usage without details", ROLE, HE, STOP, chunk(None, usage=minimal), DONE, **ASKS_USAGE),
        stream("usage without details, tools", *tools, chunk(None, usage=minimal), DONE, **ASKS_USAGE),
        stream("usage twice", ROLE, HE, STOP, chunk(None, usage=minimal), COUNT, DONE, **ASKS_USAGE),
        stream("usage with extras", ROLE, HE, STOP, chunk(None, usage={**minimal, "cost": 0.25, "x": 1, "prompt_tokens_details": {"cached_tokens": 1, "new": 2}}), DONE, **ASKS_USAGE),
        stream("usage with null details", ROLE, HE, STOP, chunk(None, usage={**minimal, "prompt_tokens_details": None, "completion_tokens_details": {"reasoning_tokens": None}}), DONE, **ASKS_USAGE),
        stream("length", ROLE, HE, chunk({}, "length"), DONE),
        stream("unknown finish", ROLE, HE, chunk({}, "because"), DONE),
        stream("mapped finish", ROLE, HE, chunk({}, "end_turn"), DONE),
        stream("unknown finish with content", ROLE, chunk({"content": "a"}, "because"), DONE),
        stream("function call", chunk({"role": "assistant", "content": None, "function_call": {"name": "a", "arguments": ""}}),
               chunk({"function_call": {"arguments": "{}"}}), chunk({}, "function_call"), DONE),
        stream("reasoning content", chunk({"role": "assistant", "reasoning_content": "a"}), chunk({"reasoning_content": "b"}), HE, STOP, DONE),
        stream("reasoning", chunk({"role": "assistant", "content": "", "reasoning": "a"}), chunk({"reasoning": "b", "content": None}), HE, STOP, DONE),
        stream("extra in a delta", ROLE, chunk({"content": "a", "new": 1, "other": None}), STOP, DONE),
        stream("extra in a choice", ROLE, chunk(None, choices=[{"index": 0, "delta": {"content": "a"}, "finish_reason": None, "content_filter_results": {"a": None}}]), STOP, DONE),
        stream("choices of nobody", chunk(None, prompt_filter_results=[{"a": 1}], id="", model=""), *WHOLE, **ASKS_USAGE),
        stream("finish with content behind", ROLE, chunk({"content": "a"}, "stop"), chunk({"content": "b"}), COUNT, DONE, **ASKS_USAGE),
        stream("custom tool", chunk({"role": "assistant", "tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "n", "input": ""}}]}),
               chunk({"tool_calls": [{"index": 0, "custom": {"input": "x"}}]}), chunk({}, "tool_calls"), DONE),
        stream("tools and text", ROLE, HE, chunk({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "a", "arguments": "{}"}}]}), chunk({}, "tool_calls"), COUNT, DONE, **ASKS_USAGE),
        stream("audio", chunk({"role": "assistant", "audio": {"id": "a", "transcript": "t"}}), chunk({"audio": {"data": "aGk="}}), STOP, DONE, group="audio"),
        stream("reasoning with its count", chunk({"role": "assistant", "reasoning_content": "a"}), HE, STOP, COUNT, DONE, **ASKS_USAGE),
        stream("asked tier", *[piece.replace("gpt-4o-2024-08-06", "gpt-4o") for piece in WHOLE], service_tier="priority", **ASKS_USAGE),
        stream("no model", *[piece.replace("gpt-4o-2024-08-06", "") for piece in WHOLE], **ASKS_USAGE),
        stream("second role", ROLE, chunk({"role": "tool", "content": "a"}), STOP, DONE),
        stream("finish twice", ROLE, HE, STOP, STOP, COUNT, DONE, **ASKS_USAGE),
        stream("null content and refusal", chunk({"role": "assistant", "content": None, "refusal": ""}), chunk({"content": "a", "refusal": ""}), STOP, DONE),
        stream("usage on every chunk", chunk({"role": "assistant", "content": ""}, usage={"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}), chunk({"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}), chunk({}, "stop", usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}), chunk(None, usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}), DONE),
        stream("no finish", ROLE, HE, DONE),
        stream("no finish, with usage", ROLE, HE, COUNT, DONE, **ASKS_USAGE),
        stream("no done", ROLE, HE, STOP, COUNT, **ASKS_USAGE),
        stream("behind done", ROLE, HE, STOP, DONE, HE, COUNT),
        stream("content behind the finish", ROLE, HE, STOP, LLO, STOP, COUNT, DONE, **ASKS_USAGE),
        stream("empty contents", ROLE, chunk({"content": ""}), chunk({"content": None}), HE, chunk({}), STOP, DONE),
        stream("no role at all", HE, LLO, STOP, DONE),
        stream("role alone", chunk({"role": "assistant"}), HE, STOP, DONE),
        stream("role again", ROLE, chunk({"role": "assistant", "content": "a"}), STOP, DONE),
        stream("filter results first", chunk(None, prompt_filter_results=[{"a": 1}], id="", model=""), *WHOLE),
        stream("comments and names", ": hi\n\n", "event: message\n" + HE, "id: 1\nretry: 5\n" + STOP, DONE),
        stream("line ends", *[piece.replace("\n", "\r\n") for piece in WHOLE]),
        stream("data in lines", HE.replace('"choices"', '\ndata: "choices"'), STOP, DONE),
        stream("pieces that cut", WHOLE[0][:20], WHOLE[0][20:] + HE[:5], HE[5:], LLO + STOP + DONE),
        stream("no blank line at the end", ROLE, HE, STOP, DONE.rstrip("\n")),
        stream("change of id", ROLE, chunk({"content": "a"}, id="chatcmpl-3"), STOP, COUNT, DONE, **ASKS_USAGE),
        stream("origin", *WHOLE, headers=SSE),
        stream("annotations", ROLE, chunk({"content": "a", "annotations": [{"type": "url_citation", "url_citation": {"start_index": 1, "end_index": 2, "url": "u", "title": "t"}}]}), STOP, DONE),
        stream("tool without arguments", chunk({"role": "assistant", "tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "a"}}]}), chunk({}, "tool_calls"), DONE),
        stream("tool without a function", chunk({"role": "assistant", "tool_calls": [{"index": 0, "id": "c", "type": "function"}]}), chunk({}, "tool_calls"), DONE),
        stream("tool without an index", chunk({"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "a", "arguments": "{}"}}]}), chunk({}, "tool_calls"), DONE),
        stream("tool that stops", tools[0], chunk({}, "stop"), DONE),
        stream("empty tool calls", ROLE, chunk({"tool_calls": [], "content": "a"}), chunk({"tool_calls": []}, "stop"), DONE),
        stream("nothing"),
        stream("only done", DONE),
        stream("json instead", json.dumps(completion()), headers=JSON),
        stream("null service tier", ROLE.replace('"default"', "null"), HE.replace(', "obfuscation": "x"', ""), STOP, DONE),
    ]


def stream_errors():
    error = {"message": "boom é", "type": "server_error", "param": None, "code": None}
    limited = {"message": "Rate limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    invalid = {"message": "bad", "type": "invalid_request_error", "param": "p", "code": 400}
    cases = []
    for name, data in {"error": error, "limited": limited, "invalid": invalid, "text": "boom", "empty": {"message": ""}}.items():
        cases += [stream(f"{name} first", event({"error": data})), stream(f"{name} later", ROLE, HE, event({"error": data}), LLO)]
    return cases + [
        stream("event error", ROLE, HE, "event: error\n" + event({"error": error})),
        stream("error behind the finish", ROLE, HE, STOP, event({"error": error}), **ASKS_USAGE),
        stream("not json first", event("{")),
        stream("not json later", ROLE, HE, event("{")),
        stream("closed first", end="close"),
        stream("closed later", ROLE, HE, end="close"),
        stream("closed behind the finish", ROLE, HE, STOP, COUNT, end="close", **ASKS_USAGE),
        stream("closed behind done", *WHOLE, end="close"),
        stream("reset later", ROLE, HE, end="reset"),
        stream("hangs", ROLE, HE, end="hang", group="quick-stream"),
        stream("hangs at first", end="hang", group="quick-stream"),
        stream("repeats", ROLE, *[chunk({"content": "same"})] * 120, STOP, DONE),
        stream("repeats shortly", ROLE, *[chunk({"content": "ab"})] * 105, STOP, DONE),
        stream("a list", ROLE, HE, event("[]"), STOP, DONE),
        stream("a number", ROLE, HE, event("5"), STOP, DONE),
        stream("null", ROLE, HE, event("null"), STOP, DONE),
        stream("choices that are null", ROLE, HE, chunk(None, choices=None), STOP, DONE),
        stream("no delta", ROLE, chunk(None, choices=[{"index": 0, "finish_reason": None}]), HE, STOP, DONE),
        stream("bad bytes", ROLE, HE, "data: \ufffd\n\n", STOP, DONE),
    ]


def declined():
    def said(content):
        return [{"role": "user", "content": content}]

    return [
        {**case("not json"), "raw": "{"},
        case("tool image", messages=[USER, {"role": "tool", "tool_call_id": "c", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]),
        case("tool reference", messages=[USER, {"role": "tool", "tool_call_id": "c", "content": [{"type": "tool_reference"}]}]),
        case("unknown part for the user", messages=said([{"type": "thing"}])),
        case("tools with effort on gpt-5.4", group="gpt-5.4", tools=[TOOL], reasoning_effort="low"),
        case("pattern of another language", tools=[{"type": "function", "function": {"name": "n", "parameters": {
            "type": "object", "properties": {"a": {"type": "string", "pattern": "^\\p{L}+$"}}}}}]),
        case("two models", group="gpt,ours"),
        case("tags", tags=["a"]),
        case("user that is no text", user=5),
        case("format that is no object", response_format="json"),
        case("tags in the metadata", metadata={"tags": ["a"]}),
        case("guardrails", guardrails=["a"]),
        case("fallbacks", fallbacks=["ours"]),
        case("mock", mock_response="hi"),
        case("key", api_key="k"),
        case("provider", custom_llm_provider="azure"),
        case("cache", cache={"no-cache": True}),
        case("mcp", tools=[{"type": "mcp", "server_url": "litellm_proxy"}]),
        case("prompt", prompt_id="a"),
        case("tool choice of another kind", tool_choice={"type": "tool"}),
        case("messages as a text", messages="hi"),
        case("pdf by link", messages=said([{"type": "file", "file": {"file_id": "https://example.com/a.pdf"}}])),
        case("file without a file", messages=said([{"type": "file"}])),
        case("responses model", group="responses"),
        case("header", headers=[["x-litellm-tags", "a"]]),
        case("form", headers=[["content-type", "application/x-www-form-urlencoded"]]),
        case("parallel budget", max_budget=1),
        case("another model in the path", path="/engines/gpt/chat/completions", model="ours"),
        case("of a model of their name", group="geminis", messages=[USER, {"role": "tool", "tool_call_id": "call_1__thought__QUJD", "content": "21"}]),
    ]


def stream_counts():
    """Streams whose usage LiteLLM counts itself: the provider told none, or not all of it."""
    foreign = "Привет, 世界! Donaudampfschifffahrt  12345 'Tis"
    told = [{"role": "system", "content": "be brief"}, {"role": "user", "content": foreign, "name": "bob"}]
    said = [chunk({"role": "assistant", "content": ""}), chunk({"content": foreign}), chunk({"content": " мир 你好"}), chunk({}, "stop")]
    call = {"role": "assistant", "content": None, "tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]}
    calls = [chunk(call), chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{\"city\": \"Kö"}}]}),
             chunk({"tool_calls": [{"index": 0, "function": {"arguments": "ln\"}"}}]}),
             chunk({"tool_calls": [{"index": 1, "id": "call_2", "type": "function", "function": {"name": "clock", "arguments": "{}"}}]}), chunk({}, "tool_calls")]
    function = [chunk({"role": "assistant", "content": None, "function_call": {"name": "a", "arguments": ""}}), chunk({"function_call": {"arguments": "{\"b\": 1}"}}), chunk({}, "function_call")]
    reasons = [chunk({"role": "assistant", "content": "", "reasoning_content": "Let me think про мир"}), chunk({"reasoning_content": " a while"}), chunk({"content": foreign}), chunk({}, "stop")]
    tools = [{"type": "custom", "index": 0, "id": "c", "custom": {"name": "n", "input": "x"}}]
    usage = lambda prompt, completion, **more: chunk(None, usage={"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more})  # noqa: E731
    reasoned = {"completion_tokens_details": {"reasoning_tokens": 3}}
    unreasoned = {"completion_tokens_details": {"reasoning_tokens": None, "audio_tokens": 0}}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    parts = [{"role": "user", "content": [{"type": "text", "text": foreign}, picture]}]
    detailed = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture["image_url"]["url"], "detail": "high"}}]}]
    history = [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
    first_without_choices = chunk(None, prompt_filter_results=[{"a": 1}], id="", model="")
    asked = {"messages": told, **ASKS_USAGE}
    return [
        *(stream(f"no usage, {group}", *said, DONE, group=group, **asked) for group in ("gpt", "gpt-4", "gpt-5", "o1", "ours", "dated", "alias", "search")),
        stream("no usage, not asked for", *said, DONE, messages=told),
        stream("no content", ROLE, STOP, DONE, **asked),
        stream("no finish", *said[:-1], DONE, **asked),
        stream("no done", *said, **asked),
        stream("no prompt", *said, usage(0, 9), DONE, **asked),
        stream("no completion", *said, usage(9, 0), DONE, **asked),
        stream("zeros", *said, usage(0, 0), DONE, **asked),
        stream("usage first", usage(0, 0), *said, DONE, group="gpt", **asked),
        stream("usage on the first chunk", chunk({"role": "assistant", "content": ""}, usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}), *said[1:], DONE, **asked),
        stream("usage on the content", said[0], chunk({"content": foreign}, usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}), STOP, DONE, **asked),
        stream("tool calls", *calls, DONE, **asked),
        stream("tool calls, gpt-5", *calls, DONE, group="gpt-5", **asked),
        stream("tool calls with usage", *calls, usage(9, 0), DONE, **asked),
        stream("tool calls and text", *said[:3], *calls, DONE, **asked),
        stream("tool calls in one chunk", chunk({"role": "assistant", "tool_calls": [{"index": 1, "id": "b", "type": "function", "function": {"name": "b", "arguments": "{}"}}, {"index": 0, "id": "a", "type": "function", "function": {"name": "a", "arguments": ""}}]}), chunk({}, "tool_calls"), DONE, **asked),
        stream("tool call without an id", chunk({"role": "assistant", "tool_calls": [{"index": 0, "type": "function", "function": {"name": "b", "arguments": "{}"}}]}), chunk({}, "tool_calls"), DONE, **asked),
        stream("custom tool call", chunk({"role": "assistant", "tool_calls": tools}), chunk({}, "tool_calls"), DONE, **asked),
        stream("tool calls that stop", *calls[:3], chunk({}, "stop"), DONE, **asked),
        stream("finish on a tool call", chunk(call, "tool_calls"), DONE, **asked),
        stream("function call", *function, DONE, **asked),
        stream("reasoning", *reasons, DONE, **asked),
        stream("reasoning, gpt-5", *reasons, DONE, group="gpt-5", **asked),
        stream("reasoning with usage", *reasons, usage(9, 50), DONE, **asked),
        stream("reasoning with little usage", *reasons, usage(9, 2), DONE, **asked),
        stream("reasoning with its count", *reasons, usage(9, 50, **reasoned), DONE, **asked),
        stream("reasoning without its count", *reasons, usage(9, 50, **unreasoned), DONE, **asked),
        stream("reasoning alone", *reasons[:2], STOP, DONE, **asked),
        stream("empty reasoning", chunk({"role": "assistant", "content": "", "reasoning_content": ""}), *said[1:], usage(9, 5), DONE, **asked),
        stream("refusal", chunk({"role": "assistant", "content": "", "refusal": None}), chunk({"refusal": "no"}), STOP, DONE, **asked),
        stream("annotations", said[0], chunk({"content": foreign, "annotations": [{"type": "url_citation", "url_citation": {"start_index": 1, "end_index": 2, "url": "u", "title": "t"}}]}), STOP, DONE, **asked),
        stream("two choices", chunk({"role": "assistant", "content": "a"}), chunk({"content": "bc de"}, index=1), chunk({"content": foreign}), chunk({}, "stop"), chunk({}, "stop", index=1), DONE, n=2, **asked),
        stream("two choices in one chunk", chunk(None, choices=[{"index": 0, "delta": {"role": "assistant", "content": foreign}, "finish_reason": None}, {"index": 1, "delta": {"role": "assistant", "content": "another one"}, "finish_reason": None}]), STOP, DONE, n=2, **asked),
        stream("two choices with reasoning", chunk(None, choices=[{"index": 0, "delta": {"role": "assistant", "content": foreign, "reasoning_content": "r"}, "finish_reason": None}, {"index": 1, "delta": {"role": "assistant", "content": "another one", "reasoning_content": "more r"}, "finish_reason": None}]), STOP, DONE, n=2, **asked),
        *(stream(f"two choices, one with a call, {name}", chunk(None, choices=[{"index": 0, "delta": call, "finish_reason": None}, {"index": 1, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}]), *calls[1:], *counts, DONE, n=2, **asked)
          for name, counts in [("no usage", []), ("with usage", [COUNT]), ("zeros behind", [COUNT, usage(9, 0)])]),
        stream("content behind the finish", ROLE, HE, STOP, LLO, STOP, DONE, **asked),
        stream("finish with content", ROLE, chunk({"content": foreign}, "stop"), DONE, **asked),
        stream("nobody's choices first", first_without_choices, *said, DONE, **asked),
        stream("parts", *said, DONE, messages=parts, **ASKS_USAGE),
        stream("a broken picture in detail", *said, DONE, messages=detailed, **ASKS_USAGE),
        stream("history", *said, DONE, messages=history, tools=[TOOL], **ASKS_USAGE),
        stream("nulls in messages", *said, DONE, messages=[{"role": "user", "content": foreign, "name": None}, {"role": "assistant", "content": None, "refusal": "x", "foo": "bar"}, USER], **ASKS_USAGE),
        stream("developer", *said, DONE, messages=[{"role": "developer", "content": "s", "name": "n"}, USER], **ASKS_USAGE),
        stream("system on o1", *said, DONE, group="o1", messages=[{"role": "system", "content": "s", "name": "n"}, USER], **ASKS_USAGE),
        stream("cache control", *said, DONE, messages=[{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}], **ASKS_USAGE),
        stream("a file", *said, DONE, messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "file", "file": {"file_data": "data:application/pdf;base64,YQ=="}}]}], **ASKS_USAGE),
        stream("sound in the question", *said, DONE, group="audio", messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "wav"}}]}], **ASKS_USAGE),
        stream("another model", *[piece.replace("gpt-4o-2024-08-06", "gpt-4o-mini") for piece in said], DONE, **asked),
        stream("a long answer", ROLE, *[chunk({"content": foreign + str(index)}) for index in range(60)], STOP, DONE, **asked),
    ]


def efforts():
    """Efforts that a model lacks, or that are none, beside what is only for a model that rests."""
    sampled = {"temperature": {"temperature": 0.2}, "top_p": {"top_p": 0.5}, "logprobs": {"logprobs": True, "top_logprobs": 2},
               "nothing": {}}
    asked = {"minimal": "minimal", "xhigh": "xhigh", "minimal object": {"effort": "minimal"}, "empty": "", "empty object": {},
             "object of an empty effort": {"effort": ""}, "object of a null": {"effort": None},
             "object without an effort": {"summary": "auto"}, "no effort": "none", "no effort object": {"effort": "none", "summary": "auto"}}
    made = [case(f"gpt-5.1: {effort}, {option}", group="gpt-5.1", reasoning_effort=asked[effort], drop_params=True, **sampled[option])
            for effort in asked for option in sampled]
    made += [case(f"{group}: {effort}, all", group=group, reasoning_effort=asked[effort], drop_params=True, temperature=0.2, top_p=0.5, logprobs=True)
             for group in ("gpt-5", "gpt-5.2", "gpt-5.4", "gpt-5.6") for effort in asked]
    return made + [case(f"gpt-5.1: {effort}, {option}, nothing drops", group="gpt-5.1", reasoning_effort=asked[effort], **sampled[option])
                   for effort in asked for option in ("temperature", "top_p")]


def foreign_ids():
    signed = SignedHistories(USER, CALL)
    asked, told = signed.asked, signed.told
    said = [chunk({"role": "assistant", "content": "a"}), chunk({}, "stop"), DONE]
    made = {
        **signed.ids(),
        "one of two": signed.calls([{**CALL, "id": "call_0"}, {"type": "function", "id": OWN, "function": {"name": "f", "arguments": "{}"}}]),
        "id that is no text": signed.calls([{**CALL, "id": 5}]),
        "no id": signed.calls([{"type": "function", "function": CALL["function"]}]),
        **signed.roles(),
        "other role": [USER, {**asked, "role": "user", "content": "x"}, told],
        **signed.of_a_function(),
        "result id that is no text": [USER, asked, {**told, "tool_call_id": 5}],
        "in other keys": [{**USER, "tool_call_id": OWN}, {**asked, "tool_call_id": OWN, "id": OWN}, told],
        **signed.lists(),
        "null id": signed.calls([{**CALL, "id": None}]),
    }
    return [case(name, messages=messages) for name, messages in made.items()] + [
        case("on gpt-5", group="gpt-5", messages=made["call and result"]),
        case("of a model of their name, plain", group="geminis"),
        stream("counted", *said, messages=made["call and result"], **ASKS_USAGE),
    ]


def refused_together():
    every = {"service_tier": "flex", "store": True, "prompt_cache_key": "k", "safety_identifier": "s", "seed": 1, "logit_bias": {"1": 1},
             "presence_penalty": 1, "frequency_penalty": 1, "stop": "x", "audio": {"voice": "a"}, "modalities": ["text"],
             "prediction": {"type": "content"}, "web_search_options": {}, "top_p": 0.5, "logprobs": True, "top_logprobs": 2, "n": 3,
             "verbosity": "low", "functions": [{"name": "f"}], "function_call": "auto", "parallel_tool_calls": True,
             "thinking": {"type": "enabled", "budget_tokens": 1024}, "reasoning_effort": "low"}
    return [case(group, group=group, **every) for group in ("gpt", "gpt-4", "o3-mini", "gpt-5", "gpt-5-search", "ours")]
