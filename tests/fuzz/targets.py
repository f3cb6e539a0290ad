"""What may bytes from outside do? Give something clean, or one of our own errors: nothing else.

Each target takes bytes as the world sends them and checks what comes out. `tests/fuzz/test_targets.py`
feeds them broken versions of the replays; `make fuzz` lets atheris search for worse.
"""

import io
from collections.abc import Callable
from pathlib import Path

from digest.delivery.bounces.mailbox import unsubscribe_token
from digest.delivery.bounces.reports import read_report
from digest.models import FetchResult
from digest.models.errors import DigestError
from digest.models.paper_ids import canonical, keys_of
from digest.sources import biorxiv, feeds, hackernews, huggingface, llm
from digest.sources.arxiv import api, listing, oai, rss
from digest.sources.base import sentence
from digest.sources.libraries import bibliography
from digest.sources.text import normalize
from digest.subscribers import importing
from digest.subscribers.table_files import rows_of
from tests.factories import NOW, paper, subscriber

REPLAYS = Path(__file__).parent.parent / "replays"
KEYS = (b"a key of the tests, long enough",)
LINKS = ("url", "pdf_url", "code_url", "project_url", "discussion_url")
TEXTS = ("title", "abstract", "summary", "organization", "submitter")

Target = Callable[[bytes], None]


def _clean(reading: FetchResult) -> None:
    """What a page or a mail may rely on, whoever wrote the paper."""
    assert not reading.note or reading.note.isprintable(), reading.note
    for each in reading.papers:
        assert canonical(each.id) == each.id, each.id
        assert keys_of(each)
        assert each.title
        for name in TEXTS:
            text = getattr(each, name)
            assert not any(ord(char) < 32 or 0x202A <= ord(char) <= 0x202E for char in text), (name, text)
        for name in LINKS:
            assert getattr(each, name).partition("://")[0] in ("", "http", "https"), name
    for signal in reading.signals:
        assert signal.value == signal.value, "a number"
        assert abs(signal.value) != float("inf")


def _arxiv_rss(body: bytes) -> None:
    _clean(rss.parse(body, "cs.LG", NOW))


def _arxiv_oai(body: bytes) -> None:
    _clean(oai.parse(body, "cs", NOW).reading)


def _arxiv_api(body: bytes) -> None:
    _clean(api.parse(body, "ids", NOW))


def _arxiv_listing(body: bytes) -> None:
    _clean(listing.parse(body, "cs.LG", NOW).reading)


def _biorxiv(body: bytes) -> None:
    _clean(biorxiv.parse(body, "day", NOW))
    biorxiv.counts_in(body)


def _feeds(body: bytes) -> None:
    _clean(feeds.parse(body, "https://example.org/feed", NOW))


def _hackernews(body: bytes) -> None:
    _clean(hackernews.parse(body, "stories", NOW))


def _huggingface(body: bytes) -> None:
    _clean(huggingface.parse(body, "2026-11-23", NOW))


def _model(body: bytes) -> None:
    for told in llm.parse(body, [paper(), paper("Grazing at Night")]).values():
        assert len(told) <= 400
        assert "\n" not in told


def _report(body: bytes) -> None:
    assert read_report(body, keys=KEYS) is None, "nobody but us can sign a return address"
    assert len(unsubscribe_token(body) or "") < 1000


def _library(body: bytes) -> None:
    found = bibliography.read(body.decode("utf-8", "replace"))
    assert all(liking.title for liking in found.likings)
    assert all(canonical(name) == name for name in found.ids)


def _rows(body: bytes) -> None:
    for number, fields in rows_of(io.BytesIO(body)):
        told = importing._read(number, fields, subscriber())
        assert told.number == number


def _text(body: bytes) -> None:
    text = body.decode("utf-8", "replace")
    for spoken in (normalize.plain(text), normalize.title(text), normalize.name(text)):
        assert not any(ord(char) < 32 for char in spoken)


TARGETS: dict[str, Target] = {
    "arxiv_rss": _arxiv_rss,
    "arxiv_oai": _arxiv_oai,
    "arxiv_api": _arxiv_api,
    "arxiv_listing": _arxiv_listing,
    "biorxiv": _biorxiv,
    "feeds": _feeds,
    "hackernews": _hackernews,
    "huggingface": _huggingface,
    "llm": _model,
    "report": _report,
    "library": _library,
    "rows": _rows,
    "text": _text,
}
_REPORT = b"""\
From: mailer@example.org
To: bounce+x@example.org
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx

Final-Recipient: rfc822; a@b
Action: failed
Status: 5.1.1

--b--
""".replace(b"\n", b"\r\n")
_INVENTED = {
    "llm": [b'{"choices": [{"message": {"content": "{\\"1\\": \\"We count sheep in sublinear time.\\"}"}}]}'],
    "report": [_REPORT],
    "library": [
        b"@article{a, title={Sheep {T}ime}, eprint={2611.00001}, abstract={We count.}}\n",
        b"TY  - JOUR\nTI  - Sheep\nDO  - 10.1000/sheep\nER  - \n",
        b"2611.00001, https://arxiv.org/abs/2611.00002v3 nonsense",
    ],
    "rows": [
        b'email,keywords,timezone\na@example.org,"sheep, goats",Europe/Berlin\n',
        b'{"email": "a@example.org", "facets": [{"name": "x", "liked": [{"title": "Sheep"}]}]}\n',
        "email;status\r\nä@example.org;paused\r\n".encode("utf-16"),
    ],
    "text": [rb"Sheep \emph{count} $O(\log n)$ at \$5 &amp; M\"uller's <b>flock</b>"],
}


def samples(name: str) -> list[bytes]:
    """What this target is usually given: our own replays, or a few invented lines."""
    folder = REPLAYS / name
    return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else _INVENTED[name]


def refusal(name: str, body: bytes) -> str | None:
    """What is told of these bytes when they are refused; None when they were read and came out clean."""
    try:
        TARGETS[name](body)
    except DigestError as error:
        return sentence(str(error))
    return None
