"""The doctor's checks: each problem is found with its fix, and checking changes nothing."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from digest.app.services import Services, open_services
from digest.tools.demo.scenario import make_isolated_settings
from digest.tools.doctor import run_checks
from digest.tools.doctor.dns import Lookup, check_dns
from digest.tools.doctor.findings import CheckLevel, Finding
from digest.tools.doctor.smtp import check_mail_servers
from digest.tools.doctor.sources import check_sources
from tests.factories import NOW, make_paper
from tests.replay_server import ReplayServer
from tests.smtp_server import EXTENSIONS, Action, Drop, Reply, SmtpServer, SmtpStage

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
    """Services on a new database; nothing about them is wrong."""
    settings = make_isolated_settings(
        tmp_path / "digest.sqlite3", sources_url="http://127.0.0.1:9", smtp_url=""
    )
    with closing(open_services(settings)) as services:
        yield services


def change_settings(services: Services, **settings: object) -> Services:
    return Services(services.settings.model_copy(update=settings), services.store)


def to_levels(findings: Sequence[Finding]) -> dict[str, CheckLevel]:
    return {finding.check: finding.level for finding in findings}


async def run_offline_checks(services: Services) -> dict[str, CheckLevel]:
    findings = await run_checks(services, NOW, offline=True)
    assert all(finding.fix for finding in findings if finding.level is not OK)
    return to_levels(findings)


async def test_a_maildir_for_bounces_must_exist(services: Services, tmp_path: Path) -> None:
    changed = change_settings(services, bounce_mailbox=SecretStr(f"maildir:{tmp_path}/box"))
    assert (await run_offline_checks(changed))["bounces"] is FAIL
    for part in ("cur", "new", "tmp"):
        (tmp_path / "box" / part).mkdir(parents=True)
    assert (await run_offline_checks(changed))["bounces"] is OK


def make_lookup(records: Mapping[tuple[str, str], list[str] | None]) -> Lookup:
    async def lookup(name: str, kind: str) -> Sequence[str] | None:
        return records.get((name, kind), [])

    return lookup


def write_dkim_key(folder: Path) -> Path:
    key = folder / "dkim.pem"
    format_ = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(*format_))
    return key


# ---- the installation


async def test_a_correct_installation_has_only_ok_findings(services: Services) -> None:
    with services.store.begin() as tx:
        tx.papers.add([make_paper()], seen_at=NOW)
    levels = await run_offline_checks(services)
    assert set(levels.values()) == {OK}
    assert {"base URL", "secret key", "postal address", "sender", "database", "disk", "headers"} <= set(
        levels
    )


@pytest.mark.parametrize(
    ("setting", "value", "check", "level"),
    [
        ("base_url", "http://127.0.0.1:8000", "base URL", WARN),
        ("base_url", "http://papers.example", "base URL", FAIL),
        ("base_url", "http://papers.example", "headers", WARN),
        ("secret_key", SecretStr("short"), "secret key", FAIL),
        ("secret_key", SecretStr(""), "secret key", OK),
        ("postal_address", "", "postal address", WARN),
        ("from_", "digest@localhost", "sender", WARN),
        ("channel_hosts", ("hooks.slack.com",), "channels", OK),
        ("oidc_issuer", "https://login.example", "oidc", FAIL),  # without a client id
    ],
)
async def test_each_wrong_setting_is_a_finding_with_its_fix(
    services: Services, setting: str, value: object, check: str, level: CheckLevel
) -> None:
    assert (await run_offline_checks(change_settings(services, **{setting: value})))[check] is level


async def test_paused_sending_and_an_empty_database_are_warnings(services: Services) -> None:
    with services.store.begin() as tx:
        tx.meta.pause("It was restored.")
    levels = await run_offline_checks(services)
    assert (levels["sending"], levels["digest"]) == (WARN, WARN)


@pytest.mark.parametrize(
    ("setting", "package", "extra"),
    [
        ("channel_hosts", "apprise", "channels"),
        ("sns_topics", "cryptography", "ses"),
        ("oidc_issuer", "joserfc", "oidc"),
    ],
)
async def test_a_setting_whose_extra_is_not_installed_fails_with_what_to_install(
    services: Services, monkeypatch: pytest.MonkeyPatch, setting: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    findings = await run_checks(
        change_settings(services, **{setting: ("https://login.example",)}), NOW, offline=True
    )
    [finding] = [finding for finding in findings if finding.check == extra]
    assert finding.level is FAIL
    assert package in finding.detail
    assert f"[{extra}]" in finding.fix


def set_mode(path: Path, mode: int) -> None:  # not async, so it may block
    path.chmod(mode)


async def test_a_database_that_every_user_of_the_machine_can_read_is_named(
    services: Services, tmp_path: Path
) -> None:
    assert "privacy" not in await run_offline_checks(services)
    (tmp_path / "digest.sqlite3.lock").touch()
    set_mode(tmp_path / "digest.sqlite3.lock", 0o644)  # empty: there is nothing in it to read
    set_mode(tmp_path / "digest.sqlite3", 0o644)
    set_mode(tmp_path, 0o755)
    findings = await run_checks(services, NOW, offline=True)
    [finding] = [finding for finding in findings if finding.check == "privacy"]
    assert (finding.level, finding.detail.partition(":")[0]) == (WARN, "digest.sqlite3")
    assert finding.fix == f"chmod go= {tmp_path / 'digest.sqlite3'}*"
    set_mode(tmp_path, 0o700)
    assert "privacy" not in await run_offline_checks(services)


async def test_an_outbox_that_others_can_read_and_a_short_token_are_reported(
    services: Services, tmp_path: Path
) -> None:
    (tmp_path / "outbox").mkdir(mode=0o700)
    services = change_settings(
        services, outbox_dir=tmp_path / "outbox", admin_token=SecretStr("t" * 32), viewer_token=SecretStr("")
    )
    assert not {"privacy", "tokens"} & set(await run_offline_checks(services))
    set_mode(tmp_path / "outbox", 0o755)
    findings = await run_offline_checks(change_settings(services, viewer_token=SecretStr("look")))
    assert findings["privacy"] is WARN
    assert findings["tokens"] is FAIL


async def test_our_own_signature_must_cover_the_unsubscribe_headers(
    services: Services, tmp_path: Path
) -> None:
    assert "signature" not in await run_offline_checks(services)
    assert (await run_offline_checks(change_settings(services, dkim_key=write_dkim_key(tmp_path))))[
        "signature"
    ] is OK


# ---- the mail server


def use_smtp_server(
    services: Services, server: SmtpServer, *, login: str = "", tls: str = "none"
) -> Services:
    url = f"smtp://{login}127.0.0.1:{server.port}?tls={tls}"
    return change_settings(services, smtp_url=SecretStr(url))


async def test_a_good_mail_server_is_named_with_what_it_offers(services: Services) -> None:
    async with SmtpServer().running() as server:
        findings = await check_mail_servers(use_smtp_server(services, server), NOW)
    assert to_levels(findings) == {"mail server": OK, "mail extensions": OK}  # no TLS needed on this machine
    assert "PIPELINING" in findings[1].detail
    assert not server.accepted


async def test_a_server_without_the_required_encryption_fails(services: Services) -> None:
    async with SmtpServer().running() as server:
        findings = await check_mail_servers(use_smtp_server(services, server, tls="required"), NOW)
    assert to_levels(findings) == {"mail server": FAIL}
    assert "DIGEST_SMTP_URL" in findings[0].fix


async def test_a_wrong_password_is_recognised_and_not_shown(services: Services) -> None:
    async with SmtpServer(extensions=(*EXTENSIONS, "AUTH PLAIN")).running() as server:
        server.respond("auth", Reply(535, "5.7.8 wrong"))
        findings = await check_mail_servers(use_smtp_server(services, server, login="ada:hush@"), NOW)
    assert to_levels(findings) == {"mail server": FAIL}
    assert "login: 535 5.7.8 wrong" in findings[0].detail
    assert "password" in findings[0].fix
    assert "hush" not in repr(findings)


@pytest.mark.parametrize(
    ("stage", "reply", "login", "fix"),
    [
        ("mail", Reply(530, "5.7.0 Authentication required"), "", "put user and password into"),
        ("mail", Reply(553, "5.7.1 not your address"), "", "DIGEST_FROM"),
        ("mail", Drop(), "", "the log of the mail server"),
        ("ehlo", None, "ada:secret@", "leave user and password out"),  # the server knows no AUTH
    ],
)
async def test_a_server_that_takes_no_mail_from_us_fails_with_the_fix(
    services: Services, stage: SmtpStage, reply: Action | None, login: str, fix: str
) -> None:
    async with SmtpServer().running() as server:
        if reply:
            server.respond(stage, reply)
        (finding,) = await check_mail_servers(use_smtp_server(services, server, login=login), NOW)
    assert finding.level is FAIL
    assert fix in finding.fix
    assert not server.accepted


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",), ("SMTPUTF8",)])
async def test_a_missing_extension_is_a_warning(services: Services, extensions: tuple[str, ...]) -> None:
    async with SmtpServer(extensions=extensions).running() as server:
        findings = await check_mail_servers(use_smtp_server(services, server), NOW)
    assert to_levels(findings)["mail extensions"] is WARN


async def test_a_missing_or_unreachable_mail_server_is_a_finding(services: Services) -> None:
    assert to_levels(await check_mail_servers(services, NOW)) == {"mail server": WARN}
    unreachable = change_settings(services, smtp_url=SecretStr("smtp://127.0.0.1:9?tls=none"))
    (finding,) = await check_mail_servers(unreachable, NOW)
    assert finding.level is FAIL
    assert "127.0.0.1:9 cannot be asked: " in finding.detail


# ---- DNS


@pytest.fixture
def signing_services(services: Services, tmp_path: Path) -> Services:
    """Services that send through a relay and sign with their own key."""
    return change_settings(
        services, smtp_url=SecretStr("smtp://relay.example:587"), dkim_key=write_dkim_key(tmp_path)
    )


async def test_correct_dns_records_are_all_ok(signing_services: Services) -> None:
    records = {**RECORDS, ("relay.example", "A"): ["192.0.2.1"]}
    levels = to_levels(await check_dns(signing_services, NOW, lookup=make_lookup(records)))
    assert levels == dict.fromkeys(("SPF", "DKIM", "DMARC", "return path", "PTR"), OK)


@pytest.mark.parametrize(
    ("name", "kind", "records", "check", "level"),
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
async def test_what_is_missing_in_the_dns_is_a_finding_with_its_fix(  # noqa: PLR0917  a table's row
    signing_services: Services, name: str, kind: str, records: list[str] | None, check: str, level: CheckLevel
) -> None:
    findings = await check_dns(signing_services, NOW, lookup=make_lookup({**RECORDS, (name, kind): records}))
    assert to_levels(findings)[check] is level
    assert all(finding.fix for finding in findings if finding.level is not OK)


async def test_a_local_mail_server_is_checked_by_the_domains_own_mail_host(services: Services) -> None:
    local = change_settings(services, smtp_url=SecretStr("smtp://127.0.0.1:25"))
    records = {**RECORDS, ("mx.papers.example", "A"): ["192.0.2.9"]}
    findings = await check_dns(local, NOW, lookup=make_lookup(records))
    (finding,) = [finding for finding in findings if finding.check == "PTR"]
    assert "192.0.2.9" in finding.detail


async def test_an_installation_without_a_domain_makes_no_dns_queries(services: Services) -> None:
    assert (
        await check_dns(change_settings(services, from_="digest@localhost"), NOW, lookup=make_lookup({}))
        == []
    )


# ---- the sources


async def test_only_the_hosts_of_enabled_sources_are_requested(services: Services) -> None:
    with ReplayServer() as hackernews, ReplayServer() as other:
        configured = change_settings(
            services,
            sources=("hackernews", "biorxiv"),
            hackernews_url=hackernews.url,
            arxiv_api_url=hackernews.url,
            feeds=(f"{other.url}/feed?key=hush",),
            llm_url=f"{other.url}/v1",
        )
        findings = await check_sources(configured, datetime.now(UTC))
    assert [(finding.level, finding.detail.partition(":9 (")[0]) for finding in findings] == [
        (OK, f"{hackernews.url} answers (hackernews)"),
        (FAIL, "http://127.0.0.1"),
        (OK, f"{other.url} answers (feeds, language model)"),
    ]
    assert "biorxiv" in findings[1].detail
    assert "hush" not in repr(findings)


async def test_a_wrong_clock_is_reported_once(services: Services) -> None:
    with ReplayServer() as hackernews, ReplayServer() as other:
        configured = change_settings(
            services, sources=("hackernews",), hackernews_url=hackernews.url, arxiv_api_url=other.url
        )
        findings = await check_sources(configured, datetime.now(UTC) - timedelta(hours=2))
    assert [finding.check for finding in findings] == ["source", "source", "clock"]
