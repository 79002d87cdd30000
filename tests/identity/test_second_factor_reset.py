"""Somebody has lost every factor: admins turn them off, for lower roles only, on record."""

import pytest

from auth.actor import Role
from core.ids import encode_id
from tests.clients.client import Souk
from tests.identity.administering import WHY, id_of, recorded
from tests.identity.documents import logged_in, result
from tests.identity.factor_documents import count, execute, give, person_with_app

RESET = """mutation Reset($input: ResetTwoFactorInput!) { resetTwoFactor(input: $input) {
  __typename ... on ResetTwoFactorPayload { user { id } } ... on UserError { code path } } }"""


async def test_an_admin_turns_them_off_and_it_is_recorded_once(souk: Souk) -> None:
    ada = await person_with_app(souk)
    due = await ada.challenge()
    admin = await souk.member("Ada Admin", Role.ADMIN)
    input = {"userId": id_of(ada.client), "reason": WHY}
    for _ in range(2):
        done = await result(admin, RESET, **input)
        assert done["user"] == {"id": id_of(ada.client)}
    for table in ("second_factor", "recovery_code", "totp_enrollment"):
        assert await count(souk, table) == 0
    waiting = await give(souk, due["challenge"], "RECOVERY", ada.recovery_codes[0])
    assert waiting["__typename"] == "CodeInvalid"
    await logged_in(souk, ada.email)
    [entry] = await recorded(souk)
    assert (entry["action"], entry["object_id"]) == ("user.reset_two_factor", input["userId"])
    assert encode_id("usr", entry["performed_by"]) == id_of(admin)
    assert entry["reason"] == WHY
    assert entry["details"] == {"before": {"channels": ["TOTP"]}, "after": {"channels": []}}


@pytest.mark.parametrize(
    ("role", "target", "answer"),
    [
        (None, Role.USER, "UNAUTHENTICATED"),
        (Role.USER, Role.USER, "FORBIDDEN"),
        (Role.STAFF, Role.USER, "FORBIDDEN"),
        (Role.ADMIN, Role.ADMIN, "RoleTooHigh"),
        (Role.ADMIN, Role.SUPER_ADMIN, "RoleTooHigh"),
        (Role.SUPER_ADMIN, Role.ADMIN, "ResetTwoFactorPayload"),
    ],
)
async def test_only_for_roles_below_ones_own(
    souk: Souk, role: Role | None, target: Role, answer: str
) -> None:
    ada = await person_with_app(souk, role=target)
    if role is not None:
        actor = await souk.member("somebody", role)
    else:
        actor = souk.anonymous
    body = await actor.post(RESET, input={"userId": id_of(ada.client), "reason": WHY})
    if "errors" in body:
        assert body["errors"][0]["extensions"]["code"] == answer
    else:
        assert body["data"]["resetTwoFactor"]["__typename"] == answer
    gone = answer == "ResetTwoFactorPayload"
    assert await count(souk, "second_factor") == (0 if gone else 1)
    assert len(await recorded(souk)) == (1 if gone else 0)


async def test_it_needs_a_reason_and_an_open_account(souk: Souk) -> None:
    ada = await person_with_app(souk)
    admin = await souk.member("Ada Admin", Role.ADMIN)
    without = await result(admin, RESET, userId=id_of(ada.client), reason="  ")
    assert without["__typename"] == "InvalidInput"
    await execute(
        souk,
        "UPDATE user_account SET is_active = false, archived_at = now() WHERE id = :id",
        id=ada.client.account.id if ada.client.account else None,
    )
    closed = await result(admin, RESET, userId=id_of(ada.client), reason=WHY)
    assert closed["__typename"] == "Conflict"
    unknown = await result(admin, RESET, userId="usr_00000000000000000000000000", reason=WHY)
    assert unknown["__typename"] == "NotFound"
    assert await count(souk, "second_factor") == 1
    assert await recorded(souk) == []
