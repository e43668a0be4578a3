"""A run as files: raw rows, summary, plots, README; and the repository's table made from the newest run."""
import csv
import json
from pathlib import Path

from . import criteria
from .criteria import Figures
from .instructions import spread
from .measuring import median
from .targets import BESIDE, LABELS, ROOT

BEGIN, END = "<!-- benchmark:begin -->", "<!-- benchmark:end -->"


def write_rows(file: Path, rows: list[dict]):
    with open(file, "w", newline="") as opened:
        writer = csv.DictWriter(opened, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()} for row in rows)


def summarise(rows: list[dict], counts: dict, extras: dict, machine: dict, command: str) -> dict:
    figures = Figures(rows, counts, extras)
    cells = {}
    for workload in dict.fromkeys(row["workload"] for row in rows):
        for target in dict.fromkeys(row["target"] for row in rows if row["workload"] == workload):
            mine = figures.of(workload, target)
            cell = {name: round(median(mine, name), 2) for name in ("per_second", "service_p50_us", "service_p99_us", "response_p99_us", "first_byte_p50_us", "gap_p99_us", "reads", "cpu_us", "live_cpu_us", "provider_cpu_us", "rss_mib", "pss_mib")}
            cell["added_p50_us"] = None if (added := figures.added_median(workload, target)) is None else round(added, 2)
            cell["spread_per_second"] = round(spread([row["per_second"] for row in mine]), 3)
            cell["spread_p50"] = round(spread([row["service_p50_us"] for row in mine]), 3)
            cell["rounds"] = len(mine)
            cell["requests"] = sum(row["requests"] for row in mine)
            cell["failures"] = sum(row["failures"] for row in mine)
            cell["unexpected_statuses"] = sum(row["unexpected"] for row in mine)
            cell["served"] = {name: sum(row[name] for row in mine) for name in ("native", "python", "litellm_rust")}
            cells.setdefault(workload, {})[target] = cell
    found = criteria.marks(figures)
    return {"command": command, "machine": machine, "workloads": cells, "counts": counts, "extras": extras, "marks": [mark.as_dict() for mark in found], "table": criteria.table(found)}


def seed_rows(summary: dict) -> list[list[str]]:
    """The three columns of the post that announced LiteLLM's migration, for the same two workloads: 10 and 50 clients."""
    rows = [["", "Per-request overhead", "Throughput under load", "Peak memory under load"]]
    for target in ("litellm", "litellm-rust", *BESIDE, "nginx", "haproxy", "pingora", "passthrough", "native"):
        ten = summary["workloads"].get("messages-10", {}).get(target) or summary["workloads"].get("messages-1", {}).get(target)
        fifty = summary["workloads"].get("messages-50", {}).get(target)
        if ten and fifty:
            rows.append([LABELS[target], f"{ten['added_p50_us'] / 1000:.3f}ms", f"{fifty['per_second']:.0f} req/s", f"{fifty['rss_mib']:.1f}MB"])
    return rows


def readme_of_run(summary: dict) -> str:
    machine = summary["machine"]
    listed = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in machine.items())
    return f"""# A run of the benchmark

`{summary['command']}`

{listed}

`rows.csv` holds every round of every target, `summary.json` medians and spreads, the plots are made of the latter. What the
columns mean and how it is measured: [benchmark/README.md](../../README.md).

![throughput](throughput.svg)
![added latency](added-latency.svg)
![memory](memory.svg)

```text
{summary['table']}
```
"""


def cell(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def repository_table(summary: dict, folder: str) -> str:
    """What the README shows of the newest run."""
    lines = ["| `/v1/messages` | added p50, 1 client | 50 clients | CPU per request | peak memory | instructions |", "|---|---:|---:|---:|---:|---:|"]
    one, fifty = summary["workloads"].get("messages-1", {}), summary["workloads"].get("messages-50", {})
    for target in ("nginx", "haproxy", "pingora", "passthrough", "native", *BESIDE, "litellm", "litellm-rust"):
        if target not in one or target not in fifty:
            continue
        counted = summary["counts"].get(f"{target} messages") or summary["counts"].get(f"{target} chat") or {}
        lines.append(
            f"| {LABELS[target]} | {one[target]['added_p50_us']:,.0f} µs | {fifty[target]['per_second']:,.0f}/s | {fifty[target]['cpu_us']:,.0f} µs | {fifty[target]['rss_mib']:.0f} MiB | "
            f"{cell(counted.get('instructions'), '{:,.0f}')} |")
    machine = summary["machine"]
    results = [mark["result"] for mark in summary["marks"]]
    met, missed = results.count("pass"), results.count("FAIL")
    lines += [
        "",
        f"Medians of interleaved rounds on {machine['cores']} cores of {machine['processor']} ({machine['virtual']}), one worker and one core for each gateway, provider and clients on the other, "
        f"a provider that answers at once, no database, no keys but the master key. LiteLLM {machine['litellm']}, code {machine['commit'][:7]}. A real provider takes seconds: what a gateway adds is then a small part, what it costs stays.",
        f"Of the marks that this is built towards {met} are met and {missed} are not; all of them, plots, raw rows and the machine are in [{folder}]({folder}/README.md); "
        "[benchmark/README.md](benchmark/README.md) says how it was measured.",
    ]
    return "\n".join(lines)


def update_readme(summary: dict, folder: Path):
    readme = ROOT / "README.md"
    text = readme.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{repository_table(summary, str(folder.relative_to(ROOT)))}\n{END}{after}")


def write(folder: Path, rows: list[dict], summary: dict):
    folder.mkdir(parents=True, exist_ok=True)
    if rows:
        write_rows(folder / "rows.csv", rows)
    (folder / "summary.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    (folder / "README.md").write_text(readme_of_run(summary))
    with open(folder / "results.csv", "w", newline="") as opened:
        csv.writer(opened).writerows(seed_rows(summary))
