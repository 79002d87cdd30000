"""Turning off the second factors of somebody who has lost them all, recovery codes too: for admins,
who must make sure by other means who is asking. Signs nobody in."""

from uuid import UUID

from auth.actor import Actor
from core.commands import Command
from core.database import UnitOfWork
from core.ids import encode_id
from models.identity.second_factor import factors_of
from resolvers.audit import record
from resolvers.identity.administration import open_below
from resolvers.identity.events import IdentityAction
from resolvers.identity.profile_fields import Reason
from resolvers.identity.second_factor_settings import turn_off


class ResetTwoFactor(Command):
    """Whose second factors to turn off, and why."""

    user_id: UUID
    reason: Reason


async def reset_two_factor(work: UnitOfWork, actor: Actor, command: ResetTwoFactor) -> UUID:
    """Turns off all second factors of somebody of a lower role; the password stays, and so do the
    sessions. Idempotent; recorded where something was on. Raises Unauthenticated, Forbidden,
    NotFound, RoleTooHigh, Conflict for a closed account."""
    actor.require_person()
    target = await open_below(work, actor, command.user_id)
    on = [factor.channel.value for factor in await work.rows(factors_of(target.id))]
    await turn_off(work, target.id, None)
    if on:
        await record(
            work,
            actor,
            IdentityAction.USER_RESET_TWO_FACTOR,
            object_type="User",
            object_id=encode_id("usr", target.id),
            details={"before": {"channels": on}, "after": {"channels": []}},
            reason=command.reason,
        )
    user_id: UUID = target.id
    return user_id
