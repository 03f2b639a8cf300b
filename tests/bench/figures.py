"""Figures out of the turns of a section: medians over the rounds."""

import statistics

OURS = "parallel-account"


def rates(result, title):
    return [turn["calls"] / turn["seconds"] for turn in result["turns"][title]]


def ratio(result, title, other):
    """How many times `other`'s calls per second: the median of the rounds' own ratios."""
    pairs = zip(rates(result, title), rates(result, other), strict=True)
    return statistics.median(a / b for a, b in pairs)


def median_of(result, title, *path):
    def value(turn):
        for name in path:
            turn = turn[name]
        return turn

    return statistics.median(value(turn) for turn in result["turns"][title])


def rate(result, title):
    return statistics.median(turn["calls"] / turn["seconds"] for turn in result["turns"][title])


def cpu(result, title, which="cpu"):
    """Microseconds of the contender's own CPU time per call; `thread_cpu`: of one thread."""
    turns = result["turns"][title]
    return statistics.median(turn[which] / turn["calls"] * 1e6 for turn in turns)


def group(title):
    return title.partition(", ")[2]


def ceiling(result, group):
    """The core in the arrangement that is fastest at what the group does."""
    if "64 at once" in group:
        arrangements = [title for title in result["turns"] if title.startswith("core, 64")]
        return max(arrangements, key=lambda title: rate(result, title))
    return "core, 8 threads" if group == "8 threads" else "core, one at a time"
