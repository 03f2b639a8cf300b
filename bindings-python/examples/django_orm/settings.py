"""Django's settings: the app with the table of logins is all that is special."""

import os
from pathlib import Path

SECRET_KEY = os.environ["SECRET_KEY"]
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
        # A view that fails changes nothing. The store saves logins all the same.
        "ATOMIC_REQUESTS": True,
    }
}
