"""Identity as clients see it: people, registering, verifying, logging in, sessions. Holds no rule:
resolvers/identity does."""

import strawberry

from graph.loading import Loader
from resolvers.identity.people import people_by_id, public_users_by_id, users_by_id
from resolvers.identity.sessions import own_sessions_by_id
from schema.identity import api_keys, groups, oidc, people_results
from schema.identity.administration import AdministrationMutation, AdministrationQuery
from schema.identity.heartbeat import HeartbeatSubscription
from schema.identity.login import LoginMutation
from schema.identity.passwords import PasswordMutation
from schema.identity.permissions import PermissionQuery
from schema.identity.profile import ProfileMutation
from schema.identity.registration import RegistrationMutation
from schema.identity.results import HANDLERS
from schema.identity.second_factor import (
    SecondFactorLoginMutation,
    SecondFactorQuery,
    SecondFactorSettingsMutation,
)
from schema.identity.second_factor_reset import SecondFactorResetMutation
from schema.identity.sessions import IdentityQuery, SessionMutation
from schema.identity.types import Address, PublicUser, Session, User, person
from schema.identity.verification import VerificationMutation

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
    "Subscription",
    "User",
]


@strawberry.type
class Query(
    api_keys.ApiKeyQuery,
    groups.GroupQuery,
    oidc.OidcQuery,
    IdentityQuery,
    SecondFactorQuery,
    AdministrationQuery,
    PermissionQuery,
):
    """Reading."""


@strawberry.type
class Mutation(
    api_keys.ApiKeyMutation,
    groups.GroupMutation,
    oidc.OidcMutation,
    RegistrationMutation,
    VerificationMutation,
    PasswordMutation,
    LoginMutation,
    SecondFactorLoginMutation,
    SecondFactorSettingsMutation,
    SecondFactorResetMutation,
    SessionMutation,
    ProfileMutation,
    AdministrationMutation,
):
    """Writing."""


@strawberry.type
class Subscription(HeartbeatSubscription):
    """Watching."""


_PARTS = (api_keys, groups, oidc)
HANDLERS = [
    *HANDLERS,
    *people_results.HANDLERS,
    *[handler for part in _PARTS for handler in part.HANDLERS],
]
LOADERS = {
    **{name: loader for part in _PARTS for name, loader in part.LOADERS.items()},
    "public_user": Loader(public_users_by_id, PublicUser.of, by_columns=True),
    "user": Loader(users_by_id, User.of),
    "person": Loader(people_by_id, person),
    "session": Loader(own_sessions_by_id, Session.of),
}
NODES = {
    **{prefix: name for part in _PARTS for prefix, name in part.NODES.items()},
    "usr": "person",
    "ses": "session",
}
TYPES = [*[one for part in _PARTS for one in part.TYPES], User, PublicUser, Session]
