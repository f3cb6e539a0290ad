"""Settings from environment variables and `.env`. No other module reads the environment."""

import os
from collections.abc import Mapping
from datetime import time
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from digest.app.setting_checks import CHECKS
from digest.models.errors import ConfigError
from digest.models.schedule import parse_time

PREFIX = "DIGEST_"


def _split(value: Any) -> Any:
    """Return the parts of a text between commas; values that are no text as they are."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _check_http_url(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return value.rstrip("/")


def _secret(description: str) -> Any:
    return Field(SecretStr(""), description=description)


def _names(description: str) -> Any:
    return Field((), description=description)


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]  # comma-separated in the environment
Url = Annotated[str, AfterValidator(_check_http_url)]


class Settings(BaseSettings):
    """Every setting with its default and meaning. The defaults alone work."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    # general
    database_url: str = Field("sqlite:///digest.sqlite3", description="SQLite file or postgresql+psycopg://…")
    base_url: Url = Field("http://127.0.0.1:8000", description="public address of the web pages")
    secret_key: SecretStr = _secret("signs links; unset: created once and stored beside the database")
    old_secret_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)] = Field(
        (), description="old keys whose links still work, comma-separated"
    )
    brand: str = Field("Trending Papers", description="the name readers see")
    templates_dir: Path | None = Field(
        None, description="folder of your own templates, used before the built-in ones"
    )
    log_format: Literal["auto", "pretty", "json"] = Field(
        "auto", description="auto: plain text in a terminal, JSON otherwise"
    )
    timezone: str = Field("UTC", description="time zone of subscribers who have not chosen one")
    send_at: time = Field(time(7, 0), description="local time of day at which digests are sent")

    # mail
    from_: str = Field(
        "digest@localhost", alias="DIGEST_FROM", description="sender of the digests; also Name <address>"
    )
    notices_from: str = Field("", description="sender of confirmations; unset: confirm@ the same domain")
    reply_to: str = Field("", description="address for replies; unset: the sender")
    postal_address: str = Field("", description="printed in every footer; many countries require it")
    colours: str = Field(
        "", description="colours of the emails, such as link=#0b57d0,why=#1a7f37,dark_link=#79b8ff"
    )
    smtp_url: SecretStr = _secret(
        "smtp://user:pass@host:port?tls=required (or implicit, none); separate several URLs "
        "by spaces, each with &weight=; unset: emails are written to files"
    )
    smtp_connections: int = Field(4, ge=1, le=64, description="simultaneous connections to the mail server")
    smtp_rate: float = Field(0, ge=0, description="maximum emails per second; 0: unlimited")
    lease: int = Field(
        60,
        ge=2,
        description="seconds without a heartbeat until other workers take over a worker's "
        "emails and jobs (PostgreSQL)",
    )
    outbox_dir: Path = Field(Path("outbox"), description="folder for emails while DIGEST_SMTP_URL is not set")
    uncertain: Literal["resend", "skip"] = Field(
        "resend",
        description="what to do after a crash with an email whose acceptance is unknown: resend or skip",
    )
    bounce_mailbox: SecretStr = _secret("where bounces arrive: maildir:/path or imaps://user:pass@host/INBOX")
    bounce_secret: SecretStr = _secret("shared secret of the bounce webhook; unset: no webhook")
    sns_topics: Names = _names(
        "ARNs of the Amazon SNS topics that carry SES bounces and complaints; unset: none"
    )
    bounce_domain: str = Field("", description="domain of the return addresses; unset: the sender's own")
    dkim_key: Path | None = Field(
        None, description="private key (PEM) that signs the emails; unset: the relay signs"
    )
    dkim_selector: str = Field("digest", description="DNS name of its public key, under _domainkey")
    spread: float = Field(0, ge=0, description="minutes over which the emails of one send time are spread")
    admin_address: str = Field(
        "", description="address that gets alerts: failing sources, held editions, broken mail servers"
    )

    admin_channel: SecretStr = _secret(
        "channel that gets the same alerts, such as tgram://BOT-TOKEN/CHAT; unset: none"
    )

    # channels beside mail
    channel_hosts: Names = _names(
        "hosts that readers' channels may reach, such as hooks.slack.com,*.zulipchat.com; unset: no channels"
    )
    channel_networks: Names = _names(
        "private networks that channels may reach, such as 10.1.0.0/16; unset: public addresses only"
    )

    # sources
    sources: Names = Field(
        ("arxiv", "huggingface", "hackernews", "huggingface-repos"),
        description="sources to read, comma-separated",
    )
    vectors: str = Field(
        "auto", description="embedding model: auto (the best installed), none, static, sentences, or a folder"
    )
    arxiv_categories: Names = Field(
        ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "cs.RO", "stat.ML"),
        description="arXiv archives or categories to read",
    )
    arxiv_rss_url: Url = Field("https://rss.arxiv.org", description="address of arXiv's RSS feeds")
    arxiv_oai_url: Url = Field(
        "https://oaipmh.arxiv.org/oai", description="address of arXiv's OAI-PMH interface, with its path /oai"
    )
    arxiv_listing_url: Url = Field("https://arxiv.org", description="address of arXiv's listing pages")
    arxiv_api_url: Url = Field("https://export.arxiv.org", description="address of arXiv's API")
    huggingface_url: Url = Field("https://huggingface.co", description="address of Hugging Face")
    hackernews_url: Url = Field("https://hn.algolia.com", description="address of the Hacker News search")
    semanticscholar_url: Url = Field(
        "https://api.semanticscholar.org", description="address of Semantic Scholar's API"
    )
    semanticscholar_key: SecretStr = _secret("API key; unset: this source is not read")
    biorxiv_url: Url = Field("https://api.biorxiv.org", description="address of bioRxiv's and medRxiv's API")
    journals: Names = _names("journals for crossref and openalex, by name or ISSN, comma-separated")
    pubmed_url: Url = Field("https://eutils.ncbi.nlm.nih.gov", description="address of NCBI's E-utilities")
    pubmed_query: str = Field("", description='PubMed query, such as "Neoplasms"[majr]')
    pubmed_key: SecretStr = _secret("NCBI API key; unset: 3 requests a second instead of 10")
    crossref_url: Url = Field("https://api.crossref.org", description="address of Crossref's API")
    crossref_query: str = Field("", description="words to search in new works; unset: only the journals")
    openalex_url: Url = Field("https://api.openalex.org", description="address of OpenAlex's API")
    openalex_key: SecretStr = _secret("API key; without it, few requests are allowed")
    openalex_query: str = Field("", description="words to search in new works; unset: none")
    openalex_authors: Names = _names("ORCID iDs or OpenAlex author ids, comma-separated")
    openalex_institutions: Names = _names("ROR or OpenAlex institution ids, comma-separated")
    openreview_url: Url = Field("https://api2.openreview.net", description="address of OpenReview's API")
    openreview_venues: Names = _names("venues such as ICLR.cc/2026/Conference, comma-separated")
    zotero_url: Url = Field("https://api.zotero.org", description="address of Zotero's API")
    orcid_url: Url = Field("https://pub.orcid.org", description="address of ORCID's public API")
    feeds: Names = _names("URLs of further RSS or Atom feeds, comma-separated")
    fetch_every: int = Field(60, ge=1, description="minutes between readings of the sources")
    arxiv_interval: float = Field(3.1, ge=0, description="seconds between requests to arXiv's hosts")

    # a language model, for those who want one
    llm_url: Url = Field(
        "", description="OpenAI-compatible endpoint, such as http://127.0.0.1:11434/v1; unset: no summaries"
    )
    llm_key: SecretStr = _secret("API key, if the endpoint needs one")
    llm_model: str = Field("", description="name of the model at that endpoint")
    llm_budget: int = Field(100, ge=0, description="maximum number of papers summarised per day")

    # web and administration
    admin_token: SecretStr = _secret(
        "token for the first sign-in and for scripts; unset: only administrators invited before can sign in"
    )
    viewer_token: SecretStr = _secret("token for read-only access to the API and administration pages")
    oidc_issuer: Url = Field(
        "", description="URL of the OpenID Connect provider for administrators; unset: none"
    )
    oidc_client_id: str = Field("", description="client id at that provider")
    oidc_client_secret: SecretStr = _secret("client secret at that provider")
    trusted_proxies: Names = _names(
        "addresses or networks of proxies whose X-Forwarded-For is trusted, comma-separated"
    )

    @field_validator("send_at", mode="before")
    @classmethod
    def _parse_send_at(cls, value: Any) -> Any:
        try:
            return parse_time(value) if isinstance(value, str) else value
        except ConfigError as error:
            raise ValueError(str(error).rstrip(".")) from error

    @field_validator("*")
    @classmethod
    def _check(cls, value: Any, info: ValidationInfo) -> Any:
        try:
            if check := CHECKS.get(info.field_name or ""):
                check(value)
        except ConfigError as error:
            raise ValueError(str(error).rstrip(".")) from error
        return value


def load_settings(**overrides: Any) -> Settings:
    """Return the settings of this process; *overrides* win over the environment.

    The value of NAME may also be in a file, whose path is in NAME_FILE.

    Raises:
        ConfigError: some settings make no sense; the message names all of them.

    """
    try:
        return Settings(**(_read_files(os.environ) | overrides))
    except ValidationError as error:
        raise ConfigError(_to_message(error)) from None  # the cause would show the values, secrets too


def _read_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the values of NAME_FILE variables by field name; a variable NAME wins."""
    values = {}
    for field, variable in list_variables().items():
        path = environ.get(f"{variable}_FILE")
        if path and not environ.get(variable):
            try:
                values[field] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(f"{variable}_FILE: cannot read {path} ({error.strerror}).") from error
    return values


def find_misspelled_variables(
    environ: Mapping[str, str] | None = None, env_file: Path = Path(".env")
) -> dict[str, str]:
    """Return variables with our prefix that are not settings, and the setting that may be meant, or ""."""
    variables = {**dotenv_values(env_file), **(os.environ if environ is None else environ)}
    valid = {name + suffix for name in list_variables().values() for suffix in ("", "_FILE")}
    invalid = sorted(name for name in variables if name.startswith(PREFIX) and name not in valid)
    # Compared without the prefix, which would make every name near to every other.
    by_rest = {name.removeprefix(PREFIX): name for name in valid}
    near = {name: get_close_matches(name.removeprefix(PREFIX), by_rest, n=1) for name in invalid}
    return {name: by_rest[rest[0]] if rest else "" for name, rest in near.items()}


def list_variables() -> dict[str, str]:
    """Return the environment variable of each field of Settings."""
    return {name: PREFIX + name.rstrip("_").upper() for name in Settings.model_fields}


def _to_message(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else ""
        variable = name if name.startswith(PREFIX) else PREFIX + name.rstrip("_").upper()
        text = problem["msg"].removeprefix("Value error, ").removeprefix(variable).lstrip(": ")
        lines.append(f"{variable}: {text[:1].lower()}{text[1:]}.")
    return " ".join(lines) + " See .env.example."
