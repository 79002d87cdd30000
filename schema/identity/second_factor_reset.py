"""Turning off somebody else's second factors, as admins see it. Holds no rule."""

from typing import Annotated

import strawberry

from core.ids import decode_id
from graph.context import Info
from graph.errors import Conflict, InvalidInput, NotFound
from graph.unions import result
from resolvers.identity import second_factor_reset as resetting
from schema.identity.people_results import RoleTooHigh
from schema.identity.types import User


@strawberry.input(description="Whose second factors to turn off.")
class ResetTwoFactorInput:
    user_id: strawberry.ID = strawberry.field(description="Who has lost them.")
    reason: str = strawberry.field(
        description="Why, 1 to 1,000 characters: it stands in the audit log."
    )


@strawberry.type(description="No second factor is on any more.")
class ResetTwoFactorPayload:
    user: User = strawberry.field(description="The account.")


ResetTwoFactorResult = Annotated[
    ResetTwoFactorPayload | InvalidInput | NotFound | Conflict | RoleTooHigh,
    result("ResetTwoFactorResult", "turning off somebody's second factors"),
]


@strawberry.type
class SecondFactorResetMutation:
    """For admins."""

    @strawberry.mutation(
        description="Turns off all second factors of somebody of a lower role who has lost them, "
        "with their recovery codes: make sure who is asking. ADMIN."
    )
    async def reset_two_factor(
        self, info: Info, input: ResetTwoFactorInput
    ) -> ResetTwoFactorResult:
        actor = info.context.actor
        actor.member()
        user_id = decode_id("usr", input.user_id, "input.userId")
        command = resetting.ResetTwoFactor.of(user_id=user_id, reason=input.reason)
        done = await info.context.write(
            lambda work: resetting.reset_two_factor(work, actor, command)
        )
        return ResetTwoFactorPayload(user=await info.context.load("user", done))
