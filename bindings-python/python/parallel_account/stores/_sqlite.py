"""SQLite, by the standard library."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from parallel_account._errors import ConfigError
from parallel_account.stores._cell import IN_TRANSACTION, TABLE, Cell, Statements, as_text

if TYPE_CHECKING:
    from collections.abc import Generator
    from os import PathLike

_BUSY = 5.0  # seconds to wait while another process writes


class SqliteStore(Cell["str | None", bool]):
    """A user's login in a SQLite database.

    >>> SqliteStore("app.db", key="user-7")

    Make the table with :attr:`schema`. Each change is one statement that commits by itself.

    Args:
        database: The file, which must exist. It is opened for each call, so that every thread and
            every process can use the store. Or a ``sqlite3.Connection``, for tests and for
            databases in memory: only the thread that made it may use it, unless it was made with
            ``check_same_thread=False``, and not while a transaction of the application is open.
        key: Whose login it is, such as a user's ID. A key of one user must never be one that
            another can choose.
        table: Its name.
        cache_for: Seconds for which a loaded record may serve calls without being loaded again.
    """

    schema: ClassVar[str] = (
        f"CREATE TABLE IF NOT EXISTS {TABLE} (\n"
        "    key text PRIMARY KEY NOT NULL,\n"
        "    record text NOT NULL,\n"
        "    updated_at text NOT NULL DEFAULT CURRENT_TIMESTAMP\n"
        ")"
    )
    """The table, for a migration of the application's."""

    def __init__(
        self,
        database: str | PathLike[str] | sqlite3.Connection,
        key: str,
        *,
        table: str = TABLE,
        cache_for: float = 0,
    ) -> None:
        super().__init__(key, cache_for)
        self._key = key
        self._statements = Statements(table, ("?", "?", "?"), "CURRENT_TIMESTAMP")
        self._connection: sqlite3.Connection | None = None
        self._uri = ""
        if isinstance(database, sqlite3.Connection):
            self._connection = database
        elif str(database) in ("", ":memory:"):
            raise ConfigError(
                "A database in memory ends with its connection. Give the store the connection."
            )
        else:
            try:
                path = Path(database).absolute()
            except TypeError as error:
                raise ConfigError(
                    "database must be the path of a file or a sqlite3.Connection, not "
                    f"{type(database).__name__}."
                ) from error
            # A name that is misspelled must not make an empty database.
            self._uri = f"{path.as_uri()}?mode=rw"

    def load(self) -> str | None:
        with self._open() as connection, closing(_cursor(connection)) as cursor:
            row = cursor.execute(self._statements.load, (self._key,)).fetchone()
        return as_text(row[0]) if row else None

    def replace(self, old: str | None, new: str | None, /) -> bool:
        if old is not None:
            statement, values = self._statements.change(self._key, old, new)
        elif new is not None:
            statement, values = self._statements.insert(self._key, new)
        else:
            return self.load() is None
        # The connection's own `with` commits: it may begin transactions by itself.
        with self._open() as connection, connection, closing(_cursor(connection)) as cursor:
            return cursor.execute(statement, values).rowcount == 1

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection, None, None]:
        if self._connection is None:
            with closing(sqlite3.connect(self._uri, timeout=_BUSY, uri=True)) as connection:
                yield connection
            return
        if self._connection.in_transaction:
            raise RuntimeError(IN_TRANSACTION)
        yield self._connection


def _cursor(connection: sqlite3.Connection) -> sqlite3.Cursor:
    cursor = connection.cursor()
    # The application's own may make dictionaries of rows.
    cursor.row_factory = None
    return cursor
