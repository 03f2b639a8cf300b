"""What the control surface takes and shows, as its ``openapi.json`` describes it."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class Options(TypedDict, total=False):
    """How a sandbox behaves. Times are seconds and may be fractional."""

    interval: float
    """Seconds between two polls of a device code, at least. Tests start with 1, Parallel has 5."""
    slow_down_step: float
    """Seconds that a ``slow_down`` adds to it (5)."""
    expires_in: float
    """Life of a device code (600)."""
    access_token_lifetime: float
    """Life of an access token (3600)."""
    refresh_token_lifetime: float
    """Life of a refresh token (30 days)."""
    authorization_lifetime: float
    """Life of a grant: nothing can be refreshed after it (90 days)."""
    grace: float
    """For how long a used refresh token is still accepted (0: reuse revokes its family)."""
    approve_after: float | None
    """Approve each login after so long, without anybody asking (None: never)."""
    org_id: str
    """The organization of approvals that name none (``org_sandbox``)."""
    org_name: str
    """Its name (``Sandbox Inc.``)."""
    starting_balance_cents: float
    """What an organization starts with (5000)."""
    task_duration: float
    """How long a task run of the data API takes (0.1)."""


class Fault(TypedDict, total=False):
    """What happens to the next requests of a route."""

    times: int
    """How many requests it hits (1)."""
    skip: int
    """How many requests of the route pass before it (0)."""
    status: int
    """Answer with this status instead of processing the request."""
    headers: dict[str, str]
    """Headers of that answer."""
    body: Any
    """Body of that answer: text as it is, anything else as JSON."""
    delay_ms: int
    """Milliseconds to wait before the request is processed."""
    delay_answer_ms: int
    """Milliseconds to wait between processing the request and answering it."""
    reset: Literal["before", "after"]
    """Reset the connection before or after processing the request."""
    drop_answer_after_processing: bool
    """Process the request, then close the connection without an answer."""
    truncate: bool
    """Process the request, then send half of the answer and close."""


class OrganizationChange(TypedDict, total=False):
    """What a test can change of an organization."""

    org_name: str
    credit_balance_cents: float
    pending_debit_balance_cents: float
    will_invoice: bool
    """Billed by invoice: adding to the balance raises ``PaymentRequiredError``."""
    card_declined: bool
    """Adding to the balance raises ``PaymentRequiredError``."""
    keys_forbidden: bool
    """Creating a key raises ``PermissionDeniedError``."""
    raw_api_key_withheld: bool
    """Answers to creating a key lack the key."""


class AppState(TypedDict):
    """An app of an organization."""

    app_id: str
    app_name: str
    keys: list[str]
    """IDs of its keys."""


class OrganizationState(TypedDict):
    """An organization as it is."""

    org_id: str
    org_name: str
    credit_balance_cents: float
    pending_debit_balance_cents: float
    will_invoice: bool
    card_declined: bool
    keys_forbidden: bool
    raw_api_key_withheld: bool
    charges: int
    """How many charges went through."""
    apps: list[AppState]


class KeyState(TypedDict):
    """A key that is alive."""

    api_key_id: str
    api_key_name: str
    app_id: str
    app_name: str
    org_id: str
    raw_api_key: str
    """Its fingerprint: the first 8 hex digits of its SHA-256."""


class DeviceCodeState(TypedDict):
    """A device code."""

    user_code: str
    device_code: str
    """Its fingerprint."""
    client_id: str
    client_name: str | None
    scopes: list[str]
    state: Literal["pending", "approved", "denied", "expired", "used"]
    polls: int
    seconds_left: float


class ReceivedRequest(TypedDict):
    """A request that the sandbox received. Secrets are shown as fingerprints."""

    number: int
    at_ms: float
    """Milliseconds since the last reset."""
    route: str
    method: str
    path: str
    query: str | None
    content_type: str | None
    accept: str | None
    user_agent: str | None
    bearer: str | None
    api_key: str | None
    form: dict[str, str] | None
    json: Any
    status: int | None
    """None: not answered yet, or not with a status."""
    fault: str | None
    """How a fault ended the connection."""


class Counts(TypedDict):
    """How much was asked."""

    routes: dict[str, int]
    """Requests by route."""
    families: int
    """Grants, each with the tokens that descend from it."""
    families_revoked: int
    refresh_token_reuses: int
    """How often a used refresh token came again."""
