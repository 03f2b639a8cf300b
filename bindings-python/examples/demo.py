"""The whole job once: log in, read the balance, live through a refresh, log out.

Reads PARALLEL_PLATFORM_URL and PARALLEL_SERVICE_API_URL.
"""

from __future__ import annotations

import sys
import time

from parallel_account import AccountClient, AccountError, MemoryStore

REFRESH_WITHIN = 120.0
"""Seconds to wait for the access token to be renewed."""


def refreshed(client: AccountClient) -> bool:
    first = client.access_token()
    deadline = time.monotonic() + REFRESH_WITHIN
    while time.monotonic() < deadline:
        time.sleep(0.2)
        if client.access_token() != first:
            return True
    return False


def main() -> None:
    with AccountClient(client_name="demo-python", store=MemoryStore()) as client:
        status = client.login()
        print("approved: yes")
        if organization := status.organization:
            print(f"organization: {organization.name} ({organization.id})")
        print("balance:", f"{client.balance.get().credit_balance_cents / 100:.2f} USD")
        print("refreshed:", "yes" if refreshed(client) else "no, it is still valid")
        client.logout()
        print("revoked: yes")


if __name__ == "__main__":
    try:
        main()
    except AccountError as error:
        sys.exit(f"demo-python: {error}")
    except KeyboardInterrupt:
        sys.exit("demo-python: stopped.")
