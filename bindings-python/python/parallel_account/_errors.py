"""The exceptions. All are :class:`AccountError`; catch the subclass by what you can do about it."""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AccountError(Exception):
    """Something that this library was asked for did not happen.

    The message says what happened and what to do. It never holds a secret.
    """

    code: str = "internal"
    """The stable name of what went wrong, the same in every language."""

    message: str
    """What happened and what to do, for a person."""

    status: int | None
    """The HTTP status, where an answer came."""

    request_id: str | None
    """The service's ID of the request, to quote to Parallel's support."""

    retry_after: float | None
    """Seconds that the service asked to wait (``Retry-After``)."""

    retryable: bool
    """Whether the same call may well succeed later, and repeating it cannot do a thing twice."""

    outcome_unknown: bool
    """Whether the server may have acted although no usable answer came: check before you retry."""

    idempotency_key: str | None
    """The key that ``balance.add`` sent, given or generated; retry with it to charge once only.
    None for every other call."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool = False,
        outcome_unknown: bool = False,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.retryable = retryable
        self.outcome_unknown = outcome_unknown
        self.idempotency_key = idempotency_key

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        known = [f"{name}={value!r}" for name, value in self._details().items() if value]
        return f"{type(self).__name__}({', '.join([repr(self.message), *known])})"

    def _details(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "request_id": self.request_id,
            "retry_after": self.retry_after,
            "retryable": self.retryable,
            "outcome_unknown": self.outcome_unknown,
            "idempotency_key": self.idempotency_key,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {"message": self.message, **self._details()}
        return (rebuild, (type(self), fields, _portable(self.__cause__)))


def _portable(cause: BaseException | None) -> BaseException | None:
    """The cause if it can be unpickled: an error that cannot hangs a process pool."""
    # Half of what importing this package would cost.
    import pickle

    try:
        pickle.loads(pickle.dumps(cause))
    except Exception:
        return None
    return cause


class _Refusal(AccountError):
    """What an OAuth endpoint can be the reason of."""

    error: str | None
    """The OAuth error code, such as ``invalid_scope``, where the service sent one."""

    description: str | None
    """The server's ``error_description``."""

    def __init__(
        self,
        message: str,
        *,
        error: str | None = None,
        description: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool = False,
        outcome_unknown: bool = False,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(
            message,
            status=status,
            request_id=request_id,
            retry_after=retry_after,
            retryable=retryable,
            outcome_unknown=outcome_unknown,
            idempotency_key=idempotency_key,
        )
        self.error = error
        self.description = description

    def _details(self) -> dict[str, Any]:
        return {**super()._details(), "error": self.error, "description": self.description}


class LoginRequiredError(_Refusal):
    """Never logged in, the grant has expired, or the refresh was refused: log in."""

    code = "login_required"


class AccessDeniedError(_Refusal):
    """The user said no (RFC 8628 §3.5)."""

    code = "access_denied"


class LoginExpiredError(_Refusal):
    """The device code died before anyone approved it (RFC 8628 §3.5)."""

    code = "login_expired"


class OAuthError(_Refusal):
    """Any other OAuth refusal (RFC 6749 §5.2)."""

    code = "oauth"


class ApiError(AccountError):
    """The Account API answered with an error."""


class UnauthorizedError(ApiError):
    """401, even with a fresh token."""

    code = "unauthorized"


class PaymentRequiredError(ApiError):
    """402: the card was declined."""

    code = "payment_required"


class PermissionDeniedError(ApiError):
    """403: the token's scopes or the user's role do not allow this."""

    code = "permission_denied"


class NotFoundError(ApiError):
    """404."""

    code = "not_found"


class ConflictError(ApiError):
    """409."""

    code = "conflict"


class InvalidField:
    """One field that the Account API refused (422)."""

    __slots__ = ("error_type", "location", "message")

    location: str
    """Where, such as ``body.amount_cents``."""

    message: str
    """What is wrong with it."""

    error_type: str
    """The service's own name for the problem, such as ``greater_than``."""

    def __init__(self, location: str, message: str, error_type: str) -> None:
        self.location = location
        self.message = message
        self.error_type = error_type

    def __repr__(self) -> str:
        return f"InvalidField({self.location!r}, {self.message!r}, {self.error_type!r})"

    def _values(self) -> tuple[str, str, str]:
        return (self.location, self.message, self.error_type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InvalidField) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())


class InvalidRequestError(ApiError):
    """422 and other 4xx; with ``status`` None, an argument that was refused before sending."""

    code = "invalid_request"

    fields: tuple[InvalidField, ...]
    """The fields that the service complains about."""

    def __init__(
        self,
        message: str,
        *,
        fields: tuple[InvalidField, ...] = (),
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool = False,
        outcome_unknown: bool = False,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(
            message,
            status=status,
            request_id=request_id,
            retry_after=retry_after,
            retryable=retryable,
            outcome_unknown=outcome_unknown,
            idempotency_key=idempotency_key,
        )
        self.fields = fields

    def _details(self) -> dict[str, Any]:
        return {**super()._details(), "fields": self.fields}


class RateLimitedError(ApiError):
    """429; ``retry_after`` says how long to wait, where the service does."""

    code = "rate_limited"


class ServerError(ApiError):
    """5xx."""

    code = "server"


class ConnectionError(AccountError, builtins.ConnectionError):
    """No answer: the connection failed or broke."""

    code = "connection"


class TlsError(ConnectionError):
    """No answer: no trusted connection could be made."""

    code = "tls"


class TimeoutError(ConnectionError, builtins.TimeoutError):
    """No answer in time."""

    code = "timeout"


class InvalidResponseError(AccountError):
    """A malformed response."""

    code = "invalid_response"


class StoreError(AccountError):
    """Credentials could not be read or written."""

    code = "store"


class StoreCorruptError(StoreError):
    """The stored credentials are damaged."""

    code = "store_corrupt"


class ConfigError(AccountError):
    """A bad option or an insecure URL."""

    code = "config"


class InternalError(AccountError):
    """A bug in this library: please report it."""

    code = "internal"


_CLASSES: dict[str, type[AccountError]] = {
    kind.code: kind
    for kind in (
        LoginRequiredError,
        AccessDeniedError,
        LoginExpiredError,
        OAuthError,
        UnauthorizedError,
        PaymentRequiredError,
        PermissionDeniedError,
        NotFoundError,
        ConflictError,
        InvalidRequestError,
        RateLimitedError,
        ServerError,
        ConnectionError,
        TlsError,
        TimeoutError,
        InvalidResponseError,
        StoreError,
        StoreCorruptError,
        ConfigError,
        InternalError,
    )
}


def make_error(code: str, message: str, details: dict[str, Any]) -> AccountError:
    """For the native module: the exception of that code."""
    if "fields" in details:
        details["fields"] = tuple(InvalidField(*field) for field in details["fields"])
    return _CLASSES.get(code, InternalError)(message, **details)


def rebuild(kind: type[Any], fields: dict[str, Any], cause: BaseException | None = None) -> Any:
    """For pickle: an object whose constructor takes its fields by keyword."""
    rebuilt = kind(**fields)
    if cause is not None:
        rebuilt.__cause__ = cause
    return rebuilt
