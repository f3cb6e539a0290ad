"""May this sign-up go ahead? Decided by what it carries and how busy it is, never by who is subscribed."""

from dataclasses import dataclass
from datetime import datetime

from digest.models.errors import InvalidToken
from digest.web.form_tokens import PATIENCE, READING, WORK, Tickets, is_worked
from digest.web.rate_limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What a form or a program sends to sign up."""

    email: str = ""
    interests: str = ""
    facet: str = ""  # a search whose results shall come by mail
    ticket: str = ""
    work: str = ""
    website: str = ""  # the field that only robots see

    @property
    def is_robot(self) -> bool:
        """Whether the field that no person sees was filled in."""
        return bool(self.website)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not yet: come again with this ticket, after so many seconds or with so much work done."""

    ticket: str
    seconds: int
    work: int = 0
    said: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not now."""

    said: str
    seconds: int


Verdict = Wait | Rejected | None  # None: go ahead


@dataclass(frozen=True, slots=True)
class SignUpGuard:
    """Where sign-ups come in."""

    limits: Limits
    tickets: Tickets

    def verdict(self, applied: Application, *, visitor: str, domain: str, now: datetime) -> Verdict:
        """Every check that costs us nothing, the cheapest first."""
        if not self.limits.visitors.take(visitor, now):
            return Rejected(
                "Many sign-ups came from your network just now. Please try again in a minute.", 60
            )
        if not self.limits.domains.take(domain, now):
            return Rejected("Many sign-ups came for this mail domain just now. Please try again soon.", 60)
        return self._presented(applied, now) or self._afforded(now)

    def _presented(  # noqa: PLR0911  one answer for each thing that may be wrong
        self, applied: Application, now: datetime
    ) -> Verdict:
        """Whether the ticket is genuine, was open for long enough or worked for, and not used before."""
        if not applied.ticket and self._walks_in(now):
            return None
        try:
            ticket = self.tickets.read(applied.ticket, now)
        except InvalidToken:
            return self._again("Press the button once more to subscribe.", now)
        if self.limits.is_flood(now) and not ticket.work:
            return self._again("Very many people sign up at this moment.", now)
        worked = is_worked(applied.ticket, applied.work, ticket.work)
        if not worked and not ticket.has_waited(now) and not self._walks_in(now):
            return self._again("That was quick. Press the button once more to subscribe.", now)
        if ticket.work and not worked and not self.limits.waiters.take("", now):
            return self._again("Very many people wait at this moment.", now)
        if not self.limits.tickets.is_new(ticket.nonce, ticket.expires, now):
            return self._again("This form was sent before. Press the button once more to subscribe.", now)
        return None

    def _walks_in(self, now: datetime) -> bool:
        """On a quiet day a few may come without waiting: a program, or somebody with quick fingers."""
        return not self.limits.is_flood(now) and self.limits.walk_ins.take("", now)

    def _again(self, said: str, now: datetime) -> Wait:
        if self.limits.is_flood(now):
            ticket = self.tickets.issue(now, wait=PATIENCE, work=WORK)
            return Wait(ticket=ticket, seconds=PATIENCE, work=WORK, said=said)
        return Wait(ticket=self.tickets.issue(now), seconds=READING, said=said)

    def _afforded(self, now: datetime) -> Verdict:
        if self.limits.world.take("", now):
            return None
        return Rejected("Very many people sign up at this moment. Please try again in a few minutes.", 300)
