"""What somebody may do, told from the one table; and the heartbeat."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from auth.actor import Permission, Role
from auth.permissions import LEAST_ROLE, allows
from tests.clients.client import Souk
from tests.identity.administering import SET_ROLE, WHY, id_of, super_admin
from tests.identity.documents import result

GRANT = "{ name canDo leastRole }"
MINE = f"""query($name: Permission!) {{ permissions {GRANT} permission(name: $name) {GRANT}
  currentUser {{ permissions {GRANT} permission(name: $name) {GRANT} }} }}"""
OF_USER = f"""query($id: ID!, $name: Permission!) {{ user(id: $id) {{
  permissions {GRANT} permission(name: $name) {GRANT} }} }}"""
BEAT = "subscription($every: Int) { heartbeat(everySeconds: $every) { number sentAt } }"


def expected(role: Role) -> list[dict[str, Any]]:
    """What the table says of a role."""
    return [
        {"name": permission.value, "canDo": True, "leastRole": LEAST_ROLE[permission].value}
        for permission in Permission
        if allows(role, permission)
    ]


def test_every_permission_has_a_least_role_and_higher_roles_have_all_of_lower_ones() -> None:
    assert set(LEAST_ROLE) == set(Permission)
    for permission in Permission:
        has = [allows(role, permission) for role in Role]
        assert has == sorted(has), permission
        assert allows(Role.SUPER_ADMIN, permission)
        assert not allows(None, permission)
        assert not allows(Role.USER, permission)


async def test_each_role_is_told_what_it_may_do(souk: Souk) -> None:
    for role in Role:
        viewer = await souk.member(f"A {role}", role)
        seen = await viewer.run(MINE, name="MANAGE_CUSTOMERS")
        assert seen["permissions"] == expected(role)
        assert seen["permission"]["canDo"] is allows(role, Permission.MANAGE_CUSTOMERS)
        assert seen["currentUser"] == {
            "permissions": seen["permissions"],
            "permission": seen["permission"],
        }
    assert len(expected(Role.ADMIN)) > len(expected(Role.STAFF)) > len(expected(Role.USER)) == 0


async def test_anonymous_callers_and_unknown_permissions_are_refused(souk: Souk) -> None:
    for query in ("{ permissions { name } }", "{ permission(name: MANAGE_USERS) { canDo } }"):
        assert (await souk.anonymous.refused(query))["code"] == "UNAUTHENTICATED"
    eve = await souk.member("Eve")
    refused = await eve.refused("{ permission(name: MANAGE_EVERYTHING) { canDo } }")
    assert refused["code"] == "BAD_USER_INPUT"


async def test_what_others_may_do_admins_see_and_nobody_else(souk: Souk) -> None:
    staff = await souk.member("Stan Staff", Role.STAFF)
    ada, eve = await souk.member("Ada Admin", Role.ADMIN), await souk.member("Eve")
    values = {"id": id_of(staff), "name": "SIGN_IN_AS_STAFF"}
    seen = (await ada.run(OF_USER, **values))["user"]
    assert seen["permissions"] == expected(Role.STAFF)
    assert seen["permission"]["canDo"] is True
    assert (await eve.run(OF_USER, **values))["user"] is None
    assert (await souk.anonymous.run(OF_USER, **values))["user"] is None


async def test_permissions_follow_the_role(souk: Souk) -> None:
    root, eve = await super_admin(souk), await souk.member("Eve")
    await result(root, SET_ROLE, userId=id_of(eve), role="STAFF", reason=WHY)
    values = {"id": id_of(eve), "name": "MANAGE_CUSTOMERS"}
    assert (await root.run(OF_USER, **values))["user"]["permission"]["canDo"] is True
    # Eve's token still names the old role: what it may do, it is told.
    assert (await eve.run("{ permissions { name } }"))["permissions"] == []
    own = (await eve.run(OF_USER, **values))["user"]
    assert own["permission"]["canDo"] is True


async def test_the_heartbeat_tells_the_servers_time_again_and_again(souk: Souk) -> None:
    eve = await souk.member("Eve")
    async with eve.watch(BEAT, every=1) as watch:
        beats = [found["heartbeat"] for found in await watch.take(3)]
    assert [beat["number"] for beat in beats] == [1, 2, 3]
    moments = [datetime.fromisoformat(beat["sentAt"]) for beat in beats]
    pauses = [(after - before).total_seconds() for before, after in pairwise(moments)]
    assert all(0.9 < pause < 5 for pause in pauses), pauses
    assert abs((datetime.now(UTC) - moments[-1]).total_seconds()) < 5


@pytest.mark.parametrize("every", [0, -1, 61, 2**31 - 1])
async def test_a_heartbeat_is_neither_fast_nor_slow(souk: Souk, every: int) -> None:
    eve = await souk.member("Eve")
    async with eve.watch(BEAT, every=every) as watch:
        message = await watch.message()
    told = message["payload"]
    errors = told if isinstance(told, list) else told["errors"]
    assert errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_nobody_has_a_heartbeat_without_signing_in(souk: Souk) -> None:
    async with souk.anonymous.watch(BEAT) as watch:
        message = await watch.message()
    told = message["payload"]
    errors = told if isinstance(told, list) else told["errors"]
    assert errors[0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_leaving_ends_the_heartbeat(souk: Souk) -> None:
    eve = await souk.member("Eve")
    before = len(asyncio.all_tasks())
    async with eve.watch(BEAT, every=60) as watch:
        await watch.next()
    for _ in range(200):
        if len(asyncio.all_tasks()) <= before:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("something goes on for a client that has left")
