"""The hot auction: 16 bidders at once on one product, at Souk and in bare asyncpg."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import orjson

from bench.bare import BareJob, bare_bids
from bench.contenders import Running
from bench.documents import BID
from bench.house import BIDDERS, House
from bench.load import Job, Measured, Shot, measure, request
from core.ids import encode_id

_MOST_A_SECOND = 1_500
_PLACED, _TOO_LOW = b'"__typename":"PlaceBidPayload"', b'"__typename":"BidTooLow"'


@dataclass(frozen=True, slots=True)
class HotAuction:
    """Runs of the same length on auctions of their own. Every bid is two of the largest steps more
    than the one sent before it. One that another has overtaken on the way is refused as too low,
    rightly, after it held the lock; the bare transaction refuses as large a share."""

    house: House
    tokens: list[str]
    seconds: float

    async def souk(self, running: Running) -> Measured:
        """One run at the server; `counted` are the accepted bids, and all of them are stored."""
        auction = await self.house.hot_auction()
        id_ = encode_id("prd", auction)
        shots = [
            Shot(self._bid(running.port, id_, number), words=(_PLACED, _TOO_LOW))
            for number in range(int(_MOST_A_SECOND * self.seconds))
        ]
        job = Job(running.port, shots, BIDDERS, self.seconds, once=True, counted=_PLACED)
        found = await asyncio.to_thread(measure, job)
        stored = await self.house.remove(auction)
        assert stored == found.counted, f"{found.counted} bids accepted, {stored} stored"
        return found

    def _bid(self, port: int, product: str, number: int) -> bytes:
        amount = {"amount": f"{200 * (number + 1)}.00", "currency": "USD"}
        asked = {"query": BID, "variables": {"input": {"productId": product, "amount": amount}}}
        bearer = {"Authorization": f"Bearer {self.tokens[number % BIDDERS]}"}
        return request(port, orjson.dumps(asked), headers=bearer)

    async def bare(self, refused: float) -> Measured:
        """One run of the bare transaction with this share of refusals."""
        auction = await self.house.hot_auction()
        job = BareJob(self.house.url, auction, self.house.bidders, self.seconds, refused)
        found = await asyncio.to_thread(bare_bids, job)
        stored = await self.house.remove(auction)
        assert stored == found.counted, f"{found.counted} bids accepted, {stored} stored"
        return found
