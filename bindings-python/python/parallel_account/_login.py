"""A device login in progress, blocking and asynchronous."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
    from datetime import datetime
    from typing import Any, TypeAlias

    from parallel_account._native import AsyncLogin, BlockingLogin, LoginEvent, Qr, Status
    from parallel_account._notebook import View

    OnPrompt: TypeAlias = Callable[["DeviceLogin"], object]
    AsyncOnPrompt: TypeAlias = Callable[["AsyncDeviceLogin"], Awaitable[object] | None]


class AnyLogin:
    """What both kinds of login can tell (RFC 8628 §3.2)."""

    __slots__ = ("_ended", "_facts")

    _facts: BlockingLogin | AsyncLogin
    _ended: Status | None

    @property
    def user_code(self) -> str:
        """What the user types."""
        return self._facts.user_code

    @property
    def verification_uri(self) -> str:
        """Where the user types it."""
        return self._facts.verification_uri

    @property
    def verification_uri_complete(self) -> str | None:
        """The same with the code in it, where the server gives one."""
        return self._facts.verification_uri_complete

    @property
    def expires_at(self) -> datetime:
        """When the code expires, in UTC."""
        return self._facts.expires_at

    @property
    def remaining(self) -> float:
        """How long the code is still valid, in seconds."""
        return self._facts.remaining

    @property
    def interval(self) -> float:
        """How long to wait between polls, in seconds; grows when the server asks for it."""
        return self._facts.interval

    @property
    def prompt(self) -> str:
        """The whole prompt as text that is safe for a terminal."""
        return self._facts.prompt

    @property
    def qr(self) -> Qr:
        """The link as a QR code, as text and as SVG."""
        return self._facts.qr

    def open_browser(self) -> bool:
        """Opens the link in the user's browser; False where there is none."""
        return self._facts.open_browser()

    def pending_record(self) -> str:
        """What another process needs to continue this login. A secret: it holds the device code."""
        return self._facts.pending_record()

    def cancel(self) -> None:
        """Stops the login: whoever waits for it is told so, and no poll follows.

        They get ``CancelledError``.
        """
        self._facts.cancel()

    def _repr_html_(self) -> str:
        """How notebooks show it: link, code, QR code and the time left, or who is logged in."""
        from parallel_account._notebook import html

        return html(self, self._ended)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} user_code={self.user_code!r} "
            f"verification_uri={self.verification_uri!r}>"
        )


class DeviceLogin(AnyLogin):
    """A login that waits for its user; iterate over its events, or ``wait()`` for its end."""

    __slots__ = ("_native",)

    def __init__(self, native: BlockingLogin) -> None:
        self._facts = self._native = native
        self._ended = None

    def poll(self) -> LoginEvent:
        """Waits until a poll is due, polls once, and says what came of it.

        After the end it answers the same again.

        Raises:
            AccessDeniedError: The user said no.
            LoginExpiredError: The code died.
            TimeoutError: The time given to ``start_login()`` has passed.
            AccountError: Any other refusal, or the tokens could not be stored.
        """
        event = self._native.poll()
        self._ended = event.status
        return event

    def wait(self) -> Status:
        """Polls until the login is decided, and stores it.

        Returns who is logged in then. Raises as :meth:`poll`.
        """
        self._ended = self._native.wait()
        return self._ended

    def __iter__(self) -> Iterator[LoginEvent]:
        """The events, up to and including ``authorized``. Raises as :meth:`poll`."""
        while True:
            event = self.poll()
            yield event
            if event.kind == "authorized":
                return


class AsyncDeviceLogin(AnyLogin):
    """A login that waits for its user; iterate over its events, or await it."""

    __slots__ = ("_native",)

    def __init__(self, native: AsyncLogin) -> None:
        self._facts = self._native = native
        self._ended = None

    async def poll(self) -> LoginEvent:
        """Waits until a poll is due, polls once, and says what came of it.

        After the end it answers the same again.

        Raises:
            AccessDeniedError: The user said no.
            LoginExpiredError: The code died.
            TimeoutError: The time given to ``start_login()`` has passed.
            AccountError: Any other refusal, or the tokens could not be stored.
        """
        event = await self._native.poll()
        self._ended = event.status
        return event

    async def wait(self) -> Status:
        """Polls until the login is decided, and stores it.

        Returns who is logged in then. Raises as :meth:`poll`.
        """
        self._ended = await self._native.wait()
        return self._ended

    def __await__(self) -> Generator[Any, Any, Status]:
        """As :meth:`wait`."""
        return self.wait().__await__()

    async def __aiter__(self) -> AsyncIterator[LoginEvent]:
        """The events, up to and including ``authorized``. Raises as :meth:`poll`."""
        while True:
            event = await self.poll()
            yield event
            if event.kind == "authorized":
                return


def finish_login(login: DeviceLogin, on_prompt: OnPrompt | None, open_browser: bool) -> Status:
    """Shows ``login`` to its user and waits for the end."""
    view = None
    if on_prompt is not None:
        on_prompt(login)
    else:
        view = _show(login)
    if open_browser:
        login.open_browser()
    if view is None:
        return login.wait()
    try:
        for event in login:
            view.update(event)
    except BaseException as error:
        view.fail(error)
        raise
    return login.wait()


async def async_finish_login(
    login: AsyncDeviceLogin, on_prompt: AsyncOnPrompt | None, open_browser: bool
) -> Status:
    """The same, awaited."""
    view = None
    if on_prompt is not None:
        shown = on_prompt(login)
        if shown is not None:
            await shown
    else:
        view = _show(login)
    if open_browser:
        login.open_browser()
    if view is None:
        return await login.wait()
    try:
        async for event in login:
            view.update(event)
    except BaseException as error:
        view.fail(error)
        raise
    return await login.wait()


def _show(login: AnyLogin) -> View | None:
    """Prints the prompt to standard error; a notebook gets a view instead, which is returned."""
    if "IPython" in sys.modules:
        from parallel_account import _notebook

        if _notebook.is_running():
            return _notebook.View(login)
    print(login.prompt, file=sys.stderr, flush=True)
    return None
