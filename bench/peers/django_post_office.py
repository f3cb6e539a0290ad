# ruff: noqa: E402  Django wants its settings before its models
# mypy: ignore-errors
"""django-post-office: mails are queued in its tables, then sent by the function behind its command."""

import json
import sys
import tempfile
import time
from pathlib import Path

import django
from django.conf import settings

port, mails, connections = map(int, sys.argv[1:4])
folder = tempfile.TemporaryDirectory()
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder.name}/p.sqlite3"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
    EMAIL_BACKEND="post_office.EmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=port,
    POST_OFFICE={
        "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
        "THREADS_PER_PROCESS": connections,
        "BATCH_SIZE": 500,
    },
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    MEDIA_ROOT=folder.name,
)
django.setup()

from django.core.management import call_command
from post_office import mail
from post_office.models import STATUS, Email

call_command("migrate", verbosity=0)
body = json.loads(Path(sys.argv[4]).read_text(encoding="utf-8"))
started, cpu_before = time.perf_counter(), time.process_time()
mail.send_many(
    [
        {
            "sender": "digest@papers.example",
            "recipients": [f"reader{number}@example.com"],
            "subject": f"Twelve papers for reader {number}",
            "message": body["text"].replace("READER", str(number)),
            "html_message": body["html"].replace("READER", str(number)),
        }
        for number in range(mails)
    ]
)
while Email.objects.exclude(status=STATUS.sent).exists():
    mail.send_queued(processes=1)
cpu, seconds = time.process_time() - cpu_before, time.perf_counter() - started
print(json.dumps({"cpu": cpu / mails * 1e6, "rate": mails / seconds}))
