"""Bodies arrive whole, whatever their size, framing and protocol, whether they are only passed on, read for a decision and
then left to Python, or answered natively; and large ones need no memory."""
import base64
import hashlib
import json
import socket

import httpx
import pytest

from conftest import DIRECT
from harness.crossfade import PIN_TO_NATIVE, SERVED_BY, Crossfade
from harness.http import JSON_TYPE, MASTER_KEY, address, ask, bearer

LIMIT = 256 << 10
SIZES = [1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 1 << 20, LIMIT - 1, LIMIT, LIMIT + 1]
FRAMINGS = ["length", "chunked", "h2"]


def portions(data: bytes, size: int = 9973):
    """The data in uneven pieces."""
    return (data[start:start + size] for start in range(0, len(data), size))


def send(url: str, path: str, headers, data: bytes, framing: str) -> tuple[int, str | None, str]:
    """Status, who served it, body."""
    if framing == "h2":
        with httpx.Client(http1=False, http2=True, timeout=60) as client:
            answer = client.post(url + path, content=data, headers=headers)
            return answer.status_code, answer.headers.get(SERVED_BY), answer.text
    answer = ask(url, "POST", path, headers, data if framing == "length" else portions(data))
    return answer.status, answer.header(SERVED_BY), answer.text()


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", [0, *SIZES])
def test_passed_on(front, mock, case, size, framing):
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    mock.script(case, {"text": "taken"})
    status, _, text = send(front.url, "/v1/anything", [("x-mock-case", case)], data, framing)
    assert (status, text) == (200, "taken")
    seen = mock.seen(case, at_least=1)[0]
    assert (seen["body_bytes"], seen["body_sha256"]) == (size, hashlib.sha256(data).hexdigest())


@pytest.fixture(scope="module")
def deciding(python, work):
    """Crossfade that reads OCR bodies, up to a limit of 256 KiB, and serves natively what it can."""
    if DIRECT:
        yield python
        return
    running = Crossfade(work / "bodies", python.url, python.config, {"everything.yaml": PIN_TO_NATIVE}, ["--body-limit", str(LIMIT)]).start().ready()
    yield running
    running.stop()


def ocr_body(model: str, size: int) -> tuple[bytes, str]:
    """An OCR request of exactly this many bytes, and the document address inside it."""
    def build(address_: str) -> bytes:
        return json.dumps({"model": model, "document": {"type": "document_url", "document_url": address_}}).encode()

    prefix = "data:application/pdf;base64,"
    padding = "QUJD" * (size // 4 + 1)
    address_ = prefix + padding[:size - len(build(prefix))]
    body = build(address_)
    assert len(body) == size
    return body, address_


def expected_leg(group: str, size: int) -> str:
    return "native" if group == "ocr-bodies" and size <= LIMIT else "python"


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("group", ["ocr-bodies", "ocr-declined"])
def test_read_for_a_decision(deciding, mock, group, size, framing):
    """`ocr-declined` has a fallback, which the native leg leaves to Python after it has read the body."""
    if DIRECT and framing == "h2":
        pytest.skip("LiteLLM does not speak HTTP/2")
    mock.script(group, {})
    body, address_ = ocr_body(group, size)
    status, served_by, text = send(deciding.url, "/v1/ocr", [*bearer(), JSON_TYPE], body, framing)
    assert status == 200, text[:500]
    seen = mock.seen(group, at_least=1)
    assert len(seen) == 1
    assert json.loads(seen[0]["body"])["document"]["document_url"] == address_, "the document arrived changed"
    if not DIRECT:
        assert served_by == expected_leg(group, size)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", [1, 64 * 1024 + 1, LIMIT, LIMIT + 1])
def test_not_even_json(deciding, python, size, framing):
    """What cannot be a request at all gets LiteLLM's own answer."""
    if DIRECT and framing == "h2":
        pytest.skip("LiteLLM does not speak HTTP/2")
    data = b"7" * size
    direct = ask(python.url, "POST", "/v1/ocr", [*bearer(), JSON_TYPE], data)
    status, _, text = send(deciding.url, "/v1/ocr", [*bearer(), JSON_TYPE], data, framing)
    assert (status, text) == (direct.status, direct.text())


def test_upload_over_the_limit_goes_through(deciding, mock):
    """A multipart file above the limit is Python's, unread."""
    content = b"%PDF-1.4\n" + bytes(range(256)) * (4 << 10)
    mock.script("ocr-bodies", {})
    with httpx.Client(timeout=60) as client:
        answer = client.post(deciding.url + "/v1/ocr", data={"model": "ocr-bodies"}, files={"file": ("a.pdf", content, "application/pdf")}, headers={"authorization": f"Bearer {MASTER_KEY}"})
    assert answer.status_code == 200, answer.text
    document = json.loads(mock.seen("ocr-bodies", at_least=1)[0]["body"])["document"]["document_url"]
    assert base64.b64decode(document.split(",", 1)[1]) == content


class Rss:
    """The highest resident memory seen, and where it began."""

    def __init__(self, process):
        self.process, self.begin = process, process.resident_bytes()
        self.peak = self.begin

    def look(self):
        self.peak = max(self.peak, self.process.resident_bytes())

    def assert_constant(self, allowed: int, what: str):
        grown = self.peak - self.begin
        assert grown <= allowed, f"{what} took {grown / 1e6:.0f} MB of memory, {allowed / 1e6:.0f} MB are allowed"


UPLOAD = 200 << 20
ALLOWED = 24 << 20


@pytest.mark.parametrize("path", ["/v1/files/sink", "/v1/ocr/sink"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_upload_of_200_megabytes_in_constant_memory(front, framing, path):
    block = bytes(range(256)) * 4096
    digest, memory = hashlib.sha256(), Rss(front.process)

    def blocks():
        for number in range(UPLOAD // len(block)):
            digest.update(block)
            if number % 8 == 0:
                memory.look()
            yield block

    headers = [("content-length", str(UPLOAD))] if framing == "length" else []
    answer = ask(front.url, "POST", path, headers, blocks())
    assert answer.status == 200, answer.text()[:300]
    assert json.loads(answer.body) == {"bytes": UPLOAD, "sha256": digest.hexdigest()}
    memory.assert_constant(ALLOWED, "the upload")


def test_download_to_a_slow_reader_in_constant_memory(front):
    """The reader takes the first byte and then looks away: what it does not read must wait upstream, not here."""
    memory = Rss(front.process)
    with socket.create_connection(address(front.url), timeout=60) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        connection.sendall(f"GET /blob/{UPLOAD} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received, head = 0, b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        while portion := connection.recv(256 << 10):
            if received >> 23 != (received + len(portion)) >> 23:
                memory.look()
            received += len(portion)
    assert received == UPLOAD
    memory.assert_constant(ALLOWED, "the download")
