"""The arguments that all connections share, with their descriptions."""

from typing import Annotated

import strawberry

First = Annotated[
    int | None,
    strawberry.argument(description="How many from the start: 20 when left out, at most 100."),
]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end, at most 100.")]
Before = Annotated[
    str | None, strawberry.argument(description="Only what comes before this cursor.")
]
