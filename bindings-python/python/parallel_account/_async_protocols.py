"""What the asynchronous client can do, as protocols."""

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
    from parallel_account._login import AsyncDeviceLogin, AsyncOnPrompt
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
class AsyncBalanceApi(Protocol):
    """The organisation's balance: ``client.balance``."""

    async def get(
        self, *, extra_headers: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Balance:
        """As :meth:`parallel_account.AsyncAccountClient.balance.get`."""
        ...

    async def add(
        self,
        amount_cents: int,
        idempotency_key: str | None = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Balance:
        """As :meth:`parallel_account.AsyncAccountClient.balance.add`."""
        ...


@runtime_checkable
class AsyncApps(Protocol):
    """The organisation's apps, to which API keys belong: ``client.apps``."""

    async def list(
        self, *, extra_headers: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> list[App]:
        """As :meth:`parallel_account.AsyncAccountClient.apps.list`."""
        ...

    async def create(
        self,
        name: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> App:
        """As :meth:`parallel_account.AsyncAccountClient.apps.create`."""
        ...

    async def delete(
        self,
        app_id: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """As :meth:`parallel_account.AsyncAccountClient.apps.delete`."""
        ...


@runtime_checkable
class AsyncKeys(Protocol):
    """The data-API keys of an app: ``client.keys``. The service lists none."""

    async def create(
        self,
        app_id: str,
        name: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> ApiKey:
        """As :meth:`parallel_account.AsyncAccountClient.keys.create`."""
        ...

    async def delete(
        self,
        app_id: str,
        key_id: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """As :meth:`parallel_account.AsyncAccountClient.keys.delete`."""
        ...


@runtime_checkable
class AsyncOAuth(Protocol):
    """The documented requests one by one, without any storage: ``client.oauth``."""

    async def register(self) -> str:
        """As :meth:`parallel_account.AsyncAccountClient.oauth.register`."""
        ...

    async def request_device_code(self, client_id: str, scopes: Sequence[str]) -> DeviceCode:
        """As :meth:`parallel_account.AsyncAccountClient.oauth.request_device_code`."""
        ...

    async def poll_token(self, client_id: str, device_code: str) -> PollAnswer:
        """As :meth:`parallel_account.AsyncAccountClient.oauth.poll_token`."""
        ...

    async def refresh(self, refresh_token: str, client_id: str | None = None) -> Tokens:
        """As :meth:`parallel_account.AsyncAccountClient.oauth.refresh`."""
        ...

    async def revoke(self, refresh_token: str) -> None:
        """As :meth:`parallel_account.AsyncAccountClient.oauth.revoke`."""
        ...


@runtime_checkable
class AsyncAccountClient(Protocol):
    """As :class:`parallel_account.AsyncAccountClient`."""

    if TYPE_CHECKING:

        @property
        def balance(self) -> AsyncBalanceApi:
            """As :attr:`parallel_account.AsyncAccountClient.balance`."""
            ...

        @property
        def apps(self) -> AsyncApps:
            """As :attr:`parallel_account.AsyncAccountClient.apps`."""
            ...

        @property
        def keys(self) -> AsyncKeys:
            """As :attr:`parallel_account.AsyncAccountClient.keys`."""
            ...

        @property
        def oauth(self) -> AsyncOAuth:
            """As :attr:`parallel_account.AsyncAccountClient.oauth`."""
            ...

    else:
        # `create_autospec` looks into objects, but not into properties.
        balance = an_instance_of(AsyncBalanceApi)
        apps = an_instance_of(AsyncApps)
        keys = an_instance_of(AsyncKeys)
        oauth = an_instance_of(AsyncOAuth)

    async def login(
        self,
        *,
        on_prompt: AsyncOnPrompt | None = None,
        open_browser: bool = True,
        timeout: float | None = None,
        scopes: Sequence[str] | None = None,
        login_hint: str | None = None,
    ) -> Status:
        """As :meth:`parallel_account.AsyncAccountClient.login`."""
        ...

    async def start_login(
        self,
        *,
        scopes: Sequence[str] | None = None,
        timeout: float | None = None,
        login_hint: str | None = None,
    ) -> AsyncDeviceLogin:
        """As :meth:`parallel_account.AsyncAccountClient.start_login`."""
        ...

    async def resume_login(self, record: str) -> AsyncDeviceLogin:
        """As :meth:`parallel_account.AsyncAccountClient.resume_login`."""
        ...

    async def status(self) -> Status:
        """As :meth:`parallel_account.AsyncAccountClient.status`."""
        ...

    async def logout(self, *, all: bool = False, organization: str | None = None) -> None:
        """As :meth:`parallel_account.AsyncAccountClient.logout`."""
        ...

    async def access_token(self) -> str:
        """As :meth:`parallel_account.AsyncAccountClient.access_token`."""
        ...

    async def api_key(self) -> str:
        """As :meth:`parallel_account.AsyncAccountClient.api_key`."""
        ...

    async def renew_api_key(self) -> str:
        """As :meth:`parallel_account.AsyncAccountClient.renew_api_key`."""
        ...

    async def organizations(self) -> list[Organization]:
        """As :meth:`parallel_account.AsyncAccountClient.organizations`."""
        ...

    async def select_organization(self, id: str) -> None:
        """As :meth:`parallel_account.AsyncAccountClient.select_organization`."""
        ...

    async def settled(self) -> None:
        """As :meth:`parallel_account.AsyncAccountClient.settled`."""
        ...

    async def request(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> RawResponse[Any]:
        """As :meth:`parallel_account.AsyncAccountClient.request`."""
        ...

    async def aclose(self) -> None:
        """As :meth:`parallel_account.AsyncAccountClient.aclose`."""
        ...

    async def __aenter__(self) -> Self:
        """As :meth:`parallel_account.AsyncAccountClient.__aenter__`."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """As :meth:`parallel_account.AsyncAccountClient.__aexit__`."""
        ...

    def with_options(
        self,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> Self:
        """As :meth:`parallel_account.AsyncAccountClient.with_options`."""
        ...
