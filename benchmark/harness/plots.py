"""Plots of a run, by matplotlib, as SVG with text that stays text."""
from pathlib import Path

from .targets import BESIDE, LABELS

ORDER = ["nginx", "haproxy", "pingora", "passthrough", "native", *BESIDE, "litellm", "litellm-rust"]
OURS = {"passthrough", "native"}


def draw(folder: Path, summary: dict):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "benchmark", "font.family": "sans-serif", "font.size": 10})
    from matplotlib import pyplot

    def bars(name: str, title: str, values: dict[str, float], unit: str):
        values = {target: values[target] for target in ORDER if values.get(target)}
        if not values:
            return
        figure, axes = pyplot.subplots(figsize=(7.5, 0.45 * len(values) + 1.2))
        drawn = axes.barh([LABELS[target] for target in values], list(values.values()), color=["#c2571a" if target in OURS else "#8a929b" for target in values])
        axes.bar_label(drawn, [f" {value:,.0f} {unit}" for value in values.values()])
        axes.set_xscale("log")
        axes.set_xlim(right=max(values.values()) * 6)
        axes.invert_yaxis()
        axes.set_title(title, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
        pyplot.close(figure)

    cells = summary["workloads"]
    pick = lambda workload, name: {target: cell[name] for target, cell in cells.get(workload, {}).items()}
    bars("added-latency", "/v1/messages, 1 client: added median latency (log scale, less is better)", pick("messages-1", "added_p50_us"), "µs")
    bars("throughput", "/v1/messages, 50 clients: requests per second (log scale)", pick("messages-50", "per_second"), "/s")
    bars("processor-time", "/v1/messages, 50 clients: CPU per request (log scale, less is better)", pick("messages-50", "cpu_us"), "µs")
    bars("memory", "/v1/messages, 50 clients: peak memory of the process tree (log scale, less is better)", pick("messages-50", "rss_mib"), "MiB")
    bars("stream-gap", "50 events 5 ms apart: longest gap of a stream, 99th percentile (log scale, less is better)", pick("stream-50", "gap_p99_us"), "µs")
    bars("instructions", "instructions per request (callgrind)", {key.split()[0]: value["instructions"] for key, value in summary["counts"].items() if "instructions" in value and (key.endswith("chat") or key == "native messages")}, "")
