"""What HTTP itself promises: framing, persistent connections, old and new versions, upgrades, and which headers go further."""
import base64
import datetime
import ipaddress
import json
import os
import socket
import ssl
import struct

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.sync.client import connect

from harness.crossfade import Crossfade
from harness.http import MASTER_KEY, Connection, address, ask, raw
from harness.mock import header


def test_expect_100_continue(front, mock, case):
    """The client sends its body only after it was told to."""
    mock.script(case, {})
    body = b"{\"stream\": false}"
    with socket.create_connection(address(front.url), timeout=20) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-mock-case: {case}\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 "), "no interim answer"
        connection.sendall(body)
        answer = b""
        while portion := connection.recv(65536):
            answer += portion
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    assert mock.seen(case, at_least=1)[0]["body"] == body.decode()


def test_expect_100_continue_through_litellm(gateway):
    body = b"{\"model\": \"chat\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}"
    with socket.create_connection(address(gateway), timeout=20) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {MASTER_KEY}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        answer = b""
        while portion := connection.recv(65536):
            answer += portion
    assert b"HTTP/1.1 200" in answer, answer[:300]


def test_one_client_connection_carries_many_requests(front, mock, case):
    mock.script(case, {"text": "ok"})
    connection = Connection(front.url)
    ports = set()
    for number in range(5):
        answer = connection.ask("POST", f"/again/{number}", [("x-mock-case", case)], b"x" * number)
        ports.add(connection.local_port())
        assert (answer.status, answer.body) == (200, b"ok")
    connection.close()
    assert len(ports) == 1 and None not in ports, f"the connection was closed in between: {ports}"
    assert [request["body_bytes"] for request in mock.seen(case)] == [0, 1, 2, 3, 4]


@pytest.mark.crossfade
def test_upstream_connections_are_used_again(front, mock, case):
    mock.script(case, {"text": "ok"})
    for _ in range(6):
        assert ask(front.url, "GET", "/again", [("x-mock-case", case)]).status == 200
    connections = {request["connection"] for request in mock.seen(case)}
    assert len(connections) < 6, "every request opened an upstream connection of its own"


def test_pipelined_requests_are_answered_in_order(front, mock, case):
    """Or the connection ends after the first, as HTTP allows; never the wrong answer to a request."""
    mock.script(case, {"text": "first"}, {"text": "second"})
    request = f"GET /one HTTP/1.1\r\nHost: x\r\nx-mock-case: {case}\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\nx-mock-case: {case}\r\nConnection: close\r\n\r\n"
    answer = raw(front.url, request.encode())
    assert answer.count(b"HTTP/1.1 200") == len(mock.seen(case)), "a request was carried out and not answered"
    assert b"first" in answer and (b"second" not in answer or answer.index(b"first") < answer.index(b"second"))


def test_http_1_0(front, mock, case):
    mock.script(case, {"text": "old"})
    answer = raw(front.url, f"GET /old HTTP/1.0\r\nx-mock-case: {case}\r\n\r\n".encode())
    assert b" 200 " in answer.split(b"\r\n")[0] and answer.endswith(b"old"), answer


def test_http_1_0_gets_no_chunks(front, mock, case):
    mock.script(case, {"text": "no frames", "chunked": True})
    answer = raw(front.url, f"GET /old HTTP/1.0\r\nx-mock-case: {case}\r\n\r\n".encode())
    assert b"transfer-encoding" not in answer.lower() and answer.endswith(b"\r\n\r\nno frames"), answer


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"])
def test_every_method(front, mock, case, method):
    mock.script(case, {"status": 207, "text": "" if method == "HEAD" else "done", "headers": [["x-method", method]]})
    answer = ask(front.url, method, "/any?x=1&x=2", [("x-mock-case", case)])
    assert (answer.status, answer.header("x-method")) == (207, method)
    assert [(request["method"], request["path"]) for request in mock.seen(case, at_least=1)] == [(method, "/any?x=1&x=2")]


@pytest.mark.parametrize("status", [200, 201, 204, 206, 301, 302, 304, 307, 308, 400, 401, 404, 409, 418, 429, 451, 500, 502, 503, 504, 529, 599])
def test_every_status(front, mock, case, status):
    text = "" if status in (204, 304) else f"status {status}"
    mock.script(case, {"status": status, "text": text, "headers": [["location", "http://elsewhere/x"], ["retry-after", "7"]]})
    answer = ask(front.url, "POST", "/status", [("x-mock-case", case)], b"body")
    assert (answer.status, answer.text(), answer.header("location"), answer.header("retry-after")) == (status, text, "http://elsewhere/x", "7")
    assert len(mock.seen(case)) == 1, "an error must not be asked for twice"


def test_repeated_headers_keep_their_order(front, mock, case):
    mock.script(case, {"text": "x", "headers": [["set-cookie", "a=1"], ["x-many", "1"], ["set-cookie", "b=2; Path=/"], ["x-many", "2"]]})
    answer = ask(front.url, "GET", "/headers", [("x-mock-case", case), ("x-sent", "1"), ("x-sent", "2")])
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2; Path=/"]
    assert [value for name, value in answer.headers if name == "x-many"] == ["1", "2"]
    assert [value for name, value in mock.seen(case, at_least=1)[0]["headers"] if name == "x-sent"] == ["1", "2"]


@pytest.mark.crossfade
def test_which_headers_go_to_python(front, mock, case):
    mock.script(case, {"text": "x"})
    sent = [("x-mock-case", case), ("host", "llm.example.org"), ("connection", "keep-alive, x-remove-me"), ("x-remove-me", "1"), ("keep-alive", "timeout=5"), ("proxy-connection", "keep-alive"),
            ("te", "trailers"), ("x-forwarded-for", "203.0.113.7"), ("x-crossfade-tape", "0" * 32), ("x-crossfade-anything", "forged"), ("x-kept", "yes"), ("cookie", "a=b")]
    ask(front.url, "GET", "/headers", sent)
    request = mock.seen(case, at_least=1)[0]
    names = {name for name, _ in request["headers"]}
    assert not names & {"x-remove-me", "keep-alive", "proxy-connection"}, f"headers of the client's connection went further: {request['headers']}"
    assert not [name for name in names if name.startswith("x-crossfade-")], f"forged headers went further: {request['headers']}"
    assert (header(request, "host"), header(request, "x-kept"), header(request, "cookie")) == ("llm.example.org", "yes", "a=b")
    assert (header(request, "x-forwarded-for") or "").replace(" ", "").startswith("203.0.113.7,127.0.0.1")
    assert (header(request, "x-forwarded-proto"), header(request, "x-forwarded-host")) == ("http", "llm.example.org")


def http2(url: str, **options) -> httpx.Client:
    return httpx.Client(base_url=url, http1=False, http2=True, timeout=30, **options)


def test_http2_without_tls(front, mock, case):
    mock.script(case, {"text": "two", "headers": [["x-answer", "1"]]})
    with http2(front.url) as client:
        for number in range(3):
            answer = client.post(f"/h2/{number}", content=b"body", headers={"x-mock-case": case})
            assert (answer.http_version, answer.status_code, answer.text, answer.headers["x-answer"]) == ("HTTP/2", 200, "two", "1")
    assert [request["body"] for request in mock.seen(case)] == ["body"] * 3


def test_http2_streams_event_by_event(front, mock, case):
    mock.script(case, {"headers": [["content-type", "text/event-stream"]], "steps": [{"send": "data: 1\n\n"}, {"gate": "next"}, {"send": "data: 2\n\n"}]})
    with http2(front.url) as client, client.stream("POST", "/h2", content=b"{}", headers={"x-mock-case": case}) as answer:
        portions = answer.iter_raw()
        assert next(portions) == b"data: 1\n\n"
        mock.open_gate(case, "next")
        assert b"".join(portions) == b"data: 2\n\n"


@pytest.mark.crossfade
def test_http2_in_front_of_litellm(gateway):
    with http2(gateway) as client:
        answer = client.post("/v1/chat/completions", json={"model": "chat", "messages": [{"role": "user", "content": "x"}]}, headers={"authorization": f"Bearer {MASTER_KEY}"})
    assert answer.status_code == 200 and answer.json()["choices"], answer.text


@pytest.fixture(scope="module")
def certificate(work):
    """A certificate for localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
              .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
              .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
              .sign(key, hashes.SHA256()))
    certificate, private = work / "certificate.pem", work / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate, private


@pytest.mark.crossfade
@pytest.mark.parametrize("version", ["http1", "http2"])
def test_tls(work, mock, certificate, case, version):
    public, private = certificate
    running = Crossfade(work / f"tls-{version}", mock.url, arguments=["--tls-cert", str(public), "--tls-key", str(private)]).start()
    try:
        mock.script(case, {"text": "sealed"})
        context = ssl.create_default_context(cafile=str(public))
        with httpx.Client(http2=version == "http2", verify=context, timeout=20) as client:
            answer = client.get(f"https://localhost:{running.port}/tls", headers={"x-mock-case": case})
        assert (answer.status_code, answer.text) == (200, "sealed")
        assert answer.http_version == ("HTTP/2" if version == "http2" else "HTTP/1.1")
        assert header(mock.seen(case, at_least=1)[0], "x-forwarded-proto") == "https"
    finally:
        running.stop()


def websocket(url: str, path: str, key: str | None = None):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return connect(url.replace("http://", "ws://") + path, additional_headers=headers, open_timeout=30)


def test_websocket_through_litellm(gateway):
    """A realtime session: the provider greets, then sends everything back."""
    with websocket(gateway, "/v1/realtime?model=voice", MASTER_KEY) as socket_:
        greeting = json.loads(socket_.recv(timeout=30))
        assert greeting["type"] == "session.created", greeting
        for number in range(3):
            event = {"type": "response.create", "event_id": f"event-{number}", "response": {"instructions": "Größe 😀"}}
            socket_.send(json.dumps(event))
            assert json.loads(socket_.recv(timeout=30)) == event


def test_websocket_frames_of_every_size(front):
    with websocket(front.url, "/v1/realtime") as socket_:
        socket_.recv(timeout=20)
        for size in (0, 1, 125, 126, 65535, 65536, 300_000):
            payload = os.urandom(size)
            socket_.send(payload)
            assert socket_.recv(timeout=20) == payload, f"{size} bytes came back changed"


def test_websocket_refusal_passes(front, mock, case):
    mock.script(case, {"status": 403, "text": "no"})
    head = (f"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nx-mock-case: {case}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n")
    with socket.create_connection(address(front.url), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 403")


def test_websocket_client_that_vanishes_is_noticed_upstream(front, mock, case):
    mock.script(case, {})
    head = (f"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nx-mock-case: {case}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n")
    connection = socket.create_connection(address(front.url), timeout=20)
    connection.sendall(head.encode())
    assert connection.recv(65536).startswith(b"HTTP/1.1 101")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    assert mock.seen(case, ended=1, seconds=20)[0]["progress"] == "aborted"


SMUGGLED = {
    "two-lengths": b"Content-Length: 3\r\nContent-Length: 40\r\n", "length-and-chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "odd-encoding": b"Transfer-Encoding: xchunked\r\n", "signed-length": b"Content-Length: +3\r\n",
}


@pytest.mark.crossfade
@pytest.mark.parametrize("kind", SMUGGLED)
def test_ambiguous_framing_smuggles_nothing(front, mock, case, kind):
    """Whatever becomes of the odd request, the one hidden in its body must not arrive as a request of its own."""
    mock.script(case, {"text": "x"})
    hidden = f"GET /hidden HTTP/1.1\r\nHost: x\r\nx-mock-case: {case}\r\n\r\n".encode()
    request = b"POST /outer HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-mock-case: " + case.encode() + b"\r\n" + SMUGGLED[kind] + b"\r\n0\r\n\r\n" + hidden
    try:
        raw(front.url, request, timeout=5)
    except OSError:
        pass
    assert "/hidden" not in [request["path"] for request in mock.seen(case)]


