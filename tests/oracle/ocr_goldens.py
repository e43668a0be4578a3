"""Records OCR cases against a real LiteLLM into tests/corpus/ocr/<theme>.json.

    LITELLM_BIN=/path/to/litellm python3 tests/oracle/ocr_goldens.py --litellm-port 22010 --provider-port 22011 [--only THEME]

A case is what the client sent, what the provider was scripted to answer, what the provider saw, what the client got. The
crate's test replays it; nothing in a case is written by hand but the first two.
"""

import argparse
import asyncio
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from ocr_cases import themes  # noqa: E402
from ocr_oracle import KEY, LiteLlm, Provider, ask  # noqa: E402

CORPUS = os.path.join(os.path.dirname(__file__), "..", "corpus", "ocr")
BOUNDARY = "crossfade-boundary"


def deployments(provider_port):
    base = f"http://127.0.0.1:{provider_port}"
    plain = {"model": "mistral/mistral-ocr-latest", "api_base": f"{base}/v1", "api_key": "sk-provider"}
    groups = {
        "ocr": {},
        "ocr-2512": {"model": "mistral/mistral-ocr-2512"},
        "ocr-unpriced": {"model": "mistral/our-own-ocr"},
        "ocr-bare-base": {"api_base": base},
        "ocr-slash-base": {"api_base": f"{base}/v1/"},
        "ocr-path-base": {"api_base": f"{base}/proxy/mistral"},
        "ocr-query-base": {"api_base": f"{base}/proxy?tenant=1"},
        "ocr-refused": {"api_base": "http://127.0.0.1:9/v1"},
        "ocr-quick": {"timeout": 0.4},
        "ocr-options": {"pages": [0], "include_image_base64": True, "id": "of the deployment", "unknown": 1},
        "ocr-headers": {"extra_headers": {"X-Of-Deployment": "yes"}},
    }
    return {name: {**plain, **changes} for name, changes in groups.items()}


def config(groups):
    return {
        "model_list": [{"model_name": name, "litellm_params": params} for name, params in groups.items()],
        "router_settings": {"num_retries": 0, "disable_cooldowns": True, "model_group_alias": {"ocr-alias": "ocr"}},
        "general_settings": {"master_key": KEY},
    }


def client_request(case):
    headers = [["authorization", f"Bearer {KEY}"], *case.get("headers", [])]
    if "parts" in case:
        content_type = f"multipart/form-data; boundary={BOUNDARY}"
        body = {"body": form(case["parts"])}
    else:
        content_type = case.get("content_type", "application/json")
        body = {"body": case["raw"]} if "raw" in case else {"body": json.dumps(case["body"], ensure_ascii=False)}
    if content_type:
        headers.append(["content-type", content_type])
    return {"method": "POST", "path": case.get("path", "/v1/ocr"), "headers": headers, **body}


def form(parts):
    text = ""
    for part in parts:
        filename = f'; filename="{part["filename"]}"' if "filename" in part else ""
        text += f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{part["name"]}"{filename}\r\n'
        if "content_type" in part:
            text += f"content-type: {part['content_type']}\r\n"
        text += f"\r\n{part['text']}\r\n"
    return f"{text}--{BOUNDARY}--\r\n"


async def record(case, provider, port, groups):
    provider.script, provider.seen = case["answers"], []
    request = client_request(case)
    response = await ask(port, request)
    group = {"ocr-alias": "ocr"}.get(case["group"], case["group"])
    return {
        "name": case["name"], "deployment": groups[group], "client": request, **({"parts": case["parts"]} if "parts" in case else {}),
        "answers": case["answers"], "provider": provider.seen, "response": response,
    }


async def price_map(port):
    answer = await ask(port, {"method": "GET", "path": "/public/litellm_model_cost_map", "headers": []})
    prices = json.loads(answer["body"])
    kept = {name: entry for name, entry in prices.items() if "ocr" in name or any("ocr" in key for key in entry)}
    wanted = ("litellm_provider", "mode", "ocr_cost_per_page", "ocr_cost_per_credit", "annotation_cost_per_page")
    return {name: {key: entry[key] for key in wanted if key in entry} for name, entry in kept.items()}


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--litellm-port", type=int, required=True)
    arguments.add_argument("--provider-port", type=int, required=True)
    arguments.add_argument("--only")
    arguments = arguments.parse_args()
    provider = Provider()
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
