"""What the blocking client can do, as protocols."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from parallel_account._specimen import an_instance_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from parallel_account._client_base import Params
    from parallel_account._login import DeviceLogin, OnPrompt
    from parallel_account._native import (
        ApiKey,
        App,
        Balance,
        DeviceCode,
        Organization,
        PollAnswer,
        Status,
        Tokens,
    )
    from parallel_account._response import RawResponse


@runtime_checkable
class BalanceApi(Protocol):
    """The organisation's balance: ``client.balance``."""

    def get(
        self, *, extra_headers: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Balance:
        """As :meth:`parallel_account.AccountClient.balance.get`."""
        ...

    def add(
        self,
        amount_cents: int,
        idempotency_key: str | None = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Balance:
        """As :meth:`parallel_account.AccountClient.balance.add`."""
        ...


@runtime_checkable
class Apps(Protocol):
    """The organisation's apps, to which API keys belong: ``client.apps``."""

    def list(
        self, *, extra_headers: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> list[App]:
        """As :meth:`parallel_account.AccountClient.apps.list`."""
        ...

    def create(
        self,
        name: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> App:
        """As :meth:`parallel_account.AccountClient.apps.create`."""
        ...

    def delete(
        self,
        app_id: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """As :meth:`parallel_account.AccountClient.apps.delete`."""
        ...


@runtime_checkable
class Keys(Protocol):
    """The data-API keys of an app: ``client.keys``. The service lists none."""

    def create(
        self,
        app_id: str,
        name: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> ApiKey:
        """As :meth:`parallel_account.AccountClient.keys.create`."""
        ...

    def delete(
        self,
        app_id: str,
        key_id: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """As :meth:`parallel_account.AccountClient.keys.delete`."""
        ...


@runtime_checkable
class OAuth(Protocol):
    """The documented requests one by one, without any storage: ``client.oauth``."""

    def register(self) -> str:
        """As :meth:`parallel_account.AccountClient.oauth.register`."""
        ...

    def request_device_code(self, client_id: str, scopes: Sequence[str]) -> DeviceCode:
        """As :meth:`parallel_account.AccountClient.oauth.request_device_code`."""
        ...

    def poll_token(self, client_id: str, device_code: str) -> PollAnswer:
        """As :meth:`parallel_account.AccountClient.oauth.poll_token`."""
        ...

    def refresh(self, refresh_token: str, client_id: str | None = None) -> Tokens:
        """As :meth:`parallel_account.AccountClient.oauth.refresh`."""
        ...

    def revoke(self, refresh_token: str) -> None:
        """As :meth:`parallel_account.AccountClient.oauth.revoke`."""
        ...


@runtime_checkable
class AccountClient(Protocol):
    """As :class:`parallel_account.AccountClient`."""

    if TYPE_CHECKING:

        @property
        def balance(self) -> BalanceApi:
            """As :attr:`parallel_account.AccountClient.balance`."""
            ...

        @property
        def apps(self) -> Apps:
            """As :attr:`parallel_account.AccountClient.apps`."""
            ...

        @property
        def keys(self) -> Keys:
            """As :attr:`parallel_account.AccountClient.keys`."""
            ...

        @property
        def oauth(self) -> OAuth:
            """As :attr:`parallel_account.AccountClient.oauth`."""
            ...

    else:
        # `create_autospec` looks into objects, but not into properties.
        balance = an_instance_of(BalanceApi)
        apps = an_instance_of(Apps)
        keys = an_instance_of(Keys)
        oauth = an_instance_of(OAuth)

    def login(
        self,
        *,
        on_prompt: OnPrompt | None = None,
        open_browser: bool = True,
        timeout: float | None = None,
        scopes: Sequence[str] | None = None,
        login_hint: str | None = None,
    ) -> Status:
        """As :meth:`parallel_account.AccountClient.login`."""
        ...

    def start_login(
        self,
        *,
        scopes: Sequence[str] | None = None,
        timeout: float | None = None,
        login_hint: str | None = None,
    ) -> DeviceLogin:
        """As :meth:`parallel_account.AccountClient.start_login`."""
        ...

    def resume_login(self, record: str) -> DeviceLogin:
        """As :meth:`parallel_account.AccountClient.resume_login`."""
        ...

    def status(self) -> Status:
        """As :meth:`parallel_account.AccountClient.status`."""
        ...

    def logout(self, *, all: bool = False, organization: str | None = None) -> None:
        """As :meth:`parallel_account.AccountClient.logout`."""
        ...

    def access_token(self) -> str:
        """As :meth:`parallel_account.AccountClient.access_token`."""
        ...

    def api_key(self) -> str:
        """As :meth:`parallel_account.AccountClient.api_key`."""
        ...

    def renew_api_key(self) -> str:
        """As :meth:`parallel_account.AccountClient.renew_api_key`."""
        ...

    def organizations(self) -> list[Organization]:
        """As :meth:`parallel_account.AccountClient.organizations`."""
        ...

    def select_organization(self, id: str) -> None:
        """As :meth:`parallel_account.AccountClient.select_organization`."""
        ...

    def settled(self) -> None:
        """As :meth:`parallel_account.AccountClient.settled`."""
        ...

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
        """As :meth:`parallel_account.AccountClient.request`."""
        ...

    def close(self) -> None:
        """As :meth:`parallel_account.AccountClient.close`."""
        ...

    def __enter__(self) -> Self:
        """As :meth:`parallel_account.AccountClient.__enter__`."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """As :meth:`parallel_account.AccountClient.__exit__`."""
        ...

    def with_options(
        self,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> Self:
        """As :meth:`parallel_account.AccountClient.with_options`."""
        ...
