"""What was aimed at, and whether a section's figures reach it."""

from figures import OURS, ceiling, cpu, median_of, ratio

MB = 1e6


def _python(result):
    one, many = OURS, f"{OURS}, async, 64 at once"
    single, threads = f"{OURS}, async", f"{OURS}, 8 threads"
    core_one = 1 / ratio(result, one, ceiling(result, ""))
    of_core = ratio(result, many, ceiling(result, "64 at once"))
    yield "blocking: time of the core's", core_one, "<=", 1.4, "times"
    yield "blocking: httpx's CPU time of ours", _cpu(result, "httpx", one), ">=", 10, "times"
    yield "blocking: urllib3's CPU time of ours", _cpu(result, "urllib3", one), ">=", 8, "times"
    rival = "aiohttp, async, 64 at once"
    yield "64 at once: calls of aiohttp's", ratio(result, many, rival), ">=", 5, "times"
    yield "64 at once: calls of the core's", 100 * of_core, ">=", 80, "%"
    slower = 1 / ratio(result, single, "aiohttp, async")
    yield "async, one at a time: time of aiohttp's", slower, "<=", 0.45, "times"
    yield "8 threads: calls of one thread's", ratio(result, threads, one), ">=", 1, "times"
    yield "import", result["imports"][OURS], "<=", 5, "ms"
    yield from _start(result, 25)
    yield "wheel", result["sizes"]["wheel"] / MB, "<=", 2.9, "MB"
    yield from _flat(result, one)
    yield from _flat(result, many)


def _node(result):
    many, rival = f"{OURS}, 64 at once", "undici, 64 at once"
    imports = result["imports"]
    of_core = ratio(result, many, ceiling(result, "64 at once"))
    yield "64 at once: calls of undici.request's", ratio(result, many, rival), ">=", 1.3, "times"
    yield "64 at once: calls of the core's", 100 * of_core, ">=", 85, "%"
    yield "64 at once: CPU time of undici's", _cpu(result, many, rival), "<=", 1, "times"
    thread = _cpu(result, many, rival, "thread_cpu")
    yield "64 at once: CPU time of JavaScript's thread of undici's", thread, "<=", 0.2, "times"
    single = 1 / ratio(result, OURS, "undici")
    yield "one at a time: time of undici.request's", single, "<=", 1, "times"
    yield "import", imports[OURS], "<=", 8, "ms"
    yield "require", imports[f"{OURS}, CommonJS"], "<=", 8, "ms"
    yield from _start(result, 20)
    packed = result["sizes"]["native file, compressed"] / MB
    yield "native file, compressed", packed, "<=", 2.9, "MB"
    for which in ("mean", "p99"):
        of = {who: median_of(result, who, "loop_delay_ms", which) for who in (many, rival)}
        yield f"event-loop delay of undici's, {which}", of[many] / of[rival], "<=", 1, "times"
    yield from _flat(result, many)


def _swift(result):
    many, rival = f"{OURS}, 64 at once", "URLSession, 64 at once"
    of_core = ratio(result, many, ceiling(result, "64 at once"))
    yield "64 at once: calls of URLSession's", ratio(result, many, rival), ">=", 12, "times"
    yield "64 at once: calls of the core's", 100 * of_core, ">=", 80, "%"
    slower = 1 / ratio(result, OURS, "URLSession")
    yield "one at a time: time of URLSession's", slower, "<=", 0.4, "times"
    added = result["sizes"]["added by the library"] / MB
    yield "added to a stripped executable", added, "<=", 4, "MB"
    yield from _flat(result, many)


def _cpu(result, title, other, which="cpu"):
    """How many times `other`'s CPU time a call of `title` takes."""
    return cpu(result, title, which) / cpu(result, other, which)


def _start(result, limit):
    """What the first balance over TLS adds to a program that does nothing."""
    added = result["starts"][OURS] - result["starts"]["bare"]
    yield "from start to end with one balance over TLS, more than bare", added, "<=", limit, "ms"


def _flat(result, title):
    """Flat is less than 20 bytes for each of 100,000 further calls."""
    grown = result["memory"][f"{title} 200000"]["rss_end"]
    grown -= result["memory"][f"{title} 100000"]["rss_end"]
    yield f"{title}: memory that 100,000 further calls take", grown / MB, "<=", 2, "MB"


def of(section, result):
    """What, the figure, the target, whether it is met: a tuple of text each."""
    own = {"python": _python, "node": _node, "swift": _swift}
    for what, figure, sign, limit, unit in own[section](result) if section in own else ():
        met = figure <= limit if sign == "<=" else figure >= limit
        wanted = {"<=": "at most", ">=": "at least"}[sign]
        yield what, f"{figure:.2f} {unit}", f"{wanted} {limit} {unit}", "met" if met else "not met"
