"""`digest doctor`: is everything set up right?"""

import sys
from dataclasses import asdict
from datetime import datetime

import anyio
import click

from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import show_json, show_table, tell
from digest.cli.send import send_test
from digest.tools.doctor import CheckLevel, examine


@click.command("doctor", epilog="Example: digest doctor --send you@example.com")
@click.option("--offline", is_flag=True, help="Only what can be checked without a network.")
@click.option("--send", "to", metavar="ADDRESS", help="Send one test mail to this address at the end.")
@now_option
@json_option
def command(*, offline: bool, to: str | None, now: datetime | None, as_json: bool) -> None:
    """Check settings, database, mail server, DNS and sources; each line with its fix.

    Exit code 1 when a line says FAIL.
    """
    with open_services() as services:
        findings = anyio.run(lambda: examine(services, clock(now), offline=offline))
        if to:
            tell(str(anyio.run(send_test, services, to, lambda: clock(now))))
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        show_table(
            ("", "check", "found", "what to do"), [(f.verdict, f.check, f.detail, f.fix) for f in findings]
        )
    if any(finding.verdict is CheckLevel.FAIL for finding in findings):
        sys.exit(1)
