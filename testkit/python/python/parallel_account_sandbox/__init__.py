"""A local Parallel for tests: OAuth endpoints, Account API and faults, without a real account.

With pytest, ask for the fixture ``parallel_sandbox`` or ``parallel_account_client``. Elsewhere::

    with start_sandbox() as sandbox, sandbox.logged_in_client() as client:
        sandbox.set_balance(100)
        assert client.balance.get().credit_balance_cents == 100
"""

from parallel_account_sandbox._program import SandboxError, sandbox_program
from parallel_account_sandbox._sandbox import AccountSandbox, start_sandbox
from parallel_account_sandbox._shapes import (
    AppState,
    Counts,
    DeviceCodeState,
    Fault,
    KeyState,
    Options,
    OrganizationChange,
    OrganizationState,
    ReceivedRequest,
)

__all__ = [
    "AccountSandbox",
    "AppState",
    "Counts",
    "DeviceCodeState",
    "Fault",
    "KeyState",
    "Options",
    "OrganizationChange",
    "OrganizationState",
    "ReceivedRequest",
    "SandboxError",
    "sandbox_program",
    "start_sandbox",
]
