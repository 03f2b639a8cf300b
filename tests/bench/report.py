"""Results as tables. A section that is measured alone leaves the others' results as they are."""

import json
import statistics

import builds
import targets
from figures import OURS, ceiling, cpu, group, median_of, rate

RESULTS = builds.HERE / "RESULTS.md"
SECTIONS = ("core", "python", "node", "swift")
# Counts up when results come to be kept in another form; those of an older one are left out.
FORM = 3


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def calls(result):
    """A table for each group of contenders, the core's arrangements at the end of each."""
    groups = {}
    for title in result["turns"]:
        if not title.startswith("core,"):
            groups.setdefault(group(title), []).append(title)
    header = ["", "warm after calls", "calls/s", "µs per call", "CPU µs per call", f"{OURS} is"]
    header += ["of the core's"]
    if not groups:
        rows = [_row(result, title, None, None) for title in result["turns"]]
        yield table(header[:5], [row[:5] for row in rows])
    for which, titles in groups.items():
        ours = f"{OURS}, {which}" if which else OURS
        top = ceiling(result, which) if "refresh" not in which else None
        rows = [_row(result, title, ours, top) for title in titles]
        if top:
            rows.append(_row(result, top, None, None))
        yield table(header, rows)


def _row(result, title, ours, top):
    per_second = rate(result, title)
    faster = rate(result, ours) / per_second if ours and title != ours else None
    warm = result["warm"][title]
    return [
        title,
        f"{warm['calls']:,}" + ("" if warm["steady"] else " (not steady)"),
        f"{per_second:,.0f}",
        f"{1e6 / per_second:.1f}",
        f"{cpu(result, title):.1f}",
        f"{faster:.2f} times as fast" if faster else "",
        f"{100 * per_second / rate(result, top):.0f} %" if top else "",
    ]


def text(section, result):
    machine = result["machine"]
    parts = [
        f"{machine['date']}, commit {machine['commit']}; {machine['cores']} cores "
        f"({machine['cpu']}, {machine['system']}), load before {machine['load']:.1f}; "
        f"{result['rounds']} rounds of {result['seconds']} s each, medians.",
        *calls(result),
    ]
    verdicts = [list(verdict) for verdict in targets.of(section, result)]
    if verdicts:
        parts.append(table(["target", "is", "should be", ""], verdicts))
    if any("loop_delay_ms" in turn[0] for turn in result["turns"].values()):
        rows = []
        for title, turns in result["turns"].items():
            if "loop_delay_ms" in turns[0]:
                of = [
                    median_of(result, title, "loop_delay_ms", it) for it in ("mean", "p99", "max")
                ]
                rows.append([title, *(f"{ms:.2f}" for ms in of)])
        parts.append(table(["event-loop delay, ms", "mean", "p99", "max"], rows))
    if any("thread_cpu" in turn[0] for turn in result["turns"].values()):
        rows = [
            [title, f"{cpu(result, title, 'thread_cpu'):.1f}"]
            for title, turns in result["turns"].items()
            if "thread_cpu" in turns[0]
        ]
        parts.append(table(["CPU time of JavaScript's thread, µs per call", ""], rows))
    if "imports" in result:
        rows = [[title, f"{ms:.1f}"] for title, ms in result["imports"].items()]
        parts.append(table(["import, ms", ""], rows))
    if "starts" in result:
        bare = result["starts"]["bare"]
        rows = [
            [title, f"{ms:.1f}", f"{ms - bare:.1f}" if title != "bare" else ""]
            for title, ms in result["starts"].items()
        ]
        header = ["process with one balance over TLS, ms", "", "more than bare"]
        parts.append(table(header, rows))
    if result["memory"]:
        rows = []
        for key, turn in result["memory"].items():
            title, _, count = key.rpartition(" ")
            sizes = [turn["rss_start"] / 1e6, turn["rss_end"] / 1e6]
            rows.append([title, f"{int(count):,}", *(f"{size:.1f}" for size in sizes)])
        header = ["resident memory, MB", "calls", "after import", "after the calls"]
        parts.append(table(header, rows))
    if "sizes" in result:
        rows = [[what, f"{size / 1e6:.2f}"] for what, size in result["sizes"].items()]
        parts.append(table(["size, MB", ""], rows))
    share = [turn["server_cpu_us"] for turns in result["turns"].values() for turn in turns]
    parts.append(f"The server used {statistics.median(share):.1f} µs of CPU time per request.")
    return f"## {section.capitalize()}\n\n" + "\n\n".join(parts) + "\n"


def _file(section):
    return builds.PLACE / f"{section}.{FORM}.json"


def save(section, result):
    """Keeps the results, and writes all sections as they were measured last."""
    builds.PLACE.mkdir(parents=True, exist_ok=True)
    _file(section).write_text(json.dumps(result, indent=1))
    there = [section for section in SECTIONS if _file(section).exists()]
    texts = [text(section, json.loads(_file(section).read_text())) for section in there]
    head = "# Results\n\nWritten by `make bench`; README.md says what is measured and how.\n"
    RESULTS.write_text("\n".join([head, *texts]))
