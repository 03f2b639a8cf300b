"""What happens, for ``logging`` and for the hooks of clients; the native module calls this."""

from __future__ import annotations

import logging
from typing import TypedDict

from parallel_account._errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextvars import Context
    from typing import Any, TypeAlias

    from parallel_account._native import (
        RefreshEvent,
        RequestEvent,
        ResponseEvent,
        RetryEvent,
        StoreEvent,
    )

    _Event: TypeAlias = RequestEvent | ResponseEvent | RetryEvent | RefreshEvent | StoreEvent


class EventHooks(TypedDict, total=False):
    """Functions to call when something happens, by what happens."""

    request: Iterable[Callable[[RequestEvent], object]]
    response: Iterable[Callable[[ResponseEvent], object]]
    retry: Iterable[Callable[[RetryEvent], object]]
    refresh: Iterable[Callable[[RefreshEvent], object]]
    store: Iterable[Callable[[StoreEvent], object]]


_KINDS = ("request", "response", "retry", "refresh", "store")
_COROUTINE = 0x80
"""As ``inspect.CO_COROUTINE`` has it, which costs 5 ms to import."""

_logger = logging.getLogger("parallel_account")
_events = _logger.getChild("events")
# What fails is raised as well: without any configuration, Python must not print it.
_events.addHandler(logging.NullHandler())
_warned: set[str] = set()


def checked(hooks: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """``event_hooks`` as the native module wants it.

    Raises:
        ConfigError: There is no such kind of event, or a hook is no plain function.
    """
    if not hasattr(hooks, "items"):
        raise ConfigError('event_hooks must be a dict of lists, such as {"request": [function]}.')
    checked: dict[str, tuple[Any, ...]] = dict.fromkeys(_KINDS, ())
    for kind, given in hooks.items():
        if kind not in _KINDS:
            raise ConfigError(f"event_hooks has {kind!r}, which is none of {', '.join(_KINDS)}.")
        if callable(given) or not hasattr(given, "__iter__"):
            raise ConfigError(f"event_hooks[{kind!r}] must be a list of functions.")
        for hook in (functions := tuple(given)):
            code = getattr(getattr(hook, "__func__", hook), "__code__", None)
            if not callable(hook) or getattr(code, "co_flags", 0) & _COROUTINE:
                raise ConfigError(
                    f"event_hooks[{kind!r}] has {hook!r}; each hook must be a plain function, "
                    "not a coroutine function."
                )
        checked[kind] = functions
    return checked


def hear(
    context: Context | None, hooks: tuple[Callable[[Any], object], ...], level: int, event: _Event
) -> None:
    """Writes the log record, if ``level`` is not 0, and calls the hooks in ``context``."""
    if context is None:
        _tell(hooks, level, event)
    else:
        # A context that is in use cannot be entered again.
        context.copy().run(_tell, hooks, level, event)


def _tell(hooks: tuple[Callable[[Any], object], ...], level: int, event: _Event) -> None:
    if level:
        message, arguments = _words(event)
        _events.log(level, message, *arguments)
    for hook in hooks:
        try:
            hook(event)
        except KeyboardInterrupt:
            raise  # The native module ends the call by it.
        except BaseException:
            # A call must not fail because somebody watched it.
            _logger.exception("An event hook failed; the call continues.")


def _words(event: Any) -> tuple[str, tuple[object, ...]]:
    """The message of the log record and its arguments."""
    match type(event).__name__:
        case "RequestEvent":
            return "Request %d: %s %s", (event.id, event.method, event.url)
        case "ResponseEvent" if event.error is not None:
            return "Request %d: failed after %.3f s: %s", (
                event.request.id,
                event.duration,
                event.error,
            )
        case "ResponseEvent":
            return "Request %d: status %d after %.3f s, request ID %s", (
                event.request.id,
                event.status,
                event.duration,
                event.request_id,
            )
        case "RetryEvent":
            request = event.request
            return "Request %d: retrying %s %s in %.3f s", (
                request.id,
                request.method,
                request.url,
                event.retry_in,
            )
        case "RefreshEvent" if event.outcome == "failed":
            return "Refreshing the login of organization %s failed: %s", (
                event.organization,
                event.error,
            )
        case "RefreshEvent":
            return "Login of organization %s: token pair %s", (event.organization, event.outcome)
        case _ if event.error is not None:
            return "A call of the credential store (%s) failed: %s", (event.location, event.error)
        case _:
            return "A call of the credential store (%s) took %.1f s", (
                event.location,
                event.duration,
            )


def warn(text: str) -> None:
    """Writes a warning that belongs to no call, once: a file is read again and again."""
    if text not in _warned:
        _warned.add(text)
        _logger.warning("%s", text)
