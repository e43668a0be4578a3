"""Provider answers of `/v1/chat/completions`, mutated field by field, through the real LiteLLM and through the crate.

    cargo build --profile ci -p crossfade-transform --example chat_transform
    LITELLM_BIN=... python3 tests/oracle/chat_fuzz.py --litellm-port 31140 --provider-port 31141 --transform .../chat_transform --cases 2000

Prints the rate of differences and an example of each kind; `--kept FILE` keeps what differs, as recordings. One value at a
place, drawn from all places and values of the bases; `--provider anthropic` mutates Anthropic's answers instead.
"""

import argparse
import asyncio
import collections
import copy
import json
import os
import random
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import chat_anthropic_goldens as of_anthropic  # noqa: E402
import chat_goldens as of_openai  # noqa: E402
from chat_fuzz_bases import anthropic_bases, openai_bases  # noqa: E402
from messages_oracle import StreamingProvider  # noqa: E402
from ocr_oracle import LiteLlm  # noqa: E402

NOISE = re.compile(r"time taken=[\d.]+|object at 0x[0-9a-f]+")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
IGNORED = {"date", "connection", "content-length", "transfer-encoding", "host"}
GONE = object()
VALUES = [GONE, None, "", "x", "7", "é" * 3, 0, 7, -3, 7.0, 1.5, True, False, [], {}, [None], ["x"], [7], [{}], {"x": 1}, {"x": None}, 1 << 70, 1e300]
ADDED = {
    "reasoning": "why", "reasoning_content": "why", "reasoning_tokens": 3, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 1,
    "cache_read_input_tokens": 5, "cache_creation_input_tokens": 6, "citations": ["u"], "provider_specific_fields": {"a": 1},
    "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}], "images": [{"type": "image_url", "image_url": {"url": "u"}}],
    "annotations": [], "refusal": "no", "service_tier": "flex", "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    "function": {"name": "f", "arguments": "{}"}, "custom": {"name": "n", "input": "i"}, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
    "function_call": {"name": "f", "arguments": "{}"}, "error": {"message": "boom"}, "cost": 0.5, "server_tool_use": {"web_search_requests": 1},
    "logprobs": {"content": []}, "finish_details": "length", "enhancements": {"a": 1}, "audio": {"id": "a", "data": "d", "expires_at": 1, "transcript": "t"},
    "reasoning_items": [{"type": "reasoning", "id": "r"}], "index": 2, "role": "assistant", "message": {"role": "assistant"}, "delta": {}, "content": "c",
    "text_tokens": 2, "image_tokens": 2, "cache_write_tokens": 2, "cache_creation_tokens": 3, "character_count": 4, "tool_use_tokens": 1,
    "web_search_requests": 1, "stream": True, "x-y": {"deep": [None]}, "object": "x", "refused": None,
}


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from places(child, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def replaced(value, path, new):
    if not path:
        return copy.deepcopy(new)
    value = copy.deepcopy(value)
    parent = at(value, path[:-1])
    if new is GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = copy.deepcopy(new)
    return value


def mutations(document):
    """Every place with every value, and every object with every key it doesn't have."""
    for path in places(document):
        if path:
            yield from ((path, value) for value in VALUES)
        if isinstance(at(document, path), dict):
            yield from (((*path, key), value) for key, value in ADDED.items() if key not in at(document, path))


def normal(value, place=""):
    """An answer without what differs between two runs of LiteLLM: ids in their order, tracebacks, addresses."""
    if isinstance(value, dict):
        # A set in Python: its order changes from process to process.
        keys = sorted(value) if place == "provider_specific_fields" else value
        return {key: normal(value[key], key) for key in keys}
    if isinstance(value, list):
        return [normal(child) for child in value]
    if isinstance(value, str) and "Traceback (most recent call last)" in value:
        return value.split("Traceback (most recent call last)")[0].split("\n")[0].rstrip() + " TRACEBACK"
    return repr(value) if isinstance(value, (float, bool)) else NOISE.sub("", value) if isinstance(value, str) else value


def frames(text):
    known = {}
    text = UUID.sub(lambda found: known.setdefault(found[0], f"uuid{len(known)}"), text)
    parts = text.split("\n\n") if text.startswith("data: ") else [text]
    read = []
    for part in parts:
        data = part.removeprefix("data: ")
        try:
            read.append(normal(json.loads(data)))
        except ValueError:
            read.append(data)
    return read


def is_leaked(told):
    return any(isinstance(frame, dict) and " TRACEBACK" in str(frame.get("error")) for frame in told)


def first_line(frame):
    """Of an error that LiteLLM tells with a traceback only the first line is compared."""
    if not (isinstance(frame, dict) and isinstance(frame.get("error"), dict)):
        return frame
    message = str(frame["error"].get("message")).replace(" TRACEBACK", "").split("\n")[0].rstrip()
    return {"error": {**frame["error"], "message": message}}


def difference(theirs, mine):
    if theirs["status"] != mine["status"]:
        return f"status {theirs['status']} ours {mine['status']}"
    left, right = frames(theirs.get("body", "")), frames(mine["body"])
    if is_leaked(left):
        right = [first_line(frame) for frame in right]
        left = [first_line(frame) for frame in left]
    if str(left) != str(right):
        return "order" if left == right else "body"
    names = [header[0].lower() for header in theirs["headers"]]
    if sorted(h[0].lower() for h in mine["headers"] if h[0].lower() not in IGNORED) != sorted(n for n in names if n not in IGNORED):
        return "header names"
    mine_of = {h[0].lower(): h[1] for h in mine["headers"]}
    for name, value in theirs["headers"]:
        if name.lower() not in IGNORED and mine_of.get(name.lower()) != value and "duration" not in name:
            return f"header {name}"
    return None


def shown(path, value):
    path = ".".join(str(part) for part in path)
    return f"{path} = {'GONE' if value is GONE else json.dumps(value)[:60]}"


async def main():
    arguments = argparse.ArgumentParser()
    for name in ("--litellm-port", "--provider-port", "--cases", "--seed"):
        arguments.add_argument(name, type=int, default=1)
    arguments.add_argument("--transform", required=True)
    arguments.add_argument("--provider", default="openai")
    arguments.add_argument("--kept")
    arguments.add_argument("--recorded", help="compares recordings of an earlier run instead, which --record wrote")
    arguments.add_argument("--record")
    arguments.add_argument("--only", default="", help="bases whose name has this")
    arguments.add_argument("--twice", action="store_true", help="two changes in each answer")
    arguments.add_argument("--show", type=int, default=3)
    arguments = arguments.parse_args()
    goldens = of_openai if arguments.provider == "openai" else of_anthropic
    rows = json.load(open(arguments.recorded)) if arguments.recorded else await recorded(arguments, goldens)
    if arguments.record:
        json.dump(rows, open(arguments.record, "w"))
    compare(rows, goldens, arguments)


async def recorded(arguments, goldens):
    bases = openai_bases() if arguments.provider == "openai" else anthropic_bases()
    drawn = [(base, path, value) for base in bases if arguments.only in base.name for path, value in mutations(base.document)]
    rng = random.Random(arguments.seed)
    rng.shuffle(drawn)
    provider = StreamingProvider()
    await provider.start(arguments.provider_port)
    groups = goldens.deployments(arguments.provider_port)
    litellm = LiteLlm(goldens.config(groups), arguments.litellm_port)
    rows = []
    try:
        await litellm.ready()
        for base, path, value in drawn[: arguments.cases]:
            try:
                name, document = f"{base.name}: {shown(path, value)}", replaced(base.document, path, value)
                if arguments.twice:
                    path, value = rng.choice(list(mutations(document)))
                    name, document = f"{name} and {shown(path, value)}", replaced(document, path, value)
                made = base.case(name, document)
                rows.append(await goldens.record(made, provider, arguments.litellm_port, groups))
            except Exception as error:
                print("not recorded", base.name, shown(path, value), repr(error)[:200])
    finally:
        litellm.stop()
    return rows


def compare(rows, goldens, arguments):
    crate = subprocess.Popen([arguments.transform, f"{goldens.CORPUS}/price_map.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    kinds, kept, equal = collections.defaultdict(list), [], 0
    for row in rows:
        crate.stdin.write(json.dumps(row).encode() + b"\n")
        crate.stdin.flush()
        ours = json.loads(crate.stdout.readline() or sys.exit(f"the crate died of {row['name']}"))
        kind = f"declined {ours['declined']}" if "declined" in ours else difference(row["response"], ours["response"])
        if kind is None:
            equal += 1
            continue
        kept.append(row)
        kinds[kind].append((row, ours))
    crate.terminate()
    for kind, found in sorted(kinds.items(), key=lambda item: -len(item[1])):
        print(f"== {kind}: {len(found)}")
        for row, ours in found[: arguments.show]:
            print("  ", row["name"])
            if "response" in ours:
                print("      LiteLLM", told(row["response"], kind)[:20000])
                print("      ours   ", told(ours["response"], kind)[:20000])
        for row, _ in found[arguments.show :]:
            print("  ", row["name"])
    print(f"{len(kept)} of {len(rows)} differ ({100 * len(kept) / max(len(rows), 1):.1f} %), {equal} equal, seed {arguments.seed}")
    if arguments.kept:
        json.dump(kept, open(arguments.kept, "w"))


def told(answer, kind):
    if kind.startswith("header"):
        return str([header for header in answer["headers"] if "cost" in header[0]])
    body = answer.get("body", "")
    return f"{answer['status']} " + " | ".join(json.dumps(frame, ensure_ascii=False) for frame in frames(body))


if __name__ == "__main__":
    asyncio.run(main())
