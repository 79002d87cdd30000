"""Ending a login that waits for its second factor (spec/02-identity.md#one-time-codes). Asks for no
password: who has the challenge has given it."""

from typing import Final
from uuid import UUID

from auth.actor import Actor
from auth.secrets import Secrets, digest
from core.commands import Command
from core.database import Database, UnitOfWork
from core.errors import InvalidInput
from core.settings import Settings
from models.identity.accounts import lock_account
from models.identity.second_factor import challenge_holder, factors_of
from models.identity.second_factors import ChallengePurpose, TwoFactorChannel
from resolvers.identity.authentication import Authenticator
from resolvers.identity.codes import CodeSent, code_invalid, require_pause, send_code
from resolvers.identity.errors import ChallengeInvalid
from resolvers.identity.fields import Code
from resolvers.identity.lockouts import signing_in
from resolvers.identity.login import Opened, entry_refused, let_in, welcomed
from resolvers.identity.second_factor import (
    FLOWS,
    Answer,
    Challenge,
    answered,
    challenge_over,
    counters,
    is_usable,
    open_challenge,
)
from resolvers.identity.sessions import Device, SignedIn

_LOGINS: Final = (ChallengePurpose.LOGIN, ChallengePurpose.STAFF_LOGIN)


class StartTwoFactor(Command):
    """What asking for a code of the second factor takes."""

    challenge: Challenge
    channel: TwoFactorChannel


class CompleteTwoFactor(Command):
    """What giving the second factor takes."""

    challenge: Challenge
    channel: TwoFactorChannel
    code: Code

    @property
    def answer(self) -> Answer:
        """The second factor."""
        return Answer(self.challenge, self.channel, self.code)


async def start_two_factor(work: UnitOfWork, secrets: Secrets, command: StartTwoFactor) -> CodeSent:
    """Sends a code that is good for this challenge only, by mail (10 minutes) or to the phone (5
    minutes); the last one ends. Raises ChallengeInvalid, InvalidInput for a channel that is not on
    or has no codes to send, ResendTooSoon within 60 s of the last for the account."""
    holder = await work.first(challenge_holder(digest(command.challenge)))
    row = None if holder is None else await work.first(lock_account(holder.user_id))
    if row is None:
        raise challenge_over()
    challenge = await open_challenge(work, secrets, row, command.challenge)
    if challenge is None:
        raise challenge_over()
    path = ["input", "channel"]
    factors = await work.rows(factors_of(row.id))
    usable = {factor.channel for factor in factors if is_usable(factor, row)}
    if command.channel not in FLOWS or command.channel not in usable:
        raise InvalidInput("No code can be sent by this channel: choose another.", path=path)
    flow = FLOWS[command.channel]
    await require_pause(work, secrets, flow, str(row.id), path=path)
    return await send_code(work, secrets, flow, row, bound_to=str(challenge.id))


async def complete_two_factor(
    database: Database,
    authenticator: Authenticator,
    settings: Settings,
    actor: Actor,
    device: Device,
    command: CompleteTwoFactor,
) -> SignedIn:
    """Ends the login of a challenge. Five wrong answers end the challenge; five in 15 minutes for
    the account over all its challenges, or 50 for the network, and nobody is asked any more. Raises
    CodeInvalid, ChallengeInvalid, RateLimited."""
    secrets = authenticator.secrets
    hashed = digest(command.challenge)
    # Not by a reading replica, which may not know yet of a challenge just made.
    holder = await database.run(lambda work: work.first(challenge_holder(hashed)))
    subject = hashed if holder is None else str(holder.user_id)
    account_id = None if holder is None else holder.user_id
    counted = counters(secrets, subject, actor)
    async with signing_in(database, actor, account_id, *counted) as made:
        if holder is None:
            raise challenge_over()
        try:
            opened = await database.run(
                lambda work: _complete(work, secrets, settings, holder.user_id, device, command)
            )
        except ChallengeInvalid:
            made.succeeded = True  # no code was compared
            raise
        if opened is None:
            raise code_invalid("input", "code")
        made.succeeded = True
    return await welcomed(authenticator, opened)


async def _complete(
    work: UnitOfWork,
    secrets: Secrets,
    settings: Settings,
    user_id: UUID,
    device: Device,
    command: CompleteTwoFactor,
) -> Opened | None:
    row = await work.first(lock_account(user_id))
    challenge = row and await open_challenge(work, secrets, row, command.challenge)
    if row is None or challenge is None or challenge.purpose not in _LOGINS:
        raise challenge_over()
    purpose = ChallengePurpose(challenge.purpose)
    if entry_refused(row, settings, purpose, await work.clock()) is not None:
        raise challenge_over()  # logging in again says why
    if not await answered(work, secrets, row, challenge, command.answer):
        return None
    return await let_in(work, row, device)
