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
    ConnectionError,
    FieldError,
    InternalError,
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
    TimeoutError,
    TlsError,
    UnauthorizedError,
)
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
    Status,
    Tokens,
    __version__,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    "ConnectionError",
    "CredentialStore",
    "DeviceCode",
    "DeviceLogin",
    "EncryptedStore",
    "FieldError",
    "FileStore",
    "InternalError",
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
    "ServerError",
    "Status",
    "StoreCorruptError",
    "StoreError",
    "TimeoutError",
    "TlsError",
    "Tokens",
    "UnauthorizedError",
    "__version__",
]


def __getattr__(name: str) -> object:
    # Protocols need `typing`, which most programs that use this library do not.
    if name in ("AsyncCredentialStore", "CredentialStore"):
        from parallel_account import _stores

        return getattr(_stores, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
