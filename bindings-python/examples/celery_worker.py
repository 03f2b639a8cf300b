"""A Celery worker that acts for many users, whose logins are in Redis.

    celery -A celery_worker worker

REDIS_URL, LOGIN_KEYS, PARALLEL_PLATFORM_URL and PARALLEL_SERVICE_API_URL are read. The web service
that logs users in, in whichever language it is, keeps their logins in the same Redis under the same
names, and encrypts them with the same keys:

    LOGIN_KEYS="2026-11:$(openssl rand -base64 32)"

To rotate, let every process know the new key in the last place, then put it first: the first key
encrypts, and all of them decrypt.
"""

from __future__ import annotations

import os
from base64 import b64decode
from typing import Any

import redis
from celery import Celery

from parallel_account import AccountClient, ConfigError, EncryptedStore, MemoryStore
from parallel_account.stores import RedisStore

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1/0")

app = Celery("celery_worker", broker=URL, backend=URL)
# A task whose worker dies is given to another one.
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)

# A time limit, so that a Redis that hangs holds up no worker for good.
logins = redis.Redis.from_url(URL, socket_timeout=5)  # pyright: ignore[reportUnknownMemberType]


def login_keys(text: str) -> dict[str, bytes]:
    """The keys in ``ID:BASE64,ID:BASE64``."""
    pairs = [pair.strip().split(":") for pair in text.split(",")]
    try:
        keys = {name: b64decode(key, validate=True) for name, key in pairs}
        # It checks the IDs and keys.
        EncryptedStore(MemoryStore(), keys)
    except (ValueError, ConfigError):
        keys = {}
    if len(keys) < len(pairs):
        raise RuntimeError(
            "LOGIN_KEYS must be ID:KEY, or several such pairs with commas between them. Each ID is "
            "there once, and each KEY is 32 bytes in Base64: openssl rand -base64 32"
        )
    return keys


# Without good keys, the worker does not start.
KEYS = login_keys(os.environ.get("LOGIN_KEYS", ""))


@app.task
def balance(user_id: str) -> dict[str, Any]:
    """The balance of a user's organization."""
    # With the subject, a record that was copied from another user's is refused.
    store = EncryptedStore(RedisStore(logins, user_id), KEYS, subject=user_id)
    with AccountClient(client_name="my-service", store=store) as client:
        try:
            return client.balance.get().to_dict()
        finally:
            # A refresh may be under way, and Celery's processes end by os._exit().
            client.settled()
