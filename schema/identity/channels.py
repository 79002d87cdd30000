"""The channels of second factors as clients see them. Holds no rule."""

from graph.enums import described
from models.identity.second_factors import TwoFactorChannel

__all__ = ["TwoFactorChannel"]

described(
    TwoFactorChannel,
    "By what a second factor is given.",
    EMAIL="A code mailed to the account's address: startTwoFactor sends it.",
    MOBILE="A code sent to the account's phone: startTwoFactor sends it.",
    TOTP="The code that an authenticator app shows, of six digits, new every 30 seconds.",
    RECOVERY="A recovery code, which is used once: for when everything else is lost.",
)
