"""Redis and Valkey, by redis-py."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, overload

import redis.asyncio
from redis.exceptions import NoScriptError

from parallel_account._errors import ConfigError
from parallel_account.stores._cell import Cell, Loaded, Replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parallel_account.stores._cell import Loading, Replacing

# An absent record is an empty string; one that is there begins with "=".
_REPLACE = b"""\
local found, old, new, ttl = redis.call('GET', KEYS[1]), ARGV[1], ARGV[2], ARGV[3]
if (found and '=' .. found or '') ~= old then return 0 end
if new == '' then redis.call('DEL', KEYS[1])
elseif ttl == '' then redis.call('SET', KEYS[1], string.sub(new, 2))
else redis.call('SET', KEYS[1], string.sub(new, 2), 'PX', ttl) end
return 1
"""
_SHA = hashlib.sha1(_REPLACE, usedforsecurity=False).hexdigest()

_BLOCKING = (redis.Redis, redis.RedisCluster)
_ASYNCIO = (redis.asyncio.Redis, redis.asyncio.RedisCluster)


class RedisStore(Cell[Loaded, Replaced]):
    """A user's login in Redis, by a client of redis-py: blocking or asyncio, Sentinel, Cluster.

    >>> RedisStore(redis.Redis(), key="user-7")

    The record is the string at ``parallel-account:user-7``. ``replace`` is one Lua script on that
    one key, so that it is atomic and works in a cluster.

    What Redis acknowledges must survive: set ``appendonly yes`` and a ``maxmemory-policy`` that
    does not evict what never expires, do not read from replicas, and know that a failover to a
    replica forgets what had not reached it yet. A refreshed login that is forgotten so is lost
    unless the process that refreshed it still runs; the user logs in again.

    Args:
        client: The application's own. Its ``decode_responses`` does not matter.
        key: Whose login it is, such as a user's or tenant's ID. A key of one user must never be
            one that another can choose.
        prefix: What comes before the key.
        ttl: Seconds after the last refresh for which the login is kept. One that expires is lost,
            so that by default none does.
        cache_for: Seconds for which a loaded record may serve calls without being loaded again.
    """

    @overload
    def __init__(
        self: RedisStore[str | None, bool],
        client: redis.Redis | redis.RedisCluster,
        key: str,
        *,
        prefix: str = ...,
        ttl: float | None = ...,
        cache_for: float = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: RedisStore[Loading, Replacing],
        client: redis.asyncio.Redis | redis.asyncio.RedisCluster,
        key: str,
        *,
        prefix: str = ...,
        ttl: float | None = ...,
        cache_for: float = ...,
    ) -> None: ...

    def __init__(
        self,
        client: Any,
        key: str,
        *,
        prefix: str = "parallel-account:",
        ttl: float | None = None,
        cache_for: float = 0,
    ) -> None:
        super().__init__(key, cache_for)
        if not isinstance(client, (*_BLOCKING, *_ASYNCIO)):
            raise ConfigError(
                "client must be a Redis or RedisCluster of redis or redis.asyncio, "
                f"not {type(client).__module__}.{type(client).__name__}."
            )
        if not isinstance(prefix, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"prefix must be a string, not {type(prefix).__name__}.")
        number = isinstance(ttl, (int, float)) and not isinstance(ttl, bool)
        if ttl is not None and not (number and 1 <= ttl <= 10**9):
            raise ConfigError("ttl must be a number of seconds from 1 to 1,000,000,000, or None.")
        self._client: Any = client
        self._asynchronous = isinstance(client, _ASYNCIO)
        self._key = (prefix + key).encode()
        self._ttl = b"" if ttl is None else b"%d" % int(ttl * 1000)

    def load(self) -> Loaded:
        # Bytes whatever the client's settings: an encoding of its own must not touch the record.
        answer: Any = self._client.execute_command("GET", self._key, NEVER_DECODE=True)
        return _awaited(answer) if self._asynchronous else _text(answer)  # type: ignore[return-value]

    def replace(self, old: str | None, new: str | None, /) -> Replaced:
        return (self._replace_async if self._asynchronous else self._replace)(old, new)  # type: ignore[return-value]

    def _replace(self, old: str | None, new: str | None) -> bool:
        by_sha, by_text = self._attempts(old, new)
        try:
            return bool(self._client.execute_command(*by_sha))
        except NoScriptError:
            return bool(self._client.execute_command(*by_text))

    async def _replace_async(self, old: str | None, new: str | None) -> bool:
        by_sha, by_text = self._attempts(old, new)
        try:
            return bool(await self._client.execute_command(*by_sha))
        except NoScriptError:
            return bool(await self._client.execute_command(*by_text))

    def _attempts(self, old: str | None, new: str | None) -> Iterator[tuple[Any, ...]]:
        """By the script's checksum; and where Redis does not know it yet, by its text."""
        before, after = (b"" if it is None else b"=" + it.encode() for it in (old, new))
        arguments = (1, self._key, before, after, self._ttl)
        yield ("EVALSHA", _SHA, *arguments)
        yield ("EVAL", _REPLACE, *arguments)


async def _awaited(answer: Any) -> str | None:
    return _text(await answer)


def _text(answer: bytes | None) -> str | None:
    return None if answer is None else answer.decode()
