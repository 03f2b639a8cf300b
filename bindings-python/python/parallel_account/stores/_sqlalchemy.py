"""Databases by SQLAlchemy 2: PostgreSQL, SQLite, MySQL and MariaDB."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, overload

import sqlalchemy as sql
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.orm import sessionmaker

from parallel_account._errors import ConfigError
from parallel_account.stores._cell import TABLE, Cell, Loaded, Replaced, quoted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from parallel_account.stores._cell import Loading, Replacing

# A login is committed by its own statement, whatever else the session or engine does.
_AT_ONCE = {"isolation_level": "AUTOCOMMIT"}
_DIALECTS = ("postgresql", "sqlite", "mysql", "mariadb")


class SqlAlchemyStore(Cell[Loaded, Replaced]):
    """A user's login in a database that SQLAlchemy reaches.

    >>> SqlAlchemyStore(create_engine(url), key="user-7")

    Add the table to your metadata with :meth:`table`, so that ``create_all()`` or Alembic makes
    it. Each change is one statement that commits by itself, on a connection of its own from the
    engine's pool; a call that holds a connection while it uses the client needs a second one.

    Args:
        engine: The application's own ``Engine``, ``AsyncEngine``, ``sessionmaker`` or
            ``async_sessionmaker``. A session is not enough, because its transaction is the
            application's.
        key: Whose login it is, such as a user's or tenant's ID. A key of one user must never be
            one that another can choose.
        table: What :meth:`table` returned, or its name, with a schema before it if need be.
        cache_for: Seconds for which a loaded record may serve calls without being loaded again.
    """

    @overload
    def __init__(
        self: SqlAlchemyStore[str | None, bool],
        engine: sql.Engine | sessionmaker[Any],
        key: str,
        *,
        table: sql.Table | str = ...,
        cache_for: float = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: SqlAlchemyStore[Loading, Replacing],
        engine: AsyncEngine | async_sessionmaker[Any],
        key: str,
        *,
        table: sql.Table | str = ...,
        cache_for: float = ...,
    ) -> None: ...

    def __init__(
        self, engine: Any, key: str, *, table: sql.Table | str = TABLE, cache_for: float = 0
    ) -> None:
        super().__init__(key, cache_for)
        kinds = (sql.Engine, AsyncEngine, sessionmaker, async_sessionmaker)
        if not isinstance(engine, kinds):
            names = ", ".join(kind.__name__ for kind in kinds)
            raise ConfigError(f"engine must be one of {names}, not {type(engine).__name__}.")
        self._engine: Any = engine
        self._asynchronous = isinstance(engine, (AsyncEngine, async_sessionmaker))
        self._key = key
        self._table = self.table(sql.MetaData(), table) if isinstance(table, str) else table

    @staticmethod
    def table(metadata: sql.MetaData, name: str = TABLE) -> sql.Table:
        """The table, for the application's metadata and so for its migrations."""
        quoted(name)
        schema, _, name = name.rpartition(".")
        now = sql.func.now()
        return sql.Table(
            name,
            metadata,
            sql.Column("key", _Exact(mysql.VARBINARY(255)), primary_key=True),
            sql.Column("record", _Exact(mysql.LONGBLOB()), nullable=False),
            sql.Column(
                "updated_at",
                sql.DateTime(timezone=True),
                nullable=False,
                server_default=now,
                onupdate=now,
            ),
            schema=schema or None,
        )

    def load(self) -> Loaded:
        return (self._load_async if self._asynchronous else self._load)()  # type: ignore[return-value]

    def replace(self, old: str | None, new: str | None, /) -> Replaced:
        return (self._replace_async if self._asynchronous else self._replace)(old, new)  # type: ignore[return-value]

    def _load(self) -> str | None:
        with self._connect() as connection:
            return connection.execute(self._select()).scalar_one_or_none()

    async def _load_async(self) -> str | None:
        async with self._connect_async() as connection:
            return (await connection.execute(self._select())).scalar_one_or_none()  # type: ignore[no-any-return]

    def _replace(self, old: str | None, new: str | None) -> bool:
        if old is None and new is None:
            return self._load() is None
        try:
            with self._connect() as connection:
                return _done(connection.execute(self._change(old, new)), old)
        except DBAPIError as error:
            if _lost(error) or (_maybe_there(error, old) and self._load() is not None):
                return False
            raise

    async def _replace_async(self, old: str | None, new: str | None) -> bool:
        if old is None and new is None:
            return await self._load_async() is None
        try:
            async with self._connect_async() as connection:
                return _done(await connection.execute(self._change(old, new)), old)
        except DBAPIError as error:
            if _lost(error) or (_maybe_there(error, old) and await self._load_async() is not None):
                return False
            raise

    def _select(self) -> sql.Select[Any]:
        columns = self._table.c
        return sql.select(columns.record).where(columns.key == self._key)

    def _change(self, old: str | None, new: str | None) -> Any:
        columns = self._table.c
        if old is None:
            return self._table.insert().values(key=self._key, record=new)
        current = sql.and_(columns.key == self._key, columns.record == old)
        if new is None:
            return self._table.delete().where(current)
        # SQLAlchemy has MySQL count the rows that match, not those that change.
        return self._table.update().where(current).values(record=new)

    @contextmanager
    def _connect(self) -> Generator[sql.Connection, None, None]:
        if isinstance(self._engine, sql.Engine):
            with self._engine.connect() as connection:
                _check(connection)
                yield connection.execution_options(**_AT_ONCE)
        else:
            with self._engine() as session:
                connection = session.connection(execution_options=_AT_ONCE)
                _check(connection)
                yield connection

    @asynccontextmanager
    async def _connect_async(self) -> AsyncGenerator[Any, None]:
        if isinstance(self._engine, AsyncEngine):
            async with self._engine.connect() as connection:
                _check(connection)
                yield await connection.execution_options(**_AT_ONCE)
        else:
            async with self._engine() as session:
                connection = await session.connection(execution_options=_AT_ONCE)
                _check(connection)
                yield connection


class _Exact(sql.types.TypeDecorator[str]):
    """Text that differs if a byte does.

    MySQL compares text without regard to case and to spaces at the end, which would give one user
    the login of another.
    """

    impl = sql.Text
    cache_ok = True

    def __init__(self, binary: Any) -> None:
        super().__init__()
        self.binary = binary

    def load_dialect_impl(self, dialect: sql.Dialect) -> Any:
        ours = self.binary if _is_mysql(dialect) else sql.Text()
        return dialect.type_descriptor(ours)

    def process_bind_param(self, value: str | None, dialect: sql.Dialect) -> Any:
        return value.encode() if value is not None and _is_mysql(dialect) else value

    def process_result_value(self, value: Any, dialect: sql.Dialect) -> str | None:
        return value.decode() if isinstance(value, bytes) else value


def _is_mysql(dialect: sql.Dialect) -> bool:
    return dialect.name in ("mysql", "mariadb")


def _check(connection: Any) -> None:
    if connection.dialect.name not in _DIALECTS:
        raise ConfigError(
            f"SqlAlchemyStore works with {', '.join(_DIALECTS)}, and is untested with "
            f"{connection.dialect.name}: whether that compares text exactly is unknown."
        )


def _done(result: Any, old: str | None) -> bool:
    # An INSERT has been done if it has not failed; not every driver counts its rows.
    return old is None or bool(result.rowcount == 1)


def _lost(error: DBAPIError) -> bool:
    """Where transactions are serializable, the slower of two changes fails so."""
    # Its text would show the record.
    error.hide_parameters = True
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return state == "40001"


def _maybe_there(error: DBAPIError, old: str | None) -> bool:
    """Whether the key may have been there already; other constraints of the table fail so, too."""
    return old is None and isinstance(error, IntegrityError)
