"""What do readers do with their mail? They read it, and some say what they think of a paper."""

import random
from collections.abc import Iterable, Mapping

from bench.simulation.letterbox import Item, Mail, mail_of
from bench.simulation.month import noon
from bench.simulation.readers import Reader
from bench.simulation.record import Arrival
from bench.simulation.stage import Stage
from digest.models import Subscriber
from digest.models.schedule import due_slot
from digest.tools.demo.scenario import BASE_URL

LATELY = 1000  # mails among which a second copy is looked for


async def read(stage: Stage, due: Mapping[int, Subscriber]) -> None:
    """Every mail that came is opened, written down, and answered by its reader."""
    known = {reader.address: reader for reader in stage.readers}
    ids = {arrival.mail.id for arrival in stage.record.arrivals[-LATELY:]}
    for mail in filter(None, map(mail_of, stage.arrived())):
        reader = known[mail.address]
        slot = due_slot(due[reader.number].schedule, stage.now) if reader.number in due else None
        arrival = Arrival(reader=reader.number, at=stage.now, slot=slot[1] if slot else None, mail=mail)
        if mail.id in ids:
            stage.record.copies.append(arrival)
            continue
        ids.add(mail.id)
        stage.record.arrivals.append(arrival)
        if reader.leaves and stage.now > noon(reader.leaves):
            stage.record.strays.append(mail.address)
        if stage.script.gives_feedback:
            await _answer(stage, reader, mail)
    _remember_breakouts(stage, due.values())


async def _answer(stage: Stage, reader: Reader, mail: Mail) -> None:
    """Links are clicked as the mail carries them: the page is opened, and its button pressed."""
    for item in mail.items:
        if link := verdict(reader, item):
            path = link.removeprefix(BASE_URL)
            (await stage.visitor.get(path)).raise_for_status()
            (await stage.visitor.post(path)).raise_for_status()
            stage.record.clicks["more" if link == item.more else "less"] += 1
            stage.record.judged[reader.number].add(item.paper)


def verdict(reader: Reader, item: Item) -> str:
    """The link that is clicked, or none; the same whenever it is asked."""
    chance = random.Random(f"{reader.number}/{item.paper}").random()
    if item.paper in reader.likes:
        return item.more if chance < reader.manner.more else ""
    return item.less if chance < reader.manner.less and item.section == "picked" else ""


def _remember_breakouts(stage: Stage, due: Iterable[Subscriber]) -> None:
    numbers = {stage.pids[reader.number]: reader.number for reader in stage.readers}
    ids = {subscriber.id: numbers[subscriber.pid] for subscriber in due}
    with stage.services.store.begin(write=False) as tx:
        sent = tx.sent.of(list(ids))
    stage.record.resent |= {
        (ids[reader], paper.removeprefix("arxiv:"))
        for reader, papers in sent.items()
        for paper, each in papers.items()
        if each.resent
    }
