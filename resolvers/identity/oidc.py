"""Logging in at an OpenID Connect provider (spec/02-identity.md#one-time-codes): starting, and what
comes back. Asks the provider outside of any transaction; who it is then stands in oidc_people."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson
import structlog
from pydantic import Field

from auth.actor import Actor
from auth.codes import same_hash
from auth.secrets import SealBroken, digest
from core.commands import Command, Text
from core.database import Database, UnitOfWork
from core.errors import InvalidInput
from core.ids import new_id
from core.settings import OidcProvider, Settings
from gateways.oidc import OidcClient, OidcClients, Person, ProviderRefused, ProviderUnreachable
from models.identity.oidc import add_oidc_login, lock_oidc_login, open_oidc_login, use_oidc_login
from resolvers.identity.attempts import attempt, by_network
from resolvers.identity.authentication import Authenticator
from resolvers.identity.errors import TwoFactorNeeded
from resolvers.identity.fields import OptionalText
from resolvers.identity.login import welcomed
from resolvers.identity.oidc_errors import OidcFailure, OidcLoginFailed
from resolvers.identity.oidc_people import enter
from resolvers.identity.sessions import Device, SignedIn

log = structlog.get_logger(__name__)

LIFETIME: Final = timedelta(minutes=10)
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

_Name = Annotated[Text, Field(max_length=30)]
_Opaque = Annotated[Text, Field(max_length=200)]


class StartOidcLogin(Command):
    """What starting takes: where to return to is one of those that are configured."""

    provider: _Name
    redirect_uri: OptionalText = None


class CompleteOidcLogin(Command):
    """What completing takes: the handle that starting gave, and what the provider sent back."""

    provider: _Name
    handle: _Opaque
    state: _Opaque
    code: Annotated[Text, Field(max_length=2_000)]


@dataclass(frozen=True, slots=True)
class OidcStarted:
    """Where the browser goes, what the client keeps to itself meanwhile, and until when."""

    authorization_url: str
    handle: str
    expires_at: datetime


class OidcLogins:
    """The providers of one process."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings
        self._clients = OidcClients(() if settings is None else settings.oidc_providers)

    @property
    def providers(self) -> list[OidcProvider]:
        """Whom people may log in with, in the order of the configuration."""
        return self._clients.providers

    def client(self, name: str) -> OidcClient:
        """The provider of this name. Raises InvalidInput."""
        found = self._clients.named(name)
        if found is None:
            raise InvalidInput(
                "There is no such provider: oidcProviders lists them.", path=["input", "provider"]
            )
        return found

    def knows(self, name: str) -> bool:
        """True when there is a provider of this name."""
        return self._clients.named(name) is not None

    def callback(self, name: str) -> str:
        """Where a provider sends browsers back to: the one address to register there."""
        base_url = "" if self._settings is None else self._settings.base_url
        return f"{base_url}/oidc/{name}/callback"

    def return_address(self, wanted: str | None) -> str | None:
        """Where a log in returns to. Only what is configured, so that no code is sent to a
        stranger; none outside production means that the callback shows what came back. Raises
        InvalidInput."""
        settings = self._settings
        allowed = [] if settings is None else settings.oidc_redirect_uris
        if wanted is None and (allowed or settings is None or settings.production):
            wanted = next(iter(allowed), "")
        if wanted is None or wanted in allowed:
            return wanted
        local = urlsplit(wanted).hostname in _LOOPBACK if _is_plain(wanted) else False
        if local and settings is not None and settings.development:
            return wanted
        raise InvalidInput(
            "redirectUri is not among those that SOUK_OIDC_REDIRECT_URIS allows.",
            path=["input", "redirectUri"],
        )


def _is_plain(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    # Browsers read a backslash as the end of the host.
    return parts.scheme == "http" and not set(parts.netloc) & set("\\@")


async def start_oidc_login(
    database: Database, authenticator: Authenticator, logins: OidcLogins, command: StartOidcLogin
) -> OidcStarted:
    """Starts a log in, to be completed within 10 minutes by whoever has the handle. State, nonce
    and PKCE verifier are made here and never leave but to the provider (RFC 9700, 2.1). Raises
    InvalidInput, OidcLoginFailed when the provider is not reached."""
    client = logins.client(command.provider)
    redirect_uri = logins.return_address(command.redirect_uri)
    state, nonce, verifier, handle = [secrets.token_urlsafe(32) for _ in range(4)]
    try:
        url = await client.authorization_url(
            logins.callback(command.provider), state, nonce, verifier
        )
    except ProviderUnreachable as error:
        raise _unavailable(command.provider, error) from None
    sealed = authenticator.secrets.seal.close(orjson.dumps([nonce, verifier]).decode())
    expires_at = await database.run(
        lambda work: work.scalar(
            add_oidc_login(
                LIFETIME,
                id=new_id(),
                provider=command.provider,
                state_hash=digest(state),
                handle_hash=digest(handle),
                sealed=sealed,
                redirect_uri=redirect_uri,
            )
        )
    )
    return OidcStarted(url, handle, expires_at)


async def return_of(
    database: Database, provider: str, state: str, answer: dict[str, str]
) -> tuple[bool, str | None]:
    """Whether such a log in is open, and the address that takes the provider's answer to the client
    that started it; None when that client reads the callback itself. Changes nothing."""
    found = await database.first(open_oidc_login(provider, digest(state)))
    if found is None or not found.is_open:
        return False, None
    if found.redirect_uri is None:
        return True, None
    parts = urlsplit(found.redirect_uri)
    query = [*parse_qsl(parts.query), *answer.items()]
    return True, urlunsplit(parts._replace(query=urlencode(query)))


async def complete_oidc_login(
    database: Database,
    authenticator: Authenticator,
    settings: Settings,
    logins: OidcLogins,
    actor: Actor,
    device: Device,
    command: CompleteOidcLogin,
) -> SignedIn:
    """Signs in whom the provider vouches for: the account linked to them, else that of their
    verified address, else a new one. A log in is completed once, by the client that started it.
    Raises OidcLoginFailed, TwoFactorNeeded, EmailVerificationNeeded, MobileVerificationNeeded,
    InvalidInput, and RateLimited after 50 failures in 15 minutes for the network address."""
    client = logins.client(command.provider)
    network = by_network("oidc from address", actor.address)
    async with attempt(database, network) as made:
        nonce, verifier = await _taken(database, authenticator, command)
        try:
            person = await _vouched(client, logins, command, nonce, verifier)
        except OidcLoginFailed as failed:
            # That a provider is away is no reason to shut out a whole network.
            made.succeeded = failed.reason is OidcFailure.UNAVAILABLE
            raise
        made.succeeded = True
    entered = await database.run(
        lambda work: enter(work, authenticator.secrets, settings, command.provider, person, device)
    )
    authenticator.note_revoked(entered.ended)
    if isinstance(entered.outcome, TwoFactorNeeded):
        raise entered.outcome
    return await welcomed(authenticator, entered.outcome)


async def _taken(
    database: Database, authenticator: Authenticator, command: CompleteOidcLogin
) -> tuple[str, str]:
    sealed = await database.run(lambda work: _take(work, command))
    if sealed is None:
        raise OidcLoginFailed(
            "This log in was not started here, is used up, or took too long. Start it again.",
            reason=OidcFailure.NOT_STARTED,
            path=["input", "state"],
        )
    try:
        nonce, verifier = orjson.loads(authenticator.secrets.seal.open(sealed))
    except SealBroken:
        raise OidcLoginFailed("Start the log in again.", reason=OidcFailure.NOT_STARTED) from None
    return nonce, verifier


async def _take(work: UnitOfWork, command: CompleteOidcLogin) -> str | None:
    found = await work.first(lock_oidc_login(command.provider, digest(command.state)))
    now = await work.clock()
    if found is None or not same_hash(found.handle_hash, digest(command.handle)):
        return None  # whoever has not the handle cannot use up another's log in either
    if found.used_at is not None or found.expires_at <= now:
        return None
    await work.execute(use_oidc_login(found.id, now))
    sealed: str = found.sealed
    return sealed


async def _vouched(
    client: OidcClient,
    logins: OidcLogins,
    command: CompleteOidcLogin,
    nonce: str,
    verifier: str,
) -> Person:
    try:
        return await client.redeem(command.code, logins.callback(command.provider), nonce, verifier)
    except ProviderRefused as error:
        log.warning("provider refused", provider=command.provider, reason=str(error))
        raise OidcLoginFailed(
            "The provider did not confirm who you are. Start the log in again.",
            reason=OidcFailure.REFUSED,
            path=["input", "code"],
        ) from None
    except ProviderUnreachable as error:
        raise _unavailable(command.provider, error) from None


def _unavailable(provider: str, error: Any) -> OidcLoginFailed:
    log.warning("provider unreachable", provider=provider, reason=str(error))
    return OidcLoginFailed(
        "The provider does not answer. Try again later, or log in another way.",
        reason=OidcFailure.UNAVAILABLE,
        path=["input", "provider"],
    )
