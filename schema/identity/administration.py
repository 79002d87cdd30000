"""Reading and administering people, as clients see it. Holds no rule."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from auth.actor import Role
from core.commands import wish
from core.ids import decode_id
from core.pages import PageRequest, page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, connection_of
from graph.context import Info
from graph.enums import described
from graph.errors import Conflict, InvalidInput, NotFound
from graph.unions import result
from models.identity.people import UserSort, UserWishes
from resolvers.identity import administration, people
from schema.identity.people_results import RoleTooHigh, SuperAdminProtected
from schema.identity.profile import AddressInput, given
from schema.identity.results import AccountArchived, WeakPassword
from schema.identity.types import PublicUser, User

described(
    UserSort,
    "The order of a list of accounts.",
    OLDEST="The first made first.",
    NEWEST="The last made first.",
    FULLNAME="By full name, whatever its case.",
    EMAIL="By e-mail address, whatever its case.",
)

_REASON = "Why, 1 to 1,000 characters: it stands in the audit log."


@strawberry.input(description="Which accounts a list holds; all conditions hold together.")
class UserFilter:
    email: str | None = strawberry.field(
        default=None, description="A part of the e-mail address, whatever its case."
    )
    fullname: str | None = strawberry.field(
        default=None, description="A part of the full name, whatever its case."
    )
    role: list[Role] | None = strawberry.field(default=None, description="One of these roles.")
    archived: bool | None = strawberry.field(
        default=False, description="True: only closed accounts. False: only open ones. Null: both."
    )


@strawberry.input(description="A new account.")
class CreateUserInput:
    email: str = strawberry.field(description="The e-mail address, at most 254 characters.")
    password: str = strawberry.field(
        description="8 to 128 characters, not a common one and not the e-mail address."
    )
    fullname: str = strawberry.field(description="The name shown, 1 to 100 characters.")
    role: Role = strawberry.field(default=Role.USER, description="Below your own.")
    phone: str | None = strawberry.field(
        default=None, description="With + and its country code (E.164)."
    )
    avatar_url: str | None = strawberry.field(
        default=None, description="The address of a picture, https, at most 500 characters."
    )
    bio: str | None = strawberry.field(default=None, description="At most 2,000 characters.")
    preferred_language: str | None = strawberry.field(
        default=None, description="A language tag (BCP 47)."
    )
    address: AddressInput | None = strawberry.field(default=None, description="The postal address.")
    reason: str = strawberry.field(description=_REASON)


@strawberry.input(
    description="What changes of somebody's profile; what is left out stays, what is null is "
    "emptied. E-mail address and role cannot be changed here."
)
class UpdateUserInput:
    user_id: strawberry.ID = strawberry.field(description="Whose.")
    fullname: str | None = strawberry.field(
        default=UNSET, description="1 to 100 characters; cannot be emptied."
    )
    phone: str | None = strawberry.field(
        default=UNSET,
        description="With + and its country code (E.164). Another number must be verified anew.",
    )
    avatar_url: str | None = strawberry.field(
        default=UNSET,
        description="The address of a picture, https, at most 500 characters; null for the "
        "generated one.",
    )
    bio: str | None = strawberry.field(default=UNSET, description="At most 2,000 characters.")
    preferred_language: str | None = strawberry.field(
        default=UNSET, description="A language tag (BCP 47)."
    )
    address: AddressInput | None = strawberry.field(
        default=UNSET, description="The postal address, whole."
    )
    reason: str = strawberry.field(description=_REASON)


@strawberry.input(description="The account to close.")
class DeleteUserInput:
    user_id: strawberry.ID = strawberry.field(description="Whose.")
    reason: str = strawberry.field(description=_REASON)


@strawberry.input(description="Who gets which role.")
class SetUserRoleInput:
    user_id: strawberry.ID = strawberry.field(description="Who.")
    role: Role = strawberry.field(description="The new role, below your own.")
    reason: str = strawberry.field(description=_REASON)


@strawberry.input(description="Who gets which password.")
class SetUserPasswordInput:
    user_id: strawberry.ID = strawberry.field(description="Who.")
    password: str = strawberry.field(
        description="8 to 128 characters, not a common one and not the e-mail address."
    )
    reason: str = strawberry.field(description=_REASON)


@strawberry.type(description="The account was made.")
class CreateUserPayload:
    user: User = strawberry.field(description="The new account.")
    email_verification_needed: bool = strawberry.field(
        description="A code was mailed: nobody logs in before completeEmailVerification."
    )


@strawberry.type(description="The profile is as wanted.")
class UpdateUserPayload:
    user: User = strawberry.field(description="The account as it is now.")


@strawberry.type(description="The account is closed and all its sessions have ended.")
class DeleteUserPayload:
    user: User = strawberry.field(description="The account as it is now.")


@strawberry.type(description="The role is as wanted; tokens follow within a minute.")
class SetUserRolePayload:
    user: User = strawberry.field(description="The account as it is now.")


@strawberry.type(description="The password is set and all sessions of the account have ended.")
class SetUserPasswordPayload:
    user: User = strawberry.field(description="The account.")


CreateUserResult = Annotated[
    CreateUserPayload | InvalidInput | WeakPassword | AccountArchived | Conflict | RoleTooHigh,
    result("CreateUserResult", "making an account"),
]
UpdateUserResult = Annotated[
    UpdateUserPayload | InvalidInput | NotFound | Conflict | RoleTooHigh,
    result("UpdateUserResult", "changing somebody's profile"),
]
DeleteUserResult = Annotated[
    DeleteUserPayload | InvalidInput | NotFound | RoleTooHigh | SuperAdminProtected,
    result("DeleteUserResult", "closing somebody's account"),
]
SetUserRoleResult = Annotated[
    SetUserRolePayload | InvalidInput | NotFound | Conflict | RoleTooHigh | SuperAdminProtected,
    result("SetUserRoleResult", "giving somebody a role"),
]
SetUserPasswordResult = Annotated[
    SetUserPasswordPayload | InvalidInput | NotFound | Conflict | RoleTooHigh | WeakPassword,
    result("SetUserPasswordResult", "setting somebody's password"),
]


def _user_id(id: strawberry.ID) -> object:
    return decode_id("usr", id, "input.userId")


async def _listed(
    info: Info, wishes: UserWishes, sort: UserSort, page: PageRequest
) -> Connection[User]:
    database, actor = info.context.database, info.context.actor
    found = await people.list_users(database, actor, wishes, sort, page)
    made: Connection[User] = connection_of(
        found,
        [User.of(row) for row in found.rows],
        lambda _: people.count_users(database, actor, wishes),
    )
    return made


@strawberry.type
class AdministrationQuery:
    """Reading people."""

    @strawberry.field(
        description="The account of this id: your own, or for admins anybody's; null for everybody "
        "else. What everybody may see: publicUser."
    )
    async def user(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The account's id.")],
    ) -> User | None:
        found: User | None = await info.context.load("user", decode_id("usr", id, "id"))
        return found

    @strawberry.field(
        description="A person with an open account, as everybody sees them; null for closed ones."
    )
    async def public_user(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The person's id.")],
    ) -> PublicUser | None:
        row = await people.public_user(info.context.database, decode_id("usr", id, "id"))
        return None if row is None else PublicUser.of(row, info.context.actor)

    @strawberry.field(description="Accounts. ADMIN.")
    async def users(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[UserFilter | None, strawberry.argument(description="Which ones.")] = None,
        sort: Annotated[
            UserSort | None, strawberry.argument(description="In which order.")
        ] = UserSort.OLDEST,
    ) -> Connection[User]:
        page = page_request(first, after, last, before)
        wanted = filter or UserFilter()
        wishes = UserWishes(
            email=wish(wanted.email, "filter.email"),
            fullname=wish(wanted.fullname, "filter.fullname"),
            roles=tuple(wanted.role or ()),
            archived=wanted.archived,
        )
        return await _listed(info, wishes, sort or UserSort.OLDEST, page)

    @strawberry.field(
        description="Open accounts whose full name or e-mail address holds a text, by name; made "
        "for searching while typing. ADMIN."
    )
    async def search_users(
        self,
        info: Info,
        keyword: Annotated[
            str, strawberry.argument(description="At least 3 characters, at most 100.")
        ],
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        role: Annotated[
            list[Role] | None, strawberry.argument(description="Only these roles.")
        ] = None,
    ) -> Connection[User]:
        page = page_request(first, after, last, before)
        found = people.require_keyword(wish(keyword, "keyword"))
        wishes = UserWishes(keyword=found, roles=tuple(role or ()))
        return await _listed(info, wishes, UserSort.FULLNAME, page)


@strawberry.type
class AdministrationMutation:
    """Administering people."""

    @strawberry.mutation(
        description="Makes an account of a role below your own; a code to verify the address is "
        "mailed. ADMIN."
    )
    async def create_user(self, info: Info, input: CreateUserInput) -> CreateUserResult:
        services, actor = info.context.services, info.context.actor
        actor.member()
        command = administration.CreateUser.of(**given(input))
        user_id = await administration.create_user(
            services.database, services.authenticator, actor, command
        )
        user: User = await info.context.load("user", user_id)
        return CreateUserPayload(user=user, email_verification_needed=not user.email_verified)

    @strawberry.mutation(description="Changes the profile of somebody of a lower role. ADMIN.")
    async def update_user(self, info: Info, input: UpdateUserInput) -> UpdateUserResult:
        actor = info.context.actor
        actor.member()
        command = administration.UpdateUser.of(
            **given(input, "user_id"), user_id=_user_id(input.user_id)
        )
        user_id = await info.context.write(
            lambda work: administration.update_user(work, actor, command)
        )
        return UpdateUserPayload(user=await info.context.load("user", user_id))

    @strawberry.mutation(
        description="Closes the account of somebody of a lower role and ends all its sessions, "
        "open sockets included, within a minute. Logging in does not restore it. ADMIN."
    )
    async def delete_user(self, info: Info, input: DeleteUserInput) -> DeleteUserResult:
        actor, authenticator = info.context.actor, info.context.services.authenticator
        actor.member()
        command = administration.DeleteUser.of(user_id=_user_id(input.user_id), reason=input.reason)
        closed = await info.context.write(
            lambda work: administration.delete_user(work, actor, command)
        )
        authenticator.note_revoked(closed.ended)
        await authenticator.look()
        return DeleteUserPayload(user=await info.context.load("user", closed.user_id))

    @strawberry.mutation(
        description="Gives somebody of a lower role another role below your own. ADMIN."
    )
    async def set_user_role(self, info: Info, input: SetUserRoleInput) -> SetUserRoleResult:
        actor, authenticator = info.context.actor, info.context.services.authenticator
        actor.member()
        command = administration.SetUserRole.of(
            user_id=_user_id(input.user_id), role=input.role, reason=input.reason
        )
        user_id = await info.context.write(
            lambda work: administration.set_user_role(work, actor, command)
        )
        await authenticator.look()
        return SetUserRolePayload(user=await info.context.load("user", user_id))

    @strawberry.mutation(
        description="Sets the password of somebody of a lower role, ends all their sessions, and "
        "tells them by mail. ADMIN."
    )
    async def set_user_password(
        self, info: Info, input: SetUserPasswordInput
    ) -> SetUserPasswordResult:
        services, actor = info.context.services, info.context.actor
        actor.member()
        command = administration.SetUserPassword.of(
            user_id=_user_id(input.user_id), password=input.password, reason=input.reason
        )
        done = await administration.set_user_password(
            services.database, services.authenticator, actor, command
        )
        services.authenticator.note_revoked(done.ended)
        return SetUserPasswordPayload(user=await info.context.load("user", command.user_id))
