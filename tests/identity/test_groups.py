"""Groups of people: everybody reads, admins write (spec/02-identity.md#user)."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from auth.actor import Role
from core.database import recorded_statements
from tests.clients.client import Client, Souk
from tests.identity.documents import ME, result

_ERROR = "... on UserError { code message path }"
GROUP = "id groupName avatar isActive createdAt"
MEMBER = "id email createdAt group { id groupName } user { id fullname } owner { id fullname }"
CREATE = f"""mutation Create($input: CreateUserGroupInput!) {{ createUserGroup(input: $input) {{
  __typename ... on CreateUserGroupPayload {{ userGroup {{ {GROUP} }} }} {_ERROR} }} }}"""
UPDATE = f"""mutation Update($input: UpdateUserGroupInput!) {{ updateUserGroup(input: $input) {{
  __typename ... on UpdateUserGroupPayload {{ userGroup {{ {GROUP} }} }} {_ERROR} }} }}"""
DELETE = f"""mutation Delete($input: DeleteUserGroupInput!) {{ deleteUserGroup(input: $input) {{
  __typename ... on DeleteUserGroupPayload {{ userGroupId }} {_ERROR} }} }}"""
ADD = f"""mutation Add($input: AddUserToGroupInput!) {{ addUserToGroup(input: $input) {{
  __typename ... on AddUserToGroupPayload {{ userGroupMember {{ {MEMBER} }} }} {_ERROR} }} }}"""
REMOVE = f"""mutation Remove($input: RemoveUserFromGroupInput!) {{
  removeUserFromGroup(input: $input) {{ __typename ... on RemoveUserFromGroupPayload {{
  userGroupMemberId userGroup {{ members {{ totalCount }} }} }} {_ERROR} }} }}"""
ONE = f"query($id: ID!) {{ userGroup(id: $id) {{ {GROUP} }} }}"
ALL = f"""query($filter: UserGroupFilter, $first: Int) {{ userGroups(filter: $filter, first: $first)
  {{ totalCount nodes {{ {GROUP} members(first: 5) {{ totalCount nodes {{ {MEMBER} }} }} }} }} }}"""
MEMBERS = f"""query($id: ID!, $filter: UserGroupMemberFilter, $first: Int, $after: String) {{
  userGroupMembers(userGroupId: $id, filter: $filter, first: $first, after: $after) {{
  totalCount nodes {{ {MEMBER} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
NODE = f"""query($id: ID!) {{ node(id: $id) {{ id __typename
  ... on UserGroupMember {{ {MEMBER} }} }} }}"""


@dataclass
class Club:
    """A server with an admin and a group."""

    souk: Souk
    admin: Client
    id: str

    async def made(self, **input: Any) -> dict[str, Any]:
        """A new group."""
        answer = await result(self.admin, CREATE, **input)
        assert answer["__typename"] == "CreateUserGroupPayload", answer
        group: dict[str, Any] = answer["userGroup"]
        return group

    async def join(self, person: Client, group_id: str | None = None) -> dict[str, Any]:
        """A person put into the group by the admin."""
        answer = await result(
            self.admin, ADD, userGroupId=group_id or self.id, userId=await own_id(person)
        )
        assert answer["__typename"] == "AddUserToGroupPayload", answer
        member: dict[str, Any] = answer["userGroupMember"]
        return member

    async def scalar(self, statement: str) -> Any:
        """One value that is stored."""
        return await self.souk.database.scalar(text(statement))


async def own_id(client: Client) -> str:
    """The id of who asks."""
    found: str = (await client.run(ME))["currentUser"]["id"]
    return found


@pytest.fixture
async def club(souk: Souk) -> Club:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    club = Club(souk, admin, "")
    club.id = (await club.made(groupName="Chess Club"))["id"]
    return club


async def test_an_admin_makes_changes_and_deletes_a_group(club: Club) -> None:
    picture = "https://pictures.example/go.png"
    group = await club.made(groupName="  Go Club ", avatar=picture, reason="asked for")
    assert (group["groupName"], group["avatar"], group["isActive"]) == ("Go Club", picture, True)
    id_ = group["id"]
    assert id_.startswith("grp_")
    renamed = await result(club.admin, UPDATE, userGroupId=id_, groupName="Baduk Club")
    assert renamed["userGroup"] == {**group, "groupName": "Baduk Club"}
    bare = await result(club.admin, UPDATE, userGroupId=id_, avatar=None)
    assert bare["userGroup"] == {**group, "groupName": "Baduk Club", "avatar": None}
    assert (await club.souk.anonymous.run(ONE, id=id_))["userGroup"] == bare["userGroup"]
    for _ in range(2):
        assert (await result(club.admin, DELETE, userGroupId=id_))["userGroupId"] == id_
    assert (await club.souk.anonymous.run(ONE, id=id_))["userGroup"] is None
    seen = (await club.admin.run(ONE, id=id_))["userGroup"]
    assert (seen["groupName"], seen["isActive"]) == ("Baduk Club", False)
    assert (await result(club.admin, UPDATE, userGroupId=id_, groupName="x"))["code"] == "NOT_FOUND"
    await club.made(groupName="baduk club")  # the name is free again
    logged = await club.souk.database.rows(
        text("SELECT action, object_id FROM audit_entry ORDER BY sequence OFFSET 1")
    )
    assert [row.action for row in logged if row.object_id == id_] == [
        "group.create",
        "group.update",
        "group.update",
        "group.delete",
    ]


async def test_a_name_is_one_groups_whatever_its_case(club: Club) -> None:
    for name in ("Chess Club", "CHESS club"):
        answer = await result(club.admin, CREATE, groupName=name)
        assert (answer["__typename"], answer["path"]) == ("Conflict", ["input", "groupName"])
    answers = await asyncio.gather(
        *[result(club.admin, CREATE, groupName="Poker") for _ in range(4)]
    )
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == [*["Conflict"] * 3, "CreateUserGroupPayload"]
    other = await club.made(groupName="Draughts")
    taken = await result(club.admin, UPDATE, userGroupId=other["id"], groupName="chess club")
    assert taken["__typename"] == "Conflict"
    same = await result(club.admin, UPDATE, userGroupId=other["id"], groupName="DRAUGHTS")
    assert same["userGroup"]["groupName"] == "DRAUGHTS"


async def test_a_group_that_cannot_be_is_refused(club: Club) -> None:
    cases = [
        ({"groupName": " "}, "groupName"),
        ({"groupName": "x" * 101}, "groupName"),
        ({"groupName": "x", "avatar": "javascript:alert(1)"}, "avatar"),
        ({"groupName": "x", "avatar": "http://plain.example/x.png"}, "avatar"),
    ]
    for input, field in cases:
        answer = await result(club.admin, CREATE, **input)
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["input", field])
    assert await club.scalar("SELECT count(*) FROM user_group") == 1


async def test_only_admins_write_and_nothing_happens_otherwise(club: Club) -> None:
    zoe = await club.souk.member("Zoe")
    member = await club.join(zoe)
    bob = await club.souk.member("Bob")
    documents: list[tuple[str, dict[str, Any]]] = [
        (CREATE, {"groupName": "Mine"}),
        (UPDATE, {"userGroupId": club.id, "groupName": "Mine"}),
        (DELETE, {"userGroupId": club.id}),
        (ADD, {"userGroupId": club.id, "userId": await own_id(bob)}),
        (REMOVE, {"userGroupMemberId": member["id"]}),
    ]
    staff = await club.souk.member("Stan", Role.STAFF)
    callers = [(club.souk.anonymous, "UNAUTHENTICATED"), (bob, "FORBIDDEN"), (staff, "FORBIDDEN")]
    for client, code in callers:
        for document, input in documents:
            assert (await client.refused(document, input=input))["code"] == code
    assert await club.scalar("SELECT string_agg(group_name, ',') FROM user_group") == "Chess Club"
    assert await club.scalar("SELECT count(*) FROM user_group WHERE is_active") == 1
    assert await club.scalar("SELECT count(*) FROM user_group_member WHERE is_active") == 1
    root = await club.souk.member("Root", Role.SUPER_ADMIN)
    assert (await result(root, CREATE, groupName="Theirs"))["userGroup"]


async def test_a_person_is_in_a_group_once_and_can_be_taken_out(club: Club) -> None:
    zoe = await club.souk.member("Zoe Zimmer")
    id_ = await own_id(zoe)
    answers = await asyncio.gather(
        *[result(club.admin, ADD, userGroupId=club.id, userId=id_) for _ in range(4)]
    )
    assert len({answer["userGroupMember"]["id"] for answer in answers}) == 1
    member = answers[0]["userGroupMember"]
    assert member["user"] == {"id": id_, "fullname": "Zoe Zimmer"}
    assert member["owner"]["fullname"] == "Ada Admin"
    assert member["group"]["id"] == club.id
    seen = (await club.souk.anonymous.run(NODE, id=member["id"]))["node"]
    assert (seen["__typename"], seen["user"]["id"]) == ("UserGroupMember", id_)
    for _ in range(2):
        gone = await result(club.admin, REMOVE, userGroupMemberId=member["id"])
        assert gone["userGroup"]["members"]["totalCount"] == 0
    assert (await club.admin.run(NODE, id=member["id"]))["node"] is None
    again = await club.join(zoe)
    assert again["id"] != member["id"]
    logged = "SELECT count(*) FROM audit_entry WHERE action LIKE 'group.%member'"
    assert await club.scalar(logged) == 3
    for input in (
        {"userGroupId": club.id, "userId": "usr_" + "0" * 26},
        {"userGroupId": "grp_" + "0" * 26, "userId": id_},
    ):
        assert (await result(club.admin, ADD, **input))["code"] == "NOT_FOUND"


async def test_the_address_of_a_member_is_seen_by_admins_and_themselves_only(club: Club) -> None:
    zoe, bob = await club.souk.member("Zoe"), await club.souk.member("Bob")
    assert zoe.account is not None
    await club.join(zoe)
    await club.join(bob)
    for viewer, expected in ((club.souk.anonymous, None), (bob, None), (zoe, zoe.account.email)):
        listed = (await viewer.run(MEMBERS, id=club.id))["userGroupMembers"]["nodes"]
        assert listed[0]["email"] == expected
    listed = (await club.admin.run(MEMBERS, id=club.id))["userGroupMembers"]["nodes"]
    assert listed[0]["email"] == zoe.account.email


async def test_members_are_listed_in_order_and_found_by_person_and_admin(club: Club) -> None:
    people = [await club.souk.member(name) for name in ("Ann", "Bob", "Cyd")]
    for person in people:
        await club.join(person)
    first = (await club.souk.anonymous.run(MEMBERS, id=club.id, first=2))["userGroupMembers"]
    assert [member["user"]["fullname"] for member in first["nodes"]] == ["Ann", "Bob"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    rest = await club.souk.anonymous.run(
        MEMBERS, id=club.id, first=2, after=first["pageInfo"]["endCursor"]
    )
    assert [m["user"]["fullname"] for m in rest["userGroupMembers"]["nodes"]] == ["Cyd"]
    admin_id = await own_id(club.admin)
    cases = [
        ({"userId": await own_id(people[1])}, ["Bob"]),
        ({"ownerId": admin_id}, ["Ann", "Bob", "Cyd"]),
        ({"ownerId": await own_id(people[0])}, []),
    ]
    for wishes, expected in cases:
        found = (await club.souk.anonymous.run(MEMBERS, id=club.id, filter=wishes))[
            "userGroupMembers"
        ]
        assert [member["user"]["fullname"] for member in found["nodes"]] == expected
        assert found["totalCount"] == len(expected)
    # A closed account is seen in no group, except by admins.
    close = "UPDATE user_account SET is_active = false, archived_at = now() WHERE fullname = 'Ann'"
    await club.souk.database.run(lambda work: work.execute(text(close)))
    seen = (await club.souk.anonymous.run(MEMBERS, id=club.id))["userGroupMembers"]
    assert seen["totalCount"] == 2
    assert (await club.admin.run(MEMBERS, id=club.id))["userGroupMembers"]["totalCount"] == 3
    await result(club.admin, DELETE, userGroupId=club.id)
    seen = (await club.souk.anonymous.run(MEMBERS, id=club.id))["userGroupMembers"]
    assert (seen["totalCount"], seen["nodes"]) == (0, [])


async def test_groups_are_found_by_parts_of_name_and_picture(club: Club) -> None:
    await club.made(groupName="Go_Club", avatar="https://pictures.example/GO.png")
    await club.made(groupName="Bridge", avatar="https://else.example/bridge.gif")
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"groupName": ["CLUB"]}, ["Go_Club", "Chess Club"]),
        ({"groupName": ["brid", "go"]}, ["Bridge", "Go_Club"]),
        ({"groupName": ["_"]}, ["Go_Club"]),
        ({"groupName": ["%"]}, []),
        ({"avatar": ["go.PNG"]}, ["Go_Club"]),
        ({"hasAvatar": False}, ["Chess Club"]),
        ({"hasAvatar": True, "groupName": ["club"]}, ["Go_Club"]),
    ]
    viewer = await club.souk.member("Zoe")
    for wishes, expected in cases:
        found = (await viewer.run(ALL, filter=wishes, first=10))["userGroups"]
        assert [group["groupName"] for group in found["nodes"]] == expected, wishes
        assert found["totalCount"] == len(expected)


async def test_a_page_of_groups_costs_as_many_statements_as_one(club: Club) -> None:
    counts = []
    for number in range(3):
        group = await club.made(groupName=f"Group {number}")
        for name in ("Ann", "Bob"):
            await club.join(await club.souk.member(name), group["id"])
        with recorded_statements() as seen:
            page = (await club.admin.run(ALL))["userGroups"]["nodes"]
        counts.append(len([one for one in seen if "> now() -" not in one]))
    assert [group["members"]["totalCount"] for group in page] == [2, 2, 2, 0]
    assert len(set(counts)) == 1
