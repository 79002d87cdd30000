"""What the tests of user administration share: documents, who acts, and what was recorded."""

from typing import Any

import orjson
from sqlalchemy import text

from auth.actor import Role
from core.ids import encode_id
from tests.clients.client import Client, Souk
from tests.identity.test_profile import PROFILE

_ERROR = "... on UserError { code message path }"
CREATE = f"""mutation Create($input: CreateUserInput!) {{ createUser(input: $input) {{
  __typename ... on CreateUserPayload {{ emailVerificationNeeded user {{ {PROFILE} }} }}
  ... on AccountArchived {{ restorableUntil }} {_ERROR} }} }}"""
UPDATE_USER = f"""mutation Update($input: UpdateUserInput!) {{ updateUser(input: $input) {{
  __typename ... on UpdateUserPayload {{ user {{ {PROFILE} }} }} {_ERROR} }} }}"""
DELETE = f"""mutation Delete($input: DeleteUserInput!) {{ deleteUser(input: $input) {{
  __typename ... on DeleteUserPayload {{ user {{ id archivedAt }} }} {_ERROR} }} }}"""
SET_ROLE = f"""mutation Role($input: SetUserRoleInput!) {{ setUserRole(input: $input) {{
  __typename ... on SetUserRolePayload {{ user {{ id role }} }} {_ERROR} }} }}"""
SET_PASSWORD = f"""mutation Password($input: SetUserPasswordInput!) {{
  setUserPassword(input: $input) {{
  __typename ... on SetUserPasswordPayload {{ user {{ id }} }} {_ERROR} }} }}"""
WHY = "Asked for on the phone."


def id_of(client: Client) -> str:
    """A person's public id."""
    assert client.account is not None
    return encode_id("usr", client.account.id)


async def admin(souk: Souk) -> Client:
    """An admin."""
    return await souk.member("Ada Admin", Role.ADMIN)


async def super_admin(souk: Souk) -> Client:
    """The super admin."""
    return await souk.member("Root", Role.SUPER_ADMIN)


async def recorded(souk: Souk) -> list[dict[str, Any]]:
    """What the audit log holds: who, what, whom, why and the details, oldest first."""
    rows = await souk.database.rows(
        text(
            "SELECT performed_by, action, object_type, object_id, content FROM audit_entry"
            " JOIN audit_detail USING (id) ORDER BY sequence"
        )
    )
    names = ("performed_by", "action", "object_type", "object_id", "content")
    return [
        {**{name: getattr(row, name) for name in names}, **orjson.loads(row.content)}
        for row in rows
    ]


async def person(souk: Souk, client: Client) -> Any:
    """What is stored of a person."""
    assert client.account is not None
    rows = await souk.database.rows(
        text("SELECT * FROM user_account WHERE id = :id").bindparams(id=client.account.id)
    )
    return rows[0]
