"""Timeline of the month: the clock jumps from one reader's slot to the next; everything else is real."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench.simulation.context import Scenario, SimulationContext, open_context
from bench.simulation.crash import crash, should_crash
from bench.simulation.feedback import read_mails
from bench.simulation.flood import flood_sign_ups
from bench.simulation.inboxes import find_link
from bench.simulation.missing_mail import explain_missing_mail
from bench.simulation.month import DAY, Month, noon
from bench.simulation.ranking_scores import score_rankings
from bench.simulation.readers import ROUNDS, Reader
from bench.simulation.record import Record
from bench.simulation.restore import restore_backup
from bench.simulation.saved_state import load_state, save_state
from digest import subscribers
from digest.app import run
from digest.models import Subscriber
from digest.models.schedule import find_due_edition, get_local_day
from digest.pipeline.plan import PlanResult

DATABASE = "month.sqlite3"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SCORE_FROM_HOUR = 5  # o'clock UTC: by then the day's papers are fetched, and nobody has rated them yet


async def run_month(
    month: Month, readers: Sequence[Reader], folder: Path, scenario: Scenario, *, until: date | None = None
) -> Record:
    """Simulate the whole month with a new SQLite database in this folder, or go on with what is there.

    With *until* stop before the noon of that day, and leave the state for another version of the program.
    """
    url = scenario.database_url or f"sqlite:///{folder / DATABASE}"
    async with open_context(month, readers, url, scenario) as context:
        if not load_state(context, folder):
            await _prepare(context)
        end = noon(until or month.first + month.days * DAY)
        while (next_time := _find_next_time(context)) < end:
            if context.scenario.restore_day == next_time.date() and not context.record.restored:
                restore_backup(context)
            if context.scenario.flood_day == next_time.date() and not context.record.flood:
                await flood_sign_ups(context)
            await _run_round(context, next_time)
        _record_losses(context)
        if until:
            save_state(context, folder)
        return context.record


async def _prepare(context: SimulationContext) -> None:
    """Fetch papers for the warm-up days; at the last of these noons every reader signs up and confirms."""
    for number in range(context.month.warm_up, 0, -1):
        context.set_clock(noon(context.month.first - number * DAY))
        await run.run(context.services, context.clock)
    actor = subscribers.Actor("simulation", context.now, context.services.suppression_key)
    with context.services.store.begin() as tx:
        for reader in context.readers:
            subscribers.sign_up(tx, reader.address, reader.settings, actor=actor)
    await run.send(context.services, context.clock)
    for mail in context.take_new_mails():
        (await context.browser.post(find_link(mail, "c"))).raise_for_status()
    with context.services.store.begin(write=False) as tx:
        by_address = tx.subscribers.get_by_addresses([reader.address for reader in context.readers])
    context.public_ids = {reader.number: by_address[reader.address].public_id for reader in context.readers}
    await run.send(context.services, context.clock)
    context.take_new_mails()  # the welcomes


def _find_next_time(context: SimulationContext) -> datetime:
    """Return the next round, or a reader's slot that lies before it."""
    with context.services.store.begin(write=False) as tx:
        due = tx.subscribers.get_earliest_due()
    earliest = context.now + MINUTE
    days = (context.now.date() + n * DAY for n in range(2))
    rounds = (datetime(day.year, day.month, day.day, hour, 1, tzinfo=UTC) for day in days for hour in ROUNDS)
    next_time = next(at for at in rounds if at >= earliest)
    if due and due < context.now:  # somebody waits, as on a held day: tick every hour meanwhile
        return min(next_time, context.now + HOUR)
    return min(next_time, due + MINUTE) if due and due + MINUTE >= earliest else next_time


async def _run_round(context: SimulationContext, now: datetime) -> None:
    """Pause and unsubscribe readers, run a tick (which may crash), and let readers read their mail."""
    context.set_clock(now)
    _apply_planned_changes(context)
    due = context.list_due()
    if should_crash(context, len(due)):
        await crash(context)
        context.set_clock(now + MINUTE)
    plans = await _tick(context)
    _record_missing_mails(context, due, plans)
    if context.scenario.scores_rankings and now.hour >= SCORE_FROM_HOUR and context.scored_on != now.date():
        context.scored_on = now.date()
        rated = context.record.rated
        context.record.ranking_scores += score_rankings(
            context.services, context.readers, context.public_ids, rated, now=context.now
        )
    await read_mails(context, {reader.number: subscriber for reader, subscriber in due})


def _record_losses(context: SimulationContext) -> None:
    """Record which readers bounces ended the subscription of; every refusal of the month was our fault."""
    with context.services.store.begin(write=False) as tx:
        bounced = tx.suppressions.list_bounced(datetime.min.replace(tzinfo=UTC))
    context.record.suppressed = [suppression.key for suppression in bounced]
    context.record.refused = context.inboxes.refused


async def _tick(context: SimulationContext) -> PlanResult:
    started = time.process_time()
    day = await run.run(context.services, context.clock)
    cpu_seconds, record = time.process_time() - started, context.record
    record.ticks, record.seconds = record.ticks + 1, record.seconds + cpu_seconds
    record.slowest_tick = max(record.slowest_tick, cpu_seconds)
    return day.plan


def _record_missing_mails(
    context: SimulationContext, due: Sequence[tuple[Reader, Subscriber]], plans: PlanResult
) -> None:
    """Record why due readers got no mail; a later tick of the same day may resolve a held day."""
    for reader, subscriber in due:
        slot = find_due_edition(subscriber, context.now)
        day = slot[0] if slot else get_local_day(subscriber.schedule, context.now)
        reason = explain_missing_mail(
            context.services, subscriber, slot, now=context.now, holiday=context.month.holiday
        )
        if reason and plans.stopped and slot:
            reason = f"held: {plans.stopped}"
        if reason:
            context.record.missing_mails[reader.number, day] = reason
        else:
            context.record.missing_mails.pop((reader.number, day), None)


def _apply_planned_changes(context: SimulationContext) -> None:
    """Pause and unsubscribe readers; a pause begins on the day before, and ends by itself."""
    actor = subscribers.Actor("reader", context.now, context.services.suppression_key)
    for reader in context.readers:
        public_id = context.public_ids[reader.number]
        if reader.pause and _is_first_round_of(context, reader.pause[0] - DAY):
            with context.services.store.begin() as tx:
                subscribers.pause(tx, public_id, until=reader.pause[1], actor=actor)
        if reader.leaves_on and _is_first_round_of(context, reader.leaves_on):
            with context.services.store.begin() as tx:
                subscribers.unsubscribe(tx, public_id, actor=actor)


def _is_first_round_of(context: SimulationContext, day: date) -> bool:
    return context.now.date() == day and (context.now.hour, context.now.minute) == (ROUNDS[0], 1)
