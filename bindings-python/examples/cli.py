"""A command that logs in, shows the balance and adds to it: ``cli.py login|balance|add CENTS``."""

from __future__ import annotations

import argparse
import sys

from parallel_account import AccountClient, AccountError


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("login", "logout", "balance"):
        commands.add_parser(name)
    commands.add_parser("add").add_argument("cents", type=int)
    arguments = parser.parse_args()
    with AccountClient(client_name="my-command") as client:
        if arguments.command == "login":
            status = client.login()
            print("Logged in:", status.organization and status.organization.name)
        elif arguments.command == "logout":
            client.logout()
        else:
            adding = arguments.command == "add"
            balance = client.balance.add(arguments.cents) if adding else client.balance.get()
            print(f"{balance.credit_balance_cents / 100:.2f} USD")


if __name__ == "__main__":
    try:
        main()
    except AccountError as error:
        sys.exit(f"my-command: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
