"""Threads for what has no caller's thread: few, and gone when there is no work.

They are made by Python, because they may be anywhere in foreign code when the interpreter ends,
and they wait in Python, because a thread that waits in Rust could not be ended there.
"""

from __future__ import annotations

import _thread
import os
import sys
import time
from _queue import Empty, SimpleQueue

from parallel_account import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context
    from typing import Any

MOST = 8
"""How many there are at most, besides those that a store has kept for longer than it may."""

_MOST_EVER = 64
_IDLE = 5.0
_LOOK = 0.05


def start(context: Context, timeout: float, work: Callable[..., None], *arguments: Any) -> None:
    """Has ``work``, which may take ``timeout`` seconds, done in ``context``; returns at once."""
    global _workers
    if _workers is None or _workers.process != os.getpid():
        _workers = _Workers()
    _workers.submit(lambda: context.run(work, *arguments), timeout)


def _genuine(module: str, name: str) -> Any:
    """What gevent has replaced: its threads are greenlets, and its locks belong to one thread."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return getattr(sys.modules[module], name)
    return monkey.get_original(module, name)


class _Workers:
    def __init__(self) -> None:
        self.process = os.getpid()
        self._lock = _genuine("_thread", "allocate_lock")()
        self._works: SimpleQueue[tuple[Callable[[], None], float]] = SimpleQueue()
        self._queued = 0
        self._threads = 0
        self._watching = False
        self._running: dict[int, float] = {}
        """By when each thread that is at work should be done."""

    def submit(self, work: Callable[[], None], timeout: float) -> None:
        with self._lock:
            self._queued += 1
            more = self._takes_one_more()
            watch = not more and not self._watching and self._lacks_one()
            self._watching |= watch
        self._works.put((work, timeout))
        if watch:
            self._start_watch()
        if not more:
            return
        try:
            _genuine("_thread", "start_new_thread")(self._run, ())
        except RuntimeError as error:
            with self._lock:
                self._threads -= 1
                alone = self._threads == 0
                self._queued -= alone
            if not alone:
                return
            self._works.get_nowait()
            # From 3.12 on, an interpreter that is ending starts no threads.
            if "shutdown" not in str(error):
                raise
            _native._do_at_exit(work)

    def _lacks_one(self) -> bool:
        return self._queued > self._threads - len(self._running)

    def _takes_one_more(self) -> bool:
        now = time.monotonic()
        hung = sum(end < now for end in self._running.values())
        free = self._threads - hung < MOST and self._threads < _MOST_EVER
        more = free and self._lacks_one()
        self._threads += more
        return more

    def _start_watch(self) -> None:
        try:
            _genuine("_thread", "start_new_thread")(self._watch, ())
        except RuntimeError:
            with self._lock:
                self._watching = False

    def _watch(self) -> None:
        """Lets stores that hang hold up the work of others only until they should be done."""
        while True:
            _genuine("time", "sleep")(_LOOK)
            with self._lock:
                if self._queued == 0:
                    self._watching = False
                    return
                more = self._takes_one_more()
            if more:
                try:
                    _genuine("_thread", "start_new_thread")(self._run, ())
                except RuntimeError:
                    with self._lock:
                        self._threads -= 1

    def _run(self) -> None:
        this = _thread.get_ident()
        while True:
            try:
                work, timeout = self._works.get(timeout=_IDLE)
            except Empty:
                with self._lock:
                    if self._queued == 0:
                        self._threads -= 1
                        return
                continue
            with self._lock:
                self._queued -= 1
                self._running[this] = time.monotonic() + timeout
            try:
                work()
            finally:
                # What it refers to must not outlive it.
                del work
                with self._lock:
                    del self._running[this]


_workers: _Workers | None = None
