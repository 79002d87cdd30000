"""Second chances as clients see them: offering unsold goods to a losing bidder, and the answers.
Holds no rule: resolvers/auctions/second_chance.py does."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from pydantic import TypeAdapter

from auth.actor import Actor
from core import errors
from core.ids import decode_id, encode_id
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, Node, connection_of
from graph.context import Info
from graph.enums import described
from graph.errors import AccountInactive, IdempotencyConflict, InvalidInput, NotFound
from graph.loading import Loader
from graph.money import Money
from graph.relations import relation
from graph.unions import result
from models.auctions.second_chances import SecondChanceStatus, status_at
from resolvers.auctions import second_chance as cases
from resolvers.auctions.second_chance import AnswerSecondChance, OfferSecondChance
from resolvers.idempotency import Once, run_once
from schema.auctions.errors import SecondChanceRefused
from schema.auctions.mutations import IDEMPOTENCY
from schema.auctions.types import Bid
from schema.catalogue.types import AuctionProduct
from schema.identity import PublicUser

described(
    SecondChanceStatus,
    "What became of a second chance.",
    OPEN="The bidder can accept it.",
    ACCEPTED="The bidder bought.",
    DECLINED="The bidder turned it down.",
    WITHDRAWN="The seller took it back.",
    EXPIRED="Its time is over.",
)


@strawberry.type(
    description="A seller's offer of unsold goods to a losing bidder, at that bidder's last bid. "
    "Only the two of them and admins see it."
)
class SecondChance(Node):
    amount: Money = strawberry.field(description="What the bidder would pay: their last bid.")
    offered_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="Until before when it can be accepted.")
    status: SecondChanceStatus = strawberry.field(description="What became of it.")
    product_id: strawberry.Private[UUID]
    bid_id: strawberry.Private[UUID]
    bidder_key: strawberry.Private[tuple[UUID, UUID, bool]]

    product: AuctionProduct = relation(
        loader="product", key="product_id", description="The auction whose goods are offered."
    )
    bid: Bid = relation(
        loader="bid", key="bid_id", description="The bid that lost, or won by this offer."
    )
    bidder: PublicUser | None = relation(
        loader="bidder", key="bidder_key", description="Whom it was made to."
    )

    @classmethod
    def of(cls, row: Any, actor: Actor) -> "SecondChance":
        """The offer of a row."""
        return cls(
            id=strawberry.ID(encode_id("sco", row.id)),
            amount=Money.of(row.amount_minor, row.currency),
            offered_at=row.offered_at,
            expires_at=row.expires_at,
            status=status_at(row, row.read_at),
            product_id=row.product_id,
            bid_id=row.bid_id,
            # Whoever sees the offer may know the bidder.
            bidder_key=(row.product_id, row.bidder_id, True),
        )


@strawberry.input(description="Unsold goods to offer to a losing bidder.")
class OfferSecondChanceInput:
    bid_id: strawberry.ID = strawberry.field(description="The last bid of a bidder who lost.")
    days: int = strawberry.field(description="How long the offer stands: 1, 3, 5 or 7 days.")


@strawberry.input(description="A second chance to accept.")
class AcceptSecondChanceInput:
    second_chance_id: strawberry.ID = strawberry.field(description="The second chance.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY)


@strawberry.input(description="A second chance to turn down.")
class DeclineSecondChanceInput:
    second_chance_id: strawberry.ID = strawberry.field(description="The second chance.")


@strawberry.input(description="A second chance to take back.")
class WithdrawSecondChanceInput:
    second_chance_id: strawberry.ID = strawberry.field(description="The second chance.")


@strawberry.type(description="The goods are offered.")
class OfferSecondChancePayload:
    second_chance: SecondChance = strawberry.field(description="The offer.")


@strawberry.type(description="It is yours.")
class AcceptSecondChancePayload:
    second_chance: SecondChance = strawberry.field(description="The offer, accepted.")


@strawberry.type(description="The offer was turned down.")
class DeclineSecondChancePayload:
    second_chance: SecondChance = strawberry.field(description="The offer, declined.")


@strawberry.type(description="The offer was taken back.")
class WithdrawSecondChancePayload:
    second_chance: SecondChance = strawberry.field(description="The offer, withdrawn.")


OfferSecondChanceResult = Annotated[
    OfferSecondChancePayload | SecondChanceRefused | AccountInactive | InvalidInput | NotFound,
    result("OfferSecondChanceResult", "offering a second chance"),
]
AcceptSecondChanceResult = Annotated[
    AcceptSecondChancePayload
    | SecondChanceRefused
    | AccountInactive
    | InvalidInput
    | NotFound
    | IdempotencyConflict,
    result("AcceptSecondChanceResult", "accepting a second chance"),
]
DeclineSecondChanceResult = Annotated[
    DeclineSecondChancePayload | SecondChanceRefused | NotFound,
    result("DeclineSecondChanceResult", "turning down a second chance"),
]
WithdrawSecondChanceResult = Annotated[
    WithdrawSecondChancePayload | SecondChanceRefused | NotFound,
    result("WithdrawSecondChanceResult", "taking back a second chance"),
]

_FACTS = TypeAdapter(cases.SecondChanceFacts)


def _answer(second_chance_id: str) -> AnswerSecondChance:
    uuid = decode_id("sco", second_chance_id, "input.secondChanceId")
    return AnswerSecondChance(second_chance_id=uuid)


async def _shown(info: Info, facts: cases.SecondChanceFacts) -> SecondChance:
    found: SecondChance | None = await info.context.load("second_chance", facts.id)
    if found is None:
        # Its product was removed since: an answer kept for an idempotency key cannot be shown.
        raise errors.NotFound("This offer is no longer there.")
    return found


async def _written(info: Info, use_case: Any, command: Any) -> SecondChance:
    actor = info.context.actor
    facts = await info.context.write(lambda work: use_case(work, actor, command))
    return await _shown(info, facts)


@strawberry.type
class SecondChanceQuery:
    """Reading second chances."""

    @strawberry.field(
        description="The second chances that you were offered and those that you made, newest "
        "first. Signed in."
    )
    async def second_chances(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[SecondChance]:
        database, actor = info.context.database, info.context.actor
        page = await cases.list_second_chances(
            database, actor, page_request(first, after, last, before)
        )
        nodes = [SecondChance.of(row, actor) for row in page.rows]
        made: Connection[SecondChance] = connection_of(
            page, nodes, lambda _: cases.count_second_chances(database, actor)
        )
        return made


@strawberry.type
class SecondChanceMutation:
    """Offering second chances, and the answers."""

    @strawberry.mutation(
        description="Offers the goods of an auction that ended unsold, at most 60 days ago, to a "
        "losing bidder at that bidder's last bid; one offer at a time. Its seller, and admins."
    )
    async def offer_second_chance(
        self, info: Info, input: OfferSecondChanceInput
    ) -> OfferSecondChanceResult:
        command = OfferSecondChance.of(
            bid_id=decode_id("bid", input.bid_id, "input.bidId"), days=input.days
        )
        made = await _written(info, cases.offer_second_chance, command)
        return OfferSecondChancePayload(second_chance=made)

    @strawberry.mutation(
        description="Buys for the amount of a second chance, before it expires. Its bidder."
    )
    async def accept_second_chance(
        self, info: Info, input: AcceptSecondChanceInput
    ) -> AcceptSecondChanceResult:
        actor, command = info.context.actor, _answer(input.second_chance_id)
        actor.member()
        once = Once(actor, "acceptSecondChance", command, input.idempotency_key)
        try:
            facts = await run_once(
                info.context.database,
                once,
                _FACTS,
                lambda work: cases.accept_second_chance(work, actor, command),
            )
        finally:
            info.context.forget()
        return AcceptSecondChancePayload(second_chance=await _shown(info, facts))

    @strawberry.mutation(description="Turns down an open second chance. Its bidder.")
    async def decline_second_chance(
        self, info: Info, input: DeclineSecondChanceInput
    ) -> DeclineSecondChanceResult:
        command = _answer(input.second_chance_id)
        declined = await _written(info, cases.decline_second_chance, command)
        return DeclineSecondChancePayload(second_chance=declined)

    @strawberry.mutation(description="Takes back an open second chance. Its seller, and admins.")
    async def withdraw_second_chance(
        self, info: Info, input: WithdrawSecondChanceInput
    ) -> WithdrawSecondChanceResult:
        command = _answer(input.second_chance_id)
        withdrawn = await _written(info, cases.withdraw_second_chance, command)
        return WithdrawSecondChancePayload(second_chance=withdrawn)


LOADERS = {"second_chance": Loader(cases.second_chances_by_id, SecondChance.of)}
NODES = {"sco": "second_chance"}
