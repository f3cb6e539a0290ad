"""What every request handler needs, as one value: services, templates, caches, limits and the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from digest.app import embedding_models
from digest.app.services import Services, utc_now
from digest.db import Database, Transaction
from digest.mail.tokens import Claim, Purpose
from digest.models import Subscriber
from digest.models.errors import NotFound, StoreError
from digest.subscribers import Actor
from digest.web.admin_session import AdminSessions
from digest.web.client_ip import TrustedProxies
from digest.web.form_tokens import TicketIssuer
from digest.web.languages import set_page_language
from digest.web.library_import import LibraryImporter
from digest.web.mail_previews import MailPreviews
from digest.web.oidc import OpenIdProvider
from digest.web.previews import PreviewCache
from digest.web.rate_limits import RateLimits
from digest.web.related import RelatedPapers
from digest.web.routing import WRITER_THREADS
from digest.web.semantic_index import SemanticIndex
from digest.web.signup_guard import SignUpGuard
from digest.web.templates import PageRenderer
from digest.web.trending_lists import TimedCache, TrendingLists

T = TypeVar("T")
Clock = Callable[[], datetime]
PROBE_INTERVAL = timedelta(seconds=10)
# Concurrent writes of requests. SQLite has one writer; a request that waits for it inside the database
# polls, holds a thread, and may be overtaken for seconds. Here requests wait in order and without a thread.
MAX_WRITERS = {"sqlite": 1, "postgresql": 4}


class WriteProbe:
    """Checks whether the database can be written, which is how a full disk shows; caches the result."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._errors: TimedCache[str] = TimedCache()

    def check(self, now: datetime) -> str:
        """Return why nothing can be written, as a sentence; empty if something can."""
        return self._errors.get("", now, PROBE_INTERVAL, lambda: self._write(now))

    def _write(self, now: datetime) -> str:
        try:
            with self._store.begin() as tx:
                tx.meta.write("pulse", now.isoformat())
        except StoreError as error:
            return str(error)
        return ""


@dataclass(frozen=True)
class WebContext:
    """The shared dependencies of all request handlers."""

    services: Services
    pages: PageRenderer
    trending_lists: TrendingLists
    previews: PreviewCache
    mail_previews: MailPreviews
    semantic_index: SemanticIndex
    related_papers: RelatedPapers
    signup_guard: SignUpGuard
    admin_sessions: AdminSessions
    oidc: OpenIdProvider | None
    trusted_proxies: TrustedProxies
    write_probe: WriteProbe
    library_importer: LibraryImporter
    writers: CapacityLimiter
    writer_threads: CapacityLimiter
    clock: Clock = utc_now

    @property
    def is_https(self) -> bool:
        """Whether the base URL is https."""
        return self.services.settings.base_url.startswith("https://")

    @property
    def limits(self) -> RateLimits:
        """The rate limits of this process."""
        return self.signup_guard.limits

    def actor(self, name: str) -> Actor:
        """Return an actor of this name who acts now."""
        return self.services.actor(name, self.clock())

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* in a worker thread, in a write transaction of its own, and return once it is durable."""

        def commit() -> T:
            with self.services.store.begin() as tx:
                return work(tx)

        return await to_thread.run_sync(commit, limiter=self.writers)

    def client_ip(self, request: Request) -> str:
        """Return the address of the client, as far as the proxies on the way are trusted."""
        peer = request.client.host if request.client else ""
        return self.trusted_proxies.client_ip(peer, request.headers.getlist("x-forwarded-for"))


def create_context(services: Services, *, clock: Clock = utc_now) -> WebContext:
    """Return the context of one web application."""
    settings = services.settings
    _ = services.suppression_key  # read and checked now: pages must not wait for the database
    semantic_index = SemanticIndex(
        services.store, lambda: services.embedding_model, load=embedding_models.load_model
    )
    return WebContext(
        mail_previews=MailPreviews(services),
        services=services,
        pages=PageRenderer(services.site, settings.templates_dir),
        trending_lists=TrendingLists(services.store),
        previews=PreviewCache(services.store, lambda: services.active_embedding_model, services.day_cache),
        semantic_index=semantic_index,
        related_papers=RelatedPapers(services.store, semantic_index),
        signup_guard=SignUpGuard(RateLimits(), TicketIssuer(services.secret)),
        admin_sessions=AdminSessions(
            services.secret,
            admin=settings.admin_token.get_secret_value(),
            viewer=settings.viewer_token.get_secret_value(),
        ),
        oidc=OpenIdProvider(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            redirect_url=f"{settings.base_url}/admin/oidc/callback",
            open_client=services.open_oidc_client,
        )
        if settings.oidc_issuer
        else None,
        trusted_proxies=TrustedProxies(settings.trusted_proxies),
        write_probe=WriteProbe(services.store),
        library_importer=LibraryImporter(services.open_library_client, services.source_config),
        writers=CapacityLimiter(MAX_WRITERS[services.store.engine.dialect.name]),
        writer_threads=CapacityLimiter(WRITER_THREADS),
        clock=clock,
    )


async def _get_context(request: Request) -> WebContext:  # async: a sync dependency would run in a thread
    ctx = request.app.state.ctx
    assert isinstance(ctx, WebContext)  # noqa: S101  narrows the type
    return ctx


WebContextDep = Annotated[WebContext, Depends(_get_context)]


def feed_path(ctx: WebContext, reader: Subscriber, kind: str) -> str:
    """Return the path of a reader's private feed, valid until they renew it. *kind* is atom or json."""
    token = ctx.services.links.keys.sign(Purpose.FEED, reader.public_id, feed_revision(reader))
    return f"/f/{token}.{kind}"


def feed_revision(reader: Subscriber) -> str:
    """Return the revision that feed tokens are bound to; empty until the first renewal."""
    return str(reader.preferences.feed_revision or "")


def open_link(ctx: WebContext, purpose: Purpose, token: str, *, gone: str = "") -> tuple[Claim, Subscriber]:
    """Return what a signed link says and whose it is, and speak their language.

    Raises InvalidToken, or NotFound with the sentence *gone* if the reader was erased.
    """
    claim = ctx.services.links.keys.verify(purpose, token, now=ctx.clock())
    with ctx.services.store.begin(write=False) as tx:
        try:
            reader = tx.subscribers.get_by_public_id(claim.public_id)
        except NotFound as error:
            raise NotFound(gone or str(error)) from error
    set_page_language(reader.preferences.language)
    return claim, reader
