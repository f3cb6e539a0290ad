"""Cards: a pick as strings for the templates, with links that are safe or left out."""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from digest.mail import wording
from digest.mail.links import Links
from digest.mail.locale import Locale
from digest.mail.summary import summarize_paper
from digest.mail.text_wrap import wrap_text
from digest.models import Paper, Pick, Section, Subscriber
from digest.models.editions import PaperNews
from digest.models.text import MAX_SUMMARY_CHARS, clean, shorten

MAX_TITLE_CHARS = 300
MAX_URL_CHARS = 400
LINK_LIKE = re.compile(r"https?:|www\.|^\S+\.[a-z]{2,}(?:/\S*)?$", re.IGNORECASE)
LANGUAGE_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link and its label."""

    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One paper as the templates print it."""

    number: str  # "1" and so on, empty under "Also new"
    title: str
    href: str  # empty: the title is not linked
    lang: str  # of title and gist; empty if it is the language of the mail
    meta: str
    why: str
    why_lines: str  # the same for the text part, wrapped
    gist: str
    anchors: tuple[Anchor, ...]
    more: str
    less: str
    sparkline: str = ""  # the growth of the votes as SVG, on web pages only


@dataclass(frozen=True, slots=True)
class PersonalFields:
    """The parts of a card that differ by reader: the reason, the feedback links, the target of the title."""

    why: str
    why_lines: str
    more: str
    less: str
    href: str = ""  # the paper's page here if the reader's clicks may teach; empty: the source


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsCard:
    """News of a paper as the templates print it."""

    title: str
    href: str  # empty: the title is not linked
    lang: str  # of the title; empty if it is the language of the mail
    text: str
    link: str  # of the text: the publication, or the code


NO_PERSONAL_FIELDS = PersonalFields(why="", why_lines="", more="", less="")


def build_personal_fields(
    locale: Locale, links: Links, reader: Subscriber, pick: Pick, reason: str
) -> PersonalFields:
    """Return a reader's parts of a card; under "Also new" without feedback links."""
    href = links.opening_url(reader.public_id, pick.paper.id) if reader.preferences.clicks_may_teach else ""
    reasons = PersonalFields(why=reason, why_lines=wrap_reason(locale, reason), more="", less="", href=href)
    if pick.section is Section.ALSO_NEW:
        return reasons
    return replace(
        reasons,
        more=links.more_url(reader.public_id, pick.paper.id),
        less=links.less_url(reader.public_id, pick.paper.id),
    )


def wrap_reason(locale: Locale, reason: str) -> str:
    """Return the lines of a reason in the text part; empty without a reason."""
    return wrap_text(f"{locale.gettext('Why:')} {reason}", 3) if reason else ""


def build_card(locale: Locale, pick: Pick, number: int | str, personal: PersonalFields) -> Card:
    """Return the card of a pick; *number* is its position in its section."""
    paper = pick.paper
    title = shorten(clean(paper.title), MAX_TITLE_CHARS) or locale.gettext("(untitled)")
    href = "" if LINK_LIKE.search(title) else sanitize_url(paper.url)
    return Card(
        number=str(number) if pick.section is not Section.ALSO_NEW else "",
        title=title,
        href=personal.href if href and personal.href else href,
        lang=_detect_foreign_language(locale, paper.title),
        meta=wording.format_meta(locale, paper, with_date=pick.section is not Section.ALSO_NEW),
        why=personal.why,
        why_lines=personal.why_lines,
        gist=_build_gist(locale, paper),
        anchors=_build_anchors(locale, pick, linked=bool(href)),
        more=personal.more,
        less=personal.less,
    )


def build_news_card(locale: Locale, news: PaperNews) -> NewsCard:
    """Return the card of news."""
    title = clean(news.title) or locale.gettext("(untitled)")
    return NewsCard(
        title=title,
        href="" if LINK_LIKE.search(title) else sanitize_url(news.url),
        lang=_detect_foreign_language(locale, title),
        text=wording.describe_news(locale, news),
        link=sanitize_url(news.link),
    )


def _build_gist(locale: Locale, paper: Paper) -> str:
    """Return what the paper is about; a text by a model is marked here, where no template can omit it."""
    if not paper.retold:
        return summarize_paper(paper)
    return locale.gettext("AI summary: %(text)s") % {"text": shorten(clean(paper.retold), MAX_SUMMARY_CHARS)}


def sanitize_url(url: str) -> str:
    """Return the URL if it is safe in a mail, else "".

    Safe means http or https, a host, at most 400 characters, and no credentials, blanks, quotes or brackets.
    """
    if len(url) > MAX_URL_CHARS or re.search(r"[\s\x00-\x1f\x7f<>\"\\\ue000-\uf8ff]", url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:  # a broken IPv6 address
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc else ""


def _build_anchors(locale: Locale, pick: Pick, *, linked: bool) -> tuple[Anchor, ...]:
    paper = pick.paper
    repositories = wording.format_repositories(locale, pick.heat)
    candidates = (
        (locale.gettext("Abstract"), "" if linked else paper.url),
        (locale.gettext("PDF"), paper.pdf_url or _guess_pdf_url(paper)),
        (locale.gettext("Code"), paper.code_url),
        (locale.gettext("Project"), paper.project_url),
        (locale.gettext("Discussion"), paper.discussion_url),
        (repositories, build_repositories_url(paper) if repositories else ""),
    )
    return tuple(Anchor(label, href) for label, url in candidates if url and (href := sanitize_url(url)))


def build_repositories_url(paper: Paper) -> str:
    """Return the page of Hugging Face that lists the repositories that cite a paper of arXiv."""
    return f"https://huggingface.co/papers/{paper.id.removeprefix('arxiv:')}"


def _guess_pdf_url(paper: Paper) -> str:
    arxiv_id = paper.id.removeprefix("arxiv:")
    return f"https://arxiv.org/pdf/{arxiv_id}" if arxiv_id != paper.id else ""


def _detect_foreign_language(locale: Locale, title: str) -> str:
    """Return the language of a title by its script (Latin counts as English), or "" if the mail is in it."""
    language = next((code for code, script in LANGUAGE_SCRIPTS if script.search(title)), "en")
    return "" if language == locale.code else language
