"""SpamAssassin finds no spam in the mails: local rules only, no network, no training."""

import re
import subprocess
from shutil import which

import pytest

from tests.mail.examples import render_every_mail

# The line that the receiving server adds.
RECEIVED = (
    b"Received: from mail.papers.example.org (mail.papers.example.org [93.184.215.14])\r\n"
    b"\tby mx.example.com (Postfix) with ESMTPS id 4Sxyz12345z9\r\n"
    b"\tfor <ada@example.com>; Mon, 23 Nov 2026 09:30:05 +0000 (UTC)\r\n"
)
OFFLINE = ("-t", "-L", "-x", "--cf=use_bayes 0", "--cf=use_txrep 0", "--cf=use_auto_welcomelist 0")


@pytest.mark.parametrize("name", ["digest", "confirm", "welcome"])
def test_mails_are_not_spam(name: str) -> None:
    if which("spamassassin") is None:
        pytest.skip("no SpamAssassin here: apt-get install spamassassin")
    raw = RECEIVED + render_every_mail()[name][1]
    run = subprocess.run(["spamassassin", *OFFLINE], input=raw, capture_output=True, timeout=120, check=False)
    status = re.search(
        rb"X-Spam-Status: .*?score=(-?[\d.]+) .*?tests=(.*?)\s+autolearn", run.stdout, re.DOTALL
    )
    assert status, run.stderr
    assert float(status[1]) <= 0.0, status[2]
