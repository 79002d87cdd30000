"""The operations that the identity tests send, and people to send them."""

from typing import Any

from tests.clients.client import Client, Souk
from tests.identity.mailbox import newest_code

PASSWORD = "correct horse battery"

_ERROR = "... on UserError { code message path }"
REGISTER = f"""mutation Register($input: RegisterUserInput!) {{ registerUser(input: $input) {{
  __typename ... on RegisterUserPayload {{ emailVerificationNeeded mobileVerificationNeeded }}
  {_ERROR} ... on AccountArchived {{ restorableUntil }} }} }}"""
START = f"""mutation Start($input: StartEmailVerificationInput!) {{
  startEmailVerification(input: $input) {{
  __typename ... on VerificationStarted {{ codeIndex expiresAt secretCode }}
  {_ERROR} ... on ResendTooSoon {{ retryAfter }} }} }}"""
COMPLETE = f"""mutation Complete($input: CompleteEmailVerificationInput!) {{
  completeEmailVerification(input: $input) {{
  __typename ... on EmailVerified {{ email isVerified }} {_ERROR} }} }}"""
LOGIN_FIELDS = f"""__typename
  ... on LoginPayload {{ accessToken refreshToken accessTokenExpiresAt
    user {{ id email fullname role emailVerified }} }}
  {_ERROR}"""
LOGIN = f"mutation Login($input: LoginInput!) {{ login(input: $input) {{ {LOGIN_FIELDS} }} }}"
REFRESH = f"""mutation Refresh($input: RefreshSessionInput!) {{ refreshSession(input: $input) {{
  __typename ... on RefreshSessionPayload {{ accessToken refreshToken user {{ role }} }}
  {_ERROR} }} }}"""
LOGOUT = "mutation { logout { __typename ... on LogoutPayload { loggedOut } } }"
ME = "{ currentUser { id email fullname role emailVerified } }"


async def result(client: Client, document: str, **input: Any) -> dict[str, Any]:
    """What the one mutation of a document answers to an input."""
    data = await client.run(document, input=input)
    [answer] = data.values()
    found: dict[str, Any] = answer
    return found


async def verified(souk: Souk, email: str, fullname: str = "Ada Lovelace") -> None:
    """Registers an address and proves it."""
    anonymous = souk.anonymous
    await result(anonymous, REGISTER, email=email, password=PASSWORD, fullname=fullname)
    code = await newest_code(souk, email)
    answer = await result(anonymous, COMPLETE, email=email, secretCode=code)
    assert answer["__typename"] == "EmailVerified", answer


async def logged_in(souk: Souk, email: str) -> dict[str, Any]:
    """The LoginPayload of a verified account."""
    answer = await result(souk.anonymous, LOGIN, email=email, password=PASSWORD)
    assert answer["__typename"] == "LoginPayload", answer
    return answer


async def post_with(souk: Souk, token: str | None, query: str = ME) -> tuple[int, dict[str, Any]]:
    """Status and body of an HTTP request with a token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    response = await souk.http.post("/graphql", json={"query": query}, headers=headers)
    body: dict[str, Any] = response.json()
    return response.status_code, body
