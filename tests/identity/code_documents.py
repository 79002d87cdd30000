"""The operations on codes and passwords that tests send, and looking at what they leave."""

from typing import Any

from sqlalchemy import text

from tests.clients.client import Souk
from tests.identity.documents import COMPLETE, PASSWORD, REGISTER, result, verified
from tests.identity.mailbox import newest_code

NEW_PASSWORD = "a wholly new password"
PHONE = "+442079460958"

_ERROR = "... on UserError { code message path }"
START_MOBILE = f"""mutation Start($input: StartMobileVerificationInput!) {{
  startMobileVerification(input: $input) {{
  __typename ... on VerificationStarted {{ codeIndex expiresAt secretCode }}
  {_ERROR} ... on ResendTooSoon {{ retryAfter }} }} }}"""
COMPLETE_EMAIL = COMPLETE.replace("isVerified", "isVerified mobileVerificationNeeded")
COMPLETE_MOBILE = f"""mutation Complete($input: CompleteMobileVerificationInput!) {{
  completeMobileVerification(input: $input) {{
  __typename ... on MobileVerified {{ email isVerified }} {_ERROR} }} }}"""
START_RESET = f"""mutation Start($input: StartPasswordResetInput!) {{
  startPasswordReset(input: $input) {{
  __typename ... on PasswordResetStarted {{ codeIndex expiresAt sentTo secretCode }}
  {_ERROR} ... on ResendTooSoon {{ retryAfter }} }} }}"""
COMPLETE_RESET = f"""mutation Complete($input: CompletePasswordResetInput!) {{
  completePasswordReset(input: $input) {{
  __typename ... on CompletePasswordResetPayload {{ email isReset }} {_ERROR} }} }}"""
CHANGE = f"""mutation Change($input: ChangePasswordInput!) {{ changePassword(input: $input) {{
  __typename ... on ChangePasswordPayload {{ endedSessions user {{ email }} }} {_ERROR} }} }}"""


async def execute(souk: Souk, statement: str, **values: Any) -> None:
    """Changes what is stored: how tests move time."""
    built = text(statement).bindparams(**values)
    await souk.database.run(lambda work: work.execute(built))


async def pause(souk: Souk) -> None:
    """A minute passes for whoever asked for a code."""
    await execute(
        souk,
        "UPDATE failed_attempt SET occurred_at = occurred_at - interval '61 s' "
        "WHERE kind = 'code asked for'",
    )


async def stored(souk: Souk, email: str = "ada@example.com") -> Any:
    """The row of an account."""
    statement = text("SELECT * FROM user_account WHERE lower(email) = :email")
    return await souk.database.first(statement.bindparams(email=email))


async def code_row(souk: Souk, flow: str) -> Any:
    """The stored code of a flow, of the one account that has one."""
    statement = text("SELECT * FROM one_time_code WHERE flow = :flow")
    return await souk.database.first(statement.bindparams(flow=flow))


async def with_phone(
    souk: Souk, email: str = "ada@example.com", phone: str = PHONE, *, proven: bool = False
) -> None:
    """A verified account with a phone number, proven or not."""
    await verified(souk, email)
    await execute(
        souk,
        "UPDATE user_account SET phone = :phone, phone_verified = :proven WHERE email = :email",
        phone=phone,
        proven=proven,
        email=email,
    )


async def registered(souk: Souk, email: str = "ada@example.com", **more: Any) -> str:
    """Registers an address; the code of its mail."""
    person = {"email": email, "password": PASSWORD, "fullname": "Ada", **more}
    made = await result(souk.anonymous, REGISTER, **person)
    assert made["__typename"] == "RegisterUserPayload", made
    return await newest_code(souk, email)


def other_than(code: str, step: int = 1) -> str:
    """Another code of six digits."""
    return f"{(int(code) + step) % 1_000_000:06d}"


async def new_password(souk: Souk, code: str, **who: Any) -> dict[str, Any]:
    """What setting a new password by a code answers."""
    given = {"secretCode": code, "newPassword": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    return await result(souk.anonymous, COMPLETE_RESET, **{**given, **who})
