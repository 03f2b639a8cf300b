"""Stores for databases that an application has already: one record per user, under a key.

=====================  ===============================================  =====================
:class:`RedisStore`    a client of redis-py, blocking or asyncio        ``pip install
                                                                        parallel-account[redis]``
:class:`PostgresStore` a connection or pool of psycopg 3 or asyncpg     ``[postgres]``,
                                                                        ``[asyncpg]``
:class:`SqliteStore`   a file, or a ``sqlite3`` connection              nothing
:class:`SqlAlchemyStore` an engine or session maker of SQLAlchemy 2     ``[sqlalchemy]``
``stores.django``      an app with a model, a migration and two stores  ``[django]``
=====================  ===============================================  =====================

Each takes the application's own client and the user's key, and is made anew for each user: it holds
no connection of its own. With a blocking client its methods are plain, with an asyncio client they
are coroutines. The layout is the same in Python, Node and Rust, so that a service in one language
and a worker in another share a user's login. Importing this package imports none of the databases.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from parallel_account.stores._postgres import PostgresStore
    from parallel_account.stores._redis import RedisStore
    from parallel_account.stores._sqlalchemy import SqlAlchemyStore
    from parallel_account.stores._sqlite import SqliteStore

__all__ = ["PostgresStore", "RedisStore", "SqlAlchemyStore", "SqliteStore"]

# Where each lives, which packages it works with (any one of them), and the extra to install.
_STORES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "PostgresStore": ("_postgres", ("psycopg", "asyncpg"), "postgres"),
    "RedisStore": ("_redis", ("redis",), "redis"),
    "SqlAlchemyStore": ("_sqlalchemy", ("sqlalchemy",), "sqlalchemy"),
    "SqliteStore": ("_sqlite", (), ""),
}


def __getattr__(name: str) -> object:
    if name not in _STORES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, packages, extra = _STORES[name]
    if packages and not any(map(find_spec, packages)):
        raise ImportError(
            f"{name} needs {' or '.join(packages)}, and none is installed. "
            f"Install it: pip install 'parallel-account[{extra}]'"
        )
    return getattr(import_module(f"{__name__}.{module}"), name)
