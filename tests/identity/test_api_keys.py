"""API keys (spec/10-admin-compliance.md#api-keys): making them, what they may do, ending them."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from auth.actor import Actor, Role
from auth.api_keys import new_api_key
from core.database import recorded_statements
from graph.roots import root_field
from schema import build_schema as our_schema
from serving.key_scopes import PAYING, REFUSED, WRITING
from tests.clients.client import Client, Souk
from tests.clients.market import PLACE_BID, WATCH, Market, usd
from tests.identity.documents import LOGIN, ME, PASSWORD, result
from tests.media import files, scenes

KEY = "id prefix description scopes active createdAt expiresAt lastUsedAt revokedAt owner { id }"
CREATE = f"""mutation Create($input: CreateApiKeyInput!) {{ createApiKey(input: $input) {{
  __typename ... on CreateApiKeyPayload {{ secret apiKey {{ {KEY} }} }}
  ... on TooManyKeys {{ limit }} ... on UserError {{ code message path }} }} }}"""
UPDATE = f"""mutation Update($input: UpdateApiKeyInput!) {{ updateApiKey(input: $input) {{
  __typename ... on UpdateApiKeyPayload {{ apiKey {{ {KEY} }} }}
  ... on UserError {{ code message path }} }} }}"""
REVOKE = f"""mutation Revoke($input: RevokeApiKeyInput!) {{ revokeApiKey(input: $input) {{
  __typename ... on RevokeApiKeyPayload {{ apiKey {{ {KEY} }} }}
  ... on UserError {{ code message path }} }} }}"""
LIST = f"""query List($filter: ApiKeyFilter) {{ apiKeys(filter: $filter, first: 100) {{
  totalCount nodes {{ {KEY} }} }} }}"""
PROFILE = """mutation { updateProfile(input: { bio: "by a key" }) {
  __typename ... on UserError { code message } } }"""
CATEGORY = """mutation { createCategory(input: { title: "By a key" }) {
  __typename ... on UserError { code } } }"""


async def made(client: Client, *scopes: str, **input: Any) -> dict[str, Any]:
    """The payload of a new key."""
    answer = await result(client, CREATE, scopes=list(scopes) or ["READ"], **input)
    assert answer["__typename"] == "CreateApiKeyPayload", answer
    return answer


def by_key(client: Client, secret: str) -> Client:
    """The same person by a key."""
    assert client.account is not None
    return replace(client, account=replace(client.account, token=secret))


async def keyed(client: Client, *scopes: str) -> Client:
    """The same person by a new key of these scopes."""
    return by_key(client, (await made(client, *scopes))["secret"])


async def scalar(souk: Souk, statement: str) -> Any:
    """One value that is stored."""
    return await souk.database.scalar(text(statement))


async def do(souk: Souk, statement: str, **values: Any) -> None:
    """Changes what is stored."""
    bound = text(statement).bindparams(**values)
    await souk.database.run(lambda work: work.execute(bound))


async def test_a_key_is_shown_once_and_stored_as_a_hash(souk: Souk) -> None:
    ana = await souk.member("Ana")
    assert ana.account is not None
    answer = await made(ana, "WRITE", "READ", "READ", description="  my shop's robot ")
    secret, key = answer["secret"], answer["apiKey"]
    assert (secret[:8], secret[8:16], len(secret)) == ("sk_souk_", key["prefix"], 59)
    assert (key["scopes"], key["active"]) == (["READ", "WRITE"], True)
    assert (key["description"], key["expiresAt"]) == ("my shop's robot", None)
    assert (key["lastUsedAt"], key["revokedAt"]) == (None, None)
    row = await souk.database.first(text("SELECT * FROM api_key"))
    assert row is not None
    assert secret[16:] not in str(row)
    assert row.owner_id == ana.account.id
    # The entry of the audit log holds the prefix and nothing of the rest.
    logged = await scalar(souk, "SELECT string_agg(content, ' ') FROM audit_detail")
    assert key["prefix"] in logged
    assert secret[16:] not in logged
    me = await by_key(ana, secret).run(ME)
    assert me["currentUser"]["email"] == ana.account.email


async def test_what_cannot_be_a_key_is_refused(souk: Souk) -> None:
    ana = await souk.member("Ana")
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"scopes": []}, ["input", "scopes"]),
        ({"scopes": ["READ"], "expiresAt": "2020-01-01T00:00:00Z"}, ["input", "expiresAt"]),
        ({"scopes": ["READ"], "description": "x" * 201}, ["input", "description"]),
    ]
    for input, path in cases:
        answer = await result(ana, CREATE, **input)
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", path)
    refused = await ana.refused(CREATE, input={"scopes": ["READ", "ADMIN"]})
    assert refused["code"] == "FORBIDDEN"
    staff = await souk.member("Stan", Role.STAFF)
    assert (await staff.refused(CREATE, input={"scopes": ["ADMIN"]}))["code"] == "FORBIDDEN"
    anonymous = await souk.anonymous.refused(CREATE, input={"scopes": ["READ"]})
    assert anonymous["code"] == "UNAUTHENTICATED"
    await do(souk, "UPDATE user_account SET email_verified = false")
    unproven = await result(ana, CREATE, scopes=["READ"])
    assert unproven["__typename"] == "EmailVerificationNeeded"
    assert await scalar(souk, "SELECT count(*) FROM api_key") == 0


async def test_an_account_has_at_most_ten_active_keys_also_at_once(souk: Souk) -> None:
    ana = await souk.member("Ana")
    for _ in range(8):
        await made(ana)
    answers = await asyncio.gather(*[result(ana, CREATE, scopes=["READ"]) for _ in range(5)])
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == [*["CreateApiKeyPayload"] * 2, *["TooManyKeys"] * 3]
    assert {answer["limit"] for answer in answers if "limit" in answer} == {10}
    # Revoked and expired ones do not count.
    revoked = next(answer for answer in answers if "apiKey" in answer)["apiKey"]["id"]
    await result(ana, REVOKE, apiKeyId=revoked)
    await do(
        souk,
        "UPDATE api_key SET created_at = now() - interval '2 days', expires_at = now() - "
        "interval '1 day' WHERE id = (SELECT id FROM api_key WHERE revoked_at IS NULL LIMIT 1)",
    )
    await made(ana)
    await made(ana)
    assert (await result(ana, CREATE, scopes=["READ"]))["__typename"] == "TooManyKeys"


async def test_a_key_may_what_its_scopes_say(market: Market, seller: Client) -> None:
    product = await market.auction(seller)
    alice = await market.souk.member("Alice")
    bid = {"productId": product["id"], "amount": usd("10.00")}
    read, write, pay = [await keyed(alice, scope) for scope in ("READ", "WRITE", "PAY")]
    assert (await read.run(ME))["currentUser"]
    for client in (write, pay):
        assert (await client.refused(ME))["code"] == "FORBIDDEN"
    for client in (read, pay):
        assert (await client.refused(PROFILE))["code"] == "FORBIDDEN"
    for client in (read, write):
        assert (await client.refused(PLACE_BID, input=bid))["code"] == "FORBIDDEN"
    souk = market.souk
    assert await scalar(souk, "SELECT count(*) FROM bid") == 0
    assert await scalar(souk, "SELECT count(*) FROM user_account WHERE bio IS NOT NULL") == 0
    assert (await pay.run(PLACE_BID, input=bid))["placeBid"]["__typename"] == "PlaceBidPayload"
    assert "Payload" in (await write.run(PROFILE))["updateProfile"]["__typename"]
    # A mutation that pays hidden among others, behind aliases and fragments, is found.
    hidden = """mutation($input: PlaceBidInput!) { a: updateProfile(input: { bio: "x" }) {
      __typename } ... on Mutation { ...F } }
      fragment F on Mutation { b: placeBid(input: $input) @skip(if: true) { __typename } }"""
    assert (await write.refused(hidden, input=bid))["code"] == "FORBIDDEN"
    assert await scalar(souk, "SELECT bio FROM user_account WHERE bio IS NOT NULL") == "by a key"


async def test_only_the_scope_admin_gives_an_admins_rights(souk: Souk) -> None:
    admin = await souk.member("Ada", Role.ADMIN)
    plain, full = await keyed(admin, "READ", "WRITE"), await keyed(admin, "READ", "WRITE", "ADMIN")
    users = "{ users { totalCount } }"
    assert (await plain.refused(users))["code"] == "FORBIDDEN"
    assert (await plain.refused(CATEGORY))["code"] == "FORBIDDEN"
    assert await scalar(souk, "SELECT count(*) FROM category") == 0
    # What an admin sees beyond others is not seen by a key without the scope.
    stranger = await souk.member("Zoe")
    assert stranger.account is not None
    person = f'{{ node(id: "{await own_id(stranger)}") {{ __typename }} }}'
    assert (await plain.run(person))["node"]["__typename"] == "PublicUser"
    assert (await full.run(person))["node"]["__typename"] == "User"
    assert (await full.run(users))["users"]["totalCount"] >= 2
    assert "Payload" in (await full.run(CATEGORY))["createCategory"]["__typename"]
    # The role is read afresh: a lost one is lost to the key with the next request.
    await do(souk, "UPDATE user_account SET role = 'STAFF' WHERE role = 'ADMIN'")
    assert (await full.refused(users))["code"] == "FORBIDDEN"


async def own_id(client: Client) -> str:
    """The id of who asks."""
    found: str = (await client.run(ME))["currentUser"]["id"]
    return found


PERSONS_ONLY = [
    'mutation { changePassword(input: { oldPassword: "a", newPassword: "b", '
    'confirmation: "b" }) { __typename } }',
    "mutation { logout { __typename } }",
    "mutation { revokeAllSessions(input: {}) { __typename } }",
    "{ sessions { totalCount } }",
    "{ apiKeys { totalCount } }",
    "{ linkedIdentities { totalCount } }",
    "mutation { createApiKey(input: { scopes: [ADMIN] }) { __typename } }",
]


async def test_a_key_never_touches_passwords_keys_and_sessions(souk: Souk) -> None:
    root = await souk.member("Root", Role.SUPER_ADMIN)
    mine = await made(root, "READ", "WRITE", "PAY", "ADMIN")
    client = by_key(root, mine["secret"])
    for document in PERSONS_ONLY:
        refused = await client.refused(document)
        assert refused["code"] == "FORBIDDEN", (document, refused)
    again = {"apiKeyId": mine["apiKey"]["id"]}
    for document in (UPDATE, REVOKE):
        assert (await client.refused(document, input=again))["code"] == "FORBIDDEN"
    login = {"email": "nobody@example.com", "password": PASSWORD}
    assert (await client.refused(LOGIN, input=login))["code"] == "FORBIDDEN"
    session = (await root.run("{ currentSession { id } }"))["currentSession"]["id"]
    for id_ in (mine["apiKey"]["id"], session):
        assert (await client.run(f'{{ node(id: "{id_}") {{ id }} }}'))["node"] is None
        assert (await root.run(f'{{ node(id: "{id_}") {{ id }} }}'))["node"] == {"id": id_}
    assert await scalar(souk, "SELECT count(*) FROM api_key WHERE revoked_at IS NULL") == 1
    assert await scalar(souk, "SELECT count(*) FROM session WHERE revoked_at IS NOT NULL") == 0


def test_every_mutation_says_what_a_key_may() -> None:
    # Those that are declared by graph/ stop the start when they say nothing.
    ours = our_schema()._schema.mutation_type
    assert ours is not None
    mutations = {name for name, field in ours.fields.items() if root_field(field) is None}
    assert mutations - (PAYING | WRITING | REFUSED) == set(), "say in serving/key_scopes.py"
    # Whatever sounds like getting in or staying in is refused.
    sounds = [
        "password",
        "session",
        "login",
        "logout",
        "factor",
        "apikey",
        "verification",
        "role",
        "totp",
        "recovery",
        "consent",
        "gdpr",
        "identity",
        "relogin",
        "archiveprofile",
    ]
    suspicious = {name for name in mutations if any(word in name.lower() for word in sounds)}
    assert suspicious - REFUSED == set()


async def test_unknown_revoked_and_expired_keys_get_one_answer(souk: Souk) -> None:
    ana, bob = await souk.member("Ana"), await souk.member("Bob")
    expired, revoked, closed = await made(ana), await made(ana), await made(bob)
    await do(
        souk,
        "UPDATE api_key SET created_at = now() - interval '2 days', expires_at = now() - "
        "interval '1 second' WHERE prefix = :prefix",
        prefix=expired["apiKey"]["prefix"],
    )
    assert bob.account is not None
    await result(ana, REVOKE, apiKeyId=revoked["apiKey"]["id"])
    await do(
        souk,
        "UPDATE user_account SET is_active = false, archived_at = now() WHERE id = :id",
        id=bob.account.id,
    )
    wrong = (await made(ana))["secret"][:-1]
    answers = []
    unknown = new_api_key().secret
    keys = [
        unknown,
        expired["secret"],
        revoked["secret"],
        closed["secret"],
        "sk_souk_",
        f"{wrong}~",
    ]
    for key in [*keys, f"{wrong}{'a' if wrong[-1] != 'a' else 'b'}"[: len(unknown)]]:
        response = await souk.http.post(
            "/graphql", json={"query": ME}, headers={"Authorization": f"Bearer {key}"}
        )
        answers.append((response.status_code, response.json()["errors"][0]))
    assert answers[0][0] == 401
    assert answers[0][1]["extensions"]["code"] == "UNAUTHENTICATED"
    assert all(answer == answers[0] for answer in answers)


async def test_a_revoked_key_is_refused_by_the_next_request_and_stays_revoked(souk: Souk) -> None:
    ana = await souk.member("Ana")
    answer = await made(ana)
    client = by_key(ana, answer["secret"])
    await client.run(ME)
    # Behind the server's back, as another process would.
    await do(souk, "UPDATE api_key SET revoked_at = now()")
    assert (await client.refused(ME))["code"] == "UNAUTHENTICATED"
    first = await result(ana, REVOKE, apiKeyId=answer["apiKey"]["id"])
    again = await result(ana, REVOKE, apiKeyId=answer["apiKey"]["id"])
    assert first == again
    assert (first["apiKey"]["active"], first["apiKey"]["revokedAt"] is None) == (False, False)
    logged = "SELECT count(*) FROM audit_entry WHERE action = 'api_key.revoke'"
    assert await scalar(souk, logged) == 0  # it had ended before
    other = await made(ana)
    for _ in range(2):
        await result(ana, REVOKE, apiKeyId=other["apiKey"]["id"])
    assert await scalar(souk, logged) == 1


async def test_closing_an_account_ends_its_keys_for_good(souk: Souk) -> None:
    ana = await souk.member("Ana")
    assert ana.account is not None
    client = await keyed(ana)
    close = """mutation Close($input: ArchiveProfileInput!) {
      archiveProfile(input: $input) { __typename } }"""
    await result(ana, close, email=ana.account.email)
    assert (await client.refused(ME))["code"] == "UNAUTHENTICATED"
    # Restored by logging in, the account has to make new ones.
    await do(souk, "UPDATE user_account SET is_active = true, archived_at = NULL")
    assert (await client.refused(ME))["code"] == "UNAUTHENTICATED"
    assert await scalar(souk, "SELECT count(*) FROM api_key WHERE revoked_at IS NULL") == 0


async def test_checking_a_key_costs_one_statement_and_its_use_is_noted_once_a_minute(
    souk: Souk,
) -> None:
    ana = await souk.member("Ana")
    client = await keyed(ana)
    nothing = "{ __typename }"
    with recorded_statements() as cold:
        await client.run(nothing)
        for _ in range(100):
            if used := await scalar(souk, "SELECT last_used_at FROM api_key"):
                break
            await asyncio.sleep(0.02)
    assert used is not None
    assert (used.second, used.microsecond) == (0, 0)
    assert len([one for one in cold if one.startswith("UPDATE api_key")]) == 1
    with recorded_statements() as warm:
        await client.run(nothing)
    about_keys = [one for one in warm if "api_key" in one and "revoked_at > now()" not in one]
    assert len(about_keys) <= 1 or used.minute != await scalar(
        souk, "SELECT extract(minute FROM now())"
    )
    [key] = (await ana.run(LIST))["apiKeys"]["nodes"]
    assert key["lastUsedAt"].startswith(used.isoformat()[:16])


async def test_owners_see_and_end_their_own_keys_and_admins_all(souk: Souk) -> None:
    ana, bob = await souk.member("Ana"), await souk.member("Bob")
    admin = await souk.member("Ada", Role.ADMIN)
    mine, his = await made(ana, description="mine"), await made(bob)
    listed = (await ana.run(LIST))["apiKeys"]
    assert (listed["totalCount"], listed["nodes"]) == (1, [mine["apiKey"]])
    for document in (UPDATE, REVOKE):
        answer = await result(ana, document, apiKeyId=his["apiKey"]["id"])
        assert answer["__typename"] == "NotFound"
    hidden = await ana.run(f'{{ node(id: "{his["apiKey"]["id"]}") {{ id }} }}')
    assert hidden["node"] is None
    assert await scalar(souk, "SELECT count(*) FROM api_key WHERE revoked_at IS NULL") == 2
    described = await result(ana, UPDATE, apiKeyId=mine["apiKey"]["id"], description="yours")
    assert described["apiKey"] == {**mine["apiKey"], "description": "yours"}
    assert (await admin.run(LIST))["apiKeys"]["totalCount"] == 2
    await result(admin, REVOKE, apiKeyId=his["apiKey"]["id"])
    assert (await by_key(bob, his["secret"]).refused(ME))["code"] == "UNAUTHENTICATED"
    active = (await admin.run(LIST, filter={"active": True}))["apiKeys"]["nodes"]
    assert [key["description"] for key in active] == ["yours"]
    own = {"ownerId": await own_id(bob), "active": False}
    assert (await admin.run(LIST, filter=own))["apiKeys"]["totalCount"] == 1
    assert (await souk.anonymous.refused(LIST))["code"] == "UNAUTHENTICATED"


async def test_a_list_of_keys_costs_as_many_statements_as_one_key(souk: Souk) -> None:
    admin = await souk.member("Ada", Role.ADMIN)
    counts = []
    for name in ("Ana", "Bob", "Cyd"):
        await made(await souk.member(name))
        with recorded_statements() as seen:
            await admin.run(LIST)
        counts.append(len([one for one in seen if "> now() -" not in one]))
    assert len(set(counts)) == 1


async def test_a_key_watches_until_it_is_revoked(market: Market, seller: Client) -> None:
    product = await market.auction(seller)
    ana = await market.souk.member("Ana")
    answer, blind = await made(ana, "READ"), await keyed(ana, "WRITE")
    async with blind.watch(WATCH, id=product["id"]) as watch:
        assert (await watch.message())["type"] == "error"
    authenticator = market.souk.services.authenticator
    actor: Actor = await authenticator.actor(answer["secret"], "127.0.0.1")
    authenticator.check(actor)
    async with by_key(ana, answer["secret"]).watch(WATCH, id=product["id"]) as watch:
        assert (await market.bid(ana, product["id"], "10.00"))["__typename"] == "PlaceBidPayload"
        assert (await watch.next())["auction"]
    await do(market.souk, "UPDATE api_key SET revoked_at = now()")
    await authenticator.look()
    with pytest.raises(Exception, match="not accepted"):
        authenticator.check(actor)


async def test_a_key_uploads_with_the_scope_to_write(souk: Souk) -> None:
    ana = await souk.member("Ana")
    refused: httpx.Response = await scenes.post(await keyed(ana, "READ"), files.picture(), None)
    assert refused.status_code == 403
    taken = await scenes.post(await keyed(ana, "WRITE"), files.picture(), None)
    assert taken.status_code == 201
