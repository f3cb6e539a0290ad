"""Crashes of the sender: a process of its own runs the tick, and the mail server kills it with SIGKILL."""

import asyncio
import json
import sys
from pathlib import Path

import sqlalchemy as sa

from bench.simulation.context import SimulationContext
from bench.simulation.record import Crash
from digest.db.dialects import is_postgres
from digest.db.tables import WORKER

ROOT = Path(__file__).parents[2]
MOMENTS = ("addressed", "taken")  # before the message is sent; after it, before that is acknowledged
KILLED_STATUS = -9


def should_crash(context: SimulationContext, due_count: int) -> bool:
    """Return True if a crash is scheduled and enough readers are due.

    On a day with few due readers the crash is postponed.
    """
    scheduled = sum(day <= context.now.date() for day in context.scenario.crash_days)
    return scheduled > len(context.record.crashes) and due_count >= min(5, len(context.readers) // 3)


async def crash(context: SimulationContext) -> None:
    """Run the tick of this moment and kill it at its third message; with fewer messages it survives."""
    moment = MOMENTS[len(context.record.crashes) % len(MOMENTS)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.simulation.sender", json.dumps(_build_orders(context)), cwd=ROOT
    )
    countdown = iter((None, None, process.pid))
    context.inboxes.pick_victim = lambda now: next(countdown, None) if now == moment else None
    status = await process.wait()
    context.inboxes.pick_victim = lambda _: None
    if status == KILLED_STATUS:
        context.record.crashes.append(Crash(context.now, moment))
        _expire_leases(context)
    elif status:
        raise RuntimeError(f"The sender of {context.now:%d %B} failed with exit code {status}.")


def _expire_leases(context: SimulationContext) -> None:
    """Let the lease of the killed sender run out: PostgreSQL's clock does not follow the simulated one."""
    if is_postgres(context.services.store.engine):
        with context.services.store.begin() as tx:
            tx.connection.execute(sa.update(WORKER).values(lease_until=sa.func.now()))


def _build_orders(context: SimulationContext) -> dict[str, str]:
    return {
        "now": context.now.isoformat(),
        "database": context.database_url,
        "upstream": context.upstreams.url,
        "mailbox": context.inboxes.url,
    }
