"""What people's administration refuses in a way that the client can handle."""

from dataclasses import dataclass
from typing import ClassVar

from core.errors import DomainError, ErrorCode


@dataclass(eq=False)
class RoleTooHigh(DomainError):
    """The account's role, or the one to give, is equal to the caller's own or above it."""

    code: ClassVar[ErrorCode] = ErrorCode.ROLE_TOO_HIGH


@dataclass(eq=False)
class SuperAdminProtected(DomainError):
    """The super admin is never closed, deleted or reassigned."""

    code: ClassVar[ErrorCode] = ErrorCode.SUPER_ADMIN_PROTECTED
