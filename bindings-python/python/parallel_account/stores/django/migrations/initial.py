"""Makes the table. Its name has no number, as wheels are checked for names of modules."""

from collections.abc import Sequence
from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models.functions import Now


class Migration(migrations.Migration):
    """The table that all stores share the layout of."""

    initial: ClassVar[bool | None] = True

    dependencies: ClassVar[Sequence[tuple[str, str]]] = []

    operations: ClassVar[Sequence[Operation]] = [
        migrations.CreateModel(
            name="Login",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("record", models.TextField()),
                ("updated_at", models.DateTimeField(db_default=Now())),
            ],
            options={"db_table": "parallel_account_logins"},
        ),
    ]
