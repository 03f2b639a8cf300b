"""A Django app: a model, its migration, and stores over Django's own connections.

>>> INSTALLED_APPS = [..., "parallel_account.stores.django"]  # then: manage.py migrate
>>> AccountClient(store=DjangoStore(key=str(request.user.pk)))
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("django") is None:
    raise ImportError(
        "parallel_account.stores.django needs Django, which is not installed. "
        "Install it: pip install 'parallel-account[django]'"
    )

from parallel_account.stores.django._store import AsyncDjangoStore, DjangoStore

__all__ = ["AsyncDjangoStore", "DjangoStore"]
