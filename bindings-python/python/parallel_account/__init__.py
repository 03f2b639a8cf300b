"""Act on a user's Parallel account: log in by the device flow, then balance, apps and API keys.

>>> from parallel_account import AccountClient
>>> with AccountClient(client_name="my-app") as client:
...     if not client.status().logged_in:
...         client.login()
...     print(client.balance.get().credit_balance_cents, "cents")

:class:`AsyncAccountClient` has the same methods for asyncio. Importing starts nothing.
"""

from __future__ import annotations

from parallel_account._async_client import AsyncAccountClient
from parallel_account._client import AccountClient
from parallel_account._errors import (
    AccessDeniedError,
    AccountError,
    ApiError,
    ConfigError,
    ConflictError,
    InternalError,
    InvalidField,
    InvalidRequestError,
    InvalidResponseError,
    LoginExpiredError,
    LoginRequiredError,
    NotFoundError,
    OAuthError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    StoreCorruptError,
    StoreError,
    TlsError,
    UnauthorizedError,
)

# Not among the names of a star import: they would hide what is built in.
from parallel_account._errors import ConnectionError as ConnectionError
from parallel_account._errors import TimeoutError as TimeoutError
from parallel_account._login import AsyncDeviceLogin, DeviceLogin
from parallel_account._native import (
    ApiKey,
    App,
    Balance,
    DeviceCode,
    EncryptedStore,
    FileStore,
    LoginEvent,
    MemoryStore,
    Organization,
    PollAnswer,
    Qr,
    RefreshEvent,
    RequestEvent,
    ResponseEvent,
    RetryEvent,
    Status,
    StoreEvent,
    Tokens,
    __version__,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from parallel_account._events import EventHooks
    from parallel_account._response import RawResponse
    from parallel_account._stores import AsyncCredentialStore, CredentialStore

__all__ = [
    "AccessDeniedError",
    "AccountClient",
    "AccountError",
    "ApiError",
    "ApiKey",
    "App",
    "AsyncAccountClient",
    "AsyncCredentialStore",
    "AsyncDeviceLogin",
    "Balance",
    "ConfigError",
    "ConflictError",
    "CredentialStore",
    "DeviceCode",
    "DeviceLogin",
    "EncryptedStore",
    "EventHooks",
    "FileStore",
    "InternalError",
    "InvalidField",
    "InvalidRequestError",
    "InvalidResponseError",
    "LoginEvent",
    "LoginExpiredError",
    "LoginRequiredError",
    "MemoryStore",
    "NotFoundError",
    "OAuthError",
    "Organization",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "PollAnswer",
    "Qr",
    "RateLimitedError",
    "RawResponse",
    "RefreshEvent",
    "RequestEvent",
    "ResponseEvent",
    "RetryEvent",
    "ServerError",
    "Status",
    "StoreCorruptError",
    "StoreError",
    "StoreEvent",
    "TlsError",
    "Tokens",
    "UnauthorizedError",
    "__version__",
]


# These need `typing` or `logging`, which most programs that use this library do not.
_LATER = {
    "AsyncCredentialStore": "_stores",
    "CredentialStore": "_stores",
    "EventHooks": "_events",
    "RawResponse": "_response",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f"parallel_account.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
