"""Who may know a bidder: the one place of this rule (spec/03-auctions.md#bidding). Everybody else
sees a mask."""

from uuid import UUID

from auth.actor import Actor


def knows_bidder(actor: Actor, seller_id: UUID, bidder_id: UUID) -> bool:
    """True for the seller, the bidder and admins."""
    return actor.is_admin or actor.user_id in (seller_id, bidder_id)
