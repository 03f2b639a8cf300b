"""Makes the calls of stores written in Python, where their callers wait."""

from __future__ import annotations

import sys
from contextvars import ContextVar, copy_context

from parallel_account import _workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task, TimerHandle
    from collections.abc import Awaitable, Callable
    from contextvars import Context
    from typing import Any, TypeAlias

    from parallel_account._native import StoreCall

    # The context, the method, its arguments, and how long it may take.
    _Begun: TypeAlias = tuple[Context, Callable[..., Any], list[str | None], float]

serving: ContextVar[tuple[int, ...]] = ContextVar("parallel_account_serving", default=())
"""The stores whose methods are running in this context, outermost first."""

_MARGIN = 0.1
"""The native module reports a time-out first; later, nobody waits for it any more."""


def run_here(call: StoreCall) -> None:
    """In a thread that waits in a blocking call, and in its context.

    What ends the program, such as Ctrl-C, is raised there; the store's call is made elsewhere.
    """
    begun = call.begin()
    if begun is None:
        return
    method, arguments, stores, timeout = begun
    outside = serving.set(tuple(stores))
    try:
        result = method(*arguments)
        if hasattr(result, "__await__"):
            if in_a_loop():
                # The thread's own loop stands still until the call has returned.
                _workers.start(copy_context(), timeout, _finish, call, result, timeout)
                return
            result = _run(call, result, timeout)
        call.returned(result)
    except Exception as error:
        call.raised(error)
    except BaseException as error:
        if not _is_cancellation(error):
            call.give_back()
            raise
        call.raised(error)
    finally:
        serving.reset(outside)


def run_apart(call: StoreCall) -> None:
    """Nobody waits any more who could make it: a thread apart does, in the last caller's context.

    Returns at once.
    """
    _workers.start(call.context.copy(), call.timeout, _make, call)


def run_on_loop(call: StoreCall) -> None:
    """In the thread of an asyncio loop. Plain methods could block it, and have a thread apart."""
    import asyncio

    loop = asyncio.get_running_loop()

    def hand_over(begun: _Begun) -> None:
        loop.call_soon_threadsafe(_start_on_loop, call, begun)

    begun = _begin_async(call, hand_over)
    if begun is not None:
        _start_on_loop(call, begun)


def _start_on_loop(call: StoreCall, begun: _Begun) -> None:
    context, method, arguments, timeout = begun
    import asyncio

    loop = asyncio.get_running_loop()
    # Only the loop keeps these, so that closing it ends them.
    timer: list[TimerHandle] = []
    over: list[bool] = []

    async def work() -> None:
        try:
            result = await method(*arguments)
        except BaseException as error:
            # Cancelled by others, as when the loop ends, it may still be made elsewhere.
            if isinstance(error, (asyncio.CancelledError, GeneratorExit)) and not over:
                call.give_back()
                raise
            call.raised(error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
        else:
            call.returned(result)
        finally:
            for it in timer:
                it.cancel()

    task: Task[None] = context.run(loop.create_task, work())
    task.add_done_callback(_retrieve)

    def stop() -> None:
        over.append(True)
        task.cancel()

    if not task.done():
        timer.append(loop.call_later(timeout + _MARGIN, stop))


def _retrieve(task: Task[None]) -> None:
    """What ended the task was said already."""
    if not task.cancelled():
        task.exception()


def run_in_trio(call: StoreCall) -> None:
    """The same in the thread of a trio loop."""
    import trio

    token = trio.lowlevel.current_trio_token()

    def hand_over(begun: _Begun) -> None:
        token.run_sync_soon(_start_in_trio, call, begun)

    begun = _begin_async(call, hand_over)
    if begun is not None:
        _start_in_trio(call, begun)


def _start_in_trio(call: StoreCall, begun: _Begun) -> None:
    context, method, arguments, timeout = begun
    import trio

    async def work() -> None:
        try:
            with trio.move_on_after(timeout + _MARGIN) as scope:
                call.returned(await method(*arguments))
                return
            assert scope.cancelled_caught
        except trio.Cancelled:
            call.give_back()
            raise
        except BaseException as error:
            call.raised(error)
        else:
            call.raised(trio.TooSlowError())

    trio.lowlevel.spawn_system_task(work, context=context)


def _begin_async(call: StoreCall, hand_over: Callable[[_Begun], None]) -> _Begun | None:
    """What is to be awaited here. A plain method runs in a thread apart; if it answers something to
    be awaited, that is handed over to the loop, where the application's connections live.
    """
    begun = call.begin()
    if begun is None:
        return None
    method, arguments, stores, timeout = begun
    context = call.context.copy()
    context.run(serving.set, tuple(stores))
    import inspect

    store = getattr(method, "__self__", None)
    if inspect.iscoroutinefunction(method) or getattr(store, "_asynchronous", False):
        return context, method, arguments, timeout

    def awaited(awaitable: Awaitable[Any]) -> None:
        try:
            # A copy, as this thread is in the context until it has returned.
            hand_over((context.copy(), lambda: awaitable, [], timeout))
        except RuntimeError:  # The loop has ended: there is no better place than this.
            _finish(call, awaitable, timeout)

    _workers.start(context, timeout, _call, call, method, arguments, timeout, awaited)
    return None


def _make(call: StoreCall) -> None:
    begun = call.begin()
    if begun is not None:
        method, arguments, stores, timeout = begun
        serving.set(tuple(stores))
        _call(call, method, arguments, timeout)


def _call(
    call: StoreCall,
    method: Callable[..., Any],
    arguments: list[str | None],
    timeout: float,
    awaited: Callable[[Awaitable[Any]], None] | None = None,
) -> None:
    try:
        result = method(*arguments)
    except BaseException as error:
        call.raised(error)
        return
    if not hasattr(result, "__await__"):
        call.returned(result)
    elif awaited is not None:
        awaited(result)
    else:
        _finish(call, result, timeout)


def _finish(call: StoreCall, awaitable: Awaitable[Any], timeout: float) -> None:
    try:
        result = _run(call, awaitable, timeout)
    except BaseException as error:
        call.raised(error)
    else:
        call.returned(result)


def _run(call: StoreCall, awaitable: Awaitable[Any], timeout: float) -> Any:
    """Waits in this thread for ``awaitable``, on a loop of its own."""
    if call.in_trio:
        import trio

        async def in_trio() -> Any:
            with trio.fail_after(timeout + _MARGIN):
                return await awaitable

        return trio.run(in_trio)
    import asyncio

    ended: list[Any] = []

    async def in_asyncio() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        timer = loop.call_later(timeout + _MARGIN, task.cancel)
        try:
            ended.append((await awaitable, None))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # Loops do not survive some of these.
            ended.append((None, error))
        finally:
            timer.cancel()

    asyncio.run(in_asyncio())
    ((result, error),) = ended
    if error is not None:
        raise error
    return result


def in_a_loop() -> bool:
    """Whether asyncio or trio runs in this thread, which blocking would stop. Imports neither."""
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return True
    return trio is not None and trio.lowlevel.in_trio_run()


def _is_cancellation(error: BaseException) -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)
