"""The names and addresses of the people of a history file; makes no account."""

from __future__ import annotations

import hashlib
import re
from typing import Final

__all__ = ["DEMO_DOMAIN", "address_of", "name_of"]

DEMO_DOMAIN: Final = "demo.souk.example"
"""A name that is never registered (RFC 2606): no mail reaches anybody."""

_NUMBERED = re.compile(r"bidder([0-9]{1,12})")
_FULLNAME = 100


def address_of(bidder: str) -> str:
    """The e-mail address of a bidder of a file; the same bidder always has the same. Only numbered
    bidders show in their address, so that no bidder is taken for one of the demo's own people."""
    if _NUMBERED.fullmatch(bidder):
        return f"{bidder}@{DEMO_DOMAIN}"
    return f"bidder-{hashlib.sha256(bidder.encode()).hexdigest()[:24]}@{DEMO_DOMAIN}"


def name_of(bidder: str) -> str:
    """The full name of a bidder of a file."""
    numbered = _NUMBERED.fullmatch(bidder)
    return f"Bidder {numbered[1]}" if numbered else bidder[:_FULLNAME]
