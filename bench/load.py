"""The load generator, a process of its own: sends ready-made HTTP/1.1 requests over kept
connections and compares the answers with what they must be. Reads a pickled Job from standard
input, writes pickled Measured to standard output. It parses no more than it must, because it shares
the processors with what it measures."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import cast

import uvloop

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Shot:
    """One request as it goes over the wire, and its answer: it begins with `body`, or where that is
    None it has any of the words in `words`; `status` always."""

    raw: bytes
    body: bytes | None = None
    words: tuple[bytes, ...] = ()
    status: bytes = b"200"


@dataclass(frozen=True, slots=True)
class Job:
    """Sends `shots` over so many connections, each one after the other, for so many seconds, from
    the beginning again at the end unless `once`. Answers with the word `counted` are counted."""

    port: int
    shots: Sequence[Shot]
    connections: int
    seconds: float
    once: bool = False
    counted: bytes | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run came to: good answers, how many of them have the word `counted`, seconds until the
    last one, and the milliseconds of each in the order in which they came."""

    answers: int
    counted: int
    seconds: float
    milliseconds: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def percentile(self, share: float) -> float:
        """The time in milliseconds within which this share of the answers came."""
        rising = sorted(self.milliseconds)
        return rising[min(int(share * self.answers), self.answers - 1)]


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self.run = run
        self.gone = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self._received = b""
        self._length = -1
        self._shot: Shot | None = None
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def send(self) -> None:
        """Sends the next request; without one the connection is done."""
        shot = next(self.run.shots, None) if self.run.open() else None
        if shot is None or self.transport is None:
            self._finish(None)
            return
        self._shot, self._received, self._length = shot, b"", -1
        self._sent = time.perf_counter()
        self.transport.write(shot.raw)

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if self._length < 0:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._length = end + 4 + _content_length(self._received[: end + 2])
        if len(self._received) < self._length:
            return
        took = (time.perf_counter() - self._sent) * 1000
        try:
            self._check(self._received)
        except ValueError as wrong:
            self._finish(wrong)
            return
        self.run.times.append(took)
        self.send()

    def _check(self, answer: bytes) -> None:
        shot = self._shot
        assert shot is not None
        body = answer[answer.find(b"\r\n\r\n") + 4 :]
        good = answer[9:12] == shot.status and (
            body.startswith(shot.body)
            if shot.body is not None
            else not shot.words or any(word in body for word in shot.words)
        )
        if not good:
            raise ValueError(f"not what it must be: {answer[:600]!r} to {shot.raw[:300]!r}")
        if self.run.word is not None and self.run.word in body:
            self.run.counted += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or ConnectionError("the server closed the connection"))

    def _finish(self, wrong: Exception | None) -> None:
        if self.gone.done():
            return
        if wrong is None:
            self.gone.set_result(None)
        else:
            self.gone.set_exception(wrong)


def _content_length(head: bytes) -> int:
    if head[9:12] == b"304":
        return 0
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    if start < 0:
        raise ValueError(f"an answer without length: {head!r}")
    return int(lower[start + 17 : lower.index(b"\r\n", start + 17)])


class _Run:
    def __init__(self, job: Job) -> None:
        self.shots = iter(job.shots) if job.once else cycle(job.shots)
        self.word = job.counted
        self.until = time.perf_counter() + job.seconds
        self.times: list[float] = []
        self.counted = 0

    def open(self) -> bool:
        """True while requests may be sent."""
        return time.perf_counter() < self.until


async def _measured(job: Job) -> Measured:
    loop = asyncio.get_running_loop()
    run = _Run(job)
    opened = [
        (await loop.create_connection(lambda: _Connection(run), "127.0.0.1", job.port))[1]
        for _ in range(job.connections)
    ]
    began = time.perf_counter()
    run.until = began + job.seconds
    for connection in opened:
        connection.send()
    await asyncio.wait_for(
        asyncio.gather(*[connection.gone for connection in opened]), job.seconds + 30
    )
    seconds = time.perf_counter() - began
    for connection in opened:
        assert connection.transport is not None
        connection.transport.close()
    if not run.times:
        raise ValueError("no answer at all")
    return Measured(len(run.times), run.counted, seconds, run.times)


def measure(job: Job) -> Measured:
    """Runs a job in a process of its own. Raises RuntimeError with what was wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=pickle.dumps(job),
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=job.seconds + 60,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace")[-1500:])
    found = pickle.loads(done.stdout)  # noqa: S301  our own process wrote it
    assert isinstance(found, Measured)
    return found


def request(
    port: int,
    body: bytes | None,
    *,
    target: str = "/graphql",
    headers: dict[str, str] | None = None,
) -> bytes:
    """The bytes of a POST of JSON, or of a GET when there is no body."""
    lines = [
        f"{'GET' if body is None else 'POST'} {target} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Accept: application/json",
        *[f"{name}: {value}" for name, value in (headers or {}).items()],
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


if __name__ == "__main__":
    # The class that is pickled must be known to the caller by the same name.
    from bench import load

    job = pickle.load(sys.stdin.buffer)  # noqa: S301  our own process wrote it
    sys.stdout.buffer.write(pickle.dumps(uvloop.run(load._measured(job))))
