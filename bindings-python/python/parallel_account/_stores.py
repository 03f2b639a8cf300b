"""Stores written in Python: what they look like, and how the native module calls them."""

from __future__ import annotations

import _thread
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from parallel_account import _native

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable
    from weakref import ref


@runtime_checkable
class CredentialStore(Protocol):
    """Keeps one record, an opaque string that holds secrets. Every method may be ``async``.

    A method that raises, answers nonsense or does not finish within ``store_timeout`` makes the
    call that needed it fail with :class:`StoreError`, with what was raised as its ``__cause__``.
    Plain methods run on background threads; coroutines run on the event loop that made the
    client's latest call, or on an asyncio loop of their own for a blocking client and under trio.

    A store that several processes share should also have ``lock()``, which returns a context
    manager, plain or asynchronous, that keeps the others out while it is entered.
    """

    def load(self) -> str | Awaitable[str | None] | None:
        """The record, or None where there is none."""
        ...

    def save(self, record: str, /) -> Awaitable[None] | None:
        """Replaces the record. When this returns, the record must survive a crash."""
        ...

    def delete(self) -> Awaitable[None] | None:
        """Removes the record. Removing none is fine."""
        ...


# The native module calls `call` and `hold`. Both return at once and do their work on a thread that
# Python makes: such a thread may be anywhere in foreign code when the interpreter ends.


def call(
    store: Any,
    event_loop: ref[AbstractEventLoop] | None,
    timeout: float,
    rest: tuple[_native.Answer, str, str | None],
) -> None:
    """Has one method of ``store`` called, with the record where there is one."""
    answer, method, record = rest

    def work() -> None:
        try:
            arguments = () if record is None else (record,)
            result = getattr(store, method)(*arguments)
            if hasattr(result, "__await__"):
                result = _drive(result, event_loop, timeout)
            if method == "load" and not isinstance(result, str | None):
                raise TypeError(f"load() must return a str or None, not {type(result).__name__}")
            answer.returned(result if method == "load" else None)
        except BaseException as error:
            answer.raised(error)

    try:
        _thread.start_new_thread(work, ())
    except RuntimeError:
        # From 3.12 on, an interpreter that is ending starts no threads.
        _native._do_at_exit(work)


def hold(
    store: Any,
    event_loop: ref[AbstractEventLoop] | None,
    timeout: float,
    rest: tuple[_native.Lease],
) -> None:
    """Has ``store.lock()`` held until told."""
    (lease,) = rest

    def work() -> None:
        try:
            manager = store.lock()
            if hasattr(manager, "__await__"):
                manager = _drive(manager, event_loop, timeout)
            if hasattr(manager, "__aenter__"):
                _drive(_hold_async(manager, lease), event_loop, None)
                return
            with manager:
                lease.acquired()
                lease.wait()
        except BaseException as error:
            lease.raised(error)

    _thread.start_new_thread(work, ())


async def _hold_async(manager: Any, lease: _native.Lease) -> None:
    import asyncio

    async with manager:
        lease.acquired()
        await asyncio.get_running_loop().run_in_executor(None, lease.wait)


def _drive(
    awaitable: Awaitable[Any],
    event_loop: ref[AbstractEventLoop] | None,
    timeout: float | None,
) -> Any:
    """Waits on this thread for ``awaitable``, which runs on the user's loop if it still runs."""
    import asyncio

    async def finish() -> Any:
        return await asyncio.wait_for(awaitable, timeout)

    loop = event_loop() if event_loop is not None else None
    if loop is not None and loop.is_running():
        return asyncio.run_coroutine_threadsafe(finish(), loop).result()
    return asyncio.run(finish())
