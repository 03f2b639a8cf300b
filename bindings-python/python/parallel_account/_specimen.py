"""Something for ``create_autospec`` to look into."""

from __future__ import annotations


def an_instance_of(protocol: type) -> object:
    """An object with the methods of ``protocol``, which itself has no instances."""
    return object.__new__(type(protocol.__name__, (protocol,), {}))
