"""How connections to the database are opened: the same for reads and writes."""

from typing import Final

CONNECT_SECONDS: Final = 5
WAIT_SECONDS: Final = 8
"""How long a statement waits for a connection when all are in use."""

SERVER_SETTINGS: Final = {
    "application_name": "souk",
    "timezone": "UTC",
    "jit": "off",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "30s",
}
