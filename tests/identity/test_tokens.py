"""Access tokens: what is taken, what is refused, and that every refusal sounds the same."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import websockets
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import text

from app import create_app
from auth.actor import Role
from auth.keys import make_key, private_key
from auth.tokens import Names, sign_access_token
from core.database import recorded_statements
from core.ids import encode_id
from core.settings import Settings
from resolvers.identity.signing_keys import rotate_signing_key
from tests.clients.client import Client, Souk, running_souk
from tests.identity.documents import LOGOUT, ME, REFRESH, post_with, result

Forge = Callable[["Forger"], str]


class Forger:
    """What somebody knows who makes tokens up: a good token, the public key, a key of their own."""

    def __init__(self, souk: Souk, good: str, kid: str, key: RSAKey, user_id: UUID) -> None:
        self.good = good
        self.kid = kid
        self.key = key
        self.claims: dict[str, Any] = {
            "iss": souk.settings.token_issuer,
            "aud": souk.settings.token_audience,
            "sub": encode_id("usr", user_id),
            "sid": encode_id("ses", uuid4()),
            "role": "ADMIN",
            "iat": int(datetime.now(UTC).timestamp()),
            "exp": int((datetime.now(UTC) + timedelta(minutes=15)).timestamp()),
            "jti": "x",
        }
        self.jwk = souk.services.authenticator.keys.jwks[0]

    def signed(self, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token signed with the server's own key, so that only what is wrong is wrong."""
        full = {"alg": "RS256", "kid": self.kid, "typ": "at+jwt", **(header or {})}
        content = {k: v for k, v in {**self.claims, **claims}.items() if v is not None}
        body = f"{_part(full)}.{_part(content)}"
        scheme: Any = padding.PKCS1v15()
        if full["alg"] == "PS256":
            scheme = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
        private: Any = self.key.private_key
        return f"{body}.{_base64(private.sign(body.encode(), scheme, hashes.SHA256()))}"

    def unsigned(self) -> str:
        """alg: none."""
        header = {"alg": "none", "kid": self.kid, "typ": "at+jwt"}
        return f"{_part(header)}.{_part(self.claims)}."

    def with_public_key_as_secret(self) -> str:
        """HS256, the secret being the public key that everybody can fetch."""
        header = {"alg": "HS256", "kid": self.kid, "typ": "at+jwt"}
        body = f"{_part(header)}.{_part(self.claims)}"
        pem = RSAKey.import_key(self.jwk).as_pem(private=False)
        mac = hmac.new(pem, body.encode(), hashlib.sha256).digest()
        return f"{body}.{_base64(mac)}"

    def by_own_key(self, kid: str) -> str:
        """Signed by a key that is not the server's."""
        made = make_key()
        header = {"alg": "RS256", "kid": kid, "typ": "at+jwt"}
        return jwt.encode(header, self.claims, private_key(made.private_pem), default_type=None)

    def changed(self) -> str:
        """The good token with a better role."""
        header, _, signature = self.good.split(".")
        return f"{header}.{_part(self.claims)}.{signature}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _part(content: dict[str, Any]) -> str:
    return _base64(orjson.dumps(content))


_PAST = int((datetime.now(UTC) - timedelta(hours=1)).timestamp())
FORGERIES: dict[str, Forge] = {
    "none": lambda forger: forger.unsigned(),
    "HS256 with the public key": lambda forger: forger.with_public_key_as_secret(),
    "another key, our kid": lambda forger: forger.by_own_key(forger.kid),
    "unknown kid": lambda forger: forger.by_own_key("unknown"),
    "changed claims": lambda forger: forger.changed(),
    "expired": lambda forger: forger.signed(iat=_PAST - 900, exp=_PAST),
    "no expiry": lambda forger: forger.signed(exp=None),
    "expiry as text": lambda forger: forger.signed(exp="2100-01-01"),
    "endless": lambda forger: forger.signed(exp=forger.claims["exp"] + 3600),
    "huge expiry": lambda forger: forger.signed(exp=10**18),
    "from the future": lambda forger: forger.signed(
        iat=forger.claims["exp"], exp=forger.claims["exp"] + 60
    ),
    "wrong audience": lambda forger: forger.signed(aud="somebody else"),
    "wrong issuer": lambda forger: forger.signed(iss="somebody else"),
    "unknown role": lambda forger: forger.signed(role="ROOT"),
    "no session": lambda forger: forger.signed(sid=None),
    "subject of another type": lambda forger: forger.signed(sub=encode_id("prd", uuid4())),
    "typ JWT": lambda forger: forger.signed(header={"typ": "JWT"}),
    "PS256": lambda forger: forger.signed(header={"alg": "PS256"}),
    "critical extension": lambda forger: forger.signed(header={"crit": ["exp"]}),
    "key from elsewhere": lambda forger: forger.signed(header={"jku": "https://x.example/k"}),
    "not a token": lambda _: "abc",
    "empty parts": lambda _: "..",
    "binary": lambda _: "\u00ff.\u00ff.\u00ff",
    "huge": lambda _: "a" * 6000,
}


async def _forger(souk: Souk, account: Client) -> Forger:
    assert account.account is not None
    kid, key = await souk.services.authenticator.keys.signing()
    return Forger(souk, account.account.token, kid, key, account.account.id)


def token_of(client: Client) -> str:
    """The access token of a signed-in client."""
    assert client.account is not None
    return client.account.token


async def closed_with(souk: Souk, token: str) -> tuple[int, str]:
    """With what code and words a websocket of this token is closed."""
    url = souk.url.replace("http", "ws", 1) + "/graphql"
    protocol = websockets.Subprotocol("graphql-transport-ws")
    async with websockets.connect(url, subprotocols=[protocol]) as socket:
        payload = {"Authorization": f"Bearer {token}"}
        await socket.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason


async def test_a_token_that_is_not_ours_is_refused_alike_on_http_and_websocket(souk: Souk) -> None:
    ada = await souk.member("ada")
    forger = await _forger(souk, ada)
    status, _ = await post_with(souk, forger.signed(sid=encode_id("ses", uuid4())))
    assert status == 200, "a token made like ours is taken, so the others fail for their fault"
    words, reasons = set(), set()
    tokens = {name: forge(forger) for name, forge in FORGERIES.items()}
    assert ada.account is not None
    tokens["the refresh token"] = ada.account.refresh_token
    for name, token in tokens.items():
        headers = {"Authorization": f"Bearer {token}".encode()}
        response = await souk.http.post("/graphql", json={"query": ME}, headers=headers)  # type: ignore[arg-type]  # bytes: one token is not ASCII
        assert response.status_code == 401, name
        [error] = response.json()["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}, name
        words.add(error["message"])
        code, reason = await closed_with(souk, token)
        assert code == 4403, name
        reasons.add(reason)
    assert len(words) == 1
    assert len(reasons) == 1


async def test_the_access_token_is_as_the_specification_says(souk: Souk) -> None:
    ada = await souk.member("ada", Role.STAFF)
    token = token_of(ada)
    assert ada.account is not None
    keys = KeySet.import_key_set((await souk.http.get("/.well-known/jwks.json")).json())
    found = jwt.decode(token, keys, algorithms=["RS256"])
    assert set(found.header) == {"alg", "kid", "typ"}
    assert (found.header["alg"], found.header["typ"]) == ("RS256", "at+jwt")
    assert set(found.claims) == {"iss", "aud", "sub", "sid", "role", "iat", "exp", "jti"}
    assert found.claims["sub"] == encode_id("usr", ada.account.id)
    assert found.claims["role"] == "STAFF"
    assert found.claims["exp"] - found.claims["iat"] == 900


async def test_public_keys_are_served_and_hold_nothing_private(souk: Souk) -> None:
    token = token_of(await souk.member("ada"))
    [jwk] = (await souk.http.get("/.well-known/jwks.json")).json()["keys"]
    assert set(jwk) == {"kty", "n", "e", "kid", "use", "alg"}
    named = await souk.http.get("/publickey", params={"keyId": jwk["kid"]})
    assert named.text == (await souk.http.get("/publickey")).text
    serialization.load_pem_public_key(named.content)
    assert jws.deserialize_compact(token, RSAKey.import_key(named.text), ["RS256"]).payload
    for unknown in ("unknown", "../../etc/passwd", "", "x" * 500):
        missing = await souk.http.get("/publickey", params={"keyId": unknown})
        assert missing.status_code == 404


async def test_a_new_key_signs_only_after_a_day_and_the_old_one_verifies_till_its_last_token(
    souk: Souk,
) -> None:
    async def age(days: int) -> None:
        statement = text(
            "UPDATE signing_key SET created_at = created_at - make_interval(days => :days), "
            "signs_until = signs_until - make_interval(days => :days), "
            "verifies_until = verifies_until - make_interval(days => :days)"
        ).bindparams(days=days)
        await souk.database.run(lambda work: work.execute(statement))

    keys = souk.services.authenticator.keys
    token = token_of(await souk.member("ada"))
    first, _ = await keys.signing()
    assert not await rotate_signing_key(souk.database, souk.settings)
    await age(30)
    made = await asyncio.gather(
        *[rotate_signing_key(souk.database, souk.settings) for _ in range(3)]
    )
    assert sorted(made) == [False, False, True]
    await keys.load()
    assert (await keys.signing())[0] == first
    assert len(keys.jwks) == 2
    await age(1)
    await keys.load()
    second, _ = await keys.signing()
    assert second != first
    assert (await post_with(souk, token))[0] == 200
    await age(1)
    await rotate_signing_key(souk.database, souk.settings)
    await keys.load()
    assert [jwk["kid"] for jwk in keys.jwks] == [second]


async def test_processes_that_start_at_once_make_one_key(settings: Settings) -> None:
    apps = [create_app(settings) for _ in range(4)]
    authenticators = [app.state.services.authenticator for app in apps]
    await asyncio.gather(*[one.start() for one in authenticators])
    kids = {(await one.keys.signing())[0] for one in authenticators}
    assert len(kids) == 1
    for app in apps:
        await app.state.services.authenticator.stop()
        await app.state.services.database.close()


async def test_a_session_revoked_in_another_process_is_refused_after_the_next_look(
    settings: Settings,
) -> None:
    quick = settings.model_copy(update={"token_poll_seconds": 0.1})
    async with running_souk(quick) as here, running_souk(quick) as there:
        token = token_of(await here.member("ada"))
        assert (await post_with(there, token))[0] == 200
        await post_with(here, token, LOGOUT)
        assert (await post_with(here, token))[0] == 401, "at once where it happened"
        for _ in range(50):
            status, _ = await post_with(there, token)
            if status == 401:
                break
            await asyncio.sleep(0.1)
        assert status == 401


async def test_checking_a_token_asks_the_database_nothing_and_sees_a_revocation(
    settings: Settings,
) -> None:
    rare = settings.model_copy(update={"token_poll_seconds": 60.0})
    async with running_souk(rare) as souk:
        ada = await souk.member("ada")
        assert ada.account is not None
        bare = "{ __typename }"
        with recorded_statements() as asked:
            for query in (bare, bare):
                assert (await post_with(souk, ada.account.token, query))[0] == 200
        assert asked == []
        await post_with(souk, ada.account.token, LOGOUT)
        with recorded_statements() as asked:
            assert (await post_with(souk, ada.account.token, bare))[0] == 401
        assert asked == []


@pytest.mark.parametrize("change", ["role = 'USER'", "is_active = false"])
async def test_an_account_that_lost_its_role_or_was_archived_is_refused(
    souk: Souk, change: str
) -> None:
    token = token_of(await souk.member("ada", Role.ADMIN))
    assert (await post_with(souk, token))[0] == 200
    statement = text(f"UPDATE user_account SET {change}, rights_changed_at = now()")  # noqa: S608  one of two constants
    await souk.database.run(lambda work: work.execute(statement))
    await souk.services.authenticator.look()
    status, _ = await post_with(souk, token)
    assert status == 401


async def test_a_refresh_gives_the_role_as_it_is_now(souk: Souk) -> None:
    ada = await souk.member("ada")
    assert ada.account is not None
    await souk.database.run(
        lambda work: work.execute(
            text("UPDATE user_account SET role = 'STAFF', rights_changed_at = now()")
        )
    )
    answer = await result(souk.anonymous, REFRESH, refreshToken=ada.account.refresh_token)
    assert answer["user"]["role"] == "STAFF"
    assert (await post_with(souk, answer["accessToken"]))[0] == 200


async def test_an_unknown_key_id_does_not_reach_the_database_each_time(souk: Souk) -> None:
    authenticator = souk.services.authenticator
    loads = 0
    real = authenticator.keys.load

    async def counted() -> None:
        nonlocal loads
        loads += 1
        await real()

    authenticator.keys.load = counted  # type: ignore[method-assign]  # counts what the real one does
    names = Names(souk.settings.token_issuer, souk.settings.token_audience)
    key = private_key(make_key().private_pem)
    for number in range(20):
        token = sign_access_token(key, f"kid{number}", names, uuid4(), uuid4(), Role.ADMIN)
        assert (await post_with(souk, token.value))[0] == 401
    assert loads <= 1
