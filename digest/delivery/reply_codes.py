"""What does a server's answer mean? One table from reply to verdict; nothing else reads codes."""

import re
from dataclasses import dataclass
from enum import StrEnum

from digest.delivery.message import SendResult, SmtpStage
from digest.models import BounceKind, ThrottleAction


class Action(StrEnum):
    """What becomes of the mail, and who else is concerned."""

    ACCEPT = "accept"
    RETRY = "retry"  # later, on the ladder; uses up a try
    REQUEUE = "requeue"  # again soon; the mail is not to blame
    REJECT = "reject"
    UNCERTAIN = "uncertain"  # the server may have taken it
    BREAK = "break"  # the route does not work at the moment
    REFUSED = "refused"  # the route refuses us; a person must act


@dataclass(frozen=True, slots=True)
class ReplyAction:
    """The meaning of an outcome."""

    action: Action
    why: str
    bounce: BounceKind | None = None
    brake: ThrottleAction | None = None  # SLOW: ask for less; STOP: count towards the domain's breaker
    alerts: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: all that is given must match."""

    verdict: ReplyAction
    code: str
    steps: tuple[SmtpStage, ...] = tuple(SmtpStage)
    enhanced: str = ""
    text: str = ""

    def matches(self, outcome: SendResult) -> bool:
        """Whether this row speaks about the outcome."""
        return (
            outcome.step in self.steps
            and re.fullmatch(self.code, f"{outcome.code:03}") is not None
            and (not self.enhanced or re.fullmatch(self.enhanced, outcome.enhanced) is not None)
            and (not self.text or re.search(self.text, outcome.text, re.IGNORECASE) is not None)
        )


_BEFORE = (SmtpStage.CONNECT,)
_LOGIN = (SmtpStage.LOGIN,)
_MAIL = (SmtpStage.MAIL,)
_RCPT = (SmtpStage.RCPT,)
_BODY = (SmtpStage.DATA, SmtpStage.DOT)
_OURS = (SmtpStage.RCPT, SmtpStage.DATA, SmtpStage.DOT)
_RATE = r"rate|throttl|too (many|much|fast)|try again later|slow|exceed"
_GREY = r"gr[ae]y-?list"

ACCEPTED = ReplyAction(Action.ACCEPT, "accepted")
RULES = (
    # the line itself
    Rule(ACCEPTED, "2..", (SmtpStage.DOT,)),
    Rule(ReplyAction(Action.UNCERTAIN, "reply-lost"), "000", (SmtpStage.DOT,)),
    Rule(ReplyAction(Action.BREAK, "unreachable"), "...", _BEFORE),
    Rule(ReplyAction(Action.BREAK, "login-later"), "4..", _LOGIN),
    Rule(ReplyAction(Action.REFUSED, "login-refused", alerts=True), "...", _LOGIN),
    Rule(ReplyAction(Action.REQUEUE, "line-lost"), "000"),
    Rule(ReplyAction(Action.REFUSED, "login-refused", alerts=True), "530|535|538"),
    # asked for less
    Rule(ReplyAction(Action.RETRY, "greylisted"), "4..", _OURS, text=_GREY),
    Rule(ReplyAction(Action.REQUEUE, "throttled", brake=ThrottleAction.SLOW), "454"),
    Rule(ReplyAction(Action.REQUEUE, "throttled", brake=ThrottleAction.SLOW), "4..", enhanced=r"4\.7\.\d+"),
    Rule(ReplyAction(Action.REQUEUE, "throttled", brake=ThrottleAction.SLOW), "421", text=_RATE),
    Rule(ReplyAction(Action.REQUEUE, "hung-up"), "421"),
    Rule(
        ReplyAction(Action.REQUEUE, "throttled", brake=ThrottleAction.SLOW),
        "4..",
        text=r"throttl|rate.?limit",
    ),
    # our mail is too large or of a kind the server cannot take
    Rule(ReplyAction(Action.REJECT, "eai-unsupported"), "5..", enhanced=r"5\.6\.7"),
    Rule(ReplyAction(Action.REJECT, "too-large", alerts=True), "5..", enhanced=r"5\.3\.4"),
    Rule(ReplyAction(Action.REJECT, "bad-content", alerts=True), "5..", enhanced=r"5\.6\.\d+"),
    Rule(ReplyAction(Action.REJECT, "too-large", alerts=True), "552", _MAIL),
    # the sender is not welcome: never the recipient's fault
    Rule(ReplyAction(Action.BREAK, "sender-later"), "4..", _MAIL),
    Rule(ReplyAction(Action.REFUSED, "sender-refused", alerts=True), "5..", _MAIL),
    # the mailbox
    Rule(ReplyAction(Action.RETRY, "mailbox-full", BounceKind.SOFT), "4..", enhanced=r"4\.2\.2"),
    Rule(ReplyAction(Action.RETRY, "mailbox-full", BounceKind.SOFT), "452", _OURS, enhanced=r"|4\.2\.\d+"),
    Rule(ReplyAction(Action.RETRY, "later"), "4.."),
    Rule(ReplyAction(Action.RETRY, "mailbox-full", BounceKind.SOFT), "5..", enhanced=r"5\.2\.2"),
    Rule(ReplyAction(Action.RETRY, "mailbox-full", BounceKind.SOFT), "552", enhanced=r"|5\.2\.\d+"),
    Rule(ReplyAction(Action.REJECT, "no-mailbox", BounceKind.HARD), "5..", enhanced=r"5\.1\.(1|2|6|10)"),
    # policy, authentication, content
    Rule(ReplyAction(Action.REJECT, "policy", brake=ThrottleAction.STOP), "5..", enhanced=r"5\.7\.\d+"),
    Rule(ReplyAction(Action.REJECT, "refused", BounceKind.UNSURE), "5..", _RCPT),
    Rule(ReplyAction(Action.REJECT, "policy", brake=ThrottleAction.STOP), "5..", _BODY),
)
NONSENSE = ReplyAction(Action.REQUEUE, "nonsense")
DOUBTFUL = ReplyAction(Action.UNCERTAIN, "nonsense")


def classify(outcome: SendResult) -> ReplyAction:
    """The first row that matches. An answer that means nothing after the dot leaves us in doubt."""
    for rule in RULES:
        if rule.matches(outcome):
            return rule.verdict
    return DOUBTFUL if outcome.step is SmtpStage.DOT else NONSENSE
