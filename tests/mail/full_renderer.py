"""Digests rendered in full from their templates: what the bulk renderer must equal, once decoded."""

import binascii
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from digest.mail.cards import build_card, build_personal_fields
from digest.mail.layout import build_layout, format_headline, format_notes
from digest.mail.locale import Locale, get_locale
from digest.mail.mime import build_digest_message
from digest.mail.renderer import Renderer
from digest.mail.subject import build_preheader, build_subject, order_picks, order_sections
from digest.mail.wording import describe_reason
from digest.models import Edition, Email, Frequency, Pick, Section


class FullRenderer:
    """Renders every card and every page anew, and trims nothing."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def render_digest(self, edition: Edition) -> bytes:
        """Return the MIME message of an edition."""
        site, links = self._renderer.site, self._renderer.links
        return build_digest_message(self.render_email(edition), edition, site=site, links=links)

    def render_email(self, edition: Edition) -> Email:
        """Return subject, text and HTML of an edition."""
        if not edition.picks:
            return self._renderer.render_empty_day(edition)
        renderer, reader = self._renderer, edition.subscriber
        locale = get_locale(reader.preferences.language)
        papers = [pick.paper for pick in order_picks(edition)]
        counts = tuple((section, len(edition.get_picks(section))) for section in order_sections(edition))
        headline = format_headline(locale, edition.day, counts)
        page = replace(
            build_layout(renderer.site, renderer.links, locale, reader),
            subject=build_subject(locale, papers),
            preheader=build_preheader(locale, papers) or headline,
            headline=headline,
            web=renderer.links.edition_url(reader.public_id, edition.day),
            notes=format_notes(locale, edition.notes),
            weekly=reader.schedule.frequency is Frequency.WEEKLY,
            picked_first=order_sections(edition)[0] is Section.PICKED,
        )
        page = replace(page, subject=renderer.render_subject(locale, "digest", page=page))
        parts = []
        for part, layout in (("txt", page.for_text_part()), ("html", page)):
            sections: dict[str, Any] = {
                section.value: self._render_cards(locale, edition, edition.get_picks(section), part)
                for section in Section
            }
            filled = replace(layout, news=renderer.render_news(locale, edition.news, part), **sections)
            parts.append(renderer.render(locale, f"digest/body.{part}", page=filled))
        return Email(page.subject, *parts)

    def _render_cards(self, locale: Locale, edition: Edition, picks: Iterable[Pick], part: str) -> str:
        cards: list[str] = []
        links, reader = self._renderer.links, edition.subscriber
        for number, pick in enumerate(picks, start=1):
            personal = build_personal_fields(
                locale, links, reader, pick, describe_reason(locale, pick, edition.day)
            )
            template = "line" if pick.section is Section.ALSO_NEW else "card"
            card = build_card(locale, pick, number, personal)
            cards.append(self._renderer.render(locale, f"digest/{template}.{part}", card=card))
        if part == "html":
            return Markup("").join(map(Markup, cards)).rstrip()
        return "\n".join(cards).rstrip()


def decode(raw: bytes) -> bytes:
    """Return a message without its soft line breaks, after checking its lines."""
    body = raw.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert body.isascii()
    assert b"\n." not in raw  # the sender relies on it and does no dot-stuffing
    return binascii.a2b_qp(raw)
