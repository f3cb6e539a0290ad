"""Whose fault a reply is: the forms that mail servers use, live and quoted in reports.

The forms are those of Postfix, Exim, Sendmail, qmail, Exchange and large providers, with other names.
"""

import pytest

from digest.delivery.bounces.return_path import build_return_address
from digest.delivery.message import SendResult, SmtpStage
from digest.delivery.reply_codes import classify, judge_report
from digest.models import BounceKind

B = BounceKind
US = build_return_address("abcdefgh234567zz", domain="papers.test", key=b"key")

OURS = (  # no reader is affected
    # the DNS records of our domain
    "Requested action not taken: mailbox unavailable invalid DNS MX or A/AAAA resource record",
    "Requested action not taken: mailbox unavailable\n550 no usable MX record",
    "Requested action not taken: mailbox unavailable\n550 Message refused",
    "Requested action not taken: mailbox unavailable\n550 Access denied",
    "Sender papers.test has no A, AAAA, or MX DNS records.",
    "Mailbox unavailable: the sender address has no valid MX",
    "Recipient address rejected: your domain has no MX record",
    "Domain may not exist or DNS check failed",
    "No such domain: sender address rejected",
    # checks of our return address
    "Verification failed for <b@papers.test>\n550-Response: 550 No Such User Here\n550 Sender verify failed",
    f"Verification failed for <{US}>: Unrouteable address",
    f"Callback setup failed while verifying <{US}>",
    f"<{US}>: user unknown",
    f"could not verify {US.upper()}: mailbox does not exist",
    "sorry, your envelope sender is in my badmailfrom list (#5.7.x)",
    "Unroutable sender address",
    "The return address could not be found",
    "Invalid From address: no such mailbox",
    "Unknown sender: mailbox verification failed",
    "mail from <x@papers.test>: user unknown",
    # the mail and its way
    "permanent failure for one or more recipients (ada@example.com:blocked)",
    "permanent failure for one or more recipients (ada@example.com:554 rejected as spam)",
    "Message filtered. Refer to the Troubleshooting page at https://help.example/codes",
    "Message quarantined",
    "Rejected by the user's personal filter",
    "Recipient address rejected: Policy Rejection- Quota Exceeded",
    "Recipient's mail server blocked your message",
    "The recipient does not accept messages from this sender",
    "This user has blocked mail from you",
    "Mailbox policy rejects bulk mail",
    "rejected: missing List-Unsubscribe",
    "Transaction failed: Duplicate Message",
    "This message does not have authentication information",
    "Your message looks like a newsletter",
    "closed mailing list",
    "RESOLVER.RST.NotAuthorized; not authorized",
    "Domain newly registered",
    "mail for example.com loops back to myself",
    "undeliverable address: mail for example.com loops back to myself",
    "Invalid authentication for account",
    "Too many hops",
    # our return address or our mail, in other languages
    "Absenderadresse nicht bekannt, Annahme abgelehnt",
    "Absenderadresse unbekannt",
    "Adresse de l'expéditeur refusée",
    "El remitente ha sido rechazado",
    "Ihre Nachricht wurde leider abgelehnt",
    "Su mensaje fue rechazado por la política del servidor",
    "Ce courrier paraît indésirable",
    "Annahme verweigert: Verstoß gegen unsere Richtlinien",
    "垃圾邮件",
    # answers without plain words
    "Authentication failure",
    "Authentification requise",
    "Open proxy refused",
    "Solve a captcha first",
    "Our preferences exclude mass mailers",
    "The gateway encountered an error",
    "Cannot create the output file of the user",
    "HL:IPB mx7.example.com 1a2b3c",
    "Callback setup failed",
    "Callout did not succeed: 550 user unknown",
    "Cannot route to sender",
    "Possible bounce attack",
    # our IP and host
    "Dial-up users must use their provider's server",
    "Mailbox unavailable. The sending IP is blocked",
    "Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.7",
    "HELO mail.papers.test: Name or service not known",
    "Helo command rejected: Host not found",
    "Connection refused by policy",
    "Service unavailable; client host [192.0.2.7] blocked",
    "The IP [192.0.2.7] has no right to reach this mailbox",
)
GONE = (
    "User unknown",
    "Unknown user; rejecting",
    "<ada@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
    "undeliverable address: host mx.spam.example[192.0.2.9] said: 550 no such user",
    "The email account that you tried to reach does not exist. Learn more at https://help.example/?p=NoSuchUser",
    "Mailbox not found. https://help.example/antispam?subtype=1&no=1000728",
    "RESOLVER.ADR.RecipNotFound; not found",
    "dd This user doesn't have an example.com account (ada@example.com) [0] - mta1.example.com",
    "sorry, no mailbox here by that name",
    "sorry, no mail-box here by that name",
    "This recipient is not in my validrcptto list",
    "Local mailbox ada@example.com is unavailable: user not found",
    "permanent failure for one or more recipients (ada@example.com:550 No such user)",
    "Address not present in directory",
    "recipient unrecognized",
    "There is no one at this address",
    "This email address is no longer in use",
    "The user ada@example.com no longer works here",
    "Mailbox for ada@example.com has been removed",
    "The e-mail address you entered couldn't be found. Please check it and try again.",
    "That user isn't here any more",
    "Recipient unknown in our directory; message rejected",
    "adresse d'au moins un destinataire invalide",
    "Benutzer unbekannt",
)
CLOSED = (
    "Mailbox disabled, not accepting messages",  # RFC 3463's words for x.2.1
    "Mailbox does not accept mail",
    "This user is not accepting mail",
    "This address no longer accepts mail.",
    "The mailbox is not active, message refused",
    "The user's account is deactivated. The message was not delivered.",
    "Sorry, your message to ada@example.com cannot be delivered. This mailbox is disabled (554.30).",
    "due to extended inactivity new mail is not currently being accepted for this mailbox",
    "Requested action not taken: mailbox unavailable",
    "Requested mail action not taken: mailbox unavailable",
    "mailbox unavailable or access denied - <ada@example.com>",
    "mailbox not available",
    "This mailbox has been blocked due to inactivity",
    "User account not activated",
    "Inactive user",
)
FULL = (
    "mailbox full",
    "The recipient's inbox is out of storage space",
    "User has no space left",
    "The user's space has been used up",
    "Mailbox has exceeded its storage limit",
    "User has exhausted allowed storage space",
    "mailfolder is full",
    "The mail file size exceeds what is allowed",
    "ada does not have enough space",
    "account is over quota",
    "the mailbox for ada@example.com has reached its limit",
)
NO_DOMAIN = (
    "Host or domain name not found. Name service error for name=example.com type=AAAA: Host not found",
    "unable to look up host example.com: Name or service not known",
    "Host unknown (Name server: example.com: host not found)",
    "Domain example.com does not accept mail (nullMX)",
    "Recipient address has a null MX",
    "DNS domain example.com does not exist [Message=InfoDomainNonexistent]",
    "DNS Error: DNS type 'mx' lookup of example.com responded with code NXDOMAIN",
    "Sorry, I couldn't find any host named example.com.",
    "Recipient address rejected: Domain not found",
    "Recipient domain does not exist",
    "recipient domain has no MX record",
    "all relevant MX records point to non-existent hosts",
    "Domain name of recipient does not resolve",
    "Domain of recipient address does not accept mail",
    'unrouteable mail domain "example.com"',
)
LATER = (
    "connect to mx.example.com[192.0.2.9]:25: Connection refused",
    "connect to mx.antispam.example[192.0.2.9]:25: Connection refused",
    "host mx.example.com [192.0.2.9]: Connection timed out",
    "connect to mx.example.com[192.0.2.9]:25: No route to host",
    "lost connection with mx.example.com[192.0.2.9] while sending RCPT TO",
    "Domain name not found. Name service error for name=example.com type=MX: Host not found, try again",
    "retry time not reached for any host after a long failure period",
    "Max retries exceeded",
    'Problem with the primary target IP address: "Failed to connect. Winsock error 10060"',
    "Recipient address rejected: unverified address: probe of 10.0.0.4 is not finished",
)
FOR_NOW = (
    "Mailbox temporarily unavailable",
    "User temporarily disabled, try again later",
    "The account has been temporarily locked",
)
UNEXPLAINED = ("go away", "rejected", "domain not found", "no such domain", "Recipient refused")


@pytest.mark.parametrize(
    ("forms", "reason", "kind"),
    [
        (GONE, "unknown-user", B.UNSURE),
        (CLOSED, "mailbox-closed", B.UNSURE),
        (FULL, "mailbox-full", B.SOFT),
        (NO_DOMAIN, "no-domain", B.UNSURE),
        (LATER, "later", B.SOFT),
        (FOR_NOW, "mailbox-closed", B.SOFT),
        (UNEXPLAINED, "refused", B.UNSURE),
    ],
)
def test_form_about_the_recipient_counts_live_and_in_a_report(
    forms: tuple[str, ...], reason: str, kind: BounceKind
) -> None:
    live = {form: classify(SendResult(SmtpStage.RCPT, 550, form)).reason for form in forms}
    told = {form: judge_report("5.0.0", f"smtp; 550 {form}") for form in forms}
    assert live == dict.fromkeys(forms, reason)
    assert {form: (verdict.reason, verdict.kind) for form, verdict in told.items()} == dict.fromkeys(
        forms, (reason, kind)
    )


@pytest.mark.parametrize("form", OURS)
@pytest.mark.parametrize("code", [450, 550, 554])
def test_form_about_us_counts_against_nobody(form: str, code: int) -> None:
    assert classify(SendResult(SmtpStage.RCPT, code, form)).bounce is None
    assert classify(SendResult(SmtpStage.DOT, code, form)).bounce is None
    assert judge_report("5.0.0", f"smtp; {code} {form}").kind in (B.OTHER, B.SOFT if code == 450 else B.OTHER)


@pytest.mark.parametrize("form", [*GONE, *CLOSED, *NO_DOMAIN])
@pytest.mark.parametrize("enhanced", ["5.1.1", "5.1.2", "5.1.10"])
def test_mailbox_or_domain_that_is_gone_by_code_and_words_is_hard(form: str, enhanced: str) -> None:
    assert classify(SendResult(SmtpStage.RCPT, 550, f"{enhanced} {form}")).bounce is B.HARD


@pytest.mark.parametrize("form", [*FULL, *FOR_NOW])
def test_words_about_a_passing_state_outweigh_the_code(form: str) -> None:
    assert classify(SendResult(SmtpStage.RCPT, 550, f"5.1.1 {form}")).bounce is B.SOFT


@pytest.mark.parametrize("form", NO_DOMAIN)
def test_domain_that_is_gone_leaves_in_the_end_although_the_code_is_temporary(form: str) -> None:
    assert classify(SendResult(SmtpStage.RCPT, 450, f"4.1.2 {form}")).bounce is B.SOFT
    assert judge_report("4.0.0", f"smtp; {form}").kind is B.SOFT


@pytest.mark.parametrize(("code", "text"), [(556, "No mail here"), (554, "5.4.4 no MX or A for example.com")])
def test_domain_is_gone_by_code_alone(code: int, text: str) -> None:
    assert classify(SendResult(SmtpStage.RCPT, code, text)).reason == "no-domain"


@pytest.mark.parametrize("text", ["try again later", "LDAP lookup failed", "timed out while looking up"])
def test_code_of_an_unknown_mailbox_with_words_about_the_server_is_not_hard(text: str) -> None:
    assert classify(SendResult(SmtpStage.RCPT, 550, f"5.1.1 {text}")).bounce is None


def test_code_of_a_disabled_mailbox_without_plain_words_counts() -> None:
    text = "5.2.1 Store.Deliver; failed to process the message"
    assert classify(SendResult(SmtpStage.RCPT, 550, text)).reason == "mailbox-closed"


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ("<421 4.7.0 not today>", "throttled"),
        ("-> 451 4.7.650 this server has been rate limited", "rate-limited"),
        ("<452 4.2.2 mailbox full>", "mailbox-full"),
        ("<450 greylisted for an hour>", "greylisted"),
        ("<451 4.4.2 timed out>", "later"),
        ("<421 4.4.0 bye>", "later"),
        ("", "later"),
    ],
)
def test_report_of_expiry_is_judged_by_the_last_reply_inside_it(last: str, reason: str) -> None:
    report = f"smtp; 550 4.4.7 Message expired: unable to deliver in 14 hours. {last}"
    assert judge_report("4.4.7", report).reason == reason
