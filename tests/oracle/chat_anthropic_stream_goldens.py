"""Records streams of `/v1/chat/completions` on Anthropic against a real LiteLLM into tests/corpus/chat_anthropic_stream/<theme>.json.

    LITELLM_BIN=/path/to/litellm python3 tests/oracle/chat_anthropic_stream_goldens.py --litellm-port 31120 --provider-port 31121

As `chat_goldens.py` does for OpenAI.
"""

import argparse
import asyncio
import base64
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from chat_anthropic_stream_cases import themes  # noqa: E402
from chat_goldens import client_request, config  # noqa: E402
from messages_oracle import StreamingProvider, ask_stream  # noqa: E402
from ocr_oracle import LiteLlm  # noqa: E402

CORPUS = os.path.join(os.path.dirname(__file__), "..", "corpus", "chat_anthropic_stream")
NAMED = ["claude-3-haiku-20240307", "team--claude-sonnet-4-5", "gpt-4o", "anthropic/claude-3-haiku-20240307", "anthropic/ours", "openai/gpt-4o"]
MODELS = {"claude": "claude-sonnet-4-5", **{name: "claude-sonnet-4-5" for name in NAMED}, "sonnet-4": "claude-sonnet-4-20250514", "opus-4-6": "claude-opus-4-6", "haiku-3": "claude-3-haiku-20240307", "ours": "our-own-model"}
# Where LiteLLM is installed, in a traceback.
PLACES = re.compile(r'/[^"\\\s]*/(?=site-packages/|lib/python3)')
ALSO_PRICED = {"gpt-4o", "claude-sonnet-4-5-20250929", "claude-opus-4-1-20250805"}


class Provider(StreamingProvider):
    """Pieces may also be {"base64"}, for bytes that are no text."""

    PAUSE = 0.004

    async def send(self, answer, writer):
        if "pieces" not in answer:
            return await super().send(answer, writer)
        lines = [f"HTTP/1.1 {answer['status']} Any", *[f"{name}: {value}" for name, value in answer["headers"]], "transfer-encoding: chunked"]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        await writer.drain()
        for piece in answer["pieces"]:
            await asyncio.sleep(self.PAUSE)
            body = base64.b64decode(piece["base64"]) if isinstance(piece, dict) else piece.encode()
            writer.write(b"%x\r\n%s\r\n" % (len(body), body))
            await writer.drain()
        return await self.finish(answer.get("end", "clean"), writer)


def deployments(provider_port):
    base = f"http://127.0.0.1:{provider_port}"
    groups = {name: {"model": f"anthropic/{model}", "api_base": base, "api_key": "sk-provider"} for name, model in MODELS.items()}
    return groups | {"quick-stream": {**groups["claude"], "timeout": 30, "stream_timeout": 0.4}}


async def record(case, provider, port, groups):
    provider.script, provider.seen = case["answers"], []
    request = client_request(case)
    response = await ask_stream(port, request)
    if "body" in response:
        response["body"] = PLACES.sub("", response["body"])
    group = {"alias": "claude"}.get(case["group"], case["group"])
    return {"name": case["name"], "deployment": groups[group], "client": request, "answers": case["answers"], "provider": provider.seen, "response": response}


async def price_map(port):
    answer = await ask_stream(port, {"method": "GET", "path": "/public/litellm_model_cost_map", "headers": []})
    kept = set(MODELS.values()) | ALSO_PRICED
    entries = {name: entry for name, entry in json.loads(answer["body"]).items() if name in kept}
    return {name: {key: value for key, value in entry.items() if value is not None} for name, entry in entries.items()}


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--litellm-port", type=int, required=True)
    arguments.add_argument("--provider-port", type=int, required=True)
    arguments.add_argument("--only")
    arguments = arguments.parse_args()
    provider = Provider()
    await provider.start(arguments.provider_port)
    groups = deployments(arguments.provider_port)
    settings = config(groups)
    settings["router_settings"]["model_group_alias"] = {"alias": "claude"}
    litellm = LiteLlm(settings, arguments.litellm_port)
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
    with open(f"{CORPUS}/{name}.json", "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    asyncio.run(main())
