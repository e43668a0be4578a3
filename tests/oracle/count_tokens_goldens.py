"""Records cases of `/v1/messages/count_tokens` against a real LiteLLM into tests/corpus/count_tokens/<theme>.json.

    LITELLM_BIN=/path/to/litellm python3 tests/oracle/count_tokens_goldens.py --litellm-port 31210 --provider-port 31211

A case is what the client sent, what Anthropic was scripted to answer, what it saw, what the client got. The crate's test
replays it; nothing in a case is written by hand but the first two.
"""

import argparse
import asyncio
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from messages_oracle import StreamingProvider, ask_stream  # noqa: E402
from ocr_oracle import KEY, LiteLlm  # noqa: E402

FOLDER = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(FOLDER, "..", "corpus", "count_tokens")
PATH = "/v1/messages/count_tokens"
JSON = [["content-type", "application/json"], ["request-id", "req_1"], ["anthropic-ratelimit-requests-remaining", "9"]]
USER = {"role": "user", "content": "Grüße, 世界 😀"}
TOOL = {"name": "weather", "description": "tells", "input_schema": {"type": "object", "properties": {"city": {"type": "string", "description": "it's"}}, "required": ["city"]}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Köln", "n": 1.0}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "sunny"}]}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}


def deployments(base):
    plain = {"model": "anthropic/claude-sonnet-4-5", "api_key": "sk-provider", "api_base": "http://127.0.0.1:9"}
    return {
        "claude": plain,
        "claude-3": {**plain, "model": "anthropic/claude-3-haiku-20240307"},
        "newer": {**plain, "model": "anthropic/claude-newer-7"},
        "bare": {**plain, "model": "claude-haiku-4-5"},
        "options": {**plain, "timeout": 5, "temperature": 1, "extra_headers": {"x-of-deployment": "1"}, "max_tokens": 5},
        "subscription": {**plain, "api_key": "sk-ant-oat01-x"},
        "spaced": {**plain, "api_key": " sk-provider "},
        "quick": {**plain, "timeout": 0.4},
        "resting": {**plain, "api_base": base},
    }


def answered(body=None, status=200, headers=JSON):
    return {"status": status, "headers": headers, "body": body if isinstance(body, str) else json.dumps({"input_tokens": 42} if body is None else body)}


def case(name, answer=None, group="claude", headers=(), **changes):
    body = {key: value for key, value in {"model": group, "messages": [USER], **changes}.items() if value != "absent"}
    return {"name": name, "group": group, "headers": list(headers), "body": body, "answers": [answer or answered()]}


def themes():
    return {"requests": requests(), "answers": answers(), "counts": counts(), "nobody": nobody(), "declined": declined()}


def requests():
    blocks = [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, IMAGE]},
              {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, USE]}, {"role": "user", "content": [RESULT]}]
    return [
        case("plain"), case("system", system="be brief"), case("system in blocks", system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]),
        case("empty system", system=""), case("system as a number", system=5), case("null system", system=None), case("tools", tools=[TOOL]), case("no tools", tools=[]), case("null tools", tools=None),
        case("blocks", messages=blocks, tools=[TOOL]), case("claude code", headers=[["user-agent", "claude-cli/2.1.0 (external, cli)"], ["anthropic-beta", "claude-code-20250219,token-counting-2024-11-01"], ["anthropic-version", "2023-06-01"], ["x-app", "cli"]]),
        case("other options", thinking={"type": "enabled", "budget_tokens": 1024}, tool_choice={"type": "auto"}, mcp_servers=[], max_tokens=5, temperature=0.5, metadata={"user_id": "u"}, stream=True, betas=["x"], unknown=1),
        case("server tools", tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}]), case("extra headers", extra_headers={"x-mine": "1"}), case("a timeout", timeout=5, num_retries=3),
        case("Claude 3", group="claude-3"), case("a newer one", group="newer"), case("without the provider", group="bare"), case("options of the deployment", group="options"), case("a subscription", group="subscription"), case("alias", group="alias"),
        case("spaces around the key", group="spaced"), case("numbers", messages=[{"role": "user", "content": "a", "n": [1e16, -0.0, 123456789012345678901, 5.25e-5, 1.0]}]), case("keys twice over", tools=[{**TOOL, "z": None, "a": True}]),
        case("more keys in a message", messages=[{"role": "user", "content": "a", "foo": "bar", "cache_control": None}]), case("roles of others", messages=[{"role": "system", "content": "s"}, {"role": "developer", "content": "d"}]),
        case("null content", messages=[{"role": "assistant", "content": None}]), case("content of a number", messages=[{"role": "user", "content": 5}]), case("origin", headers=[["origin", "https://example.com"]]),
        case("call id", headers=[["x-litellm-call-id", "mine"]]), case("request id", headers=[["x-request-id", "r"]]),
        {**case("beta in the query"), "path": f"{PATH}?beta=true"},
        case("options by header", headers=[["x-litellm-timeout", "7"], ["x-litellm-num-retries", "2"]]),
        case("a long name", messages=[{"role": "user", "content": "x" * 3000}]),
    ]


def answers():
    values = [0, 1, 7.0, 7.5, "7", " 7 ", "7.0", "x", True, None, [], 10**20, -3, 1e300]
    return [
        *(case(f"tokens {value!r}", answered({"input_tokens": value})) for value in values),
        case("no tokens", answered({})), case("more than tokens", answered({"input_tokens": 5, "context_management": {"original_input_tokens": 9}, "x": 1})),
        case("a list", answered([])), case("null", answered("null")), case("no json", answered("hi")), case("nothing", answered("")), case("text", answered("{\"input_tokens\": 3}", headers=[["content-type", "text/plain"]])),
        case("NaN", answered("{\"input_tokens\": NaN}")), case("Latin-1", answered("{\"input_tokens\": 3, \"a\": \"\u00e9\"}", headers=[["content-type", "application/json; charset=latin-1"]])),
        *(case(f"status {status}", answered({"input_tokens": 5}, status)) for status in (201, 204, 302, 400, 401, 403, 404, 408, 413, 429, 500, 503, 529)),
        case("refused", answered({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}, 429, [*JSON, ["retry-after", "5"]])),
        case("closed", {"failure": "close"}), case("reset", {"failure": "reset"}), case("cut", {**answered(), "cut": 5}),
    ]


def counts():
    """What LiteLLM counts itself, as the provider doesn't."""
    no = answered({"error": {}}, 500)
    histories = [[USER], [USER, {"role": "assistant", "content": [USE]}, {"role": "user", "content": [RESULT, IMAGE]}], [{"role": "user", "content": [{"type": "document", "source": {"type": "text", "data": "text"}, "title": "T"}]}],
                 [{"role": "user", "content": ""}], [{"role": "user", "content": []}], [{"role": "user", "content": "<META> <EOT> \u2460 ﬁ"}], [{"role": "user", "content": None}], [{"role": "user", "content": "a", "name": "bob", "foo": "bar"}],
                 [{"role": "system", "content": "s"}, USER], [{"role": "user", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "a"}]}]]
    return [
        *(case(f"history {index}, {group}{', tools' if tools else ''}", no, group=group, messages=history, **({"tools": tools} if tools else {}))
          for index, history in enumerate(histories) for group in ("claude", "claude-3") for tools in (None, [TOOL])),
        *(case(f"system {system!r}{', tools' if tools else ''}", no, system=system, **({"tools": tools} if tools else {})) for tools in (None, [TOOL])
          for system in ("be brief", "", [], [{"type": "text", "text": "in blocks"}], ["bare"], 5, {"a": "b"}, None)),
        case("newer", no, group="newer"), case("bare", no, group="bare"), case("empty tools", no, tools=[]), case("server tools", no, tools=[{"type": "web_search_20250305", "name": "web_search"}]),
    ]


def nobody():
    """No deployment to ask: none of that name, or resting since a message on it was refused. And a count rests nobody."""
    message = {"max_tokens": 5, "messages": [{"role": "user", "content": "a"}]}
    refused = [answered({"type": "error", "error": {"type": "authentication_error", "message": "no"}}, 401)]
    return [
        case("no such group", group="nobody"), case("no such group, but a known model", group="claude-opus-4-1"),
        {**case("refused counts", answered({}, 401), group="resting"), "times": 6},
        {**case("a message after refused counts", refused[0], group="resting", **message), "path": "/v1/messages"},
        case("while it rests", group="resting"),
        {**case("a message while it rests", group="resting", **message), "path": "/v1/messages"},
    ]


def declined():
    no = answered({"error": {}}, 500)
    return [
        case("a prompt", prompt="p"), case("tags by header", headers=[["x-litellm-tags", "a"]]), case("no model", model="absent"), case("empty model", model=""), case("model of a number", model=5), case("no messages", messages="absent"), case("empty messages", messages=[]), case("messages of text", messages="hi"),
        case("messages of texts", messages=["hi"]), case("tools of an object", tools={}), case("tools of texts", tools=["x"]), case("no role", messages=[{"content": "a"}]), case("no content", messages=[{"role": "user"}]),
        case("uncountable", no, messages=[{"role": "user", "content": [{"type": "redacted_thinking", "data": "x"}]}]), case("uncountable, but counted", messages=[{"role": "user", "content": [{"type": "redacted_thinking", "data": "x"}]}]),
        {**case("no json"), "raw": "{"}, {**case("a list"), "raw": "[]"}, {**case("nothing"), "raw": ""}, case("several models", model="claude,newer"), case("a key of its own", api_key="k"), case("a base of its own", api_base="http://x"),
        {**case("a form", headers=[["content-type", "application/x-www-form-urlencoded"]]), "raw": "model=claude"},
        case("mock", mock_response="x"), case("tags", metadata={"tags": ["a"]}, tags=["a"]), case("fallbacks", fallbacks=["newer"]), case("user config", user_config={}), case("guardrails", guardrails=["x"]), case("user of a number", user=5),
    ]


def client_request(case):
    headers = [["authorization", f"Bearer {KEY}"], *case["headers"]]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(["content-type", "application/json"])
    body = case["raw"] if "raw" in case else json.dumps(case["body"], ensure_ascii=False)
    return {"method": "POST", "path": case.get("path", PATH), "headers": headers, "body": body}


async def record(case, provider, port, groups):
    for _ in range(case.get("times", 1)):
        provider.script, provider.seen = case["answers"] * 2, []
        response = await ask_stream(port, client_request(case))
    group = {"alias": "claude"}.get(case["group"], case["group"])
    return {"name": case["name"], "deployment": groups.get(group, groups["claude"]), "client": client_request(case), "answers": case["answers"], "provider": provider.seen, "response": response}


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--litellm-port", type=int, required=True)
    arguments.add_argument("--provider-port", type=int, required=True)
    arguments = arguments.parse_args()
    os.environ["COUNT_TOKENS_ENDPOINT"] = f"http://127.0.0.1:{arguments.provider_port}{PATH}"
    os.environ["PYTHONPATH"] = os.path.join(FOLDER, "count_tokens_endpoint")
    provider = StreamingProvider()
    await provider.start(arguments.provider_port)
    groups = deployments(f"http://127.0.0.1:{arguments.provider_port}")
    router = {"num_retries": 3, "model_group_alias": {"alias": "claude"}}
    config = {"model_list": [{"model_name": name, "litellm_params": params} for name, params in groups.items()],
              "router_settings": router, "general_settings": {"master_key": KEY}}
    litellm = LiteLlm(config, arguments.litellm_port)
    try:
        await litellm.ready()
        for theme, cases in themes().items():
            recorded = [await record(case, provider, arguments.litellm_port, groups) for case in cases]
            with open(f"{CORPUS}/{theme}.json", "w") as file:
                json.dump(recorded, file, indent=1)
                file.write("\n")
            print(f"{theme}: {len(recorded)} cases")
    finally:
        litellm.stop()


if __name__ == "__main__":
    asyncio.run(main())
