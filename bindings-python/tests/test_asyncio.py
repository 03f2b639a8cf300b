"""asyncio, uvloop and a loop like that of Windows: awaiting, cancelling, closing."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from typing import Any

import pytest

from conftest import Relay, Sandbox
from parallel_account import AsyncAccountClient, MemoryStore


def loops() -> list[Any]:
    found: list[Any] = [asyncio.new_event_loop]
    try:
        import uvloop
    except ImportError:
        pass
    else:
        found.append(uvloop.new_event_loop)
    found.append(ProactorLike)
    return found


class ProactorLike(asyncio.SelectorEventLoop):
    """Cannot watch descriptors for others, like the proactor loop of Windows."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
        raise NotImplementedError


@pytest.fixture(params=loops(), ids=lambda it: f"{it.__module__}.{it.__name__}")
def run(request: pytest.FixtureRequest) -> Any:
    def run(main: Any) -> Any:
        loop = request.param()
        problems: list[Any] = []
        loop.set_exception_handler(lambda _loop, context: problems.append(context))
        try:
            result = loop.run_until_complete(main)
            loop.run_until_complete(asyncio.sleep(0))
        finally:
            loop.close()
        gc.collect()
        assert problems == []
        return result

    return run


@pytest.fixture
def aclient(sandbox: Sandbox) -> AsyncAccountClient:
    return sandbox.async_client(store=MemoryStore(sandbox.record()))


def test_every_way_to_await(run: Any, aclient: AsyncAccountClient) -> None:
    async def main() -> None:
        one = await aclient.balance.get()
        assert await asyncio.create_task(aclient.balance.get()) == one
        assert await asyncio.wait_for(aclient.balance.get(), 10) == one
        assert await asyncio.gather(*(aclient.balance.get() for _ in range(50))) == [one] * 50
        done, _ = await asyncio.wait([asyncio.ensure_future(aclient.balance.get())])
        assert done.pop().result() == one
        for next_done in asyncio.as_completed([aclient.balance.get(), aclient.status()]):
            await next_done
        if sys.version_info >= (3, 11):
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                task = group.create_task(aclient.balance.get())
            assert task.result() == one

    run(main())


def test_cancelling_stops_the_request(run: Any, sandbox: Sandbox, aclient: Any) -> None:
    async def main() -> None:
        await aclient.balance.get()
        sandbox.delay(times=3)
        task = asyncio.ensure_future(aclient.balance.get())
        await asyncio.sleep(0.05)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(aclient.balance.get(), 0.05)
        at_once = asyncio.ensure_future(aclient.balance.get())
        at_once.cancel()
        with pytest.raises(asyncio.CancelledError):
            await at_once
        assert time.monotonic() - started < 2
        sandbox.control("DELETE", "/faults")
        assert (await aclient.balance.get()).org_id

    run(main())


def test_cancelling_all_keeps_the_refresh(run: Any, sandbox: Sandbox, relay: Relay) -> None:
    store = MemoryStore(sandbox.record())
    before = store.load()
    client = sandbox.async_client(store=store, platform_url=relay.url)
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        tasks = [asyncio.ensure_future(client.balance.get()) for _ in range(10)]
        await asyncio.to_thread(relay.answered.wait, 30)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(it) for it in ends] == [asyncio.CancelledError] * 10
        assert store.load() == before
        relay.release()
        await client.settled()
        assert store.load() != before
        assert (await client.balance.get()).org_id
        await client.settled()

    run(main())
    assert len(sandbox.requests("token.refresh")) == 1


def test_a_coroutine_that_nobody_awaits_sends_nothing(sandbox: Sandbox, aclient: Any) -> None:
    async def main() -> None:
        coroutine = aclient.balance.get()
        coroutine.close()

    asyncio.run(main())
    assert sandbox.requests("balance.get") == []


def test_no_loop_is_a_clear_error(aclient: AsyncAccountClient) -> None:
    coroutine = aclient.balance.get()
    with pytest.raises(RuntimeError, match="running event loop"):
        coroutine.send(None)


def test_loops_in_threads_and_in_turn(sandbox: Sandbox, aclient: Any, client: Any) -> None:
    results: list[Any] = []

    async def main() -> None:
        results.extend(await asyncio.gather(*(aclient.balance.get() for _ in range(20))))

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(20):
        asyncio.run(main())
    assert len(results) == 24 * 20
    assert set(results) == {client.balance.get()}


def test_loops_leave_no_descriptors(aclient: AsyncAccountClient) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts descriptors through /proc")

    async def main() -> None:
        await aclient.balance.get()

    asyncio.run(main())
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        asyncio.run(main())
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_a_closed_loop_with_calls_in_flight(
    sandbox: Sandbox, aclient: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.delay(0.3)
    loop = asyncio.new_event_loop()
    task = loop.create_task(aclient.balance.get())
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()
    time.sleep(0.5)
    assert not task.done()
    assert caplog.records == []
    # That the task was left behind is asyncio's to say, and it would.
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del task
    gc.collect()
    assert caplog.records == []


def test_no_leak_of_cancelled_calls(sandbox: Sandbox, aclient: AsyncAccountClient) -> None:
    async def main() -> None:
        tasks = [asyncio.ensure_future(aclient.balance.get()) for _ in range(300)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    gc.collect()
    alive = [it for it in gc.get_objects() if type(it).__name__ == "coroutine"]
    assert alive == []
