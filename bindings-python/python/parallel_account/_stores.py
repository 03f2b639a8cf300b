"""Stores written in Python: their protocols, and how the native module calls them."""

from __future__ import annotations

import _thread
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from parallel_account import _native

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Callable
    from weakref import ref


@runtime_checkable
class CredentialStore(Protocol):
    """A custom store: one cell that keeps one record per user, an opaque string of secrets.

    Correctness rests on :meth:`replace` alone, which every database can do in one statement::

        UPDATE logins SET record = :new WHERE user_id = :user AND record = :old

    An ``INSERT`` that fails on a duplicate key covers ``old=None``, and a ``DELETE`` with the same
    ``WHERE`` covers ``new=None``; ``rowcount == 1`` is the result. Processes that share a store
    need no lock.

    Both methods may be ``async`` (:class:`AsyncCredentialStore`). Plain methods run on background
    threads; coroutines run on the event loop that made the client's latest call, or on an asyncio
    loop of their own for a blocking client and under trio.

    A method that raises, returns the wrong type or does not finish within ``store_timeout`` makes
    the call that needed it fail with :class:`StoreError`; what it raised is the ``__cause__``. A
    method that calls the client it serves gets a :class:`ConfigError`.

    A store may have an attribute ``cache_for``: for how many seconds a loaded record may serve
    calls before it is loaded again, at most one day. The default is 0. A refresh always loads
    the record.
    """

    def load(self) -> str | None:
        """Returns the record, or None if there is none."""
        ...

    def replace(self, old: str | None, new: str | None, /) -> bool:
        """Atomically puts ``new`` in place of exactly ``old``.

        Args:
            old: The record that must be stored now; None means no record.
            new: The record to store; None means to delete it.

        Returns:
            True if it was replaced; the change must then survive a crash. False if the stored
            record is not ``old``; nothing may have changed then.
        """
        ...


@runtime_checkable
class AsyncCredentialStore(Protocol):
    """A :class:`CredentialStore` whose methods are coroutines."""

    async def load(self) -> str | None:
        """As :meth:`CredentialStore.load`."""
        ...

    async def replace(self, old: str | None, new: str | None, /) -> bool:
        """As :meth:`CredentialStore.replace`."""
        ...


serving: ContextVar[tuple[int, ...]] = ContextVar("parallel_account_serving", default=())
"""The stores whose methods are running in this context, outermost first."""


def call(
    method: Callable[..., Any],
    arguments: list[str | None],
    answer: _native.Answer,
    stores: tuple[int, ...],
    event_loop: ref[AbstractEventLoop] | None,
    timeout: float,
) -> None:
    """For the native module: calls a store's method on a thread that Python makes.

    Returns at once. The thread must be Python's own, because it may be anywhere in foreign code
    when the interpreter ends.
    """

    def work() -> None:
        outside = serving.set(stores)
        try:
            result = method(*arguments)
            if hasattr(result, "__await__"):
                result = _drive(result, event_loop, timeout)
            answer.returned(result)
        except BaseException as error:
            answer.raised(error)
        finally:
            serving.reset(outside)

    try:
        _thread.start_new_thread(work, ())
    except RuntimeError as error:
        # From 3.12 on, an interpreter that is ending starts no threads.
        if "shutdown" not in str(error):
            raise
        _native._do_at_exit(work)


def _drive(
    awaitable: Awaitable[Any], event_loop: ref[AbstractEventLoop] | None, timeout: float
) -> Any:
    """Waits on this thread for ``awaitable``, which runs on the user's loop if that still runs."""
    import asyncio

    async def finish() -> Any:
        # The native module says so first; this stops what nobody waits for any more.
        return await asyncio.wait_for(awaitable, timeout + 0.1)

    loop = event_loop() if event_loop is not None else None
    if loop is not None and loop.is_running():
        # It runs in a copy of this thread's context, so that `serving` is set there as well.
        return asyncio.run_coroutine_threadsafe(finish(), loop).result()
    return asyncio.run(finish())
