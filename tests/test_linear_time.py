"""Tests that every parser at a border takes linear CPU time, whatever a stranger repeats."""

import asyncio
import io
import json
from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest
from starlette.datastructures import FormData

from digest.db.papers.full_text import PaperQuery, SearchTerms
from digest.delivery.bounces import amazon
from digest.delivery.bounces.mailbox import find_unsubscribe_token, read_webhook, sign_webhook
from digest.delivery.bounces.reports import parse_report
from digest.delivery.message import SendResult, SmtpStage
from digest.delivery.reply_codes import classify
from digest.delivery.smtp.protocol import SmtpProtocol
from digest.mail.cards import sanitize_url
from digest.mail.summary import summarize_text
from digest.mail.text_wrap import wrap_text
from digest.mail.tokens import Keys, Purpose
from digest.models.addresses import parse_address
from digest.models.errors import DigestError
from digest.models.notices import is_notice, is_withdrawn
from digest.models.paper_ids import build_title_key, canonicalize
from digest.models.redaction import redact
from digest.models.text import clean, split_sentences
from digest.ranking import paragraphs
from digest.ranking.acronyms import learn_acronyms
from digest.ranking.muting import PhraseMatcher, to_searchable_text
from digest.ranking.tokenizer import extract_terms
from digest.ranking.word_forms import fold_sentences
from digest.sources import biorxiv, feeds, hackernews, huggingface, llm, semanticscholar
from digest.sources.arxiv import api, listing, oai, rss
from digest.sources.json_body import load_json
from digest.sources.libraries import clients
from digest.sources.libraries.bibliography import parse_bibliography
from digest.sources.libraries.request import extract_accounts
from digest.sources.text.dates import parse_date
from digest.sources.text.encoding import decode_text
from digest.sources.text.names import split_names
from digest.sources.text.normalize import normalize_name, normalize_text, normalize_title, strip_tags
from digest.subscribers import importing
from digest.subscribers.table_files import read_rows
from digest.subscribers.validation import apply_changes
from digest.web.preferences_form import PreferencesForm
from tests.factories import NOW, make_paper, make_subscriber

KEYS = (b"a key of the tests, long enough",)
FEED = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><item>
<title>Sheep ~</title><link>https://example.org/~</link><guid>~</guid><pubDate>~</pubDate><dc:date>~</dc:date>
<description>~</description><author>~</author></item></channel></rss>"""
ARXIV_FEED = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
xmlns:arxiv="http://arxiv.org/schemas/atom"><channel><item><title>Sheep ~</title>
<link>https://arxiv.org/abs/2611.12001</link><guid>oai:arXiv.org:2611.12001v1</guid><category>~</category>
<description>arXiv:2611.12001v1 Announce Type: new Abstract: ~</description><pubDate>~</pubDate>
<arxiv:announce_type>new</arxiv:announce_type><arxiv:DOI>~</arxiv:DOI><dc:creator>~</dc:creator></item>
</channel></rss>"""
ARXIV_ENTRY = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"><entry>
<id>http://arxiv.org/abs/2611.12001v2</id><title>Sheep ~</title><updated>~</updated><summary>~</summary>
<published>~</published><arxiv:comment>~</arxiv:comment><arxiv:doi>~</arxiv:doi>
<author><name>~</name></author></entry></feed>"""
ARXIV_RECORD = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record>
<header><identifier>oai:arXiv.org:2611.12001</identifier><datestamp>2026-11-23</datestamp></header>
<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>2611.12001</id><created>~</created><doi>~</doi>
<authors><author><keyname>~</keyname><forenames>~</forenames></author></authors><title>Sheep ~</title>
<categories>~</categories><comments>~</comments><abstract>~</abstract></arXiv></metadata></record>
<resumptionToken>~</resumptionToken></ListRecords></OAI-PMH>"""
DUBLIN_CORE = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record>
<header><identifier>oai:arXiv.org:2611.12001</identifier><datestamp>2026-11-23</datestamp></header>
<metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Sheep ~</dc:title><dc:creator>~</dc:creator>
<dc:description>~</dc:description><dc:date>~</dc:date><dc:identifier>doi:~</dc:identifier></oai_dc:dc>
</metadata></record></ListRecords></OAI-PMH>"""
LISTING = """<html><body><h3>Showing new listings for Monday, 23 November 2026</h3><dl id='articles'>
<h3>New submissions (showing 1 of 1 entries)</h3><dt><a href="/abs/2611.12001" title="Abstract"></a></dt>
<dd><div class='meta'><div class='list-title'>Sheep ~</div><div class='list-authors'><a href="">~</a></div>
<div class='list-subjects'><span class="primary-subject">~</span></div><p>~</p></div></dd></dl></body>"""
BIORXIV = {
    "messages": [{"status": "ok", "cursor": 0, "count": 1, "total": "1"}],
    "collection": [
        {"title": "Sheep ~", "authors": "~", "doi": "10.64898/2026.11.20.700001", "date": "2026-11-20",
         "version": "1", "category": "~", "abstract": "~", "published": "~"},
    ],
}  # fmt: skip
HUGGING_FACE = [
    {"paper": {"id": "2611.12001", "authors": [{"name": "~"}], "publishedAt": "~", "title": "Sheep ~",
               "summary": "~", "upvotes": "~", "githubRepo": "https://example.org/~", "projectPage": "~",
               "ai_summary": "~", "ai_keywords": ["~"], "organization": {"fullname": "~"},
               "submittedOnDailyBy": {"fullname": "~"}}},
]  # fmt: skip
HACKER_NEWS = {"hits": [{"objectID": "~", "title": "~", "url": "https://~", "points": 1}], "nbHits": 1}
SEMANTIC_SCHOLAR = [{"externalIds": {"ArXiv": "2611.12001"}, "title": "~", "tldr": {"text": "~"}}]
ZOTERO = [{"data": {"itemType": "book", "title": "~", "abstractNote": "~", "DOI": "~", "extra": "~"}}]
ORCID = {
    "group": [
        {"external-ids": {"external-id": [{"external-id-value": "~"}]},
         "work-summary": [{"title": {"title": {"value": "~"}}}]},
    ],
}  # fmt: skip
AUTHOR = {"data": [{"externalIds": {"DOI": "~"}, "title": "~", "abstract": "~"}]}
REPORT = (
    'From: ~\r\nTo: b+~\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"'
    "\r\n\r\n--b\r\n\r\n~\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: ~\r\n\r\n"
    "Final-Recipient: ~\r\nAction: failed\r\nStatus: ~\r\nDiagnostic-Code: ~\r\n\r\n--b\r\n"
    "Content-Type: message/rfc822\r\n\r\nReturn-Path: ~\r\n\r\n--b--"
)
COMPLAINT = (
    "To: ~\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n"
    "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: ~\r\nOriginal-Mail-From: ~\r\n\r\n--b--"
)
Parser = Callable[[str], object]


def _fill(template: object, text: str) -> object:
    """Return *template* with *text* for each ~."""
    if isinstance(template, str):
        return template.replace("~", text)
    if isinstance(template, dict):
        return {name: _fill(value, text) for name, value in template.items()}
    return [_fill(item, text) for item in template] if isinstance(template, list) else template


def _in_xml(parse: Callable[[bytes], object], template: str) -> Parser:
    """Return a parser of a text that stands, escaped, in every field of a document."""

    def parse_document(text: str) -> object:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\0", "")
        return parse(template.replace("~", escaped).encode())

    return parse_document


def _in_json(parse: Callable[[bytes], object], template: object) -> Parser:
    """Return a parser of a text that stands in every field of a JSON document."""
    return lambda text: parse(json.dumps(_fill(template, text)).encode())


def _raw(parse: Callable[[bytes], object], before: str = "", after: str = "") -> Parser:
    """Return a parser of a text that stands in a document with its markup."""
    return lambda text: parse(f"{before}{text}{after}".encode())


def _parse_reply(text: str) -> None:
    class Transport(asyncio.Transport):
        def set_protocol(self, protocol: asyncio.BaseProtocol) -> None: ...
        def abort(self) -> None: ...

    async def read() -> None:
        protocol = SmtpProtocol(Transport())
        protocol.data_received(f"250-{text}\r\n".encode())
        for start in range(0, len(text), 16):
            protocol.data_received(text[start : start + 16].encode())

    asyncio.run(read())


def _read_rows(body: bytes) -> None:
    for number, fields in read_rows(io.BytesIO(body)):
        importing._parse(number, fields, make_subscriber())


def _parse_form(text: str) -> None:
    fields = {"keywords": text, "text": text, "authors": text, "muted": text, "pasted": text, "send_at": text,
              "timezone": text, "language": text, "paused_until": text, "facet_name": text,
              "facet_keywords": text}  # fmt: skip
    form = PreferencesForm.parse(FormData(fields))
    changes = form.to_changes(make_subscriber())
    for name, value in changes.items():
        with suppress(DigestError):
            apply_changes(make_subscriber(), {name: value})


def _normalize(text: str) -> None:
    for normalize in (normalize_text, normalize_title, normalize_name):
        normalize(strip_tags(text))
        normalize(text)


def _search(text: str) -> None:
    query = PaperQuery.parse(text, [text], None, text)
    SearchTerms.from_words(query.words).score(text, text, text)


def _mute(text: str) -> None:
    paper = make_paper(text, abstract=text)
    PhraseMatcher([to_searchable_text(paper)]).match_any([text[:100], text])


def _show(text: str) -> None:
    sanitize_url(f"https://example.org/{text}")
    summarize_text("", text)
    wrap_text(text)
    clean(text)
    split_sentences(text)


def _rank(text: str) -> None:
    extract_terms(text)
    fold_sentences(text)
    learn_acronyms([text])


def _parse_ses(text: str) -> None:
    mail = {"notificationType": "Bounce", "mail": {"source": text}, "bounce": {
        "bounceType": text, "bounceSubType": text, "bouncedRecipients": [{"status": text}]}}  # fmt: skip
    amazon.parse_notification(json.dumps(mail), raw_hash="", keys=KEYS)
    amazon.parse_notification(text, raw_hash="", keys=KEYS)


def _parse_sns(text: str) -> None:
    fields = dict.fromkeys([*amazon.SIGNED_FIELDS[amazon.SUBSCRIPTION], "SigningCertURL", "SignatureVersion",
                            "Signature"], text)  # fmt: skip
    fields |= {"Type": amazon.SUBSCRIPTION, "Signature": "QUJD", "Timestamp": NOW.isoformat()}
    for body in (json.dumps(fields), text):
        with suppress(DigestError):
            amazon.parse_message(body.encode(), allowed_topics=(text,), now=NOW)


def _parse_webhook(text: str) -> None:
    secret, at = KEYS[0], int(NOW.timestamp())
    for body in (json.dumps({"envelope": text, "type": "hard", "code": text}), text):
        signature = sign_webhook(body.encode(), secret, at=at)
        read_webhook(body.encode(), signature, secret=secret, keys=KEYS, now=at)
    with suppress(DigestError):
        read_webhook(b"", text, secret=secret, keys=KEYS, now=at)


def _parse_id(text: str) -> None:
    for form in (text, f"https://{text}", f"https://arxiv.org/abs/{text}", f"https://doi.org/10.1000/{text}"):
        with suppress(ValueError):
            canonicalize(form)
    build_title_key(text, [text], 2026)


def _verify(text: str) -> None:
    keys = Keys(KEYS[0])
    for token in (text, f"{text}.{text}"):
        with suppress(DigestError):
            keys.verify(Purpose.PREFERENCES, token, now=NOW)


PARSERS: dict[str, Parser] = {
    "feed": _in_xml(lambda body: feeds.parse(body, "x", NOW), FEED),
    "feed with markup": _raw(lambda body: feeds.parse(body, "x", NOW), "<rss><channel><item><title>A"),
    "feed of arXiv": _in_xml(lambda body: rss.parse(body, "cs.LG", NOW), ARXIV_FEED),
    "arXiv API": _in_xml(lambda body: api.parse(body, "ids", NOW), ARXIV_ENTRY),
    "OAI": _in_xml(lambda body: oai.parse(body, "cs", NOW), ARXIV_RECORD),
    "OAI with markup": _raw(lambda body: oai.parse(body, "cs", NOW), "<OAI-PMH><ListRecords><record>"),
    "Dublin Core": _in_xml(lambda body: oai.parse(body, "cs", NOW), DUBLIN_CORE),
    "listing": _in_xml(listing.parse, LISTING),
    "listing with markup": _raw(listing.parse, "<html><body><h3>"),
    "bioRxiv": _in_json(lambda body: biorxiv.parse(body, "day", NOW), BIORXIV),
    "Hugging Face": _in_json(lambda body: huggingface.parse(body, "2026-11-23", NOW), HUGGING_FACE),
    "Hacker News": _in_json(hackernews.parse_page, HACKER_NEWS),
    "Semantic Scholar": _in_json(
        lambda body: semanticscholar.parse(body, "x", NOW, ids=["arxiv:2611.12001"]), SEMANTIC_SCHOLAR
    ),
    "language model": lambda text: llm.accept_summary(text, make_paper(abstract=text)),
    "JSON": lambda text: [load_json(text.encode(), items_key=key) for key in (None, "", "a")],
    "JSON by items": _raw(lambda body: load_json(body, items_key=""), '[{"a":1},x'),
    "Zotero": _in_json(clients._parse_zotero, ZOTERO),
    "ORCID": _in_json(clients._parse_orcid, ORCID),
    "author": _in_json(clients._parse_author, AUTHOR),
    "BibTeX": lambda text: parse_bibliography(f"@article{{a, title = {{{text}}}, note = {text}"),
    "RIS": lambda text: parse_bibliography(f"TY  - JOUR\nTI  - {text}\nDO  - {text}\n{text}"),
    "pasted ids": lambda text: (parse_bibliography(text), extract_accounts(text)),
    "names": lambda text: [split_names(text, is_list=flag) for flag in (True, False)],
    "TeX": _normalize,
    "ids": _parse_id,
    "dates": parse_date,
    "encodings": _raw(decode_text),
    "withdrawal": lambda text: (is_withdrawn(text, text, text), is_notice(text)),
    "delivery report": _raw(lambda body: parse_report(body, keys=KEYS)),
    "delivery report's fields": lambda text: parse_report(REPORT.replace("~", text).encode(), keys=KEYS),
    "complaint's fields": lambda text: parse_report(COMPLAINT.replace("~", text).encode(), keys=KEYS),
    "unsubscribe mail": _raw(find_unsubscribe_token, "To: "),
    "SES": _parse_ses,
    "SNS": _parse_sns,
    "webhook": _parse_webhook,
    "SMTP reply": _parse_reply,
    "reply code": lambda text: classify(SendResult(SmtpStage.RCPT, 550, text)),
    "token": _verify,
    "address": lambda text: parse_address.__wrapped__(f"{text}@example.org"),
    "rows": _raw(_read_rows, "email,keywords\n"),
    "row": lambda text: importing._parse(1, {"email": text, "facets": text, "text": text}, make_subscriber()),
    "form": _parse_form,
    "search": _search,
    "muted phrase": _mute,
    "paragraph": paragraphs._judge.__wrapped__,
    "ranking": _rank,
    "card": _show,
    "log line": redact,
}
# What hostile texts repeat: characters, what opens without closing, separators, beginnings of known words.
PIECES = (
    *"@([{<>\"'`$\\^_~&;,.-/:=%?!|0aé\u0301 \t\n\0\u202e",
    "[]", "{}", "()", "<a ", "<b>", "</b>", "<b/>", "<a b='", "&amp;", "&#", "a@", "@a ", "a@b ", "a,", ", ",
    "Jr, ", " and ", "A. ", "a.b", "``", "\\frac", "\\'", '\\"{', "$a$", "$1", "1$", "^{", "a_", "\\emph{",
    "\\frac{1}", "<!--", "<![CDATA[", "]]>", "<script", "<?", "<?a ", "<tex-math>", "<alternatives>",
    "\\documentclass", "O_FIG ", "O_ST_ABS", "C_FIG", "graphical abstract ", "\nResults", "O_LI",
    "this paper ", ". Withdrawal ", "Correction ", "http://", "arXiv:", "doi:", "10.1000/", "%25",
    "=?utf-8?q?", "\n--b", "\n ", "x: y\r\n", "\r\n\r\n", "&q=a", "1 ", "12:", "Jan ", "a (", "(a ", " et al",
    "@a{b,", "a={", 'a="', "TY  - ", "ER  - \n", '{"a":', '{"a":1},', "[1,", '"a",', "a-", "a'", "Abc ",
    "<item>", "<record>", "xmlns:a='b' ", "b+aaaaaaaa.", "withdrawn ", "\xc3\x83", "\xc2\x80", "1.1.1", "a/b",
    " not ", "tired of ", "a, no ",
)  # fmt: skip
CHARS = 1_500
LEAST_SECONDS = 0.01  # a text that is parsed faster takes no quadratic time: the clock would see it
MAX_GROWTH = 8  # for four times the length: 4 if linear, 16 if quadratic, and machines are noisy


@pytest.mark.parametrize("name", PARSERS)
def test_no_text_takes_more_than_linear_time(name: str) -> None:
    slow = {}
    _measure(PARSERS[name], PIECES[0], 1)  # so that no measurement includes what the first call loads
    for piece in PIECES:
        short = _measure(PARSERS[name], piece, CHARS)
        if short > LEAST_SECONDS:
            growth = _measure(PARSERS[name], piece, 4 * CHARS) / short
            if growth > MAX_GROWTH:
                growth = _measure_growth(PARSERS[name], piece)
            if growth > MAX_GROWTH:
                slow[piece] = round(growth, 1)
    assert not slow


def _measure_growth(parse: Parser, piece: str) -> float:
    """Return how much longer a text of four times the length takes, by the least of four measurements."""
    short = min(_measure(parse, piece, CHARS) for _ in range(4))
    return min(_measure(parse, piece, 4 * CHARS) for _ in range(4)) / short


def _measure(parse: Parser, piece: str, chars: int) -> float:
    """Return the CPU time of parsing a text that repeats *piece*; it may only be refused, as its own item."""
    text = (piece * (chars // len(piece) + 1))[:chars] + "!"
    started = process_time()
    with suppress(DigestError, ValueError):
        parse(text)
    return process_time() - started
