"""How a trio task waits for a call of the native module, which brings it here if trio runs."""

from __future__ import annotations

from typing import Any

import trio

from parallel_account import _native, _store_calls


async def wait(flight: _native.Flight) -> Any:
    """Sends the request and waits for its answer; cancelling stops it at once."""
    task = trio.lowlevel.current_task()
    token = trio.lowlevel.current_trio_token()
    waiting = True

    def arrive(call: _native.StoreCall | None) -> None:
        if call is not None:
            _store_calls.run_in_trio(call)
        elif waiting:
            trio.lowlevel.reschedule(task)

    def abort(_raise_cancel: Any) -> trio.lowlevel.Abort:
        nonlocal waiting
        waiting = False
        flight.abort()
        return trio.lowlevel.Abort.SUCCEEDED

    await trio.lowlevel.checkpoint_if_cancelled()
    flight.start(lambda call: token.run_sync_soon(arrive, call))
    await trio.lowlevel.wait_task_rescheduled(abort)
    return flight.result()
