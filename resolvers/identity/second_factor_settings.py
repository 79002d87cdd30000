"""Turning second factors on and off (spec/02-identity.md#one-time-codes). Each change asks for the
password, and for a factor where one is on. Signs nobody in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from auth.actor import Actor
from auth.secrets import Secrets
from auth.totp import (
    new_recovery_codes,
    new_secret,
    provisioning_uri,
    recovery_hash,
    step_of,
)
from core.commands import Command
from core.database import Database, UnitOfWork
from core.errors import InvalidInput
from models.identity.accounts import account, lock_account
from models.identity.second_factor import (
    add_recovery_codes,
    drop_enrollment,
    drop_factors,
    drop_recovery_codes,
    enrollment,
    factors_of,
    put_enrollment,
    put_factor,
    recovery_codes_left,
)
from models.identity.second_factors import TwoFactorChannel
from resolvers.identity.attempts import Counter, attempt, by_network
from resolvers.identity.authentication import Authenticator
from resolvers.identity.errors import (
    CodeInvalid,
    EmailVerificationNeeded,
    MobileVerificationNeeded,
)
from resolvers.identity.fields import Code
from resolvers.identity.second_factor import FLOWS, is_usable
from resolvers.identity.second_factor_proof import Proof, person, proven

ENROLLMENT_LIFETIME: Final = timedelta(minutes=15)
_GUESSES_AN_ENROLLMENT: Final = 20


class ConfirmTotp(Command):
    """What confirming an app takes."""

    code: Code


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A secret for an app, shown this once."""

    secret: str
    uri: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FactorOn:
    """A second factor that is on, and whether it can be used."""

    channel: TwoFactorChannel
    enabled_at: datetime
    usable: bool


@dataclass(frozen=True, slots=True)
class Status:
    """The second factors of an account."""

    factors: tuple[FactorOn, ...]
    recovery_codes_left: int


async def second_factor_status(database: Database, actor: Actor) -> Status:
    """Which second factors the actor has on. Raises Unauthenticated, and Forbidden for an API
    key."""
    user_id = person(actor)

    async def read(work: UnitOfWork) -> Status:
        row = await work.first(account(user_id))
        if row is None:
            return Status((), 0)  # closed a moment ago
        factors = await work.rows(factors_of(user_id))
        left = int(await work.scalar(recovery_codes_left(user_id)))
        shown = (
            FactorOn(TwoFactorChannel(f.channel), f.enabled_at, is_usable(f, row)) for f in factors
        )
        return Status(tuple(shown), left)

    return await database.run(read)


async def start_totp_enrollment(
    database: Database, authenticator: Authenticator, actor: Actor, proof: Proof
) -> Enrollment:
    """A new secret for an authenticator app, good for 15 minutes; nothing is on before a code of
    the app has confirmed it, and the app that is on stays on until then. Raises what `proven`
    does."""
    secret = new_secret()
    sealed = authenticator.secrets.seal.close(secret)

    async def change(work: UnitOfWork, row: Any) -> Enrollment:
        until = await work.scalar(put_enrollment(row.id, sealed, ENROLLMENT_LIFETIME))
        return Enrollment(secret, provisioning_uri(secret, row.email), until)

    return await proven(database, authenticator, actor, proof, change)


async def confirm_totp_enrollment(
    database: Database, authenticator: Authenticator, actor: Actor, command: ConfirmTotp
) -> list[str]:
    """Turns the app on by a code of it and gives ten new recovery codes, which end the old ones.
    That code is used by it. Raises CodeInvalid, also without an enrollment, and RateLimited."""
    secrets = authenticator.secrets
    user_id = person(actor)
    subject = secrets.tag("totp enrollment", str(user_id))
    async with attempt(
        database,
        Counter("totp enrollment", subject, _GUESSES_AN_ENROLLMENT),
        by_network("totp from address", actor.address),
    ) as made:
        codes = await database.run(lambda work: _confirm(work, secrets, user_id, command.code))
        if codes is None:
            raise CodeInvalid(
                "This code is not valid. Give the newest one that the app shows, check the clock "
                "of its device, or start again.",
                path=["input", "code"],
            )
        made.succeeded = True
    return codes


async def _confirm(
    work: UnitOfWork, secrets: Secrets, user_id: UUID, code: str
) -> list[str] | None:
    await work.first(lock_account(user_id))
    found = await work.first(enrollment(user_id))
    now = await work.clock()
    if found is None or found.expires_at <= now:
        return None
    step = step_of(secrets.seal.open(found.secret), code, now)
    if step is None:
        return None
    await work.execute(drop_enrollment(user_id))
    await work.execute(
        put_factor(
            user_id,
            TwoFactorChannel.TOTP,
            secret=found.secret,
            target=None,
            last_step=step,
            enabled_at=now,
        )
    )
    return await _fresh_recovery_codes(work, secrets, user_id, now)


async def _fresh_recovery_codes(
    work: UnitOfWork, secrets: Secrets, user_id: UUID, now: datetime
) -> list[str]:
    codes = new_recovery_codes()
    await work.execute(drop_recovery_codes(user_id))
    hashes = [recovery_hash(secrets, str(user_id), code) for code in codes]
    await work.execute(add_recovery_codes(user_id, hashes, now))
    return codes


async def regenerate_recovery_codes(
    database: Database, authenticator: Authenticator, actor: Actor, proof: Proof
) -> list[str]:
    """Ten new recovery codes; the old ones end. Raises InvalidInput without a second factor, and
    what `proven` does."""

    async def change(work: UnitOfWork, row: Any) -> list[str]:
        if not await work.rows(factors_of(row.id)):
            raise InvalidInput("Turn on a second factor first.", path=["input"])
        now = await work.clock()
        return await _fresh_recovery_codes(work, authenticator.secrets, row.id, now)

    return await proven(database, authenticator, actor, proof, change)


async def enable_two_factor(
    database: Database,
    authenticator: Authenticator,
    actor: Actor,
    proof: Proof,
    channel: TwoFactorChannel,
) -> list[str] | None:
    """Turns on the second factor by mail or to the phone, for the address or number that the
    account has now; again for a new one. Gives ten recovery codes where none are left, None
    otherwise. Raises InvalidInput for another channel, EmailVerificationNeeded or
    MobileVerificationNeeded where it is not proven, and what `proven` does."""
    if channel not in FLOWS:
        raise InvalidInput(
            "Only EMAIL and MOBILE are turned on so; an app by startTotpEnrollment.",
            path=["input", "channel"],
        )

    async def change(work: UnitOfWork, row: Any) -> list[str] | None:
        target = _target(row, channel)
        now = await work.clock()
        await work.execute(put_factor(row.id, channel, target=target, enabled_at=now))
        if await work.scalar(recovery_codes_left(row.id)):
            return None
        return await _fresh_recovery_codes(work, authenticator.secrets, row.id, now)

    return await proven(database, authenticator, actor, proof, change)


def _target(row: Any, channel: TwoFactorChannel) -> str:
    path = ["input", "channel"]
    if channel is TwoFactorChannel.EMAIL:
        if not row.email_verified:
            raise EmailVerificationNeeded(
                "Verify your e-mail address first: startEmailVerification sends a code.", path=path
            )
        return str(row.email)
    if row.phone is None or not row.phone_verified:
        raise MobileVerificationNeeded(
            "Verify a phone number first: startMobileVerification sends a code.", path=path
        )
    return str(row.phone)


async def disable_two_factor(
    database: Database,
    authenticator: Authenticator,
    actor: Actor,
    proof: Proof,
    channel: TwoFactorChannel | None,
) -> None:
    """Turns off one second factor, or all; with the last one its recovery codes end. Idempotent.
    Raises InvalidInput for RECOVERY, and what `proven` does."""
    if channel is TwoFactorChannel.RECOVERY:
        raise InvalidInput(
            "Recovery codes end with the last second factor.", path=["input", "channel"]
        )

    async def change(work: UnitOfWork, row: Any) -> None:
        await turn_off(work, row.id, channel)

    await proven(database, authenticator, actor, proof, change)


async def turn_off(work: UnitOfWork, user_id: UUID, channel: TwoFactorChannel | None) -> None:
    """Turns off one second factor of an account, or all, without asking for anything: the caller
    has decided. With the last one its recovery codes end."""
    await work.execute(drop_factors(user_id, channel))
    if channel in (None, TwoFactorChannel.TOTP):
        await work.execute(drop_enrollment(user_id))
    if not await work.rows(factors_of(user_id)):
        await work.execute(drop_recovery_codes(user_id))
