"""Signing keys that rotate while tokens are in use, seen by another service that knows nothing of
us but /.well-known/jwks.json (spec/02-identity.md#tokens)."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import text

from auth.actor import Role
from auth.tokens import Names, sign_access_token
from resolvers.identity.signing_keys import rotate_signing_key
from tests.clients.client import Souk
from tests.identity.documents import REFRESH, post_with, result

USERS = 4


@dataclass
class Verifier:
    """Another service, with the keys as it fetched them last."""

    souk: Souk
    keys: KeySet = field(default_factory=lambda: KeySet([]))

    async def fetch(self) -> set[str]:
        """Fetches the keys anew and gives their ids."""
        answer = (await self.souk.http.get("/.well-known/jwks.json")).json()
        self.keys = KeySet.import_key_set(answer)
        return {key["kid"] for key in answer["keys"]}

    def accepts(self, token: str) -> bool:
        """True for a token that one of these keys signed and that has not expired."""
        try:
            found = jwt.decode(token, self.keys, algorithms=["RS256"])
            jwt.JWTClaimsRegistry(exp={"essential": True}).validate(found.claims)
        except (JoseError, ValueError):
            return False
        return True


@dataclass
class Users:
    """People who go on using and refreshing their sessions whatever happens to the keys."""

    souk: Souk
    verifier: Verifier
    refused: list[str] = field(default_factory=list)
    kids: set[str] = field(default_factory=set)
    rounds: int = 0
    ended: bool = False

    async def use(self, refresh_token: str) -> None:
        """One person's requests: each with a token just made and the one made before it."""
        older = ""
        while not self.ended:
            fresh = await result(self.souk.anonymous, REFRESH, refreshToken=refresh_token)
            refresh_token, token = fresh["refreshToken"], fresh["accessToken"]
            self.kids.add(str(jwt.decode(token, self.verifier.keys).header["kid"]))
            for one in filter(None, (token, older)):
                if not self.verifier.accepts(one):
                    self.refused.append("by the verifier")
                if (await post_with(self.souk, one))[0] != 200:
                    self.refused.append("by us")
            older, self.rounds = token, self.rounds + 1


async def later(souk: Souk, passed: timedelta) -> None:
    """Makes every key so much older, lets the worker rotate them and the server look."""
    statement = text(
        "UPDATE signing_key SET created_at = created_at - :passed,"
        " signs_until = signs_until - :passed, verifies_until = verifies_until - :passed"
    ).bindparams(passed=passed)
    await souk.database.run(lambda work: work.execute(statement))
    await rotate_signing_key(souk.database, souk.settings)
    await souk.services.authenticator.look()


async def used(users: Users) -> None:
    """Waits until everybody has used their session some times more."""
    wanted = users.rounds + 3 * USERS
    for _ in range(1_000):
        if users.rounds >= wanted or users.refused:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody uses their session any more")


def forged(souk: Souk, kid: str, key: RSAKey) -> str:
    """A token like ours, made just now with a key of ours by whoever has got hold of it."""
    names = Names(souk.settings.token_issuer, souk.settings.token_audience)
    return sign_access_token(key, kid, names, uuid4(), uuid4(), Role.USER).value


async def test_a_verifier_that_knows_only_the_public_keys_goes_through_a_rotation(
    souk: Souk,
) -> None:
    # The key is as old as the run of all tests: here it is made just now.
    await souk.database.run(
        lambda work: work.execute(
            text(
                "UPDATE signing_key SET signs_until = signs_until + (now() - created_at),"
                " verifies_until = verifies_until + (now() - created_at), created_at = now()"
            )
        )
    )
    await souk.services.authenticator.look()
    keys = souk.services.authenticator.keys
    first, private = await keys.signing()
    verifier = Verifier(souk)
    assert await verifier.fetch() == {first}
    people = [await souk.member(f"User {number}") for number in range(USERS)]
    users = Users(souk, verifier)
    async with asyncio.TaskGroup() as group:
        for person in people:
            assert person.account is not None
            group.create_task(users.use(person.account.refresh_token))
        await used(users)
        # On the thirtieth day the next key is there to be fetched, and signs nothing for a day.
        await later(souk, timedelta(days=30, minutes=1))
        await used(users)
        assert users.kids == {first}
        [second] = await verifier.fetch() - {first}
        # Whoever fetched in that day knows the key when it begins to sign. The last token of the
        # old one, a quarter of an hour old, is still taken.
        await later(souk, timedelta(hours=23, minutes=54))
        await used(users)
        assert users.kids == {first}
        last_of_first = forged(souk, first, private)
        for _ in range(2):
            await later(souk, timedelta(minutes=10))
            await used(users)
        users.ended = True
    assert users.refused == []
    assert users.kids == {first, second}
    assert (await keys.signing())[0] == second
    assert verifier.accepts(last_of_first)
    assert (await post_with(souk, last_of_first))[0] == 200
    # A minute later all that it signed has expired, and whoever has the old key gets nowhere.
    await later(souk, timedelta(minutes=2))
    assert await verifier.fetch() == {second}
    late = forged(souk, first, private)
    assert not verifier.accepts(late)
    assert (await post_with(souk, late))[0] == 401
    missing = await souk.http.get("/publickey", params={"keyId": first})
    assert missing.status_code == 404
    assert verifier.accepts(forged(souk, *(await keys.signing()))), "and the new one goes on"
