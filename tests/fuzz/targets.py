"""Fuzz targets: each parses untrusted bytes, and must give clean values or raise a DigestError.

`tests/fuzz/test_targets.py` runs them on mutated samples; `make fuzz` runs them under atheris.
"""

import io
from collections.abc import Callable
from pathlib import Path

from digest.delivery.bounces.mailbox import find_unsubscribe_token
from digest.delivery.bounces.reports import parse_report
from digest.models import FetchResult
from digest.models.errors import DigestError
from digest.models.paper_ids import build_keys, canonicalize
from digest.sources import (
    biorxiv,
    crossref,
    feeds,
    hackernews,
    huggingface,
    huggingface_repos,
    llm,
    openalex,
    openreview,
    pubmed,
)
from digest.sources.arxiv import api, listing, oai, rss
from digest.sources.base import to_sentence
from digest.sources.libraries import bibliography
from digest.sources.text.normalize import normalize_name, normalize_text, normalize_title
from digest.subscribers import importing
from digest.subscribers.table_files import read_rows
from tests.factories import NOW, make_paper, make_subscriber

REPLAYS = Path(__file__).parent.parent / "replays"
KEYS = (b"a key of the tests, long enough",)
LINK_FIELDS = ("url", "pdf_url", "code_url", "project_url", "discussion_url")
TEXT_FIELDS = ("title", "abstract", "summary", "organization", "submitter")

Target = Callable[[bytes], None]


def _check_result(result: FetchResult) -> None:
    """Assert what pages and mails rely on, whoever wrote the paper."""
    assert not result.note or result.note.isprintable(), result.note
    for paper in result.papers:
        assert canonicalize(paper.id) == paper.id, paper.id
        assert build_keys(paper)
        assert paper.title
        for name in TEXT_FIELDS:
            text = getattr(paper, name)
            assert not any(ord(char) < 32 or 0x202A <= ord(char) <= 0x202E for char in text), (name, text)
        for name in LINK_FIELDS:
            assert getattr(paper, name).partition("://")[0] in ("", "http", "https"), name
    for signal in result.signals:
        assert signal.value == signal.value, "a number"
        assert abs(signal.value) != float("inf")


def _arxiv_rss(body: bytes) -> None:
    _check_result(rss.parse(body, "cs.LG", NOW))


def _arxiv_oai(body: bytes) -> None:
    _check_result(oai.parse(body, "cs", NOW)[0])


def _arxiv_api(body: bytes) -> None:
    _check_result(api.parse(body, "ids", NOW))


def _arxiv_listing(body: bytes) -> None:
    listing.parse(body)


def _biorxiv(body: bytes) -> None:
    _check_result(biorxiv.parse(body, "day", NOW)[0])


def _feeds(body: bytes) -> None:
    _check_result(feeds.parse(body, "https://example.org/feed", NOW))


def _hackernews(body: bytes) -> None:
    _check_result(hackernews.build_result([hackernews.parse_page(body)], NOW))


def _huggingface(body: bytes) -> None:
    _check_result(huggingface.parse(body, "2026-11-23", NOW))


def _huggingface_repos(body: bytes) -> None:
    for found in huggingface_repos.parse(body).values():
        assert all(repository.name.isprintable() and repository.likes >= 0 for repository in found)


def _crossref(body: bytes) -> None:
    _check_result(crossref.parse(body, "journal", NOW)[0])


def _openalex(body: bytes) -> None:
    _check_result(openalex.parse(body, "journal", NOW)[0])


def _openreview(body: bytes) -> None:
    _check_result(openreview.parse(body, "venue", NOW)[0])
    openreview.parse(body, "venue", NOW, changed_since=NOW)


def _pubmed(body: bytes) -> None:
    if body.lstrip()[:1] == b"{":
        pubmed.parse_search(body)
    else:
        _check_result(pubmed.parse(body, "query", NOW))


def _llm(body: bytes) -> None:
    for sentence in llm.parse(body, [make_paper(), make_paper("Grazing at Night")]).values():
        assert len(sentence) <= 400
        assert "\n" not in sentence


def _report(body: bytes) -> None:
    assert parse_report(body, keys=KEYS) is None, "only we can sign a return address"
    assert len(find_unsubscribe_token(body) or "") < 1000


def _library(body: bytes) -> None:
    seeds = bibliography.parse_bibliography(body.decode("utf-8", "replace"))
    assert all(paper.title for paper in seeds.papers)
    assert all(canonicalize(paper_id) == paper_id for paper_id in seeds.ids)


def _rows(body: bytes) -> None:
    for number, fields in read_rows(io.BytesIO(body)):
        row = importing._parse(number, fields, make_subscriber())
        assert row.number == number


def _text(body: bytes) -> None:
    text = body.decode("utf-8", "replace")
    for normalized in (normalize_text(text), normalize_title(text), normalize_name(text)):
        assert not any(ord(char) < 32 for char in normalized)


TARGETS: dict[str, Target] = {
    "arxiv_rss": _arxiv_rss,
    "arxiv_oai": _arxiv_oai,
    "arxiv_api": _arxiv_api,
    "arxiv_listing": _arxiv_listing,
    "biorxiv": _biorxiv,
    "feeds": _feeds,
    "hackernews": _hackernews,
    "huggingface": _huggingface,
    "huggingface_repos": _huggingface_repos,
    "crossref": _crossref,
    "openalex": _openalex,
    "openreview": _openreview,
    "pubmed": _pubmed,
    "llm": _llm,
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
_INVENTED_SAMPLES = {
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
    """Return ordinary input of a target: the replays of its name, or invented bytes."""
    folder = REPLAYS / name
    return (
        [path.read_bytes() for path in sorted(folder.iterdir())]
        if folder.is_dir()
        else _INVENTED_SAMPLES[name]
    )


def run_target(name: str, body: bytes) -> str | None:
    """Return the message with which a target rejects *body*; None if it was parsed and is clean."""
    try:
        TARGETS[name](body)
    except DigestError as error:
        return to_sentence(str(error))
    return None
