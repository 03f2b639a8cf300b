"""PostgreSQL, by psycopg 3 or asyncpg. It imports neither: who has a connection did so."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, overload

from parallel_account._errors import ConfigError
from parallel_account.stores._cell import (
    IN_TRANSACTION,
    TABLE,
    Cell,
    Loaded,
    Replaced,
    Statements,
    as_text,
    quoted,
)

if TYPE_CHECKING:
    import asyncpg
    import psycopg
    import psycopg_pool

    from parallel_account.stores._cell import Loading, Replacing


class PostgresStore(Cell[Loaded, Replaced]):
    """A user's login in PostgreSQL, by a pool or connection of psycopg 3 or asyncpg.

    >>> PostgresStore(psycopg_pool.ConnectionPool(url), key="user-7")

    Make the table with :attr:`schema` in a migration. Each change is one statement that commits by
    itself: with a pool, on a connection of its own; a single connection must be in autocommit mode
    and outside any transaction of the application, whose rollback would lose the login. A call
    that holds a connection of the pool while it uses the client needs a second one: keep the pool
    larger than the number of such calls.

    Args:
        connection: The application's own: ``ConnectionPool``, ``Connection``,
            ``AsyncConnectionPool`` or ``AsyncConnection`` of psycopg, ``Pool`` or ``Connection`` of
            asyncpg. A single connection serves one call at a time and does not reconnect.
        key: Whose login it is, such as a user's or tenant's ID. A key of one user must never be
            one that another can choose.
        table: Its name, with a schema before it if need be: ``billing.logins``.
        cache_for: Seconds for which a loaded record may serve calls without being loaded again.
    """

    schema: ClassVar[str] = (
        f"CREATE TABLE IF NOT EXISTS {TABLE} (\n"
        "    key text PRIMARY KEY,\n"
        "    record text NOT NULL,\n"
        "    updated_at timestamptz NOT NULL DEFAULT now()\n"
        ")"
    )
    """The table, for a migration of the application's."""

    @overload
    def __init__(
        self: PostgresStore[str | None, bool],
        connection: psycopg_pool.ConnectionPool[Any] | psycopg.Connection[Any],
        key: str,
        *,
        table: str = ...,
        cache_for: float = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: PostgresStore[Loading, Replacing],
        connection: psycopg_pool.AsyncConnectionPool[Any]
        | psycopg.AsyncConnection[Any]
        | asyncpg.Pool[Any]
        | asyncpg.Connection[Any]
        | asyncpg.pool.PoolConnectionProxy[Any],
        key: str,
        *,
        table: str = ...,
        cache_for: float = ...,
    ) -> None: ...

    def __init__(
        self, connection: Any, key: str, *, table: str = TABLE, cache_for: float = 0
    ) -> None:
        super().__init__(key, cache_for)
        quoted(table)
        classes = type(connection).__mro__
        names = (f"{it.__module__.partition('.')[0]}.{it.__name__}" for it in classes)
        driver = next((_DRIVERS[name] for name in names if name in _DRIVERS), None)
        if driver is None:
            raise ConfigError(
                "connection must be a pool or connection of psycopg 3 or asyncpg, "
                f"not {type(connection).__module__}.{type(connection).__name__}."
            )
        self._driver = driver(connection, key, table)
        self._asynchronous = iscoroutinefunction(self._driver.load)

    def load(self) -> Loaded:
        return self._driver.load()  # type: ignore[no-any-return]

    def replace(self, old: str | None, new: str | None, /) -> Replaced:
        return self._driver.replace(old, new)  # type: ignore[no-any-return]


class _Driver:
    """How a kind of connection runs the statements."""

    marks: ClassVar = ("%s", "%s", "%s")

    def __init__(self, connection: Any, key: str, table: str) -> None:
        self.connection = connection
        self.key = key
        self.statements = Statements(table, self.marks, "now()")

    def change(self, old: str | None, new: str | None) -> tuple[str, tuple[str, ...]]:
        if old is not None:
            return self.statements.change(self.key, old, new)
        assert new is not None, "None for None is a load"
        return self.statements.insert(self.key, new)


class _Pool(_Driver):
    """A ``psycopg_pool.ConnectionPool``."""

    def load(self) -> str | None:
        with self.cursor() as cursor:
            row = cursor.execute(self.statements.load, (self.key,)).fetchone()
        return as_text(row[0]) if row else None

    def replace(self, old: str | None, new: str | None) -> bool:
        if old is None and new is None:
            return self.load() is None
        try:
            with self.cursor() as cursor:
                return bool(cursor.execute(*self.change(old, new)).rowcount == 1)
        except Exception as error:
            if _lost(error):
                return False
            raise

    @contextmanager
    def cursor(self) -> Generator[Any, None, None]:
        with self.connection.connection() as connection:
            before = connection.autocommit
            # Nothing is sent for it, and what comes out of a pool is in no transaction.
            connection.autocommit = True
            try:
                with connection.cursor(row_factory=_tuples) as cursor:
                    yield cursor
            finally:
                if not connection.closed:
                    connection.autocommit = before


class _Connection(_Pool):
    """A ``psycopg.Connection``."""

    def __init__(self, connection: Any, key: str, table: str) -> None:
        super().__init__(connection, key, table)
        _check_autocommit(connection)

    @contextmanager
    def cursor(self) -> Generator[Any, None, None]:
        _check_idle(self.connection)
        with self.connection.cursor(row_factory=_tuples) as cursor:
            yield cursor


class _AsyncPool(_Driver):
    """A ``psycopg_pool.AsyncConnectionPool``."""

    async def load(self) -> str | None:
        async with self.cursor() as cursor:
            row = await (await cursor.execute(self.statements.load, (self.key,))).fetchone()
        return as_text(row[0]) if row else None

    async def replace(self, old: str | None, new: str | None) -> bool:
        if old is None and new is None:
            return await self.load() is None
        try:
            async with self.cursor() as cursor:
                return bool((await cursor.execute(*self.change(old, new))).rowcount == 1)
        except Exception as error:
            if _lost(error):
                return False
            raise

    @asynccontextmanager
    async def cursor(self) -> AsyncGenerator[Any, None]:
        async with self.connection.connection() as connection:
            before = connection.autocommit
            await connection.set_autocommit(True)
            try:
                async with connection.cursor(row_factory=_tuples) as cursor:
                    yield cursor
            finally:
                if not connection.closed:
                    await connection.set_autocommit(before)


class _AsyncConnection(_AsyncPool):
    """A ``psycopg.AsyncConnection``."""

    def __init__(self, connection: Any, key: str, table: str) -> None:
        super().__init__(connection, key, table)
        _check_autocommit(connection)

    @asynccontextmanager
    async def cursor(self) -> AsyncGenerator[Any, None]:
        _check_idle(self.connection)
        async with self.connection.cursor(row_factory=_tuples) as cursor:
            yield cursor


class _Asyncpg(_Driver):
    """An ``asyncpg.Pool`` or ``asyncpg.Connection``; they have the same methods."""

    marks: ClassVar = ("$1", "$2", "$3")

    async def load(self) -> str | None:
        self.check()
        return as_text(await self.connection.fetchval(self.statements.load, self.key))

    async def replace(self, old: str | None, new: str | None) -> bool:
        if old is None and new is None:
            return await self.load() is None
        self.check()
        statement, values = self.change(old, new)
        try:
            status = await self.connection.execute(statement, *values)
        except Exception as error:
            if _lost(error):
                return False
            raise
        # "UPDATE 1", "INSERT 0 1"
        return bool(status.rpartition(" ")[2] == "1")

    def check(self) -> None:
        in_transaction = getattr(self.connection, "is_in_transaction", None)
        if in_transaction is not None and in_transaction():
            raise RuntimeError(IN_TRANSACTION)


def _tuples(_cursor: Any) -> Any:
    """Rows as they come, whatever the application's connections make of theirs."""
    return tuple


def _check_autocommit(connection: Any) -> None:
    if not connection.autocommit:
        raise ConfigError(
            "A single connection must be in autocommit mode, because a login must be saved at once "
            "and not with a commit of the application. Give the store a pool, or a connection of "
            "its own with autocommit=True."
        )


def _check_idle(connection: Any) -> None:
    # 2 and 3 (libpq): in a transaction, and in one that has failed.
    if connection.info.transaction_status in (2, 3) or not connection.autocommit:
        raise RuntimeError(IN_TRANSACTION)


def _lost(error: Exception) -> bool:
    """Where transactions are serializable by default, the slower of two changes fails so."""
    return getattr(error, "sqlstate", None) == "40001"


_DRIVERS: dict[str, type[Any]] = {
    "psycopg.Connection": _Connection,
    "psycopg.AsyncConnection": _AsyncConnection,
    "psycopg_pool.ConnectionPool": _Pool,
    "psycopg_pool.AsyncConnectionPool": _AsyncPool,
    "asyncpg.Connection": _Asyncpg,
    "asyncpg.Pool": _Asyncpg,
    "asyncpg.PoolConnectionProxy": _Asyncpg,
}
