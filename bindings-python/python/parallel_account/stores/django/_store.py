"""The stores: one statement each, by the connection of the thread that calls."""

from __future__ import annotations

from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.db import InterfaceError, OperationalError, connections, router

from parallel_account._errors import ConfigError
from parallel_account.stores._cell import TABLE, Cell, Statements

if TYPE_CHECKING:
    from collections.abc import Generator


_STATEMENTS = Statements(TABLE, ("%s", "%s", "%s"), "CURRENT_TIMESTAMP")
_VENDORS = ("postgresql", "sqlite")


class DjangoStore(Cell["str | None", bool]):
    """A user's login in the table of ``parallel_account.stores.django``.

    >>> AccountClient(store=DjangoStore(key=str(request.user.pk)))

    It uses the connection of the calling thread, so that tests in a ``TestCase`` see their own
    data. A change commits at once: inside ``atomic()`` and under ``ATOMIC_REQUESTS`` it is made on
    a connection of its own, as a rollback of the application would lose the login. On SQLite that
    waits for the application's transaction if that has written, and then fails.

    For PostgreSQL and SQLite: other databases do not compare text exactly.

    Args:
        key: Whose login it is, such as ``str(user.pk)``. A key of one user must never be one that
            another can choose.
        using: The database's alias; by default where the routers write logins.
        cache_for: Seconds for which a loaded record may serve calls without being loaded again.
    """

    def __init__(self, key: str, *, using: str | None = None, cache_for: float = 0) -> None:
        super().__init__(key, cache_for)
        self._key = key
        self._using = using

    def load(self) -> str | None:
        with self._cursor(nullcontext) as cursor:
            cursor.execute(_STATEMENTS.load, (self._key,))
            row: Any = cursor.fetchone()
        return row[0] if row else None

    def replace(self, old: str | None, new: str | None, /) -> bool:
        if old is not None:
            statement, values = _STATEMENTS.change(self._key, old, new)
        elif new is not None:
            statement, values = _STATEMENTS.insert(self._key, new)
        else:
            return self.load() is None
        try:
            with self._cursor(_committing) as cursor:
                cursor.execute(statement, values)
                return bool(cursor.rowcount == 1)
        except OperationalError as error:
            # Where transactions are serializable, the slower of two changes fails so.
            if getattr(error.__cause__, "sqlstate", None) == "40001":
                return False
            raise

    @contextmanager
    def _cursor(self, choose: Any) -> Generator[Any, None, None]:
        using = self._using or router.db_for_write(apps.get_model("parallel_account", "Login"))
        mine = connections[using]
        if mine.vendor not in _VENDORS:
            raise ConfigError(
                f"DjangoStore works with {' and '.join(_VENDORS)}, not with {mine.vendor}, which "
                "may give one user the login of another: it does not compare text exactly."
            )
        try:
            with choose(mine) as connection, connection.cursor() as cursor:
                yield cursor
        except (InterfaceError, OperationalError):
            # Between requests nobody else does so, and the next call is to have a new connection.
            if not mine.in_atomic_block:
                mine.close_if_unusable_or_obsolete()
            raise


class AsyncDjangoStore:
    """A :class:`DjangoStore` for ``AsyncAccountClient`` in asynchronous views.

    Its queries run where Django runs those of its ORM: in the thread that ``sync_to_async``
    chooses.
    """

    def __init__(self, key: str, *, using: str | None = None, cache_for: float = 0) -> None:
        self._store = DjangoStore(key, using=using)
        self.cache_for = cache_for

    async def load(self) -> str | None:
        return await sync_to_async(self._store.load)()

    async def replace(self, old: str | None, new: str | None, /) -> bool:
        return await sync_to_async(self._store.replace)(old, new)


@contextmanager
def _committing(connection: Any) -> Generator[Any, None, None]:
    """``connection``, or another of the same database if it would not commit at once."""
    # In a TestCase everything is to be rolled back. Django knows it in the same way.
    testing = any(getattr(it, "_from_testcase", False) for it in connection.atomic_blocks)
    if testing or (connection.get_autocommit() and not connection.in_atomic_block):
        yield connection
    else:
        with closing(connections.create_connection(connection.alias)) as another:
            yield another
