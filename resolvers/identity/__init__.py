"""Identity: registering, verifying, signing in, sessions, people. One module a use case or two;
knows nothing of GraphQL or HTTP."""

from resolvers.identity.accounts import ensure_super_admin, import_accounts, issue_session
from resolvers.identity.people import public_users_by_id

__all__ = ["ensure_super_admin", "import_accounts", "issue_session", "public_users_by_id"]
