"""How does the month go by? The clock jumps from one reader's hour to the next; everything else is real."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench.simulation.death import die, is_doomed
from bench.simulation.letterbox import token_in
from bench.simulation.month import DAY, Month, noon
from bench.simulation.readers import ROUNDS, Reader
from bench.simulation.reading import read
from bench.simulation.record import Record
from bench.simulation.silence import reason_for
from bench.simulation.stage import Script, Stage, staged
from bench.simulation.trial import trials
from digest import subscribers
from digest.models import Subscriber
from digest.models.schedule import due_slot, local_day
from digest.pipeline import run
from digest.pipeline.plan import Plans

__all__ = ["Script", "live"]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
EARLY = 5  # o'clock UTC: from then on the day's papers are in, and at first nobody has spoken of them


async def live(month: Month, readers: Sequence[Reader], folder: Path, script: Script) -> Record:
    """The whole month in a new house in this folder."""
    async with staged(month, readers, folder, script) as stage:
        await _before(stage)
        end = noon(month.first + month.days * DAY)
        while (following := _following(stage)) < end:
            await _hour(stage, following)
        return stage.record


async def _before(stage: Stage) -> None:
    """The product reads for a while; on the last of these noons everybody signs up and confirms."""
    for number in range(stage.month.warm_up, 0, -1):
        stage.set_clock(noon(stage.month.first - number * DAY))
        await run.run(stage.services, stage.clock)
    by = subscribers.Actor("simulation", stage.now, stage.services.suppression_key)
    with stage.services.store.begin() as tx:
        for reader in stage.readers:
            subscribers.sign_up(tx, reader.address, reader.wishes, by=by)
    await run.send(stage.services, stage.clock)
    for mail in stage.arrived():
        (await stage.visitor.post(token_in(mail, "c"))).raise_for_status()
    with stage.services.store.begin(write=False) as tx:
        found = tx.subscribers.by_addresses([reader.address for reader in stage.readers])
    stage.pids = {reader.number: found[reader.address].pid for reader in stage.readers}
    await run.send(stage.services, stage.clock)
    stage.arrived()  # the welcomes


def _following(stage: Stage) -> datetime:
    """The next of the rounds, or a reader's hour that lies before it."""
    with stage.services.store.begin(write=False) as tx:
        due = tx.subscribers.oldest_due()
    later = stage.now + MINUTE
    days = (stage.now.date() + n * DAY for n in range(2))
    rounds = (datetime(day.year, day.month, day.day, hour, 1, tzinfo=UTC) for day in days for hour in ROUNDS)
    following = next(at for at in rounds if at >= later)
    if due and due < stage.now:  # somebody waits, as on a day that is held: the product looks in meanwhile
        return min(following, stage.now + HOUR)
    return min(following, due + MINUTE) if due and due + MINUTE >= later else following


async def _hour(stage: Stage, now: datetime) -> None:
    """People come and go, the product ticks (and may die at it), mail arrives and is read."""
    stage.set_clock(now)
    _comings_and_goings(stage)
    due = stage.due()
    if is_doomed(stage, len(due)):
        await die(stage)
        stage.set_clock(now + MINUTE)
    plans = await _tick(stage)
    _write_down_silences(stage, due, plans)
    if stage.script.tries and now.hour >= EARLY and stage.tried != now.date():
        stage.tried = now.date()
        judged = stage.record.judged
        stage.record.trials += trials(stage.services, stage.readers, stage.pids, judged, now=stage.now)
    await read(stage, {reader.number: subscriber for reader, subscriber in due})


async def _tick(stage: Stage) -> Plans:
    began = time.process_time()
    day = await run.run(stage.services, stage.clock)
    spent, record = time.process_time() - began, stage.record
    record.ticks, record.seconds = record.ticks + 1, record.seconds + spent
    record.slowest = max(record.slowest, spent)
    return day.plans


def _write_down_silences(stage: Stage, due: Sequence[tuple[Reader, Subscriber]], plans: Plans) -> None:
    """What a held day leaves open, a later tick of the same day closes."""
    for reader, subscriber in due:
        slot = due_slot(subscriber.schedule, stage.now)
        day = slot[0] if slot else local_day(subscriber.schedule, stage.now)
        reason = reason_for(stage.services, subscriber, slot, now=stage.now, holiday=stage.month.holiday)
        if reason and plans.stopped and slot:
            reason = f"held: {plans.stopped}"
        if reason:
            stage.record.silences[reader.number, day] = reason
        else:
            stage.record.silences.pop((reader.number, day), None)


def _comings_and_goings(stage: Stage) -> None:
    """Pauses begin on the day before, as somebody does who packs; they end by themselves."""
    by = subscribers.Actor("reader", stage.now, stage.services.suppression_key)
    for reader in stage.readers:
        pid = stage.pids[reader.number]
        if reader.pause and _is_first_round_of(stage, reader.pause[0] - DAY):
            with stage.services.store.begin() as tx:
                subscribers.pause(tx, pid, until=reader.pause[1], by=by)
        if reader.leaves and _is_first_round_of(stage, reader.leaves):
            with stage.services.store.begin() as tx:
                subscribers.unsubscribe(tx, pid, by=by)


def _is_first_round_of(stage: Stage, day: date) -> bool:
    return stage.now.date() == day and (stage.now.hour, stage.now.minute) == (ROUNDS[0], 1)
