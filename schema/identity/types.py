"""People and sessions as clients see them. Made of rows; no rule and no SQL here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from auth.actor import Actor, Role
from auth.pseudonyms import masked_name, pseudonym
from core.ids import encode_id, encode_ids
from graph.columns import addressed, computed, derived
from graph.connections import Node
from graph.context import Info
from resolvers.identity.people import sees_fully
from schema.identity.permissions import NamedPermission, PermissionGrant, grant, grants


def generated_avatar(base_url: str, id: str) -> str:
    """The address of the picture that is generated from a public id."""
    return f"{base_url}/avatars/{id}.svg"


@strawberry.type(description="A person as everybody sees them.")
class PublicUser(Node):
    row: strawberry.Private[Any]
    mask: strawberry.Private[tuple[UUID, UUID] | None] = None

    id: strawberry.ID = computed(
        lambda people: public_ids(people),
        "id",
        description="The object's id: a prefix that tells its type and a ULID. Opaque to clients.",
    )
    fullname: str = computed(
        lambda people: [
            person.row["fullname"] if person.mask is None else masked_name(person.row["fullname"])
            for person in people
        ],
        "fullname",
        description="The name that the person goes by; first and last letter where it is masked.",
    )
    member_since: datetime | None = derived(
        lambda person: person.row["created_at"] if person.mask is None else None,
        "created_at",
        description="When the account was made; null where the person is masked.",
    )
    avatar_url: str = addressed(
        lambda people, base_url: [
            (person.row["avatar_url"] if person.mask is None else None)
            or generated_avatar(base_url, id)
            for person, id in zip(people, public_ids(people), strict=True)
        ],
        "id",
        "avatar_url",
        description="A picture: the person's own, or one generated from the id.",
    )

    @classmethod
    def of(cls, row: Any, _: Actor) -> "PublicUser":
        """The person of a row of the loader `public_user`."""
        return cls(row=row)

    @classmethod
    def masked(cls, scope_id: UUID, row: Any) -> "PublicUser":
        """The person of a row under a mask: the name as `a***n`, an id that is the same for the
        same person within `scope_id` (such as one auction) and leads nowhere (`node` of it is
        null), a picture generated from that id, and nothing else
        (spec/03-auctions.md#bidding)."""
        return cls(row=row, mask=(scope_id, row["id"]))


def public_ids(people: Sequence[PublicUser]) -> list[str]:
    """The ids of people, pseudonyms of those under a mask."""
    return encode_ids(
        "usr",
        [
            person.row["id"].bytes if person.mask is None else pseudonym(*person.mask)
            for person in people
        ],
    )


@strawberry.type(description="A postal address.")
class Address:
    line1: str | None = strawberry.field(description="Street and number, at most 200 characters.")
    line2: str | None = strawberry.field(description="What else is needed, at most 200 characters.")
    city: str | None = strawberry.field(description="The city, at most 100 characters.")
    region: str | None = strawberry.field(description="State or province, at most 100 characters.")
    postal_code: str | None = strawberry.field(description="At most 20 characters.")
    country: str | None = strawberry.field(description="Two letters (ISO 3166-1).")

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> "Address | None":
        """The address of a stored one."""
        if stored is None:
            return None
        names = ("line1", "line2", "city", "region", "postal_code", "country")
        return cls(**{name: stored.get(name) for name in names})


@strawberry.type(description="An account, as its owner and admins see it.")
class User(Node):
    email: str = strawberry.field(description="The e-mail address, at most 254 characters.")
    username: str | None = strawberry.field(
        description="The name to log in with: 3 to 30 of a–z, 0–9, `_` and `.`."
    )
    fullname: str = strawberry.field(description="The name shown, 1 to 100 characters.")
    firstname: str | None = strawberry.field(description="At most 100 characters.")
    lastname: str | None = strawberry.field(description="At most 100 characters.")
    gender: str | None = strawberry.field(
        description="In the person's words, at most 30 characters."
    )
    city: str | None = strawberry.field(description="At most 100 characters.")
    phone: str | None = strawberry.field(description="The phone number (E.164).")
    phone_verified: bool = strawberry.field(description="The phone number was proven.")
    email_verified: bool = strawberry.field(description="The e-mail address was proven.")
    bio: str | None = strawberry.field(description="About the person, at most 2,000 characters.")
    preferred_language: str | None = strawberry.field(description="A language tag (BCP 47).")
    address: Address | None = strawberry.field(description="The postal address.")
    role: Role = strawberry.field(description="What the account may do.")
    created_at: datetime = strawberry.field(description="When the account was made.")
    archived_at: datetime | None = strawberry.field(
        description="When the account was closed; null while it is open."
    )
    own_avatar: strawberry.Private[str | None]

    @strawberry.field(description="A picture: the person's own, or one generated from the id.")
    def avatar_url(self, info: Info) -> str:
        base_url = info.context.services.settings.base_url
        return self.own_avatar or generated_avatar(base_url, self.id)

    @strawberry.field(
        description="What the account may do by its role, as it stands now; what people may do "
        "with what is their own is no permission. Nothing for a closed account."
    )
    def permissions(self) -> list[PermissionGrant]:
        return grants(self._role)

    @strawberry.field(description="Whether the account may do this.")
    def permission(self, name: NamedPermission) -> PermissionGrant:
        return grant(self._role, name)

    @property
    def _role(self) -> Role | None:
        return self.role if self.archived_at is None else None

    @classmethod
    def of(cls, row: Any, _: Actor | None = None) -> "User":
        """The account of a row. The caller sees to it that the viewer may see it in full."""
        names = (
            "email username fullname firstname lastname gender city phone phone_verified "
            "email_verified bio preferred_language created_at archived_at"
        )
        return cls(
            id=strawberry.ID(encode_id("usr", row.id)),
            address=Address.of(row.address),
            role=Role(row.role),
            own_avatar=row.avatar_url,
            **{name: getattr(row, name) for name in names.split()},
        )


def person(row: Any, actor: Actor) -> User | PublicUser:
    """The account in full for its owner and admins, what is public of it for everybody else."""
    return User.of(row) if sees_fully(actor, row.id) else PublicUser.of(row, actor)


@strawberry.type(description="One login on one device, until it is ended or not used for 30 days.")
class Session(Node):
    created_at: datetime = strawberry.field(description="When the person logged in.")
    expires_at: datetime = strawberry.field(description="When it ends unless it is refreshed.")
    user_agent: str | None = strawberry.field(description="The program that uses it, as it says.")
    address: str | None = strawberry.field(description="The network address that used it last.")
    current: bool = strawberry.field(description="This is the session of this request.")

    @classmethod
    def of(cls, row: Any, actor: Actor) -> "Session":
        """The session of a row."""
        return cls(
            id=strawberry.ID(encode_id("ses", row.id)),
            created_at=row.created_at,
            expires_at=row.expires_at,
            user_agent=row.user_agent or None,
            address=row.address or None,
            current=row.id == actor.session_id,
        )
