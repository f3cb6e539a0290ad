"""What does a mail cost? The press, the full templates and the standard library, taking turns in one run.

Run it with `python -m bench.render`. The papers are invented; every reader has reasons, links and footer of
their own. CPU seconds are counted, because a shared machine's wall clock says little; ratios are of medians.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from statistics import median
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.row import Row, compared
from digest.mail.bulk_renderer import BulkRenderer, SimpleRenderer
from digest.mail.mime import assembled, digest_head, digest_message, own_head
from digest.mail.quoted_printable import quoted
from digest.models import Edition, Email, Reason, Section
from tests.mail.examples import LINKS, READER, RENDERER, SITE, edition, picks

ROUNDS = 15
PRESS, TEMPLATE = "press: render and MIME", "full template: render only"
JOINING, STANDARD = "press: joining alone", "EmailMessage alone"


def editions(count: int) -> list[Edition]:
    """The same day for many readers: nine of their own things in each."""
    return [
        edition(
            reader=replace(READER, id=n, pid=f"r{n:011d}", address=f"reader{n}@example.com"),
            chosen=[
                replace(pick, reason=_of_their_own(pick.reason, n))
                if pick.section is Section.PICKED
                else pick
                for pick in picks()
            ],
        )
        for n in range(count)
    ]


def _of_their_own(reason: Reason, number: int) -> Reason:
    return replace(reason, terms=tuple(f"{term} {number}" for term in reason.terms))


def standard_library(written: Iterable[tuple[Email, Edition]]) -> None:
    """What most programs do with a finished text and HTML."""
    for email, of in written:
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = SITE.sender, of.subscriber.address
        message["Subject"] = email.subject
        message.set_content(email.text, cte="quoted-printable")
        message.add_alternative(email.html, subtype="html", cte="quoted-printable")
        message.as_bytes()


def digest_head_of(email: Email, of: Edition) -> str:
    """The head of a mail, from its own part."""
    own = own_head(email.subject, of, site=SITE, links=LINKS)
    return digest_head(own, of, site=SITE, links=LINKS)


def timed(work: Callable[[], object], mails: int) -> float:
    """CPU microseconds per mail."""
    start = process_time()
    work()
    return (process_time() - start) / mails * 1e6


def rows() -> Iterator[Row]:
    """The press beside a full template for each mail, and joining beside the standard library."""
    rates = {name: [1e6 / cost for cost in costs] for name, costs in measured().items()}
    yield compared(
        "mail rendered and encoded", rates[PRESS], rates[TEMPLATE], unit="mails/CPU s",
        against="full template, rendered", goal=10,
    )  # fmt: skip
    yield compared(
        "mail put together", rates[JOINING], rates[STANDARD], unit="mails/CPU s",
        against="EmailMessage", goal=200,
    )  # fmt: skip


def main() -> None:
    """Compare."""
    costs = measured()
    fastest = median(costs[PRESS])
    for name, cost in costs.items():
        print(f"{name:28} {median(cost):9.1f} us CPU   {median(cost) / fastest:6.1f} x")


def measured() -> dict[str, list[float]]:
    """CPU microseconds a mail of every way, in turns."""
    many, few = editions(200), editions(5)
    written = [(RENDERER.digest(of), of) for of in few]
    encoded = [
        (digest_head_of(email, of), quoted(email.text), quoted(email.html)) for email, of in written
    ] * 40
    press, plainly = BulkRenderer(RENDERER), SimpleRenderer(RENDERER)
    press.digest(many[0])  # sets the type; afterwards every reader is new
    contest: dict[str, tuple[Callable[[], object], int]] = {
        PRESS: (lambda: [press.digest(of) for of in many], len(many)),
        TEMPLATE: (lambda: [RENDERER.digest(of) for of in few], len(few)),
        "full template and our MIME": (lambda: [plainly.digest(of) for of in few], len(few)),
        "our MIME alone": (
            lambda: [digest_message(email, of, site=SITE, links=LINKS) for email, of in written],
            len(written),
        ),
        JOINING: (
            lambda: [assembled(head, [text], [html]) for head, text, html in encoded],
            len(encoded),
        ),
        STANDARD: (lambda: standard_library(written), len(written)),
    }
    costs: dict[str, list[float]] = {name: [] for name in contest}
    for _ in range(ROUNDS):
        for name, (work, mails) in contest.items():
            costs[name].append(timed(work, mails))
    print(f"{len(written[0][0].html.encode()):,} bytes of HTML, {len(press.digest(many[0])):,} bytes of mail")
    return costs


if __name__ == "__main__":
    main()
