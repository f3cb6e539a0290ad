"""A digest as one short message to a channel, in Markdown or plain text.

A channel may be read by a whole group, so that no link here acts for its subscriber.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

from digest.mail.branding import Site
from digest.mail.cards import NO_PERSONAL_FIELDS, build_card, build_news_card
from digest.mail.layout import format_headline
from digest.mail.links import Links
from digest.mail.locale import Locale, get_locale, gettext_noop
from digest.mail.subject import build_subject, get_section_title, order_picks, order_sections
from digest.mail.wording import describe_reason
from digest.models import Edition, Pick, Subscriber
from digest.models.text import clean

NEWS_TITLE = gettext_noop("News of papers you know")
CLOSING_CHARS = 400  # kept free for the last line


class TextForm(StrEnum):
    """How the text of a channel is written."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    SLACK = "slack"


def render_channel_digest(
    edition: Edition, *, site: Site, links: Links, max_chars: int, form: TextForm
) -> tuple[str, str]:
    """Return title and text of an edition, with as many of its papers as *max_chars* allow."""
    locale = get_locale(edition.subscriber.preferences.language)
    writer = _WRITERS[form]
    counts = tuple((section, len(edition.get_picks(section))) for section in order_sections(edition))
    lines = [writer.escape(format_headline(locale, edition.day, counts))]
    length, left_out = len(lines[0]) + CLOSING_CHARS, 0
    for heading, items in _list_sections(locale, edition, writer):
        for index, item in enumerate(items):
            block = [item] if index else [writer.format_heading(heading), item]
            size = sum(map(len, block)) + 2 * len(block)
            if left_out or length + size > max_chars:
                left_out += 1  # what follows is less important
            else:
                length += size
                lines += block
    lines.append(_format_closing(locale, writer, site, links, left_out))
    papers = [pick.paper for pick in order_picks(edition)]
    return _PlainWriter().escape(build_subject(locale, papers)), "\n\n".join(lines)


def render_channel_greeting(
    reader: Subscriber, *, site: Site, links: Links, form: TextForm
) -> tuple[str, str]:
    """Return title and text of the first message to a channel."""
    locale = get_locale(reader.preferences.language)
    writer = _WRITERS[form]
    text = locale.gettext("This channel is connected: %(brand)s will post its papers here.")
    greeting = writer.escape(text % {"brand": clean(site.brand)})
    return clean(site.brand), f"{greeting}\n\n{_format_closing(locale, writer, site, links, 0)}"


class _PlainWriter:
    """Plain text: each link on a line of its own."""

    def escape(self, text: str) -> str:
        """Return text that mentions nobody: an invisible character follows `@`, and `<` is another sign."""
        return text.translate({ord("<"): "‹", ord(">"): "›", ord("@"): "@\N{WORD JOINER}"})

    def format_heading(self, text: str) -> str:
        return self.escape(text).upper()

    def format_link(self, text: str, href: str) -> str:
        return f"{self.escape(text)}\n{href}" if href else self.escape(text)

    def format_item(self, number: str, title: str, href: str, *sentences: str) -> str:
        """Return an item of a list: a number or "", a linked title, and a line for each sentence."""
        mark = f"{number}. " if number else "- "
        lines = (mark + self.format_link(title, href), *map(self.escape, sentences))
        return "\n".join(filter(None, lines))


class _MarkdownWriter(_PlainWriter):
    """CommonMark, as Discord, Telegram, Matrix, Mattermost and Zulip take it."""

    special = re.compile(r"([\\*_`\[\]~#|])")

    def escape(self, text: str) -> str:
        """Return text without markup and mentions."""
        return self.special.sub(r"\\\1", super().escape(text))

    def format_heading(self, text: str) -> str:
        return f"**{self.escape(text)}**"

    def format_link(self, text: str, href: str) -> str:
        target = href.replace("(", "%28").replace(")", "%29")
        return f"[{self.escape(text)}]({target})" if href else self.escape(text)


class _SlackWriter(_MarkdownWriter):
    """CommonMark of which only links are escaped: Slack would show other backslashes."""

    special = re.compile(r"([\\\[\]])")


_WRITERS = {
    TextForm.PLAIN: _PlainWriter(),
    TextForm.MARKDOWN: _MarkdownWriter(),
    TextForm.SLACK: _SlackWriter(),
}


def _list_sections(locale: Locale, edition: Edition, writer: _PlainWriter) -> Iterator[tuple[str, list[str]]]:
    """Yield the heading and the items of each section, in the order of the mail."""
    for section in order_sections(edition):
        picks = enumerate(edition.get_picks(section), 1)
        yield (
            locale.gettext(get_section_title(edition, section)),
            [_format_pick(locale, edition, writer, pick, number) for number, pick in picks],
        )
    news = [build_news_card(locale, item) for item in edition.news]
    items = [writer.format_item("", card.title, card.href, card.text) for card in news]
    yield locale.gettext(NEWS_TITLE), items


def _format_pick(locale: Locale, edition: Edition, writer: _PlainWriter, pick: Pick, number: int) -> str:
    reason = describe_reason(locale, pick, edition.day)
    card = build_card(locale, pick, number, NO_PERSONAL_FIELDS)
    why = f"{locale.gettext('Why:')} {reason}" if reason else ""
    return writer.format_item(card.number, card.title, card.href, card.meta, why)


def _format_closing(locale: Locale, writer: _PlainWriter, site: Site, links: Links, left_out: int) -> str:
    """Return the last line: how many papers are left out, and where to find us."""
    more = locale.format_count(" + %(count)s more paper", " + %(count)s more papers", left_out).strip()
    home = writer.format_link(clean(site.brand), links.page_url())
    return f"{writer.escape(more)} · {home}" if left_out else home
