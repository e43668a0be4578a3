"""The answers that `chat_fuzz.py` mutates: whole ones as an object, streams as a list of chunks."""

import dataclasses
import json
import typing

import chat_anthropic_cases as anthropic_cases
import chat_cases as openai_cases
from chat_cases import CALL, USAGE, choice, completion

CITATION = {"type": "url_citation", "url_citation": {"start_index": 1, "end_index": 2, "url": "https://a", "title": "t"}}
TOKEN = {"token": "a", "logprob": -0.1, "bytes": [97]}
LOGPROBS = {"content": [{**TOKEN, "top_logprobs": [TOKEN]}], "refusal": [{**TOKEN, "top_logprobs": []}]}
AUDIO = {"id": "a", "data": "aGk=", "expires_at": 1, "transcript": "t"}
IMAGE = {"type": "image_url", "image_url": {"url": "u"}, "index": 0}
THOUGHT = {"type": "thinking", "thinking": "t", "signature": "s"}
DEEPSEEK = {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 5}}
OTHERS = {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3, "reasoning_tokens": 5}


@dataclasses.dataclass
class Base:
    name: str
    document: typing.Any
    case: typing.Callable


def whole(cases, name, document, group, **changes):
    return Base(name, document, lambda title, mutated: cases.case(title, cases.raw(json.dumps(mutated)), group, **changes))


def streamed(name, chunks, group="gpt", **changes):
    def made(title, mutated):
        body = "".join(openai_cases.event(chunk) for chunk in mutated) if isinstance(mutated, list) else openai_cases.event(mutated)
        answer = {"status": 200, "headers": openai_cases.SSE, "body": body + openai_cases.DONE}
        return openai_cases.case(title, answer, group, stream=True, **changes)

    return Base(name, chunks, made)


def chunk(delta=None, finish=None, **changes):
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    plain = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1754675179, "model": "gpt-4o-2024-08-06",
             "system_fingerprint": "fp_1", "choices": choices, "usage": None}
    return {key: value for key, value in {**plain, **changes}.items() if value != "absent"}


def openai_bases():
    asked = {"stream_options": {"include_usage": True}}
    bare = {"id": "a", "choices": [{"message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}]}
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "a", "arguments": ""}}
    role, stop = chunk({"role": "assistant", "content": ""}), chunk({}, "stop")
    tools = [chunk({"role": "assistant", "content": None, "tool_calls": [call]}), chunk({"content": "b", "tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
             chunk({}, "tool_calls")]
    rich = [role, chunk({"reasoning_content": "why", "annotations": [CITATION], "audio": AUDIO, "images": [IMAGE], "thinking_blocks": [THOUGHT], "new": 1}),
            chunk({"content": "ab", "refusal": None, "function_call": {"name": "f", "arguments": "{}"}}, logprobs=LOGPROBS), stop, chunk(usage=USAGE)]
    unprinted = [{key: value for key, value in one.items() if key != "system_fingerprint"} for one in (role, chunk({"content": "ab"}), stop)]

    def of_openai(name, document, group="gpt"):
        return whole(openai_cases, name, document, group)

    return [
        of_openai("plain", completion(choice(logprobs=None))),
        of_openai("bare", bare),
        of_openai("calls", completion({**choice(finish="tool_calls", content=None, tool_calls=[CALL, {**CALL, "id": "call_2"}],
                                                function_call={"name": "f", "arguments": "{}"}), "logprobs": LOGPROBS})),
        of_openai("custom", completion(choice(tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "n", "input": "i"}}]), usage=DEEPSEEK)),
        of_openai("rich", completion({**choice(annotations=[CITATION], audio=AUDIO, images=[IMAGE], thinking_blocks=[THOUGHT], reasoning_content="why"), "more": 1})),
        of_openai("deepseek", {**bare, "model": "gpt-4o", "usage": DEEPSEEK}),
        of_openai("others", {**bare, "model": "gpt-4o", "usage": OTHERS}),
        of_openai("counts", {**bare, "model": "gpt-5.6-sol", "usage": {**USAGE, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3, "audio_tokens": 1}}}, "gpt-5.6"),
        streamed("stream", [role, chunk({"content": "ab"}), stop, chunk(usage=USAGE)]),
        streamed("stream asked", [role, chunk({"content": "ab"}), stop, chunk(usage=USAGE)], **asked),
        streamed("stream calls", tools, **asked),
        streamed("stream calls, unasked", tools),
        streamed("stream rich", rich, **asked),
        streamed("stream without a fingerprint", unprinted),
        streamed("stream deepseek", [role, chunk({"content": "ab"}, usage=DEEPSEEK), chunk({}, "stop", usage=DEEPSEEK)], **asked),
        streamed("stream others", [role, chunk({"content": "ab"}), stop, chunk(usage=OTHERS)], **asked),
    ]


def anthropic_bases():
    made = anthropic_cases.message
    text, use, thinking = anthropic_cases.TEXT, anthropic_cases.USE, anthropic_cases.THINKING
    cited = {"type": "text", "text": "a", "citations": [{"type": "char_location", "cited_text": "a", "document_index": 0, "start_char_index": 0, "end_char_index": 1}]}
    return [
        whole(anthropic_cases, "message", made(text), "sonnet"),
        whole(anthropic_cases, "message calls", made(thinking, use, stop="tool_use"), "sonnet"),
        whole(anthropic_cases, "message cited", made(anthropic_cases.REDACTED, cited), "sonnet"),
        *map(anthropic_stream, (False, True)),
    ]


def anthropic_stream(asks_usage):
    usage = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1}
    start = {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [],
                                                  "stop_reason": None, "stop_sequence": None, "usage": usage}}
    said = [{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hé"}}, {"type": "content_block_stop", "index": 0}]
    used = [{"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}}, {"type": "content_block_stop", "index": 1}]
    thought = [{"type": "content_block_start", "index": 2, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
               {"type": "content_block_delta", "index": 2, "delta": {"type": "thinking_delta", "thinking": "why"}},
               {"type": "content_block_delta", "index": 2, "delta": {"type": "signature_delta", "signature": "s"}}, {"type": "content_block_stop", "index": 2}]
    ends = [{"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 5}}, {"type": "message_stop"}]
    asked = {"stream_options": {"include_usage": True}} if asks_usage else {}

    def made(title, mutated):
        events = mutated if isinstance(mutated, list) else [mutated]
        kind = [event["type"] if isinstance(event, dict) and isinstance(event.get("type"), str) else "x" for event in events]
        body = "".join(f"event: {name}\ndata: {json.dumps(event)}\n\n" for name, event in zip(kind, events))
        answer = {"status": 200, "headers": anthropic_cases.SSE, "body": body}
        return anthropic_cases.case(title, answer, "sonnet", stream=True, tools=[anthropic_cases.TOOL], **asked)

    return Base("stream asked" if asks_usage else "stream", [start, *said, *used, *thought, *ends], made)
