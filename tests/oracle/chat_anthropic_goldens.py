"""Records cases of `/v1/chat/completions` on Anthropic against a real LiteLLM into tests/corpus/chat_anthropic/<theme>.json.

    LITELLM_BIN=/path/to/litellm python3 tests/oracle/chat_anthropic_goldens.py --litellm-port 31300 --provider-port 31301 [--only THEME]

A case is what the client sent, what the provider was scripted to answer, what the provider saw, what the client got. The
crate's test replays it; nothing in a case is written by hand but the first two.
"""

import argparse
import asyncio
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from chat_anthropic_cases import themes  # noqa: E402
from chat_goldens import client_request  # noqa: E402
from messages_oracle import StreamingProvider, ask_stream  # noqa: E402
from ocr_oracle import KEY, LiteLlm  # noqa: E402

CORPUS = os.path.join(os.path.dirname(__file__), "..", "corpus", "chat_anthropic")
MODELS = {
    "sonnet": "claude-sonnet-4-5",
    "haiku": "claude-haiku-4-5",
    "haiku-3": "claude-3-haiku-20240307",
    "sonnet-3-7": "claude-3-7-sonnet-20250219",
    "opus-4-1": "claude-opus-4-1",
    "opus-4-5": "claude-opus-4-5",
    "opus-4-6": "claude-opus-4-6",
    "opus-4-7": "claude-opus-4-7",
    "opus-4-8": "claude-opus-4-8",
    "opus-5": "claude-opus-5",
    "sonnet-4-6": "claude-sonnet-4-6",
    "sonnet-5": "claude-sonnet-5",
    "fable": "claude-fable-5",
    "fable-5-1": "claude-fable-5-1",
    "mythos": "claude-mythos-5",
    "unknown": "claude-unknown-9",
    "ours": "our-own-model",
}


def deployments(provider_port):
    base = f"http://127.0.0.1:{provider_port}"
    plain = {"model": "anthropic/claude-sonnet-4-5", "api_base": base, "api_key": "sk-provider"}
    groups = {name: {"model": f"anthropic/{model}"} for name, model in MODELS.items()}
    groups |= {
        "slash-base": {"api_base": f"{base}/"},
        "full-base": {"api_base": f"{base}/proxy/v1/messages"},
        "query-base": {"api_base": f"{base}?tenant=1"},
        "path-query-base": {"api_base": f"{base}/x?tenant=1"},
        "refused": {"api_base": "http://127.0.0.1:9"},
        "quick": {"timeout": 0.4},
        "quick-stream": {"timeout": 30, "stream_timeout": 0.4},
        "options": {"temperature": 0.5, "top_k": 7, "unknown": 1, "stop": ["x"], "user": "them"},
        "limited": {"max_tokens": 9},
        "thinks": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "headers": {"extra_headers": {"X-Of-Deployment": "yes"}},
        "beta-headers": {"extra_headers": {"anthropic-beta": "context-1m-2025-08-07"}},
        "drops": {"model": "anthropic/claude-opus-4-7", "drop_params": True},
        "dropping": {"additional_drop_params": ["top_k", "foo"]},
        "allowing": {"allowed_openai_params": ["seed"]},
        "extra-body": {"extra_body": {"top_k": 3}},
        "geminis": {"model": "anthropic/our-Gemini-2"},
    }
    return {name: {**plain, **changes} for name, changes in groups.items()}


def config(groups):
    return {
        "model_list": [{"model_name": name, "litellm_params": params} for name, params in groups.items()],
        "router_settings": {"num_retries": 0, "disable_cooldowns": True, "model_group_alias": {"alias": "sonnet"}},
        "general_settings": {"master_key": KEY},
    }


async def record(case, provider, port, groups):
    provider.script, provider.seen = case["answers"], []
    request = client_request(case)
    response = await ask_stream(port, request)
    group = {"alias": "sonnet"}.get(case["group"], case["group"])
    return {
        "name": case["name"], "deployment": groups[group], "client": request, "answers": case["answers"],
        "provider": provider.seen, "response": response,
    }


async def price_map(port):
    answer = await ask_stream(port, {"method": "GET", "path": "/public/litellm_model_cost_map", "headers": []})
    entries = {name: entry for name, entry in json.loads(answer["body"]).items() if entry.get("litellm_provider") in (None, "anthropic")}
    return {name: {key: value for key, value in entry.items() if value is not None} for name, entry in entries.items()}


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--litellm-port", type=int, required=True)
    arguments.add_argument("--provider-port", type=int, required=True)
    arguments.add_argument("--only")
    arguments = arguments.parse_args()
    os.makedirs(CORPUS, exist_ok=True)
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
                print(f"{theme}: {len(recorded)} cases", flush=True)
    finally:
        litellm.stop()


def write(name, value):
    """One case, or one model, a line."""
    lines = [json.dumps(one) for one in value] if isinstance(value, list) else [
        f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items()]
    opened, closed = "[]" if isinstance(value, list) else "{}"
    with open(f"{CORPUS}/{name}.json", "w") as file:
        file.write(opened + "\n" + ",\n".join(lines) + "\n" + closed + "\n")


if __name__ == "__main__":
    asyncio.run(main())
