"""A Celery worker that acts for many users, whose logins are in Redis.

    celery -A celery_worker worker

REDIS_URL, PARALLEL_PLATFORM_URL and PARALLEL_SERVICE_API_URL are read. The web service that logs
users in keeps their logins in the same Redis under the same keys, in whichever language it is.
"""

from __future__ import annotations

import os
from typing import Any

import redis
from celery import Celery

from parallel_account import AccountClient
from parallel_account.stores import RedisStore

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1/0")

app = Celery("celery_worker", broker=URL, backend=URL)
# A task whose worker dies is given to another one.
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)

# A time limit, so that a Redis that hangs holds up no worker for good.
logins = redis.Redis.from_url(URL, socket_timeout=5)  # pyright: ignore[reportUnknownMemberType]


@app.task
def balance(user_id: str) -> dict[str, Any]:
    """The balance of a user's organization."""
    # To encrypt the records, wrap the store: EncryptedStore(RedisStore(...), keys).
    with AccountClient(client_name="my-service", store=RedisStore(logins, user_id)) as client:
        try:
            return client.balance.get().to_dict()
        finally:
            # A refresh may be under way, and Celery's processes end by os._exit().
            client.settled()
