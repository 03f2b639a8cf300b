"""The app, as Django finds it."""

from django.apps import AppConfig


class ParallelAccountConfig(AppConfig):
    """``parallel_account.stores.django`` in ``INSTALLED_APPS``."""

    name = "parallel_account.stores.django"
    label = "parallel_account"
