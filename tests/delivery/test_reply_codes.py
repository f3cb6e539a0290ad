"""The action of each kind of SMTP reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.message import SendResult, SmtpStage
from digest.delivery.reply_codes import Action, classify
from digest.models import BounceKind, ThrottleAction

A, B = Action, BounceKind


@pytest.mark.parametrize(
    ("stage", "code", "text", "action", "bounce"),
    [
        (SmtpStage.DOT, 250, "2.0.0 ok", A.ACCEPT, None),
        (SmtpStage.CONNECT, 0, "refused", A.BREAK, None),
        (SmtpStage.CONNECT, 421, "4.3.2 busy", A.BREAK, None),
        (SmtpStage.CONNECT, 554, "no service", A.BREAK, None),
        (SmtpStage.LOGIN, 454, "4.7.0 later", A.BREAK, None),
        (SmtpStage.LOGIN, 535, "5.7.8 wrong", A.REFUSED, None),
        (SmtpStage.MAIL, 530, "5.7.0 log in", A.REFUSED, None),
        (SmtpStage.MAIL, 550, "not from you", A.REFUSED, None),
        (SmtpStage.MAIL, 452, "4.3.1 no space", A.BREAK, None),
        (SmtpStage.RCPT, 421, "4.4.2 bye", A.REQUEUE, None),
        (SmtpStage.RCPT, 450, "4.2.0 greylisted", A.RETRY, None),
        (SmtpStage.RCPT, 451, "local error", A.RETRY, None),
        (SmtpStage.DOT, 451, "4.3.0 later", A.RETRY, None),
        (SmtpStage.RCPT, 450, "4.7.28 too much", A.REQUEUE, None),
        (SmtpStage.RCPT, 452, "4.2.2 full", A.RETRY, B.SOFT),
        (SmtpStage.RCPT, 552, "5.2.2 over quota", A.RETRY, B.SOFT),
        (SmtpStage.RCPT, 550, "5.1.1 nobody", A.REJECT, B.HARD),
        (SmtpStage.RCPT, 553, "5.1.2 no such domain", A.REJECT, B.HARD),
        (SmtpStage.DOT, 550, "5.1.10 null mx", A.REJECT, B.HARD),
        (SmtpStage.RCPT, 550, "go away", A.REJECT, B.UNSURE),
        (SmtpStage.DOT, 552, "5.3.4 too big", A.REJECT, None),
        (SmtpStage.DOT, 554, "5.6.0 bad content", A.REJECT, None),
        (SmtpStage.DOT, 550, "5.7.26 unauthenticated", A.REJECT, None),
        (SmtpStage.DOT, 554, "spam", A.REJECT, None),
        (SmtpStage.DOT, 0, "hung up", A.UNCERTAIN, None),
        (SmtpStage.DOT, -1, "what", A.UNCERTAIN, None),
        (SmtpStage.RCPT, 0, "hung up", A.REQUEUE, None),
        (SmtpStage.MAIL, 553, "5.6.7 no SMTPUTF8", A.REJECT, None),
    ],
)
def test_classify_reply(
    stage: SmtpStage, code: int, text: str, action: Action, bounce: BounceKind | None
) -> None:
    reply_action = classify(SendResult(stage, code, text))
    assert (reply_action.action, reply_action.bounce) == (action, bounce)


def test_a_rate_limit_slows_a_domain_and_a_refusal_of_policy_counts_against_it() -> None:
    assert classify(SendResult(SmtpStage.RCPT, 450, "4.7.28 slow down")).throttle is ThrottleAction.SLOW
    assert classify(SendResult(SmtpStage.RCPT, 421, "too many connections")).throttle is ThrottleAction.SLOW
    assert classify(SendResult(SmtpStage.DOT, 550, "5.7.1 spam")).throttle is ThrottleAction.STOP


@given(
    stage=st.sampled_from(SmtpStage),
    code=st.integers(-1, 699),
    text=st.text(max_size=60) | st.from_regex(r"[245]\.\d{1,2}\.\d{1,2} .{0,20}", fullmatch=True),
)
def test_only_a_2xx_reply_to_the_dot_accepts_and_only_there_is_doubt(
    stage: SmtpStage, code: int, text: str
) -> None:
    result = SendResult(stage, code, text)
    reply_action = classify(result)
    assert (reply_action.action is Action.ACCEPT) == result.is_accepted
    if reply_action.action is Action.UNCERTAIN:
        assert stage is SmtpStage.DOT
    if reply_action.bounce is BounceKind.HARD:
        assert code // 100 == 5


def test_remote_id_is_read_from_the_reply() -> None:
    assert SendResult(SmtpStage.DOT, 250, "2.0.0 Ok: queued as 4XyZ12").remote_id == "4XyZ12"
    assert SendResult(SmtpStage.DOT, 250, "ok").remote_id == ""
