"""How long the event loop of a server is silent while it gets what is made to grow, beside somebody
who asks for an ordinary page (issue 11). On a machine that does something else as well the figures
say little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

import httpx

from bench import growing
from bench.contenders import Running
from bench.documents import PAGE
from bench.growing import Sent
from bench.house import House
from bench.report import Report, Target

MOST_MS = 250.0
_AT_ONCE = 2
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A server with a heartbeat, and who sends to it."""

    house: House
    running: Running

    async def measured(self, report: Report) -> None:
        """Adds the longest silence of each kind, and the target that the longest of them has."""
        tokens = await self.house.tokens()
        async with httpx.AsyncClient(base_url=self.running.url, timeout=_SECONDS) as client:
            await self._silence(client)
            neighbour = asyncio.create_task(_asking(client))
            silences: dict[str, float] = {}
            try:
                senders = cycle(tokens)
                for kind, sent in growing.everything():
                    silence = await self._beside(client, sent, senders)
                    silences[kind] = max(silences.get(kind, 0.0), silence)
            finally:
                neighbour.cancel()
        for kind, silence in sorted(silences.items(), key=lambda found: found[1]):
            print(f"  {silence:8.1f} ms  {kind}", flush=True)
        report.extra["heartbeat_ms"] = silences
        report.targets.append(
            Target(
                "the longest silence of the event loop, ms", max(silences.values()), most=MOST_MS
            )
        )

    async def _beside(self, client: httpx.AsyncClient, sent: Sent, senders: Iterator[str]) -> float:
        """The longest silence while some send the same at once."""

        async def send() -> None:
            headers = dict(sent.headers)
            if sent.signed_in:
                headers["Authorization"] = f"Bearer {next(senders)}"
            began = time.monotonic()
            answer = await client.post(sent.path, content=sent.body, headers=headers)
            late = time.monotonic() - began > _SECONDS / 2
            if answer.status_code >= 500 or late or sent.done not in answer.content:
                raise RuntimeError(
                    f"{answer.status_code} {answer.text[:300]}: {self.running.last_words()}"
                )

        await asyncio.gather(*[send() for _ in range(_AT_ONCE)])
        return await self._silence(client)

    async def _silence(self, client: httpx.AsyncClient) -> float:
        return float((await client.get("/heartbeat")).text)


async def _asking(client: httpx.AsyncClient) -> None:
    """Asks for a page again and again."""
    body = {"query": PAGE, "variables": {"first": 20}}
    while True:
        answer = await client.post("/graphql", json=body)
        assert answer.status_code == 200, answer.text[:300]
        await asyncio.sleep(0.05)
