"""A small HTTP/1.1 client with kept connections: one that costs little beside what it measures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request, and what its body must be like: `check` raises AssertionError."""

    query: str
    variables: dict[str, Any]
    token: str | None
    check: Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run came to: checked answers, how many of them `check` counted, seconds in all, and
    the milliseconds of each answer in rising order."""

    answers: int
    counted: int
    seconds: float
    milliseconds: list[float]

    @property
    def rate(self) -> float:
        """Counted answers a second."""
        return self.counted / self.seconds

    def percentile(self, share: float) -> float:
        """The time in milliseconds within which this share of the answers came."""
        return self.milliseconds[min(int(share * self.answers), self.answers - 1)]


async def measure(port: int, requests: Iterator[Request], connections: int) -> Measured:
    """Sends all requests over so many connections, each one after the other. Every answer must be
    200 and pass its check."""
    times: list[float] = []
    counted = 0

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal counted
        for request in requests:
            began = time.perf_counter()
            writer.write(_bytes(request, port))
            answer = await _answer(reader)
            times.append((time.perf_counter() - began) * 1000)
            counted += request.check(answer)

    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    try:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for reader, writer in opened:
                group.create_task(one(reader, writer))
        seconds = time.perf_counter() - began
    finally:
        for _, writer in opened:
            writer.close()
    return Measured(len(times), counted, seconds, sorted(times))


def _bytes(request: Request, port: int) -> bytes:
    body = orjson.dumps({"query": request.query, "variables": request.variables})
    lines = [
        "POST /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(body)}",
    ]
    if request.token is not None:
        lines.append(f"Authorization: Bearer {request.token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def _answer(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    length = next(
        int(line.partition(":")[2])
        for line in head.split("\r\n")
        if line.startswith("content-length:")
    )
    body: dict[str, Any] = orjson.loads(await reader.readexactly(length))
    assert status == 200, (status, body)
    assert "errors" not in body, body["errors"]
    data: dict[str, Any] = body["data"]
    return data
