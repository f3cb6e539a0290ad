"""The plain way in Python: an EmailMessage for each reader, sent by aiosmtplib over reused connections."""

import asyncio
import json
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib


def written(number: int, body: dict[str, str]) -> EmailMessage:
    """One reader's mail."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "digest@papers.example", f"reader{number}@example.com"
    mail["Subject"] = f"Twelve papers for reader {number}"
    mail.set_content(body["text"].replace("READER", str(number)))
    mail.add_alternative(body["html"].replace("READER", str(number)), subtype="html")
    return mail


async def send(port: int, mails: int, connections: int, body: dict[str, str]) -> None:
    """All of them, so many connections at once."""
    left = iter(range(mails))

    async def lane() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as server:
            for number in left:
                await server.send_message(written(number, body))

    await asyncio.gather(*(lane() for _ in range(connections)))


if __name__ == "__main__":
    port, mails, connections = map(int, sys.argv[1:4])
    content = json.loads(Path(sys.argv[4]).read_text(encoding="utf-8"))
    began, before = time.perf_counter(), time.process_time()
    asyncio.run(send(port, mails, connections, content))
    cpu, seconds = time.process_time() - before, time.perf_counter() - began
    print(json.dumps({"cpu": cpu / mails * 1e6, "rate": mails / seconds}))
