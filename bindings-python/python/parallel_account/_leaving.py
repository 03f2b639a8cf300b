"""The end of an asynchronous client: what is unsaved is saved even if the task is cancelled."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable

    from parallel_account._native import AsyncClient, BlockingClient


def settle(client: BlockingClient) -> None:
    """Closes ``client``, and waits for what its calls left behind."""
    if not client.close():
        client.settle(True)


async def async_settle(client: AsyncClient) -> None:
    """The same on the loop that runs."""
    if not client.close():
        await outlast(client.settle(False))


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
