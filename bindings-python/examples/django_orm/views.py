"""Views that act at Parallel for the user who is signed in."""

from __future__ import annotations

import os
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from parallel_account import (
    AccessDeniedError,
    AccountClient,
    AccountError,
    EncryptedStore,
    LoginExpiredError,
    MemoryStore,
)
from parallel_account.stores.django import DjangoStore


@lru_cache
def client_id() -> str:
    """This site's client ID. Register once and set it, so that not every worker registers."""
    if given := os.environ.get("PARALLEL_CLIENT_ID"):
        return given
    with AccountClient(client_name="my-site", store=MemoryStore()) as client:
        return client.oauth.register()


def client_of(request: HttpRequest) -> AccountClient:
    """A client for one request: it is cheap, and its connections are those of all others."""
    user_id = str(request.user.pk)
    # With the subject, a record that was copied from another user's row is refused.
    store = EncryptedStore(DjangoStore(user_id), settings.LOGIN_KEYS, subject=user_id)
    return AccountClient(client_name="my-site", client_id=client_id(), store=store)


@require_GET
@login_required
def index(request: HttpRequest) -> HttpResponse:
    pending = request.session.get("pending")
    with client_of(request) as client:
        connected = client.status().logged_in
    return render(request, "index.html", {"pending": pending, "connected": connected})


@require_POST
@login_required
def connect(request: HttpRequest) -> HttpResponse:
    with client_of(request) as client:
        pending = client.start_login(scopes=["balance:read"])
    request.session["pending"] = {
        "code": pending.user_code,
        "link": pending.verification_uri,
        "record": pending.pending_record(),
    }
    return redirect("/")


@require_POST
@login_required
def connected(request: HttpRequest) -> HttpResponse:
    """Asks Parallel whether the user has approved."""
    pending = request.session.get("pending")
    if pending is None:
        return redirect("/")
    with client_of(request) as client:
        login = client.resume_login(pending["record"])
        try:
            # It waits until a poll is due.
            done = login.poll().kind == "authorized"
        except (AccessDeniedError, LoginExpiredError):
            done = True
    if done:
        del request.session["pending"]
    else:
        request.session["pending"] = {**pending, "record": login.pending_record()}
    return redirect("/")


@require_POST
@login_required
def disconnect(request: HttpRequest) -> HttpResponse:
    with client_of(request) as client:
        client.logout()
    return redirect("/")


@require_GET
@login_required
def balance(request: HttpRequest) -> HttpResponse:
    try:
        with client_of(request) as client:
            return JsonResponse(client.balance.get().to_dict())
    except AccountError as error:
        status = 401 if error.code == "login_required" else 502
        return JsonResponse({"error": error.code, "message": str(error)}, status=status)


urlpatterns = [
    path("", index),
    path("signin", LoginView.as_view()),
    path("signout", LogoutView.as_view()),
    path("connect", connect),
    path("connect/done", connected),
    path("disconnect", disconnect),
    path("balance", balance),
]
