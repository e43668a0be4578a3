"""The host around a native stream: what is held back, what is not, who slows whom down, and what is left when somebody leaves."""
import http.client
import json
import socket
import time

import pytest

from harness.crossfade import SERVED_BY
from harness.http import JSON_TYPE, address, bearer, open_stream
from harness.processes import until
from streamed_routes import MESSAGES, ROUTES, StreamedRoute
from test_streaming import gated, read_until

pytestmark = pytest.mark.crossfade
MEBIBYTE = 1024 * 1024
WORDS = ["alpha", "beta", "gamma"]


@pytest.fixture(params=ROUTES.values(), ids=ROUTES)
def route(request) -> StreamedRoute:
    return request.param


def payload(route: StreamedRoute, slot: int, **options) -> bytes:
    return json.dumps({"model": route.slot(slot), **route.asked, "stream": True, **options}).encode()


def begin(route: StreamedRoute, native: str, slot: int, timeout: float = 20):
    return open_stream(native, route.path, [*bearer(), JSON_TYPE], payload(route, slot), timeout)


def in_flight(crossfade) -> float:
    return crossfade.metric("crossfade_requests_in_flight")


def nothing_left(crossfade):
    until(lambda: in_flight(crossfade) == 0, 20, f"no request in flight; there are {in_flight(crossfade):g}")


def test_event_by_event(native, mock, slot, route):
    """Every event reaches the client before the provider sends the next."""
    mock.script(f"slot-{slot}", gated(route.opening + route.delta("first"), *map(route.delta, WORDS), route.ending))
    with begin(route, native, slot) as stream:
        assert stream.header(SERVED_BY) == "native"
        for number, word in enumerate(("first", "alpha", "beta", "gamma"), 1):
            read_until(stream, word.encode())
            mock.open_gate(f"slot-{slot}", str(number))
        read_until(stream, route.last)


def test_half_an_event_passes_once_messages_flow(native, mock, slot):
    """A message passes as bytes; a chunk of chat is read and written anew, so it has to be whole."""
    event = MESSAGES.delta("halved")
    mock.script(f"slot-{slot}", gated(MESSAGES.opening + MESSAGES.delta("first"), event[:40], event[40:] + MESSAGES.ending))
    with begin(MESSAGES, native, slot) as stream:
        read_until(stream, b"first")
        mock.open_gate(f"slot-{slot}", "1")
        assert stream.response.read1(100) == event[:40].encode()
        mock.open_gate(f"slot-{slot}", "2")
        read_until(stream, MESSAGES.last)


def test_the_head_waits(native, mock, slot, route):
    """For content of a message, for a first chunk of chat: until then an error can still have a status of its own."""
    error, status = route.failure
    mock.script(f"slot-{slot}", gated(route.silent, error))
    connection = http.client.HTTPConnection(*address(native), timeout=20)
    connection.request("POST", route.path, payload(route, slot), dict([*bearer(), JSON_TYPE]))
    mock.seen(f"slot-{slot}", at_least=1)
    mock.open_gate(f"slot-{slot}", "1")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader(SERVED_BY)) == (status, "native")
    connection.close()


PACE, PACED = 0.02, 100


def longest_gap(url: str, path: str, headers, body: bytes, end: bytes) -> float:
    """Seconds between two events, at most."""
    with open_stream(url, path, headers, body, timeout=20) as stream:
        read_until(stream, b"w0 ")
        last, longest = time.monotonic(), 0.0
        while event := stream.event():
            now = time.monotonic()
            longest, last = max(longest, now - last), now
            if end in event:
                return longest
    raise AssertionError("the stream ended early")


def test_the_gap_that_is_added(native, mock, slot, route, record_property):
    """Measured, and only a stall is a failure: the machine's own load is in the figure."""
    steps = [step for number in range(PACED) for step in ({"delay": PACE}, route.delta(f"w{number} "))]
    mock.script(f"slot-{slot}", route.cases.streamed(route.opening, *steps, route.ending))
    direct = longest_gap(mock.case_url(f"slot-{slot}"), f"/s/slot-{slot}{route.path}", [JSON_TYPE], payload(route, slot), route.last)
    through = longest_gap(native, route.path, [*bearer(), JSON_TYPE], payload(route, slot), route.last)
    record_property("longest_gap_ms_of_the_provider", round(direct * 1000, 2))
    record_property("longest_gap_ms_through_crossfade", round(through * 1000, 2))
    print(f"\nlongest gap between events {PACE * 1000:g} ms apart: {direct * 1000:.1f} ms from the provider, {through * 1000:.1f} ms through Crossfade")
    assert through < 1.0


@pytest.mark.parametrize("when", ["before-the-head", "in-the-stream"])
def test_a_client_that_leaves_ends_the_providers_work(native, native_instance, mock, slot, route, when):
    case = f"slot-{slot}"
    if when == "before-the-head":
        # Noticed when the head is due: with the first thing that the client would be told.
        mock.script(case, gated(route.silent, route.opening + route.delta("first"), route.delta("never")))
        connection = http.client.HTTPConnection(*address(native), timeout=20)
        connection.request("POST", route.path, payload(route, slot), dict([*bearer(), JSON_TYPE]))
        mock.seen(case, at_least=1)
        connection.sock.close()
        connection.close()
        mock.open_gate(case, "1")
    else:
        mock.script(case, gated(route.opening + route.delta("first"), route.delta("never")))
        stream = begin(route, native, slot)
        read_until(stream, b"first")
        stream.close()
    assert [seen["progress"] for seen in mock.seen(case, at_least=1, ended=1, seconds=20)] == ["aborted"]
    nothing_left(native_instance)


def test_a_client_that_leaves_before_the_head_ends_the_providers_work_at_once(native, native_instance, mock, slot, route):
    case = f"slot-{slot}"
    mock.script(case, gated(route.silent, route.opening + route.delta("first") + route.ending))
    connection = http.client.HTTPConnection(*address(native), timeout=20)
    connection.request("POST", route.path, payload(route, slot), dict([*bearer(), JSON_TYPE]))
    mock.seen(case, at_least=1)
    connection.sock.close()
    connection.close()
    try:
        assert mock.seen(case, at_least=1, ended=1, seconds=2)[0]["progress"] == "aborted"
    finally:
        mock.open_gate(case, "1")
        nothing_left(native_instance)


def test_a_cut_stream_ends_in_order_with_an_error_frame(native, native_instance, mock, slot, route):
    """As LiteLLM says it: a last frame, and no broken connection."""
    mock.script(f"slot-{slot}", {"headers": route.cases.SSE_HEADERS, "steps": [{"send": route.opening + route.delta("first")}, {"gate": "1"}, "break"]})
    with begin(route, native, slot) as stream:
        read_until(stream, b"first")
        mock.open_gate(f"slot-{slot}", "1")
        assert b'"error"' in stream.event()
        assert stream.event() is None
    nothing_left(native_instance)


def unread(url: str, path: str, body: bytes) -> socket.socket:
    """A client that asks and reads nothing; what the system takes in for it is kept small."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    connection.settimeout(60)
    connection.connect(address(url))
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: {bearer()[0][1]}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def read_whole(route: StreamedRoute, native: str, slot: int) -> tuple[int, bytes]:
    """How many bytes a client gets, and the last of them."""
    read, end = 0, b""
    with begin(route, native, slot, timeout=60) as stream:
        while piece := stream.response.read1(MEBIBYTE):
            read, end = read + len(piece), (end + piece)[-200:]
    return read, end


def test_a_client_that_does_not_read_stops_the_provider(native, native_instance, mock, slot, route):
    """128 MiB are more than all sockets on the way take in. A client that reads has them all; the one beside it, which asked
    first, has stopped its provider by then."""
    case = f"slot-{slot}"
    # LiteLLM takes the same text again and again for a loop of the model.
    pair = route.delta("x" * 65_000) + route.delta("y" * 65_000)
    whole = route.opening + pair * (128 * MEBIBYTE // len(pair)) + route.ending
    script = {"headers": route.cases.SSE_HEADERS, "text": whole, "chunked": True, "drip": {"bytes": 65_536, "every": 0}}
    mock.script(case, script)
    before = native_instance.process.resident_bytes()
    with unread(native, route.path, payload(route, slot)):
        mock.seen(case, at_least=1)
        read, end = read_whole(route, native, slot)
        # The model's name is put right, so the length is another.
        assert read > 127 * MEBIBYTE and end.endswith(route.last)
        # Whether the provider gets rid of what stands behind the stream's last word is chance.
        stopped, done = (seen["progress"] for seen in mock.seen(case, at_least=2, ended=1))
        assert stopped == "open" and done != "open"
        grown = native_instance.process.resident_bytes() - before
        print(f"\n128 MiB, one client that reads and one that does not: resident memory grew by {grown / MEBIBYTE:.1f} MiB")
        # The price map that is read anew from time to time takes some 40 MiB for a moment.
        assert grown < 64 * MEBIBYTE
    assert mock.seen(case, ended=2)[0]["progress"] == "aborted"
    nothing_left(native_instance)


OPEN_STREAMS = 1000


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_thousand_open_streams(native, native_instance, mock, slot, route):
    mock.script(f"slot-{slot}", gated(route.opening + route.delta("first"), *map(route.delta, WORDS), route.ending))
    before = native_instance.process.resident_bytes()
    streams = []
    try:
        for _ in range(OPEN_STREAMS):
            streams.append(begin(route, native, slot, timeout=60))
            read_until(streams[-1], b"first")
        assert in_flight(native_instance) == OPEN_STREAMS
        during = native_instance.process.resident_bytes()
        for gate in range(1, len(WORDS) + 2):
            mock.open_gate(f"slot-{slot}", str(gate))
        for stream in streams:
            read_until(stream, route.last)
    finally:
        for stream in streams:
            stream.close()
    nothing_left(native_instance)
    after = native_instance.process.resident_bytes()
    print(f"\n{OPEN_STREAMS} open streams: resident memory {before / MEBIBYTE:.1f} MiB before, {during / MEBIBYTE:.1f} MiB with all open, {after / MEBIBYTE:.1f} MiB after")
    assert during - before < OPEN_STREAMS * 256 * 1024
    assert len(mock.seen(f"slot-{slot}")) == OPEN_STREAMS


def test_whole_answers_are_unaffected_by_a_client_that_leaves_early(native, native_instance, mock, slot, route):
    """Not a stream: the provider was asked, and who asked is gone before it answers."""
    case = f"slot-{slot}"
    mock.script(case, {**route.cases.Case.answered, "gate": "answer"})
    connection = http.client.HTTPConnection(*address(native), timeout=20)
    connection.request("POST", route.path, payload(route, slot, stream=False), dict([*bearer(), JSON_TYPE]))
    mock.seen(case, at_least=1)
    connection.sock.close()
    connection.close()
    mock.open_gate(case, "answer")
    mock.seen(case, ended=1, seconds=20)
    nothing_left(native_instance)
    assert len(mock.seen(case)) == 1
