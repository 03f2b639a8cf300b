"""How a greenlet of gevent waits for a blocking call, so that the others of its thread run."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from parallel_account import _native, _store_calls


def is_running() -> bool:
    """Whether this is a greenlet of a hub; the hub itself cannot wait."""
    # Some part of gevent is imported, but maybe not this one.
    local = sys.modules.get("gevent._hub_local")
    hub = local and local.get_hub_if_exists()
    return hub is not None and sys.modules["greenlet"].getcurrent() is not hub


def wait(flight: _native.Flight) -> Any:
    """Sends the request and waits for its answer; makes calls of the store meanwhile.

    What gevent raises in the greenlet (a ``Timeout``, ``GreenletExit``) stops the request.
    """
    arrived = import_module("gevent.event").Event()
    arrivals: list[_native.StoreCall | None] = []
    # The only thing of gevent that other threads may use.
    watcher = import_module("gevent").get_hub().loop.async_()
    watcher.start(arrived.set)

    def notify(arrival: _native.StoreCall | None) -> None:
        arrivals.append(arrival)
        watcher.send()

    try:
        flight.start(notify)
        while True:
            flight.ready(True)
            arrived.wait()
            flight.ready(False)
            arrived.clear()
            while arrivals:
                arrival = arrivals.pop(0)
                if arrival is None:
                    return flight.result()
                _store_calls.run_here(arrival)
    finally:
        flight.abort()
        watcher.stop()
        watcher.close()


def warn_of_eventlet() -> bool:
    """Warns if this thread has green threads of eventlet; says whether it did."""
    hubs, greenlet = sys.modules.get("eventlet.hubs"), sys.modules.get("greenlet")
    hub = hubs and getattr(hubs._threadlocal, "hub", None)
    if hub is None or greenlet is None:
        return False
    from warnings import warn

    warn(
        "A blocking call of parallel_account stops the other green threads of eventlet until it "
        "returns. Make it by eventlet.tpool.execute(client.balance.get), or move the program to "
        "gevent or asyncio, which are supported.",
        RuntimeWarning,
        stacklevel=4,
    )
    return True
