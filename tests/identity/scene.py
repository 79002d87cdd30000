"""One try of one operation: who asks, whose things it concerns, and what is stored before and
after."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import SQLModel

from auth.actor import Role
from auth.api_keys import new_api_key
from core.ids import decode_id, encode_id, new_id
from resolvers.identity.events import IdentityAction
from tests.audit.entries import write
from tests.clients.accounts import make_account
from tests.clients.client import Client, Souk


class Who(StrEnum):
    """Who asks. OWNER is whom the things belong to, OTHER any other person."""

    ANONYMOUS = "ANONYMOUS"
    OTHER = "OTHER"
    OWNER = "OWNER"
    STAFF = "STAFF"
    ADMIN = "ADMIN"
    SUPER_ADMIN = "SUPER_ADMIN"


EVERYBODY: Final = frozenset(Who)
SIGNED_IN: Final = EVERYBODY - {Who.ANONYMOUS}
OWNER: Final = frozenset({Who.OWNER})
ADMINS: Final = frozenset({Who.ADMIN, Who.SUPER_ADMIN})
STAFF: Final = ADMINS | {Who.STAFF}
_ROLES: Final = {Who.STAFF: Role.STAFF, Who.ADMIN: Role.ADMIN, Who.SUPER_ADMIN: Role.SUPER_ADMIN}
# What tells of tries and asks for later work is no effect of an operation that answers everybody.
_BESIDE: Final = ("failed_attempt", "pgqueuer")


@dataclass
class Scene:
    """Somebody with an account, and somebody who asks."""

    souk: Souk
    owner: Client
    asking: Client
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def made(cls, souk: Souk, who: Who) -> "Scene":
        """A fresh owner, and who asks."""
        owner = await _person(souk, "Olga Owner", Role.USER)
        if who is Who.ANONYMOUS:
            return cls(souk, owner, souk.anonymous)
        if who is Who.OWNER:
            return cls(souk, owner, owner)
        return cls(souk, owner, await _person(souk, f"Some {who}", _ROLES.get(who, Role.USER)))

    @property
    def owner_id(self) -> UUID:
        """The owner's stored id."""
        assert self.owner.account is not None
        return self.owner.account.id

    @property
    def user(self) -> str:
        """The owner's public id."""
        return encode_id("usr", self.owner_id)

    @property
    def email(self) -> str:
        """The owner's address."""
        assert self.owner.account is not None
        return self.owner.account.email

    async def add(self, kind: str, statement: str, **values: Any) -> str:
        """The public id, of this prefix, of a row that a statement puts behind the server's back;
        `:id` is its id, `:owner` the owner's."""
        row_id = new_id()
        bound = text(statement)
        given = {"id": row_id, "owner": self.owner_id, **values}
        wanted = {name: value for name, value in given.items() if f":{name}" in statement}
        await self.souk.database.run(lambda work: work.execute(bound.bindparams(**wanted)))
        return encode_id(kind, row_id)

    async def session(self) -> str:
        """The owner's session."""
        found = text("SELECT id FROM session WHERE user_id = :id").bindparams(id=self.owner_id)
        return encode_id("ses", await self.souk.database.scalar(found))

    async def key(self) -> str:
        """An API key of the owner."""
        made = new_api_key()
        return await self.add(
            "key",
            "INSERT INTO api_key (id, owner_id, prefix, secret_hash, scopes)"
            " VALUES (:id, :owner, :prefix, 'x', ARRAY['READ'])",
            prefix=made.prefix,
        )

    async def avatar(self) -> str:
        """An avatar file of the owner."""
        return await self.add(
            "avf",
            "INSERT INTO avatar_file (id, owner_id, file_name, mime_type, file_size, access_key,"
            " sha256) VALUES (:id, :owner, 'a.png', 'image/png', 1, :access_key, 'x')",
            access_key=new_id().hex[-12:],
        )

    async def identity(self) -> str:
        """An identity of the owner at a provider."""
        return await self.add(
            "idn",
            "INSERT INTO linked_identity (id, user_id, provider, subject)"
            " VALUES (:id, :owner, 'shop', :subject)",
            subject=new_id().hex,
        )

    async def customer(self) -> str:
        """The customer that the owner is."""
        return await self.add(
            "cus",
            "INSERT INTO customer (id, user_id, first_name, last_name, nationality, date_of_birth,"
            " email, phone_number) VALUES (:id, :owner, 'Olga', 'Owner', 'AT', '1980-01-01',"
            " 'olga@example.com', '+442079460958')",
        )

    async def group(self) -> str:
        """A group."""
        return await self.add(
            "grp",
            "INSERT INTO user_group (id, group_name) VALUES (:id, :name)",
            name=new_id().hex,
        )

    async def member(self) -> str:
        """The owner's place in a group of the name `ids["grp"]`."""
        self.ids["grp"] = group = await self.group()
        return await self.add(
            "gpm",
            "INSERT INTO user_group_member (id, group_id, user_id, owner_id)"
            " VALUES (:id, :group, :owner, :owner)",
            group=decode_id("grp", group, "id"),
        )

    async def entry(self) -> str:
        """An entry of the audit log."""
        await write(self.souk, self.owner, IdentityAction.USER_UPDATE, object_id=self.user)
        found = await self.souk.database.scalar(
            text("SELECT id FROM audit_entry ORDER BY sequence DESC LIMIT 1")
        )
        return encode_id("aud", found)

    async def stored(self, *, beside: bool) -> dict[str, str]:
        """A digest of each table, those of tries and later work only where `beside`."""
        tables = [*SQLModel.metadata.tables, "pgqueuer"]
        wanted = [table for table in tables if beside or table not in _BESIDE]
        digest = "count(*) || coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '')"
        parts = [f"SELECT '{table}', {digest} FROM {table} t" for table in wanted]  # noqa: S608  names of ours
        rows = await self.souk.database.rows(text(" UNION ALL ".join(parts)))
        return {row[0]: row[1] for row in rows}

    async def of_owner(self) -> list[Any]:
        """What is stored of the owner."""
        statement = text(
            "SELECT t::text FROM user_account t WHERE id = :id UNION ALL"
            " SELECT t::text FROM session t WHERE user_id = :id UNION ALL"
            " SELECT t::text FROM api_key t WHERE owner_id = :id UNION ALL"
            " SELECT t::text FROM customer t WHERE user_id = :id UNION ALL"
            " SELECT t::text FROM linked_identity t WHERE user_id = :id"
        )
        rows = await self.souk.database.rows(statement.bindparams(id=self.owner_id))
        return sorted(row[0] for row in rows)


async def _person(souk: Souk, name: str, role: Role) -> Client:
    return Client(souk.url, souk.http, await make_account(souk.services, name, role))
