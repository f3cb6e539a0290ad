"""What does every page have at hand? The house, its templates, its limits and the clock, as one value."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from digest.app import embedding_models
from digest.app.services import Services
from digest.mail.tokens import Purpose
from digest.models import Subscriber
from digest.subscribers import Actor
from digest.web.admin_session import Badges
from digest.web.client_ip import Proxies
from digest.web.form_tokens import Tickets
from digest.web.library_limits import LibraryImportLimiter
from digest.web.previews import Mornings
from digest.web.rate_limits import Limits
from digest.web.semantic_index import Meaning
from digest.web.signup_guard import SignUpGuard
from digest.web.templates import Pages
from digest.web.trending_lists import TrendingLists
from digest.web.write_batcher import WriteBatcher
from digest.web.write_probe import Pulse

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """This moment."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class WebContext:
    """Where the pages are made."""

    services: Services
    pages: Pages
    board: TrendingLists
    mornings: Mornings
    meaning: Meaning
    committer: WriteBatcher
    door: SignUpGuard
    badges: Badges
    proxies: Proxies
    pulse: Pulse
    lenders: LibraryImportLimiter
    clock: Clock = wall_clock

    @property
    def is_https(self) -> bool:
        """Whether readers reach us by https, as the base URL says."""
        return self.services.settings.base_url.startswith("https://")

    @property
    def limits(self) -> Limits:
        """Every bucket."""
        return self.door.limits

    @property
    def tickets(self) -> Tickets:
        """What forms carry."""
        return self.door.tickets

    @property
    def defaults(self) -> dict[str, object]:
        """When someone who chose nothing gets the digest."""
        return {"timezone": self.services.settings.timezone, "send_at": self.services.settings.send_at}

    def by(self, actor: str) -> Actor:
        """This moment, and who acts."""
        return Actor(actor, self.clock(), self.services.suppression_key)

    def visitor(self, request: Request) -> str:
        """Who asks, as far as our proxies can be believed."""
        peer = request.client.host if request.client else ""
        return self.proxies.visitor(peer, request.headers.getlist("x-forwarded-for"))


def lobby_of(services: Services, *, clock: Clock = wall_clock) -> WebContext:
    """The lobby of a house."""
    settings = services.settings
    secret = services.secret
    return WebContext(
        services=services,
        pages=Pages(services.site, settings.templates_dir),
        board=TrendingLists(services.store),
        mornings=Mornings(services.store, lambda: services.vectors),
        meaning=Meaning(services.store, lambda: services.embedding, load=embedding_models.named),
        committer=WriteBatcher(services.store),
        door=SignUpGuard(Limits(), Tickets(secret)),
        badges=Badges(
            secret,
            admin=settings.admin_token.get_secret_value(),
            viewer=settings.viewer_token.get_secret_value(),
        ),
        proxies=Proxies(settings.trusted_proxies),
        pulse=Pulse(services.store),
        lenders=LibraryImportLimiter(services.connect_to_libraries, services.fetch_plan.libraries),
        clock=clock,
    )


async def _at_hand(request: Request) -> WebContext:  # async, or each request would visit a thread for it
    ctx = request.app.state.ctx
    assert isinstance(ctx, WebContext)  # noqa: S101  narrows the type
    return ctx


WebContextDep = Annotated[WebContext, Depends(_at_hand)]


def feed_path(ctx: WebContext, reader: Subscriber, kind: str) -> str:
    """Where a reader's feed is, until they ask for a new address."""
    token = ctx.services.links.keys.sign(Purpose.FEED, reader.pid, _revision(reader))
    return f"/f/{token}.{kind}"


def _revision(reader: Subscriber) -> str:
    return str(reader.preferences.feed_revision or "")
