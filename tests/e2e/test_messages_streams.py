"""The host around a native stream: what is held back, what is not, who slows whom down, and what is left when somebody leaves."""
import http.client
import json
import socket
import time

import pytest

from harness.crossfade import SERVED_BY
from harness.http import JSON_TYPE, address, bearer, open_stream
from harness.processes import until
from messages_cases import CLOSE, ENDING, GOOD, JSON_HEADERS, OPEN, SSE_HEADERS, START, STOP, WORDS, delta, streamed
from test_streaming import gated, read_until

pytestmark = pytest.mark.crossfade
MEBIBYTE = 1024 * 1024


def payload(slot: int, **options) -> bytes:
    return json.dumps({"model": f"claude-slot-{slot}", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], "stream": True, **options}).encode()


def begin(native: str, slot: int, timeout: float = 20):
    return open_stream(native, "/v1/messages", [*bearer(), JSON_TYPE], payload(slot), timeout)


def in_flight(crossfade) -> float:
    return crossfade.metric("crossfade_requests_in_flight")


def nothing_left(crossfade):
    until(lambda: in_flight(crossfade) == 0, 20, f"no request in flight; there are {in_flight(crossfade):g}")


def test_event_by_event(native, mock, slot):
    """Every event reaches the client before the provider sends the next."""
    mock.script(f"slot-{slot}", gated(START + OPEN + delta("first"), *map(delta, ("alpha", "beta", "gamma")), CLOSE + ENDING + STOP))
    with begin(native, slot) as stream:
        assert stream.header(SERVED_BY) == "native"
        for number, word in enumerate(("first", "alpha", "beta", "gamma"), 1):
            read_until(stream, word.encode())
            mock.open_gate(f"slot-{slot}", str(number))
        read_until(stream, b"message_stop")


def test_half_an_event_passes_once_the_stream_flows(native, mock, slot):
    event = delta("halved")
    mock.script(f"slot-{slot}", gated(START + OPEN + delta("first"), event[:40], event[40:] + CLOSE + ENDING + STOP))
    with begin(native, slot) as stream:
        read_until(stream, b"first")
        mock.open_gate(f"slot-{slot}", "1")
        assert stream.response.read1(100) == event[:40].encode()
        mock.open_gate(f"slot-{slot}", "2")
        read_until(stream, b"message_stop")


def test_the_head_waits_for_content(native, mock, slot):
    """Until there is text an error could still have a status of its own."""
    mock.script(f"slot-{slot}", gated(START + OPEN, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"full\"}}\n\n"))
    connection = http.client.HTTPConnection(*address(native), timeout=20)
    connection.request("POST", "/v1/messages", payload(slot), dict([*bearer(), JSON_TYPE]))
    mock.seen(f"slot-{slot}", at_least=1)
    mock.open_gate(f"slot-{slot}", "1")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader(SERVED_BY)) == (503, "native")
    connection.close()


PACE, PACED = 0.02, 100


def longest_gap(url: str, path: str, headers, body: bytes) -> float:
    """Seconds between two events, at most."""
    with open_stream(url, path, headers, body, timeout=20) as stream:
        read_until(stream, b"w0 ")
        last, longest = time.monotonic(), 0.0
        while event := stream.event():
            now = time.monotonic()
            longest, last = max(longest, now - last), now
            if b"message_stop" in event:
                return longest
    raise AssertionError("the stream ended early")


def test_the_gap_that_is_added(native, mock, slot, record_property):
    """Measured, and only a stall is a failure: the machine's own load is in the figure."""
    steps = [step for number in range(PACED) for step in ({"delay": PACE}, delta(f"w{number} "))]
    mock.script(f"slot-{slot}", streamed(START, OPEN, *steps, CLOSE + ENDING + STOP))
    direct = longest_gap(mock.case_url(f"slot-{slot}"), f"/s/slot-{slot}/v1/messages", [JSON_TYPE], payload(slot))
    through = longest_gap(native, "/v1/messages", [*bearer(), JSON_TYPE], payload(slot))
    record_property("longest_gap_ms_of_the_provider", round(direct * 1000, 2))
    record_property("longest_gap_ms_through_crossfade", round(through * 1000, 2))
    print(f"\nlongest gap between events {PACE * 1000:g} ms apart: {direct * 1000:.1f} ms from the provider, {through * 1000:.1f} ms through Crossfade")
    assert through < 1.0


@pytest.mark.parametrize("when", ["before-the-head", "in-the-stream"])
def test_a_client_that_leaves_ends_the_providers_work(native, native_instance, mock, slot, when):
    case = f"slot-{slot}"
    if when == "before-the-head":
        mock.script(case, gated(START + OPEN, delta("never")))
        connection = http.client.HTTPConnection(*address(native), timeout=20)
        connection.request("POST", "/v1/messages", payload(slot), dict([*bearer(), JSON_TYPE]))
        mock.seen(case, at_least=1)
        connection.sock.close()
        connection.close()
    else:
        mock.script(case, gated(START + OPEN + delta("first"), delta("never")))
        stream = begin(native, slot)
        read_until(stream, b"first")
        stream.close()
    assert [seen["progress"] for seen in mock.seen(case, at_least=1, ended=1, seconds=20)] == ["aborted"]
    nothing_left(native_instance)


def test_a_cut_stream_ends_in_order_with_an_error_frame(native, native_instance, mock, slot):
    """As LiteLLM says it: a last frame, and no broken connection."""
    mock.script(f"slot-{slot}", {"headers": SSE_HEADERS, "steps": [{"send": START + OPEN + delta("first")}, {"gate": "1"}, "break"]})
    with begin(native, slot) as stream:
        read_until(stream, b"first")
        mock.open_gate(f"slot-{slot}", "1")
        assert b'"error"' in stream.event()
        assert stream.event() is None
    nothing_left(native_instance)


def unread(url: str, body: bytes) -> socket.socket:
    """A client that asks and reads nothing; what the system takes in for it is kept small."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    connection.settimeout(60)
    connection.connect(address(url))
    head = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: {bearer()[0][1]}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def test_a_client_that_does_not_read_stops_the_provider(native, native_instance, mock, slot):
    """32 MiB are more than all sockets on the way take in. A client that reads has them all; the one beside it, which asked
    first, has stopped its provider by then."""
    case, piece = f"slot-{slot}", delta("x" * 65_000)
    whole = START + OPEN + piece * (32 * MEBIBYTE // len(piece)) + CLOSE + ENDING + STOP
    mock.script(case, {"headers": SSE_HEADERS, "text": whole, "chunked": True, "drip": {"bytes": 65_536, "every": 0}})
    before = native_instance.process.resident_bytes()
    sleeper = unread(native, payload(slot))
    mock.seen(case, at_least=1)
    with begin(native, slot, timeout=60) as stream:
        pieces, read = iter(lambda: stream.response.read1(MEBIBYTE), b""), 0
        for last in pieces:
            read += len(last)
    # The model's name is put right in the first event, so its length is another.
    assert read > 31 * MEBIBYTE and last.endswith(STOP.encode())
    assert [seen["progress"] for seen in mock.seen(case, at_least=2, ended=1)] == ["open", "finished"]
    grown = native_instance.process.resident_bytes() - before
    print(f"\n32 MiB, one client that reads and one that does not: resident memory grew by {grown / MEBIBYTE:.1f} MiB")
    assert grown < 16 * MEBIBYTE
    sleeper.close()
    assert [seen["progress"] for seen in mock.seen(case, ended=2)] == ["aborted", "finished"]
    nothing_left(native_instance)


OPEN_STREAMS = 1000


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_thousand_open_streams(native, native_instance, mock, slot):
    mock.script(f"slot-{slot}", gated(START + OPEN + delta("first"), *map(delta, WORDS), CLOSE + ENDING + STOP))
    before = native_instance.process.resident_bytes()
    streams = []
    try:
        for _ in range(OPEN_STREAMS):
            streams.append(begin(native, slot, timeout=60))
            read_until(streams[-1], b"first")
        assert in_flight(native_instance) == OPEN_STREAMS
        during = native_instance.process.resident_bytes()
        for gate in range(1, len(WORDS) + 2):
            mock.open_gate(f"slot-{slot}", str(gate))
        for stream in streams:
            read_until(stream, b"message_stop")
    finally:
        for stream in streams:
            stream.close()
    nothing_left(native_instance)
    after = native_instance.process.resident_bytes()
    print(f"\n{OPEN_STREAMS} open streams: resident memory {before / MEBIBYTE:.1f} MiB before, {during / MEBIBYTE:.1f} MiB with all open, {after / MEBIBYTE:.1f} MiB after")
    assert during - before < OPEN_STREAMS * 256 * 1024
    assert len(mock.seen(f"slot-{slot}")) == OPEN_STREAMS


def test_whole_answers_are_unaffected_by_a_client_that_leaves_early(native, native_instance, mock, slot):
    """Not a stream: the provider was asked, and who asked is gone before it answers."""
    case = f"slot-{slot}"
    mock.script(case, {"headers": JSON_HEADERS, "body": GOOD, "gate": "answer"})
    connection = http.client.HTTPConnection(*address(native), timeout=20)
    connection.request("POST", "/v1/messages", payload(slot, stream=False), dict([*bearer(), JSON_TYPE]))
    mock.seen(case, at_least=1)
    connection.sock.close()
    connection.close()
    mock.open_gate(case, "answer")
    mock.seen(case, ended=1, seconds=20)
    nothing_left(native_instance)
    assert len(mock.seen(case)) == 1
