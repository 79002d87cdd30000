"""What admins do with accounts: below their own role only, with a reason, on record
(spec/02-identity.md#user)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from auth.actor import Role
from tests.clients.client import Client, Souk
from tests.identity.administering import (
    CREATE,
    DELETE,
    SET_PASSWORD,
    SET_ROLE,
    UPDATE_USER,
    WHY,
    admin,
    id_of,
    person,
    recorded,
    super_admin,
)
from tests.identity.code_documents import START_RESET, new_password
from tests.identity.documents import (
    COMPLETE,
    LOGIN,
    ME,
    PASSWORD,
    REFRESH,
    REGISTER,
    logged_in,
    post_with,
    result,
    verified,
)
from tests.identity.mailbox import mails, newest_code, newest_mail
from tests.identity.test_closing import age, archived, registered

NEW = {"email": "new@example.com", "password": PASSWORD, "fullname": "New Person", "reason": WHY}


async def accounts(souk: Souk) -> int:
    """How many accounts there are."""
    return int(await souk.database.scalar(text("SELECT count(*) FROM user_account")))


async def test_an_admin_makes_an_account_that_must_prove_its_address(souk: Souk) -> None:
    ada = await admin(souk)
    answer = await result(ada, CREATE, **NEW, bio="b", address={"country": "AT"})
    assert answer["emailVerificationNeeded"] is True
    user = answer["user"]
    assert (user["role"], user["emailVerified"], user["bio"]) == ("USER", False, "b")
    assert user["address"]["country"] == "AT"
    assert user["avatarUrl"].endswith(f"/avatars/{user['id']}.svg")
    early = await result(souk.anonymous, LOGIN, email=NEW["email"], password=PASSWORD)
    assert early["__typename"] == "EmailVerificationNeeded"
    code = await newest_code(souk, NEW["email"])
    await result(souk.anonymous, COMPLETE, email=NEW["email"], secretCode=code)
    assert (await logged_in(souk, NEW["email"]))["user"]["id"] == user["id"]
    stored = await souk.database.scalar(
        text("SELECT password_hash FROM user_account WHERE email = 'new@example.com'")
    )
    assert stored.startswith("$argon2id$")
    [entry] = await recorded(souk)
    assert ada.account is not None
    assert (entry["performed_by"], entry["action"]) == (ada.account.id, "user.create")
    assert (entry["object_id"], entry["reason"]) == (user["id"], WHY)
    assert PASSWORD not in entry["content"]


async def test_an_account_is_made_only_with_a_lower_role(souk: Souk) -> None:
    ada, root = await admin(souk), await super_admin(souk)
    before = await accounts(souk)
    for client, role in ((ada, "ADMIN"), (ada, "SUPER_ADMIN"), (root, "SUPER_ADMIN")):
        answer = await result(client, CREATE, **NEW, role=role)
        assert (answer["__typename"], answer["path"]) == ("RoleTooHigh", ["input", "role"])
    assert (await accounts(souk), await recorded(souk), await mails(souk)) == (before, [], [])
    for number, (client, role) in enumerate(((ada, "STAFF"), (root, "ADMIN"))):
        answer = await result(
            client, CREATE, **{**NEW, "email": f"{number}@example.com"}, role=role
        )
        assert answer["user"]["role"] == role


async def test_what_makes_no_account_is_told(souk: Souk) -> None:
    ada = await admin(souk)
    await verified(souk, "here@example.com")
    await verified(souk, "gone@example.com")
    await archived(await registered(souk, "gone@example.com"))
    before = await accounts(souk)
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"email": "HERE@example.com"}, "Conflict"),
        ({"email": "gone@example.com"}, "AccountArchived"),
        ({"email": "nobody"}, "InvalidInput"),
        ({"password": "password1"}, "WeakPassword"),
        ({"password": "new@example.com"}, "WeakPassword"),
        ({"fullname": " "}, "InvalidInput"),
        ({"reason": " "}, "InvalidInput"),
        ({"reason": "x" * 1_001}, "InvalidInput"),
        ({"phone": "1"}, "InvalidInput"),
    ]
    for changes, kind in refusals:
        answer = await result(ada, CREATE, **{**NEW, **changes})
        assert answer["__typename"] == kind, changes
    assert (await accounts(souk), await recorded(souk)) == (before, [])
    await age(souk, 30)
    answer = await result(ada, CREATE, **{**NEW, "email": "gone@example.com"})
    assert answer["__typename"] == "CreateUserPayload", "free when nobody can restore it any more"


async def test_an_address_asked_for_by_many_admins_at_once_makes_one_account(souk: Souk) -> None:
    people = [await admin(souk), await super_admin(souk)] * 3
    answers = await asyncio.gather(*[result(one, CREATE, **NEW) for one in people])
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["Conflict"] * 5 + ["CreateUserPayload"]
    assert len(await recorded(souk)) == 1


async def test_a_profile_is_changed_with_what_was_before_on_record(souk: Souk) -> None:
    ada, eve = await admin(souk), await souk.member("Eve Evans")
    changes = {"fullname": "Eva Evans", "phone": "+442079460958", "preferredLanguage": "de"}
    answer = await result(ada, UPDATE_USER, userId=id_of(eve), reason=WHY, **changes)
    assert {name: answer["user"][name] for name in changes} == changes
    assert (await person(souk, eve)).fullname == "Eva Evans"
    again = await result(ada, UPDATE_USER, userId=id_of(eve), reason=WHY, **changes)
    assert again == answer
    [entry] = await recorded(souk)
    assert (entry["action"], entry["object_type"]) == ("user.update", "User")
    assert (entry["object_id"], entry["reason"]) == (id_of(eve), WHY)
    assert entry["details"]["before"]["fullname"] == "Eve Evans"
    assert entry["details"]["after"]["fullname"] == "Eva Evans"
    for field in ("email", "role", "username", "emailVerified"):
        values = {"userId": id_of(eve), "reason": WHY, field: "x"}
        assert (await ada.refused(UPDATE_USER, input=values))["code"] == "BAD_USER_INPUT"


async def test_a_deleted_account_is_closed_and_does_not_come_back_by_logging_in(
    souk: Souk,
) -> None:
    ada = await admin(souk)
    await verified(souk, "eve@example.com", "Eve")
    eve = await registered(souk, "eve@example.com")
    assert eve.account is not None
    answer = await result(ada, DELETE, userId=id_of(eve), reason=WHY)
    assert answer["user"]["archivedAt"] is not None
    assert (await post_with(souk, eve.account.token))[0] == 401
    login = await result(souk.anonymous, LOGIN, email="eve@example.com", password=PASSWORD)
    assert login["__typename"] == "InvalidCredentials"
    sent = len(await mails(souk))
    signing_up = await result(
        souk.anonymous, REGISTER, email="eve@example.com", password=PASSWORD, fullname="Eve"
    )
    assert signing_up["__typename"] == "RegisterUserPayload", "the same answer as for any address"
    assert len([mail for mail in await mails(souk) if mail.to == "eve@example.com"]) <= sent
    row = await person(souk, eve)
    assert ada.account is not None
    assert (row.is_active, row.closed_by, row.email) == (False, ada.account.id, "eve@example.com")
    again = await result(ada, DELETE, userId=id_of(eve), reason="Once more.")
    assert again == answer
    assert [entry["action"] for entry in await recorded(souk)] == ["user.delete"]
    for document, more in ((UPDATE_USER, {"bio": "x"}), (SET_PASSWORD, {"password": PASSWORD})):
        refused = await result(ada, document, userId=id_of(eve), reason=WHY, **more)
        assert refused["__typename"] == "Conflict"


async def test_an_account_that_its_owner_closed_can_be_deleted_for_good(souk: Souk) -> None:
    ada = await admin(souk)
    await verified(souk, "eve@example.com", "Eve")
    eve = await registered(souk, "eve@example.com")
    await archived(eve)
    closed_at = (await person(souk, eve)).archived_at
    answer = await result(ada, DELETE, userId=id_of(eve), reason=WHY)
    assert answer["__typename"] == "DeleteUserPayload"
    login = await result(souk.anonymous, LOGIN, email="eve@example.com", password=PASSWORD)
    assert login["__typename"] == "InvalidCredentials"
    assert (await person(souk, eve)).archived_at == closed_at
    assert [entry["action"] for entry in await recorded(souk)] == ["user.delete"]


async def test_a_role_follows_within_the_next_request_here(souk: Souk) -> None:
    root = await super_admin(souk)
    await verified(souk, "eve@example.com", "Eve")
    eve = await registered(souk, "eve@example.com")
    assert eve.account is not None
    given = await result(root, SET_ROLE, userId=id_of(eve), role="ADMIN", reason=WHY)
    assert given["user"]["role"] == "ADMIN"
    answer = await result(souk.anonymous, REFRESH, refreshToken=eve.account.refresh_token)
    assert answer["user"]["role"] == "ADMIN"
    token = answer["accessToken"]
    users = "{ users { nodes { id } } }"
    assert "errors" not in (await post_with(souk, token, users))[1]
    await result(root, SET_ROLE, userId=id_of(eve), role="USER", reason="Mistake.")
    assert (await post_with(souk, token, users))[0] == 401, "what it named was taken away"
    assert (await post_with(souk, eve.account.token, ME))[0] == 200, "what it names is still so"
    await result(root, SET_ROLE, userId=id_of(eve), role="USER", reason="Once more.")
    entries = await recorded(souk)
    assert [entry["details"]["after"] for entry in entries] == [{"role": "ADMIN"}, {"role": "USER"}]
    assert entries[1]["details"]["before"] == {"role": "ADMIN"}


async def test_a_password_is_set_and_all_sessions_end(souk: Souk) -> None:
    ada = await admin(souk)
    await verified(souk, "eve@example.com", "Eve")
    eve = await registered(souk, "eve@example.com")
    assert eve.account is not None
    weak = await result(ada, SET_PASSWORD, userId=id_of(eve), password="password1", reason=WHY)
    assert weak["__typename"] == "WeakPassword"
    own = await result(ada, SET_PASSWORD, userId=id_of(eve), password="eve@example.com", reason=WHY)
    assert own["__typename"] == "WeakPassword"
    assert (await post_with(souk, eve.account.token))[0] == 200
    await result(souk.anonymous, START_RESET, channel="EMAIL", email="eve@example.com")
    reset = await newest_code(souk, "eve@example.com")
    fresh = "another horse battery"
    done = await result(ada, SET_PASSWORD, userId=id_of(eve), password=fresh, reason=WHY)
    assert done["__typename"] == "SetUserPasswordPayload"
    assert (await post_with(souk, eve.account.token))[0] == 401
    for password, kind in ((PASSWORD, "InvalidCredentials"), (fresh, "LoginPayload")):
        login = await result(souk.anonymous, LOGIN, email="eve@example.com", password=password)
        assert login["__typename"] == kind
    told = await newest_mail(souk, "eve@example.com")
    assert told.subject == "Your Souk password was changed"
    stale = await new_password(souk, reset, email="eve@example.com")
    assert stale["__typename"] == "CodeInvalid", "a code from before sets no other password"
    [entry] = await recorded(souk)
    assert (entry["action"], entry["reason"]) == ("user.set_password", WHY)
    assert fresh not in entry["content"]


DOINGS: list[tuple[str, dict[str, Any]]] = [
    (UPDATE_USER, {"bio": "changed"}),
    (DELETE, {}),
    (SET_ROLE, {"role": "USER"}),
    (SET_PASSWORD, {"password": "another horse battery"}),
]


async def test_nobody_acts_on_a_role_equal_to_their_own_or_above(souk: Souk) -> None:
    ada, root = await admin(souk), await super_admin(souk)
    other = await souk.member("Other Admin", Role.ADMIN)
    for actor, target in ((ada, other), (ada, ada), (ada, root), (root, root)):
        before = await person(souk, target)
        for document, more in DOINGS:
            answer = await result(actor, document, userId=id_of(target), reason=WHY, **more)
            kind = answer["__typename"]
            protected = target is root and document in (DELETE, SET_ROLE)
            assert kind == ("SuperAdminProtected" if protected else "RoleTooHigh"), document
            assert answer["path"] == ["input", "userId"]
        assert await person(souk, target) == before
    for actor, role in ((ada, "ADMIN"), (ada, "SUPER_ADMIN"), (root, "SUPER_ADMIN")):
        eve = await souk.member("Eve")
        answer = await result(actor, SET_ROLE, userId=id_of(eve), role=role, reason=WHY)
        assert (answer["__typename"], answer["path"]) == ("RoleTooHigh", ["input", "role"])
        assert (await person(souk, eve)).role == "USER"
    assert await recorded(souk) == []
    for document, more in (DOINGS[0], DOINGS[3], DOINGS[2], DOINGS[1]):
        answer = await result(root, document, userId=id_of(other), reason=WHY, **more)
        assert answer["__typename"].endswith("Payload"), "the super admin may with admins"


async def test_whom_nobody_knows_is_not_found(souk: Souk) -> None:
    ada = await admin(souk)
    nobody = "usr_01HWJ8WH9X8WBK65EMGY9YKPBS"
    for document, more in DOINGS:
        answer = await result(ada, document, userId=nobody, reason=WHY, **more)
        assert (answer["__typename"], answer["path"]) == ("NotFound", ["input", "userId"])
        values = {"userId": "prd_01HWJ8WH9X8WBK65EMGY9YKPBS", "reason": WHY, **more}
        assert (await ada.refused(document, input=values))["code"] == "BAD_USER_INPUT"
        blank = {"userId": nobody, "reason": "  ", **more}
        assert (await result(ada, document, **blank))["path"] == ["input", "reason"]
    assert await recorded(souk) == []


async def waiting(souk: Souk) -> bool:
    """True when somebody waits for a row that somebody else holds."""
    found = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(await souk.database.scalar(found))


@pytest.mark.parametrize("document", [DELETE, SET_ROLE, UPDATE_USER, SET_PASSWORD])
async def test_who_loses_the_role_in_between_does_nothing_more(souk: Souk, document: str) -> None:
    ada, eve = await admin(souk), await souk.member("Eve")
    assert ada.account is not None
    more = {"role": "STAFF"} if document == SET_ROLE else dict(DOINGS)[document]
    before = await person(souk, eve)
    demote = text("UPDATE user_account SET role = 'USER' WHERE id = :id").bindparams(
        id=ada.account.id
    )

    async def demoting(work: Any) -> asyncio.Task[dict[str, Any]]:
        await work.execute(demote)
        values = {"userId": id_of(eve), "reason": WHY, **more}
        task = asyncio.create_task(ada.refused(document, input=values))
        for _ in range(500):
            if await waiting(souk):
                return task
            await asyncio.sleep(0.02)
        raise AssertionError("nobody waits for the role to be decided")

    refused = await (await souk.database.run(demoting))
    assert refused["code"] == "FORBIDDEN"
    assert await person(souk, eve) == before
    assert await recorded(souk) == []


async def test_admins_who_act_at_once_act_one_after_the_other(souk: Souk) -> None:
    root = await super_admin(souk)
    ada, bea = await admin(souk), await souk.member("Bea", Role.ADMIN)
    eve = await souk.member("Eve")

    async def give(actor: Client, target: Client, role: str) -> str:
        body = {
            "query": SET_ROLE,
            "variables": {"input": {"userId": id_of(target), "role": role, "reason": WHY}},
        }
        response = await souk.http.post("/graphql", json=body, headers=actor.headers)
        found = (response.json().get("data") or {}).get("setUserRole") or {}
        return str(found.get("__typename"))

    kinds = await asyncio.gather(
        *[give(one, eve, role) for one in (ada, bea) for role in ("STAFF", "USER", "STAFF")],
        give(root, ada, "STAFF"),
        *[give(one, eve, role) for one in (root, ada) for role in ("USER", "STAFF")],
    )
    assert "SetUserRolePayload" in kinds
    assert (await person(souk, ada)).role == "STAFF"
    entries = await recorded(souk)
    assert ada.account is not None
    [demoted] = [place for place, one in enumerate(entries) if one["object_id"] == id_of(ada)]
    late = [one for one in entries[demoted:] if one["performed_by"] == ada.account.id]
    assert late == [], "who is no admin any more does nothing"
    # Each entry starts from where the one before it ended: none of them acted on old news.
    role = "USER"
    for entry in entries[:demoted] + entries[demoted + 1 :]:
        assert entry["details"]["before"]["role"] == role
        role = entry["details"]["after"]["role"]
    assert (await person(souk, eve)).role == role
