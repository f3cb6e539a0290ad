"""Plain Python: an EmailMessage for each reader, sent by aiosmtplib over reused connections."""

import asyncio
import json
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib


def build_mail(number: int, body: dict[str, str]) -> EmailMessage:
    """Build one reader's mail."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "digest@papers.example", f"reader{number}@example.com"
    mail["Subject"] = f"Twelve papers for reader {number}"
    mail.set_content(body["text"].replace("READER", str(number)))
    mail.add_alternative(body["html"].replace("READER", str(number)), subtype="html")
    return mail


async def send(port: int, mails: int, connections: int, body: dict[str, str]) -> None:
    """Send all mails over that many connections."""
    numbers = iter(range(mails))

    async def run_connection() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as server:
            for number in numbers:
                await server.send_message(build_mail(number, body))

    await asyncio.gather(*(run_connection() for _ in range(connections)))


if __name__ == "__main__":
    port, mails, connections = map(int, sys.argv[1:4])
    content = json.loads(Path(sys.argv[4]).read_text(encoding="utf-8"))
    started, cpu_before = time.perf_counter(), time.process_time()
    asyncio.run(send(port, mails, connections, content))
    cpu, seconds = time.process_time() - cpu_before, time.perf_counter() - started
    print(json.dumps({"cpu": cpu / mails * 1e6, "rate": mails / seconds}))
