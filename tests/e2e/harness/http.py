"""An HTTP client that hides nothing: headers in order and as sent, no redirects followed, no decoding, streams read event by event."""
import http.client
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MASTER_KEY = "sk-master-of-tests"
Headers = list[tuple[str, str]]


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Headers
    body: bytes
    version: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """First value of a header, names compared without case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass
class Stream:
    """An answer whose body is still coming."""

    connection: http.client.HTTPConnection
    response: http.client.HTTPResponse
    rest: bytes = field(default=b"")

    @property
    def status(self) -> int:
        return self.response.status

    def header(self, name: str) -> str | None:
        return self.response.getheader(name)

    def event(self) -> bytes | None:
        """The next server-sent event with its blank line, as soon as it is there; none at the end."""
        while b"\n\n" not in self.rest:
            portion = self.response.read1(65536)
            if not portion:
                event, self.rest = self.rest, b""
                return event or None
            self.rest += portion
        event, self.rest = self.rest.split(b"\n\n", 1)
        return event + b"\n\n"

    def close(self):
        """Hangs up, whatever is still to come."""
        if self.connection.sock is not None:
            self.connection.sock.close()
        self.response.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port


def bearer(key: str | None = MASTER_KEY) -> Headers:
    return [("authorization", f"Bearer {key}")] if key else []


JSON_TYPE = ("content-type", "application/json")


def _begin(url: str, method: str, path: str, headers: Headers, body, timeout: float) -> http.client.HTTPConnection:
    host, port = address(url)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    _send(connection, method, path, headers, body)
    return connection


def _send(connection: http.client.HTTPConnection, method: str, path: str, headers: Headers, body):
    connection.putrequest(method, path, skip_accept_encoding=True, skip_host=any(name.lower() == "host" for name, _ in headers))
    names = {name.lower() for name, _ in headers}
    chunked = body is not None and not isinstance(body, bytes)
    for name, value in headers:
        connection.putheader(name, value)
    if chunked and "content-length" not in names:
        connection.putheader("transfer-encoding", "chunked")
    elif isinstance(body, bytes) and "content-length" not in names and (body or method in ("POST", "PUT", "PATCH")):
        connection.putheader("content-length", str(len(body)))
    connection.endheaders()
    if isinstance(body, bytes):
        if body:
            connection.send(body)
    elif body is not None:
        framed = "content-length" not in names
        for portion in body:
            connection.send(b"%x\r\n%s\r\n" % (len(portion), portion) if framed else portion)
        if framed:
            connection.send(b"0\r\n\r\n")


def _answer(response: http.client.HTTPResponse) -> Answer:
    try:
        body = response.read()
    except http.client.IncompleteRead as cut:
        body = cut.partial
    version = {10: "HTTP/1.0", 11: "HTTP/1.1"}[response.version]
    return Answer(response.status, [(name.lower(), value) for name, value in response.getheaders()], body, version)


def ask(url: str, method: str = "GET", path: str = "/", headers: Headers | None = None, body=None, timeout: float = 120) -> Answer:
    """One request on a connection of its own. `body`: bytes with a content-length, or an iterable of bytes, chunked unless
    the headers say how long it is."""
    connection = _begin(url, method, path, headers or [], body, timeout)
    try:
        return _answer(connection.getresponse())
    finally:
        connection.close()


def open_stream(url: str, path: str, headers: Headers, body: bytes, timeout: float = 60) -> Stream:
    """A POST whose answer is read as it comes."""
    connection = _begin(url, "POST", path, headers, body, timeout)
    return Stream(connection, connection.getresponse())


class Connection:
    """Several requests on one connection."""

    def __init__(self, url: str, timeout: float = 60):
        host, port = address(url)
        self.inner = http.client.HTTPConnection(host, port, timeout=timeout)

    def ask(self, method: str, path: str, headers: Headers | None = None, body=None) -> Answer:
        _send(self.inner, method, path, headers or [], body)
        return _answer(self.inner.getresponse())

    def local_port(self) -> int | None:
        return self.inner.sock.getsockname()[1] if self.inner.sock else None

    def close(self):
        self.inner.close()


def raw(url: str, data: bytes, timeout: float = 20) -> bytes:
    """Sends bytes as they are, and reads until the other side closes."""
    with socket.create_connection(address(url), timeout=timeout) as connection:
        connection.sendall(data)
        received = b""
        while portion := connection.recv(65536):
            received += portion
        return received
