"""Stores that note where they are called."""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
import threading
import time
from typing import Any

user: contextvars.ContextVar[int] = contextvars.ContextVar("user")


def threads() -> int:
    """How many this process has, whoever made them."""
    return len(os.listdir("/proc/self/task"))


class Noting:
    """Notes where it was called, and that it never is twice at once."""

    def __init__(self, record: str | None, *, slow: float = 0.0) -> None:
        self.record = record
        self.slow = slow
        self.loads = 0
        self.at_work = 0
        self.overlapped = 0
        self.threads: set[int] = set()
        self.users: set[int | None] = set()
        self.most_threads = 0

    def note(self) -> None:
        self.threads.add(threading.get_ident())
        self.users.add(user.get(None))

    def load(self) -> str | None:
        self.loads += 1
        self.at_work += 1
        self.overlapped += self.at_work > 1
        self.note()
        time.sleep(self.slow)
        if sys.platform == "linux":
            self.most_threads = max(self.most_threads, threads())
        self.at_work -= 1
        return self.record

    def replace(self, old: str | None, new: str | None) -> bool:
        self.note()
        if self.record != old:
            return False
        self.record = new
        return True


class NotingAsync(Noting):
    def __init__(self, record: str | None, *, slow: float = 0.0) -> None:
        super().__init__(record, slow=slow)
        self.loops: set[Any] = set()

    async def load(self) -> str | None:  # type: ignore[override]
        self.loops.add(asyncio.get_running_loop())
        self.loads += 1
        self.at_work += 1
        self.overlapped += self.at_work > 1
        await asyncio.sleep(self.slow)
        self.at_work -= 1
        self.note()
        return self.record

    async def replace(self, old: str | None, new: str | None) -> bool:  # type: ignore[override]
        await asyncio.sleep(0)
        self.loops.add(asyncio.get_running_loop())
        return super().replace(old, new)
