"""The own profile: changing and closing it, as clients see it. Holds no rule."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from core.errors import InvalidInput as Invalid
from graph.context import Info
from graph.errors import AccountInactive, Conflict, InvalidInput
from graph.unions import result
from resolvers.identity import archiving, profile
from resolvers.identity.profile_fields import PostalAddress
from schema.identity.people_results import SuperAdminProtected
from schema.identity.types import User


@strawberry.input(description="A postal address; it takes the place of the whole old one.")
class AddressInput:
    line1: str | None = strawberry.field(
        default=None, description="Street and number, at most 200 characters."
    )
    line2: str | None = strawberry.field(
        default=None, description="What else is needed, at most 200 characters."
    )
    city: str | None = strawberry.field(default=None, description="At most 100 characters.")
    region: str | None = strawberry.field(
        default=None, description="State or province, at most 100 characters."
    )
    postal_code: str | None = strawberry.field(default=None, description="At most 20 characters.")
    country: str | None = strawberry.field(
        default=None, description="Two letters (ISO 3166-1 alpha-2)."
    )

    def parse(self) -> PostalAddress:
        """The address. Raises InvalidInput."""
        try:
            return PostalAddress.of(**vars(self))
        except Invalid as error:
            path = ["input", "address", *(error.path or ["input"])[1:]]
            raise Invalid(f"address.{error.message}", path=path) from None


def given(input: Any, *others: str) -> dict[str, Any]:
    """What the client named of an input, `others` left out. Raises InvalidInput."""
    values = {
        name: value
        for name, value in vars(input).items()
        if name not in others and value is not UNSET
    }
    if values.get("address") is not None:
        values["address"] = values["address"].parse()
    return values


@strawberry.input(
    description="What changes of the own profile; what is left out stays, what is null is emptied. "
    "E-mail address and role cannot be changed here."
)
class UpdateProfileInput:
    fullname: str | None = strawberry.field(
        default=UNSET, description="1 to 100 characters; cannot be emptied."
    )
    firstname: str | None = strawberry.field(default=UNSET, description="At most 100 characters.")
    lastname: str | None = strawberry.field(default=UNSET, description="At most 100 characters.")
    gender: str | None = strawberry.field(
        default=UNSET, description="In your words, at most 30 characters."
    )
    city: str | None = strawberry.field(default=UNSET, description="At most 100 characters.")
    username: str | None = strawberry.field(
        default=UNSET, description="3 to 30 of a–z, 0–9, `_` and `.`; nobody else's."
    )
    phone: str | None = strawberry.field(
        default=UNSET,
        description="With + and its country code (E.164). Another number must be verified anew.",
    )
    avatar_url: str | None = strawberry.field(
        default=UNSET,
        description="The address of a picture, https, at most 500 characters; null for the "
        "generated one.",
    )
    bio: str | None = strawberry.field(default=UNSET, description="At most 2,000 characters.")
    preferred_language: str | None = strawberry.field(
        default=UNSET, description="A language tag (BCP 47), such as `de-AT`."
    )
    address: AddressInput | None = strawberry.field(
        default=UNSET, description="The postal address, whole."
    )


@strawberry.type(description="The profile is as wanted.")
class UpdateProfilePayload:
    user: User = strawberry.field(description="The account as it is now.")


@strawberry.input(description="Closing the own account.")
class ArchiveProfileInput:
    email: str = strawberry.field(
        description="The account's e-mail address, so that nobody closes an account by mistake."
    )


@strawberry.type(description="The account is closed and all its sessions have ended.")
class ArchiveProfilePayload:
    restorable_until: datetime | None = strawberry.field(
        description="Logging in until then restores it; afterwards its personal data are removed."
    )


UpdateProfileResult = Annotated[
    UpdateProfilePayload | InvalidInput | Conflict | AccountInactive,
    result("UpdateProfileResult", "changing the own profile"),
]
ArchiveProfileResult = Annotated[
    ArchiveProfilePayload | InvalidInput | SuperAdminProtected,
    result("ArchiveProfileResult", "closing the own account"),
]


@strawberry.type
class ProfileMutation:
    """Writing the own profile."""

    @strawberry.mutation(description="Changes the own profile. Signed in.")
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> UpdateProfileResult:
        actor = info.context.actor
        actor.member()
        command = profile.UpdateProfile.of(**given(input))
        user_id = await info.context.write(
            lambda work: profile.update_profile(work, actor, command)
        )
        return UpdateProfilePayload(user=await info.context.load("user", user_id))

    @strawberry.mutation(
        description="Closes the own account and ends its sessions, open sockets included, within a "
        "minute. Logging in within 30 days restores it; then its personal data are removed. What "
        "was sold and bid stays. Signed in."
    )
    async def archive_profile(self, info: Info, input: ArchiveProfileInput) -> ArchiveProfileResult:
        actor, authenticator = info.context.actor, info.context.services.authenticator
        actor.member()
        command = archiving.ArchiveProfile.of(email=input.email)
        closed = await info.context.write(
            lambda work: archiving.archive_profile(work, actor, command)
        )
        authenticator.note_revoked(closed.ended)
        await authenticator.look()
        return ArchiveProfilePayload(restorable_until=closed.restorable_until)
