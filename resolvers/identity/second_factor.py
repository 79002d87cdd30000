"""The second factor where it is due: challenges, and taking the answers to them. Opens no session
and changes no setting (spec/02-identity.md#one-time-codes)."""

import secrets as random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from auth.actor import Actor
from auth.codes import WRONG_TRIES
from auth.secrets import Secrets, digest
from auth.totp import recovery_hash, step_of
from core.commands import Text
from core.database import UnitOfWork
from core.ids import new_id
from models.identity.second_factor import (
    add_challenge,
    count_wrong_answer,
    drop_expired_challenges,
    factors_of,
    lock_challenge,
    recovery_codes_left,
    take_step,
    use_challenge,
    use_recovery_code,
)
from models.identity.second_factors import ChallengePurpose, TwoFactorChannel
from models.identity.sessions import CodeFlow
from resolvers.identity.attempts import FAILURES_AN_ACCOUNT, Counter, by_network
from resolvers.identity.codes import take_code
from resolvers.identity.errors import ChallengeInvalid, TwoFactorNeeded

CHALLENGE_LIFETIME: Final = timedelta(minutes=10)

Challenge = Annotated[Text, Field(min_length=1, max_length=100)]

FLOWS: Final[dict[TwoFactorChannel, CodeFlow]] = {
    TwoFactorChannel.EMAIL: CodeFlow.EMAIL_TWO_FACTOR,
    TwoFactorChannel.MOBILE: CodeFlow.MOBILE_TWO_FACTOR,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A second factor as somebody gives it."""

    challenge: str
    channel: TwoFactorChannel
    code: str


def counters(secrets: Secrets, subject: str, actor: Actor) -> tuple[Counter, Counter]:
    """Wrong answers are counted per account, over all its challenges and channels, and per network:
    the figures are those of passwords."""
    return (
        Counter("second factor", secrets.tag("second factor", subject), FAILURES_AN_ACCOUNT),
        by_network("second factor from address", actor.address),
    )


def is_usable(factor: Any, account: Any) -> bool:
    """True when a second factor that is on can be used: one by message only while the account has
    the proven address or number that it was turned on for."""
    if factor.channel == TwoFactorChannel.EMAIL:
        return bool(account.email_verified and factor.target == account.email)
    if factor.channel == TwoFactorChannel.MOBILE:
        return bool(account.phone_verified and factor.target == account.phone)
    return True


def challenge_over() -> ChallengeInvalid:
    """The one answer to a challenge that cannot be answered."""
    return ChallengeInvalid(
        "This challenge is over. Start again with your password.", path=["input", "challenge"]
    )


async def challenged(
    work: UnitOfWork, secrets: Secrets, account: Any, purpose: ChallengePurpose
) -> TwoFactorNeeded | None:
    """A challenge of 256 random bits for the account, when it has a second factor on; None without.
    To be raised after the commit. `account` is its row, locked, with the password hash, after the
    password was right. A factor that is on and cannot be used is due all the same: recovery codes
    are for that."""
    factors = await work.rows(factors_of(account.id))
    if not factors:
        return None
    channels = [TwoFactorChannel(f.channel) for f in factors if is_usable(f, account)]
    if await work.scalar(recovery_codes_left(account.id)):
        channels.append(TwoFactorChannel.RECOVERY)
    token = random.token_urlsafe(32)
    now = await work.clock()
    await work.execute(drop_expired_challenges(account.id))
    await work.execute(
        add_challenge(
            id=new_id(),
            user_id=account.id,
            token_hash=digest(token),
            purpose=purpose,
            password_tag=_password_tag(secrets, account),
            created_at=now,
            expires_at=now + CHALLENGE_LIFETIME,
        )
    )
    return TwoFactorNeeded(
        "Give your second factor.", challenge=token, channels=channels, path=["input"]
    )


def _password_tag(secrets: Secrets, account: Any) -> str:
    # The hash has a salt of its own each time, so the same password set anew is another one too.
    return secrets.tag("challenge for password", account.password_hash or "")


async def open_challenge(
    work: UnitOfWork, secrets: Secrets, account: Any, token: str
) -> Any | None:
    """The row of a challenge that can be answered now, locked; None for one that is over, or not of
    this account. `account` is its row, locked, with the password hash."""
    found = await work.first(lock_challenge(digest(token)))
    now = await work.clock()
    if found is None or found.user_id != account.id:
        return None
    over = (
        found.used_at is not None
        or found.expires_at <= now
        or found.wrong_tries >= WRONG_TRIES
        or found.password_tag != _password_tag(secrets, account)
    )
    return None if over else found


async def answered(
    work: UnitOfWork, secrets: Secrets, account: Any, challenge: Any, given: Answer
) -> bool:
    """True when the answer to an open challenge is right; the challenge and the code are used up by
    it. Otherwise the try is counted, the fifth ends the challenge, and the transaction must be
    committed."""
    now = await work.clock()
    if not await _is_right(work, secrets, account, challenge.id, given, now):
        await work.execute(count_wrong_answer(challenge.id))
        return False
    await work.execute(use_challenge(challenge.id, now))
    return True


async def _is_right(
    work: UnitOfWork,
    secrets: Secrets,
    account: Any,
    challenge_id: UUID,
    given: Answer,
    now: datetime,
) -> bool:
    if given.channel is TwoFactorChannel.RECOVERY:
        hashed = recovery_hash(secrets, str(account.id), given.code)
        return await work.first(use_recovery_code(account.id, hashed, now)) is not None
    factors = {factor.channel: factor for factor in await work.rows(factors_of(account.id))}
    factor = factors.get(given.channel)
    if factor is None or not is_usable(factor, account):
        return False
    if given.channel is TwoFactorChannel.TOTP:
        step = step_of(secrets.seal.open(factor.secret), given.code, now)
        return step is not None and await work.first(take_step(account.id, step)) is not None
    return await take_code(
        work,
        secrets,
        FLOWS[given.channel],
        account.id,
        bound_to=str(challenge_id),
        given=given.code,
    )
