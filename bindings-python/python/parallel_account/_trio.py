"""How a trio task waits for a call of the native module, which brings it here if trio runs."""

from __future__ import annotations

from typing import Any

import trio

from parallel_account import _native


async def wait(flight: _native.Flight) -> Any:
    """Sends the request and waits for its answer; cancelling stops it at once."""
    task = trio.lowlevel.current_task()
    token = trio.lowlevel.current_trio_token()
    waiting = True

    def done() -> None:
        if waiting:
            trio.lowlevel.reschedule(task)

    def abort(_raise_cancel: Any) -> trio.lowlevel.Abort:
        nonlocal waiting
        waiting = False
        flight.abort()
        return trio.lowlevel.Abort.SUCCEEDED

    await trio.lowlevel.checkpoint_if_cancelled()
    flight.start(lambda: token.run_sync_soon(done))
    await trio.lowlevel.wait_task_rescheduled(abort)
    return flight.result()
