"""Waits for what a run needs, without making anything wait for what it does not need.

Each column of a run that waits goes on as soon as its own awaitables are done. When the
execution is cancelled, so are they.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from .values import Failure

if TYPE_CHECKING:
    from .run import Column, Run


async def wait(run: Run) -> None:
    """Finish the columns of a run that wait, and those they lead to.

    Stops early when an error has left nothing of the answer; what is then still under way is
    cancelled. Raises CancelledError when the execution or something it waits for is
    cancelled, after having cancelled the rest.
    """
    flight = Flight()
    try:
        while not run.doomed:
            waiting, run.waiting = run.waiting, []
            if len(waiting) == 1 and len(waiting[0][1]) == 1 and not flight.units:
                # One awaitable and nothing beside it: a task would only cost time.
                column, [awaitable] = waiting[0]
                try:
                    outcome = await awaitable
                except Exception as error:
                    outcome = Failure(error)
                except BaseException:
                    column.drop()
                    raise
                run.advance(column, [outcome])
            else:
                for column, awaitables in waiting:
                    flight.start(column, awaitables)
                if not flight.units:
                    return
                for column, outcomes in await flight.landed():
                    run.advance(column, outcomes)
            run.drain()
    except GeneratorExit:
        flight.cancel()
        raise
    except BaseException:
        await flight.clear(run)
        raise
    await flight.clear(run)


class Unit:
    """The awaitables of one column."""

    __slots__ = ("column", "futures", "left")

    def __init__(self, column: Column, futures: list[asyncio.Future[Any]]) -> None:
        self.column = column
        self.futures = futures
        self.left = len(futures)


class Flight:
    """The columns under way."""

    __slots__ = ("_done", "_waker", "units")

    def __init__(self) -> None:
        self.units: set[Unit] = set()
        self._done: list[Unit] = []
        self._waker: asyncio.Future[None] | None = None

    def start(self, column: Column, awaitables: list[Any]) -> None:
        """Start the awaitables of a column."""
        unit = Unit(column, [as_future(awaitable) for awaitable in awaitables])
        self.units.add(unit)

        def landed(future: asyncio.Future[Any]) -> None:
            unit.left -= 1
            # A cancelled awaitable ends the execution, so it does not wait for the others.
            if unit.left == 0 or future.cancelled():
                self._done.append(unit)
                if self._waker is not None and not self._waker.done():
                    self._waker.set_result(None)

        for future in unit.futures:
            future.add_done_callback(landed)

    async def landed(self) -> list[tuple[Column, list[Any]]]:
        """Return the columns whose awaitables are done, as soon as there are any.

        Raises CancelledError, or what is not an Exception, from an awaitable.
        """
        if not self._done:
            self._waker = asyncio.get_running_loop().create_future()
            await self._waker
        done, self._done = self._done, []
        ready = []
        for unit in done:
            ready.append((unit.column, [outcome_of(future) for future in unit.futures]))
            self.units.discard(unit)
        return ready

    def cancel(self) -> list[asyncio.Future[Any]]:
        """Cancel what is under way, and return it."""
        pending = [future for unit in self.units for future in unit.futures]
        for future in pending:
            future.cancel()
        for unit in self.units:
            unit.column.drop()
        self.units.clear()
        return pending

    async def clear(self, run: Run) -> None:
        """Cancel what is under way and wait until it has stopped; drop what never started."""
        for column, awaitables in run.waiting:
            column.drop()
            for awaitable in awaitables:
                if asyncio.iscoroutine(awaitable):
                    awaitable.close()
        run.waiting.clear()
        pending = self.cancel()
        if pending:
            await asyncio.gather(*pending, return_exceptions=True)


def outcome_of(future: asyncio.Future[Any]) -> Any:
    """Return the result of a future or the mark of its error."""
    if not future.done():
        raise asyncio.CancelledError
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return Failure(error)
    raise error


def as_future(awaitable: Any) -> asyncio.Future[Any]:
    """Return a future of anything that can be awaited, or may turn out not to be."""
    if asyncio.isfuture(awaitable) or asyncio.iscoroutine(awaitable):
        return asyncio.ensure_future(awaitable)
    return asyncio.ensure_future(hold(awaitable))


async def hold(awaitable: Awaitable[Any]) -> Any:
    """Await from within a coroutine, so that what is not awaitable fails there."""
    return await awaitable
