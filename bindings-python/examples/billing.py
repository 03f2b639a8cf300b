"""Tops up a balance, written so that it can be tested without Parallel; see test_billing.py."""

from parallel_account import AccountClient, PaymentRequiredError, protocols


def top_up(client: protocols.AccountClient, at_least_cents: int) -> str:
    """Charges what is missing, and says what happened."""
    missing = at_least_cents - int(client.balance.get().credit_balance_cents)
    if missing <= 0:
        return "nothing to do"
    try:
        balance = client.balance.add(missing)
    except PaymentRequiredError as error:
        return f"declined: {error}"
    return f"{balance.credit_balance_cents / 100:.2f} USD"


async def balances(client: protocols.AsyncAccountClient) -> dict[str, float]:
    """Of the organization that is selected."""
    balance = await client.balance.get()
    return {balance.org_id: balance.credit_balance_cents}


if __name__ == "__main__":
    with AccountClient(client_name="my-app") as client:
        print(top_up(client, 5000))
