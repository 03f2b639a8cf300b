"""The Python worker of the keys suite; see README.md for what workers do."""

import json
import sys

from parallel_account import AccountClient, AccountError, FileStore
from parallel_account.stores import RedisStore

place, name = sys.argv[1:]


def store():
    if not place.startswith("redis:"):
        return FileStore(place)
    import redis

    return RedisStore(redis.Redis.from_url(place, socket_timeout=10), "user")


def say(what):
    print(json.dumps(what), flush=True)


with AccountClient(client_name="keys", user_agent=name, store=store()) as client:
    orders = {
        "get": lambda: {"key": client.api_key()},
        "renew": lambda: {"key": client.renew_api_key()},
        "logout": lambda: client.logout() or {},
    }
    say({"ready": True})
    for order in sys.stdin:
        try:
            say(orders[order.strip()]())
        except AccountError as error:
            say({"code": error.code, "message": str(error)})
