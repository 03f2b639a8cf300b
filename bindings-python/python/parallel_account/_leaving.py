"""The end of an asynchronous client: what is unsaved is saved even if the task is cancelled."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable


async def outlast(work: Awaitable[object]) -> None:
    """Waits for ``work``, which is short; a cancellation is raised after it.

    A web framework cancels a request whose visitor has left, and the next thing that happens is
    that the store's connection is closed.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        with trio.CancelScope(shield=True):
            await work
        return
    import asyncio

    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
