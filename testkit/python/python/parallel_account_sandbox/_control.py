"""A call of the control surface."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from parallel_account_sandbox._program import SandboxError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parallel_account_sandbox._program import SandboxProcess

_TIMEOUT = 30.0  # seconds for an answer, which takes a millisecond


def call(
    process: SandboxProcess,
    control_url: str,
    method: str,
    path: str,
    body: Mapping[str, Any] | None,
    wait: float = 0,
) -> Any:
    """Calls the control surface, which may wait for so many seconds."""
    # Every run of pytest imports this file, and few need a sandbox.
    import http.client

    base = urlsplit(control_url)
    # Not urllib.request, which would take a proxy of the environment.
    connection = http.client.HTTPConnection(base.netloc, timeout=_TIMEOUT + wait)
    content = None if body is None else json.dumps(body)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, base.path + path, content, headers)
        response = connection.getresponse()
        text = response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise process.problem(error) from error
    finally:
        connection.close()
    if response.status == 200:
        return json.loads(text)
    try:
        reason = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        reason = text or "no reason given"
    raise SandboxError(f"{method} {path} was refused ({response.status}): {reason}")


def given(**values: Any) -> dict[str, Any]:
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}
