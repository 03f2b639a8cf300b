"""A running sandbox, as a test steers it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints
from urllib.parse import urlencode

from parallel_account_sandbox._control import call, given
from parallel_account_sandbox._program import SandboxError, SandboxProcess
from parallel_account_sandbox._shapes import Options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from types import TracebackType
    from typing import Protocol

    from typing_extensions import Self, Unpack

    from parallel_account import AccountClient, AsyncAccountClient
    from parallel_account_sandbox._shapes import (
        Counts,
        DeviceCodeState,
        Fault,
        KeyState,
        OrganizationChange,
        OrganizationState,
        ReceivedRequest,
    )

    class _Login(Protocol):
        @property
        def user_code(self) -> str: ...


_WAIT = 10.0  # seconds for a login of which nothing is known yet
_FOREVER = 2**53


def start_sandbox(*, port: int = 0, **options: Unpack[Options]) -> AccountSandbox:
    """Starts a sandbox, which ends with ``stop()``, at the end of ``with``, or with this process.

    Args:
        port: TCP port on 127.0.0.1; 0 takes any free one.
        options: How it behaves; see :class:`Options`. ``interval`` is 1 unless given.

    Raises:
        SandboxError: It could not be started, for example because the port is in use.
    """
    unknown = options.keys() - get_type_hints(Options).keys()
    if unknown:
        raise TypeError(f"start_sandbox() has no option {', '.join(sorted(unknown))}")
    arguments = ["--port", str(port)]
    for name, value in {"interval": 1, **options}.items():
        if value is not None:
            arguments += [f"--{name.replace('_', '-')}={value}"]
    return AccountSandbox(SandboxProcess(arguments))


class AccountSandbox:
    """A running sandbox; :func:`start_sandbox` starts one.

    Its methods block for about a millisecond, so that asynchronous tests can call them too; only
    those with ``wait`` may take longer.

    Raises:
        SandboxError: The sandbox refused what it was asked, or has ended.
    """

    def __init__(self, process: SandboxProcess) -> None:
        self._process = process
        addresses = process.addresses
        self.platform_url: str = addresses["platform_url"]
        """Base of the device flow."""
        self.account_url: str = addresses["account_url"]
        """Base of the Account API."""
        self.data_url: str = addresses["data_url"]
        """Base of the data API, for the SDKs' ``base_url``."""
        self.control_url: str = addresses["control_url"]
        """Base of the control surface; ``/openapi.json`` below it describes it."""

    @property
    def pid(self) -> int:
        """The ID of its process."""
        return self._process.pid

    def stop(self) -> None:
        """Ends it. Can be called again."""
        self._process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<AccountSandbox {self.platform_url}>"

    # Programs that use it.

    def environment(self, home: str | PathLike[str] | None = None) -> dict[str, str]:
        """Environment variables by which programs find this sandbox instead of Parallel.

        Args:
            home: The home folder, in which a client without ``store`` keeps its login. Without it,
                such clients raise ``ConfigError``, so that no test uses the login of whoever runs
                it.
        """
        variables = {
            "PARALLEL_PLATFORM_URL": self.platform_url,
            "PARALLEL_SERVICE_API_URL": self.account_url,
            "PARALLEL_BASE_URL": self.data_url,
            "PARALLEL_API_URL": self.data_url,
        }
        if home is None:
            return {**variables, "PARALLEL_ACCOUNT_REQUIRE_STORE": "1"}
        folder = Path(home).absolute()
        return {
            **variables,
            "PARALLEL_ACCOUNT_REQUIRE_STORE": "0",
            "HOME": str(folder),
            "USERPROFILE": str(folder),
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "APPDATA": str(folder / "AppData" / "Roaming"),
        }

    def client(self, **options: Any) -> AccountClient:
        """A client of this sandbox that is not logged in.

        Args:
            options: Of ``AccountClient``. By default the login is kept in memory, nothing is
                retried, and the first poll of a login is sent at once.
        """
        client: AccountClient = _package().AccountClient(**self._client_options(options))
        return client

    def async_client(self, **options: Any) -> AsyncAccountClient:
        """The same as :meth:`client`, asynchronous."""
        client: AsyncAccountClient = _package().AsyncAccountClient(**self._client_options(options))
        return client

    def logged_in_client(self, **options: Any) -> AccountClient:
        """A client of this sandbox that is logged in; ``options`` as for :meth:`client`."""
        return self.client(store=_package().MemoryStore(self.login_record()), **options)

    def logged_in_async_client(self, **options: Any) -> AsyncAccountClient:
        """The same as :meth:`logged_in_client`, asynchronous."""
        return self.async_client(store=_package().MemoryStore(self.login_record()), **options)

    def login_record(
        self,
        *,
        org_id: str | None = None,
        org_name: str | None = None,
        scopes: Sequence[str] | None = None,
    ) -> str:
        """Logs a new user in, and returns the record: what a store keeps of a login.

        A store that starts with it is logged in: ``MemoryStore(record)``, or
        ``store.replace(None, record)``.

        Args:
            org_id: The user's organization; by default ``org_sandbox``.
            org_name: Its name.
            scopes: What the user grants; by default everything.
        """
        store = _package().MemoryStore()
        with self.client(store=store) as client:
            login = client.start_login()
            self.approve(login, org_id=org_id, org_name=org_name, scopes=scopes)
            login.wait()
        record: str | None = store.load()
        assert record is not None
        return record

    def _client_options(self, options: dict[str, Any]) -> dict[str, Any]:
        defaults = {
            "client_name": "tests",
            "platform_url": self.platform_url,
            "account_url": self.account_url,
            "max_retries": 0,
            "first_poll_at_once": True,
        }
        if "store" not in options:
            defaults["store"] = _package().MemoryStore()
        return {**defaults, **options}

    # What a user does.

    def approve(
        self,
        login: _Login | str | None = None,
        *,
        org_id: str | None = None,
        org_name: str | None = None,
        scopes: Sequence[str] | None = None,
        wait: float | None = None,
    ) -> None:
        """Approves a login, as its user would; it can be the ``on_prompt`` of ``login()``.

        Args:
            login: The login or its user code. By default the newest pending one, also one that
                another process starts only now.
            org_id: For this organization; one that is new is created.
            org_name: Its name from now on.
            scopes: Grant only these.
            wait: Seconds to wait for the login; by default 10 if none is named, otherwise 0.
        """
        more = {"org_id": org_id, "org_name": org_name, "scopes": scopes}
        self._decide("/approve", login, wait, **more)

    def deny(self, login: _Login | str | None = None, *, wait: float | None = None) -> None:
        """Denies a login, as its user would; arguments as for :meth:`approve`."""
        self._decide("/deny", login, wait)

    def expire_device_code(
        self, login: _Login | str | None = None, *, wait: float | None = None
    ) -> None:
        """Has the code of a login expire; arguments as for :meth:`approve`."""
        self._decide("/expire-device-code", login, wait)

    def _decide(
        self, path: str, login: _Login | str | None, wait: float | None, **more: Any
    ) -> None:
        user_code = login if login is None or isinstance(login, str) else login.user_code
        if wait is None:
            wait = _WAIT if login is None else 0
        body = given(user_code=user_code, wait=wait, **more)
        call(self._process, self.control_url, "POST", path, body, wait)

    # Tokens.

    def expire_access_tokens(self, token: str | None = None) -> int:
        """Has access tokens expire: the one named, or all. Returns how many."""
        answer = self.control("POST", "/expire-access-token", given(token=token))
        return int(answer["expired"])

    def revoke(self, refresh_token: str | None = None) -> int:
        """Ends grants, as Parallel does when a user withdraws access: refreshing is refused.

        Access tokens that are out live until they expire; :meth:`expire_access_tokens` ends them.

        Args:
            refresh_token: Whose grant; by default all.

        Returns:
            How many grants.
        """
        return int(self.control("POST", "/revoke-family", given(token=refresh_token))["revoked"])

    # Organizations.

    def set_balance(self, cents: float, *, org_id: str | None = None) -> None:
        """Sets the credit balance of an organization, by default that of ``org_sandbox``."""
        self.set_organization(org_id, credit_balance_cents=cents)

    def decline_card(self, declined: bool = True, *, org_id: str | None = None) -> None:
        """Has the card declined from now on: ``balance.add`` raises ``PaymentRequiredError``."""
        self.set_organization(org_id, card_declined=declined)

    def set_organization(
        self, org_id: str | None = None, **changes: Unpack[OrganizationChange]
    ) -> None:
        """Changes an organization, or creates one; see :class:`OrganizationChange`."""
        self.control("POST", "/organizations", given(org_id=org_id, **changes))

    def organizations(self) -> list[OrganizationState]:
        """Every organization."""
        found: list[OrganizationState] = self.control("GET", "/organizations")["organizations"]
        return found

    def create_app(self, app_name: str, *, org_id: str | None = None) -> str:
        """Creates an app, also a second one of that name. Returns its ID."""
        body = given(app_name=app_name, org_id=org_id)
        return str(self.control("POST", "/apps", body)["app_id"])

    def delete_app(self, app_id: str) -> None:
        """Deletes an app with its keys, as somebody else would."""
        self.control("POST", "/delete-app", {"app_id": app_id})

    def keys(self) -> list[KeyState]:
        """Every key that is alive."""
        found: list[KeyState] = self.control("GET", "/keys")["keys"]
        return found

    def delete_keys(self, key: str | None = None) -> int:
        """Deletes keys: the one named by itself or its ID, or all. Returns how many."""
        return int(self.control("POST", "/delete-key", given(key=key))["deleted"])

    # What goes wrong.

    def fault(self, route: str, **fault: Unpack[Fault]) -> None:
        """Has the next requests of a route go wrong, one unless ``times`` says otherwise.

        >>> sandbox.fault("balance.get", status=503, headers={"retry-after": "1"})

        Args:
            route: ``register``, ``device_code``, ``token.poll``, ``token.refresh``, ``revoke``,
                ``balance.get``, ``balance.add``, ``apps.list``, ``apps.create``, ``apps.delete``,
                ``keys.create``, ``keys.delete``, ``search``, ``tasks.create``, ``tasks.retrieve``,
                ``tasks.result``, ``page``; the part before a dot for a group; ``*`` for all.
            fault: What happens; see :class:`Fault`.
        """
        self.control("POST", "/faults", {"route": route, **fault})

    def break_network(self, route: str = "*") -> None:
        """Has every connection reset before its request has an effect, until
        :meth:`clear_faults`."""
        self.fault(route, reset="before", times=_FOREVER)

    def clear_faults(self) -> None:
        """Has nothing go wrong any more."""
        self.control("DELETE", "/faults")

    # What came.

    def requests(self, route: str | None = None, *, since: int = 0) -> list[ReceivedRequest]:
        """The last 20,000 requests since the last reset, oldest first.

        Args:
            route: Only those of this route or group; see :meth:`fault`.
            since: Only those from this number on.
        """
        query = urlencode(given(route=route, since=since))
        found: list[ReceivedRequest] = self.control("GET", f"/requests?{query}")["requests"]
        return found

    def counts(self) -> Counts:
        """How many requests came, by route, and what became of grants."""
        found: Counts = self.control("GET", "/counts")
        return found

    def device_codes(self) -> list[DeviceCodeState]:
        """Every device code."""
        found: list[DeviceCodeState] = self.control("GET", "/device-codes")["device_codes"]
        return found

    # The sandbox itself.

    def set_options(self, **options: Unpack[Options]) -> None:
        """Changes options until the next reset, for what is made from now on."""
        self.control("POST", "/options", options)

    def reset(self) -> None:
        """Back to the state of the start: no logins, no faults, no requests."""
        self.control("POST", "/reset")

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A call of the control surface, and its answer.

        Args:
            method: Such as ``"POST"``.
            path: Below ``control_url``, such as ``"/approve"``.
            body: What to send as JSON.
        """
        return call(self._process, self.control_url, method, path, body)


def _package() -> Any:
    try:
        import parallel_account
    except ModuleNotFoundError as error:
        if error.name != "parallel_account":
            raise
        raise SandboxError(
            "Clients need the package parallel-account, which is not installed here: "
            "pip install 'parallel-account[testing]'"
        ) from error
    return parallel_account
