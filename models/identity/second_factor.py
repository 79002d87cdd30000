"""Statements on second factors, recovery codes and login challenges. Decides nothing: resolvers/
does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from core.ids import new_id
from models.base import Query
from models.identity.second_factors import (
    LoginChallenge,
    RecoveryCode,
    SecondFactor,
    TotpEnrollment,
    TwoFactorChannel,
)
from models.identity.users import User


def password_hash_of(user_id: UUID) -> Query:
    """The password hash of an active account."""
    return select(col(User.password_hash)).where(col(User.id) == user_id, col(User.is_active))


def factors_of(user_id: UUID) -> Query:
    """The second factors of an account that are on, in the order of their names."""
    return (
        select(
            col(SecondFactor.channel),
            col(SecondFactor.target),
            col(SecondFactor.secret),
            col(SecondFactor.last_step),
            col(SecondFactor.enabled_at),
        )
        .where(col(SecondFactor.user_id) == user_id)
        .order_by(col(SecondFactor.channel))
    )


def put_factor(user_id: UUID, channel: TwoFactorChannel, **values: Any) -> Any:
    """Turns a second factor on, in place of the one of the same channel."""
    statement = insert(SecondFactor).values(user_id=user_id, channel=channel, **values)
    return statement.on_conflict_do_update(
        index_elements=["user_id", "channel"],
        set_={name: statement.excluded[name] for name in values},
    )


def take_step(user_id: UUID, step: int) -> Any:
    """The app's code of this step is used: neither it nor an older one is taken again. Gives a row
    only when it was not used before."""
    return (
        update(SecondFactor)
        .where(
            col(SecondFactor.user_id) == user_id,
            col(SecondFactor.channel) == TwoFactorChannel.TOTP,
            or_(col(SecondFactor.last_step).is_(None), col(SecondFactor.last_step) < step),
        )
        .values(last_step=step)
        .returning(col(SecondFactor.user_id))
    )


def drop_factors(user_id: UUID, channel: TwoFactorChannel | None) -> Delete:
    """Turns off a second factor, or all of them."""
    statement = delete(SecondFactor).where(col(SecondFactor.user_id) == user_id)
    if channel is None:
        return statement
    return statement.where(col(SecondFactor.channel) == channel)


def put_enrollment(user_id: UUID, secret: str, lifetime: timedelta) -> Any:
    """The sealed secret of an app that is to be confirmed, in place of an earlier one; gives until
    when it can be."""
    values = {"secret": literal(secret), "expires_at": func.clock_timestamp() + lifetime}
    return (
        insert(TotpEnrollment)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
        .returning(col(TotpEnrollment.expires_at))
    )


def enrollment(user_id: UUID) -> Query:
    """What an account has to confirm."""
    return select(col(TotpEnrollment.secret), col(TotpEnrollment.expires_at)).where(
        col(TotpEnrollment.user_id) == user_id
    )


def drop_enrollment(user_id: UUID) -> Delete:
    """Nothing is to be confirmed any more."""
    return delete(TotpEnrollment).where(col(TotpEnrollment.user_id) == user_id)


def drop_recovery_codes(user_id: UUID) -> Delete:
    """Ends all recovery codes of an account."""
    return delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id)


def add_recovery_codes(user_id: UUID, hashes: list[str], at: datetime) -> Any:
    """New recovery codes of an account."""
    return insert(RecoveryCode).values(
        [
            {"id": new_id(), "user_id": user_id, "code_hash": code_hash, "created_at": at}
            for code_hash in hashes
        ]
    )


def use_recovery_code(user_id: UUID, code_hash: str, at: datetime) -> Any:
    """Uses a recovery code; gives a row only when there was such a one and it was unused."""
    return (
        update(RecoveryCode)
        .where(
            col(RecoveryCode.user_id) == user_id,
            col(RecoveryCode.code_hash) == code_hash,
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=at)
        .returning(col(RecoveryCode.id))
    )


def recovery_codes_left(user_id: UUID) -> Query:
    """How many recovery codes of an account are unused."""
    return (
        select(func.count())
        .select_from(RecoveryCode)
        .where(col(RecoveryCode.user_id) == user_id, col(RecoveryCode.used_at).is_(None))
    )


def add_challenge(**values: Any) -> Any:
    """A login, or a change of settings, that waits for its second factor."""
    return insert(LoginChallenge).values(**values)


def drop_expired_challenges(user_id: UUID) -> Delete:
    """An account's challenges that ended an hour ago."""
    return delete(LoginChallenge).where(
        col(LoginChallenge.user_id) == user_id,
        col(LoginChallenge.expires_at) < func.now() - timedelta(hours=1),
    )


def challenge_holder(token_hash: str) -> Query:
    """Whose challenge it is, whether or not it can still be answered."""
    return select(col(LoginChallenge.user_id)).where(col(LoginChallenge.token_hash) == token_hash)


def lock_challenge(token_hash: str) -> Query:
    """The challenge with what decides about it, locked."""
    return (
        select(
            col(LoginChallenge.id),
            col(LoginChallenge.user_id),
            col(LoginChallenge.purpose),
            col(LoginChallenge.password_tag),
            col(LoginChallenge.wrong_tries),
            col(LoginChallenge.expires_at),
            col(LoginChallenge.used_at),
        )
        .where(col(LoginChallenge.token_hash) == token_hash)
        .with_for_update()
    )


def count_wrong_answer(challenge_id: UUID) -> Any:
    """One wrong answer more."""
    return (
        update(LoginChallenge)
        .where(col(LoginChallenge.id) == challenge_id)
        .values(wrong_tries=col(LoginChallenge.wrong_tries) + 1)
    )


def use_challenge(challenge_id: UUID, at: datetime) -> Any:
    """A challenge is answered once."""
    return update(LoginChallenge).where(col(LoginChallenge.id) == challenge_id).values(used_at=at)


def drop_second_factors_of(ids: Sequence[UUID]) -> list[Delete]:
    """Removes everything about second factors of these accounts."""
    return [
        delete(table).where(table.user_id.in_(ids))  # type: ignore[attr-defined]  # a column
        for table in (LoginChallenge, RecoveryCode, TotpEnrollment, SecondFactor)
    ]


def challenges_older_than(age: timedelta) -> Delete:
    """Removes challenges that ended long ago."""
    return delete(LoginChallenge).where(col(LoginChallenge.expires_at) < func.now() - age)


def enrollments_older_than(age: timedelta) -> Delete:
    """Removes secrets that nobody confirmed."""
    return delete(TotpEnrollment).where(col(TotpEnrollment.expires_at) < func.now() - age)
