"""How many of the recorded cases LiteLLM's own Rust port answers otherwise than its Python does.

    LITELLM_BIN=/path/to/litellm python3 tests/oracle/own_rust.py [ocr messages chat_anthropic]

Every case runs on Python, once more on Python, and with LITELLM_RUST=true: status, body and the number of requests to the
provider are compared, headers are not. What Python answers otherwise the second time is left out.
"""

import asyncio
import importlib
import os
import socket
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(__file__))
# Behind: it has cases of its own by the same names.
sys.path.append(os.path.join(os.path.dirname(__file__), "..", "e2e"))
from harness.compare import differences, readable  # noqa: E402
from messages_oracle import StreamingProvider  # noqa: E402
from ocr_oracle import LiteLlm, Provider  # noqa: E402

# What each route's cases are recorded by, and the provider that plays their answers.
ROUTES = {
    "ocr": ("ocr_goldens", "ocr_cases", Provider),
    "messages": ("messages_goldens", "messages_cases", StreamingProvider),
    "chat_anthropic": ("chat_anthropic_goldens", "chat_anthropic_cases", StreamingProvider),
}


def otherwise(python: dict, other: dict) -> str | None:
    """The first thing in which two recordings of a case differ."""
    if len(python["provider"]) != len(other["provider"]):
        return f"{len(other['provider'])} requests to the provider, not {len(python['provider'])}"
    one, two = python["response"], other["response"]
    if one["status"] != two["status"]:
        return f"status {two['status']}, not {one['status']}"
    return "another body" if differences(*(readable(answer.get("body", "").encode()) for answer in (one, two))) else None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


async def compare(route: str):
    recorder, cases, provider_of = ROUTES[route]
    recorder, cases = importlib.import_module(recorder), importlib.import_module(cases)
    provider, provider_port = provider_of(), free_port()
    await provider.start(provider_port)
    groups = recorder.deployments(provider_port)
    python, rust = (LiteLlm(recorder.config(groups), free_port(), rust=rust) for rust in ("false", "true"))
    told, count, unsteady = Counter(), 0, 0
    try:
        await python.ready()
        await rust.ready()
        for theme, themed in cases.themes().items():
            for case in themed:
                first, second, ported = [await recorder.record(case, provider, port, groups) for port in (python.port, python.port, rust.port)]
                if otherwise(first, second):
                    unsteady += 1
                    continue
                count += 1
                found = otherwise(first, ported)
                if found:
                    told[found] += 1
            print(f"  {route} {theme}: {sum(told.values())} of {count} so far", file=sys.stderr, flush=True)
    finally:
        python.stop()
        rust.stop()
    print(f"{route}: {sum(told.values())} of {count} cases answered otherwise ({unsteady} left out)")
    for found, number in told.most_common():
        print(f"  {number:5} {found}")


async def main():
    for route in sys.argv[1:] or ROUTES:
        await compare(route)


if __name__ == "__main__":
    asyncio.run(main())
