"""With no rules a client cannot tell the gateway from LiteLLM: same status, headers and body for every kind of request."""
import json

import pytest

from harness.compare import NOISY_HEADERS, answer_differences, assert_same
from harness.http import JSON_TYPE, ask, bearer

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "Größe? 😀"}]}


def post(path: str, body, key=True, headers=()):
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return ("POST", path, [*(bearer() if key else []), JSON_TYPE, *headers], data)


def get(path: str, key=True, method="GET", headers=()):
    return (method, path, [*(bearer() if key else []), *headers], None)


REQUESTS = {
    "live": get("/health/liveliness", key=False), "ready": get("/health/readiness", key=False), "models": get("/v1/models"), "models-short": get("/models"),
    "model": get("/v1/models/chat"), "model-info": get("/v1/model/info"), "model-unknown": get("/v1/models/nobody"), "models-no-key": get("/v1/models", key=False),
    "models-wrong-key": get("/v1/models", key=False, headers=bearer("sk-wrong")), "swagger": get("/", key=False), "openapi": get("/openapi.json", key=False), "redoc": get("/redoc", key=False),
    "docs": get("/docs", key=False), "ui": get("/ui", key=False), "ui-slash": get("/ui/", key=False), "ui-deep": get("/ui/login/", key=False), "ui-missing": get("/ui/nothing.js", key=False),
    "favicon": get("/favicon.ico", key=False), "not-found": get("/no/such/path"), "not-found-post": post("/no/such/path", {}), "encoded-path": get("/v1/models/a%2Fb%20c?x=%C3%A4&y=1&y=2&empty="),
    "double-slash": get("//v1/models"), "dot-path": get("/v1/./models"), "method-get": get("/v1/chat/completions"), "method-put": ("PUT", "/v1/chat/completions", bearer(), b"{}"),
    "method-delete": get("/v1/chat/completions", method="DELETE"), "method-patch": ("PATCH", "/v1/chat/completions", bearer(), b"{}"), "head": get("/v1/models", method="HEAD"),
    "head-live": get("/health/liveliness", method="HEAD", key=False), "options": get("/v1/chat/completions", method="OPTIONS"), "options-ready": get("/health/readiness", method="OPTIONS", key=False),
    "preflight": get("/v1/chat/completions", method="OPTIONS", key=False, headers=[("origin", "https://app.example"), ("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")]),
    "cors": get("/v1/models", headers=[("origin", "https://app.example")]), "conditional": get("/ui/", key=False, headers=[("if-none-match", "\"x\""), ("range", "bytes=0-9")]),
    "gzip": get("/openapi.json", key=False, headers=[("accept-encoding", "gzip")]), "chat": post("/v1/chat/completions", CHAT), "chat-short": post("/chat/completions", CHAT),
    "chat-engine": post("/engines/chat/chat/completions", {"messages": CHAT["messages"]}), "chat-deployment": post("/openai/deployments/chat/chat/completions", {"messages": CHAT["messages"]}),
    "chat-tools": post("/v1/chat/completions", {**CHAT, "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]}),
    "chat-no-key": post("/v1/chat/completions", CHAT, key=False), "chat-unknown": post("/v1/chat/completions", {**CHAT, "model": "nobody"}), "chat-invalid": post("/v1/chat/completions", b"{\"model\": "),
    "chat-empty": post("/v1/chat/completions", b""), "chat-stream": post("/v1/chat/completions", {**CHAT, "stream": True, "stream_options": {"include_usage": True}}),
    "messages": post("/v1/messages", {"model": "claude", "max_tokens": 20, "messages": CHAT["messages"]}, headers=[("anthropic-version", "2023-06-01")]),
    "messages-stream": post("/v1/messages", {"model": "claude", "max_tokens": 20, "messages": CHAT["messages"], "stream": True}), "messages-short": post("/messages", {}),
    "embeddings": post("/v1/embeddings", {"model": "embed", "input": ["a", "b"]}), "ocr": post("/v1/ocr", {"model": "ocr", "document": {"type": "document_url", "document_url": "https://example.org/a.pdf"}}),
    "ocr-invalid": post("/ocr", b"nothing"), "rerank-unknown": post("/v1/rerank", {"model": "nobody", "query": "q", "documents": ["d"]}),
    "form": ("POST", "/v1/files", [*bearer(), ("content-type", "multipart/form-data; boundary=b")], b"--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--b--\r\n"),
    "passthrough-get": get("/anthropic/v1/models"), "passthrough-delete": get("/anthropic/v1/files/1", method="DELETE"), "passthrough-post": post("/anthropic/v1/messages", {"model": "x", "max_tokens": 1, "messages": []}),
    "passthrough-put": ("PUT", "/anthropic/v1/files/1", [*bearer(), JSON_TYPE], b"{\"a\":1}"), "long-header": get("/health/liveliness", key=False, headers=[("x-long", "x" * 6000)]),
    "many-headers": get("/health/liveliness", key=False, headers=[(f"x-header-{n}", str(n)) for n in range(60)]), "latin-header": get("/health/liveliness", key=False, headers=[("x-latin", "Gr\xf6\xdfe")]),
}
# Pages built anew for every request, in an order or with hashes that differ.
NOISY_BODIES: set[str] = set()


@pytest.mark.parametrize("name", REQUESTS)
def test_same_answer(name, python, gateway):
    method, path, headers, body = REQUESTS[name]
    direct = ask(python.url, method, path, headers, body)
    through = ask(gateway, method, path, headers, body)
    # A redirect names the host that the client asked for: that one may differ, and nothing else.
    for answer, base in ((direct, python.url), (through, gateway)):
        answer.headers = [(key, value.replace(base.removeprefix("http://"), "HOST")) for key, value in answer.headers]
        answer.body = answer.body.replace(base.removeprefix("http://").encode(), b"HOST")
    assert_same(answer_differences(direct, through, {"llm_provider-x-request-id"}), f"{method} {path}")


def test_redirect_names_the_clients_host(gateway):
    answer = ask(gateway, "POST", "/v1/chat/completions/?x=1", [("host", "llm.example.org:8443"), *bearer()], b"{}")
    assert answer.status == 307, answer
    assert answer.header("location") == "http://llm.example.org:8443/v1/chat/completions?x=1"


def test_the_same_noise_as_between_two_direct_calls(python, gateway):
    """Guards the list of noisy headers: what it names is there on both sides, so that nothing hides behind it."""
    method, path, headers, body = REQUESTS["chat"]
    direct, through = ask(python.url, method, path, headers, body), ask(gateway, method, path, headers, body)
    assert {name for name, _ in direct.headers} & NOISY_HEADERS == {name for name, _ in through.headers} & NOISY_HEADERS


def test_call_id_of_the_client_is_kept(gateway):
    method, path, headers, body = REQUESTS["chat"]
    answer = ask(gateway, method, path, [*headers, ("x-litellm-call-id", "my-own-id")], body)
    assert answer.header("x-litellm-call-id") == "my-own-id"


@pytest.mark.crossfade
def test_says_who_served_and_under_which_id(gateway):
    answers = [ask(gateway, "GET", "/v1/models", bearer()) for _ in range(2)]
    assert [answer.header("x-crossfade-served-by") for answer in answers] == ["python", "python"]
    identities = {answer.header("x-crossfade-request-id") for answer in answers}
    assert len(identities) == 2 and None not in identities
