"""What is sent, to whom, for how long. `quick` is for a look in a few minutes, not for figures to keep."""
from dataclasses import replace

from .measuring import Workload

RELAYS = ("direct", "nginx", "haproxy", "pingora", "passthrough")
PYTHON = ("litellm", "litellm-rust")
ALL = (*RELAYS, "native", *PYTHON)


# What a quick run keeps, so that it ends within five minutes.
QUICK = ("chat-1", "chat-50", "messages-1", "messages-50", "stream-50", "errors", "tls", "streams-1000")
QUICK_TARGETS = ("direct", "nginx", "pingora", "passthrough", "native", "litellm")


def workloads(quick: bool) -> list[Workload]:
    """In the order in which they run. A target's memory is read in those that have many clients."""
    short = 0.3 if quick else 1.5
    long = 1.0 if quick else 4.0
    python = {"warm": 20, "seconds": 1.0 if quick else 4.0}
    python_few = {"warm": 5, "seconds": 0.5 if quick else 4.0}
    made = []
    for kind, group in (("chat", "chat"), ("messages", "claude"), ("ocr", "scan")):
        made += [
            Workload(f"{kind}-1", group, ALL, 1, short, slow=python_few, rounds=5 if quick else 15),
            Workload(f"{kind}-10", group, ALL, 10, short, slow=python),
            Workload(f"{kind}-50", group, ALL, 50, long, warm=500, slow={**python, "warm": 60}),
        ]
    paced = dict(stream=True, every_ms=5.0)
    made += [
        Workload("stream-50", "claude.events50.every5", ALL, 10, requests=40 if quick else 200, warm=10, events=55, slow={"requests": 20 if quick else 60}, **paced),
        Workload("stream-50-chat", "chat.events50.every5", ALL, 10, requests=200, warm=10, events=53, slow={"requests": 60}, **paced),
        Workload("stream-2000", "claude.events2000", ALL, 1, requests=50, warm=2, events=2005, stream=True, slow={"requests": 4, "warm": 1}),
    ]
    made += [Workload(f"body-{label}", f"claude.bytes{size}", ALL, 10, short, warm=50, body_bytes=size, slow=python) for size, label in ((1_000, "1k"), (100_000, "100k"), (1_000_000, "1m"))]
    made += [
        Workload("rate-500", "claude", (*RELAYS, "native"), 10, rate=500.0, seconds=6.0),
        Workload("errors", "claude.status400", ALL, 50, short, status="400", slow=python),
        Workload("tls", "claude.tls", ("native", *PYTHON), 10, short, slow=python),
        Workload("tls-ocr", "scan.tls", ("native", *PYTHON), 10, short, slow=python),
        Workload("streams-1000", "claude.events20.every250", ("nginx", "pingora", "passthrough", "native"), 1000, requests=1000, warm=0, events=25, rounds=1 if quick else 3, stream=True, every_ms=250.0),
    ]
    if not quick:
        return made
    kept = [workload for workload in made if workload.name in QUICK]
    return [replace(workload, targets=tuple(target for target in workload.targets if target in QUICK_TARGETS)) for workload in kept]


def with_others(made: list[Workload], names: list[str]) -> list[Workload]:
    """The same, and these gateways beside the others where both routes of language models are asked for plain answers and streams."""
    asked = ("chat-", "messages-", "stream-50", "streams-1000")
    return [replace(workload, targets=(*workload.targets, *names)) if workload.name.startswith(asked) else workload for workload in made]


def groups(made: list[Workload]) -> list[str]:
    return sorted({workload.group for workload in made} | {"chat", "claude", "scan"})
