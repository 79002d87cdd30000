"""Second chances as clients see them: offering unsold goods to a losing bidder, and the answers.
Holds no rule."""

from datetime import datetime
from typing import Any

import strawberry

from auth.actor import ApiKeyScope
from auth.who import SIGNED_IN
from core.errors import NotFound
from graph.columns import derived, stored
from graph.context import Context
from graph.entity import Node, entity
from graph.enums import described
from graph.lists import listing
from graph.money import Money
from graph.mutations import mutation
from graph.payloads import payload
from graph.relations import relation
from models.auctions.second_chances import SecondChanceRow, SecondChanceStatus, status_at
from resolvers.auctions import second_chances as cases
from schema.auctions.types import BIDDERS, AuctionProduct, Bid
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


@entity(
    "sco",
    rows=cases.second_chances_by_ids,
    row=SecondChanceRow,
    description="A seller's offer of unsold goods to a losing bidder, at that bidder's last bid. "
    "Only the two of them and admins see it.",
)
class SecondChance(Node):
    amount: Money = derived(
        lambda offer: Money.of(offer.row["amount_minor"], offer.row["currency"]),
        "amount_minor",
        "currency",
        description="What the bidder would pay: their last bid.",
    )
    offered_at: datetime = stored("offered_at", description="When it was made.")
    expires_at: datetime = stored("expires_at", description="Until before when it can be accepted.")
    status: SecondChanceStatus = derived(
        lambda offer: status_at(offer.row, offer.row["read_at"]),
        "accepted_at",
        "declined_at",
        "withdrawn_at",
        "expires_at",
        "read_at",
        description="What became of it.",
    )
    product: AuctionProduct = relation(
        column="product_id", description="The auction whose goods are offered."
    )
    bid: Bid = relation(column="bid_id", description="The bid that lost, or won by this offer.")
    bidder: PublicUser | None = relation(
        loader=BIDDERS,
        # Whoever sees the offer may know the bidder.
        of=lambda offer: (offer.row["product_id"], offer.row["bidder_id"], True),
        columns=("product_id", "bidder_id"),
        description="Whom it was made to.",
    )


second_chances = listing(
    SecondChance,
    cases.list_second_chances,
    cases.count_second_chances,
    who=SIGNED_IN,
    scope=ApiKeyScope.READ,
    description="The second chances that you were offered and those that you made, newest first. "
    "Signed in.",
)


class _Offered:
    """Base of payloads that show an offer."""

    @classmethod
    async def of(cls, outcome: cases.SecondChanceFacts, context: Context) -> Any:
        """The offer as it is now. Raises NotFound when its product was removed since: an answer
        kept for an idempotency key cannot be shown any more."""
        found = await context.load(SecondChance, outcome.id)
        if found is None:
            raise NotFound("This offer is no longer there.")
        return cls(second_chance=found)  # type: ignore[call-arg]  # a field of each payload


@payload("The goods are offered.")
class OfferSecondChancePayload(_Offered):
    second_chance: SecondChance = strawberry.field(description="The offer.")


@payload("It is yours.")
class AcceptSecondChancePayload(_Offered):
    second_chance: SecondChance = strawberry.field(description="The offer, accepted.")


@payload("The offer was turned down.")
class DeclineSecondChancePayload(_Offered):
    second_chance: SecondChance = strawberry.field(description="The offer, declined.")


@payload("The offer was taken back.")
class WithdrawSecondChancePayload(_Offered):
    second_chance: SecondChance = strawberry.field(description="The offer, withdrawn.")


offer_second_chance = mutation(
    cases.offer_second_chance,
    OfferSecondChancePayload,
    scope=ApiKeyScope.WRITE,
    description="Offers the goods of an auction that ended unsold, at most 60 days ago, to a "
    "losing bidder at that bidder's last bid; one offer at a time. Its seller, and admins.",
    doing="offering a second chance",
)
accept_second_chance = mutation(
    cases.accept_second_chance,
    AcceptSecondChancePayload,
    scope=ApiKeyScope.PAY,
    once=True,
    description="Buys for the amount of a second chance, before it expires. Its bidder.",
    doing="accepting a second chance",
)
decline_second_chance = mutation(
    cases.decline_second_chance,
    DeclineSecondChancePayload,
    scope=ApiKeyScope.WRITE,
    description="Turns down an open second chance. Its bidder.",
    doing="turning down a second chance",
)
withdraw_second_chance = mutation(
    cases.withdraw_second_chance,
    WithdrawSecondChancePayload,
    scope=ApiKeyScope.WRITE,
    description="Takes back an open second chance. Its seller, and admins.",
    doing="taking back a second chance",
)
