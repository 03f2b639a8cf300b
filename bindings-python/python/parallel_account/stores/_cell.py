"""What the stores have in common: a cell under a key, and the statement that swaps it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from parallel_account._errors import ConfigError

if TYPE_CHECKING:
    from types import CoroutineType
    from typing import TypeAlias

Loaded = TypeVar("Loaded", covariant=True)
Replaced = TypeVar("Replaced", covariant=True)


if TYPE_CHECKING:
    # What the methods of a store over an asyncio client return.
    Loading: TypeAlias = CoroutineType[Any, Any, str | None]
    Replacing: TypeAlias = CoroutineType[Any, Any, bool]

TABLE = "parallel_account_logins"

IN_TRANSACTION = (
    "The connection is inside a transaction of the application, and a login that is saved there is "
    "lost if the application rolls back. Give the store a pool, or a connection of its own."
)


class Cell(ABC, Generic[Loaded, Replaced]):
    """One record under a key."""

    # Whether its methods are to be awaited: a client then calls them on its caller's loop.
    _asynchronous: bool = False

    cache_for: float
    """Seconds for which a loaded record may serve calls without being loaded again."""

    def __init__(self, key: str, cache_for: float) -> None:
        # A key such as None would be one login for everybody that has no ID yet.
        if not isinstance(key, str) or not key:  # pyright: ignore[reportUnnecessaryIsInstance]
            found = "an empty one" if key == "" else type(key).__name__
            raise ConfigError(f"key must be a string that names the user, not {found}.")
        if "\0" in key:
            raise ConfigError("key must not contain NUL characters.")
        try:
            key.encode()
        except UnicodeEncodeError:
            raise ConfigError("key must not contain lone surrogates.") from None
        self.cache_for = cache_for

    @abstractmethod
    def load(self) -> Loaded:
        """The record, or None if there is none."""

    @abstractmethod
    def replace(self, old: str | None, new: str | None, /) -> Replaced:
        """Atomically puts ``new`` in place of exactly ``old``; whether it did."""


class Statements:
    """The SQL of a cell, for databases that know ``ON CONFLICT``.

    Each change is one statement, and the number of rows that it touched tells who was faster.
    """

    def __init__(self, table: str, marks: tuple[str, str, str], now: str) -> None:
        name, (one, two, three) = quoted(table), marks
        self.load = f"SELECT record FROM {name} WHERE key = {one}"
        self._insert = (
            f"INSERT INTO {name} (key, record) VALUES ({one}, {two}) ON CONFLICT DO NOTHING"
        )
        self._update = (
            f"UPDATE {name} SET record = {one}, updated_at = {now} "
            f"WHERE key = {two} AND record = {three}"
        )
        self._delete = f"DELETE FROM {name} WHERE key = {one} AND record = {two}"

    def change(self, key: str, old: str, new: str | None) -> tuple[str, tuple[str, ...]]:
        """What puts ``new`` in place of ``old``."""
        if new is None:
            return self._delete, (key, old)
        return self._update, (new, key, old)

    def insert(self, key: str, new: str) -> tuple[str, tuple[str, ...]]:
        """What puts ``new`` where there is nothing."""
        return self._insert, (key, new)


def quoted(table: str) -> str:
    """``table`` as SQL has it, with the schema that it may name: ``billing.logins``."""
    if not isinstance(table, str) or not re.fullmatch(  # pyright: ignore[reportUnnecessaryIsInstance]
        r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?", table
    ):
        raise ConfigError(
            "table must be a name of letters, digits and underscores, up to 63 of them, with a "
            "schema before it if need be: logins, billing.logins."
        )
    return ".".join(f'"{part}"' for part in table.split("."))


def as_text(record: str | bytes | None) -> str | None:
    """``record`` from a client that answers in text or in bytes, as its application likes it."""
    return record.decode() if isinstance(record, bytes) else record
