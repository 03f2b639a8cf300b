"""The protocols of stores written in Python."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class CredentialStore(Protocol):
    """A custom store: one cell that keeps one record per user, an opaque string of secrets.

    Correctness rests on :meth:`replace` alone, which every database can do in one statement::

        UPDATE logins SET record = :new WHERE user_id = :user AND record = :old

    An ``INSERT`` that fails on a duplicate key covers ``old=None``, and a ``DELETE`` with the same
    ``WHERE`` covers ``new=None``; ``rowcount == 1`` is the result. Processes that share a store
    need no lock.

    Both methods may be ``async`` (:class:`AsyncCredentialStore`). A client calls its store once at
    a time, from where a call of the client waits and with that call's context variables: plain
    methods of an :class:`AccountClient` run in the waiting thread, coroutines of an
    :class:`AsyncAccountClient` on its event loop, asyncio's or trio's. Plain methods of an
    :class:`AsyncAccountClient` run in one of at most 8 threads that all clients share, so that
    they do not block the loop; coroutines of an :class:`AccountClient` run in the waiting thread
    on an asyncio loop of their own. If no call waits any more, such a thread finishes the work.

    A method that raises, returns the wrong type or does not finish within ``store_timeout`` makes
    the call that needed it fail with :class:`StoreError`; what it raised is the ``__cause__``. A
    plain method cannot be stopped: the call in whose thread it hangs ends when it does, and all
    others in time. A method that calls the client it serves gets a :class:`ConfigError`.

    A store may have an attribute ``cache_for``: How long a loaded record may serve calls before it
    is loaded again, in seconds; default 0. At most one day. A refresh always loads the record.
    """

    def load(self) -> str | None:
        """The record, or None where there is none."""
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
