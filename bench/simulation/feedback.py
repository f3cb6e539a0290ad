"""Readers open their mail, and some rate papers by its links."""

import random
from collections.abc import Iterable, Mapping

from bench.simulation.context import SimulationContext
from bench.simulation.flood import is_victim
from bench.simulation.inboxes import DigestItem, DigestMail, parse_digest
from bench.simulation.month import noon
from bench.simulation.readers import Reader
from bench.simulation.record import Arrival
from digest.models import Subscriber
from digest.models.schedule import find_due_edition
from digest.tools.demo.scenario import BASE_URL

RECENT_MAILS = 1000  # among which duplicates are looked for


async def read_mails(context: SimulationContext, due: Mapping[int, Subscriber]) -> None:
    """Record every mail that arrived, and let its reader respond."""
    for number, subscriber in due.items():  # a mail that is refused first arrives when nothing is due
        if slot := find_due_edition(subscriber, context.now):
            context.slots[number] = slot.slot
    by_address = {reader.address: reader for reader in context.readers}
    ids = {arrival.mail.id for arrival in context.record.arrivals[-RECENT_MAILS:]}
    received = context.take_new_mails()
    victims = [mail.rcpt_to[0] for mail in received if is_victim(mail.rcpt_to[0])]
    context.record.confirmations.update(victims)
    for mail in filter(None, map(parse_digest, received)):
        if is_victim(mail.address):
            context.record.unwanted.append(mail.address)
            continue
        reader = by_address[mail.address]
        arrival = Arrival(
            reader=reader.number, at=context.now, slot=context.slots.get(reader.number), mail=mail
        )
        if mail.id in ids:
            context.record.duplicates.append(arrival)
            continue
        ids.add(mail.id)
        context.record.arrivals.append(arrival)
        if reader.leaves_on and context.now > noon(reader.leaves_on):
            context.record.unwanted.append(mail.address)
        if context.scenario.gives_feedback:
            await _click_links(context, reader, mail)
    _record_breakouts(context, due.values())


async def _click_links(context: SimulationContext, reader: Reader, mail: DigestMail) -> None:
    """Follow the links as a person does: open the page and press its button."""
    for item in mail.items:
        if link := choose_link(reader, item):
            path = link.removeprefix(BASE_URL)
            (await context.browser.get(path)).raise_for_status()
            (await context.browser.post(path)).raise_for_status()
            context.record.clicks["more" if link == item.more else "less"] += 1
            context.record.rated[reader.number].add(item.paper)


def choose_link(reader: Reader, item: DigestItem) -> str:
    """Return the link that is clicked, or an empty string; the same at every call."""
    draw = random.Random(f"{reader.number}/{item.paper}").random()
    if item.paper in reader.likes:
        return item.more if draw < reader.habit.more else ""
    return item.less if draw < reader.habit.less and item.section == "picked" else ""


def _record_breakouts(context: SimulationContext, due: Iterable[Subscriber]) -> None:
    numbers = {context.public_ids[reader.number]: reader.number for reader in context.readers}
    ids = {subscriber.id: numbers[subscriber.public_id] for subscriber in due}
    with context.services.store.begin(write=False) as tx:
        sent = tx.sent_papers.get_by_subscriber(list(ids))
    context.record.resent |= {
        (ids[reader], paper.removeprefix("arxiv:"))
        for reader, papers in sent.items()
        for paper, state in papers.items()
        if state.resent
    }
