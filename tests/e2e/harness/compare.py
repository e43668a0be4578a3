"""Comparing two answers, or two provider requests, so that the difference can be read."""
import json
import re
import time

from .http import Answer

# Differ between two calls to the same LiteLLM, measured; nothing else does.
NOISY_HEADERS = {"date", "x-litellm-call-id", "x-litellm-response-duration-ms", "x-litellm-overhead-duration-ms", "x-litellm-callback-duration-ms", "llm_provider-date"}
# Ours, added on the way.
OWN_HEADERS = {"x-crossfade-served-by", "x-crossfade-request-id"}
# Belong to one connection, not to the answer.
HOP_HEADERS = {"connection", "keep-alive"}
# What a provider cannot tell clients apart by.
TRANSPORT_HEADERS = {"host", "connection", "content-length", "accept-encoding", "user-agent", "transfer-encoding"}

# Different on purpose (docs/parity.md): times that passed, addresses of objects, stack traces.
ELAPSED = re.compile(r"(time taken=|after |Took )\d+(\.\d+)?")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
OWN_ADDRESS = re.compile(r"^http://127\.0\.0\.1:\d+")
# LiteLLM dates the pieces of a stream, and what the provider did not date, by its own clock; the mock's times are long gone.
CREATED = re.compile(r'"created":(\d+)')
RECENT_SECONDS = 900
# And it makes up ids of random UUIDs; the mock has none.
MADE_UP = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TRACE = re.compile(r"\\?n?Traceback \(most recent call last\).*?(?=\"|$)", re.S)


def deterministic_headers(answer: Answer, besides: set[str] = frozenset()) -> list[tuple[str, str]]:
    """The headers that have to be equal, sorted by name, order of equal names kept."""
    without = NOISY_HEADERS | OWN_HEADERS | HOP_HEADERS | besides
    # A redirect names the address that the client asked, and the two were asked under different ones.
    here = [(name, OWN_ADDRESS.sub("http://here", value) if name == "location" else value) for name, value in answer.headers]
    return sorted(((name, value) for name, value in here if name not in without), key=lambda pair: pair[0])


def without_clock_and_dice(text: str) -> str:
    """Made-up ids numbered in their order, so that what was one stays one, and times of now named so."""
    ids: dict[str, str] = {}
    text = MADE_UP.sub(lambda match: ids.setdefault(match[0], f"made-up-{len(ids)}"), text)
    return CREATED.sub(lambda match: '"created":"now"' if abs(int(match[1]) - time.time()) < RECENT_SECONDS else match[0], text)


def readable(body: bytes):
    """JSON with numbers kept apart by spelling's type, else the parts between blank lines; what differs on purpose taken out."""
    text = ADDRESS.sub("0x…", ELAPSED.sub(r"\g<1>…", TRACE.sub("<trace>", body.decode("utf-8", "replace"))))
    text = without_clock_and_dice(text)
    try:
        return json.loads(text)
    except ValueError:
        return text.split("\n\n")


def differences(left, right, path: str = "$") -> list[str]:
    """Where two JSON values differ, types included: 1, 1.0 and true are three different things."""
    if type(left) is not type(right):
        return [f"{path}: {type(left).__name__} {left!r:.200} ≠ {type(right).__name__} {right!r:.200}"]
    if isinstance(left, dict):
        found = []
        for key in [*left, *(key for key in right if key not in left)]:
            if key not in right:
                found.append(f"{path}.{key}: only on the left: {left[key]!r:.200}")
            elif key not in left:
                found.append(f"{path}.{key}: only on the right: {right[key]!r:.200}")
            else:
                found += differences(left[key], right[key], f"{path}.{key}")
        return found
    if isinstance(left, list):
        found = [f"{path}: {len(left)} items ≠ {len(right)} items"] if len(left) != len(right) else []
        for position, (one, other) in enumerate(zip(left, right)):
            found += differences(one, other, f"{path}[{position}]")
        return found
    return [] if left == right else [f"{path}: {left!r:.300} ≠ {right!r:.300}"]


def header_differences(left: list[tuple[str, str]], right: list[tuple[str, str]], path: str) -> list[str]:
    found = [f"{path}: only on the left: {name}: {value!r:.160}" for name, value in left if (name, value) not in right]
    found += [f"{path}: only on the right: {name}: {value!r:.160}" for name, value in right if (name, value) not in left]
    if not found and left != right:
        found.append(f"{path}: repeated headers differ: {left} ≠ {right}")
    return found


def answer_differences(left: Answer, right: Answer, besides: set[str] = frozenset()) -> list[str]:
    """Everything a client could tell two answers apart by."""
    found = [f"status: {left.status} ≠ {right.status}"] if left.status != right.status else []
    # A message that differs on purpose has another length too.
    unequal_on_purpose = left.body != right.body and readable(left.body) == readable(right.body)
    without = besides | ({"content-length"} if unequal_on_purpose else set())
    found += header_differences(deterministic_headers(left, without), deterministic_headers(right, without), "headers")
    return found + differences(readable(left.body), readable(right.body), "body")


def provider_differences(left: list[dict], right: list[dict]) -> list[str]:
    """Everything a provider could tell two series of requests apart by."""
    found = [f"provider calls: {len(left)} ≠ {len(right)}"] if len(left) != len(right) else []
    for number, (one, other) in enumerate(zip(left, right)):
        path = f"provider request {number}"
        for field in ("method", "path"):
            if one[field] != other[field]:
                found.append(f"{path} {field}: {one[field]!r} ≠ {other[field]!r}")
        semantic = [sorted((name, value) for name, value in request["headers"] if name not in TRANSPORT_HEADERS) for request in (one, other)]
        found += header_differences(*semantic, f"{path} headers")
        bodies = [readable((request["body"] or request["body_base64"] or "").encode()) for request in (one, other)]
        found += differences(*bodies, f"{path} body")
    return found


def assert_same(found: list[str], what: str):
    """Fails with the whole list, left being LiteLLM directly and right the gateway."""
    assert not found, f"{what}: LiteLLM directly (left) and the gateway (right) differ:\n  " + "\n  ".join(found[:40])
