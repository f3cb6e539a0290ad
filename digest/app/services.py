"""The service container: builds everything from the settings. No other module does."""

import secrets
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from digest import __version__
from digest.app import embedding_models
from digest.app.settings import Settings
from digest.app.source_choices import load_choices
from digest.app.suppression_key import check_suppression_key, remember_suppression_key
from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.bounces.amazon import SnsReceiver
from digest.delivery.bounces.return_path import build_return_address
from digest.delivery.channels.address import parse_channel_address
from digest.delivery.channels.admin_channel import AdminChannel
from digest.delivery.channels.replies import FINAL_REASONS, classify_channel_reply
from digest.delivery.channels.transport import ChannelTransport
from digest.delivery.dkim import Signer
from digest.delivery.file_transport import FileTransport
from digest.delivery.routes import Route
from digest.delivery.smtp.transport import SmtpServerConfig, SmtpTransport
from digest.mail.branding import Site, parse_palettes, parse_sender
from digest.mail.bulk_renderer import BulkRenderer
from digest.mail.links import Links
from digest.mail.mime import ascii_address
from digest.mail.renderer import Renderer
from digest.mail.tokens import Keys
from digest.models import BounceReport, Delivery, Edition, Schedule, Subscriber
from digest.models.errors import ConfigError, InvalidChange
from digest.models.sealing import Sealer
from digest.pipeline import plan
from digest.pipeline.day import DayCache
from digest.pipeline.embed import load_serving_model
from digest.pipeline.messages import MessageBuilder
from digest.pipeline.zotero import ZoteroServices
from digest.ranking.embeddings import EmbeddingModel, StorableEmbeddingModel
from digest.sources.base import Source
from digest.sources.config import SourceConfig
from digest.sources.http.policy import ClientPolicy, to_interactive_policy
from digest.sources.llm import LanguageModel
from digest.subscribers import Actor, get_subscriber

if TYPE_CHECKING:
    from digest.sources.http.client import Client

KEY_BYTES = 32
CHANNEL_CONNECTIONS = 4  # messages to channels under way at once


@dataclass(frozen=True)
class Services:
    """All services, each built when it is first used."""

    settings: Settings
    store: Database

    @cached_property
    def secret(self) -> bytes:
        """The key that signs links, from the settings or a file beside the SQLite database."""
        return load_secret_key(self.settings, self.store.file)

    @cached_property
    def signing_keys(self) -> list[bytes]:
        """Every key whose signatures are accepted, the current one first."""
        return [self.secret, *(key.get_secret_value().encode() for key in self.settings.old_secret_keys)]

    @cached_property
    def sealer(self) -> Sealer:
        """Encrypts secrets of other services for the database. Raises ConfigError without `cryptography`."""
        return Sealer(self.signing_keys)

    @cached_property
    def suppression_key(self) -> bytes:
        """The key under which suppressed addresses are hashed: the oldest, so that they stay suppressed.

        Raises ConfigError if addresses of this database are suppressed under another one.
        """
        check_suppression_key(self.store, self.signing_keys[-1])
        return self.signing_keys[-1]

    def actor(self, name: str, now: datetime) -> Actor:
        """Return who acts now, by their name in the audit log."""
        return Actor(name, now, self.suppression_key)

    @cached_property
    def site(self) -> Site:
        """The sender of every message."""
        settings = self.settings
        light, dark = parse_palettes(settings.colours)
        sender_name, sender = parse_sender(settings.from_)
        return Site(
            brand=settings.brand,
            base_url=settings.base_url,
            sender=sender,
            sender_name=sender_name,
            notices_from=settings.notices_from,
            reply_to=settings.reply_to,
            postal_address=settings.postal_address,
            reads_mail=bool(settings.bounce_mailbox.get_secret_value()),
            light=light,
            dark=dark,
        )

    @cached_property
    def links(self) -> Links:
        """The builder of signed URLs."""
        return Links(self.settings.base_url, Keys(self.secret, tuple(self.signing_keys[1:])))

    @cached_property
    def day_cache(self) -> DayCache:
        """What keeps papers and ranker from one run to the next."""
        return DayCache()

    @cached_property
    def renderer(self) -> Renderer:
        """The renderer of all messages."""
        return Renderer(self.site, self.links, self.settings.templates_dir)

    @cached_property
    def message_builder(self) -> MessageBuilder:
        """The builder of messages from deliveries and editions."""
        key, selector = self.settings.dkim_key, self.settings.dkim_selector
        return MessageBuilder(
            store=self.store,
            renderer=self.renderer,
            bulk_renderer=BulkRenderer(self.renderer),
            mail_from=self.get_mail_from,
            sealer=lambda: self.sealer,
            signer=Signer.load(key, domain=self.site.domain, selector=selector) if key else None,
        )

    def get_mail_from(self, delivery: Delivery) -> str:
        """Return the envelope sender: an address of this delivery if bounces are read, else the sender."""
        if not self.reads_bounces:
            return ascii_address(self.site.sender)
        domain = self.settings.bounce_domain or self.site.domain
        return build_return_address(delivery.public_id, domain=domain, key=self.secret)

    def find_subscriber(self, who: str) -> Subscriber:
        """Return the subscriber of an address or a public id. Raises NotFound if there is none."""
        with self.store.begin(write=False) as tx:
            return get_subscriber(tx, who)

    @cached_property
    def default_schedule(self) -> Schedule:
        """The schedule of a subscriber who chose none."""
        return Schedule(timezone=self.settings.timezone, send_at=self.settings.send_at)

    @property
    def default_settings(self) -> dict[str, object]:
        """The same by the names of the settings of a subscriber."""
        return {"timezone": self.settings.timezone, "send_at": self.settings.send_at}

    @property
    def spread_over(self) -> timedelta:
        """The time over which the mails of one slot are spread."""
        return timedelta(minutes=self.settings.spread)

    @property
    def admin_address(self) -> str:
        """The address that gets alerts; empty for none."""
        return self.settings.admin_address

    @property
    def source_config(self) -> SourceConfig:
        """The sources to read, and their URLs: the settings, and what the operator turned on or off since."""
        with self.store.begin(write=False) as tx:
            return load_choices(tx).apply(self._configured_sources)

    @cached_property
    def _configured_sources(self) -> SourceConfig:
        names = (field.name for field in fields(SourceConfig) if field.name != "contact")
        values: dict[str, Any] = {name: getattr(self.settings, name) for name in names}
        secrets_ = {name: v.get_secret_value() for name, v in values.items() if isinstance(v, SecretStr)}
        return SourceConfig(**(values | secrets_), contact=self._contact)

    @property
    def sources(self) -> list[Source]:
        """The sources to read."""
        return self.build_sources()

    def build_sources(self, *, only: Sequence[str] = ()) -> list[Source]:
        """Return the sources to read, or those named in *only*. Raises ConfigError for an unknown name."""
        from digest.sources.registry import build_sources  # noqa: PLC0415  heavy, and many commands read none

        return build_sources(self.source_config, only=only)

    @property
    def fetch_every(self) -> timedelta:
        """For how long fetched data counts as fresh."""
        return timedelta(minutes=self.settings.fetch_every)

    def open_client(self, *, interactive: bool = False) -> "Client":
        """Return an HTTP client for the sources; an *interactive* one gives up soon, as somebody waits."""
        policy = self._client_policy
        if interactive:
            policy = replace(policy, attempts=2, initial_wait=0.5, connect_timeout=5.0, read_timeout=20.0)
        return _build_client(policy, self.source_config.trusted_urls)

    @cached_property
    def zotero(self) -> ZoteroServices:
        """What sending saved papers to Zotero needs."""
        return ZoteroServices(
            self.store, lambda: self.sealer, self.open_library_client, self.source_config.zotero_url
        )

    def open_library_client(self) -> "Client":
        """Return an HTTP client for readers' own libraries: it follows no redirect to another host."""
        policy = to_interactive_policy(self._client_policy)
        return _build_client(policy, self.source_config.trusted_urls)

    def open_oidc_client(self) -> "Client":
        """Return an HTTP client for the OpenID provider, which alone may be in a private network."""
        policy = to_interactive_policy(self._client_policy)
        policy = replace(policy, max_bytes=2**20, max_redirects=0, intervals={"oidc": 0.0})
        return _build_client(policy, [self.settings.oidc_issuer])

    @property
    def _client_policy(self) -> ClientPolicy:
        agent = f"trending-papers-digest/{__version__} (+{self.settings.base_url}; mailto:{self._contact})"
        intervals = {**self._configured_sources.intervals, "arxiv": self.settings.arxiv_interval}
        return ClientPolicy(user_agent=agent, intervals=intervals)

    @property
    def _contact(self) -> str:
        """The mail address that services we read may write to."""
        return self.settings.reply_to or self.site.sender

    @cached_property
    def embedding_model(self) -> StorableEmbeddingModel | None:
        """The configured embedding model, if any."""
        return embedding_models.load_model(self.settings.vectors)

    @property
    def active_embedding_model(self) -> EmbeddingModel | None:
        """The embedding model to rank with, if any: one whose vectors are complete."""
        return load_serving_model(self.store, self.embedding_model, load=embedding_models.load_model)

    def build_upcoming_edition(self, reader: Subscriber, now: datetime) -> Edition:
        """Return the edition planned for the reader's current slot, else the one they would get next."""
        model = self.active_embedding_model
        return plan.build_upcoming_edition(self.store, reader, now, embedding_model=model)

    @property
    def language_model(self) -> LanguageModel | None:
        """The model that summarizes papers, if any."""
        settings = self.settings
        if not settings.llm_url:
            return None
        return LanguageModel(
            url=settings.llm_url,
            key=settings.llm_key.get_secret_value(),
            name=settings.llm_model,
            max_papers_per_day=settings.llm_budget,
        )

    @cached_property
    def routes(self) -> list[Route]:
        """The mail servers, or a folder while none is set. Built once: their circuit breakers have state."""
        settings = self.settings
        urls = settings.smtp_url.get_secret_value().split()
        if not urls:
            return [Route(name="files", transport=FileTransport(settings.outbox_dir), connections=1)]
        return [self._build_route(f"smtp-{number}", url) for number, url in enumerate(urls, 1)]

    @property
    def outbox(self) -> Path | None:
        """The folder that mails are written to while no mail server is set, else None."""
        return None if self.settings.smtp_url.get_secret_value().split() else self.settings.outbox_dir

    def _build_route(self, name: str, url: str) -> Route:
        server = SmtpServerConfig.parse(url)
        return Route(
            name=name,
            transport=SmtpTransport(server, local_hostname=self.site.domain),
            connections=self.settings.smtp_connections,
            rate=self.settings.smtp_rate,
            weight=server.weight,
        )

    @cached_property
    def admin_channel(self) -> AdminChannel | None:
        """The channel that gets alerts, if any; the operator named it, so its host needs no other setting.

        Raises ConfigError if the setting is no address of a channel, or the extra is missing.
        """
        settings, pasted = self.settings, self.settings.admin_channel.get_secret_value()
        if not pasted:
            return None
        try:
            address = parse_channel_address(pasted, allowed_hosts=("*",))
        except InvalidChange as error:
            raise ConfigError(f"DIGEST_ADMIN_CHANNEL: {error}") from error
        transport = ChannelTransport(
            self.site.brand, settings.base_url, (address.host,), settings.channel_networks
        )
        return AdminChannel(address.url, transport)

    @property
    def has_channels(self) -> bool:
        """Whether the operator allows channels beside mail."""
        return bool(self.settings.channel_hosts)

    @cached_property
    def channel_routes(self) -> list[Route]:
        """The route to channels, if the operator allows some."""
        settings = self.settings
        if not self.has_channels:
            return []
        transport = ChannelTransport(
            self.site.brand, settings.base_url, settings.channel_hosts, settings.channel_networks
        )
        return [
            Route(
                name="channels",
                transport=transport,
                connections=CHANNEL_CONNECTIONS,
                takes_channels=True,
                classify=classify_channel_reply,
            )
        ]

    def open_sender_session(self) -> SenderSession:
        """Return the exclusive right to send, as a context manager.

        Entering it raises StoreBusy when another process is sending.
        """
        settings = self.settings
        return SenderSession(
            self.store,
            suppression_key=self.suppression_key,
            resend=settings.uncertain == "resend",
            lease=timedelta(seconds=settings.lease),
            final_reasons=FINAL_REASONS,
        )

    @property
    def reads_bounces(self) -> bool:
        """Whether bounces reach us at all: by mailbox, webhook or SNS."""
        settings = self.settings
        return bool(
            settings.bounce_mailbox.get_secret_value()
            or settings.bounce_secret.get_secret_value()
            or settings.sns_topics
        )

    @cached_property
    def sns_receiver(self) -> SnsReceiver:
        """The receiver of bounces from Amazon SES through SNS."""
        from digest.sources.http.client import fetch_certificate  # noqa: PLC0415  as in _build_client

        return SnsReceiver(self.settings.sns_topics, fetch_certificate, keys=self.signing_keys)

    def record_bounce(self, report: BounceReport, *, now: datetime) -> bool:
        """Record a bounce or complaint; return False if it was known already."""
        with self.store.begin() as tx:
            return tx.deliveries.record_bounce(report, now=now, suppression_key=self.suppression_key)

    def close(self) -> None:
        """Close the database."""
        self.store.close()


def _build_client(policy: ClientPolicy, trusted_urls: Iterable[str]) -> "Client":
    from digest.sources.http.client import Client  # noqa: PLC0415  httpx takes 9 MiB and 0.1 s

    return Client(policy, trusted_urls=trusted_urls)


def utc_now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)


def open_services(settings: Settings, *, migrate: bool = True) -> Services:
    """Open the database and return the services.

    Raises:
        ConfigError: a setting makes no sense.
        StoreError: the database cannot be opened; the message says what to do.

    """
    services = Services(settings, Database.open(settings.database_url, migrate=migrate))
    if settings.secret_key or services.store.file:
        remember_suppression_key(services.store, services.signing_keys[-1])
    return services


def load_secret_key(settings: Settings, database: Path | None) -> bytes:
    """Return the signing key: from the settings, else from a file beside the database, created on first use.

    Raises:
        ConfigError: no key is set, and the database is not a file.

    """
    secret = settings.secret_key.get_secret_value()
    if secret:
        return secret.encode()
    if database is None:
        raise ConfigError(
            "Set DIGEST_SECRET_KEY (32 random characters): otherwise each process would sign links with "
            "its own key."
        )
    return _load_or_create_key(database.with_name(f"{database.name}.key"))


def _load_or_create_key(path: Path) -> bytes:
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        temporary.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        temporary.write_text(secrets.token_hex(KEY_BYTES), encoding="ascii")
        with suppress(FileExistsError):  # another process was first: its key is the key
            path.hardlink_to(temporary)
        temporary.unlink()
    return path.read_bytes().strip()
