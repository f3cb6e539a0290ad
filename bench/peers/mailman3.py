# ruff: noqa: E402  Mailman wants its configuration before its models
# mypy: ignore-errors
"""Mailman 3 with personalised delivery: one list, one post, and one message built for each member."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

port, mails = int(sys.argv[1]), int(sys.argv[2])
folder = tempfile.mkdtemp()
config_file = Path(folder) / "mailman.cfg"
config_file.write_text(
    f"""[mailman]
layout: here
[paths.here]
var_dir: {folder}/var
[mta]
smtp_host: 127.0.0.1
smtp_port: {port}
incoming: mailman.mta.null.NullMTA
[archiver.prototype]
enable: no
""",
    encoding="utf-8",
)
os.environ["MAILMAN_CONFIG_FILE"] = str(config_file)

from mailman.core.initialize import initialize

initialize(str(config_file))

from mailman.app.lifecycle import create_list
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.mailinglist import Personalization
from mailman.mta.deliver import deliver
from mailman.testing.helpers import specialized_message_from_string
from zope.component import getUtility

getUtility(IDomainManager).add("papers.example")
mlist = create_list("digest@papers.example", ["owner@papers.example"])
mlist.personalize = Personalization.full
body = json.loads(Path(sys.argv[4]).read_text(encoding="utf-8"))
post = specialized_message_from_string(
    "From: digest@papers.example\nTo: digest@papers.example\nSubject: Twelve papers\n"
    "Message-ID: <one@papers.example>\nMIME-Version: 1.0\n"
    'Content-Type: multipart/alternative; boundary="b"\n\n'
    f"--b\nContent-Type: text/plain; charset=utf-8\n\n{body['text']}\n"
    f"--b\nContent-Type: text/html; charset=utf-8\n\n{body['html']}\n--b--\n"
)
started, cpu_before = time.perf_counter(), time.process_time()
deliver(
    mlist, post, {"recipients": {f"reader{n}@example.com" for n in range(mails)}, "listid": mlist.list_id}
)
cpu, seconds = time.process_time() - cpu_before, time.perf_counter() - started
print(json.dumps({"cpu": cpu / mails * 1e6, "rate": mails / seconds}))
