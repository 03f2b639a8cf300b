# Written by tools/blocking.py from _async_resources.py, where changes belong.
"""The calls of the blocking client: ``client.balance``, ``client.apps`` and so on.

Those of the Account API take, for one call:

- ``extra_headers``: headers to send besides the client's; one of the same name replaces it.
- ``timeout``: seconds per request.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from parallel_account import _native
    from parallel_account._native import ApiKey, App, Balance, DeviceCode, PollAnswer, Tokens
    from parallel_account._response import RawResponse


class BalanceApi:
    """The organization's balance: ``client.balance``."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.BlockingClient) -> None:
        self._native = native

    @property
    def with_raw_response(self) -> BalanceApiWithRawResponse:
        """The same calls, whose results have the status and headers of the answer."""
        return BalanceApiWithRawResponse(self._native.raw())

    def get(
        self, *, extra_headers: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Balance:
        """The balance now. Scope ``balance:read``.

        Raises:
            LoginRequiredError: Nobody is logged in.
            AccountError: Any other reason; see its ``code``.
        """
        return self._native.for_call(extra_headers, timeout).balance_get()

    def add(
        self,
        amount_cents: int,
        idempotency_key: str | None = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Balance:
        """Charges the organization's default payment method. Scope ``balance:add``.

        Args:
            amount_cents: US cents, from 1 to 10000.
            idempotency_key: 8 to 128 characters; a charge with a key that was used within 24
                hours happens once only. Without one, this call makes its own and repeats safely
                by it; give one where your program may call again after a failure.

        Returns:
            The balance after the charge.

        Raises:
            PaymentRequiredError: The card was declined.
            InvalidRequestError: An argument is out of its range; nothing was sent.
            LoginRequiredError: Nobody is logged in.
            AccountError: Any other reason; look at ``outcome_unknown`` before you call again.
        """
        return self._native.for_call(extra_headers, timeout).balance_add(
            amount_cents, idempotency_key
        )


class Apps:
    """The organization's apps, to which API keys belong: ``client.apps``."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.BlockingClient) -> None:
        self._native = native

    @property
    def with_raw_response(self) -> AppsWithRawResponse:
        """The same calls, whose results have the status and headers of the answer."""
        return AppsWithRawResponse(self._native.raw())

    def list(
        self, *, extra_headers: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> list[App]:
        """Every app of the organization. Scope ``apps:read``."""
        return self._native.for_call(extra_headers, timeout).apps_list()

    def create(
        self,
        name: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> App:
        """Makes an app. Scope ``apps:create``.

        The service answers its ID; the name is the one that was sent. The call is not repeated by
        itself once the request may have arrived: with ``outcome_unknown``, look at ``list()``
        first.
        """
        return self._native.for_call(extra_headers, timeout).apps_create(name)

    def delete(
        self,
        app_id: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Deletes an app. Scope ``apps:delete``.

        Args:
            app_id: A UUID, as ``list()`` gives it.
        """
        return self._native.for_call(extra_headers, timeout).apps_delete(app_id)


class Keys:
    """The data-API keys of an app: ``client.keys``. The service lists none."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.BlockingClient) -> None:
        self._native = native

    @property
    def with_raw_response(self) -> KeysWithRawResponse:
        """The same calls, whose results have the status and headers of the answer."""
        return KeysWithRawResponse(self._native.raw())

    def create(
        self,
        app_id: str,
        name: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> ApiKey:
        """Makes an API key. Scope ``keys:create``.

        Its ``raw_api_key`` is answered this once only. The call is not repeated by itself once
        the request may have arrived.

        Args:
            app_id: A UUID, as ``apps.list()`` gives it.
            name: What to call the key.
        """
        return self._native.for_call(extra_headers, timeout).keys_create(app_id, name)

    def delete(
        self,
        app_id: str,
        key_id: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Deletes an API key. Scope ``keys:delete``."""
        return self._native.for_call(extra_headers, timeout).keys_delete(app_id, key_id)


class OAuth:
    """The documented requests one by one, without any storage: ``client.oauth``."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.BlockingClient) -> None:
        self._native = native

    def register(self) -> str:
        """Registers this installation; keep the client ID."""
        return self._native.oauth_register()

    def request_device_code(self, client_id: str, scopes: Sequence[str]) -> DeviceCode:
        """Asks for a device code (RFC 8628 §3.1)."""
        return self._native.oauth_request_device_code(client_id, scopes)

    def poll_token(self, client_id: str, device_code: str) -> PollAnswer:
        """Polls once, without waiting (RFC 8628 §3.4).

        Mind the interval; a refusal is raised.
        """
        return self._native.oauth_poll_token(client_id, device_code)

    def refresh(self, refresh_token: str, client_id: str | None = None) -> Tokens:
        """Trades a refresh token, which usually works once, for new tokens (RFC 6749 §6).

        Store the answer.
        """
        return self._native.oauth_refresh(refresh_token, client_id)

    def revoke(self, refresh_token: str) -> None:
        """Revokes a refresh token; access tokens already out live until they expire."""
        return self._native.oauth_revoke(refresh_token)


class BalanceApiWithRawResponse:
    """As :class:`BalanceApi`; each call returns a :class:`RawResponse`."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.RawBlockingClient) -> None:
        self._native = native

    def get(
        self, *, extra_headers: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> RawResponse[Balance]:
        """As :meth:`BalanceApi.get`."""
        return self._native.for_call(extra_headers, timeout).balance_get()

    def add(
        self,
        amount_cents: int,
        idempotency_key: str | None = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> RawResponse[Balance]:
        """As :meth:`BalanceApi.add`."""
        return self._native.for_call(extra_headers, timeout).balance_add(
            amount_cents, idempotency_key
        )


class AppsWithRawResponse:
    """As :class:`Apps`; each call returns a :class:`RawResponse`."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.RawBlockingClient) -> None:
        self._native = native

    def list(
        self, *, extra_headers: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> RawResponse[list[App]]:
        """As :meth:`Apps.list`."""
        return self._native.for_call(extra_headers, timeout).apps_list()

    def create(
        self,
        name: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> RawResponse[App]:
        """As :meth:`Apps.create`."""
        return self._native.for_call(extra_headers, timeout).apps_create(name)

    def delete(
        self,
        app_id: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> RawResponse[None]:
        """As :meth:`Apps.delete`."""
        return self._native.for_call(extra_headers, timeout).apps_delete(app_id)


class KeysWithRawResponse:
    """As :class:`Keys`; each call returns a :class:`RawResponse`."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.RawBlockingClient) -> None:
        self._native = native

    def create(
        self,
        app_id: str,
        name: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> RawResponse[ApiKey]:
        """As :meth:`Keys.create`."""
        return self._native.for_call(extra_headers, timeout).keys_create(app_id, name)

    def delete(
        self,
        app_id: str,
        key_id: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> RawResponse[None]:
        """As :meth:`Keys.delete`."""
        return self._native.for_call(extra_headers, timeout).keys_delete(app_id, key_id)
