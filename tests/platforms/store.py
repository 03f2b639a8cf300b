"""A login in a file, found there by another client; one in a store of this program's own; and the
errors of a call. Run by programs.py, which names a folder."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from parallel_account import (
    AccountClient,
    ApiError,
    AsyncAccountClient,
    FileStore,
    LoginRequiredError,
)

path = Path(sys.argv[1], "python", "auth.json")


class Cell:
    record: str | None = None

    def load(self) -> str | None:
        return self.record

    def replace(self, old: str | None, new: str | None) -> bool:
        if self.record != old:
            return False
        self.record = new
        return True


def raises(error: type[Exception], call) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


async def at_once() -> None:
    async with AsyncAccountClient(client_name="Python platforms", store=FileStore(path)) as client:
        balances = await asyncio.gather(*(client.balance.get() for _ in range(8)))
        assert len({it.org_id for it in balances}) == 1


client = AccountClient(client_name="Python platforms", store=FileStore(path))
client.login(open_browser=False)
assert json.loads(path.read_text())["orgs"], path
another = AccountClient(client_name="Python platforms", store=FileStore(path))
assert another.status().logged_in
asyncio.run(at_once())
raises(ApiError, lambda: another.apps.delete("app_missing"))

cell = Cell()
with AccountClient(client_name="Python platforms", store=cell) as own:
    own.login(open_browser=False)
    assert cell.record
    own.balance.get()
    own.logout()

another.logout()
assert not path.exists() or "access_token" not in path.read_text()
raises(LoginRequiredError, client.balance.get)
print("forgotten: yes")
