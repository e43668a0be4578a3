"""Records cases of `/v1/messages` against a real LiteLLM into tests/corpus/messages/<theme>.json.

    LITELLM_BIN=/path/to/litellm python3 tests/oracle/messages_goldens.py --litellm-port 31010 --provider-port 31011 [--only THEME]

A case is what the client sent, what the provider was scripted to answer, what the provider saw, what the client got. The
crate's test replays it; nothing in a case is written by hand but the first two.
"""

import argparse
import asyncio
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from messages_cases import themes  # noqa: E402
from messages_oracle import StreamingProvider, ask_stream  # noqa: E402
from ocr_oracle import KEY, LiteLlm  # noqa: E402

CORPUS = os.path.join(os.path.dirname(__file__), "..", "corpus", "messages")
MODELS = {
    "claude": "claude-sonnet-4-5",
    "haiku": "claude-haiku-4-5",
    "haiku-3": "claude-3-haiku-20240307",
    "opus-4-5": "claude-opus-4-5",
    "sonnet-4-6": "claude-sonnet-4-6",
    "opus-4-8": "claude-opus-4-8",
    "fable-5": "claude-fable-5",
    "newer": "claude-newer-7",
    "dotted": "claude-sonnet-4.5",
    "ours": "our-own-model",
}


def deployments(provider_port):
    base = f"http://127.0.0.1:{provider_port}"
    plain = {"model": "anthropic/claude-sonnet-4-5", "api_base": base, "api_key": "sk-provider"}
    groups = {name: {"model": f"anthropic/{model}"} for name, model in MODELS.items()}
    groups |= {
        "full-base": {"api_base": f"{base}/v1/messages"},
        "slash-base": {"api_base": f"{base}/"},
        "query-base": {"api_base": f"{base}/proxy?tenant=1"},
        "refused": {"api_base": "http://127.0.0.1:9"},
        "quick": {"timeout": 0.4},
        "quick-stream": {"timeout": 30, "stream_timeout": 0.4},
        "options": {"temperature": 0.5, "top_k": 3, "thinking": {"type": "enabled", "budget_tokens": 1024}, "unknown": 1,
                    "output_config": {"effort": "low"}, "inference_geo": "us"},
        "headers": {"extra_headers": {"X-Of-Deployment": "yes"}},
        "options-4-8": {"model": "anthropic/claude-opus-4-8", "temperature": 0.25},
        "drops": {"model": "anthropic/claude-opus-4-8", "drop_params": True},
    }
    return {name: {**plain, **changes} for name, changes in groups.items()}


def config(groups):
    return {
        "model_list": [{"model_name": name, "litellm_params": params} for name, params in groups.items()],
        "router_settings": {"num_retries": 0, "disable_cooldowns": True, "model_group_alias": {"alias": "claude"}},
        "general_settings": {"master_key": KEY},
    }


def client_request(case):
    headers = [["authorization", f"Bearer {KEY}"], *case.get("headers", []), ["content-type", "application/json"]]
    body = case["raw"] if "raw" in case else json.dumps(case["body"], ensure_ascii=False)
    return {"method": "POST", "path": case.get("path", "/v1/messages"), "headers": headers, "body": body}


async def record(case, provider, port, groups):
    provider.script, provider.seen = case["answers"], []
    request = client_request(case)
    response = await ask_stream(port, request)
    group = {"alias": "claude"}.get(case["group"], case["group"])
    return {
        "name": case["name"], "deployment": groups.get(group, groups["claude"]), "client": request, "answers": case["answers"],
        "provider": provider.seen, "response": response,
    }


async def price_map(port):
    answer = await ask_stream(port, {"method": "GET", "path": "/public/litellm_model_cost_map", "headers": []})
    prices = json.loads(answer["body"])
    return {name: entry for name, entry in prices.items() if entry.get("litellm_provider") == "anthropic"}


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--litellm-port", type=int, required=True)
    arguments.add_argument("--provider-port", type=int, required=True)
    arguments.add_argument("--only")
    arguments = arguments.parse_args()
    provider = StreamingProvider()
    await provider.start(arguments.provider_port)
    groups = deployments(arguments.provider_port)
    litellm = LiteLlm(config(groups), arguments.litellm_port)
    try:
        await litellm.ready()
        write("price_map", await price_map(arguments.litellm_port))
        for theme, cases in themes().items():
            if arguments.only in (None, theme):
                recorded = [await record(case, provider, arguments.litellm_port, groups) for case in cases]
                write(theme, recorded)
                print(f"{theme}: {len(recorded)} cases")
    finally:
        litellm.stop()


def write(name, value):
    with open(f"{CORPUS}/{name}.json", "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    asyncio.run(main())
