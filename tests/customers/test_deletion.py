"""Deleting customers: the mailed link, what goes and what stays
(spec/02-identity.md#customers-seed-002, seed 002)."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from auth.actor import Role
from auth.secrets import digest
from core.database import ConstraintViolated
from core.settings import Environment, Settings
from resolvers.customers.deletion import keep_customers
from resolvers.customers.events import CustomerAction
from tests.audit.entries import entries, first_broken, write
from tests.clients.client import Client, Souk, running_souk
from tests.customers.people import (
    CONFIRM,
    CYNTHIA,
    DELETE,
    MINE,
    NODES,
    ONE,
    REQUEST,
    UPDATE,
    asked,
    customer_of,
    earlier,
    result,
    stored,
    token_in,
)
from tests.identity.mailbox import link_in, mails

SHOP = "https://shop.example"
PERSONAL = {
    "user_id",
    "first_name",
    "middle_name",
    "last_name",
    "nationality",
    "date_of_birth",
    "email",
    "phone_number",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server that has a public address and a page elsewhere."""
    return settings.model_copy(
        update={"public_url": "https://souk.example", "allowed_origins": [SHOP]}
    )


@pytest.fixture
async def staff(souk: Souk) -> Client:
    """Who helps customers."""
    return await souk.member("Stan Staff", Role.STAFF)


async def test_the_link_goes_to_the_proven_address_and_deletes_once(
    souk: Souk, alice: Client
) -> None:
    made = await customer_of(alice)
    before = datetime.now(UTC)
    answer = await result(alice, REQUEST, origin=SHOP)
    assert alice.account is not None
    assert answer["sentTo"] == alice.account.email
    assert answer["customer"] == {"id": made["id"]}
    assert answer["secretLink"] is None  # only in development
    expires_at = datetime.fromisoformat(answer["expiresAt"])
    assert abs(expires_at - before - timedelta(hours=24)) < timedelta(minutes=1)
    [mail] = await mails(souk)
    assert mail.to == alice.account.email
    assert "Alice" not in mail.text
    [link] = set(re.findall(r"https?://\S+", mail.text))
    assert link.startswith(f"{SHOP}/customers/")
    assert link in mail.html
    token = token_in(link)
    # Stored is what cannot be turned back.
    [row] = await souk.database.rows(text("SELECT * FROM customer_deletion"))
    assert row.token_hash == digest(token)
    assert token not in str(await souk.database.rows(text("SELECT payload FROM pgqueuer")))
    # Nothing happens before it is confirmed, by whoever holds the link.
    assert (await alice.run(MINE))["myCustomer"] == made
    done = await result(souk.anonymous, CONFIRM, token=token)
    assert done == {"__typename": "ConfirmCustomerDeletionPayload", "customerId": made["id"]}
    assert (await alice.run(MINE))["myCustomer"] is None
    again = await result(souk.anonymous, CONFIRM, token=token)
    assert (again["__typename"], again["code"]) == ("NotFound", "NOT_FOUND")


async def test_unknown_used_and_expired_are_one_answer(
    souk: Souk, alice: Client, bob: Client
) -> None:
    await customer_of(alice)
    used = await asked(souk, alice)
    await result(alice, CONFIRM, token=used)
    await customer_of(bob)
    expired = await asked(souk, bob)
    await earlier(souk, hours=24, seconds=1)
    answers = [
        await result(souk.anonymous, CONFIRM, token=token)
        for token in (used, expired, "x" * 43, "", "é" * 43, "x" * 5_000, expired + " ", "\u0000")
    ]
    assert {answer["__typename"] for answer in answers} == {"NotFound"}
    assert all(answer == answers[0] for answer in answers)
    assert (await bob.run(MINE))["myCustomer"] is not None


async def test_the_link_is_taken_until_the_last_minute_of_its_day(
    souk: Souk, alice: Client
) -> None:
    await customer_of(alice)
    token = await asked(souk, alice)
    await earlier(souk, hours=23, minutes=59)
    assert (await result(alice, CONFIRM, token=token))["customerId"]


async def test_a_new_link_ends_the_last_and_comes_after_a_minute(souk: Souk, alice: Client) -> None:
    await customer_of(alice)
    first = await asked(souk, alice)
    refused = await alice.run(
        REQUEST.replace("... on UserError", "... on ResendTooSoon { retryAfter } ... on UserError"),
        input={},
    )
    too_soon = refused["requestCustomerDeletion"]
    assert too_soon["code"] == "RESEND_TOO_SOON"
    assert 0 < too_soon["retryAfter"] <= 60
    assert len(await mails(souk)) == 1
    await earlier(souk, seconds=60)
    second = await asked(souk, alice)
    assert second != first
    assert (await result(alice, CONFIRM, token=first))["__typename"] == "NotFound"
    assert (await result(alice, CONFIRM, token=second))["customerId"]


async def test_many_who_ask_at_once_get_one_link(souk: Souk, alice: Client) -> None:
    await customer_of(alice)
    answers = await asyncio.gather(*[result(alice, REQUEST) for _ in range(8)])
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["RequestCustomerDeletionPayload", *["ResendTooSoon"] * 7]
    assert len(await mails(souk)) == 1
    assert await souk.database.scalar(text("SELECT count(*) FROM customer_deletion")) == 1


async def test_confirming_many_times_at_once_has_one_effect(souk: Souk, alice: Client) -> None:
    made = await customer_of(alice)
    token = await asked(souk, alice)
    page = f"/customers/{token}/delete/confirm"
    answers = await asyncio.gather(
        *[result(souk.anonymous, CONFIRM, token=token) for _ in range(6)]
    )
    pages = await asyncio.gather(*[souk.http.post(page) for _ in range(3)])
    done = [a for a in answers if a["__typename"] == "ConfirmCustomerDeletionPayload"]
    assert [answer["customerId"] for answer in done] == [made["id"]]
    assert {answer.status_code for answer in pages} == {404}
    log = await entries(await souk.member("Ada Admin", Role.ADMIN))
    assert [entry["actionType"] for entry in log] == ["customer.delete"]


async def test_all_that_is_personal_goes_and_the_account_stays(
    souk: Souk, alice: Client, staff: Client
) -> None:
    made = await customer_of(alice)
    await result(staff, UPDATE, customerId=made["id"], firstName="Cynthie", email="c@example.org")
    await result(alice, CONFIRM, token=await asked(souk, alice))
    [row] = await stored(souk)
    assert {name for name, value in row.items() if value is not None} == {
        "id",
        "created_at",
        "updated_at",
        "erased_at",
    }
    assert await souk.database.scalar(text("SELECT count(*) FROM customer_deletion")) == 0
    # Nowhere in the database is anything left but in the mail that was still to be sent, sealed.
    for table in ("customer", "customer_deletion", "audit_detail", "audit_entry", "pgqueuer"):
        content = str(await souk.database.rows(text(f"SELECT * FROM {table}")))  # noqa: S608  the names above
        for word in ("Cynthi", "Norris", "aaron97", "254246515866", "c@example.org"):
            assert word not in content, (table, word)
    admin = await souk.member("Ada Admin", Role.ADMIN)
    deleted, updated = await entries(admin)
    assert (deleted["actionType"], deleted["objectId"]) == ("customer.delete", made["id"])
    assert deleted["details"] == {"by": "link"}
    assert (updated["details"], updated["ipAddress"]) == (None, None)
    assert await first_broken(admin) is None
    for viewer in (alice, staff, admin):
        assert (await viewer.run(ONE, id=made["id"]))["customer"] is None
        found = await viewer.run(NODES, id=made["id"], ids=[made["id"]])
        assert found == {"node": None, "nodes": [None]}
    # The account logs in as before and may become a customer again.
    assert (await alice.run("{ currentUser { fullname } }"))["currentUser"] == {
        "fullname": "Alice Allison"
    }
    assert (await customer_of(alice))["id"] != made["id"]


async def _write(souk: Souk, statement: Any) -> None:
    await souk.database.run(lambda work: work.execute(statement))


async def test_the_database_keeps_a_deleted_customer_blank(souk: Souk, alice: Client) -> None:
    await customer_of(alice)
    await result(alice, CONFIRM, token=await asked(souk, alice))
    special = {
        "user_id": "(SELECT id FROM user_account LIMIT 1)",
        "date_of_birth": "'2000-01-01'",
        "nationality": "'KE'",
    }
    for column in sorted(PERSONAL):
        change = text(f"UPDATE customer SET {column} = {special.get(column, repr('A'))}")  # noqa: S608  the names above
        with pytest.raises(ConstraintViolated, match="ck_customer_whole_or_blank"):
            await _write(souk, change)


async def test_staff_deletes_at_once_and_says_why(souk: Souk, alice: Client, staff: Client) -> None:
    made = await customer_of(alice)
    token = await asked(souk, alice)
    answer = await result(staff, DELETE, customerId=made["id"], reason="Asked for by letter")
    assert answer == {"__typename": "DeleteCustomerPayload", "customerId": made["id"]}
    assert (await alice.run(MINE))["myCustomer"] is None
    assert {name for name in PERSONAL if (await stored(souk))[0][name] is not None} == set()
    again = await result(staff, DELETE, customerId=made["id"])
    assert (again["__typename"], again["path"]) == ("NotFound", ["input", "customerId"])
    # The link that was on its way leads nowhere.
    assert (await result(alice, CONFIRM, token=token))["__typename"] == "NotFound"
    [entry] = await entries(await souk.member("Ada Admin", Role.ADMIN))
    assert (entry["actionType"], entry["reason"]) == ("customer.delete", "Asked for by letter")
    assert entry["performedBy"]["fullname"] == "Stan Staff"
    bad = await result(staff, DELETE, customerId=made["id"], reason="x" * 1_001)
    assert (bad["__typename"], bad["path"]) == ("InvalidInput", ["input", "reason"])


async def test_staff_sends_the_link_to_a_customer_without_an_account(
    souk: Souk, staff: Client
) -> None:
    made = await customer_of(staff)
    answer = await result(staff, REQUEST, customerId=made["id"])
    assert answer["sentTo"] == CYNTHIA["email"]
    [mail] = await mails(souk)
    assert mail.to == CYNTHIA["email"]
    await result(souk.anonymous, CONFIRM, token=token_in(re.findall(r"https://\S+", mail.text)[0]))
    log = await entries(await souk.member("Ada Admin", Role.ADMIN))
    assert [(e["actionType"], e["actorKind"], e["details"]) for e in log] == [
        ("customer.delete", "SYSTEM", {"by": "link"}),
        ("customer.request_deletion", "USER", None),
        ("customer.create", "USER", None),
    ]


async def test_whoever_is_no_customer_has_nothing_to_delete(souk: Souk, alice: Client) -> None:
    answer = await result(alice, REQUEST, origin=SHOP)
    assert answer["__typename"] == "NotFound"
    assert await mails(souk) == []


@pytest.fixture
async def at_home(settings: Settings) -> AsyncIterator[Souk]:
    """A server in development, with no public address."""
    home = settings.model_copy(
        update={"env": Environment.DEVELOPMENT, "public_url": None, "demo": False}
    )
    async with running_souk(home) as server:
        yield server


async def test_in_development_the_link_comes_back_too(at_home: Souk) -> None:
    alice = await at_home.member("Alice Allison")
    await customer_of(alice)
    answer = await result(alice, REQUEST)
    assert answer["secretLink"].startswith("http://127.0.0.1:8000/customers/")
    [mail] = await mails(at_home)
    assert link_in(mail) == answer["secretLink"]


async def test_the_mail_is_in_the_accounts_language(souk: Souk, alice: Client) -> None:
    await customer_of(alice)
    change = text("UPDATE user_account SET preferred_language = 'de-AT' WHERE fullname LIKE 'Ali%'")
    await souk.database.run(lambda work: work.execute(change))
    await asked(souk, alice)
    [mail] = await mails(souk)
    assert mail.subject == "Ihre Kundendaten bei Souk löschen?"
    assert "Meine Daten löschen" in mail.html


async def test_the_worker_forgets_old_links_and_the_customers_of_former_members(
    souk: Souk, alice: Client, bob: Client
) -> None:
    await customer_of(alice)
    await customer_of(bob)
    await asked(souk, alice)
    assert await keep_customers(souk.database) == 0
    assert await souk.database.scalar(text("SELECT count(*) FROM customer_deletion")) == 1
    await earlier(souk, hours=25)
    gone = text(
        "UPDATE user_account SET is_active = false, archived_at = now(), purged_at = now() "
        "WHERE fullname = 'Bob Benson'"
    )
    await souk.database.run(lambda work: work.execute(gone))
    assert await keep_customers(souk.database) == 1
    assert await souk.database.scalar(text("SELECT count(*) FROM customer_deletion")) == 0
    of_alice, of_bob = await stored(souk)
    assert of_alice["first_name"] == "Cynthia"
    assert (of_bob["first_name"], of_bob["user_id"]) == (None, None)
    admin = await souk.member("Ada Admin", Role.ADMIN)
    [entry] = await entries(admin)
    assert (entry["actorKind"], entry["details"]) == ("SYSTEM", {"by": "account"})
    await write(souk, admin, CustomerAction.CUSTOMER_UPDATE)
    assert await first_broken(admin) is None
