"""Protection of the sign-up against abuse. It never looks at who is subscribed, so its answer cannot tell."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from digest.mail.locale import gettext_noop
from digest.models.errors import InvalidToken
from digest.subscribers.validation import MAX_ITEM_CHARS, MAX_ITEMS
from digest.web.form_tokens import (
    FLOOD_WAIT_SECONDS,
    FLOOD_WORK_BITS,
    MIN_READING_SECONDS,
    TicketIssuer,
    is_work_done,
)
from digest.web.rate_limits import RateLimits

CategoryName = Annotated[str, Field(max_length=MAX_ITEM_CHARS)]


class SignUpRequest(BaseModel):
    """What a form or a program sends to sign up."""

    email: str = Field("", max_length=400)
    interests: str = Field("", max_length=4000)
    facet: str = Field("", max_length=400)  # a search to subscribe to
    timezone: str = Field("", max_length=100)
    categories: tuple[CategoryName, ...] = Field((), max_length=MAX_ITEMS)
    ticket: str = Field("", max_length=200)
    work: str = Field("", max_length=40)
    website: str = Field("", max_length=400)  # hidden from people: only robots fill it in


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """To be sent again with this ticket, after *seconds* or with *work* bits of proof of work."""

    ticket: str
    seconds: int
    work: int = 0
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The request is refused; it can be sent again after *seconds*."""

    message: str
    seconds: int


GuardDecision = Wait | Rejected | None  # None: accepted


@dataclass(frozen=True, slots=True)
class SignUpGuard:
    """Decides whether a sign-up is accepted."""

    limits: RateLimits
    tickets: TicketIssuer

    def check(self, request: SignUpRequest, *, client_ip: str, domain: str, now: datetime) -> GuardDecision:
        """Run all checks that need no database, the cheapest first."""
        if not self.limits.visitors.take(client_ip, now):
            return Rejected(
                gettext_noop(
                    "There have been many sign-ups from your network. Please try again in a minute."
                ),
                60,
            )
        if not self.limits.domains.take(domain, now):
            return Rejected(
                gettext_noop("There have been many sign-ups for this email domain. Please try again soon."),
                60,
            )
        decision = self._check_ticket(request, now)
        if decision is None and not self.limits.worldwide.take("", now):
            return Rejected(
                gettext_noop("Many people are signing up right now. Please try again in a few minutes."), 300
            )
        return decision

    def _check_ticket(  # noqa: PLR0911  one answer for each thing that may be wrong
        self, request: SignUpRequest, now: datetime
    ) -> GuardDecision:
        """Return None if the ticket is genuine and unused, and its time has passed or its work was done."""
        if not request.ticket and self._admit_without_form(now):
            return None
        try:
            ticket = self.tickets.verify(request.ticket, now)
        except InvalidToken:
            return self._ask_again(gettext_noop("Press the button once more to subscribe."), now)
        if self.limits.is_flood(now) and not ticket.work:
            return self._ask_again(gettext_noop("Many people are signing up right now."), now)
        has_worked = is_work_done(request.ticket, request.work, ticket.work)
        if not has_worked and not ticket.has_waited(now) and not self._admit_without_form(now):
            return self._ask_again(
                gettext_noop("That was quick. Press the button once more to subscribe."), now
            )
        if ticket.work and not has_worked and not self.limits.waiters.take("", now):
            return self._ask_again(gettext_noop("Many people are waiting right now."), now)
        if not self.limits.used_tickets.take(ticket.nonce, now):
            return self._ask_again(
                gettext_noop("This form was already sent. Press the button once more to subscribe."), now
            )
        return None

    def _admit_without_form(self, now: datetime) -> bool:
        """Outside of a flood, accept a few that did not wait: programs, and people who type fast."""
        return not self.limits.is_flood(now) and self.limits.without_form.take("", now)

    def _ask_again(self, message: str, now: datetime) -> Wait:
        if self.limits.is_flood(now):
            ticket = self.tickets.issue(now, wait=FLOOD_WAIT_SECONDS, work=FLOOD_WORK_BITS)
            return Wait(ticket=ticket, seconds=FLOOD_WAIT_SECONDS, work=FLOOD_WORK_BITS, message=message)
        return Wait(ticket=self.tickets.issue(now), seconds=MIN_READING_SECONDS, message=message)
