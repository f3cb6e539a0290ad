"""`digest doctor`: check the set-up; every finding has its fix."""

import sys
from dataclasses import astuple
from datetime import datetime

import anyio
import click

from digest.cli.common import json_option, now_option, open_services
from digest.cli.output import echo_err, show_json, show_table
from digest.cli.send import send_test
from digest.tools.doctor import run_checks
from digest.tools.doctor.findings import CheckLevel


@click.command("doctor", epilog="Example: digest doctor --send you@example.com")
@click.option("--offline", is_flag=True, help="Only what can be checked without a network.")
@click.option("--send", "to", metavar="ADDRESS", help="Send one test email to this address at the end.")
@now_option
@json_option
def command(*, offline: bool, to: str | None, now: datetime, as_json: bool) -> None:
    """Check settings, database, mail server, DNS and sources; each problem comes with its fix.

    Exit code 1 if a check failed.
    """
    with open_services() as services:
        findings = anyio.run(lambda: run_checks(services, now, offline=offline))
        if to:
            echo_err(str(anyio.run(send_test, services, to, lambda: now)))
    if as_json:
        show_json(
            [{"check": f.check, "verdict": f.level, "detail": f.detail, "fix": f.fix} for f in findings]
        )
    else:
        show_table(("", "check", "found", "what to do"), map(astuple, findings))
    if any(finding.level is CheckLevel.FAIL for finding in findings):
        sys.exit(1)
