"""Stores as a program writes them itself."""

from __future__ import annotations

import asyncio
import threading
from typing import Any


class Plain:
    def __init__(self, record: str | None = None) -> None:
        self.record = record
        self.mutex = threading.Lock()
        self.loads = 0
        self.replaced: list[bool] = []

    def load(self) -> str | None:
        self.loads += 1
        return self.record

    def replace(self, old: str | None, new: str | None) -> bool:
        with self.mutex:
            same = self.record == old
            self.replaced.append(same)
            if same:
                self.record = new
            return same


class Asynchronous:
    def __init__(self, record: str | None = None) -> None:
        self.record = record
        self.loops: set[Any] = set()
        self.replaced: list[bool] = []

    async def load(self) -> str | None:
        self.loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return self.record

    async def replace(self, old: str | None, new: str | None) -> bool:
        await asyncio.sleep(0)
        same = self.record == old
        self.replaced.append(same)
        if same:
            self.record = new
        return same
