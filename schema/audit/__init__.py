"""The audit log as admins see it."""

from graph.domain import gather
from resolvers.audit import require_different_actions
from schema.audit import log

DOMAIN = gather("audit", log, checks=(require_different_actions,))
