"""Who sees whom, and the lists of accounts: filters, sorts, pages, searching
(spec/01-api-conventions.md#lists)."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from auth.actor import Actor, Role
from core.database import UnitOfWork, recorded_statements
from core.ids import encode_id, new_id
from core.pages import PageRequest
from models.identity.people import UserSort, UserWishes, user_page
from resolvers.identity import import_accounts
from tests.clients.client import Client, Souk
from tests.identity.administering import DELETE, WHY, admin, id_of
from tests.identity.documents import result
from tests.identity.test_closing import written
from tests.identity.test_profile import PROFILE

LIST = f"""query L($filter: UserFilter, $sort: UserSort, $first: Int, $after: String, $last: Int,
  $before: String) {{ users(filter: $filter, sort: $sort, first: $first, after: $after, last: $last,
  before: $before) {{ totalCount nodes {{ {PROFILE} permissions {{ name }} }}
  pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }}"""
NAMES = """query L($filter: UserFilter, $sort: UserSort) {
  users(filter: $filter, sort: $sort, first: 100) { nodes { fullname } } }"""
SEARCH = """query S($keyword: String!, $role: [Role!], $first: Int, $after: String) {
  searchUsers(keyword: $keyword, role: $role, first: $first, after: $after) {
  totalCount nodes { fullname } pageInfo { endCursor } } }"""
USER = "query U($id: ID!) { user(id: $id) { id email fullname role } }"
PUBLIC = (
    "query P($id: ID!) { publicUser(id: $id) { __typename id fullname avatarUrl memberSince } }"
)


async def peopled(souk: Souk) -> Client:
    """An admin among people."""
    ada = await admin(souk)
    people = [
        ("zoe@example.com", "Zoe Zander", None),
        ("bob@work.example", "Bob Benson", None),
        ("ann@example.com", "ann Benson", None),
        ("percent@example.com", "100% Wool_Shop", None),
    ]
    await souk.database.run(lambda work: import_accounts(work, people))
    await souk.database.run(
        lambda work: import_accounts(work, [("stan@example.com", "Stan Staff", None)], Role.STAFF)
    )
    return ada


async def names(client: Client, **variables: Any) -> list[str]:
    """The names of a list in its order."""
    found = (await client.run(NAMES, **variables))["users"]["nodes"]
    return [node["fullname"] for node in found]


async def test_an_account_is_seen_by_its_owner_and_by_admins(souk: Souk) -> None:
    ada, eve = await admin(souk), await souk.member("Eve Evans")
    bob, staff = await souk.member("Bob"), await souk.member("Stan Staff", Role.STAFF)
    assert (await eve.run(USER, id=id_of(eve)))["user"]["fullname"] == "Eve Evans"
    assert eve.account is not None
    assert (await ada.run(USER, id=id_of(eve)))["user"]["email"] == eve.account.email
    for viewer in (souk.anonymous, bob, staff):
        assert await viewer.run(USER, id=id_of(eve)) == {"user": None}
        assert await viewer.run(USER, id=encode_id("usr", new_id())) == {"user": None}
    wrong = await eve.refused(USER, id="prd_01HWJ8WH9X8WBK65EMGY9YKPBS")
    assert (wrong["code"], wrong["extensions"]["argument"]) == ("BAD_USER_INPUT", "id")


async def test_everybody_sees_the_brief_of_a_person_who_has_an_account(souk: Souk) -> None:
    ada, eve = await admin(souk), await souk.member("Eve Evans")
    seen = (await souk.anonymous.run(PUBLIC, id=id_of(eve)))["publicUser"]
    assert (seen["id"], seen["fullname"]) == (id_of(eve), "Eve Evans")
    assert seen["avatarUrl"].startswith("http")
    error = await souk.anonymous.refused(
        "query P($id: ID!) { publicUser(id: $id) { email } }", id="x"
    )
    assert error["code"] == "BAD_USER_INPUT"
    await result(ada, DELETE, userId=id_of(eve), reason=WHY)
    for viewer in (souk.anonymous, ada):
        assert await viewer.run(PUBLIC, id=id_of(eve)) == {"publicUser": None}
    nobody = encode_id("usr", new_id())
    assert await souk.anonymous.run(PUBLIC, id=nobody) == {"publicUser": None}
    assert (await ada.run(USER, id=id_of(eve)))["user"]["fullname"] == "Eve Evans"


async def test_filters_hold_together(souk: Souk) -> None:
    ada = await peopled(souk)
    wanted: list[tuple[dict[str, Any], list[str]]] = [
        ({"fullname": "BENSON"}, ["Bob Benson", "ann Benson"]),
        ({"fullname": "benson", "email": "@WORK"}, ["Bob Benson"]),
        ({"email": "zoe"}, ["Zoe Zander"]),
        ({"fullname": "100%"}, ["100% Wool_Shop"]),
        ({"fullname": "l_s"}, ["100% Wool_Shop"]),
        ({"fullname": "_"}, ["100% Wool_Shop"]),
        ({"role": ["STAFF"]}, ["Stan Staff"]),
        ({"role": ["STAFF", "ADMIN"]}, ["Ada Admin", "Stan Staff"]),
        ({"role": ["STAFF"], "fullname": "zoe"}, []),
        ({"role": [], "fullname": " zoe "}, ["Zoe Zander"]),
    ]
    for filter, expected in wanted:
        assert await names(ada, filter=filter) == expected, filter
    for wrong in ({"role": ["KING"]}, {"email": "x" * 101}, {"fullname": "a\x00"}):
        assert (await ada.refused(NAMES, filter=wrong))["code"] == "BAD_USER_INPUT"


async def test_closed_accounts_are_listed_when_asked_for(souk: Souk) -> None:
    ada, eve = await admin(souk), await souk.member("Eve Evans")
    await result(ada, DELETE, userId=id_of(eve), reason=WHY)
    assert await names(ada) == ["Ada Admin"]
    assert await names(ada, filter={"archived": True}) == ["Eve Evans"]
    assert sorted(await names(ada, filter={"archived": None})) == ["Ada Admin", "Eve Evans"]
    listed = (await ada.run(LIST, filter={"archived": True}))["users"]["nodes"]
    assert listed[0]["archivedAt"] is not None
    assert listed[0]["permissions"] == []


async def test_sorts(souk: Souk) -> None:
    ada = await peopled(souk)
    by_age = ["Ada Admin", "Zoe Zander", "Bob Benson", "ann Benson", "100% Wool_Shop", "Stan Staff"]
    assert await names(ada) == by_age
    assert await names(ada, sort="NEWEST") == by_age[::-1]
    by_name = await names(ada, sort="FULLNAME")
    assert by_name == sorted(by_age, key=str.lower)
    by_email = await names(ada, sort="EMAIL", filter={"email": "example.com", "fullname": "n"})
    assert (
        by_email.index("ann Benson") < by_email.index("Stan Staff") < by_email.index("Zoe Zander")
    )


@pytest.mark.parametrize("sort", ["OLDEST", "NEWEST", "FULLNAME", "EMAIL"])
async def test_pages_are_complete_and_do_not_jump(souk: Souk, sort: str) -> None:
    ada = await peopled(souk)
    twins = [(f"{new_id()}@example.com", "Same Name", None) for _ in range(3)]
    await souk.database.run(lambda work: import_accounts(work, twins))
    everybody = (await ada.run(LIST, sort=sort, first=100))["users"]
    assert everybody["totalCount"] == len(everybody["nodes"]) == 9
    seen: list[str] = []
    after = None
    while True:
        page = (await ada.run(LIST, sort=sort, first=2, after=after))["users"]
        seen += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == [node["id"] for node in everybody["nodes"]]
    back = (await ada.run(LIST, sort=sort, last=3, before=after))["users"]
    index = seen.index(back["nodes"][-1]["id"])
    assert [node["id"] for node in back["nodes"]] == seen[index - 2 : index + 1]
    other = "NEWEST" if sort != "NEWEST" else "EMAIL"
    assert (await ada.refused(LIST, sort=other, after=after))["code"] == "BAD_USER_INPUT"


async def test_a_page_costs_one_statement_whatever_its_length(souk: Souk) -> None:
    ada = await peopled(souk)
    counts = []
    for first in (1, 6):
        with recorded_statements() as sent:
            await ada.run(LIST, first=first)
        counts.append(len(sent))
    assert counts == [2, 2], "the page and its total"
    with recorded_statements() as sent:
        await ada.run(NAMES)
    assert len(sent) == 1
    with recorded_statements() as sent:
        await ada.run(SEARCH, keyword="example")
    assert len(sent) == 2


async def test_searching_finds_parts_of_names_and_addresses(souk: Souk) -> None:
    ada = await peopled(souk)
    wanted: list[tuple[str, list[str]]] = [
        ("bens", ["ann Benson", "Bob Benson"]),
        ("WORK.EX", ["Bob Benson"]),
        ("  zoe  ", ["Zoe Zander"]),
        ("100%", ["100% Wool_Shop"]),
        ("nobody at all", []),
    ]
    for keyword, expected in wanted:
        found = (await ada.run(SEARCH, keyword=keyword))["searchUsers"]
        assert [node["fullname"] for node in found["nodes"]] == expected, keyword
        assert found["totalCount"] == len(expected)
    staff = (await ada.run(SEARCH, keyword="example.com", role=["STAFF"]))["searchUsers"]
    assert [node["fullname"] for node in staff["nodes"]] == ["Stan Staff"]
    first = (await ada.run(SEARCH, keyword="benson", first=1))["searchUsers"]
    rest = await ada.run(SEARCH, keyword="benson", after=first["pageInfo"]["endCursor"])
    assert [node["fullname"] for node in rest["searchUsers"]["nodes"]] == ["Bob Benson"]
    for keyword in ("", "  ", "ab", " ab ", "x" * 101, "ab\x00c"):
        assert (await ada.refused(SEARCH, keyword=keyword))["code"] == "BAD_USER_INPUT", keyword


async def test_only_admins_list_and_search(souk: Souk) -> None:
    staff, eve = await souk.member("Stan Staff", Role.STAFF), await souk.member("Eve")
    for viewer, code in (
        (souk.anonymous, "UNAUTHENTICATED"),
        (eve, "FORBIDDEN"),
        (staff, "FORBIDDEN"),
    ):
        for query in (
            "{ users { nodes { id } } }",
            "{ users { totalCount } }",
            '{ searchUsers(keyword: "example") { totalCount } }',
        ):
            with recorded_statements() as sent:
                assert (await viewer.refused(query))["code"] == code
            assert sent == []


async def test_the_lists_are_read_off_their_indexes(souk: Souk) -> None:
    many = text(
        "INSERT INTO user_account (id, email, fullname) SELECT gen_random_uuid(),"
        " 'person' || n || '@example.com', 'Person ' || n FROM generate_series(1, 20000) n"
    )
    await souk.database.run(lambda work: work.execute(many))
    # What autovacuum does after a while.
    for chore in (
        "SELECT gin_clean_pending_list('ix_user_account_search')",
        "ANALYZE user_account",
    ):
        await written(souk, chore)
    actor = Actor(new_id(), new_id(), Role.ADMIN)
    page = PageRequest(20)
    wanted = [
        (UserWishes(keyword="son 12345"), UserSort.OLDEST, "ix_user_account_search"),
        (UserWishes(email="person12345"), UserSort.OLDEST, "ix_user_account_search"),
        (UserWishes(roles=(Role.STAFF,)), UserSort.OLDEST, "ix_user_account_role"),
        (UserWishes(), UserSort.FULLNAME, "ix_user_account_fullname"),
        (UserWishes(), UserSort.EMAIL, "uq_user_account_email"),
        (UserWishes(), UserSort.OLDEST, "pk_user_account"),
    ]
    for wishes, sort, index in wanted:
        plan = await explained(souk, user_page(actor, wishes, sort, page))
        assert index in plan, plan


async def explained(souk: Souk, statement: Any) -> str:
    """How the database runs a statement when the table is too big to be read through."""

    async def explain(work: UnitOfWork) -> str:
        await work.execute(text("SET LOCAL enable_seqscan = off"))
        compiled = statement.compile(
            dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
            compile_kwargs={"literal_binds": True},
        )
        return "\n".join(row[0] for row in await work.rows(text(f"EXPLAIN {compiled}")))

    return await souk.database.run(explain)
