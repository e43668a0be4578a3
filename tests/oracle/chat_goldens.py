"""Records cases of `/v1/chat/completions` against a real LiteLLM into tests/corpus/chat/<theme>.json.

    LITELLM_BIN=/path/to/litellm python3 tests/oracle/chat_goldens.py --litellm-port 31100 --provider-port 31101 [--only THEME]

A case is what the client sent, what the provider was scripted to answer, what the provider saw, what the client got. The
crate's test replays it; nothing in a case is written by hand but the first two.
"""

import argparse
import asyncio
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from chat_cases import themes as first_themes  # noqa: E402
from chat_price_cases import themes as price_themes  # noqa: E402
from messages_oracle import StreamingProvider, ask_stream  # noqa: E402
from ocr_oracle import KEY, LiteLlm  # noqa: E402

CORPUS = os.path.join(os.path.dirname(__file__), "..", "corpus", "chat")
MODELS = {
    "gpt": "gpt-4o",
    "mini": "gpt-4o-mini",
    "gpt-4": "gpt-4",
    "o1": "o1",
    "o3-mini": "o3-mini",
    "gpt-5": "gpt-5",
    "gpt-5.1": "gpt-5.1",
    "gpt-5.2": "gpt-5.2",
    "gpt-5.4": "gpt-5.4",
    "gpt-5-chat": "gpt-5-chat-latest",
    "gpt-5-search": "gpt-5-search-api",
    "search": "gpt-4o-search-preview",
    "audio": "gpt-4o-audio-preview",
    "responses": "gpt-5-pro",
    "ours": "our-own-model",
    "dated": "gpt-4o-2024-08-06",
    "gpt-5.6": "gpt-5.6-sol",
}


def deployments(provider_port):
    base = f"http://127.0.0.1:{provider_port}/v1"
    plain = {"model": "openai/gpt-4o", "api_base": base, "api_key": "sk-provider"}
    groups = {name: {"model": f"openai/{model}"} for name, model in MODELS.items()}
    groups |= {
        "slash-base": {"api_base": f"{base}/"},
        "query-base": {"api_base": f"{base}?tenant=1"},
        "refused": {"api_base": "http://127.0.0.1:9/v1"},
        "quick": {"timeout": 0.4},
        "quick-stream": {"timeout": 30, "stream_timeout": 0.4},
        "options": {"temperature": 0.5, "seed": 7, "max_tokens": 9, "unknown": 1, "stop": ["x"], "user": "them",
                    "reasoning_effort": "low"},
        "headers": {"extra_headers": {"X-Of-Deployment": "yes"}},
        "organization": {"organization": "org-1"},
        "drops": {"model": "openai/o3-mini", "drop_params": True},
        "drops-5": {"model": "openai/gpt-5", "drop_params": True},
        "drops-5.1": {"model": "openai/gpt-5.1", "drop_params": True},
        "drops-o1": {"model": "openai/o1", "drop_params": True},
        "dropping": {"additional_drop_params": ["seed", "foo"]},
        "allowing": {"model": "openai/gpt-4o", "allowed_openai_params": ["reasoning_effort"]},
        "sampled": {"temperature": 0.5, "seed": 7, "max_tokens": 9, "foo": 1, "stop": ["x"], "response_format": {"type": "text"}},
        "extra-body": {"extra_body": {"top_k": 3}},
        "geminis": {"model": "openai/our-Gemini-2"},
    }
    return {name: {**plain, **changes} for name, changes in groups.items()}


def config(groups):
    return {
        "model_list": [{"model_name": name, "litellm_params": params} for name, params in groups.items()],
        "router_settings": {"num_retries": 0, "disable_cooldowns": True, "model_group_alias": {"alias": "gpt"}},
        "general_settings": {"master_key": KEY},
    }


def client_request(case):
    headers = [["authorization", f"Bearer {KEY}"], *case.get("headers", []), ["content-type", "application/json"]]
    body = case["raw"] if "raw" in case else json.dumps(case["body"], ensure_ascii=False)
    return {"method": "POST", "path": case.get("path", "/v1/chat/completions"), "headers": headers, "body": body}


def themes():
    return {**first_themes(), **price_themes()}


async def record(case, provider, port, groups):
    provider.script, provider.seen = case["answers"], []
    request = client_request(case)
    response = await ask_stream(port, request)
    group = {"alias": "gpt"}.get(case["group"], case["group"])
    return {
        "name": case["name"], "deployment": groups.get(group, groups["gpt"]), "client": request, "answers": case["answers"],
        "provider": provider.seen, "response": response,
    }


async def price_map(port):
    answer = await ask_stream(port, {"method": "GET", "path": "/public/litellm_model_cost_map", "headers": []})
    prices = json.loads(answer["body"])
    kept = set(MODELS.values()) | {"gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"}
    entries = {name: entry for name, entry in prices.items() if name in kept or name.startswith("ft:")}
    return {name: {key: value for key, value in entry.items() if value is not None} for name, entry in entries.items()}


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
