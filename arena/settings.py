"""The settings of an installation, read from environment variables `ARENA_…`. docs/settings.md lists them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from arena.errors import BadInput

MiB = 1024 * 1024


class Settings(BaseSettings):
    """All settings, with their defaults."""

    model_config = SettingsConfigDict(env_prefix="ARENA_", frozen=True)

    database_url: str = Field(
        default="sqlite:///arena.db", description="SQLAlchemy URL of the database: SQLite or PostgreSQL."
    )
    environment: Literal["production", "development"] = Field(
        default="production", description="`development` allows a public URL over plain http that is not loopback."
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="Where people reach the arena; links are made from it, and posts from elsewhere are refused.",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(),
        description="Networks, separated by commas, of proxies whose X-Forwarded-Proto and -For are read.",
    )
    session_hours: int = Field(default=14 * 24, ge=1, le=24 * 90, description="How long a browser stays signed in.")
    invitation_days: int = Field(default=14, ge=1, le=365, description="How long an invitation link can be redeemed.")
    token_days: int = Field(default=90, ge=1, le=3650, description="How long an API token is valid.")
    request_bytes: int = Field(default=64 * 1024, ge=1024, description="Largest body of a web request, in bytes.")
    rate_session: int = Field(
        default=120, ge=1, le=1_000_000, description="Requests a minute of one session or API token."
    )
    rate_address: int = Field(
        default=600, ge=1, le=1_000_000, description="Requests a minute of one address, for all who are not signed in."
    )
    import_file_bytes: int = Field(default=256 * MiB, ge=1, description="Largest file that is imported, in bytes.")
    import_decompressed_bytes: int = Field(
        default=1024 * MiB, ge=1, description="Largest size of an imported file after decompression, in bytes."
    )
    import_rows: int = Field(default=5_000_000, ge=1, description="Most records in one imported file.")
    import_field_chars: int = Field(
        default=200_000, ge=1, description="Longest field of an imported record, in characters."
    )
    import_depth: int = Field(default=20, ge=1, le=200, description="Deepest nesting of an imported JSON value.")
    log_format: Literal["console", "json"] = Field(
        default="console", description="How log lines are written, to standard error."
    )

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else None
        return value if parts is None else [_network(part.strip()) for part in parts if part.strip()]

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        parts = _split_url(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("must be a scheme and host, such as https://arena.example.org")
        # As browsers write it in Origin and Host: in lower case, without the scheme's own port.
        own_port = ":80" if parts.scheme == "http" else ":443"
        return f"{parts.scheme}://{parts.netloc.lower().removesuffix(own_port)}"

    @property
    def is_loopback(self) -> bool:
        """Whether the public URL leads to this machine only."""
        host = urlsplit(self.public_url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def load() -> Settings:
    """Read the settings from the environment. Raises BadInput naming the variable that is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        lines = [f"ARENA_{str(e['loc'][0]).upper()}: {_sentence(e['type'], e['msg'])}" for e in error.errors()]
        raise BadInput("\n".join(lines)) from error
    if settings.public_url.startswith("http:") and not settings.is_loopback and settings.environment == "production":
        raise BadInput(
            f"ARENA_PUBLIC_URL: {settings.public_url} would send sessions in the clear; use https, "
            "or set ARENA_ENVIRONMENT=development on a test machine"
        )
    return settings


def _sentence(kind: str, message: str) -> str:
    """Pydantic's message, in words that mean something to whoever set the variable."""
    if kind.startswith("int_"):
        return "must be a whole number"
    must = message.removeprefix("Value error, ").replace("Input should be", "must be", 1)
    return must.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write networks such as 10.0.0.0/8,192.0.2.7/32") from None


def _split_url(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        return SplitResult("", "", "", "", "")
