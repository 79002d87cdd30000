"""What the one server secret is used for, each use with a key of its own: sealing stored secrets
and making tags that cannot be forged or reversed. Stores nothing, logs nothing."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SealBroken(ValueError):
    """What was sealed cannot be opened: it was changed, or the server's secret was."""


def derived_key(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose, so that no key is used for two things (RFC 5869)."""
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"souk {purpose}".encode())
    return kdf.derive(secret.encode())


def tag(key: bytes, *parts: str) -> str:
    """HMAC-SHA256 of the parts in hexadecimal; the parts are kept apart, so that no two lists of
    parts have the same tag."""
    content = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def digest(token: str) -> str:
    """SHA-256 in hexadecimal: how a random token is stored. Enough for 256 random bits, which
    nobody can guess; never for a password or a short code."""
    return hashlib.sha256(token.encode()).hexdigest()


class Seal:
    """Encrypts what must be read again later: private keys, codes on their way to the mail."""

    def __init__(self, secret: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(derived_key(secret, "seal")))

    def close(self, text: str) -> str:
        """The sealed text."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text again. Raises SealBroken."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealBroken("the seal cannot be opened: was SOUK_SECRET changed?") from None


class Secrets:
    """The server's secret by its uses."""

    def __init__(self, secret: str) -> None:
        self.seal = Seal(secret)
        self._tags = derived_key(secret, "tags")

    def tag(self, purpose: str, *parts: str) -> str:
        """A tag of 64 hexadecimal digits for one purpose: how short codes are stored, and what
        stands for an address where the address itself should not stand."""
        return tag(self._tags, purpose, *parts)
