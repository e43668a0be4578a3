"""The OCR cases to record: what clients send and what the provider answers. Expectations are recorded, never written here."""

import base64
import gzip
import json
import zlib

URL = {"type": "document_url", "document_url": "https://example.com/a.pdf"}
OK_BODY = {
    "pages": [{"index": 0, "markdown": "# Title\n\nText é 😀", "images": [], "dimensions": {"dpi": 200, "height": 2200, "width": 1700}}],
    "model": "mistral-ocr-2505-completion", "document_annotation": None,
    "usage_info": {"pages_processed": 1, "doc_size_bytes": 3002783},
}


def themes():
    return {
        "requests": requests(), "forms": forms(), "refused": refused(), "declined": declined(), "answers": answers(), "validation": validation(),
        "not_json": not_json(), "statuses": statuses(), "phrases": phrases(), "redaction": redaction(), "costs": costs(),
        "failures": failures(), "deployments": deployment_cases(),
    }


def ok(body=None, **more):
    body = OK_BODY if body is None else body
    return {"status": 200, "body": body if isinstance(body, str) else json.dumps(body), **more}


def answer(status, body, content_type="application/json", headers=(), **more):
    text = body if isinstance(body, str) else json.dumps(body)
    return {"status": status, "headers": [["content-type", content_type], *headers], "body": text, **more}


def raw_answer(status, body, *headers):
    return {"status": status, "headers": [list(header) for header in headers], "body_base64": base64.b64encode(body).decode()}


def case(name, group="ocr", answers=None, **more):
    if not {"raw", "parts", "body"} & more.keys():
        more["body"] = {"model": group, "document": URL}
    return {"name": name, "group": group, "answers": answers or [ok()], **more}


def with_options(name, **options):
    return case(name, body={"model": "ocr", "document": URL, **options})


def requests():
    schema = {"type": "json_schema", "json_schema": {"name": "s", "strict": True, "schema": {"type": "object", "properties": {"z": {"type": "number"}, "a": {"type": "string"}}}}}
    documents = {
        "document url": URL,
        "image url": {"type": "image_url", "image_url": "https://example.com/a.png"},
        "image url object": {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}},
        "data uri": {"type": "document_url", "document_url": "data:application/pdf;base64,JVBERi0xLjQK", "document_name": "a.pdf"},
        "image data uri": {"type": "image_url", "image_url": "data:image/png;base64,iVBORw0KGgo="},
        "url before type": {"document_url": "https://example.com/a.pdf", "type": "document_url", "more": [1, {"b": None, "a": 1.0}]},
        "url missing": {"type": "document_url"},
        "url null": {"type": "document_url", "document_url": None},
        "url a number": {"type": "document_url", "document_url": 5},
        "other field": {"type": "image_url", "document_url": "https://example.com/a.pdf"},
        "file uri": {"type": "document_url", "document_url": "file:///etc/passwd"},
    }
    cases = [case(f"document: {name}", body={"model": "ocr", "document": document}) for name, document in documents.items()]
    options = {
        "pages list": {"pages": [0, 1, 2]}, "pages text": {"pages": "0-3,5"}, "pages null": {"pages": None}, "pages empty": {"pages": []},
        "images": {"include_image_base64": True, "image_limit": 3, "image_min_size": 64}, "no images": {"include_image_base64": False},
        "annotations": {"document_annotation_format": schema, "bbox_annotation_format": schema, "document_annotation_prompt": "Find \"z\"\n\té"},
        "tables": {"table_format": "html", "extract_header": True, "extract_footer": False}, "table null": {"table_format": None},
        "scores": {"confidence_scores_granularity": "word", "include_blocks": True}, "id": {"id": "request-1"},
        "order of the client": {"id": "x", "include_blocks": True, "pages": [1], "image_limit": 0},
        "odd types": {"image_limit": "three", "image_min_size": 1.5, "include_image_base64": "yes", "id": 7},
        "unknown keys": {"foo": 1, "bar": {"x": []}, "temperature_of_room": 21.5}, "user": {"user": "somebody"},
        "request format": {"req_format": " LiteLLM "}, "timeout": {"timeout": 30}, "timeout float": {"timeout": 2.5}, "retries": {"num_retries": 0},
        "extra headers": {"extra_headers": {"X-Tenant": "a b", "x-other": "1"}}, "extra headers empty": {"extra_headers": {}},
        "extra headers null": {"extra_headers": None},
    }
    cases += [with_options(f"option: {name}", **value) for name, value in options.items()]
    spellings = {
        "numbers": '{"a":1.0,"b":1e22,"c":1E-7,"d":123456789012345678901234567890,"e":0.1e1,"f":-0,"g":-0.0,"h":18446744073709551615,"i":18446744073709551616,"j":-9223372036854775809,"k":0.00001,"l":1e16}',
        "escapes": '{"a":"\\u00e9\\/\\ud83d\\ude00\\u2028\\u007f\\b\\f\\n\\r\\t\\u0000\\"\\\\"}',
        "repeated keys": '{"a":1,"b":2,"a":3}',
        "deep": "[" * 120 + "]" * 120,
    }
    cases += [case(f"spelling: {name}", raw=f' {{"model" : "ocr",\n"document": {{"type":"document_url","x":{text}}} }}\r\n') for name, text in spellings.items()]
    cases.append(case("repeated document", raw='{"model":"x","document":1,"model":"ocr","document":{"type":"document_url"}}'))
    content_types = {"none": "", "charset": "application/json; charset=utf-8", "plain": "text/plain", "binary": "application/octet-stream", "vendor": "application/vnd.api+json", "upper": "APPLICATION/JSON"}
    cases += [case(f"content type: {name}", content_type=value) for name, value in content_types.items()]
    cases += [case("path: short", path="/ocr"), case("path: query", path="/v1/ocr?a=1"), case("alias", "ocr-alias")]
    headers = {"timeout": ["x-litellm-timeout", "7.5"], "retries": ["x-litellm-num-retries", "0"], "stream timeout": ["x-litellm-stream-timeout", "3"], "format": ["x-req-format", "LITELLM"],
               "call id": ["x-litellm-call-id", "mine"], "trace": ["x-litellm-trace-id", "t"], "origin": ["origin", "https://example.com"], "forwarded": ["x-forwarded-for", "10.0.0.1"]}
    cases += [case(f"header: {name}", headers=[header]) for name, header in headers.items()]
    cases += [case(f"header on an error: {name}", headers=[headers[name]], answers=[answer(400, {"message": "no"})]) for name in ("timeout", "origin", "call id")]
    cases.append(case("timeout on an error", body={"model": "ocr", "document": URL, "timeout": 30}, answers=[answer(400, "{}")]))
    return cases


def forms():
    def file(**more):
        return {"name": "file", "filename": "scan.pdf", "text": "%PDF-1.4", **more}

    model = {"name": "model", "text": "ocr"}
    uploads = {
        "pdf": file(), "declared": file(content_type="application/pdf"), "octet stream": file(content_type="application/octet-stream"),
        "png": file(filename="A.PNG"), "jpeg by type": file(filename="x", content_type="image/jpeg"), "type with parameter": file(filename="x.pdf", content_type="image/webp; q=1"),
        "text": file(filename="a.txt"), "html": file(filename="a.html", content_type="text/html"), "no extension": file(filename="scan"), "unnamed": file(filename=""),
        "tiff": file(filename="a.b.tif"), "odd characters": file(filename="é ü.pdf", text="é"), "video": file(filename="v.mp4"),
    }
    cases = [case(f"upload: {name}", parts=[model, upload]) for name, upload in uploads.items()]
    fields = {
        "json values": [("pages", "[0,1]"), ("include_image_base64", "true"), ("image_limit", "5"), ("image_min_size", "1.50"), ("id", "null")],
        "text values": [("document_annotation_prompt", "Find all"), ("table_format", "html"), ("id", '"quoted"')],
        "schema": [("document_annotation_format", '{"type": "json_schema", "json_schema": {"b": 1, "a": 1e5}}')],
        "repeated": [("pages", "[0]"), ("id", "a"), ("pages", "[1]")], "document is ignored": [("document", '{"type":"x"}')], "unknown": [("foo", "1")],
        "long integer": [("id", "123456789012345678901234567890")], "empty": [("id", "")], "broken json": [("pages", "[0,")], "extra headers": [("extra_headers", '{"x-tenant": "1"}')],
        "timeout": [("timeout", "30")], "trailing space": [("id", "a \n")],
    }
    cases += [case(f"fields: {name}", parts=[model, *({"name": key, "text": value} for key, value in pairs), file()]) for name, pairs in fields.items()]
    cases.append(case("file before model", parts=[file(), model]))
    cases.append(case("two files", parts=[file(), model, file(filename="b.png", text="second")]))
    return cases


def refused():
    documents = {
        "text": "x", "list": [1], "number": 5, "null": None, "true": True, "empty": {}, "type null": {"type": None}, "type unknown": {"type": "pdf"}, "type number": {"type": 1.0}, "type list": {"type": ["document_url", None]},
        "type object": {"type": {"a": "it's"}}, "type upper": {"type": "DOCUMENT_URL"}, "type says rate limit": {"type": "rate limit"}, "type says timed out": {"type": "Request timed out"}, "type is a path": {"type": "/etc/passwd"}, "type é": {"type": "é\n"},
    }
    cases = [case(f"document {name}", body={"model": "ocr", "document": document}) for name, document in documents.items()]
    cases.append(with_options("native format", req_format=" Native"))
    cases.append(case("native format by header", headers=[["x-req-format", "NATIVE"]]))
    cases.append(case("document before format", "ocr-2512", body={"model": "ocr-2512", "document": {"type": "x"}, "req_format": "native", "timeout": 5}))
    cases.append(case("native format of a form", parts=[{"name": "model", "text": "ocr"}, {"name": "req_format", "text": "native"}, {"name": "file", "filename": "a.pdf", "text": "x"}]))
    return cases


def declined():
    bodies = {
        "no document": {"model": "ocr"}, "type file": {"model": "ocr", "document": {"type": "file", "file": "/etc/passwd"}},
        "reducto": {"model": "ocr", "document": {"type": "document_url", "document_url": "reducto://x"}},
        "odd format": {"model": "ocr", "document": URL, "req_format": 5}, "no model": {"document": URL},
        "timeout text": {"model": "ocr", "document": URL, "timeout": "soon"}, "retries text": {"model": "ocr", "document": URL, "num_retries": "1"},
        "extra headers numbers": {"model": "ocr", "document": URL, "extra_headers": {"x-b": 1}}, "mock timeout": {"model": "ocr", "document": URL, "mock_timeout": True},
        "tags": {"model": "ocr", "document": URL, "tags": ["a"]}, "guardrails": {"model": "ocr", "document": URL, "guardrails": ["g"]}, "metadata": {"model": "ocr", "document": URL, "metadata": {"a": 1}},
    }
    cases = [case(name, body=body) for name, body in bodies.items()]
    raws = {"broken": '{"model":', "list": "[1]", "nan": '{"model":"ocr","document":{"type":"document_url","x":NaN}}', "infinity": '{"model":"ocr","document":{"type":"document_url","x":1e400}}', "surrogate": '{"model":"ocr","document":{"type":"document_url","x":"\\ud800"}}', "empty": "", "mark": "\ufeff{}"}
    cases += [case(name, raw=raw) for name, raw in raws.items()]
    cases.append(case("form without file", parts=[{"name": "model", "text": "ocr"}]))
    cases.append(case("empty file", parts=[{"name": "model", "text": "ocr"}, {"name": "file", "filename": "a.pdf", "text": ""}]))
    cases.append(case("odd media type", parts=[{"name": "model", "text": "ocr"}, {"name": "file", "filename": "a.pdf", "content_type": "nonsense", "text": "x"}]))
    cases.append(case("url encoded", content_type="application/x-www-form-urlencoded", raw="model=ocr"))
    cases.append(case("header tags", headers=[["x-litellm-tags", "a,b"]]))
    cases.append(case("header format", headers=[["x-req-format", "other"]]))
    return cases


def answers():
    page = {"index": 0, "markdown": "m"}
    bodies = {
        "annotated": {**OK_BODY, "document_annotation": '{"z": 1}', "pages": [{**page, "images": [{"id": "img-0.jpeg", "top_left_x": 1, "top_left_y": 2, "bottom_right_x": 3, "bottom_right_y": 4, "image_base64": "data:image/jpeg;base64,xx", "image_annotation": '{"a":1}'}]}]},
        "annotation object": {"pages": [], "document_annotation": {"b": 1, "a": [1.0, None, True]}}, "annotation list": {"pages": [], "document_annotation": [1]}, "annotation number": {"pages": [], "document_annotation": 1.5},
        "empty object": {}, "only pages": {"pages": [page]}, "extra top keys": {**OK_BODY, "id": "x", "object": "list", "content": "c"},
        "extra page keys": {"pages": [{"zz": 1, "hyperlinks": [], "markdown": "m", "tables": [{"id": "t"}], "index": 3, "header": None, "aa": {"y": 1, "x": 2}}]},
        "extra image keys": {"pages": [{**page, "images": [{"z": 1, "image_base64": None, "bbox": {"b": 1, "a": 2}, "a": 2}]}]},
        "extra dimension keys": {"pages": [{**page, "dimensions": {"dpi": 72, "unit": "px"}}]}, "dimension null": {"pages": [{**page, "dimensions": {"dpi": None}, "images": None}]},
        "extra usage keys": {"pages": [], "usage_info": {"foo": 2.5, "pages_processed": 2}}, "usage empty": {"pages": [], "usage_info": {}}, "blocks": {"pages": [{**page, "blocks": [{"type": "title", "bbox": [0.1, 1e-7, 1e22, 5e-5]}], "confidence_scores": {"average": 0.00001}}]},
        "coerced": {"pages": [{"index": "5", "markdown": "m", "dimensions": {"dpi": 200.0, "height": True, "width": " 1_000 "}}], "usage_info": {"pages_processed": "3", "credits": "1.5", "doc_size_bytes": "+7.00", "pages_processed_annotation": False}},
        "credits integer": {"pages": [], "usage_info": {"pages_processed": 1, "credits": 2}}, "negative index": {"pages": [{"index": -1, "markdown": ""}]}, "model empty": {"pages": [], "model": ""},
    }
    cases = [case(f"body: {name}", answers=[ok(body)]) for name, body in bodies.items()]
    raws = {
        "numbers": '{"pages":[{"index":0,"markdown":"m","a":NaN,"b":-Infinity,"c":1e400,"d":1.0,"e":1e22,"f":1e-7,"g":1e16,"h":-0.0,"i":-0,"j":18446744073709551615,"k":-9223372036854775808,"l":0.00001,"m":123456789.123,"n":5e-324}],"usage_info":{"credits":NaN}}',
        "repeated keys": '{"pages":[],"pages":[{"index":1,"markdown":"x","a":1,"b":2,"a":3}]}', "whitespace": ' \r\n\t{ "pages" : [ ] } \n', "escapes": '{"pages":[{"index":0,"markdown":"\\u0000\\u001f\\u007f\\/\\"\\\\\\b\\f\\n\\r\\t\\ud83d\\ude00\u2028é"}]}',
        "lone surrogate": '{"pages":[{"index":0,"markdown":"a\\ud800b"}]}', "lone surrogate in a key": '{"pages":[{"index":0,"markdown":"m","\\udc00":1}]}', "surrogate dropped": '{"pages":[],"x":"\\ud800"}',
        "integer beyond 64 bits": '{"pages":[{"index":0,"markdown":"m","x":18446744073709551616}]}', "index beyond 64 bits": '{"pages":[{"index":123456789012345678901234567890,"markdown":"m"}]}', "big integer dropped": '{"pages":[],"x":123456789012345678901234567890}',
        "depth 254": '{"pages":[],"document_annotation":' + "[" * 253 + "]" * 253 + "}", "depth 255": '{"pages":[],"document_annotation":' + "[" * 254 + "]" * 254 + "}",
        "page depth 254": '{"pages":[{"index":0,"markdown":"m","x":' + '{"a":' * 251 + "1" + "}" * 251 + "}]}", "page depth 255": '{"pages":[{"index":0,"markdown":"m","x":' + '{"a":' * 252 + "1" + "}" * 252 + "}]}",
        "dropped depth 969": '{"pages":[],"x":' + "[" * 968 + "]" * 968 + "}", "dropped depth 970": '{"pages":[],"x":' + "[" * 969 + "]" * 969 + "}", "depth 970 object": '{"x":' + '{"a":' * 969 + "1" + "}" * 970,
    }
    cases += [case(f"text: {name}", answers=[ok(raw)]) for name, raw in raws.items()]
    text = json.dumps(OK_BODY).encode()
    json_type = ("content-type", "application/json")
    encodings = {
        "gzip": (gzip.compress(text, mtime=0), json_type, ("content-encoding", "gzip")), "deflate": (zlib.compress(text), json_type, ("content-encoding", "deflate")),
        "raw deflate": (zlib.compressobj(wbits=-15).compress(text) + b"", json_type, ("content-encoding", "deflate")), "unknown coding": (text, json_type, ("content-encoding", "zz")),
        "not gzip": (b"xx", json_type, ("content-encoding", "gzip")), "gzip twice": (gzip.compress(gzip.compress(text, mtime=0), mtime=0), json_type, ("content-encoding", "gzip, gzip")),
        "gzip ends early": (gzip.compress(text, mtime=0)[:-20], json_type, ("content-encoding", "gzip")), "utf-16": ('{"pages":[]}'.encode("utf-16"), json_type), "utf-16-be": ('{"pages":[]}'.encode("utf-16-be"), json_type),
        "utf-32": ('{"pages":[]}'.encode("utf-32-le"), json_type), "byte order mark": (b"\xef\xbb\xbf" + b"{}", json_type), "latin-1 declared": ('{"pages":[{"index":0,"markdown":"é"}]}'.encode(), ("content-type", "application/json; charset=latin-1")),
        "no content type": (text,), "html type": (text, ("content-type", "text/html")),
    }
    compressor = zlib.compressobj(wbits=-15)
    encodings["raw deflate"] = (compressor.compress(text) + compressor.flush(), json_type, ("content-encoding", "deflate"))
    cases += [case(f"bytes: {name}", answers=[raw_answer(200, body, *headers)]) for name, (body, *headers) in encodings.items()]
    cases += [case(f"status {status}", answers=[answer(status, OK_BODY)]) for status in (201, 202, 299)]
    return cases


def validation():
    good = {"index": 0, "markdown": "m"}

    def page(**changes):
        return {"pages": [{**good, **changes}]}

    def usage(**fields):
        return {"pages": [], "usage_info": fields}

    bodies = {
        "pages null": {"pages": None}, "pages object": {"pages": {}}, "pages text": {"pages": "x"}, "pages number": {"pages": 1}, "page kinds": {"pages": [1, "x", None, [1], True, 1.5]},
        "page empty": {"pages": [{}]}, "index missing": {"pages": [{"markdown": "m"}]}, "markdown missing": {"pages": [{"index": 1}]}, "index null": page(index=None), "index text": page(index="one"), "index fraction": page(index=1.5),
        "index list": page(index=[]), "index object": page(index={}), "index huge float": page(index=1e300), "index text fraction": page(index="5.5"), "index text exponent": page(index="1e3"), "index text empty": page(index=""),
        "index digits too many": page(index="9" * 4301), "index underscores": page(index="1__0"), "index signs": page(index="+-5"), "index arabic": page(index="٣"), "markdown null": page(markdown=None), "markdown number": page(markdown=5), "markdown list": page(markdown=["a"]),
        "markdown true": page(markdown=True), "images object": page(images={}), "images text": page(images="x"), "image kinds": page(images=[1, None, "x", []]), "image base64 number": page(images=[{"image_base64": 5}]), "bbox list": page(images=[{"bbox": [1, 2]}]),
        "bbox text": page(images=[{"bbox": "x"}]), "dimensions list": page(dimensions=[]), "dimensions text": page(dimensions="x"), "dimensions fields": page(dimensions={"dpi": "x", "height": 2.5, "width": []}), "model null": {"pages": [], "model": None},
        "model number": {"pages": [], "model": 5}, "model list": {"pages": [], "model": ["x"]}, "usage text": {"pages": [], "usage_info": "x"}, "usage list": {"pages": [], "usage_info": []}, "usage fields": usage(pages_processed="x", credits="x", doc_size_bytes=1e300, pages_processed_annotation=[]),
        "credits kinds": usage(credits=[]), "credits object": usage(credits={}), "many": {"pages": [{"index": "x"}] * 3, "model": 1, "usage_info": 2}, "long text": page(index="x" * 100), "long unicode": page(index="é" * 100), "long emoji": page(index="😀" * 40), "exactly fifty": page(index="x" * 48),
        "fifty one": page(index="x" * 49), "long object": {"pages": [{"markdown": "text " * 30, "images": [{"a": 1}]}]}, "quotes": page(index="it's"), "both quotes": page(index="it's \"x\""), "control": page(index="a\n\t\x00\x7f\u2028\xad"), "nested repr": {"pages": [{"a": [1, 2.5, None, True, "x"], "b": {}}]},
        "rate limit in a value": page(index="rate limit"), "429 in a value": page(index="429 x"), "error in a value": page(index="invalid_request_error"), "path in a value": page(index="/etc/passwd"), "key in a value": page(index="sk-abcdefghijklmnop1234"),
    }
    cases = [case(name, answers=[ok(body)]) for name, body in bodies.items()]
    raws = {"nan index": '{"pages":[{"index":NaN,"markdown":"m"}]}', "infinite index": '{"pages":[{"index":1e400,"markdown":"m"}]}', "surrogate index": '{"pages":[{"index":"\\ud800","markdown":"m"}]}', "big credits": '{"pages":[],"usage_info":{"credits":1' + "0" * 400 + "}}", "surrogate credits": '{"pages":[],"usage_info":{"credits":"\\ud800"}}', "limit float": '{"pages":[{"index":9223372036854775807.0,"markdown":"m"}]}'}
    return cases + [case(name, answers=[ok(raw)]) for name, raw in raws.items()]


def not_json():
    raws = {
        "empty": "", "space": " \n", "html": "<html>", "text": "hello", "list": "[]", "string": '"a"', "null": "null", "true": "true", "integer": "5", "float": "1.5", "nan": "NaN", "extra": "{} x", "two": "{}\n{}", "open object": "{", "open list": "[", "open list comma": "[1,",
        "trailing comma": '{"a":1,}', "trailing list comma": "[1,]", "no colon": '{"a" 1}', "no value": '{"a":}', "no comma": '{"a":1 "b":2}', "single quotes": "{'a':1}", "bare key": "{a:1}", "open string": '{"a":"b', "open key": '{"a', "newline in string": '{"a":"b\nc"}', "tab in string": '["\t"]',
        "bad escape": '["\\x"]', "short unicode": '["\\u12"]', "bad unicode": '["\\u12zz"]', "ends in escape": '["\\', "ends in unicode": '["\\u', "minus": "-", "plus": "+1", "leading zero": "01", "point": "1.", "exponent": "1e", "word": "nul", "infinity": "-Infinity", "multi line": '{\n "a": 1,\n "b": é\n}',
        "after emoji": '["😀" x]', "long integer": "[" + "9" * 4301 + "]", "integer at limit": '{"x":' + "9" * 4300 + "}", "comma first": "[,]", "colon first": "{:}", "close": "}", "hash": "# x", "mark inside": "\ufeff\ufeff{}",
    }
    cases = [case(name, answers=[ok(raw)]) for name, raw in raws.items()]
    binaries = {"bad start": b"{\xff", "bad continuation": b'{"a":"\xe9x"}', "cut character": b'{"a":"\xe2\x82', "surrogate bytes": b'["\xed\xa0\x80"]', "overlong": b"\xc0\xaf", "too high": b"\xf4\x90\x80\x80", "utf-16 odd": b"{\x00}\x00\x20", "utf-16 marked odd": b"\xff\xfe{\x00}", "zero byte": b"\x00", "two zero bytes": b"\x00\x00", "f5": b"\xf5abc", "continuation first": b"\x80"}
    return cases + [case(f"bytes: {name}", answers=[raw_answer(200, body, ("content-type", "application/json"))]) for name, body in binaries.items()]


def statuses():
    mistral = {"object": "error", "message": "Something about the document", "type": "invalid_file", "param": None, "code": "3051"}
    fastapi = {"detail": [{"type": "missing", "loc": ["body", "document"], "msg": "Field required", "input": {"a": "é"}}]}
    cases = []
    for status in (400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 413, 415, 418, 422, 424, 425, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 520, 522, 524, 529, 599):
        cases.append(case(f"{status} mistral", answers=[answer(status, mistral)]))
    for status in (400, 401, 404, 422, 429, 500, 503):
        cases.append(case(f"{status} fastapi", answers=[answer(status, fastapi)]))
        cases.append(case(f"{status} html", answers=[answer(status, "<html>\n<h1>é</h1></html>", "text/html")]))
        cases.append(case(f"{status} empty", answers=[answer(status, "")]))
        cases.append(case(f"{status} not an object", answers=[answer(status, "[1, null]")]))
        cases.append(case(f"{status} broken json", answers=[answer(status, '{"message": "x')]))
    cases += [case(f"{status} no redirect", answers=[answer(status, "moved")]) for status in (300, 301, 307)]
    headers = [["retry-after", "1"], ["x-ratelimit-limit-requests", "5"], ["set-cookie", "a=b"], ["x-request-id", "r"]]
    cases.append(case("429 with headers", answers=[answer(429, mistral, headers=headers)]))
    cases.append(case("503 with headers", answers=[answer(503, mistral, headers=headers)]))
    cases.append(case("200 with headers", answers=[answer(200, OK_BODY, headers=headers)]))
    binary = {"latin-1": (b"caf\xe9", "text/plain; charset=latin-1"), "latin-1 undeclared": (b"caf\xe9", "text/plain"), "ascii": (b"caf\xe9", 'text/plain; charset="us-ascii"'), "unknown charset": (b"caf\xe9 \xc3\xa9", "text/plain; charset=klingon"), "windows-1252": (b"\x80\x93x\x81", "text/plain; charset=windows-1252"), "broken utf-8": (b"a\xffb\xe2\x82c\xf0\x9f\x98", "application/json"), "iso": (b"\xe9", "text/html; charset=ISO-8859-1"), "mark": (b"\xef\xbb\xbfx", "text/plain")}
    cases += [case(f"400 charset: {name}", answers=[raw_answer(400, body, ("content-type", content_type))]) for name, (body, content_type) in binary.items()]
    cases.append(case("400 gzip", answers=[raw_answer(400, gzip.compress(b'{"message":"zipped"}', mtime=0), ("content-encoding", "gzip"))]))
    cases.append(case("400 not gzip", answers=[raw_answer(400, b"xx", ("content-encoding", "gzip"))]))
    cases.append(case("400 control characters", answers=[answer(400, "a\x00\x1f\x7f\u2028\u2029\"\\\b\f\r\n\t<>&'/")]))
    cases.append(case("500 long", answers=[answer(500, "long text " * 5000)]))
    return cases


def phrases():
    texts = {
        "rate limit": (500, "rate limit reached"), "rate-limit": (400, "Rate-Limit"), "ratelimit": (503, "RATELIMIT"), "rate _- limit": (400, "rate _-\n limit"), "429 word at 500": (500, "error 429"), "429 word at 429": (429, "error 429"), "capacity": (400, "Service tier capacity exceeded for this model."),
        "context 1": (400, "This model's maximum context length is 5 tokens"), "context 2": (422, "prompt exceed context limit"), "context 3": (500, "Current length is 5 while limit is 4"), "context 4": (400, "Maximum input length is 5 tokens"), "context excluded": (400, "string_above_max_length: exceed context limit"), "context excluded user": (400, "Invalid 'user': string too long. Expected a string with maximum length 64"), "context string": (400, "string too long. expected a string with maximum length 5"), "context gemini": (400, "exceeds the maximum number of tokens allowed"),
        "not found": (400, "invalid_request_error model_not_found"), "not found 500": (500, "invalid_request_error model_not_found"), "timeout": (500, "A timeout occurred"), "timeout 504": (504, "A timeout occurred"), "policy 1": (400, "invalid_request_error content_policy_violation"), "policy 2": (500, "Invalid prompt violating our usage policy"), "policy 3": (422, "Your Request was rejected as a result of the Safety System"), "encrypted": (400, "invalid_encrypted_content"), "verified": (500, "signature could not be verified"),
        "invalid request": (500, '{"type":"invalid_request_error"}'), "invalid request 404": (404, '{"type":"invalid_request_error"}'), "invalid request 401": (401, "invalid_request_error Incorrect API key provided"), "web server": (400, "Web server is returning an unknown error"), "processing": (400, "The server had an error processing your request."), "too large": (413, "Request too large"), "api key": (400, "The api_key client option must be set either by passing api_key to the client or by setting the OPENAI_API_KEY environment variable"), "streaming": (400, "Mistral API raised a streaming error"), "streaming 503": (503, "Mistral API raised a streaming error"),
        "request timed out": (400, "Request timed out"), "request timeout error": (500, "Request Timeout Error"), "generating": (429, "Timed out generating response"), "read": (502, "The read operation timed out"), "openai": (400, "OPENAI openai.OpenAIError OPENAI"), "no deployments": (400, "No deployments available for you"), "no healthy": (500, "No healthy deployment available"), "tags": (400, "Not allowed to access model due to tags configuration"), "timed out with key": (400, "Request timed out sk-abcdefghijklmnop1234"), "bad request bug": (400, "BadRequestError.__init__() missing 1 required positional argument: 'param'"),
        "traceback": (500, "oops\nTraceback (most recent call last):\n  File x"), "turkish": (400, "RATE LİMİT"), "429 joined": (429, "x429 429x"),
    }
    return [case(name, answers=[answer(status, text, "text/plain")]) for name, (status, text) in texts.items()]


def redaction():
    texts = {
        "query key": "a key=abc&b", "paths": "/etc/passwd /home/x/y, '/tmp/a b' /var/ /usr/lib", "windows": "C:\\Users\\x and d:\\y", "addresses": "10.0.0.1 172.16.3.4 172.32.3.4 192.168.1.1 127.0.0.1:8000 8.8.8.8 1127.0.0.1", "hosts": "a.internal b.local c.d.corp x.private e.locale LAN x.lan",
        "bearer": "Authorization: Bearer abcdefghij.klm-no_p~q+r/s==", "basic": "Basic dXNlcjpwYXNzd29yZA==", "sk": "sk-abcdefghijklm sk-abcdefghijkl", "aws": "AKIAABCDEFGHIJKLMNOP", "google": "AIza" + "a" * 35, "api key": "api_key: abcdefgh, 'api-key': 'x' apikey=short", "password": "password=hunter2 my_secret: x;y {\"client_secret\": \"v\"}", "database": "postgres://user:pass@host/db",
        "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", "signature": "https://x/y?sig=abc%3D&se=1", "token query": "https://x/?access_token=abc&x=1", "tokens": "access_token: abc refresh_token='x'", "pem": "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", "service account": '{"type": "service_account", "x": {"y": 1}}', "databricks": "dapi" + "0" * 32, "litellm key": "litellm.openai_key=abc", "mixed": "key=AIza /opt/x sk-1234567890123 b.internal Bearer 12345678901",
        "unicode": "pässword: x ſk-abcdefghijklmnop é/etc/é", "ya29": "ya29.abc_def", "webhook": "slack_webhook_url=https://hooks/x", "url credentials": "see https://a:b@c.d/ and x://:@", "separator": "password\x1f=\x1fx y", "kelvin": "api_\u212aey: abcdefgh",
    }
    return [case(name, answers=[answer(400, text, "text/plain")]) for name, text in texts.items()]


def costs():
    cases = []
    for model in ("mistral-ocr-latest", "mistral-ocr-2512", "mistral-ocr-3", "mistral/mistral-ocr-4-0", "MISTRAL-OCR-2512", "azure_ai/mistral-ocr-4-0", "vertex_ai/mistral-ocr-2505", "reducto/parse-v3", "parse-v3", "gpt-4o", "x/mistral-ocr-2512", "x/y/mistral-ocr-2512", "mistral/x", "ft:mistral-ocr-2512:a:b:c", "nothing", "/", "mistral/"):
        cases.append(case(f"model {model}", answers=[ok({"pages": [], "model": model, "usage_info": {"pages_processed": 3, "pages_processed_annotation": 2}})]))
    usages = {"none": None, "empty": {}, "zero": {"pages_processed": 0}, "null": {"pages_processed": None, "pages_processed_annotation": 4}, "annotations only": {"pages_processed_annotation": 4}, "credits": {"credits": 2.5, "pages_processed": 1}, "many": {"pages_processed": 1234567}, "negative": {"pages_processed": -3}, "seven": {"pages_processed": 7, "pages_processed_annotation": 3}, "thirty": {"pages_processed": 30}}
    for name, usage in usages.items():
        for model in ("mistral-ocr-2505-completion", "unknown"):
            cases.append(case(f"usage {name} on {model}", answers=[ok({"pages": [], "model": model, "usage_info": usage})]))
    cases.append(case("usage none on an unknown deployment", "ocr-unpriced", answers=[ok({"pages": [], "usage_info": {}})]))
    cases.append(case("model missing", "ocr-2512", answers=[ok({"pages": [], "usage_info": {"pages_processed": 2}})]))
    cases.append(case("slash without pages", "ocr", answers=[ok({"pages": [], "model": "x/mistral-ocr-2512", "usage_info": {}})]))
    return cases


def failures():
    body = json.dumps(OK_BODY)
    return [
        case("closed", answers=[{"failure": "close"}]), case("reset", answers=[{"failure": "reset"}]), case("refused", "ocr-refused"), case("slow", "ocr-quick", answers=[ok(delay=1.0)]),
        case("slow by request", body={"model": "ocr", "document": URL, "timeout": 0.3}, answers=[ok(delay=1.0)]), case("cut", answers=[ok(cut=10)]), case("cut at once", answers=[ok(cut=0)]), case("cut error", answers=[answer(500, body, cut=5)]),
        case("cut chunk", answers=[{"status": 200, "chunked": True, "headers": [["transfer-encoding", "chunked"]], "body": "5\r\n{\"a\"", "cut": 30}]), case("redirects without end", answers=[{"status": 307, "headers": [["location", "/v1/elsewhere"]], "body": ""}]),
    ]


def deployment_cases():
    cases = [case(group, group) for group in ("ocr-2512", "ocr-unpriced", "ocr-bare-base", "ocr-slash-base", "ocr-path-base", "ocr-query-base", "ocr-options", "ocr-headers")]
    cases.append(case("client option wins", "ocr-options", body={"model": "ocr-options", "document": URL, "pages": None, "table_format": "html"}))
    cases.append(case("client headers replace", "ocr-headers", body={"model": "ocr-headers", "document": URL, "extra_headers": {"x-of-client": "1"}}))
    cases.append(case("client null headers replace", "ocr-headers", body={"model": "ocr-headers", "document": URL, "extra_headers": None}))
    cases.append(case("error names the group", "ocr-2512", answers=[answer(500, "x")]))
    return cases
