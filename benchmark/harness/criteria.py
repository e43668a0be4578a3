"""The marks that the figures are held against: ratios and differences of one run, with what each becomes when the machine was noisy."""
from collections import Counter
from dataclasses import dataclass

from .instructions import spread
from .measuring import median

NOISY = 0.25  # interquartile range over median


@dataclass
class Mark:
    what: str
    figure: float | None
    bound: str  # "<= 70 µs"
    note: str = ""

    @property
    def result(self) -> str:
        if self.figure is None:
            return "not measured"
        sense, number = self.bound.split()[:2]
        held = self.figure <= float(number) if sense == "<=" else self.figure >= float(number)
        return "pass" if held else "FAIL"

    def as_dict(self) -> dict:
        return {"what": self.what, "figure": None if self.figure is None else round(self.figure, 3), "bound": self.bound, "result": self.result, "note": self.note}


class Figures:
    """A run's rows, as the marks ask for them."""

    def __init__(self, rows: list[dict], counts: dict, extras: dict):
        self.rows, self.counts, self.extras = rows, counts, extras

    def of(self, workload: str, target: str) -> list[dict]:
        return [row for row in self.rows if row["workload"] == workload and row["target"] == target]

    def value(self, workload: str, target: str, name: str) -> float | None:
        rows = self.of(workload, target)
        return median(rows, name) if rows else None

    def added(self, workload: str, target: str, name: str = "service_p50_us") -> list[float]:
        """Each round's difference from the direct way in the same round."""
        direct = {row["round"]: row[name] for row in self.of(workload, "direct")}
        return [row[name] - direct[row["round"]] for row in self.of(workload, target) if row["round"] in direct]

    def added_median(self, workload: str, target: str, name: str = "service_p50_us") -> float | None:
        values = sorted(self.added(workload, target, name))
        return values[len(values) // 2] if values else None

    def native_share(self, workload: str) -> float:
        rows = self.of(workload, "native")
        native, python = sum(row["native"] for row in rows), sum(row["python"] for row in rows)
        return native / (native + python) if native + python else 0.0

    def instructions(self, key: str) -> float | None:
        return self.counts.get(key, {}).get("instructions")


def ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def noise(figures: Figures, workload: str, *targets: str, added: bool = False) -> str:
    worst = max((spread(figures.added(workload, target) if added else [row["per_second"] for row in figures.of(workload, target)]) for target in targets), default=0.0)
    return f"noisy: spread {worst:.0%}" if worst > NOISY else ""


def joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def marks(figures: Figures) -> list[Mark]:
    return [*validity_marks(figures), *relay_marks(figures), *native_marks(figures, "chat"), *native_marks(figures, "messages"), *stream_marks(figures), *memory_marks(figures), *shadow_marks(figures)]


def decided_by_instructions(figures: Figures, noisy: str, one: str, other: str | None = None) -> str:
    """What the instruction count says, where times say little."""
    mine, theirs = figures.instructions(one), figures.instructions(other) if other else None
    if not noisy or mine is None:
        return noisy
    return f"{noisy}, so instructions decide: {mine:,.0f}" + (f" against {theirs:,.0f}, {mine / theirs:.2f} x" if theirs else "")


def validity_marks(figures: Figures) -> list[Mark]:
    """Whether the rest can be believed: what stands around the gateways must not be what is measured."""
    fifty = "messages-50"
    gateways = [figures.value(fifty, target, "per_second") for target in ("nginx", "haproxy", "pingora", "passthrough", "native") if figures.of(fifty, target)]
    provider = figures.value(fifty, "direct", "provider_cpu_us")
    odd = Counter()
    for row in figures.rows:
        odd[f"{row['target']} on {row['workload']}"] += row["failures"] + row["unexpected"]
    whose = ", ".join(f"{name} {count}" for name, count in odd.items() if count)
    found = [Mark("validity: answers that failed or had another status than asked for", float(odd.total()), "<= 0", whose)] if figures.rows else []
    if gateways and provider:
        found.append(Mark("validity: requests/s of the provider on one core against the fastest gateway's", 1e6 / provider / max(gateways), ">= 3 x"))
    return found


def relay_marks(figures: Figures) -> list[Mark]:
    added = ratio(figures.added_median("chat-1", "passthrough"), figures.added_median("chat-1", "pingora"))
    noisy = noise(figures, "chat-1", "passthrough", "pingora", added=True)
    counted = ratio(figures.instructions("passthrough chat"), figures.instructions("pingora chat"))
    return [
        Mark("pass-through, 1 client: added p50 against bare Pingora", added, "<= 1.15 x", decided_by_instructions(figures, noisy, "passthrough chat", "pingora chat")),
        Mark("pass-through: instructions against bare Pingora", counted, "<= 1.15 x"),
    ]


def native_marks(figures: Figures, kind: str) -> list[Mark]:
    share = figures.native_share(f"{kind}-50")
    leg = "" if share > 0.999 else f"only {share:.0%} of these answers were native, the rest passed through to a control that plays LiteLLM"
    fifty = f"{kind}-50"
    if share == 0:
        return [Mark(f"native {kind}", None, "<= 0", "passes through: no native leg for this route in this build")]
    noisy = noise(figures, fifty, "native", "nginx", "litellm")
    noisy_added = noise(figures, f"{kind}-1", "native", added=True)
    return [
        Mark(f"native {kind}, 50 clients: requests/s against LiteLLM, one worker", ratio(figures.value(fifty, "native", "per_second"), figures.value(fifty, "litellm", "per_second")), ">= 80 x", joined(leg, noisy)),
        Mark(f"native {kind}, 50 clients: requests/s against nginx as a plain relay", ratio(figures.value(fifty, "native", "per_second"), figures.value(fifty, "nginx", "per_second")), ">= 0.45 x",
             joined(leg, decided_by_instructions(figures, noisy, f"native {kind}", "nginx chat"))),
        Mark(f"native {kind}, 1 client: added p50", figures.added_median(f"{kind}-1", "native"), "<= 70 µs", joined(leg, decided_by_instructions(figures, noisy_added, f"native {kind}"))),
        Mark(f"native {kind}, 50 clients: CPU per request", figures.value(fifty, "native", "cpu_us"), "<= 50 µs", leg),
        Mark(f"native {kind}: instructions per request", figures.instructions(f"native {kind}"), "<= 80000", leg),
    ]


def stream_marks(figures: Figures) -> list[Mark]:
    found = []
    for target, label in (("passthrough", "pass-through"), ("native", "native")):
        gap = figures.added_median("stream-50", target, "gap_p99_us")
        cpu = figures.value("stream-50", target, "cpu_us")
        found += [
            Mark(f"{label}, 50 events 5 ms apart: largest gap beyond the direct way's, p99 of streams", None if gap is None else gap / 1000, "<= 2 ms"),
            Mark(f"{label}, 50 events 5 ms apart: CPU per event", None if cpu is None else cpu / 55, "<= 30 µs"),
        ]
    return found


def memory_marks(figures: Figures) -> list[Mark]:
    found = []
    for target, label in (("passthrough", "pass-through"), ("native", "native")):
        found += [
            Mark(f"{label}, 50 clients: peak memory", figures.value("messages-50", target, "rss_mib"), "<= 32 MiB"),
            Mark(f"{label}, 1,000 open streams: peak memory", figures.value("streams-1000", target, "rss_mib"), "<= 64 MiB"),
        ]
        if soak := figures.extras.get("soak", {}).get(target):
            found.append(Mark(f"{label}, soak of {soak['requests']:,}: memory at the end against the middle", ratio(soak["rss_mib"][-1], soak["rss_mib"][len(soak["rss_mib"]) // 2]), "<= 1.05 x"))
    for target, label in (("passthrough", "pass-through"), ("native", "native")):
        if starts := figures.extras.get("start_ms", {}).get(target):
            found.append(Mark(f"{label}: exec to first answer", sorted(starts)[len(starts) // 2], "<= 200 ms"))
    return found


def shadow_marks(figures: Figures) -> list[Mark]:
    found = []
    for kind in ("messages", "ocr"):
        workload = f"mirror-{kind}"
        if not figures.of(workload, "mirror-100"):
            continue
        note = figures.extras.get("mirror_outcomes", {}).get(f"{kind}-100", "")
        for name, label in (("live_cpu_us", "CPU of the serving threads"), ("service_p50_us", "p50")):
            none, all_of_it = figures.value(workload, "mirror-0", name), figures.value(workload, "mirror-100", name)
            found.append(Mark(f"mirroring all of {kind} against none: {label}", ratio(all_of_it, none), "<= 1.05 x", note))
    return found


def table(found: list[Mark]) -> str:
    lines = [f"{'':6} {'figure':>12}  {'mark':<12} "]
    for mark in found:
        figure = "–" if mark.figure is None else f"{mark.figure:,.0f}" if abs(mark.figure) >= 1000 else f"{mark.figure:.2f}"
        lines.append(f"{mark.result:<6} {figure:>12}  {mark.bound:<12} {mark.what}" + (f"  ({mark.note})" if mark.note else ""))
    return "\n".join(lines)
