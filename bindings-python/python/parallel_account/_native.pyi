"""The native module. Its classes are the models and stores; the rest is for the façades."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from datetime import datetime
from os import PathLike
from types import CoroutineType
from typing import Any, Generic, Literal, TypeVar, final, overload, type_check_only

from typing_extensions import Self

from parallel_account._errors import AccountError
from parallel_account._response import RawResponse
from parallel_account._stores import AsyncCredentialStore, CredentialStore

__all__ = [
    "ApiKey",
    "App",
    "AsyncClient",
    "AsyncLogin",
    "Balance",
    "BlockingClient",
    "BlockingLogin",
    "DeviceCode",
    "EncryptedCall",
    "EncryptedStore",
    "FileStore",
    "Flight",
    "LoginEvent",
    "MemoryStore",
    "Organization",
    "PollAnswer",
    "Qr",
    "RefreshEvent",
    "RequestEvent",
    "ResponseEvent",
    "RetryEvent",
    "Status",
    "StoreCall",
    "StoreEvent",
    "Tokens",
    "__version__",
    "_after_fork",
    "_do_at_exit",
    "_run_command",
]

__version__: str

class _Model:
    def to_dict(self, *, secrets: bool = False) -> dict[str, Any]:
        """The fields as a dict; secrets stay out of it unless `secrets=True`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any, /) -> Self: ...

class _Answer(_Model):
    @property
    def request_id(self) -> str | None:
        """The service's ID of the request that brought this, to quote to Parallel's support; None
        if it came from no request. Equality does not go by it.
        """

@final
class ApiKey(_Answer):
    """A data-API key just created (Account API, create key). `repr`, `pickle` and `to_dict()` leave
    `raw_api_key` out.
    """

    __match_args__ = (
        "api_key_id",
        "api_key_name",
        "app_id",
        "app_name",
        "created_by_user_id",
        "created_by_user_email",
        "display_value",
        "raw_api_key",
        "created_at",
    )
    def __new__(
        cls,
        *,
        api_key_id: str,
        api_key_name: str,
        app_id: str,
        app_name: str | None = ...,
        created_by_user_id: str | None = ...,
        created_by_user_email: str | None = ...,
        display_value: str | None = ...,
        raw_api_key: str | None = ...,
        created_at: datetime | None = ...,
        request_id: str | None = ...,
    ) -> ApiKey: ...
    @property
    def api_key_id(self) -> str:
        """The key's ID; not the key."""
    @property
    def api_key_name(self) -> str:
        """The name given when it was made."""
    @property
    def app_id(self) -> str:
        """The ID of the app that it belongs to, a UUID."""
    @property
    def app_name(self) -> str | None:
        """The name of that app."""
    @property
    def created_by_user_id(self) -> str | None:
        """Who made it."""
    @property
    def created_by_user_email(self) -> str | None:
        """Who made it."""
    @property
    def display_value(self) -> str | None:
        """The masked form that Parallel shows."""
    @property
    def raw_api_key(self) -> str | None:
        """The key itself, answered this once only. A secret."""
    @property
    def created_at(self) -> datetime | None:
        """When it was made, in UTC."""

@final
class App(_Answer):
    """An app: what API keys belong to (Account API, list apps)."""

    __match_args__ = ("app_id", "app_name", "org_id", "org_name")
    def __new__(
        cls,
        *,
        app_id: str,
        app_name: str,
        org_id: str | None = ...,
        org_name: str | None = ...,
        request_id: str | None = ...,
    ) -> App: ...
    @property
    def app_id(self) -> str:
        """The app's ID, a UUID."""
    @property
    def app_name(self) -> str:
        """The name given when it was made."""
    @property
    def org_id(self) -> str | None:
        """The ID of the organization that owns it."""
    @property
    def org_name(self) -> str | None:
        """The name of that organization."""

@final
class Balance(_Answer):
    """An organization's balance (Account API, get balance). Amounts are US cents and may be
    fractional; both are 0 when the organization is invoiced.
    """

    __match_args__ = (
        "org_id",
        "credit_balance_cents",
        "pending_debit_balance_cents",
        "will_invoice",
    )
    def __new__(
        cls,
        *,
        org_id: str,
        credit_balance_cents: float,
        pending_debit_balance_cents: float = ...,
        will_invoice: bool = ...,
        request_id: str | None = ...,
    ) -> Balance: ...
    @property
    def org_id(self) -> str:
        """The organization's ID."""
    @property
    def credit_balance_cents(self) -> float:
        """What is left to spend, in US cents."""
    @property
    def pending_debit_balance_cents(self) -> float:
        """What is spent but not yet debited, in US cents."""
    @property
    def will_invoice(self) -> bool:
        """Whether the organization pays by invoice instead of in advance."""

@final
class DeviceCode(_Answer):
    """A device code (RFC 8628 §3.2)."""

    __match_args__ = (
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    )
    def __new__(
        cls,
        *,
        device_code: str,
        user_code: str,
        verification_uri: str,
        verification_uri_complete: str | None = ...,
        expires_in: float,
        interval: float,
        request_id: str | None = ...,
    ) -> DeviceCode: ...
    @property
    def device_code(self) -> str:
        """What polling sends. A secret."""
    @property
    def user_code(self) -> str:
        """What the user types."""
    @property
    def verification_uri(self) -> str:
        """Where the user types it."""
    @property
    def verification_uri_complete(self) -> str | None:
        """The same with the code in it."""
    @property
    def expires_in(self) -> float:
        """Seconds that the code lives."""
    @property
    def interval(self) -> float:
        """Seconds between polls."""

@final
class LoginEvent(_Answer):
    """What one poll of a login brought. `kind` is `"pending"`, `"slow_down"`, `"offline"` or
    `"authorized"`.
    """

    __match_args__ = ("kind", "retry_in", "interval", "error", "status")
    def __new__(
        cls,
        *,
        kind: Literal["pending", "slow_down", "offline", "authorized"],
        retry_in: float | None = ...,
        interval: float | None = ...,
        error: AccountError | None = ...,
        status: Status | None = ...,
        request_id: str | None = ...,
    ) -> LoginEvent: ...
    @property
    def kind(self) -> Literal["pending", "slow_down", "offline", "authorized"]:
        """`"pending"`, `"slow_down"`, `"offline"` or `"authorized"`."""
    @property
    def retry_in(self) -> float | None:
        """Seconds until the next poll; None once authorized."""
    @property
    def interval(self) -> float | None:
        """The new interval in seconds, with `slow_down` (RFC 8628 §3.5)."""
    @property
    def error(self) -> AccountError | None:
        """Why the service could not be asked, with `offline`."""
    @property
    def status(self) -> Status | None:
        """Who is logged in now, with `authorized`."""

@final
class Organization(_Answer):
    """An organization that this client's store knows."""

    __match_args__ = ("id", "name", "selected", "logged_in")
    def __new__(
        cls,
        *,
        id: str,
        name: str | None = ...,
        selected: bool = ...,
        logged_in: bool = ...,
        request_id: str | None = ...,
    ) -> Organization: ...
    @property
    def id(self) -> str:
        """Its ID."""
    @property
    def name(self) -> str | None:
        """Its name."""
    @property
    def selected(self) -> bool:
        """Whether calls go to this one."""
    @property
    def logged_in(self) -> bool:
        """Whether there is a usable login for it."""

@final
class PollAnswer(_Answer):
    """What one poll of the token endpoint brought. `kind` is `"pending"`, `"slow_down"` or
    `"tokens"`; a refusal is raised.
    """

    __match_args__ = ("kind", "tokens")
    def __new__(
        cls,
        *,
        kind: Literal["pending", "slow_down", "tokens"],
        tokens: Tokens | None = ...,
        request_id: str | None = ...,
    ) -> PollAnswer: ...
    @property
    def kind(self) -> Literal["pending", "slow_down", "tokens"]:
        """`"pending"`, `"slow_down"` or `"tokens"`."""
    @property
    def tokens(self) -> Tokens | None:
        """What was granted, with `tokens`."""

@final
class Qr(_Model):
    """A verification URI as a QR code."""

    __match_args__ = ("text", "svg")
    def __new__(
        cls,
        *,
        text: str,
        svg: str,
    ) -> Qr: ...
    @property
    def text(self) -> str:
        """For a terminal: block characters, lines ending in a newline."""
    @property
    def svg(self) -> str:
        """A complete SVG document."""
    def _repr_svg_(self) -> str:
        """How notebooks show it; without a size, it would be as wide as the page."""

@final
class Status(_Answer):
    """What is known about the login without asking the network."""

    __match_args__ = (
        "logged_in",
        "organization",
        "scopes",
        "access_token_expires_at",
        "refresh_token_expires_at",
        "authorization_expires_at",
        "client_id",
        "store",
        "problem",
    )
    def __new__(
        cls,
        *,
        logged_in: bool,
        organization: Organization | None = ...,
        scopes: Sequence[str] = ...,
        access_token_expires_at: datetime | None = ...,
        refresh_token_expires_at: datetime | None = ...,
        authorization_expires_at: datetime | None = ...,
        client_id: str | None = ...,
        store: str = ...,
        problem: str | None = ...,
        request_id: str | None = ...,
    ) -> Status: ...
    @property
    def logged_in(self) -> bool:
        """Whether calls can be made without a new login."""
    @property
    def organization(self) -> Organization | None:
        """The organization that calls go to."""
    @property
    def scopes(self) -> tuple[str, ...]:
        """What the login may do, such as `balance:read`."""
    @property
    def access_token_expires_at(self) -> datetime | None:
        """When the access token ends, in UTC; it is refreshed before."""
    @property
    def refresh_token_expires_at(self) -> datetime | None:
        """When the refresh token ends, in UTC."""
    @property
    def authorization_expires_at(self) -> datetime | None:
        """When the grant itself ends and a new login is needed, in UTC."""
    @property
    def client_id(self) -> str | None:
        """The ID under which this installation is registered."""
    @property
    def store(self) -> str:
        """Where the credentials are kept."""
    @property
    def problem(self) -> str | None:
        """Why nobody is logged in, where that is known."""

@final
class Tokens(_Answer):
    """Tokens, as the token endpoint answers (RFC 6749 §5.1)."""

    __match_args__ = (
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
        "scopes",
        "org_id",
        "org_name",
        "refresh_token_expires_in",
        "authorization_expires_in",
    )
    def __new__(
        cls,
        *,
        access_token: str,
        refresh_token: str | None = ...,
        token_type: str,
        expires_in: float | None = ...,
        scopes: Sequence[str] | None = ...,
        org_id: str | None = ...,
        org_name: str | None = ...,
        refresh_token_expires_in: float | None = ...,
        authorization_expires_in: float | None = ...,
        request_id: str | None = ...,
    ) -> Tokens: ...
    @property
    def access_token(self) -> str:
        """For the `Authorization` header. A secret."""
    @property
    def refresh_token(self) -> str | None:
        """For the next refresh; None means that the old one stays valid. A secret."""
    @property
    def token_type(self) -> str:
        """`Bearer`."""
    @property
    def expires_in(self) -> float | None:
        """Seconds that the access token lives."""
    @property
    def scopes(self) -> tuple[str, ...] | None:
        """What was granted; None means what was asked for."""
    @property
    def org_id(self) -> str | None:
        """The organization."""
    @property
    def org_name(self) -> str | None:
        """Its name."""
    @property
    def refresh_token_expires_in(self) -> float | None:
        """Seconds that the refresh token lives."""
    @property
    def authorization_expires_in(self) -> float | None:
        """Seconds until the grant ends."""

@final
class RefreshEvent(_Model):
    """A refresh has ended; for the hooks `refresh`. `outcome` is `"renewed"`, `"adopted"` (another
    process or client had refreshed) or `"failed"`.
    """

    __match_args__ = ("organization", "outcome", "error")
    def __new__(
        cls,
        *,
        organization: str,
        outcome: Literal["renewed", "adopted", "failed"],
        error: AccountError | None = ...,
    ) -> RefreshEvent: ...
    @property
    def organization(self) -> str:
        """The ID of the organization whose token pair it is."""
    @property
    def outcome(self) -> Literal["renewed", "adopted", "failed"]:
        """`"renewed"`, `"adopted"` or `"failed"`."""
    @property
    def error(self) -> AccountError | None:
        """Why it failed."""

@final
class RequestEvent(_Model):
    """A request is sent; for the hooks `request`."""

    __match_args__ = ("id", "method", "url", "attempt")
    def __new__(
        cls,
        *,
        id: int,
        method: str,
        url: str,
        attempt: int,
    ) -> RequestEvent: ...
    @property
    def id(self) -> int:
        """Tells the requests of a process apart; each retry is one."""
    @property
    def method(self) -> str:
        """Such as `GET`."""
    @property
    def url(self) -> str:
        """Where it goes, without a query."""
    @property
    def attempt(self) -> int:
        """0, and one more with each retry."""

@final
class ResponseEvent(_Model):
    """A request was answered, with success or not, or failed; for the hooks `response`."""

    __match_args__ = ("request", "status", "request_id", "duration", "error")
    def __new__(
        cls,
        *,
        request: RequestEvent,
        status: int | None = ...,
        request_id: str | None = ...,
        duration: float,
        error: AccountError | None = ...,
    ) -> ResponseEvent: ...
    @property
    def request(self) -> RequestEvent:
        """Which request."""
    @property
    def status(self) -> int | None:
        """The HTTP status; None if no answer came."""
    @property
    def request_id(self) -> str | None:
        """The service's ID of the request, to quote to Parallel's support."""
    @property
    def duration(self) -> float:
        """Seconds from sending the request to the last byte of the answer."""
    @property
    def error(self) -> AccountError | None:
        """Why no answer came."""

@final
class RetryEvent(_Model):
    """A request will be retried; for the hooks `retry`."""

    __match_args__ = ("request", "retry_in")
    def __new__(
        cls,
        *,
        request: RequestEvent,
        retry_in: float,
    ) -> RetryEvent: ...
    @property
    def request(self) -> RequestEvent:
        """Which request."""
    @property
    def retry_in(self) -> float:
        """Seconds until the next attempt."""

@final
class StoreEvent(_Model):
    """A call of the store failed, or took more than a second; for the hooks `store`."""

    __match_args__ = ("location", "duration", "error")
    def __new__(
        cls,
        *,
        location: str,
        duration: float | None = ...,
        error: AccountError | None = ...,
    ) -> StoreEvent: ...
    @property
    def location(self) -> str:
        """Where the store keeps credentials."""
    @property
    def duration(self) -> float | None:
        """Seconds that a slow call took."""
    @property
    def error(self) -> AccountError | None:
        """Why it failed."""

class _Store:
    def load(self) -> str | None:
        """The record as one opaque string, or None. It holds secrets."""
    def replace(self, old: str | None, new: str | None) -> bool:
        """Atomically puts `new` in place of exactly `old`; False, and no change, if the record is
        not `old` any more. None means no record.
        """
    @property
    def location(self) -> str:
        """Where the record is stored, for display."""

@final
class MemoryStore(_Store):
    """Keeps the credentials in memory only. `record` is what another store's `load()` gave."""
    def __new__(cls, record: str | None = None) -> MemoryStore: ...

@final
class FileStore(_Store):
    """Keeps the credentials in a file that only its owner may read, shared safely between
    processes.
    """
    def __new__(cls, path: str | PathLike[str]) -> FileStore: ...
    @staticmethod
    def default_for(client_name: str) -> FileStore:
        """The file that a client of this name uses when it is given no store."""
    @staticmethod
    def parallel_cli() -> FileStore:
        """The file of Parallel's own command, `parallel-cli`: its login is this client's, and the
        reverse.
        """

_Loaded = TypeVar("_Loaded", covariant=True)
_Replaced = TypeVar("_Replaced", covariant=True)

@final
class EncryptedStore(Generic[_Loaded, _Replaced]):
    """Encrypts the record that ``store`` keeps: a built-in store or one of yours.

    What is stored is a JWE (RFC 7516) in compact serialization: ``alg`` is ``dir``, ``enc`` is
    ``A256GCM``, ``kid`` is the key's ID. The first key encrypts, and all keys decrypt. To rotate,
    put a new key first and keep the old ones until every record has been written again, which a
    refresh does, and ``store.replace(record, record)``.

    It is a store itself: ``load()`` and ``replace()`` take and return decrypted records, and are
    awaitable if those of ``store`` are. They run where they are called.

    A record that cannot be decrypted raises :class:`StoreError` and is never overwritten.

    Args:
        store: Where the encrypted record is kept.
        keys: IDs (1 to 64 printable ASCII characters) and keys (exactly 32 random bytes), such as
            ``{"2026-11": key}``. IDs are stored in the clear.
        subject: Whose record it is, such as the user's ID; at most 256 bytes. It is stored in the
            clear (``sub``), and a record of another subject is refused, so that nobody who can
            write to the database can hand one user another user's login.
        accept_plaintext: Also reads records from before encryption was switched on; they are
            encrypted when they are next written. Switch it off once all are.

    Raises:
        ConfigError: A key or an ID is invalid, or ``store`` is no store.
        TypeError: ``keys`` is no dict of str and bytes.
    """
    @overload
    def __new__(
        cls,
        store: CredentialStore,
        keys: Mapping[str, bytes],
        *,
        subject: str | None = None,
        accept_plaintext: bool = False,
    ) -> EncryptedStore[str | None, bool]: ...
    @overload
    def __new__(
        cls,
        store: AsyncCredentialStore,
        keys: Mapping[str, bytes],
        *,
        subject: str | None = None,
        accept_plaintext: bool = False,
    ) -> EncryptedStore[CoroutineType[Any, Any, str | None], CoroutineType[Any, Any, bool]]: ...
    def load(self) -> _Loaded:
        """The decrypted record, or None. It holds secrets. Awaitable if the wrapped store's
        `load()` is.
        """
    def replace(self, old: str | None, new: str | None) -> _Replaced:
        """Atomically puts `new` in place of exactly `old`, both decrypted; False, and no change,
        if the record is not `old` any more. None means no record. Awaitable if the wrapped
        store's methods are.
        """
    @property
    def location(self) -> str:
        """Where the wrapped store keeps the record, for display."""

@final
class EncryptedCall:
    def advance(self, result: object) -> tuple[Awaitable[Any] | None, Any]: ...

@final
class StoreCall:
    def begin(
        self,
    ) -> tuple[Callable[..., Any], list[str | None], list[int], float] | None: ...
    @property
    def context(self) -> Context: ...
    @property
    def timeout(self) -> float: ...
    @property
    def in_trio(self) -> bool: ...
    def returned(self, value: object) -> None: ...
    def raised(self, error: BaseException) -> None: ...
    def give_back(self) -> None: ...

@final
class Flight:
    def start(self, notify: Callable[[StoreCall | None], object]) -> None: ...
    def ready(self, ready: bool) -> None: ...
    def abort(self) -> None: ...
    def result(self) -> Any: ...

# A client of which raw() was asked.
@type_check_only
class RawBlockingClient:
    def for_call(
        self, extra_headers: Mapping[str, str] | None, timeout: float | None
    ) -> RawBlockingClient: ...
    def balance_get(self) -> RawResponse[Balance]: ...
    def balance_add(
        self, amount_cents: int, idempotency_key: str | None
    ) -> RawResponse[Balance]: ...
    def apps_list(self) -> RawResponse[list[App]]: ...
    def apps_create(self, name: str) -> RawResponse[App]: ...
    def apps_delete(self, app_id: str) -> RawResponse[None]: ...
    def keys_create(self, app_id: str, name: str) -> RawResponse[ApiKey]: ...
    def keys_delete(self, app_id: str, key_id: str) -> RawResponse[None]: ...
    def request(self, method: str, path: str, json: Any) -> RawResponse[Any]: ...

# A client of which raw() was asked.
@type_check_only
class RawAsyncClient:
    def for_call(
        self, extra_headers: Mapping[str, str] | None, timeout: float | None
    ) -> RawAsyncClient: ...
    def balance_get(self) -> Awaitable[RawResponse[Balance]]: ...
    def balance_add(
        self, amount_cents: int, idempotency_key: str | None
    ) -> Awaitable[RawResponse[Balance]]: ...
    def apps_list(self) -> Awaitable[RawResponse[list[App]]]: ...
    def apps_create(self, name: str) -> Awaitable[RawResponse[App]]: ...
    def apps_delete(self, app_id: str) -> Awaitable[RawResponse[None]]: ...
    def keys_create(self, app_id: str, name: str) -> Awaitable[RawResponse[ApiKey]]: ...
    def keys_delete(self, app_id: str, key_id: str) -> Awaitable[RawResponse[None]]: ...
    def request(self, method: str, path: str, json: Any) -> Awaitable[RawResponse[Any]]: ...

@final
class BlockingClient:
    def __new__(
        cls,
        *,
        client_name: str | None,
        client_id: str | None,
        scopes: Sequence[str] | None,
        platform_url: str | None,
        account_url: str | None,
        store: object,
        timeout: float | None,
        deadline: float | None,
        max_retries: int | None,
        org: str | None,
        user_agent: str | None,
        proxy: str | None,
        ca_bundle: str | PathLike[str] | None,
        first_poll_at_once: bool,
        lock_timeout: float | None,
        store_timeout: float | None,
        default_headers: Mapping[str, str] | None,
        event_hooks: dict[str, tuple[Any, ...]] | None,
        time_scale: float,
    ) -> BlockingClient: ...
    def with_options(
        self,
        timeout: float | None,
        max_retries: int | None,
        deadline: float | None,
        default_headers: Mapping[str, str] | None,
    ) -> BlockingClient: ...
    def for_call(
        self, extra_headers: Mapping[str, str] | None, timeout: float | None
    ) -> BlockingClient: ...
    def raw(self) -> RawBlockingClient: ...
    def balance_get(self) -> Balance: ...
    def balance_add(self, amount_cents: int, idempotency_key: str | None) -> Balance: ...
    def apps_list(self) -> list[App]: ...
    def apps_create(self, name: str) -> App: ...
    def apps_delete(self, app_id: str) -> None: ...
    def keys_create(self, app_id: str, name: str) -> ApiKey: ...
    def keys_delete(self, app_id: str, key_id: str) -> None: ...
    def oauth_register(self) -> str: ...
    def oauth_request_device_code(self, client_id: str, scopes: Sequence[str]) -> DeviceCode: ...
    def oauth_poll_token(self, client_id: str, device_code: str) -> PollAnswer: ...
    def oauth_refresh(self, refresh_token: str, client_id: str | None) -> Tokens: ...
    def oauth_revoke(self, refresh_token: str) -> None: ...
    def start_login(
        self, scopes: Sequence[str] | None, timeout: float | None, login_hint: str | None
    ) -> BlockingLogin: ...
    def resume_login(self, record: str) -> BlockingLogin: ...
    def status(self) -> Status: ...
    def logout(self, all: bool, organization: str | None) -> None: ...
    def access_token(self) -> str: ...
    def api_key(self) -> str: ...
    def renew_api_key(self, refused: str | None = None) -> str: ...
    def organizations(self) -> list[Organization]: ...
    def select_organization(self, id: str) -> None: ...
    def settled(self) -> None: ...
    def close(self) -> bool: ...
    def settle(self, here: bool) -> None: ...
    def described(self) -> tuple[str, str | None, str]: ...
    @property
    def closed(self) -> bool: ...

@final
class AsyncClient:
    def __new__(
        cls,
        *,
        client_name: str | None,
        client_id: str | None,
        scopes: Sequence[str] | None,
        platform_url: str | None,
        account_url: str | None,
        store: object,
        timeout: float | None,
        deadline: float | None,
        max_retries: int | None,
        org: str | None,
        user_agent: str | None,
        proxy: str | None,
        ca_bundle: str | PathLike[str] | None,
        first_poll_at_once: bool,
        lock_timeout: float | None,
        store_timeout: float | None,
        default_headers: Mapping[str, str] | None,
        event_hooks: dict[str, tuple[Any, ...]] | None,
        time_scale: float,
    ) -> AsyncClient: ...
    def with_options(
        self,
        timeout: float | None,
        max_retries: int | None,
        deadline: float | None,
        default_headers: Mapping[str, str] | None,
    ) -> AsyncClient: ...
    def for_call(
        self, extra_headers: Mapping[str, str] | None, timeout: float | None
    ) -> AsyncClient: ...
    def raw(self) -> RawAsyncClient: ...
    def balance_get(self) -> Awaitable[Balance]: ...
    def balance_add(self, amount_cents: int, idempotency_key: str | None) -> Awaitable[Balance]: ...
    def apps_list(self) -> Awaitable[list[App]]: ...
    def apps_create(self, name: str) -> Awaitable[App]: ...
    def apps_delete(self, app_id: str) -> Awaitable[None]: ...
    def keys_create(self, app_id: str, name: str) -> Awaitable[ApiKey]: ...
    def keys_delete(self, app_id: str, key_id: str) -> Awaitable[None]: ...
    def oauth_register(self) -> Awaitable[str]: ...
    def oauth_request_device_code(
        self, client_id: str, scopes: Sequence[str]
    ) -> Awaitable[DeviceCode]: ...
    def oauth_poll_token(self, client_id: str, device_code: str) -> Awaitable[PollAnswer]: ...
    def oauth_refresh(self, refresh_token: str, client_id: str | None) -> Awaitable[Tokens]: ...
    def oauth_revoke(self, refresh_token: str) -> Awaitable[None]: ...
    def start_login(
        self, scopes: Sequence[str] | None, timeout: float | None, login_hint: str | None
    ) -> Awaitable[AsyncLogin]: ...
    def resume_login(self, record: str) -> Awaitable[AsyncLogin]: ...
    def status(self) -> Awaitable[Status]: ...
    def logout(self, all: bool, organization: str | None) -> Awaitable[None]: ...
    def access_token(self) -> Awaitable[str]: ...
    def api_key(self) -> Awaitable[str]: ...
    def renew_api_key(self, refused: str | None = None) -> Awaitable[str]: ...
    def organizations(self) -> Awaitable[list[Organization]]: ...
    def select_organization(self, id: str) -> Awaitable[None]: ...
    def settled(self) -> Awaitable[None]: ...
    def close(self) -> bool: ...
    @overload
    def settle(self, here: Literal[True]) -> None: ...
    @overload
    def settle(self, here: Literal[False]) -> Awaitable[None]: ...
    def described(self) -> tuple[str, str | None, str]: ...
    @property
    def closed(self) -> bool: ...

@final
class BlockingLogin:
    @property
    def user_code(self) -> str: ...
    @property
    def verification_uri(self) -> str: ...
    @property
    def verification_uri_complete(self) -> str | None: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def interval(self) -> float: ...
    @property
    def remaining(self) -> float: ...
    @property
    def qr(self) -> Qr: ...
    @property
    def prompt(self) -> str: ...
    def pending_record(self) -> str: ...
    def open_browser(self) -> bool: ...
    def poll(self) -> LoginEvent: ...
    def wait(self) -> Status: ...
    def cancel(self) -> None: ...

@final
class AsyncLogin:
    @property
    def user_code(self) -> str: ...
    @property
    def verification_uri(self) -> str: ...
    @property
    def verification_uri_complete(self) -> str | None: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def interval(self) -> float: ...
    @property
    def remaining(self) -> float: ...
    @property
    def qr(self) -> Qr: ...
    @property
    def prompt(self) -> str: ...
    def pending_record(self) -> str: ...
    def open_browser(self) -> bool: ...
    def poll(self) -> Awaitable[LoginEvent]: ...
    def wait(self) -> Awaitable[Status]: ...
    def cancel(self) -> None: ...

def _after_fork() -> None: ...
def _do_at_exit(work: Callable[[], object]) -> None: ...
def _run_command(arguments: Sequence[str]) -> int: ...
