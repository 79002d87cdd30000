"""Registering, as clients see it. Holds no rule."""

from typing import Annotated

import strawberry

from graph.context import Info
from graph.errors import InvalidInput
from graph.unions import result
from resolvers.identity import registration
from schema.identity.results import AccountArchived, WeakPassword


@strawberry.input(description="A new account.")
class RegisterUserInput:
    email: str = strawberry.field(description="The e-mail address, at most 254 characters.")
    password: str = strawberry.field(
        description="8 to 128 characters, not a common one and not the e-mail address."
    )
    fullname: str = strawberry.field(description="The name shown, 1 to 100 characters.")
    phone: str | None = strawberry.field(
        default=None, description="The phone number with + and its country code (E.164)."
    )
    username: str | None = strawberry.field(
        default=None,
        description="A name to log in with: 3 to 30 of a–z, 0–9, `_` and `.`. The account gets it "
        "when its address is proven, unless somebody else took it meanwhile.",
    )
    avatar_url: str | None = strawberry.field(
        default=None,
        description="The https address of a picture; one is generated where none is given.",
    )
    preferred_language: str | None = strawberry.field(
        default=None, description="A language tag such as de-AT (BCP 47): mails come in it."
    )
    bio: str | None = strawberry.field(
        default=None, description="About the person, at most 2,000 characters."
    )


@strawberry.type(description="The account was made, unless the address had one: the mail tells.")
class RegisterUserPayload:
    email_verification_needed: bool = strawberry.field(
        description="A code was mailed: completeEmailVerification takes it."
    )
    mobile_verification_needed: bool = strawberry.field(
        description="The phone number must be proven too before logging in; true where one was "
        "given and the server asks for it (SOUK_MOBILE_VERIFICATION)."
    )


RegisterUserResult = Annotated[
    RegisterUserPayload | InvalidInput | WeakPassword | AccountArchived,
    result("RegisterUserResult", "registering"),
]


@strawberry.type
class RegistrationMutation:
    """Registering."""

    @strawberry.mutation(
        description="Makes an account of role USER and mails a code. A taken address gets the same "
        "answer, and its owner a mail that says so."
    )
    async def register_user(self, info: Info, input: RegisterUserInput) -> RegisterUserResult:
        services = info.context.services
        command = registration.RegisterUser.of(
            email=input.email,
            password=input.password,
            fullname=input.fullname,
            phone=input.phone,
            username=input.username,
            avatar_url=input.avatar_url,
            preferred_language=input.preferred_language,
            bio=input.bio,
        )
        made = await registration.register_user(
            services.database, services.authenticator, services.settings, command
        )
        return RegisterUserPayload(
            email_verification_needed=made.email_verification_needed,
            mobile_verification_needed=made.mobile_verification_needed,
        )
