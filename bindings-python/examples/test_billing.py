"""How a program tests what it does with a client: a fake, models and errors of its own."""

import asyncio
from unittest.mock import create_autospec

from billing import balances, top_up

from parallel_account import Balance, PaymentRequiredError, protocols


def balance(cents: float) -> Balance:
    return Balance(org_id="org_1", credit_balance_cents=cents)


def test_a_charge() -> None:
    fake = create_autospec(protocols.AccountClient, instance=True)
    fake.balance.get.return_value = balance(100)
    fake.balance.add.return_value = balance(500)
    assert top_up(fake, 500) == "5.00 USD"
    fake.balance.add.assert_called_once_with(400)


def test_a_card_that_is_declined() -> None:
    fake = create_autospec(protocols.AccountClient, instance=True)
    fake.balance.get.return_value = balance(100)
    fake.balance.add.side_effect = PaymentRequiredError("The card was declined.", status=402)
    assert top_up(fake, 500) == "declined: The card was declined."


class FakeBalance:
    def __init__(self) -> None:
        self.cents = 0

    def get(self, **_: object) -> Balance:
        return Balance(org_id="org_1", credit_balance_cents=self.cents)

    def add(self, amount_cents: int, idempotency_key: str | None = None, **_: object) -> Balance:
        self.cents += amount_cents
        return self.get()


def test_a_top_up() -> None:
    balance: protocols.BalanceApi = FakeBalance()
    fake = create_autospec(protocols.AccountClient, instance=True, balance=balance)
    assert top_up(fake, 500) == "5.00 USD"


def test_awaited() -> None:
    fake = create_autospec(protocols.AsyncAccountClient, instance=True)
    fake.balance.get.return_value = balance(100)
    assert asyncio.run(balances(fake)) == {"org_1": 100.0}
