"""The OCR parity cases as data: what the client asks, what the provider answers attempt by attempt, how the deployment is set.

Each case has a model group and a corner of the mock provider of its own, so that they can run side by side.
`native`: "must" be served by the native leg, or "may" (then being served by Python is right too, as long as nothing differs).
"""
import base64
import json
from dataclasses import dataclass, field

PDF = "data:application/pdf;base64,JVBERi0xLjQKJcOkw7zDtsOfCg=="
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
URL = {"type": "document_url", "document_url": "https://example.org/report.pdf"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "invoice", "strict": True, "schema": {
    "type": "object", "properties": {"total": {"type": "number", "description": "Größe in €"}, "lines": {"type": "array", "items": {"type": "string"}}},
    "required": ["total"], "additionalProperties": False}}}

PAGE = {"index": 0, "markdown": "# Title\n\nSome *text*.", "images": [], "dimensions": {"dpi": 200, "height": 2200, "width": 1700}}
GOOD = {"pages": [PAGE], "model": "mistral-ocr-2505-completion", "document_annotation": None, "usage_info": {"pages_processed": 1, "doc_size_bytes": 4096}}


@dataclass
class Case:
    id: str
    body: dict | bytes = field(default_factory=lambda: {"document": URL})
    answers: list[dict] = field(default_factory=lambda: [{}])
    deployment: dict = field(default_factory=dict)
    headers: list[tuple[str, str]] = field(default_factory=list)
    path: str = "/v1/ocr"
    method: str = "POST"
    native: str = "must"
    key: str | None = "master"
    model: str | None = None  # none: the case's own group

    @property
    def group(self) -> str:
        return f"ocr-{self.id}"

    def payload(self) -> bytes:
        """The body as it goes out; dictionaries get the model in front."""
        if isinstance(self.body, bytes):
            return self.body.replace(b"@MODEL@", (self.model or self.group).encode())
        return json.dumps({"model": self.model or self.group, **self.body}, ensure_ascii=False).encode()


def documents() -> list[Case]:
    kinds = {
        "url": URL,
        "url-name": {**URL, "document_name": "Bericht Größe.pdf"},
        "url-query": {"type": "document_url", "document_url": "https://example.org/a%20b.pdf?x=1&y=ä#page=2"},
        "data-pdf": {"type": "document_url", "document_url": PDF},
        "data-docx": {"type": "document_url", "document_url": "data:application/vnd.openxmlformats-officedocument.wordprocessingml.document;base64,UEsDBA=="},
        "image-url": {"type": "image_url", "image_url": "https://example.org/scan.png"},
        "image-data": {"type": "image_url", "image_url": PNG},
        "image-object": {"type": "image_url", "image_url": {"url": "https://example.org/scan.png", "detail": "high"}},
        "type-last": {"document_url": "https://example.org/report.pdf", "type": "document_url"},
        "extra-keys": {**URL, "page_hint": [1, {"a": None}], "x": 1.0},
        "both-urls": {"type": "document_url", "document_url": "https://example.org/a.pdf", "image_url": "https://example.org/a.png"},
        "empty-url": {"type": "document_url", "document_url": ""},
        "long-data": {"type": "document_url", "document_url": "data:application/pdf;base64," + base64.b64encode(bytes(range(256)) * 600).decode()},
    }
    return [Case(f"document-{name}", {"document": document}) for name, document in kinds.items()]


def options() -> list[Case]:
    single = {
        "pages-list": {"pages": [0, 2, 5]}, "pages-empty": {"pages": []}, "pages-text": {"pages": "0-3"}, "pages-null": {"pages": None},
        "images-yes": {"include_image_base64": True}, "images-no": {"include_image_base64": False}, "image-limit": {"image_limit": 3},
        "image-limit-zero": {"image_limit": 0}, "image-min-size": {"image_min_size": 64}, "bbox-format": {"bbox_annotation_format": SCHEMA},
        "document-format": {"document_annotation_format": SCHEMA}, "document-format-text": {"document_annotation_format": {"type": "text"}},
        "prompt": {"document_annotation_prompt": "Was steht da? \"Zeile\"\n\u2028ende"}, "header-yes": {"extract_header": True},
        "footer-no": {"extract_footer": False}, "table-html": {"table_format": "html"}, "table-markdown": {"table_format": "markdown"},
        "table-null": {"table_format": None}, "scores-word": {"confidence_scores_granularity": "word"},
        "scores-page": {"confidence_scores_granularity": "page"}, "blocks": {"include_blocks": True}, "id": {"id": "request-7"},
        "unknown-option": {"frobnicate": {"deep": [1, 2.50, None]}},
    }
    cases = [Case(f"option-{name}", {"document": URL, **option}) for name, option in single.items()]
    everything = {
        "id": "all", "include_blocks": True, "confidence_scores_granularity": "word", "table_format": "html", "extract_footer": True,
        "extract_header": False, "document_annotation_prompt": "summarise", "document_annotation_format": SCHEMA, "bbox_annotation_format": SCHEMA,
        "image_min_size": 1, "image_limit": 100, "include_image_base64": True, "pages": list(range(40)),
    }
    cases.append(Case("option-all", {"document": URL, **everything}))
    cases.append(Case("option-all-before-document", {**everything, "document": URL}))
    spelled = (b'{ "document" : {"type":"image_url","image_url":"https:\\/\\/example.org\\/\\u00e9\\ud83d\\ude00.png"} , "model":"@MODEL@",\n'
               b'"image_limit": 1e2, "image_min_size": 10.0, "pages": [0, -0, 12345678901] }')
    cases.append(Case("option-spellings", spelled))
    cases.append(Case("option-repeated-key", b'{"model":"nobody","document":{"type":"document_url","document_url":"https://e.org/1"},"model":"@MODEL@","image_limit":1,"image_limit":2}'))
    # Words that mean something to LiteLLM itself: the native leg may leave them to Python.
    for name, option in {
        "user": {"user": "someone"}, "metadata": {"metadata": {"trace": "t", "tags": ["a"]}}, "tags": {"tags": ["blue"]}, "timeout": {"timeout": 30},
        "retries": {"num_retries": 0}, "stream": {"stream": True}, "extra-headers": {"extra_headers": {"x-from-client": "1"}},
        "format-native": {"req_format": "native"}, "format-wrong": {"req_format": "sideways"}, "cache": {"cache": {"no-cache": True}},
    }.items():
        cases.append(Case(f"word-{name}", {"document": URL, **option}, native="may"))
    return cases


def provider_answers() -> list[Case]:
    rich_page = {
        "index": 3, "markdown": "Ünïcode \u2028 😀 \\ \" </script>\u0000\t", "dimensions": None, "header": None, "footer": "3", "hyperlinks": ["https://e.org/?a=1&b=2"],
        "tables": [{"id": "t", "content": "<table/>", "format": "html"}], "confidence_scores": {"average": 0.1, "words": [1.0, 1e-07, 12345678901234567890]},
        "images": [{"id": "i.jpeg", "top_left_x": 1, "top_left_y": 2, "bottom_right_x": 3, "bottom_right_y": 4, "image_base64": PNG, "image_annotation": "{\"a\":1}", "extra": {"b": [None]}}],
        "blocks": [{"type": "text", "bbox": [0.5, 1, 2, 3]}],
    }
    bodies = {
        "plain": GOOD, "no-pages": {**GOOD, "pages": []}, "pages-missing": {"model": "m", "usage_info": None}, "only-pages": {"pages": [PAGE]},
        "empty-object": {}, "extra-fields": {**GOOD, "id": "ocr-1", "created": 1, "object": "other"}, "rich": {**GOOD, "pages": [rich_page, PAGE]},
        "annotation-text": {**GOOD, "document_annotation": "{\"total\": 1.0}"}, "annotation-object": {**GOOD, "document_annotation": {"total": 1}},
        "usage-extra": {**GOOD, "usage_info": {"pages_processed": 2, "doc_size_bytes": None, "pages_processed_annotation": 2, "credits": 0.5}},
        "usage-empty": {**GOOD, "usage_info": {}}, "usage-text": {**GOOD, "usage_info": {"pages_processed": "3"}}, "usage-zero": {**GOOD, "usage_info": {"pages_processed": 0}},
        "usage-float": {**GOOD, "usage_info": {"pages_processed": 2.0}}, "usage-fraction": {**GOOD, "usage_info": {"pages_processed": 2.5}},
        "image-sparse": {**GOOD, "pages": [{**PAGE, "images": [{}, {"id": None}]}]}, "dimensions-sparse": {**GOOD, "pages": [{**PAGE, "dimensions": {"dpi": 72}}]},
        "model-null": {**GOOD, "model": None}, "model-number": {**GOOD, "model": 5}, "pages-null": {**GOOD, "pages": None}, "page-text": {**GOOD, "pages": ["x"]},
        "index-text": {**GOOD, "pages": [{**PAGE, "index": "a"}]}, "index-digits": {**GOOD, "pages": [{**PAGE, "index": "7"}]},
        "markdown-null": {**GOOD, "pages": [{**PAGE, "markdown": None}]}, "markdown-missing": {**GOOD, "pages": [{"index": 0}]},
        "list": [GOOD], "number": 7, "error-in-200": {"object": "error", "message": "broken", "type": "internal", "code": 3000},
    }
    cases = [Case(f"answer-{name}", answers=[{"body": body}]) for name, body in bodies.items()]
    texts = {
        "spelled": '{ "pages" : [ {"index":0,"markdown":"\\u00e9\\ud83d\\ude00\\/","images":[{"id":"x","weird":1.50,"exp":1E5,"neg":-0.0}],"dimensions":{"dpi":200,"height":1,"width":1}} ] , "model":"m" }',
        "duplicate-keys": '{"pages":[],"model":"first","model":"second"}', "nan": '{"pages":[],"model":"m","usage_info":{"pages_processed":1,"x":NaN}}',
        "lone-surrogate": '{"pages":[{"index":0,"markdown":"\\ud83d"}],"model":"m"}', "html": "<html><body>It works!</body></html>", "empty": "",
        "null": "null", "cut-json": '{"pages": [', "trailing": '{"pages":[],"model":"m"} and more', "byte-order-mark": '\ufeff{"pages":[],"model":"m"}',
    }
    cases += [Case(f"answer-text-{name}", answers=[{"text": text}]) for name, text in texts.items()]
    heads = {
        "charset": [("content-type", "application/json; charset=utf-8")], "text-type": [("content-type", "text/plain")], "no-type": [("content-type", "")],
        "many": [("x-up", "1"), ("x-up", "2"), ("set-cookie", "a=b; Path=/"), ("set-cookie", "c=d"), ("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-tokens", "7"),
                 ("mistral-correlation-id", "abc"), ("server", "cloud"), ("cache-control", "no-store")],
        "latin": [("x-name", "Größe")],
    }
    cases += [Case(f"answer-headers-{name}", answers=[{"body": GOOD, "headers": headers}]) for name, headers in heads.items()]
    cases += [Case(f"answer-status-{status}", answers=[{"status": status, "body": GOOD}]) for status in (201, 202, 203)]
    cases.append(Case("answer-status-204", answers=[{"status": 204, "text": ""}]))
    cases += [Case(f"answer-status-{status}", answers=[{"status": status, "body": GOOD, "headers": [("location", "/v1/elsewhere")]}], native="may") for status in (301, 307)]
    # What httpx cannot read is sent again; the second answer is a document.
    odd = {"colons": "::::", "empty": "", "query": "?q=1", "colon": ":x", "no-slash": "http:x", "mail": "mailto:a", "port": "http://127.0.0.1:99999/x", "no-port": "http://127.0.0.1:x/",
           "bracket": "http://[::1", "tab": "/a\tb", "other-scheme": "ftp://127.0.0.1/x"}
    cases += [Case(f"redirect-{name}", answers=[{"status": 307, "headers": [("location", location)]}, {"body": GOOD}]) for name, location in odd.items()]
    cases.append(Case("answer-status-304", answers=[{"status": 304, "text": ""}]))
    cases.append(Case("answer-chunked", answers=[{"body": GOOD, "chunked": True}]))
    cases.append(Case("answer-large", answers=[{"body": {**GOOD, "pages": [{**PAGE, "index": n, "markdown": "lorem ipsum " * 900} for n in range(60)]}}]))
    return cases


MISTRAL_ERRORS = {
    400: {"object": "error", "message": "Invalid document", "type": "invalid_request_error", "param": None, "code": "3310"},
    401: {"detail": "Unauthorized"}, 403: {"message": "Forbidden", "request_id": "r"}, 404: {"object": "error", "message": "Model not found", "type": "invalid_model", "code": 1500},
    422: {"detail": [{"type": "missing", "loc": ["body", "document"], "msg": "Field required", "input": {"a": 1}}]},
    429: {"object": "error", "message": "Requests rate limit exceeded", "type": "rate_limited", "param": None, "code": "1300"},
    500: {"object": "error", "message": "Service unavailable.", "type": "internal_server_error", "param": None, "code": "1000"},
}
STATUSES = [400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 413, 415, 418, 422, 423, 424, 425, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 507, 508, 511, 520, 522, 524, 529]


def provider_errors() -> list[Case]:
    cases = [Case(f"error-{status}", answers=[{"status": status, "body": MISTRAL_ERRORS.get(status, {"message": f"status {status}"})}]) for status in STATUSES]
    forms = {
        "html": {"text": "<html><head><title>Bad</title></head><body>nginx</body></html>", "headers": [("content-type", "text/html")]}, "empty": {"text": ""},
        "invalid": {"text": "{\"message\": "}, "nested": {"body": {"error": {"message": "nested", "type": "t", "code": "c", "param": "p"}}},
        "list": {"body": [{"message": "x"}]}, "unicode": {"body": {"message": "Größe „zu“ \u2028 'quoted' {braces} %s"}}, "text": {"text": "plain words", "headers": [("content-type", "text/plain")]},
    }
    for status in (400, 401, 404, 422, 429, 500, 503):
        cases += [Case(f"error-{status}-{name}", answers=[{"status": status, **form}]) for name, form in forms.items()]
    # Words in the message that LiteLLM's mapping looks for.
    words = {
        "context": (400, "This model's maximum context length is 4 tokens"), "policy": (400, "content policy violation: safety system"),
        "auth-in-400": (400, "Invalid API Key provided"), "rate-in-500": (500, "Rate limit reached, try again"), "timeout-in-500": (500, "Request Timeout Error"),
        "not-found-in-400": (400, "model does not exist"), "overloaded": (503, "Overloaded"), "unable-in-404": (404, "invalid_request_error"),
    }
    cases += [Case(f"error-words-{name}", answers=[{"status": status, "body": {"message": message}}]) for name, (status, message) in words.items()]
    return cases


def retries() -> list[Case]:
    good, bad = {"body": GOOD}, {"status": 500, "body": MISTRAL_ERRORS[500]}
    busy = lambda *headers: {"status": 429, "body": MISTRAL_ERRORS[429], "headers": list(headers)}  # noqa: E731
    series = {
        "500-200": [bad, good], "500-500-200": [bad, bad, good], "500-three-then-200": [bad, bad, bad, good], "502-503-504": [{"status": status, "text": ""} for status in (502, 503, 504)],
        "429-200": [busy(), good], "429-after-1": [busy(("retry-after", "1")), good], "429-after-0": [busy(("retry-after", "0")), good],
        "429-after-fraction": [busy(("retry-after", "0.5")), good], "429-after-words": [busy(("retry-after", "soon")), good],
        "429-after-negative": [busy(("retry-after", "-5")), good], "429-after-past": [busy(("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")), good],
        "429-after-ms": [busy(("retry-after-ms", "900")), good], "429-429-429": [busy()], "503-after-1": [{"status": 503, "text": "", "headers": [("retry-after", "1")]}, good],
        "500-then-400": [bad, {"status": 400, "body": MISTRAL_ERRORS[400]}], "500-then-401": [bad, {"status": 401, "body": MISTRAL_ERRORS[401]}],
        "500-then-429": [bad, busy(), good], "408-200": [{"status": 408, "text": ""}, good], "409-200": [{"status": 409, "body": {"message": "busy"}}, good],
        "401-200": [{"status": 401, "body": MISTRAL_ERRORS[401]}, good], "404-200": [{"status": 404, "body": MISTRAL_ERRORS[404]}, good],
        "422-200": [{"status": 422, "body": MISTRAL_ERRORS[422]}, good], "400-200": [{"status": 400, "body": MISTRAL_ERRORS[400]}, good],
        "close-200": [{"close": True}, good], "reset-200": [{"reset": True}, good], "cut-200": [{"body": GOOD, "cut": 20}, good],
        "invalid-200": [{"text": "{"}, good], "empty-200": [{"text": ""}, good], "200-bad-then-good": [{"body": {**GOOD, "pages": None}}, good],
        "500-close-200": [bad, {"close": True}, good], "529-200": [{"status": 529, "body": {"message": "overloaded"}}, good],
    }
    cases = [Case(f"retry-{name}", answers=answers) for name, answers in series.items()]
    cases.append(Case("retry-none-by-deployment", answers=[bad, good], deployment={"num_retries": 0}, native="may"))
    cases.append(Case("retry-one-by-deployment", answers=[bad, bad, good], deployment={"num_retries": 1}, native="may"))
    cases.append(Case("retry-max-retries", answers=[bad, bad, good], deployment={"max_retries": 0}, native="may"))
    return cases


def broken_connections(refused: str) -> list[Case]:
    """`refused` is an address on which nobody listens."""
    return [
        Case("broken-close", answers=[{"close": True}]), Case("broken-reset", answers=[{"reset": True}]),
        Case("broken-cut", answers=[{"body": GOOD, "cut": 30}]), Case("broken-cut-at-0", answers=[{"body": GOOD, "cut": 0}]),
        Case("broken-cut-reset", answers=[{"body": GOOD, "cut": 30, "reset": True}]), Case("broken-error-cut", answers=[{"status": 500, "body": MISTRAL_ERRORS[500], "cut": 10}]),
        Case("broken-chunks", answers=[{"steps": [{"send": "{\"pages\":"}, "break"]}]), Case("broken-refused", deployment={"api_base": refused}),
        Case("timeout-head", answers=[{"body": GOOD, "delay": 3}], deployment={"timeout": 0.4}),
        Case("timeout-then-good", answers=[{"body": GOOD, "delay": 3}, {"body": GOOD}], deployment={"timeout": 0.4}),
        Case("timeout-whole-second", answers=[{"body": GOOD, "delay": 4}], deployment={"timeout": 1}),
        Case("timeout-in-body", answers=[{"steps": [{"send": "{\"pages\":["}, {"delay": 3}, {"send": "]}"}]}], deployment={"timeout": 0.5}),
        Case("timeout-drip", answers=[{"body": GOOD, "drip": {"bytes": 40, "every": 0.2}}], deployment={"timeout": 0.5}),
        Case("timeout-not", answers=[{"body": GOOD, "delay": 0.6}], deployment={"timeout": 5}),
        Case("timeout-request-header", answers=[{"body": GOOD, "delay": 3}], headers=[("x-litellm-timeout", "0.4")], native="may"),
    ]


def refused_requests() -> list[Case]:
    """Requests that never reach the provider; whoever answers, the answer is LiteLLM's."""
    may = {"native": "may"}
    return [
        Case("client-no-model", b'{"document":{"type":"document_url","document_url":"https://e.org"}}', **may), Case("client-model-unknown", model="nobody-has-this", **may),
        Case("client-model-null", b'{"model":null,"document":{"type":"document_url","document_url":"https://e.org"}}', **may),
        Case("client-model-number", b'{"model":5,"document":{"type":"document_url","document_url":"https://e.org"}}', **may),
        Case("client-no-document", {}, **may), Case("client-document-null", {"document": None}, **may), Case("client-document-text", {"document": "https://e.org"}, **may),
        Case("client-document-list", {"document": []}, **may), Case("client-type-unknown", {"document": {"type": "fax"}}, **may), Case("client-type-missing", {"document": {"document_url": "x"}}, **may),
        Case("client-type-null", {"document": {"type": None}}, **may), Case("client-type-file", {"document": {"type": "file", "file": "/etc/hostname"}}, **may),
        Case("client-url-missing", {"document": {"type": "document_url"}}, **may), Case("client-image-missing", {"document": {"type": "image_url"}}, **may),
        Case("client-url-number", {"document": {"type": "document_url", "document_url": 5}}, **may), Case("client-url-null", {"document": {"type": "document_url", "document_url": None}}, **may),
        Case("client-reducto", {"document": {"type": "document_url", "document_url": "reducto://abc"}}, **may),
        Case("client-file-id", {"document": {"type": "file_id", "file_id": "f"}}, **may), Case("client-invalid-json", b'{"model": ', **may), Case("client-empty-body", b"", **may),
        Case("client-list-body", b"[1]", **may), Case("client-text-body", b'"x"', **may), Case("client-null-body", b"null", **may), Case("client-not-utf8", b'{"model":"\xff"}', **may),
        Case("client-nan", b'{"model":"@MODEL@","document":{"type":"document_url","document_url":"u"},"image_limit":NaN}', **may),
        Case("client-no-key", key=None, **may), Case("client-wrong-key", key="sk-wrong", **may), Case("client-odd-key", key="not a key", **may),
        Case("client-basic-key", key=None, headers=[("authorization", "Basic YTpi")], **may), Case("client-get", method="GET", body=b"", **may),
        Case("client-text-type", headers=[("content-type", "text/plain")], **may),
        Case("client-form-type", b"model=a&document=b", headers=[("content-type", "application/x-www-form-urlencoded")], **may),
        Case("client-two-models", b'{"model":"@MODEL@,other","document":{"type":"document_url","document_url":"u"}}', **may),
    ]


def accepted_variants() -> list[Case]:
    wire = [
        Case("path-short", path="/ocr"), Case("path-query", path="/v1/ocr?trace=1&model=other", native="may"), Case("path-slash", path="/v1/ocr/", native="may"),
        Case("head-call-id", headers=[("x-litellm-call-id", "my-own-id")], native="may"), Case("head-agent", headers=[("user-agent", "curl/8.0"), ("accept", "*/*"), ("accept-encoding", "gzip, br")]),
        Case("head-trace", headers=[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("x-request-id", "7")], native="may"),
        Case("head-tags", headers=[("x-litellm-tags", "a,b")], native="may"), Case("head-charset", headers=[("content-type", "application/json; charset=utf-8")]),
        Case("head-key-lower", key=None, headers=[("Authorization", "bearer sk-master-of-tests")], native="may"), Case("head-x-api-key", key=None, headers=[("x-api-key", "sk-master-of-tests")], native="may"),
        Case("head-forged", headers=[("x-crossfade-tape", "0" * 32), ("x-crossfade-served-by", "nobody"), ("x-crossfade-request-id", "forged")]),
        Case("head-format", headers=[("x-req-format", "native")], native="may"), Case("head-custom", headers=[("x-custom", "kept to oneself"), ("cookie", "a=b")]),
    ]
    deployments = {
        "api-base-bare": {"api_base": "@CASE@"}, "api-base-slash": {"api_base": "@CASE@/v1/"}, "api-base-path": {"api_base": "@CASE@/gateway/mistral"},
        "model-dated": {"model": "mistral/mistral-ocr-2505"}, "model-unpriced": {"model": "mistral/some-new-ocr"}, "timeout": {"timeout": 60}, "rpm": {"rpm": 1000}, "tpm": {"tpm": 100000},
        "weight": {"weight": 2}, "extra-headers": {"extra_headers": {"x-team": "blue"}}, "priced": {"ocr_cost_per_page": 0.5}, "default-option": {"include_image_base64": True},
        "tags": {"tags": ["blue"]}, "order": {"order": 1}, "drop-params": {"drop_params": True}, "stream-timeout": {"stream_timeout": 5},
    }
    loose = {"extra-headers", "priced", "default-option", "tags", "order", "drop-params", "stream-timeout", "rpm", "tpm"}
    return wire + [Case(f"deployment-{name}", deployment=parameters, native="may" if name in loose else "must") for name, parameters in deployments.items()]


def multipart(*parts: tuple[str, bytes], boundary: str = "boundary-of-tests") -> tuple[bytes, list[tuple[str, str]]]:
    """A form with these (part headers, content)."""
    body = b"".join(b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), content) for head, content in parts) + b"--%s--\r\n" % boundary.encode()
    return body, [("content-type", f"multipart/form-data; boundary={boundary}")]


def uploads() -> list[Case]:
    model = ('Content-Disposition: form-data; name="model"', b"@MODEL@")
    field_ = lambda name, value: (f'Content-Disposition: form-data; name="{name}"', value)  # noqa: E731
    file = lambda name, kind, content=b"%PDF-1.4 some bytes \x00\xff": (  # noqa: E731
        'Content-Disposition: form-data; name="file"' + (f'; filename="{name}"' if name is not None else "") + (f"\r\nContent-Type: {kind}" if kind else ""), content)
    forms = {
        "pdf": ([model, file("a.pdf", "application/pdf")], "must"), "png": ([model, file("a.png", "image/png")], "must"), "jpeg-by-name": ([model, file("photo.JPEG", "application/octet-stream")], "must"),
        "no-type": ([model, file("a.pdf", None)], "must"), # Which media type these names have is decided by files of the machine that Python runs on.
        "unknown-name": ([model, file("data.xyz", "application/octet-stream")], "may"), "docx": ([model, file("a.docx", "")], "may"),
        "type-wins": ([model, file("a.png", "application/pdf")], "must"), "type-parameters": ([model, file("a.txt", "text/plain; charset=utf-8")], "must"),
        "file-first": ([file("a.pdf", "application/pdf"), model], "must"), "options": ([model, file("a.pdf", "application/pdf"), field_("pages", b"[0, 2]"), field_("include_image_base64", b"true"),
            field_("document_annotation_prompt", "Größe?".encode()), field_("id", b"17"), field_("document_annotation_format", json.dumps(SCHEMA).encode())], "must"),
        "unicode-name": ([model, file("Größe.pdf", "application/pdf")], "must"), "megabyte": ([model, file("big.pdf", "application/pdf", b"x" * (1 << 20))], "must"),
        "document-field": ([model, file("a.pdf", "application/pdf"), field_("document", b"{}")], "may"), "empty": ([model, file("a.pdf", "application/pdf", b"")], "may"), "no-file": ([model], "may"),
        "file-as-field": ([model, field_("file", b"not a file")], "may"), "no-model": ([file("a.pdf", "application/pdf")], "may"), "repeated-option": ([model, file("a.pdf", "application/pdf"), field_("pages", b"[0]"), field_("pages", b"[1]")], "may"),
    }
    cases = []
    for name, (parts, native) in forms.items():
        body, headers = multipart(*parts)
        cases.append(Case(f"upload-{name}", body, headers=headers, native=native))
    body, _ = multipart(model, file("a.pdf", "application/pdf"))
    cases.append(Case("upload-wrong-boundary", body, headers=[("content-type", "multipart/form-data; boundary=other")], native="may"))
    cases.append(Case("upload-no-boundary", body, headers=[("content-type", "multipart/form-data")], native="may"))
    cases.append(Case("upload-cut", body[:-30], headers=[("content-type", "multipart/form-data; boundary=boundary-of-tests")], native="may"))
    return cases


def all_cases(refused: str) -> list[Case]:
    cases = documents() + options() + provider_answers() + provider_errors() + retries() + broken_connections(refused) + refused_requests() + accepted_variants() + uploads()
    assert len({case.id for case in cases}) == len(cases), "two cases with one id"
    return cases
