"""A program that reads the balance once, as short as each contender allows: `first.py NAME`."""

import os
import sys

BASE = os.environ["BENCH_URL"]
TOKEN = os.environ["BENCH_TOKEN"]
URL = f"{BASE}/account/service/v1/balance"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
# Logged in until 2100.
RECORD = (
    '{"version": 1, "selected_org_id": "org_bench", "orgs": {"org_bench": {"control_api": '
    f'{{"access_token": "{TOKEN}", "access_token_expires_at": 4102444800}}}}}}}}'
)

match sys.argv[1]:
    case "parallel-account":
        from parallel_account import AccountClient, MemoryStore

        with AccountClient(
            platform_url=BASE, account_url=f"{BASE}/account", store=MemoryStore(RECORD)
        ) as client:
            organization = client.balance.get().org_id
    case "httpx":
        import httpx

        with httpx.Client() as session:
            organization = session.get(URL, headers=HEADERS).raise_for_status().json()["org_id"]
    case "urllib3":
        import ssl

        import urllib3

        with urllib3.PoolManager(ssl_context=ssl.create_default_context()) as pool:
            organization = pool.request("GET", URL, headers=HEADERS).json()["org_id"]
assert organization == "org_bench"
