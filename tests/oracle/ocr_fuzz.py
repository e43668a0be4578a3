"""Made-up OCR cases through the real LiteLLM and through the crate; prints where they differ.

    cargo build -p crossfade-transform --example ocr_transform
    LITELLM_BIN=... python3 tests/oracle/ocr_fuzz.py --litellm-port 22020 --provider-port 22021 --transform target/debug/examples/ocr_transform --seconds 60
"""

import argparse
import asyncio
import base64
import json
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from ocr_cases import OK_BODY, URL, case, phrases, redaction  # noqa: E402
from ocr_goldens import CORPUS, config, deployments, record  # noqa: E402
from ocr_oracle import LiteLlm, Provider  # noqa: E402

NOISE = re.compile(r"time taken=[\d.]+|object at 0x[0-9a-f]+")
IGNORED = {"date", "Connection", "content-length", "host", "connection"}
WORDS = [c["answers"][0]["body"] for c in phrases() + redaction()]
SCALARS = ["0", "-0", "1", "5", "-7", "1.0", "2.5", "-0.0", "1e5", "1E-7", "1e22", "1e16", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "true", "false", "null", '""', '"a"', '"5"', '" 12 "',
           '"1_000"', '"0x1"', '"1.0"', '"1e3"', '"+3"', '"-"', '"é"', '"😀"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\n\\t"', '"it\'s"', '"nan"', '"inf"', '"Infinity"', '"true"', "18446744073709551615",
           "18446744073709551616", "9223372036854775807", "9223372036854775808.0", "123456789012345678901234567890", "9007199254740993", "0.1", "1e-5", "123456.789e3", '"' + "x" * 60 + '"', '"' + "é" * 30 + '"', '"\u2028"', '"\u00ad"', '"\u200b"', '"\u3000 5"', '"5\u00a0"', '"\ufeff5"']
KEYS = ["pages", "model", "document_annotation", "usage_info", "index", "markdown", "images", "dimensions", "dpi", "height", "width", "image_base64", "bbox", "pages_processed", "pages_processed_annotation", "credits", "doc_size_bytes", "id", "zz", "a", "é", "", "model_config", "__class__", "object", "content", "\\ud800", "\\n"]
MODELS = ["mistral-ocr-latest", "mistral-ocr-2512", "mistral/mistral-ocr-3", "x/mistral-ocr-3", "openai/x", "a/b/c", "", "ft:x:y:z:w", "Mistral-OCR-4", "azure_ai/mistral-ocr-4-0"]
OPTIONS = ["pages", "include_image_base64", "image_limit", "image_min_size", "bbox_annotation_format", "document_annotation_format", "document_annotation_prompt", "extract_header", "table_format", "confidence_scores_granularity", "include_blocks", "id", "foo", "extra"]


def value(rng, depth=0):
    """The text of a JSON value, now and then of something that isn't one."""
    kind = rng.random()
    if depth > 4 or kind < 0.6:
        return rng.choice(SCALARS)
    if kind < 0.78:
        return "[" + ",".join(value(rng, depth + 1) for _ in range(rng.randrange(4))) + "]"
    return "{" + ",".join(f'"{rng.choice(KEYS)}":{value(rng, depth + 1)}' for _ in range(rng.randrange(5))) + "}"


def maybe(rng, text, chance=0.12):
    return value(rng) if rng.random() < chance else text


def model_object(rng, fields):
    pairs = [f'"{name}":{maybe(rng, make(rng))}' for name, make in fields.items() if rng.random() < 0.85]
    pairs += [f'"{rng.choice(KEYS)}":{value(rng, 3)}' for _ in range(rng.choice([0, 0, 0, 1, 2]))]
    if rng.random() < 0.3:
        rng.shuffle(pairs)
    return "{" + ",".join(pairs) + "}"


def number(rng):
    return rng.choice(["0", "1", "2", "7", "200", "1700", "3.0", '"4"', "true", "null"])


def image(rng):
    return model_object(rng, {"id": lambda r: '"img-0.jpeg"', "image_base64": lambda r: r.choice(["null", '"data:"']), "bbox": lambda r: r.choice(["null", "{}", '{"x":1}']), "top_left_x": number})


def page(rng):
    return model_object(rng, {"index": lambda r: str(r.randrange(9)), "markdown": lambda r: '"# T\\n"', "images": lambda r: r.choice(["null", "[]", "[" + image(r) + "]"]), "dimensions": lambda r: model_object(r, {"dpi": number, "height": number, "width": number})})


def document(rng):
    usage = {"pages_processed": number, "pages_processed_annotation": number, "credits": lambda r: r.choice(["null", "1.5", "2"]), "doc_size_bytes": number}
    return model_object(rng, {"pages": lambda r: "[" + ",".join(maybe(r, page(r)) for _ in range(r.randrange(3))) + "]", "model": lambda r: json.dumps(r.choice(MODELS)), "document_annotation": lambda r: maybe(r, "null", 0.4), "usage_info": lambda r: maybe(r, model_object(r, usage), 0.1)})


def damaged(rng, text):
    """Cuts, doubles or replaces a few characters or bytes."""
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        if rng.random() < 0.3:
            del data[at:]
        elif rng.random() < 0.6:
            data[at:at] = rng.choice([b",", b"}", b"]", b"{", b"[", b'"', b"\\", b"\\u12", b"\n", b"\x00", b"\x1f", b"\xff", b"\xe2\x82", b"\xf0\x9f", b"\xed\xa0\x80", b"\xc0\x80", b" ", b"-", b"01", b"1.", b"NaN", b"//"])
        elif data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def answer(rng):
    kind = rng.random()
    json_type = [["content-type", "application/json"]]
    if kind < 0.55:
        return {"status": 200, "headers": json_type, "body_base64": base64.b64encode(document(rng).encode()).decode()}
    if kind < 0.72:
        return {"status": 200, "headers": json_type, "body_base64": base64.b64encode(damaged(rng, document(rng))).decode()}
    if kind < 0.78:
        return {"status": 200, "headers": json_type, "body_base64": base64.b64encode(value(rng).encode()).decode()}
    text = " ".join(rng.choice(WORDS) for _ in range(rng.choice([1, 1, 2, 3]))) if rng.random() < 0.8 else value(rng)
    if rng.random() < 0.3:
        text = json.dumps({"object": "error", "message": text}, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.3:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(["\x1c", "\u00a0", "ſ", "İ", "K", "_", "=", ":", "\n", "\r", "'", '"', " ", "é", "/", "."]) + text[at:]
    body = damaged(rng, text) if rng.random() < 0.15 else text.encode()
    charset = rng.choice(["", "", "", "; charset=utf-8", "; charset=latin-1", "; charset=ascii"])
    return {"status": rng.choice([400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529, 300, 418]), "headers": [["content-type", "text/plain" + charset]], "body_base64": base64.b64encode(body).decode()}


def made_up(rng, number):
    if rng.random() < 0.75:
        return case(f"fuzz {number}", answers=[answer(rng)])
    options = "".join(f',"{rng.choice(OPTIONS)}":{value(rng)}' for _ in range(rng.randrange(4)))
    raw = f'{{"model":"ocr","document":{maybe(rng, json.dumps(URL), 0.3)}{options}}}'
    if rng.random() < 0.3:
        raw = f'{{"model":"ocr","document":{{"type":"document_url","x":{value(rng)}}}{options}}}'
    if any(0xD800 <= ord(c) < 0xE000 for c in raw):
        raw = "{}"
    return case(f"fuzz {number}", raw=raw, answers=[answer(rng)])


def comparable(recorded, ours):
    """Both sides as text without noise; `None` where the crate left it to Python."""
    if "declined" in ours:
        return None
    response = recorded["response"]
    theirs = {"status": response["status"], "body": NOISE.sub("", response.get("body", "")), "headers": [h for h in response["headers"] if h[0] not in IGNORED]}
    mine = ours["response"]
    sent = ours["provider"] or {"headers": [], "body": None}
    seen = recorded["provider"][0] if recorded["provider"] else {"headers": [], "body": None}
    theirs["provider"] = {"headers": [h for h in seen["headers"] if h[0] not in IGNORED], "body": seen.get("body")}
    mine = {"status": mine["status"], "body": NOISE.sub("", mine["body"]), "headers": [h for h in mine["headers"] if h[0] not in IGNORED], "provider": {"headers": sent["headers"], "body": sent["body"]}}
    return theirs, mine


async def main():
    arguments = argparse.ArgumentParser()
    for name in ("--litellm-port", "--provider-port", "--seconds", "--seed"):
        arguments.add_argument(name, type=int, default=1)
    arguments.add_argument("--transform", required=True)
    arguments = arguments.parse_args()
    rng = random.Random(arguments.seed)
    provider = Provider()
    await provider.start(arguments.provider_port)
    groups = deployments(arguments.provider_port)
    litellm = LiteLlm(config(groups), arguments.litellm_port)
    crate = subprocess.Popen([arguments.transform, f"{CORPUS}/price_map.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    tally = {"equal": 0, "declined": 0, "declined although served": 0, "different": 0}
    try:
        await litellm.ready()
        end = time.time() + arguments.seconds
        while time.time() < end:
            recorded = await record(made_up(rng, sum(tally.values())), provider, arguments.litellm_port, groups)
            crate.stdin.write(json.dumps(recorded).encode() + b"\n")
            crate.stdin.flush()
            ours = json.loads(crate.stdout.readline())
            both = comparable(recorded, ours)
            if both is None:
                tally["declined although served" if recorded["provider"] else "declined"] += 1
                if recorded["provider"]:
                    print("DECLINED", ours["declined"], recorded["client"].get("body", "")[:300])
            elif both[0] == both[1]:
                tally["equal"] += 1
            else:
                tally["different"] += 1
                answer = recorded["answers"][0]
                print("DIFFERENT", recorded["client"].get("body", "")[:200], answer["status"], base64.b64decode(answer.get("body_base64", ""))[:1500])
                for name in both[0]:
                    if both[0][name] != both[1][name]:
                        print(f"  {name}\n    LiteLLM {str(both[0][name])[:1500]}\n    ours    {str(both[1][name])[:1500]}")
    finally:
        print(tally, f"seed {arguments.seed}")
        litellm.stop()
        crate.terminate()


if __name__ == "__main__":
    asyncio.run(main())
