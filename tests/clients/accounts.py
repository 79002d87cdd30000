"""Accounts for tests, made below the schema so that a test of bidding does not pay for a password
hash a bidder."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from auth.actor import Role
from graph.context import Services
from resolvers.identity.accounts import import_accounts, issue_session
from resolvers.identity.sessions import Device


@dataclass(frozen=True)
class Account:
    """A signed-in person: the id and an access token."""

    id: UUID
    name: str
    email: str
    token: str
    refresh_token: str = ""


async def make_account(services: Services, name: str, role: Role) -> Account:
    """A verified account of this name and role, with an access token of a session of its own."""
    email = f"{uuid4().hex}@example.com"
    [user_id] = await services.database.run(
        lambda work: import_accounts(work, [(email, name, None)], role)
    )
    signed_in = await issue_session(
        services.database, services.authenticator, email, Device("tests", "127.0.0.1")
    )
    return Account(user_id, name, email, signed_in.access.value, signed_in.refresh_token)
