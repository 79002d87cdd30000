"""The fields that identity's commands share: what an e-mail address, a name, a phone number is."""

from typing import Annotated

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from core.commands import Text, Trimmed


def _email(value: str) -> str:
    try:
        # Only the form is checked here: that the address exists is proven by the code sent to it.
        found = validate_email(value, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise ValueError("is not an e-mail address") from None
    if "." not in found.domain or found.domain.startswith("["):
        raise ValueError("is not an e-mail address")
    # Two addresses are the same when they are in small letters, as the database writes them. It
    # makes of this one (İ) the i of somebody else's.
    if any(len(letter.lower()) > 1 for letter in found.normalized):
        raise ValueError("is not an e-mail address")
    return found.normalized


def phone_of(value: str) -> str:
    """A phone number in its one form (E.164). Raises ValueError for what cannot be one."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        raise ValueError("must be a phone number with + and its country code") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("is not a possible phone number")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _phone(value: str | None) -> str | None:
    return None if value is None else phone_of(value)


Email = Annotated[Text, Field(max_length=254), AfterValidator(_email)]
OptionalEmail = Annotated[
    Annotated[str, Field(max_length=254), AfterValidator(_email)] | None, Trimmed
]
Fullname = Annotated[Text, Field(min_length=1, max_length=100)]
Phone = Annotated[Annotated[str, Field(max_length=40)] | None, Trimmed, AfterValidator(_phone)]
OptionalText = Annotated[Annotated[str, Field(max_length=254)] | None, Trimmed]
# A password is taken as it is, spaces and all. The length is checked with its strength.
Password = Annotated[str, Field(min_length=1, max_length=1_024)]
# Six digits, or the token of the link that came with them.
Code = Annotated[Text, Field(min_length=1, max_length=100)]
OptionalCode = Annotated[Annotated[str, Field(max_length=100)] | None, Trimmed]
