"""The result unions of mutations: one success and the errors that the client can handle."""

from typing import Any

import strawberry


def result(name: str, doing: str) -> Any:
    """The declaration of a mutation's result union, for `Annotated`."""
    return strawberry.union(name, description=f"What comes of {doing}: done, or why not.")
