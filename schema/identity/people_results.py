"""Typed errors of people's administration."""

import strawberry

from graph.errors import DomainErrorHandler, UserError
from resolvers.identity import people_errors


@strawberry.type(
    description="The account's role, or the one to give, is equal to your own or above it."
)
class RoleTooHigh(UserError):
    pass


@strawberry.type(description="The super admin is never closed, deleted or reassigned.")
class SuperAdminProtected(UserError):
    pass


HANDLERS = [
    DomainErrorHandler(people_errors.RoleTooHigh, RoleTooHigh),
    DomainErrorHandler(people_errors.SuperAdminProtected, SuperAdminProtected),
]
