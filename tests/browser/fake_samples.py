"""Samples for the fake admin API: small, with retries, huge, without content."""

import copy
import json

from fake_states import at, hashed

MARKDOWN = "# Invoice 2291\n\nHarbour Timber Ltd. bills 14 crates of larch, cut to 2.4 m.\n\n| item | amount |\n| --- | --- |\n| larch | 1 204.00 |\n| cutting | 88.50 |\n\nPayable within 30 days."


def structure(value):
    """The shape of `value`, each leaf replaced by its type, length and keyed hash."""
    if isinstance(value, dict):
        return {key: structure(child) for key, child in value.items()}
    if isinstance(value, list):
        return [structure(child) for child in value]
    if isinstance(value, str):
        return f"string({len(value)}) {hashed(value)[:10]}"
    return "null" if value is None else "boolean" if isinstance(value, bool) else f"number {hashed(str(value))[:10]}"


def part(body, headers, content="on", **line):
    text = body if isinstance(body, str) else json.dumps(body)
    return {**line, "headers": headers, "body_bytes": len(text), "body_hash": hashed(text), "body": body if content == "on" else None, "structure": structure(body)}


def page(index, markdown=MARKDOWN):
    return {"index": index, "markdown": markdown, "images": [], "dimensions": {"dpi": 200, "height": 2200, "width": 1700}}


def request_part(content="on", model="mistral-ocr-latest", **extra):
    body = {"model": model, "document": {"type": "document_url", "document_url": "https://files.example.com/invoices/2291.pdf"}, "include_image_base64": False, **extra}
    headers = [["authorization", "Bearer [replaced]"], ["content-type", "application/json"], ["user-agent", "litellm/1.102.4"], ["accept", "*/*"]]
    return part(body, headers, content, method="POST", url="https://api.mistral.ai/v1/ocr")


RESPONSE_HEADERS = [["content-type", "application/json"], ["x-litellm-call-id", "6c0f2e19-9f5e-4a52-8a56-3a2e52f3e7e0"], ["x-litellm-model-id", "b1946ac92492d234"],
                    ["x-litellm-version", "1.102.4"], ["x-litellm-response-cost", "0.001"], ["x-litellm-key-spend", "0.0"], ["x-ratelimit-remaining-requests", "59"]]


def answer(pages, content="on", headers=None, status=200, processed=None):
    body = {"pages": pages, "model": "mistral-ocr-2505-completion", "document_annotation": None,
            "usage_info": {"pages_processed": len(pages) if processed is None else processed, "doc_size_bytes": 48213}, "object": "ocr"}
    return part(body, headers or RESPONSE_HEADERS, content, status=status)


def difference(path, kind, severity, left, right, side="client_response", attempt=0, noise=False, rule=None):
    return {"side": side, "attempt": attempt, "path": path, "kind": kind, "severity": severity, "left": left, "right": right, "noise": noise, "rule": rule}


def head(identity, verdict, summary, differences=0, lane="ocr:mistral", ago=95.0, codes=(200, 200), shape="document_url"):
    return {"id": identity, "at": at(ago), "lane": lane, "verdict": verdict, "shape": shape, "status_control": codes[0], "status_candidate": codes[1], "differences": differences, "summary": summary}


def sample(heading, attempts, control, candidate, differences, content="on", text_diff=()):
    return {**heading, "content": content, "attempts": attempts, "control": control, "candidate": candidate, "differences": differences, "text_diff": list(text_diff),
            "client_request": part({"model": "ocr", "document": {"type": "document_url", "document_url": "https://files.example.com/invoices/2291.pdf"}},
                                   [["content-type", "application/json"], ["authorization", "Bearer [replaced]"]], content, method="POST", url="/v1/ocr")}


def attempt(number, control, candidate, response):
    return {"n": number, "control": control, "candidate": candidate, "provider_response": response}


def matching():
    pages = [page(0), page(1)]
    left = request_part()
    right = copy.deepcopy(answer(pages))
    right["headers"][1][1] = "0d3b5c66-1f2e-4b8b-b3a6-9d1f0a9e77c4"
    return sample(head("s-match", "match", "Both legs answered 200 with 2 pages"), [attempt(0, left, copy.deepcopy(left), answer(pages))], answer(pages), right, [])


def mismatching(content="on", identity="s-mismatch", lane="ocr:vertex_ai:mistral-ocr-2505"):
    changed = MARKDOWN.replace("1 204.00", "1204.0")
    differences = [
        difference("$.usage_info.pages_processed", "type", "severe", 3, "3"),
        difference("$.pages[0].markdown", "changed", "high", "…larch | 1 204.00 |…", "…larch | 1204.0 |…"),
        difference("$.pages[2]", "missing", "severe", {"index": 2}, None),
        difference("headers.x-litellm-response-cost", "changed", "medium", "0.001", "0.003"),
        difference("headers.x-litellm-call-id", "changed", "low", "6c0f2e19-9f5e-4a52-8a56-3a2e52f3e7e0", "0d3b5c66-1f2e-4b8b-b3a6-9d1f0a9e77c4", noise=True),
        difference("$.document.document_url", "changed", "severe", "https://files.example.com/invoices/2291.pdf", "https://files.example.com/invoices/2291.PDF", side="provider_request"),
        difference("$.pages_limit", "extra", "high", None, 100, side="provider_request"),
    ]
    left = answer([page(0), page(1), page(2, "Terms of trade.")], content)
    right = answer([page(0, changed), page(1)], content, processed="3", headers=[[name, {"x-litellm-response-cost": "0.003", "x-litellm-call-id": "0d3b5c66-1f2e-4b8b-b3a6-9d1f0a9e77c4"}.get(name, value)] for name, value in RESPONSE_HEADERS])
    sent = request_part(content, pages_limit=100)
    if content == "on":
        sent["body"]["document"]["document_url"] = "https://files.example.com/invoices/2291.PDF"
    text = [{"tag": "equal", "text": MARKDOWN.split("1 204.00")[0]}, {"tag": "delete", "text": "1 204.00"}, {"tag": "insert", "text": "1204.0"}, {"tag": "equal", "text": MARKDOWN.split("1 204.00")[1]}]
    heading = head(identity, "mismatch", "usage_info.pages_processed changed its type, and 5 more", len(differences), lane, 740)
    if content == "off":
        differences = [{**item, "left": structure(item["left"]), "right": structure(item["right"])} for item in differences]
        text = []
    return sample(heading, [attempt(0, request_part(content), sent, left)], left, right, differences, content, text)


def with_attempts():
    error = part({"object": "error", "message": "Service unavailable", "type": "internal_server_error", "code": "3800"}, [["content-type", "application/json"], ["retry-after", "2"]], status=500)
    gateway = part("<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>", [["content-type", "text/html"]], status=502)
    body = {"error": {"message": "litellm.InternalServerError: MistralException - Service unavailable. Received Model Group=ocr", "type": None, "param": None, "code": "500"}}
    other = {"error": {**body["error"], "message": body["error"]["message"] + "\nAvailable Model Group Fallbacks=None", "type": "None"}}
    differences = [
        difference("$.error.message", "changed", "low", body["error"]["message"], other["error"]["message"], rule="defect: elapsed times and group names inside messages"),
        difference("$.error.type", "type", "high", None, "None"),
        difference("headers.user-agent", "changed", "medium", "litellm/1.102.4", "crossfade/0.1.0", side="provider_request", attempt=1),
    ]
    second = request_part()
    second["headers"] = [[name, "crossfade/0.1.0" if name == "user-agent" else value] for name, value in second["headers"]]
    return sample(head("s-attempts", "mismatch", "The third provider request was never made", len(differences), "ocr:mistral", 4000, (500, 500), "document_url+retried"),
                  [attempt(0, request_part(), request_part(), error), attempt(1, request_part(), second, gateway), attempt(2, request_part(), None, error)],
                  part(body, [["content-type", "application/json"], ["x-litellm-attempted-retries", "2"]], status=500), part(other, [["content-type", "application/json"], ["x-litellm-attempted-retries", "2"]], status=500), differences)


def headers_only():
    pages = [page(0)]
    right = answer(pages, headers=[pair for pair in RESPONSE_HEADERS if pair[0] != "x-litellm-response-cost"])
    return sample(head("s-headers", "mismatch", "x-litellm-response-cost is missing", 1, "ocr:azure_ai", 61), [attempt(0, request_part(), request_part(), answer(pages))],
                  answer(pages), right, [difference("headers.x-litellm-response-cost", "missing", "medium", "0.001", None)])


def huge():
    words = "The quick survey of the northern pier found the decking sound and the piles in need of sleeves. "
    image = "iVBORw0KGgo" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 400
    left_pages = [{**page(number, words * 24), "images": [{"id": f"img-{number}-{index}.png", "top_left_x": 1.5 * index, "image_base64": image} for index in range(3)]} for number in range(180)]
    right_pages = copy.deepcopy(left_pages)
    right_pages[97]["markdown"] = right_pages[97]["markdown"][:1300] + "piles, all of them, in need of" + right_pages[97]["markdown"][1320:]
    right_pages[141]["images"][2]["id"] = "img-141-3.png"
    left, right = answer(left_pages), answer(right_pages)
    left["body"]["pages"][12]["dimensions"]["dpi"] = 200.0
    differences = [
        difference("$.pages[97].markdown", "changed", "high", "…sound and the piles in need of sleeves…", "…piles, all of them, in need of…"),
        difference("$.pages[141].images[2].id", "changed", "severe", "img-141-2.png", "img-141-3.png"),
        difference("$.pages[12].dimensions.dpi", "spelling", "low", "200.0", "200", rule="number spelling, until 2027-01-01"),
    ]
    text = [{"tag": "equal", "text": (words * 24)[:1300]}, {"tag": "delete", "text": "and the piles in nee"}, {"tag": "insert", "text": "piles, all of them, in need of"}, {"tag": "equal", "text": (words * 24)[1320:]}]
    return sample(head("s-huge", "mismatch", "2 of 180 pages differ", 3, "ocr:azure_ai", 12, shape="document_base64+images"), [attempt(0, request_part(), request_part(), left)], left, right, differences, "on", text)


STREAM_HEADERS = [["content-type", "text/event-stream; charset=utf-8"], *RESPONSE_HEADERS[1:]]


def streamed(words, content="on", ends=True):
    """An answer as events, with the message that they add up to."""
    def event(kind, **data):
        return {"event": kind, "data": {"type": kind, **data}}

    events = [event("message_start", message={"id": "msg_01", "role": "assistant", "content": [], "usage": {"input_tokens": 41, "output_tokens": 1}}),
              event("content_block_start", index=0, content_block={"type": "text", "text": ""}), event("ping"),
              *(event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words),
              event("content_block_stop", index=0), event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9})]
    events += [event("message_stop")] if ends else []
    frames = "".join(f"event: {one['event']}\ndata: {json.dumps(one['data'])}\n\n" for one in events)
    message = {"id": "msg_01", "role": "assistant", "content": [{"type": "text", "text": "".join(words)}], "usage": {"input_tokens": 41, "output_tokens": 9}, "stop_reason": "end_turn"}
    made = part({"message": message, "events": events, "frames": frames}, STREAM_HEADERS, content, status=200)
    return {**made, "streams": True, "body_bytes": len(frames)}


def streams(content="on", identity="s-stream"):
    words = ["The ", "tide ", "turns ", "at ", "six", ", ", "and ", "the ", "harbour ", "opens ", "an ", "hour ", "before ", "that", "."]
    other = [*words[:4], "seven", *words[5:9], "gate ", *words[9:]]
    differences = [
        difference("$.message.content[0].text", "changed", "high", "The tide turns at six, …", "The tide turns at seven, …"),
        difference("$.events[7].data.delta.text", "changed", "high", "six", "seven"),
        difference("$.events[12]", "extra", "high", None, {"event": "content_block_delta"}),
        difference("$.events[20]", "missing", "high", {"event": "message_stop"}, None),
    ]
    if content == "off":
        differences = [{**item, "left": None, "right": None} for item in differences]
    text = [{"tag": "equal", "text": "The tide turns at "}, {"tag": "delete", "text": "six"}, {"tag": "insert", "text": "seven"}, {"tag": "equal", "text": ", and the harbour "}, {"tag": "insert", "text": "gate "}, {"tag": "equal", "text": "opens an hour before that."}]
    asked = part({"model": "claude-sonnet-4-5", "max_tokens": 200, "stream": True, "messages": [{"role": "user", "content": "When does the tide turn?"}]}, [["content-type", "application/json"]], content, method="POST", url="https://api.anthropic.com/v1/messages")
    return sample(head(identity, "mismatch", "$.message.content[*].text differs", 4, "messages:anthropic", 30, shape="stream"), [attempt(0, asked, copy.deepcopy(asked), streamed(words, content))],
                  streamed(words, content), streamed(other, content, ends=False), differences, content, [] if content == "off" else text)


def all_samples() -> dict:
    made = [matching(), mismatching(), mismatching("off", "s-off", "ocr:mistral"), with_attempts(), headers_only(), huge(), streams(), streams("off", "s-stream-off")]
    return {entry["id"]: entry for entry in made}


def heads(lane_id: str) -> list:
    listed = [
        head("s-mismatch", "mismatch", "usage_info.pages_processed changed its type, and 5 more", 7, lane_id, 740),
        head("s-attempts", "mismatch", "The third provider request was never made", 3, lane_id, 4000, (500, 500), "document_url+retried"),
        head("s-off", "tolerated", "error message carries an elapsed time", 1, lane_id, 4600, (408, 408), "image_url"),
    ]
    shapes = ["document_url", "image_url", "document_base64", "file+multipart", "document_url+annotation_format"]
    return listed + [head(f"s-match~{number}", "match", "Both legs answered 200", 0, lane_id, 60 * number + 14, shape=shapes[number % 5]) for number in range(14)]
