"""Memory stays flat, over calls and over cancelled ones. ``--long`` is for the full numbers."""

from __future__ import annotations

import os

import pytest

from conftest import PRELUDE, Program

MEASURE = f"""{PRELUDE}
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

def flat(work, times):
    # What the allocators keep for good, they take at first; what they keep for a while comes and
    # goes: the lows are compared, half of all calls apart.
    work(times // 4)
    lows = []
    for _ in range(2):
        sizes = []
        for _ in range(5):
            work(times // 10)
            sizes.append(resident())
        lows.append(min(sizes))
    grown = lows[1] - lows[0]
    print(grown, "kB in", times // 2)
    assert grown < 2048, grown
"""

BLOCKING = """
def work(times):
    for _ in range(times):
        client.balance.get()
"""

ASYNC = """
async def main(times):
    async def some():
        for _ in range(times // 64):
            await aclient.balance.get()
    await asyncio.gather(*(some() for _ in range(64)))
def work(times):
    asyncio.run(main(times))
"""

CANCELLED = """
async def main(times):
    await aclient.balance.get()
    for turn in range(times // 100):
        calls = [asyncio.ensure_future(aclient.balance.get()) for _ in range(100)]
        # Before they start, when they have, and on their way.
        await asyncio.sleep([0, 0, 0.001, 0.003][turn % 4])
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert any(call.cancelled() for call in calls)
def work(times):
    asyncio.run(main(times))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads /proc")
@pytest.mark.parametrize(
    ("work", "short", "long"),
    [(BLOCKING, 3000, 100_000), (ASYNC, 10_000, 100_000), (CANCELLED, 10_000, 10_000)],
    ids=["blocking", "async", "cancelled"],
)
@pytest.mark.timeout(600)
def test_memory_is_flat(
    program: Program, request: pytest.FixtureRequest, work: str, short: int, long: int
) -> None:
    times = long if request.config.getoption("--long") else short
    ran = program(f"{MEASURE}{work}\nflat(work, {times})", timeout=600)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    print(ran.stdout)
