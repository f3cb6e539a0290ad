"""A day, from the sources to the mail: read over real HTTP, kept in a real store, written to a folder."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path

import httpx
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest import subscribers
from digest.app.services import Services, open_services
from digest.db import Database
from digest.db.sources import SourceState
from digest.delivery.stats import Tally
from digest.models import DeliveryState, Edition, Health, Profile, Section
from digest.pipeline import day as mornings
from digest.pipeline import plan, run
from digest.pipeline.clock_repair import LAST_TICK
from digest.pipeline.edition_payload import paper_ids
from digest.pipeline.embed_backlog import progress
from digest.pipeline.run import DayResult
from digest.sources.http.client import Client
from digest.tools.demo.http_server import Upstream
from digest.tools.demo.scenario import MANNERS, sealed
from tests.factories import subscriber

THURSDAY = datetime(2026, 11, 19, 6, 30, tzinfo=UTC)
FRIDAY = THURSDAY + timedelta(days=1)
DUE = timedelta(minutes=31)  # after the readings, a minute past seven


@dataclass(frozen=True)
class World:
    """A house, and the upstream it reads."""

    services: Services
    upstream: Upstream

    async def fetch(self, now: datetime) -> tuple[run.Fetched, ...]:
        self.upstream.now = now
        connect = partial(Client, MANNERS, trusted=self.services.fetch_plan.trusted)
        return await run.fetch(self.services.store, self.services.sources, connect, now)

    async def day(self, now: datetime) -> DayResult:
        """The sources read at `now`, and the mail of half an hour later."""
        fetched = await self.fetch(now)
        plans = run.plan(self.services.store, now + DUE)
        return DayResult(fetched=fetched, plans=plans, tally=await self.send(now + DUE))

    async def send(self, now: datetime) -> Tally:
        return await run.send(self.services, lambda: now)

    def subscribe(
        self, address: str = "ada@example.com", *, at: datetime = THURSDAY, **wishes: object
    ) -> None:
        with self.services.store.begin() as tx:
            by = subscribers.Actor("test", at, self.services.suppression_key)
            subscribers.enrol(tx, address, wishes, has_consented=True, by=by)

    def mails(self, address: str = "ada@example.com") -> list[Path]:
        return sorted(self.services.settings.outbox_dir.glob(f"{address}-d.*.eml"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Upstream(THURSDAY) as upstream:
        settings = sealed(tmp_path / "digest.sqlite3", upstream=upstream.url, mailbox="")
        settings = settings.model_copy(update={"outbox_dir": tmp_path / "outbox"})
        with closing(open_services(settings)) as services:
            yield World(services, upstream)


async def test_a_day_goes_from_the_sources_to_the_mail(world: World) -> None:
    world.subscribe(keywords="language models, reasoning")
    day = await world.day(THURSDAY)
    assert day.is_sound
    assert day.plans.planned == day.tally.sent == 1
    (mail,) = world.mails()
    message = message_from_bytes(mail.read_bytes(), policy=policy.default)
    assert message["To"] == "ada@example.com"
    assert "more papers" in message["Subject"]


async def test_running_the_day_again_sends_nothing_more(world: World) -> None:
    world.subscribe()
    await world.day(THURSDAY)
    again = await world.day(THURSDAY + timedelta(hours=1))
    assert again.plans.due == again.tally.sent == 0
    assert len(world.mails()) == 1


async def test_reading_the_same_answers_again_brings_nothing_new(world: World) -> None:
    first = await world.fetch(THURSDAY)
    again = await world.fetch(THURSDAY)
    assert sum(each.new for each in first) > 0
    assert sum(each.new for each in again) == 0


async def test_the_preview_is_the_mail_to_the_last_byte(world: World) -> None:
    world.subscribe(keywords="robotics", muted="blockchain")
    await world.fetch(THURSDAY)
    with world.services.store.begin(write=False) as tx:
        reader = tx.subscribers.by_address("ada@example.com")
    edition = plan.upcoming(world.services.store, reader, THURSDAY + timedelta(minutes=5))
    preview = world.services.letters.digest(edition)
    run.plan(world.services.store, THURSDAY + DUE)
    await world.send(THURSDAY + DUE)
    (mail,) = world.mails()
    assert mail.read_bytes() == preview
    afterwards = plan.upcoming(world.services.store, reader, THURSDAY + timedelta(hours=3))
    assert world.services.letters.digest(afterwards) == preview


async def test_no_paper_comes_twice_on_two_days(world: World) -> None:
    world.subscribe(keywords="language models")
    sent: list[str] = []
    for now in (THURSDAY, FRIDAY):
        made: list[Edition] = []
        await world.fetch(now)
        run.plan(world.services.store, now + DUE, watch=made.append)
        await world.send(now + DUE)
        sent += [pick.paper.id for e in made for pick in e.picks if pick.heat.broke_out_from is None]
    assert len(world.mails()) == 2
    assert len(sent) == len(set(sent)) > 0


async def test_a_weekend_without_papers_brings_no_mail(world: World) -> None:
    world.subscribe()
    await world.day(FRIDAY)
    await world.day(FRIDAY + timedelta(days=1))  # what was listed after Friday's mail
    sunday = await world.day(FRIDAY + timedelta(days=2))
    assert sunday.plans.quiet == 1
    assert sunday.tally.sent == 0


async def test_a_dead_source_leaves_the_others_unharmed(world: World) -> None:
    world.subscribe()
    with respx.mock(assert_all_called=False) as http:
        http.get(path="/api/daily_papers").mock(return_value=httpx.Response(404, text="gone"))
        http.route(host="127.0.0.1").pass_through()
        day = await world.day(THURSDAY)
    health = {each.reading.source: each.reading.health for each in day.fetched}
    assert health["huggingface"] is Health.FAILED
    assert health["arxiv"] is Health.OK
    assert not day.is_sound
    assert day.tally.sent == 1


async def test_a_page_where_a_feed_should_be_is_named_and_harms_nothing(world: World) -> None:
    with respx.mock(assert_all_called=False) as http:
        page = "<!doctype html><html><body>Scheduled maintenance</body></html>"
        for path in ("/rss/", "/oai", "/list/", "/catchup/"):
            http.get(path__startswith=path).mock(return_value=httpx.Response(200, html=page))
        http.route(host="127.0.0.1").pass_through()
        fetched = await world.fetch(THURSDAY)
    arxiv = [each.reading for each in fetched if each.reading.source == "arxiv"]
    assert all(reading.health is not Health.OK for reading in arxiv)
    assert all(reading.note for reading in arxiv)
    assert any(each.reading.source == "huggingface" and each.new for each in fetched)


async def test_nobody_unconfirmed_paused_or_gone_is_planned(world: World) -> None:
    await world.fetch(THURSDAY)
    by = subscribers.Actor("test", THURSDAY, world.services.suppression_key)
    for name in ("paused", "gone"):
        world.subscribe(f"{name}@example.com")
    with world.services.store.begin() as tx:
        subscribers.sign_up(tx, "new@example.com", by=by)
        subscribers.pause(tx, tx.subscribers.by_address("paused@example.com").pid, by=by)
        subscribers.unsubscribe(tx, tx.subscribers.by_address("gone@example.com").pid, by=by)
    assert run.plan(world.services.store, THURSDAY + DUE).due == 0


async def test_who_leaves_while_the_mail_waits_does_not_get_it(world: World) -> None:
    world.subscribe()
    await world.fetch(THURSDAY)
    run.plan(world.services.store, THURSDAY + DUE)
    with world.services.store.begin() as tx:
        reader = tx.subscribers.by_address("ada@example.com")
        subscribers.unsubscribe(tx, reader.pid, by=subscribers.Actor("reader", THURSDAY + DUE))
    await world.send(THURSDAY + DUE)
    assert world.mails() == []


async def test_after_three_days_down_there_is_one_digest(world: World) -> None:
    world.subscribe(at=THURSDAY - timedelta(days=3))
    day = await world.day(THURSDAY)
    assert (day.plans.due, day.tally.sent) == (1, 1)


async def test_a_dry_run_shows_everybody_and_moves_nothing(world: World) -> None:
    world.subscribe()
    await world.fetch(THURSDAY)
    seen: list[Edition] = []
    plans = run.plan(world.services.store, THURSDAY + DUE, watch=seen.append, dry_run=True)
    assert plans.planned == len(seen) == 1
    assert run.plan(world.services.store, THURSDAY + DUE).planned == 1


async def test_a_paused_house_plans_nothing_and_says_why(world: World) -> None:
    world.subscribe()
    await world.fetch(THURSDAY)
    with world.services.store.begin() as tx:
        tx.meta.pause("This database was restored from a backup.")
    assert "restored" in run.plan(world.services.store, THURSDAY + DUE).stopped
    with world.services.store.begin(write=False) as tx:
        assert tx.deliveries.waiting()[DeliveryState.QUEUED] == 0


async def test_readers_of_different_taste_get_different_papers_and_the_same_trends(world: World) -> None:
    world.subscribe("lin@example.com", keywords="language models, interpretability")
    world.subscribe("robin@example.com", keywords="robot manipulation, legged locomotion")
    await world.fetch(THURSDAY)
    made: list[Edition] = []
    run.plan(world.services.store, THURSDAY + DUE, watch=made.append)
    trending, picked = (
        [{pick.paper.id for pick in edition.section(section)} for edition in made]
        for section in (Section.TRENDING, Section.PICKED)
    )
    assert trending[0] == trending[1]
    assert picked[0]
    assert picked[1]
    assert not picked[0] & picked[1]


async def test_one_tick_reads_plans_and_sends_and_remembers_that_it_came_round(world: World) -> None:
    world.subscribe()
    world.upstream.now = THURSDAY
    now = THURSDAY + DUE
    day = await run.run(world.services, lambda: now)
    assert day.fetched
    assert day.tally.sent == 1
    soon = await run.run(world.services, lambda: now + timedelta(minutes=5))
    assert not soon.fetched
    with world.services.store.begin(write=False) as tx:
        assert tx.meta.read(LAST_TICK) == (now + timedelta(minutes=5)).isoformat()


def test_an_empty_store_has_nothing_to_send(store: Database) -> None:
    assert mornings.candidates(store, THURSDAY).papers == ()
    assert run.plan(store, THURSDAY) == run.Plans()


async def test_an_edition_that_looks_wrong_is_held_until_it_is_released(world: World) -> None:
    world.subscribe()
    await world.fetch(THURSDAY)
    day = str(THURSDAY.date())
    with world.services.store.begin() as tx:
        tx.sources.hold(day, "2,400 new papers came in, where 120 are usual.", at=THURSDAY)
    assert "2,400" in run.plan(world.services.store, THURSDAY + DUE).stopped
    with world.services.store.begin() as tx:
        assert tx.sources.release(day, actor="admin", at=THURSDAY)
    assert run.plan(world.services.store, THURSDAY + DUE).planned == 1


async def test_the_operator_hears_of_a_dead_source_by_mail(world: World) -> None:
    settings = world.services.settings.model_copy(
        update={"admin_address": "admin@example.com", "huggingface_url": "http://127.0.0.1:9"}
    )
    services = Services(settings, world.services.store)
    with respx.mock(assert_all_called=False) as http:
        http.get(host="127.0.0.1", port=9).mock(return_value=httpx.Response(404))
        http.route(host="127.0.0.1").pass_through()
        await run.run(services, lambda: THURSDAY)
    (mail,) = settings.outbox_dir.glob("admin@example.com-*.eml")
    assert "huggingface could not be read" in mail.read_text()


def test_a_reader_is_told_what_is_unusual_about_the_day() -> None:
    def state(source: str, health: Health) -> SourceState:
        return SourceState(
            source=source, scope="x", read_at=THURSDAY, health=health, note="", fetched=0, unseen=0,
            overlap=0, newest="", day=None, good_at=None,
        )  # fmt: skip

    thanksgiving = datetime(2026, 11, 26, 12, tzinfo=UTC)
    fine = [state("arxiv", Health.FAILED), state("arxiv", Health.OK), state("hackernews", Health.EMPTY)]
    assert mornings.notes_on(fine, THURSDAY) == ()
    assert mornings.notes_on(fine, thanksgiving) == ("arxiv-silent",)
    dead = [state("huggingface", Health.FAILED), state("arxiv", Health.CHANGED)]
    assert mornings.notes_on(dead, THURSDAY) == ("votes-missing", "source-missing:arxiv")


def test_a_first_mail_says_how_to_tune_it_and_a_later_one_does_not() -> None:
    new = subscriber(profile=Profile(keywords=("optics",)))
    assert tuple(mornings.notes_for(new)) == ("first",)
    assert tuple(mornings.notes_for(replace(new, cursor=THURSDAY))) == ()
    assert tuple(mornings.notes_for(replace(new, cursor=THURSDAY, profile=Profile()))) == ("no-interests",)


async def test_who_asked_for_it_gets_a_word_on_an_empty_day(world: World) -> None:
    world.subscribe(empty_day_note=True)
    await world.day(FRIDAY)
    await world.day(FRIDAY + timedelta(days=1))
    sunday = await world.day(FRIDAY + timedelta(days=2))
    assert sunday.tally.sent == 1
    message = message_from_bytes(world.mails()[-1].read_bytes(), policy=policy.default)
    text = message.get_body(("plain",))
    assert text is not None
    assert "arXiv announced nothing today" in " ".join(text.get_content().split())


async def test_a_slot_is_spread_over_minutes_each_reader_at_a_moment_of_their_own(world: World) -> None:
    for number in range(8):
        world.subscribe(f"reader{number}@example.com")
    await world.fetch(THURSDAY)
    run.plan(world.services.store, THURSDAY + DUE, over=timedelta(minutes=15))
    with world.services.store.begin(write=False) as tx:
        moments = {tx.deliveries.history(reader.id)[0].not_before for reader in tx.subscribers.after()}
    slot = THURSDAY + timedelta(minutes=30)
    assert len(moments) == 8
    assert all(slot <= moment < slot + timedelta(minutes=15) for moment in moments)


async def test_a_house_with_a_key_signs_what_it_sends(world: World, tmp_path: Path) -> None:
    key = tmp_path / "dkim.pem"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(*form))
    services = Services(world.services.settings.model_copy(update={"dkim_key": key}), world.services.store)
    world.subscribe()
    await world.fetch(THURSDAY)
    run.plan(services.store, THURSDAY + DUE)
    await run.send(services, lambda: THURSDAY + DUE)
    (mail,) = world.mails()
    assert mail.read_bytes().startswith(b"DKIM-Signature: v=1;")


async def test_the_preview_of_a_day_gone_by_is_the_mail_of_that_day_whatever_became_of_its_papers(
    world: World,
) -> None:
    world.subscribe(keywords="robotics")
    await world.day(THURSDAY)
    (mail,) = world.mails()
    store = world.services.store
    with store.begin() as tx:
        reader = tx.subscribers.by_address("ada@example.com")
        (delivery,) = (one for one in tx.deliveries.history(reader.id) if one.day)
        papers = tx.papers.by_ids(paper_ids(delivery.payload))
        revised = [
            replace(one, title=f"{one.title}, Revisited", version=one.version + 1) for one in papers.values()
        ]
        tx.papers.add(revised, seen_at=FRIDAY)
        tx.papers.retell(dict.fromkeys(papers, "They say it again."), at=FRIDAY + DUE)
        tx.papers.add([replace(revised[0], withdrawn=True)], seen_at=FRIDAY + 2 * DUE)
        assert "Revisited" in tx.papers.by_ids(papers)[revised[0].id].title
    recalled = plan.recall(store, reader, delivery.slot)
    assert recalled is not None
    assert world.services.letters.digest(recalled) == mail.read_bytes()


async def test_a_tick_reads_on_with_a_model_that_is_new_here(tmp_path: Path) -> None:
    with Upstream(THURSDAY) as upstream:
        settings = sealed(tmp_path / "digest.sqlite3", upstream=upstream.url, mailbox="")
        update = {"outbox_dir": tmp_path / "outbox", "vectors": "static"}
        with closing(open_services(settings.model_copy(update=update))) as services:
            await run.run(services, lambda: THURSDAY)
            with services.store.begin(write=False) as tx:
                far, serving = progress(tx), tx.vectors.serving()
    assert far
    assert far["done"]
    assert far["papers"] == far["of"] != 0
    assert serving
    assert serving.is_complete
