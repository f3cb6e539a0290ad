"""Tests of whole runs: sources over real HTTP, a real database, messages written to a folder."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest import subscribers
from digest.app import run
from digest.app.run import RunResult
from digest.app.services import Services, open_services
from digest.db import Database
from digest.db.sources import SourceState
from digest.delivery.stats import SendStats
from digest.models import DeliveryKind, DeliveryState, Edition, FetchResult, Health, Profile, Section
from digest.models.errors import SourceError
from digest.pipeline import day as day_module
from digest.pipeline import plan
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.edition_payload import get_paper_ids
from digest.pipeline.embed_backlog import get_progress
from digest.pipeline.ingest import StoredResult, fetch_sources
from digest.pipeline.plan import PlanResult, plan_editions
from digest.pipeline.status import SEND_BLOCKED_KEY
from digest.sources import base
from digest.sources.base import FetchContext, failed_result
from digest.sources.http.client import Client
from digest.tools.demo.http_server import UpstreamServer
from digest.tools.demo.scenario import DEMO_CLIENT_POLICY, make_isolated_settings
from tests.factories import make_subscriber, store_subscriber
from tests.smtp_server import SmtpServer

THURSDAY = datetime(2026, 11, 19, 6, 30, tzinfo=UTC)
FRIDAY = THURSDAY + timedelta(days=1)
DUE = timedelta(minutes=31)  # after fetching: a minute past seven


@dataclass(frozen=True)
class Installation:
    """An installation of the digest, and the upstream it fetches from."""

    services: Services
    upstream: UpstreamServer

    async def fetch(self, now: datetime) -> tuple[StoredResult, ...]:
        self.upstream.now = now
        open_client = partial(
            Client, DEMO_CLIENT_POLICY, trusted_urls=self.services.source_config.trusted_urls
        )
        return await fetch_sources(self.services.store, self.services.sources, open_client, now)

    async def fetch_and_send(self, now: datetime) -> RunResult:
        """Fetch at *now*, then plan and send half an hour later."""
        fetched = await self.fetch(now)
        plan_result = plan_editions(self.services.store, now + DUE)
        return RunResult(fetched=fetched, plan=plan_result, send_stats=await self.send(now + DUE))

    async def send(self, now: datetime) -> SendStats:
        return await run.send(self.services, lambda: now)

    def subscribe(
        self, address: str = "ada@example.com", *, at: datetime = THURSDAY, **changes: object
    ) -> None:
        with self.services.store.begin() as tx:
            actor = subscribers.Actor("test", at, self.services.suppression_key)
            subscribers.add_subscriber(tx, address, changes, has_consented=True, actor=actor)

    def list_mails(self, address: str = "ada@example.com") -> list[Path]:
        mails = sorted(self.services.settings.outbox_dir.glob("d.*.eml"))
        return [mail for mail in mails if f"\nTo: {address}\n" in mail.read_text()]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with UpstreamServer(THURSDAY) as upstream:
        settings = make_isolated_settings(tmp_path / "digest.sqlite3", sources_url=upstream.url, smtp_url="")
        settings = settings.model_copy(update={"outbox_dir": tmp_path / "outbox"})
        with closing(open_services(settings)) as services:
            yield Installation(services, upstream)


async def test_a_run_goes_from_the_sources_to_the_mail(installation: Installation) -> None:
    installation.subscribe(keywords="language models, reasoning")
    day = await installation.fetch_and_send(THURSDAY)
    assert day.is_ok
    assert day.plan.planned == day.send_stats.sent == 1
    (mail,) = installation.list_mails()
    message = message_from_bytes(mail.read_bytes(), policy=policy.default)
    assert message["To"] == "ada@example.com"
    assert "more papers" in message["Subject"]


async def test_the_welcome_names_the_topics_of_the_subscriber(installation: Installation) -> None:
    installation.subscribe(keywords="language models, reasoning")
    with installation.services.store.begin() as tx:
        ada = tx.subscribers.get_by_address("ada@example.com")
        tx.deliveries.enqueue_notice(DeliveryKind.NOTICE, ada, "welcome/1", {"mail": "welcome"}, now=THURSDAY)

    await installation.send(THURSDAY)

    (mail,) = installation.services.settings.outbox_dir.glob("*.eml")
    text = message_from_bytes(mail.read_bytes(), policy=policy.default).get_body(("plain",))
    assert text is not None
    assert "your topics: language models, reasoning." in " ".join(text.get_content().split())


async def test_running_the_day_again_sends_nothing_more(installation: Installation) -> None:
    installation.subscribe()
    await installation.fetch_and_send(THURSDAY)
    again = await installation.fetch_and_send(THURSDAY + timedelta(hours=1))
    assert again.plan.due == again.send_stats.sent == 0
    assert len(installation.list_mails()) == 1


async def test_fetching_the_same_answers_again_adds_nothing(installation: Installation) -> None:
    first = await installation.fetch(THURSDAY)
    again = await installation.fetch(THURSDAY)
    assert sum(stored.new for stored in first) > 0
    assert sum(stored.new for stored in again) == 0


async def test_the_preview_is_the_mail_to_the_last_byte(installation: Installation) -> None:
    installation.subscribe(keywords="robotics", muted="blockchain")
    await installation.fetch(THURSDAY)
    with installation.services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_address("ada@example.com")
    edition = plan.build_upcoming_edition(
        installation.services.store, reader, THURSDAY + timedelta(minutes=5)
    )
    preview = installation.services.message_builder.build_digest(edition)
    plan_editions(installation.services.store, THURSDAY + DUE)
    await installation.send(THURSDAY + DUE)
    (mail,) = installation.list_mails()
    assert mail.read_bytes() == preview
    afterwards = plan.build_upcoming_edition(
        installation.services.store, reader, THURSDAY + timedelta(hours=3)
    )
    assert installation.services.message_builder.build_digest(afterwards) == preview


async def test_no_paper_is_sent_on_two_days(installation: Installation) -> None:
    installation.subscribe(keywords="language models")
    sent: list[str] = []
    for now in (THURSDAY, FRIDAY):
        editions: list[Edition] = []
        await installation.fetch(now)
        plan_editions(installation.services.store, now + DUE, on_edition=editions.append)
        await installation.send(now + DUE)
        sent += [
            pick.paper.id
            for edition in editions
            for pick in edition.picks
            if pick.heat.broke_out_from is None
        ]
    assert len(installation.list_mails()) == 2
    assert len(sent) == len(set(sent)) > 0


async def test_a_weekend_without_papers_brings_no_mail(installation: Installation) -> None:
    installation.subscribe()
    await installation.fetch_and_send(FRIDAY)
    await installation.fetch_and_send(FRIDAY + timedelta(days=1))  # what was listed after Friday's mail
    sunday = await installation.fetch_and_send(FRIDAY + timedelta(days=2))
    assert sunday.plan.quiet == 1
    assert sunday.send_stats.sent == 0


async def test_a_failing_source_does_not_affect_the_others(installation: Installation) -> None:
    installation.subscribe()
    with respx.mock(assert_all_called=False) as http:
        http.get(path="/api/daily_papers").mock(return_value=httpx.Response(404, text="gone"))
        http.route(host="127.0.0.1").pass_through()
        day = await installation.fetch_and_send(THURSDAY)
    health = {stored.result.source: stored.result.health for stored in day.fetched}
    assert health["huggingface"] is Health.FAILED
    assert health["arxiv"] is Health.OK
    assert not day.is_ok
    assert day.send_stats.sent == 1


async def test_an_html_page_instead_of_a_feed_is_reported_and_affects_nothing_else(
    installation: Installation,
) -> None:
    with respx.mock(assert_all_called=False) as http:
        page = "<!doctype html><html><body>Scheduled maintenance</body></html>"
        for path in ("/rss/", "/oai", "/list/", "/catchup/"):
            http.get(path__startswith=path).mock(return_value=httpx.Response(200, html=page))
        http.route(host="127.0.0.1").pass_through()
        fetched = await installation.fetch(THURSDAY)
    arxiv = [stored.result for stored in fetched if stored.result.source == "arxiv"]
    assert all(result.health is not Health.OK for result in arxiv)
    assert all(result.note for result in arxiv)
    assert any(stored.result.source == "huggingface" and stored.new for stored in fetched)


async def test_nobody_unconfirmed_paused_or_gone_is_planned(installation: Installation) -> None:
    await installation.fetch(THURSDAY)
    actor = subscribers.Actor("test", THURSDAY, installation.services.suppression_key)
    for name in ("paused", "gone"):
        installation.subscribe(f"{name}@example.com")
    with installation.services.store.begin() as tx:
        subscribers.sign_up(tx, "new@example.com", actor=actor)
        subscribers.pause(tx, tx.subscribers.get_by_address("paused@example.com").public_id, actor=actor)
        subscribers.unsubscribe(tx, tx.subscribers.get_by_address("gone@example.com").public_id, actor=actor)
    assert plan_editions(installation.services.store, THURSDAY + DUE).due == 0


async def test_who_unsubscribes_while_the_mail_is_queued_does_not_get_it(installation: Installation) -> None:
    installation.subscribe()
    await installation.fetch(THURSDAY)
    plan_editions(installation.services.store, THURSDAY + DUE)
    with installation.services.store.begin() as tx:
        reader = tx.subscribers.get_by_address("ada@example.com")
        subscribers.unsubscribe(tx, reader.public_id, actor=subscribers.Actor("reader", THURSDAY + DUE))
    await installation.send(THURSDAY + DUE)
    assert installation.list_mails() == []


async def test_after_three_days_down_there_is_one_digest(installation: Installation) -> None:
    installation.subscribe(at=THURSDAY - timedelta(days=3))
    day = await installation.fetch_and_send(THURSDAY)
    assert (day.plan.due, day.send_stats.sent) == (1, 1)


async def test_an_unreachable_mail_server_is_reported_by_runs_that_are_each_a_process(tmp_path: Path) -> None:
    file = tmp_path / "digest.sqlite3"
    async with SmtpServer().running() as server:
        for minutes, port, expected in ((0, 9, ""), (20, 9, "smtp-1: unreachable"), (60, server.port, "")):
            now = THURSDAY + timedelta(minutes=minutes)
            url = f"smtp://127.0.0.1:{port}"
            settings = make_isolated_settings(file, sources_url="http://127.0.0.1:9", smtp_url=url)
            with closing(open_services(settings)) as services:
                with services.store.begin() as tx:
                    ada = tx.subscribers.get_by_addresses(["ada@example.com"]).get("ada@example.com")
                    ada = ada or store_subscriber(tx, "ada@example.com", now=now)
                    tx.deliveries.enqueue_notice(
                        DeliveryKind.NOTICE, ada, "welcome/1", {"mail": "welcome"}, now=now
                    )
                await run.send(services, lambda now=now: now)  # type: ignore[misc]
                with services.store.begin(write=False) as tx:
                    blocked = tx.meta.read(SEND_BLOCKED_KEY)
            assert blocked.startswith(expected)
            assert bool(blocked) == bool(expected)
        assert len(server.accepted) == 1


async def test_a_dry_run_passes_every_edition_and_changes_nothing(installation: Installation) -> None:
    installation.subscribe()
    await installation.fetch(THURSDAY)
    seen: list[Edition] = []
    plan_result = plan_editions(
        installation.services.store, THURSDAY + DUE, on_edition=seen.append, dry_run=True
    )
    assert plan_result.planned == len(seen) == 1
    assert plan_editions(installation.services.store, THURSDAY + DUE).planned == 1


async def test_nothing_is_planned_while_sending_is_paused(installation: Installation) -> None:
    installation.subscribe()
    await installation.fetch(THURSDAY)
    with installation.services.store.begin() as tx:
        tx.meta.pause("This database was restored from a backup.")
    assert "restored" in plan_editions(installation.services.store, THURSDAY + DUE).stopped
    with installation.services.store.begin(write=False) as tx:
        assert tx.deliveries.count_open()[DeliveryState.QUEUED] == 0


async def test_readers_of_different_taste_get_different_papers_and_the_same_trends(
    installation: Installation,
) -> None:
    installation.subscribe("lin@example.com", keywords="language models, interpretability")
    installation.subscribe("robin@example.com", keywords="robot manipulation, legged locomotion")
    await installation.fetch(THURSDAY)
    editions: list[Edition] = []
    plan_editions(installation.services.store, THURSDAY + DUE, on_edition=editions.append)
    trending, picked = (
        [{pick.paper.id for pick in edition.get_picks(section)} for edition in editions]
        for section in (Section.TRENDING, Section.PICKED)
    )
    assert trending[0] == trending[1]
    assert picked[0]
    assert picked[1]
    assert not picked[0] & picked[1]


async def test_a_run_fetches_plans_sends_and_records_its_time(installation: Installation) -> None:
    installation.subscribe()
    installation.upstream.now = THURSDAY
    now = THURSDAY + DUE
    day = await run.run(installation.services, lambda: now)
    assert day.fetched
    assert day.send_stats.sent == 1
    soon = await run.run(installation.services, lambda: now + timedelta(minutes=5))
    assert not soon.fetched
    with installation.services.store.begin(write=False) as tx:
        assert tx.meta.read(LAST_TICK_KEY) == (now + timedelta(minutes=5)).isoformat()


@dataclass(frozen=True)
class TricklingSource:
    """A source whose answer does not end before *end* is set."""

    end: asyncio.Event
    name: str = "trickle"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        await self.end.wait()
        yield failed_result(self.name, "", context.now, SourceError("broke off"))


async def test_mail_does_not_wait_for_a_slow_source(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.subscribe()
    await installation.fetch(THURSDAY - timedelta(hours=3))
    monkeypatch.setattr(run, "FETCH_PATIENCE", timedelta(0))
    source = TricklingSource(asyncio.Event())
    monkeypatch.setattr(Services, "sources", [source])
    running = asyncio.create_task(run.run(installation.services, lambda: THURSDAY + DUE))
    while not installation.list_mails():
        assert not running.done()
        await asyncio.sleep(0.01)
    source.end.set()
    day = await running
    assert day.plan.planned == day.send_stats.sent == 1
    assert [stored.result.health for stored in day.fetched] == [Health.FAILED]


async def test_a_source_that_does_not_end_is_given_up(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_FETCH_SECONDS", 0)
    monkeypatch.setattr(Services, "sources", [TricklingSource(asyncio.Event())])
    (stored,) = (await run.run(installation.services, lambda: THURSDAY)).fetched
    assert stored.result.health is Health.FAILED
    assert "Was not done within" in stored.result.note


def test_an_empty_database_has_nothing_to_send(store: Database) -> None:
    assert day_module.load_day(store, THURSDAY).candidates.papers == ()
    assert plan_editions(store, THURSDAY) == PlanResult()


async def test_an_edition_that_looks_wrong_is_held_until_it_is_released(installation: Installation) -> None:
    installation.subscribe()
    await installation.fetch(THURSDAY)
    day = str(THURSDAY.date())
    with installation.services.store.begin() as tx:
        tx.sources.hold(day, "2,400 new papers came in, where 120 are usual.", at=THURSDAY)
    assert "2,400" in plan_editions(installation.services.store, THURSDAY + DUE).stopped
    with installation.services.store.begin() as tx:
        assert tx.sources.release(day, actor="admin", at=THURSDAY)
    assert plan_editions(installation.services.store, THURSDAY + DUE).planned == 1


async def test_the_operator_gets_an_alert_about_a_failing_source(installation: Installation) -> None:
    settings = installation.services.settings.model_copy(
        update={"admin_address": "admin@example.com", "huggingface_url": "http://127.0.0.1:9"}
    )
    services = Services(settings, installation.services.store)
    with respx.mock(assert_all_called=False) as http:
        http.get(host="127.0.0.1", port=9).mock(return_value=httpx.Response(404))
        http.route(host="127.0.0.1").pass_through()
        await run.run(services, lambda: THURSDAY)
    (mail,) = settings.outbox_dir.glob("n.*.eml")
    assert "huggingface could not be read" in mail.read_text()


def test_day_notes_say_what_is_unusual() -> None:
    def state(source: str, health: Health) -> SourceState:
        return SourceState(
            source=source, scope="x", read_at=THURSDAY, health=health, note="", fetched=0, unseen=0,
            newest="", day=None, good_at=None,
        )  # fmt: skip

    thanksgiving = datetime(2026, 11, 26, 12, tzinfo=UTC)
    fine = [state("arxiv", Health.FAILED), state("arxiv", Health.OK), state("hackernews", Health.EMPTY)]
    assert day_module.get_day_notes(fine, THURSDAY) == ()
    assert day_module.get_day_notes(fine, thanksgiving) == ("arxiv-silent",)
    failing = [state("huggingface", Health.FAILED), state("arxiv", Health.CHANGED)]
    assert day_module.get_day_notes(failing, THURSDAY) == ("votes-missing", "source-missing:arxiv")
    assert day_module.get_day_notes(failing, thanksgiving) == ("arxiv-silent", "votes-missing")
    stale = [state("arxiv", Health.STALE), state("arxiv", Health.FAILED), state("pubmed", Health.STALE)]
    assert day_module.get_day_notes(stale, THURSDAY) == ("source-missing:arxiv",)
    assert day_module.get_day_notes(stale, thanksgiving) == ("arxiv-silent",)
    assert day_module.get_day_notes([*stale, state("arxiv", Health.OK)], THURSDAY) == ()


def test_a_first_mail_says_how_to_tune_it_and_a_later_one_does_not() -> None:
    new = make_subscriber(profile=Profile(keywords=("optics",)))
    assert tuple(day_module.get_reader_notes(new)) == ("first",)
    assert tuple(day_module.get_reader_notes(replace(new, cursor=THURSDAY))) == ()
    assert tuple(day_module.get_reader_notes(replace(new, cursor=THURSDAY, profile=Profile()))) == (
        "no-interests",
    )


async def test_a_note_on_an_empty_day_is_sent_to_who_asked_for_it(installation: Installation) -> None:
    installation.subscribe(empty_day_note=True)
    await installation.fetch_and_send(FRIDAY)
    await installation.fetch_and_send(FRIDAY + timedelta(days=1))
    sunday = await installation.fetch_and_send(FRIDAY + timedelta(days=2))
    assert sunday.send_stats.sent == 1
    message = message_from_bytes(installation.list_mails()[-1].read_bytes(), policy=policy.default)
    text = message.get_body(("plain",))
    assert text is not None
    assert "arXiv announced nothing today" in " ".join(text.get_content().split())


async def test_the_mails_of_a_slot_are_spread_over_minutes(installation: Installation) -> None:
    for number in range(8):
        installation.subscribe(f"reader{number}@example.com")
    await installation.fetch(THURSDAY)
    plan_editions(installation.services.store, THURSDAY + DUE, spread_over=timedelta(minutes=15))
    with installation.services.store.begin(write=False) as tx:
        moments = {
            tx.deliveries.list_by_subscriber(reader.id)[0].not_before
            for reader in tx.subscribers.list_after()
        }
    slot = THURSDAY + timedelta(minutes=30)
    assert len(moments) == 8
    assert all(slot <= moment < slot + timedelta(minutes=15) for moment in moments)


async def test_mails_are_signed_with_the_dkim_key(installation: Installation, tmp_path: Path) -> None:
    key = tmp_path / "dkim.pem"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(*form))
    services = Services(
        installation.services.settings.model_copy(update={"dkim_key": key}), installation.services.store
    )
    installation.subscribe()
    await installation.fetch(THURSDAY)
    plan_editions(services.store, THURSDAY + DUE)
    await run.send(services, lambda: THURSDAY + DUE)
    (mail,) = installation.list_mails()
    assert mail.read_bytes().startswith(b"DKIM-Signature: v=1;")


async def test_the_preview_of_a_past_day_is_the_mail_of_that_day_even_if_its_papers_were_revised(
    installation: Installation,
) -> None:
    installation.subscribe(keywords="robotics")
    await installation.fetch_and_send(THURSDAY)
    (mail,) = installation.list_mails()
    store = installation.services.store
    with store.begin() as tx:
        reader = tx.subscribers.get_by_address("ada@example.com")
        (delivery,) = (item for item in tx.deliveries.list_by_subscriber(reader.id) if item.day)
        papers = tx.papers.get_by_ids(get_paper_ids(delivery.payload))
        revised = [
            replace(item, title=f"{item.title}, Revisited", version=item.version + 1)
            for item in papers.values()
        ]
        tx.papers.add(revised, seen_at=FRIDAY)
        tx.papers.save_retold(dict.fromkeys(papers, "They say it again."), at=FRIDAY + DUE)
        tx.papers.add([replace(revised[0], withdrawn=True)], seen_at=FRIDAY + 2 * DUE)
        assert "Revisited" in tx.papers.get_by_ids(papers)[revised[0].id].title
    assert delivery.day is not None
    recalled = plan.load_planned_edition(store, reader, delivery.day)
    assert recalled is not None
    assert installation.services.message_builder.build_digest(recalled) == mail.read_bytes()


@pytest.mark.skipif(not find_spec("wordllama"), reason="the static table is an extra")
async def test_a_run_continues_the_backlog_of_a_new_model(tmp_path: Path) -> None:
    with UpstreamServer(THURSDAY) as upstream:
        settings = make_isolated_settings(tmp_path / "digest.sqlite3", sources_url=upstream.url, smtp_url="")
        update = {"outbox_dir": tmp_path / "outbox", "vectors": "static"}
        with closing(open_services(settings.model_copy(update=update))) as services:
            await run.run(services, lambda: THURSDAY)
            with services.store.begin(write=False) as tx:
                far, serving = get_progress(tx), tx.vectors.get_serving_model()
    assert far
    assert far["done"]
    assert far["papers"] == far["of"] != 0
    assert serving
    assert serving.is_complete
