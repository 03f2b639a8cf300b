"""How a login looks in a notebook: Jupyter, and whatever else shows IPython's displays."""

from __future__ import annotations

import sys
from html import escape
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from parallel_account._login import AnyLogin
    from parallel_account._native import LoginEvent, Status


def is_running() -> bool:
    """Whether a kernel runs this code, and not IPython in a terminal. Imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return hasattr(shell, "kernel")


def html(login: AnyLogin, ended: Status | None) -> str:
    """``login`` as it is now: link, code, QR code and the time left, or who is logged in."""
    if ended is not None:
        return _line(f"Logged in as <b>{escape(who(ended))}</b>")
    link = escape(login.verification_uri_complete or login.verification_uri, quote=True)
    minutes, seconds = divmod(max(0, int(login.remaining)), 60)
    return (
        '<div style="display: flex; gap: 1.5em; align-items: center">'
        f'<div style="width: 10em; background: white">{login.qr.svg}</div>'
        f'<div><p><a href="{link}" target="_blank" rel="noopener">Log in to Parallel</a></p>'
        f"<p>The page must show the code <b><code>{escape(login.user_code)}</code></b>.</p>"
        f"<p>{minutes}:{seconds:02} left</p></div></div>"
    )


def who(status: Status) -> str:
    """The name of the organization, or its ID."""
    organization = status.organization
    return (organization.name or organization.id) if organization else "an unknown organization"


def _line(text: str) -> str:
    return f"<p>{text}</p>"


class View:
    """One output of a cell, which changes with the login."""

    def __init__(self, login: AnyLogin) -> None:
        self._login = login
        display = import_module("IPython.display").display
        self._handle: Any = display(_Shown(login.prompt, html(login, None)), display_id=True)

    def update(self, event: LoginEvent) -> None:
        """Shows the login after ``event``."""
        text = f"Logged in as {who(event.status)}" if event.status else self._login.prompt
        self._handle.update(_Shown(text, html(self._login, event.status)))

    def fail(self, error: BaseException) -> None:
        """Shows that the login ended without success."""
        text = f"Not logged in: {error or type(error).__name__}"
        self._handle.update(_Shown(text, _line(escape(text))))


class _Shown:
    """Text for terminals, HTML for browsers."""

    def __init__(self, text: str, html: str) -> None:
        self._text, self._html = text, html

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._html
