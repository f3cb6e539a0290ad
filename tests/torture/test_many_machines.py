"""Workers and web servers as real processes on one PostgreSQL; some are killed, frozen or cut off."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from digest.db import Database
from tests.torture.harness import make_slow_server
from tests.torture.network import TcpProxy, open_network_namespace
from tests.torture.worker_processes import (
    LEASE,
    WorkerProcesses,
    build_proxied_url,
    get_socket_path,
    open_worker_processes,
    populate,
)


@asynccontextmanager
async def open_processes(url: str, folder: Path) -> AsyncIterator[tuple[WorkerProcesses, TcpProxy]]:
    """Open a migrated database with a slow mail server, and a proxy to the database that can be cut."""
    slow_server = make_slow_server(random.Random(5))  # noqa: S311  it only has to be repeatable
    with closing(Database.migrate(url)) as store:
        async with (
            slow_server.running() as server,
            open_worker_processes(store, server, folder) as processes,
            TcpProxy(get_socket_path(url)).running() as proxy,
        ):
            yield processes, proxy


def assert_guarantees(processes: WorkerProcesses, readers: set[str]) -> None:
    """Check that nothing is lost or planned twice, and that no mail has more than two copies."""
    copies = Counter(processes.server.recipients())
    assert processes.count_planned() == Counter(readers)
    assert {reader for reader in readers if not copies[reader]} <= set(processes.count_uncertain())
    assert max(copies[reader] for reader in readers) <= 2


async def test_three_workers_and_two_web_servers_share_a_day_despite_faults(
    postgres_url: str, tmp_path: Path
) -> None:
    async with open_processes(postgres_url, tmp_path) as (processes, proxy):
        readers = populate(processes.store, readers=160)
        await asyncio.gather(
            processes.start_worker("killed"),
            processes.start_worker("frozen"),
            processes.start_worker("cut off", database=build_proxied_url(proxy, processes.store)),
            processes.start_web("left"),
            processes.start_web("right"),
        )
        await processes.wait_until(lambda: len(processes.server.accepted) > 20, seconds=60)
        processes.send_signal("killed", signal.SIGKILL)
        processes.send_signal("frozen", signal.SIGSTOP)
        proxy.cut()
        await processes.start_worker("added")
        people = [f"{web}{number}@example.org" for web in processes.web_urls for number in range(5)]
        await asyncio.gather(
            *(
                processes.sign_up(web, address)
                for address in people
                for web in processes.web_urls
                if address.startswith(web)
            )
        )
        await asyncio.sleep(LEASE + 1)
        processes.send_signal("frozen", signal.SIGCONT)
        proxy.restore()
        await processes.wait_until(lambda: processes.is_done(len(readers)), seconds=60)
        await processes.wait_until(lambda: set(people) <= set(processes.server.recipients()), seconds=60)
        exit_codes = await asyncio.gather(*(processes.stop(name) for name in ("frozen", "cut off", "added")))
        assert_guarantees(processes, readers)
        with processes.store.begin(write=False) as tx:
            assert set(tx.subscribers.get_by_addresses(people)) == set(people)
    assert exit_codes == [0, 0, 0]


@pytest.mark.long
async def test_a_day_of_faults_loses_nothing_and_plans_nothing_twice(
    postgres_url: str, tmp_path: Path
) -> None:
    rng = random.Random(24)  # noqa: S311  it only has to be repeatable
    async with open_processes(postgres_url, tmp_path) as (processes, proxy):
        readers = populate(processes.store, readers=1500)
        await asyncio.gather(
            processes.start_web("left"),
            processes.start_web("right"),
            *(processes.start_worker(f"w{n}") for n in range(3)),
        )
        alive, people = [f"w{n}" for n in range(3)], set[str]()
        for number in range(3, 15):
            await asyncio.sleep(rng.uniform(0.5, 3))
            alive = [name for name in alive if processes.is_running(name)]
            name = alive.pop(rng.randrange(len(alive)))
            await kill_or_freeze(processes, name, rng.choice((signal.SIGKILL, signal.SIGSTOP)))
            database = build_proxied_url(proxy, processes.store) if number % 3 == 0 else ""
            await processes.start_worker(f"w{number}", database=database)
            alive.append(f"w{number}")
            people.add(f"p{number}@example.org")
            await processes.sign_up(rng.choice(list(processes.web_urls)), f"p{number}@example.org")
            proxy.restore() if proxy.is_cut else proxy.cut()
        proxy.restore()
        await processes.start_worker("last")
        await processes.wait_until(lambda: processes.is_done(len(readers)), seconds=600)
        await processes.wait_until(lambda: people <= set(processes.server.recipients()), seconds=120)
        running = [name for name in (*alive, "last") if processes.is_running(name)]
        assert {await processes.stop(name) for name in running} == {0}
        assert_guarantees(processes, readers)


@pytest.mark.long
async def test_worker_whose_network_fails_is_replaced_and_comes_back(
    postgres_url: str, tmp_path: Path
) -> None:
    async with open_processes(postgres_url, tmp_path) as (processes, _):
        name, port = str(processes.store.engine.url.database), processes.server.port
        socket = get_socket_path(postgres_url)
        async with open_network_namespace(socket, database=name, smtp_port=port) as namespace:
            if namespace is None:
                pytest.skip("making a network namespace is not permitted here; the short test cuts a proxy")
            readers = populate(processes.store, readers=300)
            await processes.start_worker("isolated", namespace=namespace)
            await processes.wait_until(lambda: len(processes.server.accepted) > 20, seconds=120)
            namespace.down()
            await processes.start_worker("replacement")
            await processes.wait_until(lambda: processes.is_done(len(readers)), seconds=240)
            namespace.up()
            late = populate(processes.store, readers=320) - readers  # the others have had theirs today
            await processes.stop("replacement")
            await processes.wait_until(lambda: processes.is_done(len(readers | late)), seconds=240)
            assert await processes.stop("isolated") == 0
        assert_guarantees(processes, readers | late)


async def kill_or_freeze(processes: WorkerProcesses, name: str, fault: signal.Signals) -> None:
    """Kill a process; or freeze it for longer than its lease, let it run for a while, and kill it."""
    processes.send_signal(name, fault)
    if fault is signal.SIGSTOP:
        await asyncio.sleep(LEASE + 1)
        processes.send_signal(name, signal.SIGCONT)
        await asyncio.sleep(2)  # it runs without its lease
        if processes.is_running(name):
            processes.send_signal(name, signal.SIGKILL)
