"""Identity as clients see it: people, registering, verifying, logging in, sessions. Holds no rule:
resolvers/identity does."""

import strawberry

from resolvers.identity.people import people_by_id, public_users_by_id, users_by_id
from resolvers.identity.sessions import own_sessions_by_id
from schema.context import Loader
from schema.identity.login import LoginMutation
from schema.identity.registration import RegistrationMutation
from schema.identity.results import HANDLERS
from schema.identity.sessions import IdentityQuery, SessionMutation
from schema.identity.types import Address, PublicUser, Session, User, person

__all__ = [
    "HANDLERS",
    "LOADERS",
    "NODES",
    "TYPES",
    "Address",
    "Mutation",
    "PublicUser",
    "Query",
    "Session",
    "User",
]


@strawberry.type
class Query(IdentityQuery):
    """Reading."""


@strawberry.type
class Mutation(RegistrationMutation, LoginMutation, SessionMutation):
    """Writing."""


LOADERS = {
    "public_user": Loader(public_users_by_id, PublicUser.of),
    "user": Loader(users_by_id, User.of),
    "person": Loader(people_by_id, person),
    "session": Loader(own_sessions_by_id, Session.of),
}
NODES = {"usr": "person", "ses": "session"}
TYPES = [User, PublicUser, Session]
