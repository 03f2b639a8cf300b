"""Encryption around a store whose methods are coroutines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from parallel_account._native import EncryptedCall


async def finish(call: EncryptedCall, awaitable: Awaitable[Any] | None) -> Any:
    """For the native module: carries a call out whose wrapped store is to be awaited."""
    result = None
    while awaitable is not None:
        awaitable, result = call.advance(await awaitable)
    return result
