"""The operations on second factors that tests send, and people who have some on."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyotp
from sqlalchemy import text

from auth.actor import Role
from resolvers.identity.accounts import import_accounts
from tests.clients.accounts import Account
from tests.clients.client import Client, Souk
from tests.identity.documents import LOGIN_FIELDS, PASSWORD, logged_in, result

_ERROR = "... on UserError { code message path }"
_DUE = f"{_ERROR} ... on TwoFactorNeeded {{ challenge channels }}"
_STATUS = "secondFactor { channels { channel usable } recoveryCodesLeft }"

STATUS = "{ secondFactor { channels { channel usable enabledAt } recoveryCodesLeft } }"
LOGIN = f"""mutation Login($input: LoginInput!) {{ login(input: $input) {{
  {LOGIN_FIELDS} ... on TwoFactorNeeded {{ challenge channels }} }} }}"""
LOGIN_AS_ADMIN = LOGIN.replace("login(", "loginAsAdmin(")
START = f"""mutation Start($input: StartTwoFactorInput!) {{ startTwoFactor(input: $input) {{
  __typename ... on VerificationStarted {{ codeIndex expiresAt secretCode }} {_ERROR}
  ... on ResendTooSoon {{ retryAfter }} }} }}"""
COMPLETE = f"""mutation Complete($input: CompleteTwoFactorInput!) {{
  completeTwoFactor(input: $input) {{ {LOGIN_FIELDS} }} }}"""
ENROLL = f"""mutation Enroll($input: StartTotpEnrollmentInput!) {{
  startTotpEnrollment(input: $input) {{
  __typename ... on TotpEnrollmentStarted {{ secret otpauthUri expiresAt }} {_DUE} }} }}"""
CONFIRM = f"""mutation Confirm($input: ConfirmTotpEnrollmentInput!) {{
  confirmTotpEnrollment(input: $input) {{
  __typename ... on ConfirmTotpEnrollmentPayload {{ recoveryCodes {_STATUS} }} {_ERROR} }} }}"""
REGENERATE = f"""mutation Regenerate($input: RegenerateRecoveryCodesInput!) {{
  regenerateRecoveryCodes(input: $input) {{
  __typename ... on RegenerateRecoveryCodesPayload {{ recoveryCodes {_STATUS} }} {_DUE} }} }}"""
ENABLE = f"""mutation Enable($input: EnableTwoFactorInput!) {{ enableTwoFactor(input: $input) {{
  __typename ... on EnableTwoFactorPayload {{ recoveryCodes {_STATUS} }} {_DUE} }} }}"""
DISABLE = f"""mutation Disable($input: DisableTwoFactorInput!) {{
  disableTwoFactor(input: $input) {{
  __typename ... on DisableTwoFactorPayload {{ {_STATUS} }} {_DUE} }} }}"""


@dataclass
class Person:
    """Somebody with an account and perhaps an app."""

    souk: Souk
    email: str
    client: Client
    secret: str = ""
    recovery_codes: tuple[str, ...] = ()

    async def challenge(self, document: str = LOGIN) -> dict[str, Any]:
        """What logging in answers where a second factor is due."""
        answer = await result(self.souk.anonymous, document, email=self.email, password=PASSWORD)
        assert answer["__typename"] == "TwoFactorNeeded", answer
        return answer

    async def code(self) -> str:
        """A code of the app that was not used yet and will be good for some seconds."""
        await execute(self.souk, "UPDATE second_factor SET last_step = NULL")
        return await app_code(self.secret)

    async def settings_factor(self, document: str = DISABLE, **input: Any) -> dict[str, Any]:
        """A right second factor for a change of settings."""
        due = await result(self.client, document, password=PASSWORD, **input)
        assert due["__typename"] == "TwoFactorNeeded", due
        return {"challenge": due["challenge"], "channel": "TOTP", "code": await self.code()}


async def execute(souk: Souk, statement: str, **values: Any) -> None:
    """Changes what is stored: how tests move time."""
    built = text(statement).bindparams(**values)
    await souk.database.run(lambda work: work.execute(built))


async def count(souk: Souk, what: str) -> int:
    """How many rows there are."""
    return int(await souk.database.scalar(text(f"SELECT count(*) FROM {what}")))  # noqa: S608  a constant of a test


async def app_code(secret: str, steps: int = 0) -> str:
    """What an app shows whose clock is `steps` of 30 s ahead. One that is just not too old is taken
    early in a step, so that the step is still the same when the server looks."""
    for _ in range(80):
        if steps != -1 or time.time() % 30 < 26:
            break
        await asyncio.sleep(0.1)
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def wrong(code: str, step: int = 1) -> str:
    """Another code of six digits."""
    return f"{(int(code) + step) % 1_000_000:06d}"


async def account(souk: Souk, email: str, role: Role = Role.USER) -> UUID:
    """A verified account with the password of all tests, made below the schema."""
    hashed = await souk.services.authenticator.passwords.hash(PASSWORD)
    [user_id] = await souk.database.run(
        lambda work: import_accounts(work, [(email, "Ada Lovelace", hashed)], role)
    )
    return user_id


async def person(souk: Souk, email: str = "ada@example.com", role: Role = Role.USER) -> Person:
    """Somebody who is logged in, without a second factor."""
    user_id = await account(souk, email, role)
    session = await logged_in(souk, email)
    signed_in = Account(user_id, "Ada", email, session["accessToken"], session["refreshToken"])
    return Person(souk, email, Client(souk.url, souk.http, signed_in))


async def person_with_app(
    souk: Souk, email: str = "ada@example.com", role: Role = Role.USER
) -> Person:
    """Somebody with an authenticator app on."""
    someone = await person(souk, email, role)
    started = await result(someone.client, ENROLL, password=PASSWORD)
    assert started["__typename"] == "TotpEnrollmentStarted", started
    someone.secret = started["secret"]
    confirmed = await result(someone.client, CONFIRM, code=await app_code(someone.secret))
    assert confirmed["__typename"] == "ConfirmTotpEnrollmentPayload", confirmed
    someone.recovery_codes = tuple(confirmed["recoveryCodes"])
    return someone


async def give(souk: Souk, challenge: str, channel: str, code: str) -> dict[str, Any]:
    """What giving a second factor answers."""
    return await result(souk.anonymous, COMPLETE, challenge=challenge, channel=channel, code=code)
