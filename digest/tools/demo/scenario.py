"""The demo's scenario: ten days of fetching, three sign-ups, two days of mail, the last day run twice.

Everything goes the product's own way: the sources are read over HTTP, the readers confirm by the link in
their mail, the mails are sent over SMTP. Only the clock is simulated.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from digest import subscribers
from digest.app.services import Services, open_services
from digest.app.settings import Settings
from digest.db.file_lock import lock_for_replacement
from digest.delivery.sender import send_queue
from digest.delivery.stats import SendStats
from digest.mail.tokens import Purpose
from digest.models import Edition
from digest.pipeline.ingest import StoredResult, fetch_sources
from digest.pipeline.plan import plan_editions
from digest.sources.base import ProgressCallback
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from digest.tools.demo.dataset import FIRST_DAY, LAST_DAY, READERS, DemoReader
from digest.tools.demo.http_server import UpstreamServer
from digest.tools.demo.mail_server import MailServer, ReceivedMail

BASE_URL = "https://papers.example"  # does not exist: without --serve the links in the mails lead nowhere
SENDER = "digest@papers.example"
SETTINGS = ("keywords", "categories", "timezone", "send_at")  # that each reader types into the form
CATEGORIES = ("cs", "stat", "math", "physics", "q-bio", "quant-ph")
DAY_COUNT = (LAST_DAY - FIRST_DAY).days + 1
FIRST_RUN = datetime.combine(FIRST_DAY, time(12, 5), UTC)
RUN_TIMES = tuple(FIRST_RUN + timedelta(days=number) for number in range(DAY_COUNT))
SIGN_UP_AFTER = RUN_TIMES[-3]  # early enough for two mails
DEMO_CLIENT_POLICY = ClientPolicy(  # for our own server on loopback: no waiting, no proxy
    user_agent="trending-papers-digest demo", intervals={}, interval=0, trust_env=False
)
_CONFIRM_LINK = re.compile(r"/c/([\w.~-]+)")


class IsolatedSettings(Settings):
    """Settings that read neither the environment nor any file."""

    model_config = SettingsConfigDict(env_prefix="\0", env_file=None)  # no variable has such a name


def make_isolated_settings(database: Path, *, sources_url: str, smtp_url: str, **more: Any) -> Settings:
    """Return settings with an SQLite file, all sources at one URL and one mail server; *more* adds others."""
    names = [field.name for field in fields(SourceConfig) if field.name.endswith("_url")]
    urls: dict[str, Any] = dict.fromkeys(names, sources_url) | {"arxiv_oai_url": f"{sources_url}/oai"}
    return IsolatedSettings(
        database_url=f"sqlite:///{database}",
        base_url=more.pop("base_url", BASE_URL),
        secret_key=SecretStr("the demo signs the links of invented readers"),
        from_=SENDER,
        postal_address="1 Sample Street, Exampleton",
        smtp_url=SecretStr(smtp_url),
        arxiv_categories=CATEGORIES,
        **urls,
        arxiv_interval=0,  # our own server needs no pauses between requests
        **more,
    )


@dataclass(frozen=True, slots=True)
class DemoDay:
    """One day: what was read, and how many digests were sent."""

    now: datetime
    fetched: tuple[StoredResult, ...]
    mails: int = 0

    @property
    def new(self) -> int:
        """Papers not in the database before."""
        return sum(stored.new for stored in self.fetched)

    @property
    def counts(self) -> int:
        """Votes, stars, comments and points that were read."""
        return sum(len(stored.result.signals) for stored in self.fetched)


@dataclass(frozen=True, slots=True)
class SentMail:
    """An edition and the mail that arrived of it."""

    reader: DemoReader
    edition: Edition
    mail: ReceivedMail


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """Everything that the demo read and sent."""

    days: tuple[DemoDay, ...]
    digests: tuple[SentMail, ...]
    notices: tuple[ReceivedMail, ...]  # confirmations and welcomes
    mail_count: int  # mails that arrived in the ten days
    resent_count: int  # mails that arrived when the last day was run again: anything but 0 is a bug


@dataclass(frozen=True, slots=True)
class _DemoEnvironment:
    """The services, the servers they read from and send to, and the HTTP client between them."""

    services: Services
    upstream: UpstreamServer
    client: Client
    mail_server: MailServer


@dataclass(frozen=True, slots=True)
class PlayedDemo:
    """The ten days with their servers, which still answer, and the settings to go on with."""

    result: DemoResult
    settings: Settings
    upstream: UpstreamServer
    mail_server: MailServer


async def play(database: Path, *, on_progress: ProgressCallback | None = None) -> DemoResult:
    """Run the ten days as `play_and_stay` and stop the servers."""
    async with play_and_stay(database, on_progress=on_progress) as played:
        return played.result


@asynccontextmanager
async def play_and_stay(
    database: Path, *, on_progress: ProgressCallback | None = None, **more: Any
) -> AsyncIterator[PlayedDemo]:
    """Run the ten days on a new database, then the last day again, as another process would.

    An existing file *database* is removed first; *more* are further settings.

    Raises:
        StoreBusy: another process has the database open, like `digest demo --serve`.
    """
    with lock_for_replacement(database):
        for file in (database, *database.parent.glob(f"{database.name}-*")):  # the write-ahead log beside it
            file.unlink(missing_ok=True)
    async with MailServer() as mail_server:
        with UpstreamServer(FIRST_RUN) as upstream:
            settings = make_isolated_settings(
                database, sources_url=upstream.url, smtp_url=mail_server.url, **more
            )
            async with _open_environment(settings, upstream, mail_server) as environment:
                result = await _run_all_days(environment, on_progress)
            if on_progress:
                on_progress("the last morning again", DAY_COUNT, DAY_COUNT + 1)
            async with _open_environment(settings, upstream, mail_server) as environment:
                await _run_day(environment, RUN_TIMES[-1])
            result = replace(result, resent_count=len(mail_server.received) - result.mail_count)
            yield PlayedDemo(result, settings, upstream, mail_server)


@asynccontextmanager
async def _open_environment(
    settings: Settings, upstream: UpstreamServer, mail_server: MailServer
) -> AsyncIterator[_DemoEnvironment]:
    """Open the services with one HTTP client for all days: a day passes in half a second."""
    with closing(open_services(settings)) as services:
        async with Client(DEMO_CLIENT_POLICY, trusted_urls=services.source_config.trusted_urls) as client:
            yield _DemoEnvironment(services, upstream, client, mail_server)


async def _run_all_days(environment: _DemoEnvironment, on_progress: ProgressCallback | None) -> DemoResult:
    days: list[DemoDay] = []
    digests: list[SentMail] = []
    notices: list[ReceivedMail] = []
    for number, now in enumerate(RUN_TIMES):
        if on_progress:
            on_progress(f"{now:%A %d %B}", number, DAY_COUNT + 1)
        day, sent = await _run_day(environment, now)
        days.append(day)
        digests += sent
        if now == SIGN_UP_AFTER:
            notices += await _sign_up_readers(environment, now + timedelta(hours=3))
    return DemoResult(
        days=tuple(days),
        digests=tuple(digests),
        notices=tuple(notices),
        mail_count=len(environment.mail_server.received),
        resent_count=0,
    )


async def _run_day(environment: _DemoEnvironment, now: datetime) -> tuple[DemoDay, list[SentMail]]:
    """Fetch, plan and send at one moment."""
    environment.upstream.now = now
    services, mail_server = environment.services, environment.mail_server
    mails_before = len(mail_server.received)
    fetched = await fetch_sources(
        services.store, services.sources, lambda: nullcontext(environment.client), now
    )
    editions: list[Edition] = []
    plan_editions(services.store, now, on_edition=editions.append)
    await _send_due_mail(services, now)
    mails = mail_server.received[mails_before:]
    return DemoDay(now, fetched, len(mails)), _match_mails(editions, mails)


async def _send_due_mail(services: Services, now: datetime) -> SendStats:
    with services.open_sender_session() as queue:
        return await send_queue(queue, services.message_builder.build, services.routes, clock=lambda: now)


def _match_mails(editions: Sequence[Edition], mails: Sequence[ReceivedMail]) -> list[SentMail]:
    """Return the editions of the demo's readers with the mails that arrived of them."""
    mail_by_address = {address: mail for mail in mails for address in mail.rcpt_to}
    edition_by_address = {edition.subscriber.address: edition for edition in editions}
    return [
        SentMail(reader, edition_by_address[reader.address], mail_by_address[reader.address])
        for reader in READERS
        if reader.address in mail_by_address and reader.address in edition_by_address
    ]


async def _sign_up_readers(environment: _DemoEnvironment, now: datetime) -> list[ReceivedMail]:
    """Sign all readers up, follow the links in their confirmation mails, and return all mails they got."""
    services, mail_server = environment.services, environment.mail_server
    mails_before = len(mail_server.received)
    actor = services.actor("demo", now)
    with services.store.begin() as tx:
        for reader in READERS:
            typed = {name: getattr(reader, name) for name in SETTINGS}
            subscribers.sign_up(tx, reader.address, typed, actor=actor)
    await _send_due_mail(services, now)
    confirmations = mail_server.received[mails_before:]
    with services.store.begin() as tx:
        for mail in confirmations:
            subscribers.confirm(tx, _extract_public_id(mail, services, now), actor=actor)
    await _send_due_mail(services, now)
    return mail_server.received[mails_before:]


def _extract_public_id(mail: ReceivedMail, services: Services, now: datetime) -> str:
    """Return the public id in the link of a confirmation mail.

    Raises:
        InvalidToken: there is no link, or it was not signed by *services*.

    """
    link = _CONFIRM_LINK.search(mail.get_body("plain"))
    token = link[1] if link else ""
    return services.links.keys.verify(Purpose.CONFIRM, token, now=now).public_id
