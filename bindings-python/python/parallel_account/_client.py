"""The blocking client."""

from __future__ import annotations

import sys

from parallel_account import _native
from parallel_account._errors import ConfigError
from parallel_account._login import DeviceLogin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from types import TracebackType
    from typing import Any

    from parallel_account._native import (
        ApiKey,
        App,
        Balance,
        DeviceCode,
        FileStore,
        MemoryStore,
        Organization,
        PollAnswer,
        Status,
        Tokens,
    )
    from parallel_account._stores import AsyncCredentialStore, CredentialStore


class BalanceApi:
    """The organisation's balance: ``client.balance``."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.BlockingClient) -> None:
        self._native = native

    def get(self) -> Balance:
        """The balance now (Account API, get balance; scope ``balance:read``).

        Raises:
            LoginRequiredError: Nobody is logged in.
            AccountError: Any other reason; see its ``code``.
        """
        return self._native.balance_get()

    def add(self, amount_cents: int, idempotency_key: str | None = None) -> Balance:
        """Charges the organisation's default payment method (Account API, add to balance).

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
        return self._native.balance_add(amount_cents, idempotency_key)


class Apps:
    """The organisation's apps, to which API keys belong: ``client.apps``."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.BlockingClient) -> None:
        self._native = native

    def list(self) -> list[App]:
        """All apps (Account API, list apps; scope ``apps:read``)."""
        return self._native.apps_list()

    def create(self, name: str) -> str:
        """Makes an app and returns its id (Account API, create app; scope ``apps:create``).

        It is not repeated by itself once the request may have arrived: with ``outcome_unknown``,
        look at ``list()`` first.
        """
        return self._native.apps_create(name)

    def delete(self, app_id: str) -> None:
        """Deletes an app (Account API, delete app; scope ``apps:delete``).

        Args:
            app_id: A UUID, as ``list()`` gives it.
        """
        return self._native.apps_delete(app_id)


class Keys:
    """The data-API keys of an app: ``client.keys``. The service lists none."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.BlockingClient) -> None:
        self._native = native

    def create(self, app_id: str, name: str) -> ApiKey:
        """Makes a key (Account API, create key; scope ``keys:create``).

        Its ``raw_api_key`` is answered this once only. The call is not repeated by itself once
        the request may have arrived.

        Args:
            app_id: A UUID, as ``apps.list()`` gives it.
            name: What to call the key.
        """
        return self._native.keys_create(app_id, name)

    def delete(self, app_id: str, key_id: str) -> None:
        """Deletes a key (Account API, delete key; scope ``keys:delete``)."""
        return self._native.keys_delete(app_id, key_id)


class OAuth:
    """The documented requests one by one, without any storage: ``client.oauth``."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.BlockingClient) -> None:
        self._native = native

    def register(self) -> str:
        """Registers this installation and returns its client id."""
        return self._native.oauth_register()

    def request_device_code(self, client_id: str, scopes: Sequence[str]) -> DeviceCode:
        """Asks for a device code (RFC 8628 §3.1)."""
        return self._native.oauth_request_device_code(client_id, scopes)

    def poll_token(self, client_id: str, device_code: str) -> PollAnswer:
        """Polls once, now (RFC 8628 §3.4). Mind the interval; a refusal is raised."""
        return self._native.oauth_poll_token(client_id, device_code)

    def refresh(self, refresh_token: str, client_id: str | None = None) -> Tokens:
        """Trades a refresh token for new tokens (RFC 6749 §6). It works once: store the answer."""
        return self._native.oauth_refresh(refresh_token, client_id)

    def revoke(self, refresh_token: str) -> None:
        """Ends a refresh token. Access tokens that are out live until they expire."""
        return self._native.oauth_revoke(refresh_token)


class AccountClient:
    """Acts on one user's Parallel account, with calls that block.

    Cheap to make: nothing is read, written or sent before the first call. Safe to share between
    threads, and it works on after a fork, in the parent and in the child.

    Args:
        client_name: What the approval page calls your program; also names the credentials file.
        client_id: A registration made elsewhere. Without one, the first login registers.
        scopes: What logins ask for, such as ``["balance:read"]``; by default everything.
        platform_url: Default ``PARALLEL_PLATFORM_URL`` or ``https://platform.parallel.ai``.
        account_url: Default ``PARALLEL_SERVICE_API_URL`` or
            ``https://api.parallel.ai/account``.
        store: Where the credentials live; by default a file of their own per ``client_name``.
        timeout: Seconds that one request may take; default 30.
        deadline: Seconds that a call as a whole may take, retries, a refresh and all waiting
            included; by default no limit.
        max_retries: How often a request is repeated at most where that is safe; default 2.
        org: Act for this organisation, whichever is selected in the store.
        user_agent: Added to the ``User-Agent``, such as ``my-app/1.2``.
        proxy: A proxy's URL, instead of what ``HTTPS_PROXY`` and its like say.
        ca_bundle: A file of PEM certificates to trust besides the system's.
        first_poll_at_once: Poll a login at once rather than after one interval.
        lock_timeout: Seconds to wait for another process that is refreshing; default 60.
        store_timeout: Seconds that a method of a store written in Python may take; default 30.

    Raises:
        ConfigError: An option is unusable, or a URL is neither https nor loopback.
    """

    __slots__ = ("__weakref__", "_native")

    _native: _native.BlockingClient

    def __init__(
        self,
        *,
        client_name: str | None = None,
        client_id: str | None = None,
        scopes: Sequence[str] | None = None,
        platform_url: str | None = None,
        account_url: str | None = None,
        store: CredentialStore | AsyncCredentialStore | FileStore | MemoryStore | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        max_retries: int | None = None,
        org: str | None = None,
        user_agent: str | None = None,
        proxy: str | None = None,
        ca_bundle: str | PathLike[str] | None = None,
        first_poll_at_once: bool = False,
        lock_timeout: float | None = None,
        store_timeout: float | None = None,
        _time_scale: float = 1.0,
    ) -> None:
        if getattr(store, "_asynchronous", False):
            raise ConfigError(
                f"store is a {type(store).__name__} over an asyncio client, whose connections "
                "belong to one event loop. Use AsyncAccountClient, or give the store a blocking "
                "client of the database."
            )
        self._native = _native.BlockingClient(
            client_name=client_name,
            client_id=client_id,
            scopes=scopes,
            platform_url=platform_url,
            account_url=account_url,
            store=store,
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            org=org,
            user_agent=user_agent,
            proxy=proxy,
            ca_bundle=ca_bundle,
            first_poll_at_once=first_poll_at_once,
            lock_timeout=lock_timeout,
            store_timeout=store_timeout,
            time_scale=_time_scale,
        )

    @property
    def balance(self) -> BalanceApi:
        """The organisation's balance."""
        return BalanceApi(self._native)

    @property
    def apps(self) -> Apps:
        """The organisation's apps."""
        return Apps(self._native)

    @property
    def keys(self) -> Keys:
        """The data-API keys of an app."""
        return Keys(self._native)

    @property
    def oauth(self) -> OAuth:
        """The requests of the device flow one by one."""
        return OAuth(self._native)

    def login(
        self,
        *,
        on_prompt: Callable[[DeviceLogin], object] | None = None,
        open_browser: bool = True,
        timeout: float | None = None,
        scopes: Sequence[str] | None = None,
        login_hint: str | None = None,
    ) -> Status:
        """Logs in: registers if needed, shows the prompt, waits for the approval, stores it.

        Args:
            on_prompt: Called with the login to show; by default ``login.prompt`` is printed to
                standard error.
            open_browser: Whether to open the link in the person's browser, where there is one.
            timeout: Seconds to wait at most; by default as long as the code lives.
            scopes: Instead of the client's.
            login_hint: Whom the login page should suggest, such as an e-mail address.

        Returns:
            Who is logged in now.

        Raises:
            AccessDeniedError: The user said no.
            LoginExpiredError: Nobody approved in time.
            AccountError: Any other reason; see its ``code``.
        """
        login = self.start_login(scopes=scopes, timeout=timeout, login_hint=login_hint)
        if on_prompt is None:
            print(login.prompt, file=sys.stderr, flush=True)
        else:
            on_prompt(login)
        if open_browser:
            login.open_browser()
        return login.wait()

    def start_login(
        self,
        *,
        scopes: Sequence[str] | None = None,
        timeout: float | None = None,
        login_hint: str | None = None,
    ) -> DeviceLogin:
        """Asks for a device code (RFC 8628 §3.1), after registering if needed.

        ``timeout`` is how many seconds the login may take from here.
        """
        native = self._native.start_login(scopes, timeout, login_hint)
        return DeviceLogin(native)

    def resume_login(self, record: str) -> DeviceLogin:
        """Goes on with a login that ``pending_record()`` recorded, maybe in another process."""
        return DeviceLogin(self._native.resume_login(record))

    def status(self) -> Status:
        """Who is logged in, as far as the store knows; no network is asked."""
        return self._native.status()

    def logout(self, *, all: bool = False, organization: str | None = None) -> None:
        """Revokes and forgets the login: this one, that of one organisation, or ``all``.

        An API key that :meth:`api_key` created is deleted too. The login is forgotten here even
        if revoking or deleting fails; that failure is raised.
        """
        return self._native.logout(all, organization)

    def access_token(self) -> str:
        """A token that is valid now, for calls that this library does not wrap. A secret."""
        return self._native.access_token()

    def api_key(self) -> str:
        """The key for Parallel's data API and its official SDKs. A secret.

        Returns the organization's stored key, also one that ``parallel-cli`` stored, without any
        request. If there is none, finds or creates the app named like this client
        (``client_name``), creates a key in it and stores that: one key, however many processes
        ask. A new key needs the scopes ``apps:read`` and ``keys:create``, and ``apps:create`` if
        there is no such app::

            Parallel(api_key=client.api_key())

        Raises:
            LoginRequiredError: No key is stored, and nobody is logged in.
            PermissionDeniedError: The login lacks a scope, which the message names, or the
                organization does not allow it.
            AccountError: Any other reason. With ``outcome_unknown``, the message names the app in
                which an unused key may have been left behind.
        """
        return self._native.api_key()

    def renew_api_key(self, refused: str | None = None) -> str:
        """Replaces ``refused``, or the key that this client last returned, with a new one. A secret.

        For a key that the data API refuses (401) or that has leaked. Name that key: then it is
        replaced once, however many threads and processes do so at the same time, and who comes
        later gets the one that replaced it. The old one is deleted at Parallel if this library
        created it and the login has the scope ``keys:delete``.

        Raises:
            AccountError: As :meth:`api_key`; or the old key could not be deleted, and the new one
                is stored all the same: :meth:`api_key` returns it.
        """
        return self._native.renew_api_key(refused)

    def organizations(self) -> list[Organization]:
        """Every organisation that the store has a login for."""
        return self._native.organizations()

    def select_organization(self, id: str) -> None:
        """Act for this organisation from now on; all that share the store follow."""
        return self._native.select_organization(id)

    def settled(self) -> None:
        """Waits for what calls left behind when they were interrupted: a refresh above all.

        Such work goes on by itself, so that no login is lost, and the end of the client and of the
        process wait up to 5 seconds for it. Call this where a process ends in another way, as
        by ``os._exit()``.
        """
        return self._native.settled()

    def request(self, method: str, path: str, json: Any = None) -> Any:
        """Any other call below the Account API's base; returns the parsed JSON of the answer.

        Args:
            method: Such as ``"GET"``; GET, HEAD and DELETE are repeated where that can help.
            path: Begins with ``/`` and is sent as it is: encode what you put into it.
            json: The body: what JSON has a form for.
        """
        return self._native.request(method, path, json)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        max_retries: int | None = None,
    ) -> AccountClient:
        """The same client with other limits: ``client.with_options(timeout=5).balance.get()``.

        Login, store and connections are shared; closing either closes both.
        """
        other = object.__new__(type(self))
        other._native = self._native.with_options(timeout, max_retries, deadline)
        return other

    def close(self) -> None:
        """Ends the client: later calls raise :class:`ConfigError`.

        Waits up to 5 seconds for what calls left behind, as :meth:`settled` does, so that what a
        store needs can be closed next.
        """
        if not self._native.close():
            self._native.settle(True)

    def __enter__(self) -> AccountClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._native.closed

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' (closed)' if self.closed else ''}>"
