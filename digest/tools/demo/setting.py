"""In which house does the demo play? One whose settings come from nowhere but here."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from digest.app.settings import Settings

BASE_URL = "https://papers.example"  # nobody lives there: the links in the demo's mails lead nowhere
SENDER = "digest@papers.example"
CATEGORIES = ("cs", "stat", "math", "physics", "q-bio", "quant-ph")


class Sealed(Settings):
    """Settings that hear neither the environment nor any file."""

    @classmethod
    def settings_customise_sources(  # noqa: D102  pydantic's own hook
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def sealed(database: Path, *, upstream: str, mailbox: str, **more: Any) -> Settings:
    """The demo's settings and `more`: an SQLite file, all sources at one address, mail by SMTP to another."""
    return Sealed(
        database_url=f"sqlite:///{database}",
        base_url=BASE_URL,
        secret_key=SecretStr("the demo signs links that lead nowhere"),
        from_=SENDER,
        postal_address="1 Sample Street, Exampleton",
        smtp_url=SecretStr(mailbox),
        arxiv_categories=CATEGORIES,
        arxiv_rss_url=upstream,
        arxiv_oai_url=f"{upstream}/oai",
        arxiv_listing_url=upstream,
        arxiv_api_url=upstream,
        huggingface_url=upstream,
        hackernews_url=upstream,
        semanticscholar_url=upstream,
        biorxiv_url=upstream,
        zotero_url=upstream,
        orcid_url=upstream,
        arxiv_interval=0,  # our own server needs no courtesy
        **more,
    )
