"""The table from SMTP replies to actions. No other module interprets reply codes."""

import re
from dataclasses import dataclass
from enum import StrEnum

from digest.delivery.message import SendResult, SmtpStage
from digest.models import BounceKind, ThrottleAction


class Action(StrEnum):
    """What happens to the message after a reply."""

    ACCEPT = "accept"
    RETRY = "retry"  # later, by the retry schedule; uses up an attempt
    REQUEUE = "requeue"  # again soon; the message is not the cause
    REJECT = "reject"
    UNCERTAIN = "uncertain"  # the server may have accepted it
    BREAK = "break"  # the route does not work at the moment, for any message
    REFUSED = "refused"  # the route refuses us; the operator must act


@dataclass(frozen=True, slots=True)
class ReplyAction:
    """What a reply means for the message, its recipient and its domain."""

    action: Action
    reason: str
    bounce: BounceKind | None = None
    throttle: ThrottleAction | None = None  # SLOW: lower the rate; STOP: count as a policy refusal
    alerts: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: every condition that is set must match."""

    reply_action: ReplyAction
    code: str
    stages: tuple[SmtpStage, ...] = tuple(SmtpStage)
    enhanced: str = ""
    text: str = ""

    def matches(self, result: SendResult) -> bool:
        """Return True if this row applies to *result*."""
        return (
            result.stage in self.stages
            and re.fullmatch(self.code, f"{result.code:03}") is not None
            and (not self.enhanced or re.fullmatch(self.enhanced, result.enhanced) is not None)
            and (not self.text or re.search(self.text, result.text, re.IGNORECASE) is not None)
        )


_CONNECT = (SmtpStage.CONNECT,)
_LOGIN = (SmtpStage.LOGIN,)
_MAIL = (SmtpStage.MAIL,)
_RCPT = (SmtpStage.RCPT,)
_BODY = (SmtpStage.DATA, SmtpStage.DOT)
_RCPT_OR_BODY = (SmtpStage.RCPT, SmtpStage.DATA, SmtpStage.DOT)
_RATE_LIMIT = r"rate|throttl|too (many|much|fast)|try again later|slow|exceed"
_GREYLISTING = r"gr[ae]y-?list"

ACCEPTED = ReplyAction(Action.ACCEPT, "accepted")
RULES = (
    # the connection
    Rule(ACCEPTED, "2..", (SmtpStage.DOT,)),
    Rule(ReplyAction(Action.UNCERTAIN, "reply-lost"), "000", (SmtpStage.DOT,)),
    Rule(ReplyAction(Action.BREAK, "unreachable"), "...", _CONNECT),
    Rule(ReplyAction(Action.BREAK, "login-later"), "4..", _LOGIN),
    Rule(ReplyAction(Action.REFUSED, "login-refused", alerts=True), "...", _LOGIN),
    Rule(ReplyAction(Action.REQUEUE, "line-lost"), "000"),
    Rule(ReplyAction(Action.REFUSED, "login-refused", alerts=True), "530|535|538"),
    # throttling
    Rule(ReplyAction(Action.RETRY, "greylisted"), "4..", _RCPT_OR_BODY, text=_GREYLISTING),
    Rule(ReplyAction(Action.REQUEUE, "throttled", throttle=ThrottleAction.SLOW), "454"),
    Rule(
        ReplyAction(Action.REQUEUE, "throttled", throttle=ThrottleAction.SLOW), "4..", enhanced=r"4\.7\.\d+"
    ),
    Rule(ReplyAction(Action.REQUEUE, "throttled", throttle=ThrottleAction.SLOW), "421", text=_RATE_LIMIT),
    Rule(ReplyAction(Action.REQUEUE, "hung-up"), "421"),
    Rule(
        ReplyAction(Action.REQUEUE, "throttled", throttle=ThrottleAction.SLOW),
        "4..",
        text=r"throttl|rate.?limit",
    ),
    # the message is too large or of a kind the server cannot take
    Rule(ReplyAction(Action.REJECT, "eai-unsupported"), "5..", enhanced=r"5\.6\.7"),
    Rule(ReplyAction(Action.REJECT, "too-large", alerts=True), "5..", enhanced=r"5\.3\.4"),
    Rule(ReplyAction(Action.REJECT, "bad-content", alerts=True), "5..", enhanced=r"5\.6\.\d+"),
    Rule(ReplyAction(Action.REJECT, "too-large", alerts=True), "552", _MAIL),
    # the sender is refused: never the recipient's fault
    Rule(ReplyAction(Action.BREAK, "sender-later"), "4..", _MAIL),
    Rule(ReplyAction(Action.REFUSED, "sender-refused", alerts=True), "5..", _MAIL),
    # the mailbox
    Rule(ReplyAction(Action.RETRY, "mailbox-full", BounceKind.SOFT), "4..", enhanced=r"4\.2\.2"),
    Rule(
        ReplyAction(Action.RETRY, "mailbox-full", BounceKind.SOFT),
        "452",
        _RCPT_OR_BODY,
        enhanced=r"|4\.2\.\d+",
    ),
    Rule(ReplyAction(Action.RETRY, "later"), "4.."),
    Rule(ReplyAction(Action.RETRY, "mailbox-full", BounceKind.SOFT), "5..", enhanced=r"5\.2\.2"),
    Rule(ReplyAction(Action.RETRY, "mailbox-full", BounceKind.SOFT), "552", enhanced=r"|5\.2\.\d+"),
    Rule(ReplyAction(Action.REJECT, "no-mailbox", BounceKind.HARD), "5..", enhanced=r"5\.1\.(1|2|6|10)"),
    # policy, authentication, content
    Rule(ReplyAction(Action.REJECT, "policy", throttle=ThrottleAction.STOP), "5..", enhanced=r"5\.7\.\d+"),
    Rule(ReplyAction(Action.REJECT, "refused", BounceKind.UNSURE), "5..", _RCPT),
    Rule(ReplyAction(Action.REJECT, "policy", throttle=ThrottleAction.STOP), "5..", _BODY),
)
UNKNOWN_REPLY = ReplyAction(Action.REQUEUE, "nonsense")
UNKNOWN_REPLY_TO_BODY = ReplyAction(Action.UNCERTAIN, "nonsense")


def classify(result: SendResult) -> ReplyAction:
    """Return the action of the first matching row; an unknown reply to the body leaves it uncertain."""
    for rule in RULES:
        if rule.matches(result):
            return rule.reply_action
    return UNKNOWN_REPLY_TO_BODY if result.stage is SmtpStage.DOT else UNKNOWN_REPLY
