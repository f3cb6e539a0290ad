"""Cost of rendering a mail: bulk renderer, full templates and the standard library, in alternation.

Run it with `python -m bench.render`. The papers are synthetic; every reader has reasons, links and footer of
their own. CPU seconds are counted because wall time varies on a shared machine; ratios are of medians.
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

from bench.results import BenchResult, build_ratio_result
from digest.mail.bulk_renderer import BulkRenderer
from digest.mail.mime import assemble_message, build_digest_message
from digest.mail.quoted_printable import encode_quoted_printable
from digest.models import Edition, Email, Reason, Section
from tests.mail.examples import LINKS, READER, RENDERER, SITE, make_edition, make_picks
from tests.mail.full_renderer import FullRenderer

ROUNDS = 15
BULK, TEMPLATE = "bulk renderer: render and MIME", "full template: render only"
JOINING, STANDARD = "bulk renderer: joining alone", "EmailMessage alone"


def make_editions(count: int) -> list[Edition]:
    """Return the same day for many readers: nine parts of each mail are the reader's own."""
    return [
        make_edition(
            reader=replace(READER, id=n, public_id=f"r{n:011d}", address=f"reader{n}@example.com"),
            picks=[
                replace(pick, reason=_personalize(pick.reason, n)) if pick.section is Section.PICKED else pick
                for pick in make_picks()
            ],
        )
        for n in range(count)
    ]


def _personalize(reason: Reason, number: int) -> Reason:
    return replace(reason, terms=tuple(f"{term} {number}" for term in reason.terms))


def build_with_standard_library(rendered: Iterable[tuple[Email, Edition]]) -> None:
    """Build messages as most programs do from a finished text and HTML."""
    for email, edition in rendered:
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = SITE.sender, edition.subscriber.address
        message["Subject"] = email.subject
        message.set_content(email.text, cte="quoted-printable")
        message.add_alternative(email.html, subtype="html", cte="quoted-printable")
        message.as_bytes()


def build_header(email: Email, edition: Edition) -> str:
    """Return the header block of a mail up to the MIME headers."""
    message = build_digest_message(email, edition, site=SITE, links=LINKS)
    return message.partition(b"MIME-Version:")[0].decode()


def measure_cpu(work: Callable[[], object], mails: int) -> float:
    """Return CPU microseconds per mail."""
    started = process_time()
    work()
    return (process_time() - started) / mails * 1e6


def run_bench() -> Iterator[BenchResult]:
    """Compare the bulk renderer with full templates, and joining with the standard library."""
    rates = {name: [1e6 / cost for cost in costs] for name, costs in measure_costs().items()}
    yield build_ratio_result(
        "rendering and encoding a mail", rates[BULK], rates[TEMPLATE], unit="mails/CPU s",
        against="full template, rendered", goal=20,
    )  # fmt: skip
    yield build_ratio_result(
        "assembling a MIME message", rates[JOINING], rates[STANDARD], unit="mails/CPU s",
        against="EmailMessage", goal=250,
    )  # fmt: skip


def main() -> None:
    """Print the cost of every way."""
    costs = measure_costs()
    fastest = median(costs[BULK])
    for name, cost in costs.items():
        print(f"{name:30} {median(cost):9.1f} us CPU   {median(cost) / fastest:6.1f} x")


def measure_costs() -> dict[str, list[float]]:
    """Return CPU microseconds a mail of every way, measured in alternation."""
    many, few = make_editions(200), make_editions(5)
    bulk, full = BulkRenderer(RENDERER), FullRenderer(RENDERER)
    rendered = [(full.render_email(edition), edition) for edition in few]
    encoded = [
        (
            build_header(email, edition),
            encode_quoted_printable(email.text),
            encode_quoted_printable(email.html),
        )
        for email, edition in rendered
    ] * 40
    bulk.render_digest(many[0])  # compiles the fragments; afterwards only the readers are new
    variants: dict[str, tuple[Callable[[], object], int]] = {
        BULK: (lambda: [bulk.render_digest(edition) for edition in many], len(many)),
        TEMPLATE: (lambda: [full.render_email(edition) for edition in few], len(few)),
        "full template and our MIME": (lambda: [full.render_digest(edition) for edition in few], len(few)),
        "our MIME alone": (
            lambda: [
                build_digest_message(email, edition, site=SITE, links=LINKS) for email, edition in rendered
            ],
            len(rendered),
        ),
        JOINING: (
            lambda: [assemble_message(head, text, html) for head, text, html in encoded],
            len(encoded),
        ),
        STANDARD: (lambda: build_with_standard_library(rendered), len(rendered)),
    }
    costs: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, (work, mails) in variants.items():
            costs[name].append(measure_cpu(work, mails))
    mail = bulk.render_digest(many[0])
    print(f"{len(rendered[0][0].html.encode()):,} bytes of HTML, {len(mail):,} bytes of mail")
    return costs


if __name__ == "__main__":
    main()
