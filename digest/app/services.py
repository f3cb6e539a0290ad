"""How is the house put together? Settings in, one ready-made set of rooms out; nobody else wires anything."""

import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from digest import __version__
from digest.app import embedding_models
from digest.app.settings import Settings
from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.bounces.amazon import Topics
from digest.delivery.bounces.reports import BounceReport
from digest.delivery.bounces.return_path import return_address
from digest.delivery.dkim import Signer
from digest.delivery.file_transport import FileTransport
from digest.delivery.routes import Route
from digest.delivery.smtp.transport import Server, SmtpTransport
from digest.mail.branding import Site, palettes
from digest.mail.bulk_renderer import BulkRenderer
from digest.mail.links import Links
from digest.mail.mime import ascii_address
from digest.mail.renderer import Renderer
from digest.mail.tokens import Keys
from digest.models import Delivery, Schedule
from digest.models.errors import ConfigError
from digest.pipeline.embed import served
from digest.pipeline.messages import MessageBuilder
from digest.ranking.embeddings import Embedder, Embedding
from digest.sources.base import Source
from digest.sources.http.client import Client, ClientPolicy
from digest.sources.libraries.request import in_a_hurry
from digest.sources.llm import Model
from digest.sources.registry import Plan, build

KEY_BYTES = 32


@dataclass(frozen=True)
class Services:
    """Everything there is, made when it is first asked for."""

    settings: Settings
    store: Database

    @cached_property
    def site(self) -> Site:
        """The sender of every mail."""
        given = self.settings
        light, dark = palettes(given.colours)
        return Site(
            brand=given.brand,
            base_url=given.base_url,
            sender=given.from_,
            notices_from=given.notices_from,
            reply_to=given.reply_to,
            postal_address=given.postal_address,
            reads_mail=bool(given.bounce_mailbox.get_secret_value()),
            light=light,
            dark=dark,
        )

    @cached_property
    def secret(self) -> bytes:
        """The key behind every link; made once and kept beside an SQLite database when none is set."""
        return secret_key(self.settings, self.store.file)

    @cached_property
    def links(self) -> Links:
        """Every URL of ours."""
        retired = tuple(key.get_secret_value().encode() for key in self.settings.old_secret_keys)
        return Links(self.settings.base_url, Keys(self.secret, retired))

    @cached_property
    def renderer(self) -> Renderer:
        """Every mail of the product."""
        return Renderer(self.site, self.links, self.settings.templates_dir)

    @cached_property
    def schedule(self) -> Schedule:
        """When a subscriber who chose nothing gets the digest."""
        return Schedule(timezone=self.settings.timezone, send_at=self.settings.send_at)

    @property
    def fetch_every(self) -> timedelta:
        """How long a reading of the sources stays fresh."""
        return timedelta(minutes=self.settings.fetch_every)

    @cached_property
    def fetch_plan(self) -> Plan:
        """What shall be read, and where it is."""
        return Plan(**{entry.name: _plain(getattr(self.settings, entry.name)) for entry in fields(Plan)})

    @cached_property
    def sources(self) -> list[Source]:
        """The sources that are read."""
        return build(self.fetch_plan)

    @cached_property
    def suppression_key(self) -> bytes:
        """The key under which suppressed addresses are known: the first we ever had, so that they stay so."""
        oldest = self.settings.old_secret_keys[-1:]
        return oldest[0].get_secret_value().encode() if oldest else self.secret

    @cached_property
    def letters(self) -> MessageBuilder:
        """Where ledger rows become bytes."""
        return MessageBuilder(
            store=self.store,
            renderer=self.renderer,
            press=BulkRenderer(self.renderer),
            mail_from=self.mail_from,
            signer=self._signer(),
        )

    def _signer(self) -> Signer | None:
        key, selector = self.settings.dkim_key, self.settings.dkim_selector
        return Signer.load(key, domain=self.site.domain, selector=selector) if key else None

    def mail_from(self, delivery: Delivery) -> str:
        """The envelope sender: an address of the delivery's own where bounces are read, else the sender."""
        if not self.hears_bounces:
            return ascii_address(self.site.sender)
        domain = self.settings.bounce_domain or self.site.domain
        return return_address(delivery.pid, domain=domain, key=self.secret)

    @property
    def hears_bounces(self) -> bool:
        """Whether anybody listens to what comes back."""
        given = self.settings
        secrets = given.bounce_mailbox.get_secret_value(), given.bounce_secret.get_secret_value()
        return any(secrets) or bool(given.sns_topics)

    @cached_property
    def topics(self) -> Topics:
        """The SNS topics whose word on bounces we take."""
        return Topics(self.settings.sns_topics, keys=self.keyring)

    @cached_property
    def keyring(self) -> list[bytes]:
        """Every key whose signatures we still believe, the present one first."""
        return [self.secret, *(key.get_secret_value().encode() for key in self.settings.old_secret_keys)]

    def hear(self, report: BounceReport, *, now: datetime) -> bool:
        """Take a bounce or a complaint to heart; False when it is no news."""
        with self.store.begin() as tx:
            return tx.deliveries.report(
                report.pid,
                report.kind,
                now=now,
                code=report.code,
                raw_hash=report.raw_hash,
                suppression_key=self.suppression_key,
            )

    @cached_property
    def embedding(self) -> Embedder | None:
        """What turns texts into vectors, if anything."""
        return embedding_models.named(self.settings.vectors)

    @property
    def vectors(self) -> Embedding | None:
        """What tells the meaning of texts beside their words: the model whose vectors are complete."""
        return served(self.store, self.embedding, load=embedding_models.named)

    @property
    def spread(self) -> timedelta:
        """Over how long a slot's mails are spread."""
        return timedelta(minutes=self.settings.spread)

    @property
    def admin_address(self) -> str:
        """Who hears of trouble; empty for nobody."""
        return self.settings.admin_address

    @cached_property
    def routes(self) -> list[Route]:
        """The ways out: the mail server, or a folder while none is set; kept, for breakers remember."""
        given = self.settings
        urls = given.smtp_url.get_secret_value().split()
        if not urls:
            return [Route(name="files", transport=FileTransport(given.outbox_dir), connections=1)]
        return [self._route(f"smtp-{number}", url) for number, url in enumerate(urls, 1)]

    def _route(self, name: str, url: str) -> Route:
        server, given = Server.parse(url), self.settings
        transport = SmtpTransport(server, local_hostname=self.site.domain)
        lanes, rate = given.smtp_connections, given.smtp_rate
        return Route(name=name, transport=transport, connections=lanes, rate=rate, weight=server.weight)

    def ledger(self) -> SenderSession:
        """The right to send: a context; StoreBusy when another process has it."""
        given = self.settings
        return SenderSession(
            self.store,
            suppression_key=self.suppression_key,
            resend=given.uncertain == "resend",
            lease=timedelta(seconds=given.lease),
        )

    def connect(self, *, hasty: bool = False) -> Client:
        """A polite client for one visit to all sources; a hasty one gives up soon, for somebody waits."""
        manners = self._manners
        if hasty:
            manners = replace(manners, attempts=2, first_wait=0.5, connect_within=5.0, read_within=20.0)
        return Client(manners, trusted=self.fetch_plan.trusted)

    def connect_to_libraries(self) -> Client:
        """A client for one visit to a reader's own libraries: it goes to their hosts and nowhere else."""
        return Client(in_a_hurry(self._manners), trusted=self.fetch_plan.trusted)

    @property
    def _manners(self) -> ClientPolicy:
        contact = self.settings.reply_to or self.settings.from_
        agent = f"trending-papers-digest/{__version__} (+{self.settings.base_url}; mailto:{contact})"
        return ClientPolicy(user_agent=agent, intervals={"arxiv": self.settings.arxiv_interval})

    @property
    def model(self) -> Model | None:
        """The language model that retells papers in a sentence, if the operator has one."""
        given = self.settings
        if not given.llm_url:
            return None
        return Model(
            url=given.llm_url,
            key=given.llm_key.get_secret_value(),
            name=given.llm_model,
            budget=given.llm_budget,
        )

    def close(self) -> None:
        """Give everything back."""
        self.store.close()


def open_services(settings: Settings, *, migrate: bool = True) -> Services:
    """The house of these settings; ConfigError or StoreError with what to do when it cannot stand."""
    return Services(settings, Database.open(settings.database_url, migrate=migrate))


def secret_key(settings: Settings, database: Path | None) -> bytes:
    """The signing key: from the settings, else from the file beside the database, made on the first day."""
    given = settings.secret_key.get_secret_value()
    if given:
        return given.encode()
    if database is None:
        raise ConfigError(
            "Set DIGEST_SECRET_KEY (32 random characters): without it every process would sign its own links."
        )
    return _kept_beside(database.with_name(f"{database.name}.key"))


def _kept_beside(path: Path) -> bytes:
    if not path.exists():
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        beside.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        beside.write_text(secrets.token_hex(KEY_BYTES), encoding="ascii")
        with suppress(FileExistsError):  # another process was first: its key is the key
            path.hardlink_to(beside)
        beside.unlink()
    return path.read_bytes().strip()


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
