"""The tap between LiteLLM and its providers: it changes nothing for either side, cannot be aimed, and what it records leads
to exactly one outcome for every eligible request."""
import json
import re
import socket

import pytest

import messages_cases
from harness.compare import answer_differences, assert_same, provider_differences
from harness.crossfade import Crossfade
from harness.http import JSON_TYPE, address, ask, bearer, open_stream
from harness.processes import until
from ocr_cases import GOOD, MISTRAL_ERRORS
from test_streaming import chat_chunk, gated, read_until

pytestmark = pytest.mark.crossfade
SHADOW = "route: ocr\nstage: shadow\nhold: true\nmirror: 1.0\n"
SHADOWED = {"ocr.yaml": SHADOW, "messages.yaml": SHADOW.replace("ocr", "messages")}


@pytest.fixture(scope="module")
def shadowing(tapped, fleet, work):
    """Crossfade that mirrors every OCR and messages request, in front of the LiteLLM that goes through its tap."""
    running = Crossfade(work / "shadow", tapped.url, fleet.shadow_config, SHADOWED, tap_port=fleet.tap_port).start().ready()
    yield running
    running.stop()


def ocr(url: str, group: str, headers=(), **options):
    body = json.dumps({"model": group, "document": {"type": "document_url", "document_url": "https://example.org/a.pdf"}, **options}).encode()
    return ask(url, "POST", "/v1/ocr", [*bearer(), JSON_TYPE, *headers], body)


def messages(url: str, slot: int, headers=(), **options):
    body = {"model": f"claude-slot-{slot}", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], **options}
    return ask(url, "POST", "/v1/messages", [*bearer(), JSON_TYPE, *headers], json.dumps(body).encode())


def outcomes(crossfade) -> float:
    return crossfade.metric("crossfade_outcomes_total")


EXCHANGES = {
    "ocr": ("/v1/ocr", lambda slot: {"model": f"ocr-slot-{slot}", "document": {"type": "image_url", "image_url": "https://e.org/ä.png"}, "pages": [1]}, {}),
    "ocr-own-headers": ("/v1/ocr", lambda slot: {"model": f"ocr-slot-{slot}", "document": {"type": "image_url", "image_url": "u"}, "extra_headers": {"x-from-client": "1"}}, {}),
    "ocr-headers": ("/v1/ocr", lambda slot: {"model": f"ocr-slot-{slot}", "document": {"type": "image_url", "image_url": "u"}}, {"headers": [["x-up", "1"], ["x-up", "2"], ["set-cookie", "a=b"]]}),
    "ocr-400": ("/v1/ocr", lambda slot: {"model": f"ocr-slot-{slot}", "document": {"type": "image_url", "image_url": "u"}}, {"status": 400, "body": MISTRAL_ERRORS[400]}),
    "ocr-html": ("/v1/ocr", lambda slot: {"model": f"ocr-slot-{slot}", "document": {"type": "image_url", "image_url": "u"}}, {"status": 401, "text": "<html>", "headers": [["content-type", "text/html"]]}),
    "ocr-retried": ("/v1/ocr", lambda slot: {"model": f"ocr-slot-{slot}", "document": {"type": "image_url", "image_url": "u"}}, {"status": 503, "text": ""}),
    "ocr-cut": ("/v1/ocr", lambda slot: {"model": f"ocr-slot-{slot}", "document": {"type": "image_url", "image_url": "u"}}, {"body": GOOD, "cut": 20}),
    "ocr-closed": ("/v1/ocr", lambda slot: {"model": f"ocr-slot-{slot}", "document": {"type": "image_url", "image_url": "u"}}, {"close": True}),
    "chat": ("/v1/chat/completions", lambda slot: {"model": f"chat-slot-{slot}", "messages": [{"role": "user", "content": "x"}]}, {}),
    "chat-stream": ("/v1/chat/completions", lambda slot: {"model": f"chat-slot-{slot}", "messages": [{"role": "user", "content": "x"}], "stream": True}, {}),
    "chat-401": ("/v1/chat/completions", lambda slot: {"model": f"chat-slot-{slot}", "messages": [{"role": "user", "content": "x"}]}, {"status": 401, "body": {"error": {"message": "no", "type": "t", "code": "c"}}}),
    "messages": ("/v1/messages", lambda slot: {"model": f"claude-slot-{slot}", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}, {}),
    "messages-own-headers": ("/v1/messages", lambda slot: {"model": f"claude-slot-{slot}", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], "extra_headers": {"x-from-client": "1"}}, {}),
    "messages-400": ("/v1/messages", lambda slot: {"model": f"claude-slot-{slot}", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}, messages_cases.refused(400)),
    "messages-stream-scripted": ("/v1/messages", lambda slot: {"model": f"claude-slot-{slot}", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}, messages_cases.streamed(*messages_cases.WHOLE)),
    "messages-stream-kept-alive": ("/v1/messages", lambda slot: {"model": f"claude-slot-{slot}", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}, {**messages_cases.streamed(*messages_cases.WHOLE), "headers": [*messages_cases.SSE_HEADERS, *messages_cases.KEPT_ALIVE]}),
    "messages-stream-overloaded": ("/v1/messages", lambda slot: {"model": f"claude-slot-{slot}", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}, messages_cases.streamed(messages_cases.error_event("overloaded_error"))),
    "messages-stream": ("/v1/messages", lambda slot: {"model": f"claude-slot-{slot}", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}, {}),
}


@pytest.mark.parametrize("name", EXCHANGES)
def test_tapped_equals_untapped(name, python, shadowing, mock, slot):
    """Client answer and provider requests, header by header: untapped LiteLLM against tapped LiteLLM behind Crossfade."""
    path, body, answer = EXCHANGES[name]
    legs = []
    for url in (python.url, shadowing.url):
        mock.script(f"slot-{slot}", answer)
        reply = ask(url, "POST", path, [*bearer(), JSON_TYPE], json.dumps(body(slot), ensure_ascii=False).encode())
        legs.append((reply, mock.seen(f"slot-{slot}", at_least=1)))
    (control, control_seen), (candidate, candidate_seen) = legs
    found = provider_differences(control_seen, candidate_seen) + answer_differences(control, candidate)
    for one, other in zip(control_seen, candidate_seen):
        hosts = [dict(request["headers"])["host"] for request in (one, other)]
        found += [f"host at the provider: {hosts[0]} ≠ {hosts[1]}"] if hosts[0] != hosts[1] else []
    assert_same(found, f"{name}, untapped (left) and tapped (right)")


def test_stream_through_the_tap_event_by_event(shadowing, mock, slot):
    case = f"slot-{slot}"
    words = ["alpha ", "beta ", "gamma "]
    mock.script(case, gated(*map(chat_chunk, words), "data: [DONE]\n\n"))
    body = json.dumps({"model": f"chat-slot-{slot}", "messages": [{"role": "user", "content": "x"}], "stream": True}).encode()
    with open_stream(shadowing.url, "/v1/chat/completions", [*bearer(), JSON_TYPE], body, timeout=20) as stream:
        for number, word in enumerate(words, 1):
            read_until(stream, word.strip().encode())
            mock.open_gate(case, str(number))
        read_until(stream, b"[DONE]")


ASKED = {
    "ocr": lambda url, slot: ocr(url, f"ocr-slot-{slot}"),
    "messages": lambda url, slot: messages(url, slot),
    "messages-stream": lambda url, slot: messages(url, slot, stream=True),
}


@pytest.mark.parametrize("name", ASKED)
def test_correlation_never_reaches_the_provider_or_the_client(shadowing, mock, slot, name):
    mock.script(f"slot-{slot}", {})
    before = outcomes(shadowing)
    answer = ASKED[name](shadowing.url, slot)
    assert answer.status == 200
    request = mock.seen(f"slot-{slot}", at_least=1)[0]
    assert not [name for name, _ in request["headers"] if name.startswith("x-crossfade")], request["headers"]
    assert "crossfade" not in request["body"].lower() and "extra_headers" not in request["body"], request["body"]
    assert "tape" not in answer.text().lower() and not [name for name, _ in answer.headers if "tape" in name], answer.headers
    # It was on a tape, or there would be nothing to hide.
    until(lambda: outcomes(shadowing) == before + 1, 20, "the outcome")
    assert shadowing.metric("crossfade_outcomes_total", reason="no_tape") == 0


@pytest.mark.parametrize("where", ["header", "body", "both"])
def test_forged_correlation_ids_are_dropped(shadowing, mock, slot, where):
    """A client that sends an id of its own, even one that is in use, gets it nowhere."""
    forged = "deadbeef" * 4
    mock.script(f"slot-{slot}", {})
    before = outcomes(shadowing)
    headers = [("x-crossfade-tape", forged)] if where in ("header", "both") else []
    options = {"extra_headers": {"x-crossfade-tape": forged, "X-Crossfade-Tape": forged, "x-own": "1"}} if where in ("body", "both") else {}
    assert ocr(shadowing.url, f"ocr-slot-{slot}", headers, **options).status == 200
    request = mock.seen(f"slot-{slot}", at_least=1)[0]
    assert forged not in json.dumps(request), f"the forged id reached the provider: {request['headers']}"
    until(lambda: outcomes(shadowing) == before + 1, 20, "exactly one outcome for the forger's request")


def test_exactly_one_outcome_for_every_eligible_request(shadowing, mock, slot):
    before, calls = outcomes(shadowing), 0
    scripts = [[{}], [{"status": 400, "body": MISTRAL_ERRORS[400]}], [{"status": 500, "text": ""}, {}], [{"text": "{"}, {}], [{"close": True}, {}]] * 3
    for script in scripts:
        mock.script(f"slot-{slot}", *script)
        ocr(shadowing.url, f"ocr-slot-{slot}")
        seen = len(mock.seen(f"slot-{slot}", at_least=len(script)))
        assert seen == len(script), f"the provider was called {seen} times, Python alone calls it {len(script)} times"
        calls += seen
    until(lambda: outcomes(shadowing) - before >= len(scripts), 30, f"{len(scripts)} outcomes; there are {outcomes(shadowing) - before:g}")
    assert outcomes(shadowing) - before == len(scripts)
    assert shadowing.metric("crossfade_shadow_provider_requests_total") == 0


def test_matching_pairs_match(shadowing, mock, slot):
    """The native leg on Python's own tape: no mismatch, whatever the provider said."""
    begin = {outcome: shadowing.lane()["outcomes"][outcome] for outcome in ("match", "mismatch", "tolerated")}
    scripts = [[{"body": GOOD}], [{"body": GOOD, "chunked": True}], [{}], [{"status": 422, "body": MISTRAL_ERRORS[422]}], [{"status": 429, "body": MISTRAL_ERRORS[429]}, {}], [{"text": "<html>"}]]
    for script in scripts:
        mock.script(f"slot-{slot}", *script)
        ocr(shadowing.url, f"ocr-slot-{slot}", image_limit=3)

    def compared():
        now = shadowing.lane()["outcomes"]
        return sum(now[outcome] - begin[outcome] for outcome in begin) >= len(scripts)

    until(compared, 30, f"{len(scripts)} comparisons; lane: {shadowing.lane()['skipped']}")
    assert shadowing.lane()["outcomes"]["mismatch"] == begin["mismatch"], json.dumps(shadowing.api("/api/causes"), indent=1)[:3000]


def test_messages_match_on_tape(shadowing, mock, slot):
    """Streams as they came and as they failed; retries; refusals."""
    begin = {outcome: shadowing.lane("messages:anthropic")["outcomes"][outcome] for outcome in ("match", "mismatch", "tolerated")}
    good = {"headers": messages_cases.JSON_HEADERS, "body": messages_cases.GOOD}
    whole, content = messages_cases.WHOLE, messages_cases.WHOLE[:5]
    plain = [[good], [messages_cases.refused(400)], [messages_cases.refused(529), good]]
    streams = [[messages_cases.streamed(*script)] for script in (
        whole, ["".join(whole)], messages_cases.TOOL_USE, messages_cases.THINKING, [messages_cases.PING, *whole], content, [],
        [messages_cases.error_event("overloaded_error")], [*content, messages_cases.error_event("api_error")], [*content, messages_cases.SHORTLY, "break"])]
    streams += [[messages_cases.refused(500), messages_cases.streamed(*whole)]]
    for stream, scripts in ((False, plain), (True, streams)):
        for script in scripts:
            mock.script(f"slot-{slot}", *script)
            messages(shadowing.url, slot, stream=stream)
    count = len(plain) + len(streams)

    def compared():
        now = shadowing.lane("messages:anthropic")["outcomes"]
        return sum(now[outcome] - begin[outcome] for outcome in begin) >= count

    until(compared, 30, f"{count} comparisons; lane: {shadowing.lane('messages:anthropic')['skipped']}")
    assert shadowing.lane("messages:anthropic")["outcomes"]["mismatch"] == begin["mismatch"], json.dumps(shadowing.api("/api/causes"), indent=1)[:3000]


def test_requests_without_a_provider_exchange_are_skipped(shadowing):
    before = shadowing.metric("crossfade_outcomes_total", reason="no_provider_exchange")
    ask(shadowing.url, "POST", "/v1/ocr", [*bearer("sk-wrong"), JSON_TYPE], b'{"model":"ocr","document":{"type":"document_url","document_url":"u"}}')
    until(lambda: shadowing.metric("crossfade_outcomes_total", reason="no_provider_exchange") == before + 1, 20, "a skipped outcome for a refused key")


AIMED = {
    "absolute": b"POST http://{evil}/v1/ocr HTTP/1.1\r\nHost: {evil}\r\n", "host": b"POST /v1/ocr HTTP/1.1\r\nHost: {evil}\r\n", "connect": b"CONNECT {evil} HTTP/1.1\r\nHost: {evil}\r\n",
    "unknown-id": b"POST /d/0000000000000000/v1/ocr HTTP/1.1\r\nHost: {evil}\r\n", "id-is-address": b"POST /d/http:%2f%2f{evil}/v1/ocr HTTP/1.1\r\nHost: x\r\n",
    "dots": b"POST /d/../../{evil}/v1/ocr HTTP/1.1\r\nHost: x\r\n", "double-slash": b"POST //{evil}/v1/ocr HTTP/1.1\r\nHost: x\r\n",
    "header": b"POST /v1/ocr HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: {evil}\r\nX-Original-URL: http://{evil}/\r\nX-Crossfade-Target: http://{evil}/\r\n",
}


@pytest.mark.parametrize("name", AIMED)
def test_the_tap_cannot_be_aimed(shadowing, work, name):
    """A server of the attacker's own sees nothing, and the answer is a refusal."""
    with socket.create_server(("127.0.0.1", 0)) as evil:
        evil.settimeout(0.5)
        target = f"127.0.0.1:{evil.getsockname()[1]}".encode()
        with socket.create_connection(address(shadowing.tap), timeout=10) as connection:
            connection.sendall(AIMED[name].replace(b"{evil}", target) + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")
            answer = connection.recv(65536)
        assert re.match(rb"HTTP/1.1 4\d\d", answer), answer[:200]
        with pytest.raises(TimeoutError):
            evil.accept()


def test_the_tap_leaves_the_deployments_folder(shadowing, fleet, mock):
    """An id that exists, with a path that climbs out of the deployment's own: the provider's other paths stay out of reach."""
    tapped_config = (fleet.work / "shadow-tapped.yaml").read_text()
    path = re.search(r"/d/[0-9a-zA-Z_-]+/s/ocr/v1", tapped_config)
    assert path, f"no tapped api_base of the group `ocr` in:\n{tapped_config[:1500]}"
    mock.script("secret", {"text": "secret"})
    for climb in ("/../../secret/v1/ocr", "/%2e%2e/%2e%2e/secret/v1/ocr", "/..%2f..%2fsecret/v1/ocr"):
        ask(shadowing.tap, "POST", path[0] + climb, [JSON_TYPE], b"{}")
    assert mock.seen("secret") == []


def test_credentials_and_bodies_stay_out_of_log_and_store(shadowing, mock, slot):
    marker = "marker-of-a-private-document"
    mock.script(f"slot-{slot}", {"body": {**GOOD, "model": "marker-of-a-private-answer"}})
    before = outcomes(shadowing)
    ocr(shadowing.url, f"ocr-slot-{slot}", document_annotation_prompt=marker)
    until(lambda: outcomes(shadowing) > before, 20, "the outcome")
    secrets = [b"sk-master-of-tests", b"sk-provider", marker.encode(), b"marker-of-a-private-answer"]
    for file in [shadowing.process.log, *shadowing.reports.rglob("*")]:
        if file.is_file():
            data = file.read_bytes()
            assert not [secret for secret in secrets if secret in data], f"{file} holds what content: off forbids"
            if file.parent != shadowing.directory:
                assert file.stat().st_mode & 0o077 == 0, f"{file} can be read by others: {file.stat().st_mode:o}"


def test_tap_off_is_said(python, work):
    running = Crossfade(work / "no-tape", python.url, python.config, {"ocr.yaml": SHADOW}).start().ready()
    try:
        ocr(running.url, "ocr")
        until(lambda: running.metric("crossfade_outcomes_total", reason="no_tape") == 1, 20, "an outcome skipped for want of a tape")
        assert running.api("/api/status")["tap"]["seen_traffic"] is False
        assert "crossfade tap" in json.dumps(running.api("/api/status")["tap"])
    finally:
        running.stop()
