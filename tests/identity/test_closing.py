"""Closing an account, restoring it within 30 days, and what is left of it afterwards."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import websockets
from sqlalchemy import text
from sqlmodel import SQLModel

from auth.actor import Role
from core.database import ConstraintViolated
from core.ids import decode_id, encode_id
from models.identity.people import drop_personal
from resolvers.identity.archiving import ERASURE, purge_closed
from resolvers.identity.housekeeping import keep_identity
from tests.clients.accounts import Account
from tests.clients.client import Client, Souk
from tests.clients.market import Market
from tests.identity.documents import (
    LOGIN,
    PASSWORD,
    REGISTER,
    logged_in,
    post_with,
    result,
    verified,
)
from tests.identity.test_profile import FULL, UPDATE

ARCHIVE = """mutation Archive($input: ArchiveProfileInput!) { archiveProfile(input: $input) {
  __typename ... on ArchiveProfilePayload { restorableUntil }
  ... on UserError { code message path } } }"""
PUBLIC = "query P($id: ID!) { publicUser(id: $id) { id fullname avatarUrl memberSince } }"
SELLER = "query S($id: ID!) { product(id: $id) { ... on AuctionProduct { seller { fullname } } } }"
BEAT = "subscription { heartbeat(everySeconds: 1) { number sentAt } }"
ADDRESS = "ada@example.com"


async def archived(client: Client) -> dict[str, Any]:
    """What closing one's own account answers."""
    assert client.account is not None
    return await result(client, ARCHIVE, email=client.account.email)


async def row_of(souk: Souk, user_id: UUID) -> Any:
    """What is stored of an account."""
    rows = await souk.database.rows(
        text("SELECT * FROM user_account WHERE id = :id").bindparams(id=user_id)
    )
    return rows[0]


async def written(souk: Souk, statement: str, **values: Any) -> None:
    """Runs a statement behind the server's back."""
    bound = text(statement).bindparams(**values)
    await souk.database.run(lambda work: work.execute(bound))


async def age(souk: Souk, days: int) -> None:
    """Makes every closed account closed so many days longer."""
    await written(
        souk,
        "UPDATE user_account SET archived_at = archived_at - make_interval(days => :days)",
        days=days,
    )


async def registered(souk: Souk, email: str = ADDRESS) -> Client:
    """Somebody who has registered and logged in with the password."""
    login = await logged_in(souk, email)
    user_id = decode_id("usr", login["user"]["id"], "id")
    account = Account(user_id, "Ada Lovelace", email, login["accessToken"], login["refreshToken"])
    return Client(souk.url, souk.http, account)


async def test_a_person_closes_the_account_and_logging_in_restores_it(souk: Souk) -> None:
    await verified(souk, ADDRESS)
    first, second = await registered(souk), await registered(souk)
    assert first.account is not None
    assert second.account is not None
    answer = await result(first, ARCHIVE, email="ADA@example.com")
    assert answer["restorableUntil"] is not None
    for token in (first.account.token, second.account.token):
        assert (await post_with(souk, token))[0] == 401
    row = await row_of(souk, first.account.id)
    assert (row.is_active, row.closed_by, row.fullname) == (False, row.id, "Ada Lovelace")
    assert row.archived_at is not None
    assert (await souk.anonymous.run(PUBLIC, id=encode_id("usr", row.id)))["publicUser"] is None
    registering = await result(
        souk.anonymous, REGISTER, email=ADDRESS, password=PASSWORD, fullname="Eve"
    )
    assert registering["__typename"] == "AccountArchived"
    await age(souk, 29)
    restored = await registered(souk)
    assert restored.account is not None
    assert restored.account.id == first.account.id
    assert (await post_with(souk, restored.account.token))[0] == 200
    assert (await post_with(souk, second.account.token))[0] == 401, "old sessions stay ended"


async def test_open_sockets_of_a_closed_account_end(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    async with ada.watch(BEAT) as watch:
        await watch.next()
        await archived(ada)
        # The heartbeat asks each time; what is silent is asked every 20 seconds.
        message = await watch.message()
        while message["type"] == "next" and "errors" not in message["payload"]:
            message = await watch.message()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["extensions"]["code"] == "UNAUTHENTICATED"
    with pytest.raises(websockets.ConnectionClosed) as closed:
        async with ada.watch(BEAT) as again:
            await again.message()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


async def test_a_wrong_address_closes_nothing(souk: Souk) -> None:
    ada, eve = await souk.member("Ada Lovelace"), await souk.member("Eve")
    assert ada.account is not None
    answer = await result(eve, ARCHIVE, email=ada.account.email)
    assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["input", "email"])
    refused = await souk.anonymous.refused(ARCHIVE, input={"email": ada.account.email})
    assert refused["code"] == "UNAUTHENTICATED"
    closed = text("SELECT count(*) FROM user_account WHERE NOT is_active")
    assert await souk.database.scalar(closed) == 0


async def test_the_super_admin_stays(souk: Souk) -> None:
    root = await souk.member("Root", Role.SUPER_ADMIN)
    answer = await archived(root)
    assert (answer["__typename"], answer["code"]) == (
        "SuperAdminProtected",
        "SUPER_ADMIN_PROTECTED",
    )
    assert root.account is not None
    assert (await row_of(souk, root.account.id)).is_active is True
    assert (await root.run("{ currentUser { role } }"))["currentUser"]["role"] == "SUPER_ADMIN"


async def test_closing_twice_at_once_is_closing_once(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    assert ada.account is not None
    body = {"query": ARCHIVE, "variables": {"input": {"email": ada.account.email}}}
    answers = await asyncio.gather(
        *[souk.http.post("/graphql", json=body, headers=ada.headers) for _ in range(4)]
    )
    told = [answer.json() for answer in answers if answer.status_code == 200]
    assert len({one["data"]["archiveProfile"]["restorableUntil"] for one in told}) == 1
    assert {answer.status_code for answer in answers} <= {200, 401}


async def test_after_thirty_days_only_a_former_member_is_left(souk: Souk, market: Market) -> None:
    await verified(souk, ADDRESS)
    ada, eve = await registered(souk), await souk.member("Eve")
    assert ada.account is not None
    product = await market.auction(ada)
    await result(ada, UPDATE, **FULL)
    await result(eve, UPDATE, bio="stays")
    await archived(await souk.member("Bob"))
    await archived(ada)
    await age(souk, 29)
    assert await purge_closed(souk.database, 1) == 0
    await age(souk, 1)
    counts = await asyncio.gather(*[purge_closed(souk.database, 1) for _ in range(3)])
    assert sum(counts) == 2, "several workers do each once"

    user_id = ada.account.id
    row = await row_of(souk, user_id)
    personal = ("username", "firstname", "phone", "bio", "address", "avatar_url", "password_hash")
    assert {str(getattr(row, name)) for name in personal} == {"None"}
    assert (row.fullname, row.email) == ("Former member", f"{user_id}@archived.invalid")
    assert (row.email_verified, row.phone_verified) == (False, False)
    left = text(
        "SELECT (SELECT count(*) FROM session WHERE user_id = :id)"
        " + (SELECT count(*) FROM one_time_code WHERE user_id = :id)"
    )
    assert await souk.database.scalar(left.bindparams(id=user_id)) == 0
    await keep_identity(souk.database, souk.settings)
    assert await row_of(souk, user_id) == row, "purging again changes nothing"
    assert (await eve.run("{ currentUser { bio } }"))["currentUser"]["bio"] == "stays"
    shown = (await souk.anonymous.run(SELLER, id=product["id"]))["product"]
    assert shown["seller"]["fullname"] == "Former member"

    for email in (ADDRESS, row.email):
        answer = await result(souk.anonymous, LOGIN, email=email, password=PASSWORD)
        assert answer["__typename"] == "InvalidCredentials"
    await verified(souk, ADDRESS, "Another Ada")
    another = await registered(souk)
    assert another.account is not None
    assert another.account.id != user_id


async def test_what_was_purged_is_never_opened_again(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    await archived(ada)
    await age(souk, 30)
    assert await purge_closed(souk.database, 10) == 1
    for change in ("is_active = true", "password_hash = 'x'", "phone = '+442079460958'"):
        with pytest.raises(ConstraintViolated, match="ck_user_account_purged_stays_closed"):
            await written(souk, f"UPDATE user_account SET {change} WHERE purged_at IS NOT NULL")  # noqa: S608  constants


# Others rely on these rows; what is personal in them goes with the account's own row, or by the
# housekeeping of their domain.
STAY = {"user_account", "product", "bid", "second_chance", "media_asset", "audit_entry", "customer"}


class Erased:
    """A unit of work that notes the tables it is asked to write."""

    def __init__(self) -> None:
        self.tables: set[str] = set()

    async def execute(self, statement: Any) -> int:
        self.tables.add(statement.statement.table.name)
        return 0


async def test_every_table_that_refers_to_accounts_goes_with_them_or_stays_for_a_reason() -> None:
    referring = {
        table.name
        for table in SQLModel.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "user_account"
    }
    work: Any = Erased()
    for erase in ERASURE:
        await erase(work, [])
    gone = work.tables | {statement.table.name for statement in drop_personal([])}
    assert referring - gone == STAY
