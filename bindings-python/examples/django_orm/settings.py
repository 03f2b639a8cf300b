"""Django's settings: only the table of logins, and the keys that encrypt them, are special."""

import os
from base64 import b64decode
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from parallel_account import ConfigError, EncryptedStore, MemoryStore


def login_keys(text: str) -> dict[str, bytes]:
    """The keys in ``ID:BASE64,ID:BASE64``."""
    pairs = [pair.strip().split(":") for pair in text.split(",")]
    try:
        keys = {name: b64decode(key, validate=True) for name, key in pairs}
        # It checks the IDs and keys.
        EncryptedStore(MemoryStore(), keys)
    except (ValueError, ConfigError):
        keys = {}
    if len(keys) < len(pairs):
        raise ImproperlyConfigured(
            "LOGIN_KEYS must be ID:KEY, or several such pairs with commas between them. Each ID is "
            "there once, and each KEY is 32 bytes in Base64: openssl rand -base64 32"
        )
    return keys


SECRET_KEY = os.environ["SECRET_KEY"]
# The first one encrypts, and all of them decrypt. To rotate, let every process know the new key in
# the last place, then put it first. Django's debug page hides settings with KEY in their names.
LOGIN_KEYS = login_keys(os.environ.get("LOGIN_KEYS", ""))
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "parallel_account.stores.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).with_name("templates")],
    }
]
ROOT_URLCONF = "views"
LOGIN_URL = "/signin"
LOGIN_REDIRECT_URL = "/"
USE_TZ = True
# A login that is not approved yet is in the session, and its record is a secret: sessions must be
# kept on the server, never in cookies.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
DATABASES = {
    "default": {
        # Where it is, libpq reads from PGHOST, PGPORT, PGUSER and PGPASSWORD.
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("PGDATABASE", "postgres"),
        # A view that fails changes nothing. The store still saves logins.
        "ATOMIC_REQUESTS": True,
    }
}
