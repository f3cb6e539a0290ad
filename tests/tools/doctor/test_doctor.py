"""The doctor finds what is wrong, says how to mend it, and harms nothing by looking."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from digest.app.services import Services, open_services
from digest.tools.demo.scenario import sealed
from digest.tools.doctor import CheckLevel, Finding, examine
from digest.tools.doctor.dns import Lookup, dns_records
from digest.tools.doctor.smtp import mail_server
from digest.tools.doctor.sources import world
from tests.factories import NOW, paper
from tests.replay_server import ReplayServer
from tests.smtp_server import OFFERS, Say, SmtpServer

OK, WARN, FAIL = CheckLevel.OK, CheckLevel.WARN, CheckLevel.FAIL
SENDER, RELAY = "papers.example", "relay.example"
RECORDS = {
    (SENDER, "TXT"): ["site-verification=1", "v=spf1 include:relay.example ~all"],
    (f"_dmarc.{SENDER}", "TXT"): ["v=DMARC1; p=none"],
    (f"digest._domainkey.{SENDER}", "TXT"): ["v=DKIM1; k=ed25519; p=AAAA"],
    (SENDER, "MX"): ["10 mx.papers.example."],
    (RELAY, "A"): ["192.0.2.1"],
    ("1.2.0.192.in-addr.arpa.", "PTR"): ["relay.example."],
}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A real house with a database of its own; nothing about it is wrong."""
    settings = sealed(tmp_path / "digest.sqlite3", upstream="http://127.0.0.1:9", mailbox="")
    with closing(open_services(settings)) as opened:
        yield opened


def changed(services: Services, **settings: object) -> Services:
    return Services(services.settings.model_copy(update=settings), services.store)


def told(findings: Sequence[Finding]) -> dict[str, CheckLevel]:
    return {finding.check: finding.verdict for finding in findings}


async def at_home(services: Services) -> dict[str, CheckLevel]:
    findings = await examine(services, NOW, offline=True)
    assert all(finding.fix for finding in findings if finding.verdict is not OK)
    return told(findings)


def answering(records: Mapping[tuple[str, str], list[str] | None]) -> Lookup:
    async def lookup(name: str, kind: str) -> Sequence[str] | None:
        return records.get((name, kind), [])

    return lookup


def key_in(folder: Path) -> Path:
    key = folder / "dkim.pem"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(*form))
    return key


# ---- at home


async def test_a_house_in_order_has_nothing_to_mend(services: Services) -> None:
    with services.store.begin() as tx:
        tx.papers.add([paper()], seen_at=NOW)
    found = await at_home(services)
    assert set(found.values()) == {OK}
    assert {"base URL", "secret key", "postal address", "sender", "database", "disk", "headers"} <= set(found)


@pytest.mark.parametrize(
    ("setting", "value", "check", "verdict"),
    [
        ("base_url", "http://127.0.0.1:8000", "base URL", WARN),
        ("base_url", "http://papers.example", "base URL", FAIL),
        ("base_url", "http://papers.example", "headers", WARN),
        ("secret_key", SecretStr("short"), "secret key", FAIL),
        ("secret_key", SecretStr(""), "secret key", OK),
        ("postal_address", "", "postal address", WARN),
        ("from_", "digest@localhost", "sender", WARN),
    ],
)
async def test_each_wrong_setting_is_a_line_with_its_fix(
    services: Services, setting: str, value: object, check: str, verdict: CheckLevel
) -> None:
    assert (await at_home(changed(services, **{setting: value})))[check] is verdict


async def test_a_paused_house_and_an_empty_one_say_so(services: Services) -> None:
    with services.store.begin() as tx:
        tx.meta.pause("It was restored.")
    found = await at_home(services)
    assert (found["sending"], found["digest"]) == (WARN, WARN)


def let(path: Path, mode: int) -> None:
    """Who may look into it."""
    path.chmod(mode)


async def test_books_that_every_user_of_the_machine_can_read_are_named(
    services: Services, tmp_path: Path
) -> None:
    assert "privacy" not in await at_home(services)
    (tmp_path / "digest.sqlite3.lock").touch()
    let(tmp_path / "digest.sqlite3.lock", 0o644)  # empty: there is nothing in it to read
    let(tmp_path / "digest.sqlite3", 0o644)
    let(tmp_path, 0o755)
    findings = await examine(services, NOW, offline=True)
    [found] = [finding for finding in findings if finding.check == "privacy"]
    assert (found.verdict, found.detail.partition(":")[0]) == (WARN, "digest.sqlite3")
    assert found.fix == f"chmod go= {tmp_path / 'digest.sqlite3'}*"
    let(tmp_path, 0o700)
    assert "privacy" not in await at_home(services)


async def test_our_own_signature_must_cover_the_unsubscribe_headers(
    services: Services, tmp_path: Path
) -> None:
    assert "signature" not in await at_home(services)
    assert (await at_home(changed(services, dkim_key=key_in(tmp_path))))["signature"] is OK


# ---- the mail server


def sending_by(services: Services, server: SmtpServer, *, login: str = "", tls: str = "none") -> Services:
    url = f"smtp://{login}127.0.0.1:{server.port}?tls={tls}"
    return changed(services, smtp_url=SecretStr(url))


async def test_a_good_mail_server_is_named_with_what_it_offers(services: Services) -> None:
    async with SmtpServer().running() as server:
        findings = await mail_server(sending_by(services, server), NOW)
    assert told(findings) == {"mail server": OK, "mail extensions": OK, "mail encryption": WARN}
    assert "PIPELINING" in findings[1].detail
    assert not server.taken


async def test_a_server_without_the_wished_encryption_is_not_spoken_to(services: Services) -> None:
    async with SmtpServer().running() as server:
        findings = await mail_server(sending_by(services, server, tls="required"), NOW)
    assert told(findings) == {"mail server": FAIL}
    assert "DIGEST_SMTP_URL" in findings[0].fix


async def test_a_wrong_password_is_told_apart_and_not_shown(services: Services) -> None:
    async with SmtpServer(offers=(*OFFERS, "AUTH PLAIN")).running() as server:
        server.tell("auth", Say(535, "5.7.8 wrong"))
        findings = await mail_server(sending_by(services, server, login="ada:hush@"), NOW)
    assert told(findings) == {"mail server": FAIL}
    assert "login: 535 5.7.8 wrong" in findings[0].detail
    assert "password" in findings[0].fix
    assert "hush" not in repr(findings)


@pytest.mark.parametrize("offers", [(), ("PIPELINING",), ("SMTPUTF8",)])
async def test_an_extension_that_is_missed_is_named(services: Services, offers: tuple[str, ...]) -> None:
    async with SmtpServer(offers=offers).running() as server:
        findings = await mail_server(sending_by(services, server), NOW)
    assert told(findings)["mail extensions"] is WARN


async def test_no_mail_server_at_all_is_a_line_too(services: Services) -> None:
    assert told(await mail_server(services, NOW)) == {"mail server": WARN}
    gone = changed(services, smtp_url=SecretStr("smtp://127.0.0.1:9?tls=none"))
    (finding,) = await mail_server(gone, NOW)
    assert finding.verdict is FAIL
    assert "127.0.0.1:9 cannot be asked: " in finding.detail


# ---- the name servers


@pytest.fixture
def relayed(services: Services, tmp_path: Path) -> Services:
    """It sends through a relay and signs for itself."""
    return changed(services, smtp_url=SecretStr("smtp://relay.example:587"), dkim_key=key_in(tmp_path))


async def test_names_in_order_are_all_ok(relayed: Services) -> None:
    records = {**RECORDS, ("relay.example", "A"): ["192.0.2.1"]}
    found = told(await dns_records(relayed, NOW, lookup=answering(records)))
    assert found == dict.fromkeys(("SPF", "DKIM", "DMARC", "return path", "PTR"), OK)


@pytest.mark.parametrize(
    ("name", "kind", "said", "check", "verdict"),
    [
        (SENDER, "TXT", ["something else"], "SPF", FAIL),
        (SENDER, "TXT", ["v=spf1 -all", "v=spf1 ~all"], "SPF", FAIL),
        (SENDER, "TXT", None, "SPF", WARN),
        (f"_dmarc.{SENDER}", "TXT", [], "DMARC", FAIL),
        (f"digest._domainkey.{SENDER}", "TXT", [], "DKIM", FAIL),
        (f"digest._domainkey.{SENDER}", "TXT", ["v=DKIM1; p="], "DKIM", FAIL),
        (f"digest._domainkey.{SENDER}", "TXT", None, "DKIM", WARN),
        (SENDER, "MX", [], "return path", FAIL),
        (SENDER, "MX", None, "return path", WARN),
        ("1.2.0.192.in-addr.arpa.", "PTR", [], "PTR", WARN),
        ("1.2.0.192.in-addr.arpa.", "PTR", ["pool-7.isp.example."], "PTR", WARN),
        ("1.2.0.192.in-addr.arpa.", "PTR", None, "PTR", WARN),
    ],
)
async def test_what_is_missing_in_the_dns_is_a_line_with_its_fix(  # noqa: PLR0917  a table's row
    relayed: Services, name: str, kind: str, said: list[str] | None, check: str, verdict: CheckLevel
) -> None:
    findings = await dns_records(relayed, NOW, lookup=answering({**RECORDS, (name, kind): said}))
    assert told(findings)[check] is verdict
    assert all(finding.fix for finding in findings if finding.verdict is not OK)


async def test_a_local_mail_server_is_known_by_the_domains_own_mail_host(services: Services) -> None:
    local = changed(services, smtp_url=SecretStr("smtp://127.0.0.1:25"))
    records = {**RECORDS, ("mx.papers.example", "A"): ["192.0.2.9"]}
    (line,) = [
        each for each in await dns_records(local, NOW, lookup=answering(records)) if each.check == "PTR"
    ]
    assert "192.0.2.9" in line.detail


async def test_a_house_without_a_domain_asks_nobody(services: Services) -> None:
    assert await dns_records(changed(services, from_="digest@localhost"), NOW, lookup=answering({})) == []


# ---- the world


async def test_the_hosts_of_every_source_that_is_read_are_asked_and_no_other(services: Services) -> None:
    with ReplayServer() as there, ReplayServer() as elsewhere:
        here = changed(
            services,
            sources=("hackernews", "biorxiv"),
            hackernews_url=there.url,
            arxiv_api_url=there.url,
            feeds=(f"{elsewhere.url}/feed?key=hush",),
        )
        findings = await world(here, datetime.now(UTC))
    assert [(finding.verdict, finding.detail.partition(":9 (")[0]) for finding in findings] == [
        (OK, f"{there.url} answers (hackernews)"),
        (FAIL, "http://127.0.0.1"),
        (OK, f"{elsewhere.url} answers (feeds)"),
    ]
    assert "biorxiv" in findings[1].detail
    assert "hush" not in repr(findings)


async def test_a_clock_that_is_off_is_told_once(services: Services) -> None:
    with ReplayServer() as there, ReplayServer() as elsewhere:
        here = changed(
            services, sources=("hackernews",), hackernews_url=there.url, arxiv_api_url=elsewhere.url
        )
        findings = await world(here, datetime.now(UTC) - timedelta(hours=2))
    assert [finding.check for finding in findings] == ["source", "source", "clock"]
