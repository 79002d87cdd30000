"""Proving who changes the settings of second factors: by the password, and by a factor where one is
on. Changes none itself (spec/02-identity.md#one-time-codes)."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

from auth.actor import Actor
from auth.secrets import Secrets
from core.commands import Command
from core.database import Database, UnitOfWork
from core.errors import DomainError
from models.identity.accounts import lock_account
from models.identity.second_factor import factors_of, password_hash_of
from models.identity.second_factors import ChallengePurpose, TwoFactorChannel
from resolvers.identity.attempts import attempt
from resolvers.identity.authentication import Authenticator
from resolvers.identity.codes import code_invalid
from resolvers.identity.errors import ChallengeInvalid, InvalidCredentials
from resolvers.identity.fields import Code, Password
from resolvers.identity.login import credential_counters
from resolvers.identity.second_factor import (
    Answer,
    Challenge,
    answered,
    challenge_over,
    challenged,
    counters,
    open_challenge,
)

T = TypeVar("T")

# What is done with the account's locked row once everything is proven.
Change = Callable[[UnitOfWork, Any], Awaitable[T]]


class Factor(Command):
    """A second factor given for a change of settings."""

    challenge: Challenge
    channel: TwoFactorChannel
    code: Code


class Proof(Command):
    """What every change takes: the password, and a factor where one is on."""

    password: Password
    factor: Factor | None = None


def person(actor: Actor) -> UUID:
    """The id of the signed-in account. Raises Unauthenticated, and Forbidden for an API key."""
    user_id = actor.member()
    actor.require_person()
    return user_id


async def proven(
    database: Database,
    authenticator: Authenticator,
    actor: Actor,
    proof: Proof,
    change: Change[T],
) -> T:
    """Makes a change for an account whose password, and second factor where one is on, are proven,
    in the transaction that takes the factor. Raises InvalidCredentials, TwoFactorNeeded with a
    challenge when a factor is due and none was given, ChallengeInvalid, CodeInvalid, RateLimited by
    the counters of logging in, Unauthenticated, and Forbidden for an API key."""
    user_id = person(actor)
    stored = await database.run(lambda work: work.scalar(password_hash_of(user_id)))
    guesses = credential_counters(authenticator, str(user_id), actor)
    async with attempt(database, *guesses) as made:
        if not await authenticator.passwords.verify(stored, proof.password) or stored is None:
            raise _wrong_password()
        made.succeeded = True
    if proof.factor is None:
        outcome = await database.run(
            lambda work: _change(work, authenticator.secrets, user_id, stored, None, change)
        )
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome
    answer = Answer(proof.factor.challenge, proof.factor.channel, proof.factor.code)
    guesses = counters(authenticator.secrets, str(user_id), actor)
    async with attempt(database, *guesses) as made:
        try:
            outcome = await database.run(
                lambda work: _change(work, authenticator.secrets, user_id, stored, answer, change)
            )
        except DomainError:
            made.succeeded = True  # no code was compared, or it was right
            raise
        if isinstance(outcome, DomainError):
            raise outcome
        made.succeeded = True
    return outcome


async def _change(
    work: UnitOfWork,
    secrets: Secrets,
    user_id: UUID,
    verified: str,
    answer: Answer | None,
    change: Change[T],
) -> T | DomainError:
    """What the change gives; TwoFactorNeeded or CodeInvalid as a value, because what they wrote is
    to be committed before they are raised."""
    row = await work.first(lock_account(user_id))
    if row is None or row.password_hash != verified:
        raise _wrong_password()
    if await work.rows(factors_of(row.id)):
        if answer is None:
            due = await challenged(work, secrets, row, ChallengePurpose.SETTINGS)
            assert due is not None  # noqa: S101  a factor is on, and the row is locked
            return due
        challenge = await open_challenge(work, secrets, row, answer.challenge)
        if challenge is None or challenge.purpose != ChallengePurpose.SETTINGS:
            raise _challenge_over()
        if not await answered(work, secrets, row, challenge, answer):
            return code_invalid("input", "factor", "code")
    return await change(work, row)


def _wrong_password() -> InvalidCredentials:
    return InvalidCredentials(
        "The password is wrong. If you have none, set one first: startPasswordReset.",
        path=["input", "password"],
    )


def _challenge_over() -> ChallengeInvalid:
    over = challenge_over()
    over.path = ["input", "factor", "challenge"]
    return over
