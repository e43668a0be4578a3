"""Streams pass event by event. The provider sends an event only after the client has received the one before it, so a
gateway that holds anything back fails by time-out, whatever the machine's speed."""
import http.client
import json

import pytest

from harness.http import JSON_TYPE, address, ask, bearer, open_stream

QUESTION = [{"role": "user", "content": "count"}]


def chat_chunk(text: str) -> str:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]}
    return f"data: {json.dumps(chunk)}\n\n"


def message_event(kind: str, **fields) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def read_until(stream, text: bytes) -> bytes:
    """Events up to the one with this text."""
    read = b""
    while text not in read:
        event = stream.event()
        assert event is not None, f"the stream ended before {text!r}; it said {read!r}"
        read += event
    return read


def gated(*events: str) -> dict:
    """An answer that waits at gate N before its event N, but sends the first at once."""
    steps = [{"send": events[0]}]
    for number, event in enumerate(events[1:], 1):
        steps += [{"gate": str(number)}, {"send": event}]
    return {"headers": [["content-type", "text/event-stream"]], "steps": steps}


def test_chat_event_by_event(gateway, mock, slot):
    case = f"slot-{slot}"
    words = ["alpha ", "beta ", "gamma ", "delta "]
    mock.script(case, gated(*map(chat_chunk, words), "data: [DONE]\n\n"))
    body = json.dumps({"model": f"chat-slot-{slot}", "messages": QUESTION, "stream": True}).encode()
    with open_stream(gateway, "/v1/chat/completions", [*bearer(), JSON_TYPE], body, timeout=20) as stream:
        assert stream.status == 200
        for number, word in enumerate(words, 1):
            read_until(stream, word.strip().encode())
            mock.open_gate(case, str(number))
        read_until(stream, b"[DONE]")


def test_messages_event_by_event(gateway, mock, slot):
    case = f"slot-{slot}"
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    deltas = [message_event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in ("alpha", "beta", "gamma")]
    start = message_event("message_start", message=message) + message_event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    end = message_event("content_block_stop", index=0) + message_event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3}) + message_event("message_stop")
    mock.script(case, gated(start, *deltas, end))
    mock.open_gate(case, "1")  # LiteLLM itself holds the beginning back until there is text
    body = json.dumps({"model": f"claude-slot-{slot}", "max_tokens": 9, "messages": QUESTION, "stream": True}).encode()
    with open_stream(gateway, "/v1/messages", [*bearer(), JSON_TYPE], body, timeout=20) as stream:
        assert stream.status == 200
        for number, word in enumerate((b"alpha", b"beta", b"gamma"), 2):
            read_until(stream, word)
            mock.open_gate(case, str(number))
        read_until(stream, b"message_stop")


def test_bytes_pass_as_they_come(front, mock, case):
    """Not only events: half a line passes too."""
    mock.script(case, {"headers": [["content-type", "application/octet-stream"]], "steps": [{"send": "ha"}, {"gate": "rest"}, {"send": "lf"}]})
    with open_stream(front.url, "/stream", [("x-mock-case", case)], b"{}", timeout=20) as stream:
        assert stream.response.read1(10) == b"ha"
        mock.open_gate(case, "rest")
        assert stream.response.read() == b"lf"


def test_head_comes_before_the_body(front, mock, case):
    mock.script(case, {"headers": [["x-early", "yes"]], "steps": [{"gate": "body"}, {"send": "late"}]})
    with open_stream(front.url, "/stream", [("x-mock-case", case)], b"", timeout=20) as stream:
        assert stream.header("x-early") == "yes"
        mock.open_gate(case, "body")
        assert stream.response.read() == b"late"


def test_a_client_that_leaves_ends_the_providers_work(gateway, mock, slot):
    case = f"slot-{slot}"
    mock.script(case, gated(chat_chunk("alpha"), chat_chunk("beta")))
    body = json.dumps({"model": f"chat-slot-{slot}", "messages": QUESTION, "stream": True}).encode()
    stream = open_stream(gateway, "/v1/chat/completions", [*bearer(), JSON_TYPE], body, timeout=20)
    read_until(stream, b"alpha")
    stream.close()
    assert mock.seen(case, at_least=1, ended=1, seconds=20)[0]["progress"] == "aborted"


@pytest.mark.parametrize("when", ["before-the-head", "in-the-body"])
def test_a_client_that_leaves_ends_the_upstream_request(front, mock, case, when):
    if when == "before-the-head":
        mock.script(case, {"gate": "never", "text": "x"})
    else:
        mock.script(case, {"steps": [{"send": "x"}, {"gate": "never"}]})
    connection = http.client.HTTPConnection(*address(front.url), timeout=20)
    connection.request("POST", "/work", b"{}", {"x-mock-case": case})
    mock.seen(case, at_least=1)
    if when == "in-the-body":
        assert connection.getresponse().read1(1) == b"x"
    connection.sock.close()
    connection.close()
    assert mock.seen(case, ended=1, seconds=20)[0]["progress"] == "aborted"


def test_an_upstream_that_breaks_off_is_not_hidden(front, mock, case):
    """A cut answer must not look whole to the client."""
    mock.script(case, {"steps": [{"send": "data: 1\n\n"}, "break"]})
    with open_stream(front.url, "/stream", [("x-mock-case", case)], b"", timeout=20) as stream:
        assert stream.event() == b"data: 1\n\n"
        with pytest.raises((http.client.HTTPException, OSError)):
            stream.response.read()


def test_stream_is_not_collected(front, mock, case):
    """A thousand events, all of them, in order."""
    events = [f"data: {number}\n\n" for number in range(1000)]
    mock.script(case, {"headers": [["content-type", "text/event-stream"]], "steps": [{"send": event} for event in events]})
    assert ask(front.url, "POST", "/stream", [("x-mock-case", case)], b"").text() == "".join(events)
