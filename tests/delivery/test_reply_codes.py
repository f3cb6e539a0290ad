"""The action of each kind of SMTP reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.message import SendResult, SmtpStage
from digest.delivery.reply_codes import Action, classify, judge_report
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


R, D = SmtpStage.RCPT, SmtpStage.DOT


@pytest.mark.parametrize(
    ("stage", "code", "text", "reason"),
    [
        (R, 550, "5.5.0 EHLO argument is not a domain name", "greeting-refused"),
        (R, 550, "Helo name resolves to nothing", "greeting-refused"),
        (R, 553, "Your envelope sender was rejected", "sender-refused"),
        (R, 550, "5.1.7 malformed address", "sender-refused"),
        (R, 450, "4.1.8 <b@papers.test>: Domain not found", "sender-refused"),
        (R, 550, "Could not verify the sender", "sender-refused"),
        (R, 550, "5.1.0 this host may not relay through us", "relay-refused"),
        (R, 553, "that domain isn't in my list of allowed rcpthosts", "relay-refused"),
        (R, 550, "Sorry, you need to authenticate yourself", "login-refused"),
        (R, 554, "must issue a STARTTLS command first", "login-refused"),
        (R, 550, "5.4.5 daily quota for this account reached", "rate-limited"),
        (R, 550, "5.1.1 more than 50 messages per hour from 192.0.2.8", "rate-limited"),
        (D, 550, "mail quota: sending limit exceeded", "rate-limited"),
        (R, 550, "5.1.1 host 192.0.2.8 is blocked by our DNSBL", "blocked"),
        (D, 554, "low sender score: bad reputation", "blocked"),
        (R, 554, "no reverse DNS for your machine", "blocked"),
        (R, 550, "5.1.1 user unknown to spamhaus.org, see the list", "blocked"),
        (R, 550, "Message refused", "policy"),
        (R, 550, "5.2.1 suspicious content", "policy"),
        (R, 554, "5.1.1 unsolicited bulk mail is not wanted", "policy"),
        (R, 550, "5.7.1 no such user", "policy"),
        (D, 550, "DMARC says no", "policy"),
        (R, 552, "5.2.3 more than 10 MB", "too-large"),
        (R, 552, "message exceeds the maximum size of 10 MB", "too-large"),
        (D, 552, "aborted", "too-large"),
        (R, 452, "try again", "server-busy"),
        (R, 452, "4.3.1 disk full", "server-busy"),
        (D, 451, "temporary lookup failure: DNS error", "server-busy"),
        (R, 452, "mailbox is over quota", "mailbox-full"),
        (D, 552, "Postfach ist voll", "mailbox-full"),
        (R, 550, "5.5.2 syntax error", "protocol-refused"),
        (R, 550, "your SMTP account was suspended", "login-refused"),
        (R, 550, "5.7.54 unable to relay recipient in a foreign domain", "relay-refused"),
        (R, 550, "we are not accepting mail from your network", "policy"),
        (R, 550, "Greylisted, come back", "greylisted"),
        (D, 550, "we cannot find that mailbox", "unknown-user"),
        (R, 550, "5.1.1 <relay.spam@blocked.example>: unknown or illegal alias", "no-mailbox"),
        (R, 550, "5.1.1 User unknown in relay recipient table", "no-mailbox"),
        (D, 550, "5.1.1 mailbox does not exist", "no-mailbox"),
        (R, 550, "sorry, no mailbox here by that name. (#5.1.1)", "no-mailbox"),
        (D, 554, "There is no such account", "unknown-user"),
        (R, 550, "Empfänger unbekannt", "unknown-user"),
        (R, 550, "User not listed in the directory", "unknown-user"),
        (D, 550, "this mailbox has been disabled", "mailbox-closed"),
        (R, 550, "5.4.1 Recipient address rejected: Access denied", "refused"),
        (R, 550, "no", "refused"),
    ],
)
def test_words_tell_whose_fault_it_is(stage: SmtpStage, code: int, text: str, reason: str) -> None:
    assert classify(SendResult(stage, code, text)).reason == reason


OURS = (
    "helo name refused", "sender domain does not resolve", "we do not relay", "authentication required",
    "listed at bl.example by spamhaus", "too many messages from your host", "message size limit",
)  # fmt: skip


@given(
    stage=st.sampled_from([R, SmtpStage.DATA, D]),
    code=st.sampled_from([421, 450, 451, 452, 550, 551, 553, 554]),
    words=st.sampled_from(OURS),
    enhanced=st.sampled_from(["", "5.0.0", "5.1.1", "5.1.0", "5.2.0", "5.7.1", "4.7.1", "4.2.1"]),
    address=st.sampled_from(["", "<ada@example.com>: ", "no-such-user@example.com "]),
)
def test_what_speaks_of_us_counts_against_no_reader_whatever_code_it_has(
    stage: SmtpStage, code: int, words: str, enhanced: str, address: str
) -> None:
    assert classify(SendResult(stage, code, f"{enhanced} {address}{words}".strip())).bounce is None


@given(
    middle=st.integers(0, 999),
    words=st.sampled_from(["", "no such user", "mailbox full", "go away"]),
    code=st.sampled_from([421, 450, 550, 554]),
)
def test_security_and_policy_codes_never_count(middle: int, words: str, code: int) -> None:
    assert classify(SendResult(R, code, f"{code // 100}.7.{middle} {words}")).bounce is None
    assert judge_report(f"5.7.{middle}", f"smtp; {code} {words}").kind is B.OTHER


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind"),
    [
        ("5.0.0", "smtp; 550-5.1.1 The account\n 550 5.1.1 is not here", B.HARD),
        ("5.0.0", "smtp; 550 host 192.0.2.8 is on a blocklist", B.OTHER),
        ("5.0.0", "smtp; 552 your quota for storage is used up", B.SOFT),
        ("5.0.0", "smtp; 451 lost patience: retry time not reached for any host", B.SOFT),
        ("5.0.0", "smtp; 452 4.3.1 out of disk", B.OTHER),
        ("5.0.0", "smtp; 550 no such user here", B.UNSURE),
        ("5.1.1", "", B.HARD),
        ("5.1.1", 'X-Postfix; unknown user: "ada"', B.HARD),
        ("4.4.1", "X-Postfix; connect to mx.example.com: Connection timed out", B.SOFT),
        ("4.7.1", "smtp; 450 4.7.1 you are on a list", B.OTHER),
        ("4.2.2", "smtp; 452 4.2.2 mailbox full", B.SOFT),
        ("5.7.1", "smtp; 550 5.1.1 no such user", B.OTHER),
        ("5.1.1", "smtp; 550 5.7.1 no such user", B.OTHER),
        ("5.0.0", "smtp; 550 spam, says the filter (after end of data)", B.OTHER),
        ("", "", B.UNSURE),
    ],
)
def test_report_is_judged_by_the_reply_it_quotes(status: str, diagnostic: str, kind: BounceKind) -> None:
    assert judge_report(status, diagnostic).kind is kind


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
