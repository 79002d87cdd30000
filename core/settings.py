"""The one typed configuration, read from the environment once. Must not hold a default that is
unsafe in production."""

from enum import StrEnum
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, computed_field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development-only-secret-not-for-production"  # noqa: S105  refused in production


def is_loopback(host: str) -> bool:
    """True for a host name or address that leads back to this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Environment(StrEnum):
    """Where the server runs; `development` shows one-time codes and the explorer."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class Limits(BaseSettings):
    """The limits of spec/01-api-conventions.md#limits, each with the specification's default."""

    model_config = SettingsConfigDict(env_prefix="SOUK_LIMIT_", extra="ignore")

    head_bytes: int = 64 << 10
    body_bytes: int = 1 << 20
    document_tokens: int = 2_000
    document_characters: int = 64 << 10
    document_lines: int = 4_000
    document_comparisons: int = 50_000
    selections: int = 2_000
    depth: int = 12
    aliases: int = 30
    root_fields: int = 10
    directives: int = 50
    cost: int = 5_000
    list_items: int = 100
    variable_values: int = 10_000
    variable_characters: int = 64 << 10
    validation_errors: int = 5
    field_errors: int = 100
    operation_seconds: float = 10.0
    websocket_frame_bytes: int = 64 << 10
    subscriptions_per_socket: int = 20
    sockets_per_account: int = 10
    queued_events: int = 256
    budget_actor: int = 10_000
    budget_actor_per_second: int = 1_000
    budget_address: int = 1_000
    budget_address_per_second: int = 100
    picture_pixels: int = 50_000_000
    picture_scans: int = 100
    picture_scan_pixels: int = 1_000_000_000
    picture_frames: int = 400
    picture_frame_pixels: int = 100_000_000


_KNOWN_ISSUERS = {"google": "https://accounts.google.com", "gitlab": "https://gitlab.com"}


class OidcProvider(BaseModel):
    """One provider that people may log in with; everything else it says itself (discovery). A
    well-known name needs no issuer; without a secret the client is a public one."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,29}$")
    label: str = Field(default="", max_length=60)
    issuer: str = ""
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    scopes: str = "openid email profile"

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("issuer"):
            return values
        return {**values, "issuer": _KNOWN_ISSUERS.get(str(values.get("name")), "")}

    @model_validator(mode="after")
    def _reached_safely(self) -> Self:
        parts = urlsplit(self.issuer)
        loopback = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if not parts.hostname or (parts.scheme != "https" and not loopback):
            raise ValueError(f"SOUK_OIDC_PROVIDERS: {self.name} needs an issuer with https://")
        if "openid" not in self.scopes.split():
            raise ValueError(f"SOUK_OIDC_PROVIDERS: the scopes of {self.name} lack openid")
        return self


class Settings(BaseSettings):
    """Everything that can be configured; docs/operations.md#configuration says what each does."""

    model_config = SettingsConfigDict(env_prefix="SOUK_", extra="ignore", populate_by_name=True)

    env: Environment = Environment.DEVELOPMENT
    host: str = Field(default="127.0.0.1", validation_alias="HOST")
    port: int = Field(default=8000, validation_alias="PORT", ge=0, le=65535)
    web_concurrency: int = Field(default=1, validation_alias="WEB_CONCURRENCY", ge=1, le=64)
    data_dir: Path = Path(".data")
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    database_read_url: str | None = Field(default=None, validation_alias="DATABASE_READ_URL")
    database_pool: int = Field(default=10, ge=2, le=200)
    broadcast_url: str | None = Field(default=None, validation_alias="BROADCAST_URL")
    secret: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    public_url: str | None = None
    allowed_origins: list[str] = []
    trusted_proxies: list[str] = []
    admin_email: str = "admin@souk.example"
    admin_password: SecretStr | None = None
    worker: bool = True
    demo: bool | None = None
    explorer: bool | None = None
    token_issuer: str = "souk"  # noqa: S105  the name in the claim `iss`, no secret
    token_audience: str = "souk-api"  # noqa: S105  the name in the claim `aud`, no secret
    token_poll_seconds: float = Field(default=10.0, gt=0, le=15)
    oidc_providers: list[OidcProvider] = []
    oidc_redirect_uris: list[str] = []
    media_url: str | None = Field(default=None, pattern=r"^s3://")
    event_days: int = Field(default=7, ge=1)
    trusted_documents: Path | None = None
    trusted_only: bool = False
    public_cache_seconds: float = Field(default=1.0, ge=0, le=60)
    mobile_verification: bool = False
    smtp_url: SecretStr | None = None
    mail_from: str = Field(default="Souk <souk@localhost>", pattern=r"^[^\r\n]*@[^\r\n]+$")
    sms_url: str | None = None
    sms_token: SecretStr | None = None
    log_json: bool | None = None

    @cached_property
    def limits(self) -> Limits:
        """The request limits, from `SOUK_LIMIT_*`."""
        return Limits()

    @computed_field  # type: ignore[prop-decorator]  # mypy has no support for decorated properties
    @property
    def development(self) -> bool:
        """True where one-time codes are shown and the explorer is served to anyone."""
        return self.env is Environment.DEVELOPMENT

    @property
    def production(self) -> bool:
        """True where nothing unsafe is allowed."""
        return self.env is Environment.PRODUCTION

    @property
    def loads_demo(self) -> bool:
        """True where demo data is loaded: as configured, else in development into the embedded
        database only, because a configured one is somebody's."""
        if self.demo is not None:
            return self.demo
        return self.development and self.database_url is None

    @property
    def doorbell_url(self) -> str:
        """Where the doorbell rings: as configured, else through the configured database, else
        within this process
        (design/architecture.md#embedded-by-default-distributed-by-configuration)."""
        return self.broadcast_url or self.database_url or "memory://"

    @property
    def base_url(self) -> str:
        """Where clients reach this server, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def media_dir(self) -> Path:
        """Where uploaded files lie when no bucket is configured."""
        return self.data_dir / "media"

    @model_validator(mode="after")
    def _development_stays_at_home(self) -> Self:
        # Development shows one-time codes and has known passwords: whoever opens it to a network
        # must have said so.
        if "env" not in self.model_fields_set and not is_loopback(self.host):
            raise ValueError(
                "set SOUK_ENV (development or production) to serve beyond this machine"
            )
        return self

    @model_validator(mode="after")
    def _has_what_it_trusts(self) -> Self:
        if self.trusted_only and self.trusted_documents is None:
            raise ValueError("SOUK_TRUSTED_ONLY needs SOUK_TRUSTED_DOCUMENTS")
        return self

    @model_validator(mode="after")
    def _safe_in_production(self) -> Self:
        if not self.production:
            return self
        if self.demo:
            raise ValueError("SOUK_DEMO makes accounts with known passwords: not in production")
        if self.secret.get_secret_value() == DEVELOPMENT_SECRET:
            raise ValueError("SOUK_SECRET must be set in production (32 random characters or more)")
        if len(self.secret.get_secret_value()) < 32:
            raise ValueError("SOUK_SECRET is too short: use 32 random characters or more")
        if self.admin_password is None:
            raise ValueError("SOUK_ADMIN_PASSWORD must be set in production")
        if self.public_url is None or not self.public_url.startswith("https://"):
            raise ValueError("SOUK_PUBLIC_URL must be set in production (https://…)")
        return self

    @model_validator(mode="after")
    def _messages_can_leave(self) -> Self:
        if self.smtp_url is not None:
            if urlsplit(self.smtp_url.get_secret_value()).scheme not in ("smtp", "smtps"):
                raise ValueError("SOUK_SMTP_URL must be smtp://… or smtps://…")
            if self.production and "mail_from" not in self.model_fields_set:
                raise ValueError("SOUK_MAIL_FROM must be set where mail is sent")
        sms = urlsplit(self.sms_url or "https://none")
        if sms.scheme != "https" and not (sms.scheme == "http" and is_loopback(sms.hostname or "")):
            raise ValueError("SOUK_SMS_URL must start with https://")
        return self

    @model_validator(mode="after")
    def _each_provider_once(self) -> Self:
        names = [provider.name for provider in self.oidc_providers]
        if len(set(names)) != len(names):
            raise ValueError("SOUK_OIDC_PROVIDERS: two providers have the same name")
        return self
