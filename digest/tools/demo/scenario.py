"""How does the demo play? Ten mornings, three people who sign up, two days of mail, one of them twice.

Everything is the product's own way: the sources are read over HTTP, the readers confirm by the link in
their mail, the mails go out over SMTP. Only the clock is ours.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from digest import subscribers
from digest.app.services import Services, open_services
from digest.app.settings import Settings
from digest.delivery.sender import pump
from digest.delivery.stats import Tally
from digest.mail.tokens import Purpose
from digest.models import Edition
from digest.pipeline import run
from digest.pipeline.run import Fetched
from digest.sources.http.client import Client, ClientPolicy
from digest.tools.demo.dataset import FIRST_DAY, LAST_DAY, READERS, DemoReader
from digest.tools.demo.http_server import Upstream
from digest.tools.demo.mail_server import MailServer, Received

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


DAYS = (LAST_DAY - FIRST_DAY).days + 1
FIRST_MORNING = datetime.combine(FIRST_DAY, time(12, 5), UTC)
MORNINGS = tuple(FIRST_MORNING + timedelta(days=number) for number in range(DAYS))
MANNERS = ClientPolicy(  # towards our own server: no courtesy, and no proxy between us
    user_agent="trending-papers-digest demo", intervals={}, interval=0, heeds_environment=False
)
_CONFIRM_LINK = re.compile(r"/c/([\w.~-]+)")
Tell = Callable[[str, int, int], object]  # what happens, how many steps are done, of how many


@dataclass(frozen=True, slots=True)
class DemoDay:
    """One morning: what was read, and the mails that went out."""

    now: datetime
    fetched: tuple[Fetched, ...]
    mails: int = 0

    @property
    def new(self) -> int:
        """Papers nobody had seen before."""
        return sum(each.new for each in self.fetched)

    @property
    def counts(self) -> int:
        """Votes, stars, comments and points that were read."""
        return sum(len(each.reading.signals) for each in self.fetched)


@dataclass(frozen=True, slots=True)
class SentMail:
    """An edition and the mail that arrived of it."""

    reader: DemoReader
    edition: Edition
    mail: Received


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """All that happened."""

    mornings: tuple[DemoDay, ...]
    posted: tuple[SentMail, ...]
    notices: tuple[Received, ...]  # confirmations and welcomes
    received: int  # mails that arrived in the ten days
    again: int  # mails that arrived when the last day was run once more: none, or something is wrong


@dataclass(frozen=True, slots=True)
class Stage:
    """The house, the world it reads, how it asks, and the mailbox it writes to."""

    services: Services
    upstream: Upstream
    client: Client
    mailbox: MailServer


def ignore_progress(what: str, done: int, of: int) -> None:
    """A performance without an audience."""


async def play(database: Path, *, tell: Tell = ignore_progress) -> Played:
    """Ten mornings on a database that is made anew; then the last one again, as another process would."""
    for file in (database, *database.parent.glob(f"{database.name}-*")):  # the write-ahead log beside it
        file.unlink(missing_ok=True)
    async with MailServer() as mailbox:
        with Upstream(FIRST_MORNING) as upstream:
            settings = sealed(database, upstream=upstream.url, mailbox=mailbox.url)
            async with _stage(settings, upstream, mailbox) as stage:
                played = await _ten_mornings(stage, tell)
            tell("the last morning again", DAYS, DAYS + 1)
            async with _stage(settings, upstream, mailbox) as stage:
                await _morning(stage, MORNINGS[-1])
            return replace(played, again=len(mailbox.received) - played.received)


@asynccontextmanager
async def _stage(settings: Settings, upstream: Upstream, mailbox: MailServer) -> AsyncIterator[Stage]:
    """The house opened, with one client for all mornings: a day passes in half a second."""
    with closing(open_services(settings)) as services:
        async with Client(MANNERS, trusted=services.fetch_plan.trusted) as client:
            yield Stage(services, upstream, client, mailbox)


async def _ten_mornings(stage: Stage, tell: Tell) -> Played:
    mornings: list[DemoDay] = []
    posted: list[SentMail] = []
    notices: list[Received] = []
    for number, now in enumerate(MORNINGS):
        tell(f"{now:%A %d %B}", number, DAYS + 1)
        morning, mails = await _morning(stage, now)
        mornings.append(morning)
        posted += mails
        if now == MORNINGS[-3]:  # early enough for two mails
            notices += await _everybody_signs_up(stage, now + timedelta(hours=3))
    received = len(stage.mailbox.received)
    return Played(
        mornings=tuple(mornings), posted=tuple(posted), notices=tuple(notices), received=received, again=0
    )


async def _morning(stage: Stage, now: datetime) -> tuple[DemoDay, list[SentMail]]:
    """Fetch, plan, send: the whole product, at one moment."""
    stage.upstream.now = now
    services, before = stage.services, len(stage.mailbox.received)
    fetched = await run.fetch(services.store, services.sources, lambda: nullcontext(stage.client), now)
    editions: list[Edition] = []
    run.plan(services.store, now, watch=editions.append)
    await _send(services, now)
    mails = stage.mailbox.received[before:]
    return DemoDay(now, fetched, len(mails)), _posted(editions, mails)


async def _send(services: Services, now: datetime) -> Tally:
    with services.ledger() as ledger:
        return await pump(ledger, services.letters.write, services.routes, clock=lambda: now)


def _posted(editions: Sequence[Edition], mails: Sequence[Received]) -> list[SentMail]:
    arrived = {address: mail for mail in mails for address in mail.rcpt_to}
    edited = {edition.subscriber.address: edition for edition in editions}
    return [
        SentMail(reader, edited[reader.address], arrived[reader.address])
        for reader in READERS
        if reader.address in arrived and reader.address in edited
    ]


async def _everybody_signs_up(stage: Stage, now: datetime) -> list[Received]:
    """By the form, the mail that asks, the link in it, and the mail that welcomes."""
    services, before = stage.services, len(stage.mailbox.received)
    by = subscribers.Actor("demo", now, services.suppression_key)
    with services.store.begin() as tx:
        for reader in READERS:
            subscribers.sign_up(tx, reader.address, reader.wishes, by=by)
    await _send(services, now)
    asked = stage.mailbox.received[before:]
    with services.store.begin() as tx:
        for mail in asked:
            subscribers.confirm(tx, _pid_in(mail, services, now), by=by)
    await _send(services, now)
    return stage.mailbox.received[before:]


def _pid_in(mail: Received, services: Services, now: datetime) -> str:
    """Whom the link in a confirmation mail speaks for; InvalidToken when it is not ours."""
    text = mail.message().get_body(("plain",))
    link = _CONFIRM_LINK.search(text.get_content() if text else "")
    token = link[1] if link else ""
    return services.links.keys.verify(Purpose.CONFIRM, token, now=now).pid
