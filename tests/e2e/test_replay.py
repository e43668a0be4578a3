"""`crossfade replay`: cases on the native leg, against a LiteLLM whose provider is the tap in replay, and against what was recorded."""
import json
import xml.etree.ElementTree as xml

import pytest

from harness import litellm
from harness.crossfade import command_line, tapped_config
from harness.http import JSON_TYPE, ask, bearer
from harness.processes import free_port
from chat_cases import ASKS_USAGE, PARALLEL, TOOL, WHOLE, completion
from chat_cases import refused as refused_chat
from ocr_cases import GOOD

pytestmark = pytest.mark.crossfade
NOWHERE = "http://127.0.0.1:9"
SAID = [
    {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [], "stop_reason": None,
                                          "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Grüße"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
]
STREAM = "".join(f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n" for event in SAID)
MESSAGE = {**SAID[0]["message"], "content": [{"type": "text", "text": "Grüße"}], "stop_reason": "end_turn", "usage": {"input_tokens": 9, "output_tokens": 4}}
EVENTS = {"headers": [["content-type", "text/event-stream; charset=utf-8"], ["request-id", "req_1"]]}
DOCUMENT = {"headers": [["content-type", "application/json"]]}


def ask_claude(**options) -> dict:
    return {"path": "/v1/messages", "body": {"json": {"model": "claude", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}], **options}}}


def ask_scan(**options) -> dict:
    return {"path": "/v1/ocr", "body": {"json": {"model": "scan", "document": {"type": "document_url", "document_url": "https://example.org/a.pdf"}, **options}}}


def ask_chat(model: str, **options) -> dict:
    return {"path": "/v1/chat/completions", "body": {"json": {"model": model, "messages": [{"role": "user", "content": "hi"}], **options}}}


def chat_cases() -> list[dict]:
    """Chat completions on both of their providers."""
    refused = {"status": 400, **DOCUMENT, "body": {"json": refused_chat(400)["body"]}}
    broken = {"status": 500, **DOCUMENT, "body": {"text": "no"}}
    whole, chunks, calls = {**DOCUMENT, "body": {"json": completion()}}, "".join(WHOLE), "".join(PARALLEL)
    pieces = [{"bytes": length, "at_ms": at} for at, length in enumerate([1, 5, 300, 200, 7])]
    return [
        {"id": "a completion", "request": ask_chat("gpt"), "tape": [whole]},
        {"id": "a completion with tools", "request": ask_chat("gpt", tools=[TOOL], temperature=0.5), "tape": [whole]},
        {"id": "a chat stream", "request": ask_chat("gpt", stream=True), "tape": [{**EVENTS, "body": {"text": chunks}}]},
        {"id": "a chat stream with usage", "request": ask_chat("gpt", stream=True, **ASKS_USAGE), "tape": [{**EVENTS, "body": {"text": chunks}}]},
        {"id": "calls in pieces", "request": ask_chat("gpt", stream=True, tools=[TOOL]), "tape": [{**EVENTS, "body": {"text": calls}, "pieces": pieces}]},
        {"id": "a chat stream that is cut", "request": ask_chat("gpt", stream=True), "tape": [{**EVENTS, "body": {"text": chunks[:900]}, "cut": "cut_chunked"}]},
        {"id": "an error before a chat stream", "request": ask_chat("gpt", stream=True), "tape": [refused]},
        {"id": "a completion, retried", "request": ask_chat("gpt"), "tape": [broken, whole]},
        {"id": "a completion, given up", "request": ask_chat("gpt"), "tape": [broken] * 3},
        {"id": "a completion of Claude", "request": ask_chat("claude"), "tape": [{**DOCUMENT, "body": {"json": MESSAGE}}]},
        {"id": "a chat stream of Claude", "request": ask_chat("claude", stream=True), "tape": [{**EVENTS, "body": {"text": STREAM}}]},
        {"id": "a chat stream of Claude in pieces", "request": ask_chat("claude", stream=True, **ASKS_USAGE), "tape": [{**EVENTS, "body": {"text": STREAM}, "pieces": pieces}]},
        {"id": "a chat stream of Claude that is cut", "request": ask_chat("claude", stream=True), "tape": [{**EVENTS, "body": {"text": STREAM[:700]}, "cut": "cut_chunked"}]},
        {"id": "no answer of Claude", "request": ask_chat("claude"), "tape": [{"failure": "closed"}] * 3},
        {"id": "chat left to Python", "request": ask_chat("gpt", tags=["a"]), "tape": [whole]},
    ]


def cases() -> list[dict]:
    overloaded = {"status": 529, **DOCUMENT, "body": {"json": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}}}
    broken = {"status": 500, **DOCUMENT, "body": {"text": "no"}}
    pieces = [{"bytes": length, "at_ms": at} for at, length in enumerate([1, 5, 300, 200, 7])]
    return [
        {"id": "a message", "request": ask_claude(), "tape": [{**DOCUMENT, "body": {"json": MESSAGE}}]},
        {"id": "a stream", "request": ask_claude(stream=True), "tape": [{**EVENTS, "body": {"text": STREAM}}]},
        {"id": "a stream in pieces", "request": ask_claude(stream=True), "tape": [{**EVENTS, "body": {"text": STREAM}, "pieces": pieces}]},
        {"id": "a stream that is cut", "request": ask_claude(stream=True), "tape": [{**EVENTS, "body": {"text": STREAM[:700]}, "cut": "cut_chunked"}]},
        {"id": "an error before a stream", "request": ask_claude(stream=True), "tape": [{"status": 400, **DOCUMENT, "body": {"json": {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}}}]},
        {"id": "retried", "request": ask_claude(), "tape": [overloaded, {**DOCUMENT, "body": {"json": MESSAGE}}]},
        {"id": "a document", "request": ask_scan(pages=[0]), "tape": [{**DOCUMENT, "body": {"json": GOOD}}]},
        {"id": "given up", "request": ask_scan(), "tape": [broken] * 3},
        {"id": "no answer", "request": ask_scan(), "tape": [{"failure": "closed"}] * 3},
        {"id": "left to Python", "request": ask_claude(tags=["a"]), "tape": [{**DOCUMENT, "body": {"json": MESSAGE}}]},
        *chat_cases(),
    ]


@pytest.fixture(scope="module")
def config(work):
    models = [
        litellm.deployment("claude", "anthropic/claude-sonnet-4-5", NOWHERE),
        litellm.deployment("gpt", "openai/gpt-4o", f"{NOWHERE}/v1"),
        litellm.deployment("scan", "mistral/mistral-ocr-latest", f"{NOWHERE}/v1"),
    ]
    # Quick retries: the waits are LiteLLM's own.
    return litellm.LiteLlm(work, "replayed", litellm.config(models, router_settings={"disable_cooldowns": True})).config


@pytest.fixture(scope="module")
def tapped_litellm(work, config):
    """LiteLLM on the tapped configuration, and the tap's port. Its providers are nowhere."""
    port = free_port()
    running = litellm.LiteLlm(work, "replayed-tapped", tapped_config(config, f"http://127.0.0.1:{port}", work / "replayed-tapped.yaml")).start()
    yield running.ready(), port
    running.stop()


def replay(file, config, *arguments, format="json"):
    done = command_line("replay", str(file), "--config", str(config), "--rules", "/nonexistent", "--format", format, *arguments, timeout=240)
    return done, json.loads(done.stdout) if format == "json" and done.stdout else done.stdout


def write(path, lines):
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return path


def test_against_a_running_litellm(tapped_litellm, config, tmp_path):
    running, port = tapped_litellm
    file = write(tmp_path / "cases.jsonl", cases())
    done, report = replay(file, config, "--against", running.url, "--tap", f"127.0.0.1:{port}")
    verdicts = {case["id"]: case["verdict"] for case in report["cases"]}
    assert verdicts == {case["id"]: "declined" if "left to Python" in case["id"] else "match" for case in cases()}, json.dumps(report, indent=1)[:6000]
    assert done.returncode == 0, done.stderr
    left = write(tmp_path / "left.jsonl", [case for case in cases() if "left to Python" in case["id"]])
    done, _ = replay(left, config, "--against", running.url, "--tap", f"127.0.0.1:{port}", "--strict")
    assert done.returncode == 1, "with --strict a decline is a fault"


# By the group of slots: what is asked, what the provider answers, and a change of LiteLLM's answer.
RECORDED = {
    "ocr": (ask_scan(), {**DOCUMENT, "body": {"json": GOOD}}, ('"markdown"', '"markup"')),
    "claude": (ask_claude(), {**DOCUMENT, "body": {"json": MESSAGE}}, ('"role"', '"rule"')),
    "claude-chat": (ask_chat(""), {**DOCUMENT, "body": {"json": MESSAGE}}, ('"role"', '"rule"')),
    "chat": (ask_chat(""), {**DOCUMENT, "body": {"json": completion()}}, ('"role"', '"rule"')),
    "chat-stream": (ask_chat("", stream=True), {**EVENTS, "body": {"text": "".join(WHOLE)}}, ("Zw", "Zv")),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_cases(name, python, mock, slot, tmp_path):
    """What LiteLLM answers now, replayed later without it; and the same with one word changed."""
    request, provided, (word, changed) = RECORDED[name]
    [(kind, content)] = provided["body"].items()
    mock.script(f"slot-{slot}", {"headers": provided["headers"], "body" if kind == "json" else "text": content})
    body = {**request["body"]["json"], "model": f"{name.split('-')[0]}-slot-{slot}"}
    answered = ask(python.url, "POST", request["path"], [*bearer(), JSON_TYPE], json.dumps(body).encode())
    assert answered.status == 200 and word in answered.text(), answered.text()
    # On some routes the client is told all that the provider said.
    told = [[name.removeprefix("llm_provider-"), value] for name, value in answered.headers if name.startswith("llm_provider-")]
    provided = {**provided, "headers": told or provided["headers"]}
    case = {
        "id": "recorded", "request": {"path": request["path"], "body": {"json": body}}, "tape": [provided],
        "control": {"status": 200, "headers": [list(pair) for pair in answered.headers], "body": {"text": answered.text()}},
    }
    spoilt = {**case, "id": "spoilt <&>", "control": {**case["control"], "body": {"text": answered.text().replace(word, changed, 1)}}}
    prices = tmp_path / "prices.json"
    prices.write_bytes(ask(python.url, "GET", "/public/litellm_model_cost_map").body)
    done, report = replay(write(tmp_path / "one.jsonl", [case]), python.config, "--price-map", str(prices))
    assert (done.returncode, report["summary"]["match"]) == (0, 1), (done.stderr, report)
    both = write(tmp_path / "two.jsonl", [case, spoilt])
    done, text = replay(both, python.config, "--price-map", str(prices), format="junit")
    suite = xml.fromstring(text).find("testsuite")
    assert done.returncode == 1
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite.findall("testcase")[1].get("name") == "spoilt <&>"
    done, text = replay(both, python.config, "--price-map", str(prices), format="text")
    assert "mismatch   spoilt <&>" in text and "cases 2 · match 1" in text, text


@pytest.mark.parametrize("content, expected", [
    ("", "holds no case"),
    ("{\n", "line 1"),
    ('{"id":"a","request":{"path":"/x","zzz":1}}\n', "zzz"),
    ('{"id":"a","request":{"path":"/v1/ocr","body":{"base64":"?"}}}\n', "no base64"),
])
def test_bad_cases_are_named(content, expected, config, tmp_path):
    file = tmp_path / "bad.jsonl"
    file.write_text(content)
    done, _ = replay(file, config, "--price-map", "/dev/null", format="text")
    assert done.returncode == 1 and expected in done.stderr, done.stderr


def test_without_a_price_map_it_says_what_it_needs(config, tmp_path):
    done, _ = replay(write(tmp_path / "cases.jsonl", cases()), config, format="text")
    assert done.returncode == 1 and "--price-map" in done.stderr
