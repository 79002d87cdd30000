"""The super admin, importers' accounts, masked people."""

import asyncio
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from auth.pseudonyms import pseudonym
from core.ids import encode_id
from core.settings import Settings
from resolvers.identity import ensure_super_admin, import_accounts
from schema.identity import PublicUser
from schema.identity.types import public_ids
from tests.clients.client import Souk
from tests.identity.documents import LOGIN, PASSWORD, result, verified


async def test_the_first_start_makes_one_super_admin_and_tells_the_password_once(
    souk: Souk,
) -> None:
    told = await asyncio.gather(
        *[ensure_super_admin(souk.database, souk.settings) for _ in range(3)]
    )
    [password] = [found for found in told if found is not None]
    assert await ensure_super_admin(souk.database, souk.settings) is None
    answer = await result(souk.anonymous, LOGIN, email=souk.settings.admin_email, password=password)
    assert answer["user"]["role"] == "SUPER_ADMIN"


async def test_a_given_admin_password_is_used_and_not_told(souk: Souk, settings: Settings) -> None:
    weak = settings.model_copy(update={"admin_password": SecretStr("password1")})
    with pytest.raises(ValueError, match="SOUK_ADMIN_PASSWORD"):
        await ensure_super_admin(souk.database, weak)
    given = settings.model_copy(update={"admin_password": SecretStr(PASSWORD)})
    assert await ensure_super_admin(souk.database, given) is None
    answer = await result(souk.anonymous, LOGIN, email=settings.admin_email, password=PASSWORD)
    assert answer["user"]["role"] == "SUPER_ADMIN"


async def test_somebody_who_registered_the_admin_address_does_not_become_admin(
    souk: Souk,
) -> None:
    await verified(souk, souk.settings.admin_email)
    with pytest.raises(ValueError, match="SOUK_ADMIN_EMAIL"):
        await ensure_super_admin(souk.database, souk.settings)
    roles = await souk.database.rows(text("SELECT role FROM user_account"))
    assert [row.role for row in roles] == ["USER"]


async def test_nobody_registers_with_a_role(souk: Souk) -> None:
    fields = 'email: "a@example.com", password: "correct horse", fullname: "A", role: ADMIN'
    error = await souk.anonymous.refused(
        f"mutation {{ registerUser(input: {{{fields}}}) {{ __typename }} }}"
    )
    assert error["code"] == "BAD_USER_INPUT"


async def test_imported_accounts_come_in_order_and_keep_who_is_there(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    people = [(f"Bidder{n}@example.com", f"bidder {n}", None) for n in range(1200)]
    people.insert(700, ("ADA@example.com", "somebody else", None))
    ids = await souk.database.run(lambda work: import_accounts(work, people))
    assert len(set(ids)) == 1201
    rows = await souk.database.rows(text("SELECT id, fullname FROM user_account"))
    names = {row.id: row.fullname for row in rows}
    assert names[ids[699]] == "bidder 699"
    assert names[ids[700]] == "Ada Lovelace"
    assert await souk.database.run(lambda work: import_accounts(work, people)) == ids


async def test_a_masked_person_is_the_same_within_a_scope_and_leads_nowhere(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    assert ada.account is not None
    auction, other = uuid4(), uuid4()
    row = {"id": ada.account.id}
    people = [PublicUser.masked(auction, row), PublicUser(row=row), PublicUser.masked(other, row)]
    [seen, unmasked, elsewhere] = public_ids(people)
    assert unmasked == encode_id("usr", ada.account.id)
    assert seen == encode_id("usr", UUID(bytes=pseudonym(auction, ada.account.id)))
    assert seen != elsewhere
    assert seen != encode_id("usr", ada.account.id)
    assert await ada.run("query N($id: ID!) { node(id: $id) { id } }", id=seen) == {"node": None}
