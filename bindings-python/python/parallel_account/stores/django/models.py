"""The table of logins."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models.functions import Now


class Login(models.Model):
    """A user's login. The record is an opaque string of secrets: keep it out of the admin."""

    key: models.TextField[str, str] = models.TextField(primary_key=True)
    record: models.TextField[str, str] = models.TextField()
    updated_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(db_default=Now())

    class Meta:
        """The same table as that of the other stores."""

        app_label = "parallel_account"
        db_table = "parallel_account_logins"

    def __str__(self) -> str:
        return "a Parallel login"
