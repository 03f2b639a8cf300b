# Written by tools/blocking.py from _async_client.py, where changes belong.
"""The blocking client."""

from __future__ import annotations

from parallel_account import _native
from parallel_account._client_base import ClientBase, checked_hooks, with_query
from parallel_account._leaving import settle
from parallel_account._login import DeviceLogin, finish_login
from parallel_account._resources import Apps, BalanceApi, Keys, OAuth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from parallel_account._client_base import Params
    from parallel_account._events import EventHooks
    from parallel_account._login import OnPrompt
    from parallel_account._native import FileStore, MemoryStore, Organization, Status
    from parallel_account._response import RawResponse
    from parallel_account._stores import AsyncCredentialStore, CredentialStore


class AccountClient(ClientBase):
    """Acts on one user's Parallel account, with calls that block.

    Cheap to make: before the first call, only environment variables and ``ca_bundle`` are read, and
    nothing is written or sent. Safe to share between threads, tasks and event loops, and it works
    on after a fork, in the parent and in the child.

    Args:
        client_name: What the approval page calls the application; also names the default store.
        client_id: A registration made elsewhere; without one, the first login registers.
        scopes: What logins ask for; by default all scopes of the Account API. Such as
            ``["balance:read"]``.
        platform_url: The base of the device flow; by default ``PARALLEL_PLATFORM_URL``, then
            ``https://platform.parallel.ai``.
        account_url: The base of the Account API; by default ``PARALLEL_SERVICE_API_URL``, then
            ``https://api.parallel.ai/account``.
        store: Where the login is kept; by default a file of its own per ``client_name``.
        timeout: How long one request may take, in seconds, from connecting to the last byte;
            default 30.
        deadline: How long a call as a whole may take, in seconds, retries, a refresh and all
            waiting included; by default there is no limit.
        max_retries: How often a request is retried at most where a retry is safe; default 2.
        org: The ID of the organization to act for, whichever is selected in the store.
        user_agent: Added to the ``User-Agent``, such as ``my-app/1.2``.
        proxy: The URL of a proxy, instead of what ``HTTPS_PROXY`` and its like say.
        ca_bundle: A file of PEM certificates to trust besides the system's.
        first_poll_at_once: Whether to poll a login at once rather than after one interval.
        lock_timeout: How long to wait for another process that holds the store's lock, in seconds;
            default 60.
        store_timeout: How long a method of a custom store may take, in seconds; default 30.
        default_headers: Sent with every request, such as ``x-team``; what this library sets itself,
            such as ``Authorization``, is refused.
        event_hooks: Told of requests, refreshes and what is wrong with the store: lists of
            functions under ``request``, ``response``, ``retry``, ``refresh`` and ``store``.

    Raises:
        ConfigError: An option is unusable, or a URL is neither https nor loopback.
    """

    __slots__ = ("__weakref__",)

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
        default_headers: Mapping[str, str] | None = None,
        event_hooks: EventHooks | None = None,
        _time_scale: float = 1.0,
    ) -> None:
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
            default_headers=default_headers,
            event_hooks=None if event_hooks is None else checked_hooks(event_hooks),
            time_scale=_time_scale,
        )

    @property
    def balance(self) -> BalanceApi:
        """The organization's balance."""
        return BalanceApi(self._native)

    @property
    def apps(self) -> Apps:
        """The organization's apps."""
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
        on_prompt: OnPrompt | None = None,
        open_browser: bool = True,
        timeout: float | None = None,
        scopes: Sequence[str] | None = None,
        login_hint: str | None = None,
    ) -> Status:
        """Logs in: registers if needed, shows the prompt, waits, and stores the login.

        Args:
            on_prompt: Shows the code and the link; by default they go to standard error. Called
                with the login, and awaited if the client's calls are. A notebook shows the login
                itself.
            open_browser: Whether to open the link in the user's browser, where there is one.
            timeout: How long to wait for the approval, in seconds; by default as long as the code
                is valid.
            scopes: Instead of the client's scopes.
            login_hint: Whom the login page should suggest, such as an e-mail address.

        Returns:
            Who is logged in now.

        Raises:
            AccessDeniedError: The user said no.
            LoginExpiredError: Nobody approved in time.
            AccountError: Any other reason; see its ``code``.
        """
        login = self.start_login(scopes=scopes, timeout=timeout, login_hint=login_hint)
        return finish_login(login, on_prompt, open_browser)

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
        """Continues a login from its pending record, in this process or another."""
        return DeviceLogin(self._native.resume_login(record))

    def status(self) -> Status:
        """Who is logged in, as the store knows it, without any network."""
        return self._native.status()

    def logout(self, *, all: bool = False, organization: str | None = None) -> None:
        """Revokes the login and forgets it, even if revoking fails.

        An API key that :meth:`api_key` created is deleted too. A failure to revoke or to delete is
        raised.

        Args:
            all: Every login in the store.
            organization: Whose login; by default that of the organization that calls act for.
        """
        return self._native.logout(all, organization)

    def access_token(self) -> str:
        """An access token that is valid now, for calls that this library does not wrap.

        A secret.
        """
        return self._native.access_token()

    def api_key(self) -> str:
        """The organization's key for Parallel's data API and its official SDKs.

        A secret.

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
        """Replaces the refused key, or the one that this client gave out last, with a new one.

        A secret.

        For a key that the data API refuses (401) or that has leaked. Name that key: then it is
        replaced once, however many threads and processes do so at the same time, and who comes
        later gets the one that replaced it. The old one is deleted at Parallel if this library
        created it and the login has the scope ``keys:delete``.

        Raises:
            AccountError: As :meth:`api_key`; or the old key could not be deleted, and the new one
                is stored anyway: :meth:`api_key` returns it.
        """
        return self._native.renew_api_key(refused)

    def organizations(self) -> list[Organization]:
        """Every organization that the store has a login for."""
        return self._native.organizations()

    def select_organization(self, id: str) -> None:
        """Acts for this organization from now on; all that share the store follow."""
        return self._native.select_organization(id)

    def settled(self) -> None:
        """Waits for what stopped calls left behind: a refresh, a poll, a write or a logout.

        Such work continues by itself, so that no login is lost, and the end of the client and of
        the process wait up to 5 seconds for it. Call this where a process ends in another way, as
        by ``os._exit()``.
        """
        return self._native.settled()

    def request(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> RawResponse[Any]:
        """Any other call below the Account API's base: an answer whose ``parse()`` is its JSON.

        Args:
            method: Such as ``"GET"``; GET, HEAD and DELETE are retried where that can help.
            path: Begins with ``/`` and is sent as it is: encode what you put into it.
            json: The body: what JSON has a form for.
            params: The query, which is encoded and added to the path. A list gives a name several
                values; None leaves it out.
            headers: Headers to send besides the client's.
            timeout: Seconds per request.
        """
        native = self._native.raw().for_call(headers, timeout)
        return native.request(method, with_query(path, params), json)

    def close(self) -> None:
        """Ends the client: later calls fail, and the stored login stays.

        They raise :class:`ConfigError`. Waits up to 5 seconds for what calls left behind, as
        :meth:`settled` does, so that what a store needs can be closed next.
        """
        settle(self._native)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
