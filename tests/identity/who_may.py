"""The one table of who may do what in identity, customers and the audit log
(spec/02-identity.md#user, spec/10-admin-compliance.md): every root field of these domains."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.ids import new_id
from tests.customers.people import CYNTHIA
from tests.identity.scene import ADMINS, EVERYBODY, OWNER, SIGNED_IN, STAFF, Scene, Who

Values = dict[str, Any]
PASSWORD = "another horse battery"
WHY = "Asked for on the phone."


@dataclass(frozen=True)
class Writing:
    """A mutation: who may, with which input, and the types of the answers of those who may. Answers
    that are no success show that the operation was reached and judged by its own rules."""

    field: str
    may: frozenset[Who]
    input: Callable[[Scene], Awaitable[Values]]
    answers: tuple[str, ...] = ()
    # What those may not see looks to them like what does not exist.
    hidden: tuple[str, ...] = ()
    own: bool = False

    @property
    def name(self) -> str:
        """As in the schema."""
        return f"Mutation.{self.field}"

    @property
    def document(self) -> str:
        """The mutation, with nothing but the kind of its answer."""
        kind = "LoginInput" if self.field == "loginAsAdmin" else f"{self._type}Input"
        return (
            f"mutation($input: {kind}!) {{ {self.field}(input: $input) {{ __typename"
            " ... on UserError { code message } } }"
        )

    @property
    def expected(self) -> tuple[str, ...]:
        """The types of the answers of those who may."""
        return self.answers or (f"{self._type}Payload",)

    @property
    def _type(self) -> str:
        return self.field[0].upper() + self.field[1:]


@dataclass(frozen=True)
class Reading:
    """A query: who sees what `shows` names, by which document and variables."""

    field: str
    may: frozenset[Who]
    query: str
    values: Callable[[Scene], Awaitable[tuple[Values, str]]]
    # Everybody else: an error where a list is for some only, nothing of it where all have theirs.
    refused: bool = True

    @property
    def name(self) -> str:
        """As in the schema."""
        return f"Query.{self.field}"


def given(**values: Any) -> Callable[[Scene], Awaitable[Values]]:
    """An input: what can be called is called with the scene. Names that start with `_` are no part
    of it, only things that there must be."""

    async def make(scene: Scene) -> Values:
        made: Values = {}
        for name, value in values.items():
            found = value(scene) if callable(value) else value
            made[name] = await found if isinstance(found, Awaitable) else found
        return made

    return make


def shown(what: Any, **values: Any) -> Callable[[Scene], Awaitable[tuple[Values, str]]]:
    """The variables of a query, and what its answer shows to those who may."""

    async def make(scene: Scene) -> tuple[Values, str]:
        made = await given(what=what, **values)(scene)
        text = made.pop("what")
        return {name: text if value == "what" else value for name, value in made.items()}, text

    return make


def fresh(_: Scene) -> str:
    """An address that nobody has."""
    return f"{new_id().hex}@example.com"


def _user(scene: Scene) -> str:
    return scene.user


def _email(scene: Scene) -> str:
    return scene.email


async def _group_of_member(scene: Scene) -> str:
    await scene.member()
    return scene.ids["grp"]


ONE = "query($id: ID!) {{ {0}(id: $id) {{ id }} }}"
LIST = "{{ {0}(last: 100) {{ totalCount nodes {{ id }} }} }}"
NODE = "query($id: ID!) { node(id: $id) { id } }"
_NONE = ("NotFound",)
_WRONG = ("InvalidCredentials",)
_NO_CODE = ("CodeInvalid",)
_SENT = ("VerificationStarted",)
_NO_CHALLENGE = ("ChallengeInvalid",)
_CODE = {"email": fresh, "secretCode": "123456"}
_BACK = {"provider": "none", "handle": "x", "state": "x", "code": "x"}
_NEW_PASSWORD = {"newPassword": PASSWORD, "confirmation": PASSWORD}

WRITINGS: tuple[Writing, ...] = (
    # Anybody, with what they know: nothing of it needs a session.
    Writing(
        "registerUser",
        EVERYBODY,
        given(email=fresh, password=PASSWORD, fullname="New"),
    ),
    Writing("login", EVERYBODY, given(email=_email, password=PASSWORD), _WRONG),
    Writing("loginAsAdmin", EVERYBODY, given(email=_email, password=PASSWORD), _WRONG),
    Writing("refreshSession", EVERYBODY, given(refreshToken="made up"), ("SessionInvalid",)),
    Writing("startEmailVerification", EVERYBODY, given(email=fresh), _SENT),
    Writing("completeEmailVerification", EVERYBODY, given(**_CODE), _NO_CODE),
    Writing("startMobileVerification", EVERYBODY, given(email=fresh), _SENT),
    Writing("completeMobileVerification", EVERYBODY, given(**_CODE), _NO_CODE),
    Writing(
        "startPasswordReset",
        EVERYBODY,
        given(channel="EMAIL", email=fresh),
        ("PasswordResetStarted",),
    ),
    Writing(
        "completePasswordReset",
        EVERYBODY,
        given(channel="EMAIL", **_CODE, **_NEW_PASSWORD),
        _NO_CODE,
    ),
    Writing("startTwoFactor", EVERYBODY, given(challenge="x", channel="EMAIL"), _NO_CHALLENGE),
    Writing(
        "completeTwoFactor",
        EVERYBODY,
        given(challenge="x", channel="EMAIL", code="123456"),
        _NO_CHALLENGE,
    ),
    Writing("startOidcLogin", EVERYBODY, given(provider="none"), ("InvalidInput",)),
    Writing("completeOidcLogin", EVERYBODY, given(**_BACK), ("InvalidInput",)),
    Writing("confirmCustomerDeletion", EVERYBODY, given(token="made up"), ("NotFound",)),
    Writing("logout", EVERYBODY, given(), own=True),
    # One's own account: the token says whose.
    Writing("relogin", SIGNED_IN, given(), ("LoginPayload",), own=True),
    Writing("revokeAllSessions", SIGNED_IN, given(keepCurrent=False), own=True),
    Writing("updateProfile", SIGNED_IN, given(bio="Changed."), own=True),
    Writing(
        "archiveProfile", OWNER, given(email=_email), hidden=("InvalidInput", "SuperAdminProtected")
    ),
    Writing(
        "changePassword",
        SIGNED_IN,
        given(oldPassword="x", **_NEW_PASSWORD),
        _WRONG,
    ),
    Writing("startTotpEnrollment", SIGNED_IN, given(password="x"), _WRONG),
    Writing("confirmTotpEnrollment", SIGNED_IN, given(code="123456"), _NO_CODE),
    Writing("regenerateRecoveryCodes", SIGNED_IN, given(password="x"), _WRONG),
    Writing("enableTwoFactor", SIGNED_IN, given(channel="EMAIL", password="x"), _WRONG),
    Writing("disableTwoFactor", SIGNED_IN, given(channel="EMAIL", password="x"), _WRONG),
    Writing("createApiKey", SIGNED_IN, given(scopes=["READ"]), own=True),
    # What is somebody's.
    Writing("revokeSession", OWNER, given(sessionId=Scene.session), hidden=_NONE),
    Writing(
        "unlinkIdentity",
        OWNER,
        given(identityId=Scene.identity),
        ("UnlinkIdentityPayload", "LastWayToLogIn"),
        hidden=_NONE,
    ),
    Writing(
        "updateApiKey",
        OWNER,
        given(apiKeyId=Scene.key, description="Changed."),
        hidden=_NONE,
    ),
    Writing("revokeApiKey", OWNER | ADMINS, given(apiKeyId=Scene.key), hidden=_NONE),
    Writing("deleteAvatarFile", OWNER | ADMINS, given(avatarFileId=Scene.avatar), hidden=_NONE),
    Writing("createCustomer", OWNER | STAFF, given(userId=_user, **CYNTHIA)),
    Writing(
        "updateMyCustomer",
        OWNER,
        given(lastName="Changed", _is=Scene.customer),
        hidden=_NONE,
    ),
    Writing(
        "requestCustomerDeletion",
        OWNER | STAFF,
        given(customerId=Scene.customer),
        hidden=_NONE,
    ),
    # Staff.
    Writing("updateCustomer", STAFF, given(customerId=Scene.customer, lastName="Changed")),
    Writing("deleteCustomer", STAFF, given(customerId=Scene.customer, reason=WHY)),
    # Admins.
    Writing(
        "createUser",
        ADMINS,
        given(email=fresh, password=PASSWORD, fullname="New", reason=WHY),
    ),
    Writing("updateUser", ADMINS, given(userId=_user, bio="Changed.", reason=WHY)),
    Writing("deleteUser", ADMINS, given(userId=_user, reason=WHY)),
    Writing("setUserRole", ADMINS, given(userId=_user, role="STAFF", reason=WHY)),
    Writing("setUserPassword", ADMINS, given(userId=_user, password=PASSWORD, reason=WHY)),
    Writing("resetTwoFactor", ADMINS, given(userId=_user, reason=WHY)),
    Writing("createUserGroup", ADMINS, given(groupName=fresh)),
    Writing("updateUserGroup", ADMINS, given(userGroupId=Scene.group, groupName=fresh)),
    Writing("deleteUserGroup", ADMINS, given(userGroupId=Scene.group)),
    Writing("addUserToGroup", ADMINS, given(userGroupId=Scene.group, userId=_user)),
    Writing("removeUserFromGroup", ADMINS, given(userGroupMemberId=Scene.member)),
)

READINGS: tuple[Reading, ...] = (
    Reading("currentUser", OWNER, "{ currentUser { id } }", shown(_user), refused=False),
    Reading("currentSession", OWNER, "{ currentSession { id } }", shown(Scene.session), False),
    Reading("sessions", OWNER, LIST.format("sessions"), shown(Scene.session), False),
    Reading(
        "linkedIdentities", OWNER, LIST.format("linkedIdentities"), shown(Scene.identity), False
    ),
    Reading(
        "secondFactor",
        SIGNED_IN,
        "{ secondFactor { recoveryCodesLeft } }",
        shown("recoveryCodesLeft"),
    ),
    Reading("myCustomer", OWNER, "{ myCustomer { id } }", shown(Scene.customer), False),
    Reading("apiKeys", OWNER | ADMINS, LIST.format("apiKeys"), shown(Scene.key), False),
    Reading("avatarFiles", OWNER | ADMINS, LIST.format("avatarFiles"), shown(Scene.avatar), False),
    Reading(
        "avatarFile",
        OWNER | ADMINS,
        ONE.format("avatarFile"),
        shown(Scene.avatar, id="what"),
        False,
    ),
    Reading("user", OWNER | ADMINS, ONE.format("user"), shown(_user, id="what"), False),
    Reading("publicUser", EVERYBODY, ONE.format("publicUser"), shown(_user, id="what")),
    Reading(
        "permissions",
        SIGNED_IN,
        "{ permissions { name } currentUser { __typename } }",
        shown("User"),
    ),
    Reading(
        "permission",
        SIGNED_IN,
        "{ permission(name: MANAGE_USERS) { name canDo } }",
        shown("MANAGE_USERS"),
    ),
    Reading("users", ADMINS, LIST.format("users"), shown(_user)),
    Reading(
        "searchUsers",
        ADMINS,
        "query($keyword: String!) { searchUsers(keyword: $keyword) { nodes { id } } }",
        shown(_user, keyword=_email),
    ),
    Reading(
        "customer", OWNER | STAFF, ONE.format("customer"), shown(Scene.customer, id="what"), False
    ),
    Reading("customers", STAFF, LIST.format("customers"), shown(Scene.customer)),
    Reading("userGroup", EVERYBODY, ONE.format("userGroup"), shown(Scene.group, id="what")),
    Reading("userGroups", EVERYBODY, LIST.format("userGroups"), shown(Scene.group)),
    Reading(
        "userGroupMembers",
        EVERYBODY,
        "query($id: ID!) { userGroupMembers(userGroupId: $id) { nodes { user { id } } } }",
        shown(_user, id=_group_of_member),
    ),
    Reading("oidcProviders", EVERYBODY, "{ oidcProviders { name } }", shown("oidcProviders")),
    Reading("auditLog", ADMINS, "{ auditLog(first: 1) { nodes { id } } }", shown(Scene.entry)),
    Reading("auditLogEntry", ADMINS, ONE.format("auditLogEntry"), shown(Scene.entry, id="what")),
    Reading("verifyAuditLog", ADMINS, "{ verifyAuditLog }", shown("verifyAuditLog")),
    # The same things by their ids.
    Reading("node", EVERYBODY, NODE, shown(_user, id="what")),
    Reading("node", OWNER, NODE, shown(Scene.session, id="what"), False),
    Reading("node", OWNER, NODE, shown(Scene.identity, id="what"), False),
    Reading("node", OWNER | ADMINS, NODE, shown(Scene.key, id="what"), False),
    Reading("node", OWNER | ADMINS, NODE, shown(Scene.avatar, id="what"), False),
    Reading("node", OWNER | STAFF, NODE, shown(Scene.customer, id="what"), False),
    Reading("node", EVERYBODY, NODE, shown(Scene.group, id="what")),
    Reading("node", EVERYBODY, NODE, shown(Scene.member, id="what")),
    Reading("node", ADMINS, NODE, shown(Scene.entry, id="what"), False),
)

SUBSCRIPTIONS = {"Subscription.heartbeat": SIGNED_IN}
