"""Do many machines share one day? Real processes, a real PostgreSQL; some are killed, frozen or cut off."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from digest.db import Database
from tests.torture.cables import Cable, network
from tests.torture.fleet import LEASE, Fleet, fleet, over, populate, socket_of
from tests.torture.harness import tired


@asynccontextmanager
async def machines(url: str, folder: Path) -> AsyncIterator[tuple[Fleet, Cable]]:
    """A migrated database, a mail server that takes its time, and a cable that can be cut."""
    server = tired(random.Random(5))  # noqa: S311  it only has to be repeatable
    with closing(Database.migrate(url)) as store:
        async with (
            server.running() as sink,
            fleet(store, sink, folder) as made,
            Cable(socket_of(url)).laid() as cable,
        ):
            yield made, cable


def hold(made: Fleet, readers: set[str]) -> None:
    """Nothing lost, nothing planned twice, and no mail in more than two copies."""
    copies = Counter(made.sink.recipients())
    assert made.planned() == Counter(readers)
    assert {reader for reader in readers if not copies[reader]} <= set(made.undecided())
    assert max(copies[reader] for reader in readers) <= 2


async def test_three_workers_and_two_web_servers_share_a_day_whatever_befalls_them(
    postgres_url: str, tmp_path: Path
) -> None:
    async with machines(postgres_url, tmp_path) as (made, cable):
        readers = populate(made.store, readers=160)
        await asyncio.gather(
            made.worker("killed"),
            made.worker("frozen"),
            made.worker("cut off", database=over(cable, made.store)),
            made.web("left"),
            made.web("right"),
        )
        await made.until(lambda: len(made.sink.taken) > 20, seconds=60)
        made.signal("killed", signal.SIGKILL)
        made.signal("frozen", signal.SIGSTOP)
        cable.cut()
        await made.worker("added")
        people = [f"{web}{number}@example.org" for web in made.webs for number in range(5)]
        await asyncio.gather(
            *(made.sign_up(web, who) for who in people for web in made.webs if who.startswith(web))
        )
        await asyncio.sleep(LEASE + 1)
        made.signal("frozen", signal.SIGCONT)
        cable.mend()
        await made.until(lambda: made.is_done(len(readers)), seconds=60)
        await made.until(lambda: set(people) <= set(made.sink.recipients()), seconds=60)
        ends = await asyncio.gather(*(made.stop(name) for name in ("frozen", "cut off", "added")))
        hold(made, readers)
        with made.store.begin(write=False) as tx:
            assert set(tx.subscribers.by_addresses(people)) == set(people)
    assert ends == [0, 0, 0]


@pytest.mark.long
async def test_a_day_of_faults_loses_nothing_and_plans_nothing_twice(
    postgres_url: str, tmp_path: Path
) -> None:
    chance = random.Random(24)  # noqa: S311  it only has to be repeatable
    async with machines(postgres_url, tmp_path) as (made, cable):
        readers = populate(made.store, readers=1500)
        await asyncio.gather(made.web("left"), made.web("right"), *(made.worker(f"w{n}") for n in range(3)))
        alive, people = [f"w{n}" for n in range(3)], set[str]()
        for number in range(3, 15):
            await asyncio.sleep(chance.uniform(0.5, 3))
            alive = [name for name in alive if made.is_on(name)]
            victim = alive.pop(chance.randrange(len(alive)))
            await _strike(made, victim, chance.choice((signal.SIGKILL, signal.SIGSTOP)))
            await made.worker(f"w{number}", database=over(cable, made.store) if number % 3 == 0 else "")
            alive.append(f"w{number}")
            people.add(f"p{number}@example.org")
            await made.sign_up(chance.choice(list(made.webs)), f"p{number}@example.org")
            cable.mend() if cable.is_cut else cable.cut()
        cable.mend()
        await made.worker("last")
        await made.until(lambda: made.is_done(len(readers)), seconds=600)
        await made.until(lambda: people <= set(made.sink.recipients()), seconds=120)
        on = [name for name in (*alive, "last") if made.is_on(name)]
        assert {await made.stop(name) for name in on} == {0}
        hold(made, readers)


@pytest.mark.long
async def test_a_worker_whose_network_fails_is_replaced_and_comes_back(
    postgres_url: str, tmp_path: Path
) -> None:
    async with machines(postgres_url, tmp_path) as (made, _):
        name, port = str(made.store.engine.url.database), made.sink.port
        async with network(socket_of(postgres_url), database=name, smtp_port=port) as island:
            if island is None:
                pytest.skip("making a network namespace is not permitted here; the short form cuts a cable")
            readers = populate(made.store, readers=300)
            await made.worker("island", behind=island)
            await made.until(lambda: len(made.sink.taken) > 20, seconds=120)
            island.down()
            await made.worker("mainland")
            await made.until(lambda: made.is_done(len(readers)), seconds=240)
            island.up()
            late = populate(made.store, readers=320) - readers  # those of before have had theirs today
            await made.stop("mainland")
            await made.until(lambda: made.is_done(len(readers | late)), seconds=240)
            assert await made.stop("island") == 0
        hold(made, readers | late)


async def _strike(made: Fleet, victim: str, fault: signal.Signals) -> None:
    """Kill it, or freeze it for longer than its lease and then wake it for a while."""
    made.signal(victim, fault)
    if fault is signal.SIGSTOP:
        await asyncio.sleep(LEASE + 1)
        made.signal(victim, signal.SIGCONT)
        await asyncio.sleep(2)  # as a zombie
        if made.is_on(victim):
            made.signal(victim, signal.SIGKILL)
