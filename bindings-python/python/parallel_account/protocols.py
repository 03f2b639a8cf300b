"""What the clients can do, as protocols: for type hints of functions, and for fakes in their tests.

They accept the clients, and any object with the same methods. ``unittest.mock`` makes such an
object, which knows the signatures, and whose asynchronous methods are awaited::

    fake = create_autospec(protocols.AccountClient, instance=True)
    fake.balance.get.return_value = Balance(org_id="org_1", credit_balance_cents=500)
    fake.balance.add.side_effect = PaymentRequiredError("The card was declined.", status=402)
"""

from __future__ import annotations

from parallel_account._async_protocols import (
    AsyncAccountClient,
    AsyncApps,
    AsyncBalanceApi,
    AsyncKeys,
    AsyncOAuth,
)
from parallel_account._protocols import AccountClient, Apps, BalanceApi, Keys, OAuth

__all__ = [
    "AccountClient",
    "Apps",
    "AsyncAccountClient",
    "AsyncApps",
    "AsyncBalanceApi",
    "AsyncKeys",
    "AsyncOAuth",
    "BalanceApi",
    "Keys",
    "OAuth",
]
