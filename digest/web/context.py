"""What does every page have at hand? The house, its templates, its limits and the clock, as one value."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from digest.app import embedding_models
from digest.app.services import House
from digest.mail.tokens import Purpose
from digest.models import Subscriber
from digest.subscribers import By
from digest.web.admin_session import Badges
from digest.web.client_ip import Proxies
from digest.web.form_tokens import Tickets
from digest.web.library_limits import Lenders
from digest.web.previews import Mornings
from digest.web.rate_limits import Limits
from digest.web.semantic_index import Meaning
from digest.web.signup_guard import Door
from digest.web.templates import Pages
from digest.web.trending_lists import Board
from digest.web.write_batcher import Committer
from digest.web.write_probe import Pulse

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """This moment."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Lobby:
    """Where the pages are made."""

    house: House
    pages: Pages
    board: Board
    mornings: Mornings
    meaning: Meaning
    committer: Committer
    door: Door
    badges: Badges
    proxies: Proxies
    pulse: Pulse
    lenders: Lenders
    clock: Clock = wall_clock

    @property
    def is_https(self) -> bool:
        """Whether readers reach us by https, as the base URL says."""
        return self.house.settings.base_url.startswith("https://")

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
        return {"timezone": self.house.settings.timezone, "send_at": self.house.settings.send_at}

    def by(self, actor: str) -> By:
        """This moment, and who acts."""
        return By(actor, self.clock(), self.house.pepper)

    def visitor(self, request: Request) -> str:
        """Who asks, as far as our proxies can be believed."""
        peer = request.client.host if request.client else ""
        return self.proxies.visitor(peer, request.headers.getlist("x-forwarded-for"))


def lobby_of(house: House, *, clock: Clock = wall_clock) -> Lobby:
    """The lobby of a house."""
    settings = house.settings
    secret = house.secret
    return Lobby(
        house=house,
        pages=Pages(house.site, settings.templates_dir),
        board=Board(house.store),
        mornings=Mornings(house.store, lambda: house.vectors),
        meaning=Meaning(house.store, lambda: house.embedding, load=embedding_models.named),
        committer=Committer(house.store),
        door=Door(Limits(), Tickets(secret)),
        badges=Badges(
            secret,
            admin=settings.admin_token.get_secret_value(),
            viewer=settings.viewer_token.get_secret_value(),
        ),
        proxies=Proxies(settings.trusted_proxies),
        pulse=Pulse(house.store),
        lenders=Lenders(house.connect_to_libraries, house.fetch_plan.libraries),
        clock=clock,
    )


async def _at_hand(request: Request) -> Lobby:  # async, or each request would visit a thread for it
    lobby = request.app.state.lobby
    assert isinstance(lobby, Lobby)  # noqa: S101  narrows the type
    return lobby


InLobby = Annotated[Lobby, Depends(_at_hand)]


def feed_path(lobby: Lobby, reader: Subscriber, kind: str) -> str:
    """Where a reader's feed is, until they ask for a new address."""
    token = lobby.house.links.keys.sign(Purpose.FEED, reader.pid, _revision(reader))
    return f"/f/{token}.{kind}"


def _revision(reader: Subscriber) -> str:
    return str(reader.preferences.feed_revision or "")
