"""The pytest plugin: a sandbox for each session, or for each worker of pytest-xdist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parallel_account_sandbox._program import SandboxError
from parallel_account_sandbox._sandbox import AccountSandbox, start_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parallel_account import AccountClient, AsyncAccountClient
    from parallel_account_sandbox._shapes import Options


@pytest.fixture(scope="session")
def parallel_sandbox_options() -> Options:
    """Options of the sandbox; define it in your ``conftest.py`` to change them."""
    return {}


@pytest.fixture(scope="session")
def parallel_sandbox_session(parallel_sandbox_options: Options) -> Iterator[AccountSandbox]:
    """The sandbox of the session, without a reset: for other fixtures of the session."""
    try:
        sandbox = start_sandbox(**parallel_sandbox_options)
    except SandboxError as error:
        pytest.fail(str(error), pytrace=False)
    with sandbox:
        yield sandbox


@pytest.fixture
def parallel_sandbox(
    parallel_sandbox_session: AccountSandbox, monkeypatch: pytest.MonkeyPatch
) -> AccountSandbox:
    """A local Parallel, reset for this test, to which the environment variables lead."""
    parallel_sandbox_session.reset()
    for name, value in parallel_sandbox_session.environment().items():
        monkeypatch.setenv(name, value)
    return parallel_sandbox_session


@pytest.fixture
def parallel_account_client(parallel_sandbox: AccountSandbox) -> Iterator[AccountClient]:
    """A client of ``parallel_sandbox`` that is logged in."""
    try:
        client = parallel_sandbox.logged_in_client()
    except SandboxError as error:
        pytest.fail(str(error), pytrace=False)
    with client:
        yield client


@pytest.fixture
def parallel_async_account_client(parallel_sandbox: AccountSandbox) -> AsyncAccountClient:
    """The same as ``parallel_account_client``, asynchronous, for asyncio, anyio and trio."""
    try:
        return parallel_sandbox.logged_in_async_client()
    except SandboxError as error:
        pytest.fail(str(error), pytrace=False)
