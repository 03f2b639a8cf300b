"""What both clients have, which needs no network."""

from __future__ import annotations

from copy import copy

from parallel_account._store_calls import in_a_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeAlias

    from typing_extensions import Self

    from parallel_account._events import EventHooks

    _Value: TypeAlias = str | int | float | bool | None
    Params: TypeAlias = Mapping[str, _Value | Sequence[_Value]]


class ClientBase:
    """What needs no awaiting."""

    __slots__ = ("_native",)

    _native: Any

    def with_options(
        self,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> Self:
        """The same client with other limits and headers.

        ``client.with_options(timeout=5).balance.get()``.

        Login, store and connections are shared; closing either closes both. What a subclass has
        added is copied. What is not given stays as the client has it.

        Args:
            timeout: How long one request may take, in seconds, from connecting to the last byte.
            deadline: How long the call as a whole may take, in seconds, retries, a refresh and all
                waiting included.
            max_retries: How often a request is retried at most where a retry is safe.
            default_headers: Headers to send to the Account API besides the client's; one of the
                same name replaces the client's.
        """
        other = copy(self)
        other._native = self._native.with_options(timeout, max_retries, deadline, default_headers)
        return other

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        closed: bool = self._native.closed
        return closed

    def __repr__(self) -> str:
        name, organization, store = self._native.described()
        known = [f"client_name={name!r}", f"store={store!r}"]
        if organization is not None:
            known.insert(1, f"organization={organization!r}")
        return f"<{type(self).__name__} {' '.join(known)}{' (closed)' if self.closed else ''}>"


class AsyncClientBase(ClientBase):
    """The same for the asynchronous client, which can be closed in two ways."""

    __slots__ = ()

    def close(self) -> None:
        """As ``aclose()``, but it waits only where no event loop runs."""
        if not self._native.close() and not in_a_loop():
            self._native.settle(True)


def checked_hooks(hooks: EventHooks) -> dict[str, tuple[Any, ...]]:
    """``event_hooks`` as the native module wants it."""
    # It imports `logging`, which most programs need not.
    from parallel_account._events import checked

    return checked(hooks)


def with_query(path: str, params: Params | None) -> str:
    """``path`` with ``params`` in its query."""
    if not params:
        return path
    from urllib.parse import urlencode

    pairs: list[tuple[str, str]] = []
    for name, given in params.items():
        for value in given if isinstance(given, (list, tuple)) else [given]:
            if value is None:
                continue
            if not isinstance(value, (str, int, float)):
                raise TypeError(
                    f"params[{name!r}] must be a str, a number, a bool or a list of these."
                )
            pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    if not pairs:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(pairs)}"
