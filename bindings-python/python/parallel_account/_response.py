"""Answers with their status and headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Headers(Mapping[str, str]):
    """The headers of an answer; names are found in any case. ``Set-Cookie`` is left out."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        """``pairs`` are names and values; values of one name are joined by a comma."""
        found: dict[str, str] = {}
        for name, value in pairs:
            name = name.lower()
            found[name] = f"{found[name]}, {value}" if name in found else value
        self._pairs = found

    def __getitem__(self, name: str) -> str:
        return self._pairs[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._pairs

    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"Headers({self._pairs!r})"


class RawResponse(Generic[T]):
    """An answer of the Account API with its status and headers."""

    __slots__ = ("_value", "headers", "request_id", "status_code")

    status_code: int
    """The HTTP status, 200 to 299: any other is raised."""

    request_id: str | None
    """The service's ID of the request, to quote to Parallel's support."""

    headers: Headers
    """The headers of the answer."""

    def __init__(
        self, status_code: int, request_id: str | None, headers: list[tuple[str, str]], value: T
    ) -> None:
        """``value`` is what :meth:`parse` returns."""
        self.status_code = status_code
        self.request_id = request_id
        self.headers = Headers(headers)
        self._value = value

    def parse(self) -> T:
        """What the call would have returned; for ``request()``, the JSON of the body."""
        return self._value

    def __repr__(self) -> str:
        return f"<RawResponse [{self.status_code}] request_id={self.request_id!r}>"
