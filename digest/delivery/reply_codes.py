"""The table from answers of mail servers to actions. No other module interprets reply codes or their words.

One table judges live replies and, through `judge_report`, the replies that bounces, SES and webhooks quote.
The reader is to blame only for what speaks of the mailbox: what speaks of sender, greeting, login, relay, IP,
reputation, content, size or rate is ours, whatever the code. No reply with an x.7.x code counts (RFC 3463:
security and policy), and Exim, cPanel and others give no enhanced code at all, so the words decide first.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from digest.delivery.bounces.return_path import RETURN_ADDRESS
from digest.delivery.message import SendResult, SmtpStage
from digest.models import BounceKind, ThrottleAction

MAX_TEXT_CHARS = 1000  # of a reply that are looked at


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
    throttle: ThrottleAction | None = None  # SLOW: lower the rate; STOP: count as a refusal of our mail
    alerts: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: every condition that is set must match. `words` is sought in any case."""

    reply_action: ReplyAction
    code: str
    stages: tuple[SmtpStage, ...] = tuple(SmtpStage)
    enhanced: str = ""
    words: str = ""

    def matches(self, result: SendResult, words: str) -> bool:
        """Return True if this row applies to *result*, whose text without addresses is *words*."""
        return (
            result.stage in self.stages
            and re.fullmatch(self.code, f"{result.code:03}") is not None
            and (not self.enhanced or re.fullmatch(self.enhanced, result.enhanced) is not None)
            and (not self.words or re.search(self.words, words, re.IGNORECASE | re.VERBOSE) is not None)
        )


_CONNECT = (SmtpStage.CONNECT,)
_LOGIN = (SmtpStage.LOGIN,)
_MAIL = (SmtpStage.MAIL,)
_RCPT = (SmtpStage.RCPT,)
_BODY = (SmtpStage.DATA, SmtpStage.DOT)
_ALL = (SmtpStage.RCPT, SmtpStage.DATA, SmtpStage.DOT)  # where a reply may be about the recipient

_NOBODY = r"5\.1\.(1|2|6|10)"  # no such mailbox or domain (RFC 3463, RFC 7505)

# ---- words, as verbose regular expressions (a blank is \s), sought in what `_read_words` leaves of a reply

_REFUSED = (
    r"(reject|refus|den(y|ied)|block|bann|prohibit|forbid|disallow|unauthori[sz]|not\s"
    r"|abgelehnt|rechazad|rifiutat)"
)
_GREETING = r"\b[he][eh]lo\b | greeting\s+(is\s+)?(reject|invalid|refus)"
_FROM = (
    r"\b(sender|originator|[eé]metteur|exp[eé]diteur|absender(adresse)?|remitente|mittente"
    r"|return.?path|(return|reply.to)\saddress|envelope.?from"
    r"|from\W{0,2}\s(address|domain|header))\b"
)
_SENDER = rf"""
    {_FROM}.{{0,40}}({_REFUSED}|unknown|invalid|unverif|verif|fail|does|mismatch|must|cannot|could
        |has\sno|no\s|empty|badmailfrom|unbekannt|inconnu|desconocid)
  | (reject|refus|unknown|invalid|route|unroute?able|unverif|block|banned|bad|denied|failed|verify|spoof
        |forged)\w*\W+(\w+\W+)?{_FROM}
  | \bmail\s?from(\W*:|\s(address|domain|command|is|does|must|not)\b)
  | \b(domain\sof\ssender|your\sdomain|sending\sdomain|sender\sdomain|spoof\w*)\b
  | not\s(allowed|permitted|authori[sz]ed)\sto\ssend | send\s?as\s?denied | \bcall(out|back)\b
  | (?<!recipient\s)verification\sfail(ed\sfor|ure) | purported\sresponsible | \bbatv\b | backscatter"""
_SENDER_RECORDS = r"""
    \b(dns|mx|aaaa)\b.{0,20}\brecords?\b | \b(no|invalid|valid|usable)\W+(\w+\W+){0,2}?mx\b"""
_RELAY = rf"""
    \brelay(ing|ed)?\b(?!\srecipient).{{0,30}}({_REFUSED}|fail|authori[sz])
  | (unable|cannot|can.?t|won.?t|isn.?t|not|no|never|denied)\W+(\w+\W+){{0,2}}?relay(ing)?\b
        (?!\srecipient\stable)
  | rcpthosts | not\s(a\s)?local\s(domain|host)
  | domain\W+(\w+\W+)?(isn.?t|not)\s(in\smy\slist|allowed|accepted|hosted|served|local|handled)"""
_LOGIN_WORDS = r"""
    \bauth\w*\W+(\w+\W+){0,3}?(required|needed|first|mandatory|failed|failure|missing|disabled|requise|invalide)\b
  | (requires?|need|needs|must|please|turn\son|enable|use|without)\W+(\w+\W+){0,4}?
        (auth|authenticate|authentication|login|starttls|tls|encryption)\b
  | authenticated\s(to|first|before) | check\W+(\w+\W+){0,2}mail\sbefore
  | not\s(yet\s)?(logged\sin|authenticated) | \bsmtp.?auth\b | log\s?in\s(first|required|before)
  | \b(your|smtp|sending)\s(\w+\s)?account\b
  | pop\sbefore\ssmtp | credentials | \binvalid\sauth | \b(starttls|tls|encryption)\s(is\s)?required"""
_RATE = r"""
    too\s(many|much|fast|frequent|often) | rate.?limit | throttl | \bfrequency\b | at\sa\srate | unusual\srate
  | \b(send|sending|sender|outgoing|hourly|daily|submission|smtp)\W+(\w+\W+)?(rate|limit|quota)s?\b
  | \b(message|mail|e-?mail|connection|receiving|recipient)s?\W+((?!size|length)\w+\W+)?(rate|limit)s?\b
  | \b(per|this|an|one|each)[\s-](second|minute|hour|day)\b | slow\sdown | messages?\sper\b
  | exceed\w*\W+(\w+\W+){0,5}?(rate|hour|hourly|day|daily|minute|sending|messages|recipients|connections)\b"""
_LISTED = r"""
    \b(rbl|rbls|dnsbl|dnsrbl|uribl|surbl|sbl|xbl|pbl|cbl)\b | \b(black|block|deny|reject)[\s-]?list
  | spamhaus | spamcop | barracudacentral | \bsorbs\b | spamrats | uceprotect | abuseat | invaluement
  | csi\.cloudmark | senderscore | ipcheck\.proofpoint | reputation | client\shost
  | \bdial-?up\b | open\sproxy | unresolvable | (?<!not\s)\blisted\s(in|on|at|by)\b
  | \bptr\b | \brdns\b | reverse\s(dns|host|lookup|name|ip)
  | (\d+\.){3}\d+\W+((?!connection)\w+\W+){0,3}?(block|bann|refus|reject|denied|not\s(allow|accept))
  | \b(al|dt|hl|mi|rp):[a-z]{3}\b  # NetEase"""
_TOO_LARGE = r"""
    \btoo\s(large|big|long)\b | (message|mail|e-?mail)\W+(\w+\W+){0,2}?(size|length)\b | \bsize\slimit
  | (max\w*|exceed\w*)\W+(\w+\W+){0,4}?(message|mail|size|length|bytes)\b | larger\sthan"""
_WHO = (
    r"(user|recipient|mailbox|mail.box|account|addressee|alias|person|customer|subscriber|inbox|local\spart"
    r"|e-?mail\saddress|address)"
)
# The words between the mailbox and what is said of it: of the same sentence, and not about something else.
_GAP = (
    r"[^\w.;!?]+((?!(messages?|mails?|senders?|from|ip|host|server|system|provider|polic\w+|domain)\b)"
    r"\w+[^\w.;!?]+){0,8}?"
)
_FULL = rf"""
    \bquota\b | over.?quota | full\s(mailbox|inbox) | exceed\w*\W+(\w+\W+){{0,2}}?(storage|allocation|mailbox)
  | \b(mailbox|mail.box|mailfolder|inbox|maildrop|account|user|recipient)\b(.s)?\W+(\w+\W+){{0,3}}?full\b
  | mailbox\W+(\w+\W+){{0,5}}?(size\slimit|exceed\w*|limit) | insufficient\s(mailbox|user)\s(storage|space)
  | \b{_WHO}{_GAP}(no|not|enough|out\sof)\W+(\w+\W+){{0,2}}?space\b | \b{_WHO}.s\sspace\b
  | does\snot\shave\senough\sspace | \bmail\sfile\W+(\w+\W+)?exceed
  | \bstorage\s(space|limit)
  | postfach\W+(\w+\W+)?voll | bo[iî]te\W+(\w+\W+){{0,3}}?pleine
  | buz[oó]n\W+(\w+\W+)?lleno | casella\W+(\w+\W+)?piena"""
_GONE = (
    r"(unknown|invalid|non.?exist\w*|unrecogni[sz]ed|undeliverable"
    r"|(not?|isn.t)\s(found|known|exist\w*|listed|valid|recogni[sz]ed|here|present)"
    r"|(could|can)(n.t|\s?not)\sbe\sfound|(does|do|did)(n.?t|\snot)\sexist|deleted|removed|has\sleft"
    r"|no\slonger\s(exist\w*|valid|available|in\suse|here|with|works?|on))"
)
_NO_USER = rf"""
    \b{_WHO}s?\b{_GAP}{_GONE}\b
  | \b(unknown|no\ssuch|invalid|non.?exist\w*|unroute?able|bad|(not|isn.?t)\sa\s(valid|known)|no)\W+
        (or\sillegal\s)?((?!(sender|return|from|reply|source|envelope)s?\b)\w+\W+){{0,2}}?{_WHO}\b
  | \bdoes(n.?t|\snot)\shave\W+(\w+\W+){{1,4}}?(account|mailbox)\b
  | \b(find|locate)\W+(\w+\W+){{0,2}}?{_WHO}\b
  | not\sour\scustomer | (nobody|no\sone)\s(here|by|at) | recip(ient)?notfound | user.?unknown | usernotfound
  | (bad|valid)(rcpt|recipient)to
  | (benutzer|empf[aä]nger|adresse|teilnehmer)\W+(\w+\W+)?(unbekannt|existiert\snicht)
  | unbekannter\s(benutzer|empf) | usuario\W+(desconocido|inexistente|no\sexiste)
  | (utilisateur|destinataire|adresse)\W+(\w+\W+){{0,6}}?(inconnue?|invalide|n.existe)
  | (utente|destinatario|casella)\W+(\w+\W+)?(sconosciut|inesistente|inexistente)"""
_CLOSED = rf"""
    \b{_WHO}\b{_GAP}(not\sactiv\w*|dormant|disabled|deactivated|inactive|suspended|closed|locked
        |expired|terminated|frozen|discontinued|blocked(?!\s(you|your|this|the|message|mail|by)\b)
        |(no\slonger|(is|does)n.t|not)\s(currently\s)?(accept|receiv)\w*\s(any\s)?(e-?mail|mail|message)s?\b
        (?!\sfrom))
  | (disabled|inactive|suspended|deactivated|closed)\W+(\w+\W+)?{_WHO}\b
  | \bnot\W+(\w+\W+){{0,2}}?accept\w*\W+(mail\s)?for\s(this|the)\s{_WHO}\b"""
# RFC 5321's words for any 550: what else is said tells more.
_UNAVAILABLE = rf"\b{_WHO}\b{_GAP}(unavailable|not\savailable)\b"
_CLOSED_FOR_NOW = rf"""
    \b{_WHO}\b{_GAP}(temporar\w*|busy|(try|retry)(\sagain)?\slater)\b | \btemporar\w+\W+(\w+\W+)?{_WHO}\b"""
_NO_DOMAIN = rf"""
    name\s(service\serror|or\sservice\snot\sknown) | domain\sname\snot\sfound | nxdomain
  | \bnull\s?mx\b | non.?existent\s?domain | dns\sdomain\s\S+\sdoes\snot | find\sany\shost
  | name\sserver:\s(\S+\s)?host\snot\sfound
  | unroute?able\smail\sdomain | all\srelevant\smx | mail\sdomain\smentioned
  | \b(recipient|destination)(.s)?\W+(address\srejected\W+)?(unknown\s)?(domain|computer|host)\b
        .{{0,20}}({_GONE}|has\sno|must\sexist|name\b|does\snot\saccept)
  | \bdomain\s(name\s)?of\s(the\s)?recipient\b | \bdestination\scomputer\b"""
# Of the mail or its way, whatever else is said.
_FILTERED = r"""
    spam | \bjunk | unsolicited | \bbulk\b | virus | malware | phish | suspicious | \babus
  | polic(y|ies)\b | \bcontent\b | attachment | \b(spf|dkim|dmarc)\b
  | complain | \bheader | (?<!target\s)\bips?\b | dynamic | untrusted | administrative\sprohib | \battacks?\b
  | pol[ií]ticas?\b | politique\b | richtlinie | ind[eé]sirable | 垃圾
  | mass\smail | captcha | \bpreferences\b | \bimages\b
  | \bfrom\syou\b | quarantin | \bfilter(s|ed)?\b | list-unsubscribe | \bsecurity\b | \bloops?\b
  | \byour\s(mail\s)?(host|server|network|provider|isp|address|system|machine|client|connection|country)\b"""
# Refusals of the mail, unless the mailbox is said to be gone or closed.
_OURS = rf"""
    \b(mail|message|e-?mail|envelope|connection|session|delivery|service|transaction|host|traffic)s?\s
        ((was|is|were|are|has\sbeen|have\sbeen|cannot\sbe|can.?t\sbe|will\sbe|currently|temporarily)\s){{0,2}}
        ({_REFUSED}|accepted|unavailable)
  | \b(reject|refus|block|denied|drop)\w*\W+(\w+\W+){{0,2}}?(mail|message|e-?mail|connection)\b
  | \b(nachricht|message|mensaje|mensagem|messaggio|correo)\W+(\w+\W+){{0,4}}?{_REFUSED}
  | \bnot\s(accept|allow|receiv|want)\w*\W+(\w+\W+){{0,2}}?(mail|message|e-?mail|connection)s?\b
  | (?<!rejected:\s)(?<!\sor\s)\baccess\sdenied | \bblocked\sby\b
  | (?<!recipient\s)(?<!recipient\sis\s)\bnot\s?(allowed|accepted|permitted|authori[sz]ed)\b"""
# A reply that names no mailbox, but one of these, is about the mail.
_MAIL_WORDS = r"""
    \b(messages?|(?<!e-)mails?|e-?mails?(?!\s(address|account|name))|transaction|protocol|lists?|url|blocked
    |newsletters?|traffic|from)\b | \bdomain\b.{0,20}\bnew(ly)?\b | \bhops\b"""
_SERVER_WORDS = r"""
    \b(system|disk|spool|server|queue)\W+(\w+\W+)?(storage|space|full|resources|busy|load|error)
  | (local|internal|configuration|database|lookup|ldap|dns)\W+(\w+\W+)?(problem|error|failure|failed)
  | space\sshortage | out\sof\smemory | misconfigured | encountered\san\serror | \bdeferred\b
  | (can.?t|cannot|could\snot)\s(create|load|open|write)\b"""
_NO_ANSWER = r"""
    connection\s(refused|lost|dropped|reset|timed\sout)(?!\s(by\s(?!peer)|due|because|for|from|as))
  | lost\sconnection | no\s(answer\sfrom|route\sto)\b | (host|network|server)\sis\sunreachable
  | host\snot\sfound,\stry\sagain | \bunverified\saddress
  | failed\sto\sconnect | winsock"""
_GAVE_UP = r"""
    retr(y|ies)\W+(\w+\W+){0,2}?(exceeded|reached) | (unable\sto|(could|can)(\s?not|n.t))\sconnect
  | queue\W+(\w+\W+){0,2}too\slong | timed\sout | \btimeout\b | \bexpired\b | \btemporar | tempfail
  | \b(try|retry)(\sagain)?\slater\b"""

# ---- what the rows mean; the reason is what logs, alerts and evidence say

_SLOW, _STOP = ThrottleAction.SLOW, ThrottleAction.STOP
ACCEPTED = ReplyAction(Action.ACCEPT, "accepted")
LATER = ReplyAction(Action.RETRY, "later")
_HUNG_UP = ReplyAction(Action.REQUEUE, "hung-up")
_SERVER_LATER = ReplyAction(Action.RETRY, "server-busy")  # its disk or its load: no mailbox is full
_BLOCKED_LATER = ReplyAction(Action.RETRY, "blocked", alerts=True)
_THROTTLED = ReplyAction(Action.REQUEUE, "throttled", throttle=_SLOW)
_TELL_THROTTLED = ReplyAction(Action.REQUEUE, "throttled", throttle=_SLOW, alerts=True)
_LOGIN_REFUSED = ReplyAction(Action.REFUSED, "login-refused", alerts=True)
# Ours, and a person can mend it today: the mail is tried again.
_OUR_GREETING = ReplyAction(Action.RETRY, "greeting-refused", throttle=_STOP, alerts=True)
_OUR_SENDER = ReplyAction(Action.RETRY, "sender-refused", throttle=_STOP, alerts=True)
_OUR_RELAY = ReplyAction(Action.RETRY, "relay-refused", throttle=_STOP, alerts=True)
_OUR_LOGIN = ReplyAction(Action.RETRY, "login-refused", throttle=_STOP, alerts=True)
_OUR_PROTOCOL = ReplyAction(Action.RETRY, "protocol-refused", throttle=_STOP, alerts=True)
_OUR_RATE = ReplyAction(Action.RETRY, "rate-limited", throttle=_SLOW, alerts=True)
# Ours, and sending the same again makes it worse.
_BLOCKED = ReplyAction(Action.REJECT, "blocked", throttle=_STOP, alerts=True)
_POLICY = ReplyAction(Action.REJECT, "policy", throttle=_STOP, alerts=True)
_LARGE = ReplyAction(Action.REJECT, "too-large", alerts=True)
_CONTENT = ReplyAction(Action.REJECT, "bad-content", alerts=True)
_SERVER = ReplyAction(Action.REJECT, "server-failed", alerts=True)
# The mailbox's.
_MAILBOX_FULL = ReplyAction(Action.RETRY, "mailbox-full", BounceKind.SOFT)
_CLOSED_NOW = ReplyAction(Action.RETRY, "mailbox-closed", BounceKind.SOFT)  # "temporarily", for ever perhaps
_NO_DOMAIN_NOW = ReplyAction(Action.RETRY, "no-domain", BounceKind.SOFT)
_DEAD_DOMAIN = ReplyAction(Action.REJECT, "no-domain", BounceKind.HARD)
_UNKNOWN_DOMAIN = ReplyAction(Action.REJECT, "no-domain", BounceKind.UNSURE)
_NO_MAILBOX = ReplyAction(Action.REJECT, "no-mailbox", BounceKind.HARD)
_UNKNOWN_USER = ReplyAction(Action.REJECT, "unknown-user", BounceKind.UNSURE)
_MAILBOX_CLOSED = ReplyAction(Action.REJECT, "mailbox-closed", BounceKind.UNSURE)
UNEXPLAINED = ReplyAction(Action.REJECT, "refused", BounceKind.UNSURE)

RULES = (
    # the connection
    Rule(ACCEPTED, "2..", (SmtpStage.DOT,)),
    Rule(ReplyAction(Action.UNCERTAIN, "reply-lost"), "000", (SmtpStage.DOT,)),
    Rule(ReplyAction(Action.BREAK, "unreachable"), "...", _CONNECT),
    Rule(ReplyAction(Action.BREAK, "login-later"), "4..", _LOGIN),
    Rule(_LOGIN_REFUSED, "...", _LOGIN),
    Rule(ReplyAction(Action.REQUEUE, "line-lost"), "000"),
    Rule(_LOGIN_REFUSED, "530|535|538"),
    # of us, and a person can mend it
    Rule(ReplyAction(Action.RETRY, "greylisted"), "[45]..", _ALL, words=r"gr[ae]y-?list"),
    Rule(_OUR_GREETING, "[45]..", _ALL, words=_GREETING),
    Rule(_OUR_RELAY, "[45]..", _ALL, words=_RELAY),
    Rule(_OUR_SENDER, "[45]..", _ALL, enhanced=r"[45]\.1\.[78]"),
    Rule(_OUR_SENDER, "[45]..", _ALL, words=_SENDER),
    # too large, or of a kind the server cannot take
    Rule(ReplyAction(Action.REJECT, "eai-unsupported"), "5..", enhanced=r"5\.6\.7"),
    Rule(_LARGE, "5..", enhanced=r"5\.(3\.4|2\.3)"),
    Rule(_LARGE, "552", _MAIL),
    Rule(_MAILBOX_FULL, "[45]..", _ALL, enhanced=r"[45]\.2\.2"),
    # throttling
    Rule(_OUR_LOGIN, "5..", _ALL, words=_LOGIN_WORDS),
    Rule(_THROTTLED, "454"),
    Rule(_TELL_THROTTLED, "4..", _ALL, words=_RATE),
    Rule(_THROTTLED, "4..", enhanced=r"[45]\.7\.\d+"),
    Rule(_THROTTLED, "421", words=r"rate|throttl|try\sagain\slater|slow|exceed"),
    Rule(_HUNG_UP, "421"),
    Rule(_OUR_RATE, "5..", _ALL, enhanced=r"5\.4\.5"),
    Rule(_OUR_RATE, "5..", _ALL, words=_RATE),
    # the sender is refused: never the recipient's fault
    Rule(ReplyAction(Action.BREAK, "sender-later"), "4..", _MAIL),
    Rule(_CONTENT, "5..", enhanced=r"5\.6\.\d+"),
    Rule(ReplyAction(Action.REFUSED, "sender-refused", alerts=True), "5..", _MAIL),
    # of us: reputation, policy
    Rule(_BLOCKED, "5..", _ALL, words=_LISTED),
    Rule(_POLICY, "5..", enhanced=r"[45]\.7\.\d+"),
    Rule(_BLOCKED_LATER, "4..", _ALL, words=f"{_LISTED} | {_FILTERED}"),
    Rule(_POLICY, "5..", _ALL, words=_FILTERED),
    # the mailbox is full, or the mail too large, or the server's disk is full (452 without 4.2.2)
    Rule(_MAILBOX_FULL, "[45]..", _ALL, words=_FULL),
    Rule(LATER, "4..", words=_NO_ANSWER),
    Rule(_NO_DOMAIN_NOW, "4..", _ALL, words=_NO_DOMAIN),
    Rule(_BLOCKED_LATER, "4..", _ALL, words=_OURS),
    Rule(_SERVER_LATER, "452"),
    Rule(_SERVER_LATER, "4..", enhanced=r"4\.3\.\d+"),
    Rule(_SERVER_LATER, "4..", words=_SERVER_WORDS),
    Rule(LATER, "4.."),
    Rule(_LARGE, "5..", _ALL, words=_TOO_LARGE),
    # no server answers, or there is no such domain
    Rule(LATER, "5..", _ALL, words=_NO_ANSWER),
    Rule(_DEAD_DOMAIN, "5..", _ALL, enhanced=_NOBODY, words=_NO_DOMAIN),
    Rule(_UNKNOWN_DOMAIN, "5..", _ALL, words=_NO_DOMAIN),
    Rule(_UNKNOWN_DOMAIN, "5..", _ALL, enhanced=r"5\.4\.4"),  # no route to the domain
    Rule(_UNKNOWN_DOMAIN, "556", _ALL),  # RFC 7504
    Rule(_OUR_SENDER, "5..", _ALL, words=_SENDER_RECORDS),
    # no such mailbox, or a closed one
    Rule(_CLOSED_NOW, "5..", _ALL, words=_CLOSED_FOR_NOW),
    Rule(_NO_MAILBOX, "5..", _ALL, enhanced=_NOBODY, words=f"{_NO_USER} | {_CLOSED}"),
    Rule(_UNKNOWN_USER, "5..", _ALL, words=_NO_USER),
    Rule(_MAILBOX_CLOSED, "5..", _ALL, words=_CLOSED),
    Rule(_POLICY, "5..", _ALL, words=_OURS),
    # not said by the mailbox's server, or not for good
    Rule(_SERVER, "5..", _ALL, enhanced=r"5\.3\.[1-9]"),
    Rule(_SERVER, "5..", _ALL, words=_SERVER_WORDS),
    Rule(LATER, "5..", _ALL, enhanced=r"5\.4\.7|4\.\d+\.\d+"),
    Rule(LATER, "5..", _ALL, words=_GAVE_UP),
    # no words that tell
    Rule(_NO_MAILBOX, "5..", _ALL, enhanced=_NOBODY),
    Rule(_MAILBOX_CLOSED, "5..", _ALL, enhanced=r"5\.2\.1"),
    Rule(_MAILBOX_CLOSED, "5..", _ALL, words=_UNAVAILABLE),
    Rule(_MAILBOX_FULL, "552", _RCPT, enhanced=r"|5\.2\.\d+"),
    Rule(_LARGE, "552", _BODY),
    Rule(_OUR_PROTOCOL, "5..", _ALL, enhanced=r"5\.5\.[1-9]"),
    Rule(_OUR_PROTOCOL, "50[0234]", _ALL),
    Rule(_POLICY, "5..", _ALL, words=_MAIL_WORDS),
    Rule(UNEXPLAINED, "5..", _RCPT),
    Rule(_POLICY, "5..", _BODY),
)
UNKNOWN_REPLY = ReplyAction(Action.REQUEUE, "nonsense")
UNKNOWN_REPLY_TO_BODY = ReplyAction(Action.UNCERTAIN, "nonsense")

_ADDRESS = re.compile(r"[^\s<>\"'(]*@[^\s<>\"'):;,]*")
_HOST_OR_PATH = re.compile(r"[\w-]{1,63}\.[\w.-]{1,190}(?=\s?\[\d)|(?<=://)([^\s/?#]{0,255})[/?#]\S*")
_QUOTED_REPLY = re.compile(r"(?:^|[\s:;(<>])([245]\d\d)(?=[ -]|$)[ -]?")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_NO_STATUS = re.compile(r"[245]\.0\.0\b")
_BODY_WAS_SENT = re.compile(
    r"end of (data|message)|after data\b|end_of_message|after I sent the message", re.IGNORECASE
)
_SENDER_WAS_SENT = re.compile(
    r"(after|reply to) (mail|ehlo|helo|initial)|(sender|my name) was rejected|greeting failed", re.IGNORECASE
)


def classify(result: SendResult) -> ReplyAction:
    """Return the action of the first matching row; an unknown reply to the body leaves it uncertain."""
    words = None
    for rule in RULES:
        if rule.words and words is None:
            words = _read_words(result.text)
        if rule.matches(result, words or ""):
            return rule.reply_action
    return UNKNOWN_REPLY_TO_BODY if result.stage is SmtpStage.DOT else UNKNOWN_REPLY


def _read_words(text: str) -> str:
    """Return the words of a reply, without addresses (of spam@relay.example, say), hosts and paths.

    Our return address becomes the word "sender": some replies name it and say no more of whom they speak.
    """
    text = _ADDRESS.sub(" ", RETURN_ADDRESS.sub(" sender ", text[:MAX_TEXT_CHARS]))
    return _HOST_OR_PATH.sub(r"\1", text)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a report says about an address: the kind of bounce, and the reason as in the table."""

    kind: BounceKind
    reason: str
    code: str = ""  # of the quoted reply, the enhanced one if there is one
    reply: str = ""  # what the server said
    recipient: str = ""  # as the report names it; of an alias, perhaps one of its members

    @property
    def is_explained(self) -> bool:
        """Whether the report said why."""
        return self.reason not in (UNEXPLAINED.reason, LATER.reason, _HUNG_UP.reason)


def judge_report(status: str, diagnostic: str = "") -> Verdict:
    """Judge a report by the same table: its status (RFC 3463) and the reply of the server that it quotes.

    The status in the reply counts where the report's own says nothing (Exim always writes 5.0.0); x.7.x in
    either is about us. A reply that was waited on in vain is SOFT, unless the report quotes the last one
    inside its own and that says why ("550 4.4.7 Message expired <421 4.7.0 ...>").
    """
    diagnostic = " ".join(diagnostic[:MAX_TEXT_CHARS].split())
    own = match[0] if (match := _STATUS.search(status)) and not _NO_STATUS.match(match[0]) else ""
    quoted = _QUOTED_REPLY.search(diagnostic)
    code = int(quoted[1]) if quoted else 0
    text = diagnostic[quoted.end() :] if quoted else re.sub(r"^[\w-]+\s*;\s*", "", diagnostic)
    stated = SendResult(SmtpStage.RCPT, code, text).enhanced
    if own and (".7." in own or not stated or _NO_STATUS.match(stated)):
        text, stated = f"{own} {text}", own
    if not code:
        code = 450 if (stated or status).startswith("4") else 550
    stage = SmtpStage.DOT if _BODY_WAS_SENT.search(diagnostic) else SmtpStage.RCPT
    if _SENDER_WAS_SENT.search(diagnostic):
        stage = SmtpStage.MAIL
    reply_action = classify(SendResult(stage, code, text))
    if reply_action is LATER and (inner := [match.start() for match in _QUOTED_REPLY.finditer(text)]):
        last = judge_report("", text[inner[-1] :])
        if last.is_explained:
            return last
    kind = BounceKind.SOFT if reply_action is LATER else reply_action.bounce or BounceKind.OTHER
    return Verdict(kind, reply_action.reason, stated or str(code))
