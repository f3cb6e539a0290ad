"""Tests of deploy/: units, images and workflows use existing commands and settings."""

import json
import re
import shutil
import subprocess
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from httpx import ASGITransport, AsyncClient

from digest.app.services import open_services
from digest.app.settings import Settings, list_variables
from digest.cli import COMMANDS
from digest.delivery.smtp.transport import SmtpServerConfig
from digest.models import FetchResult
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.tools.demo.scenario import make_isolated_settings
from digest.web.app import create_app
from tests.factories import NOW

TOP = Path(__file__).parent.parent
DEPLOY = TOP / "deploy"
FILES = [path for path in DEPLOY.rglob("*") if path.is_file()]
VARIABLES = set(list_variables().values())
_SETTING = re.compile(r"\bDIGEST_[A-Z_]+\b")


def _load_yaml(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_named_is_a_setting(path: Path) -> None:
    named = {name.removesuffix("_FILE") for name in _SETTING.findall(path.read_text())}
    assert named <= VARIABLES


@pytest.mark.parametrize("path", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda path: path.name)
def test_units_start_commands_that_exist(path: Path) -> None:
    (command,) = re.findall(r"^ExecStart=\S*/digest (\w+)", path.read_text(), re.MULTILINE)
    assert command in COMMANDS


@pytest.mark.parametrize("path", sorted((DEPLOY / "systemd").iterdir()), ids=lambda path: path.name)
def test_systemd_analyze_accepts_the_unit(path: Path, tmp_path: Path) -> None:
    for unit in path.parent.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/digest/bin/digest", "/bin/true"))
    report = _systemd_analyze("verify", "--man=no", str(tmp_path / path.name)).stderr
    assert [line for line in report.splitlines() if path.name in line] == []


def test_the_unit_has_a_low_exposure_level() -> None:
    result = _systemd_analyze(
        "security", "--offline=true", "--no-pager", str(DEPLOY / "systemd/digest.service")
    )
    match = re.search(r"exposure level for \S+: (\d+\.\d)", result.stdout)
    assert match, result.stderr
    assert float(match[1]) <= 2.5


def _systemd_analyze(*args: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is absent: apt-get install systemd")
    return subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, check=False)


def test_digest_admin_runs_commands_like_the_service() -> None:
    script, unit = (DEPLOY / "digest-admin").read_text(), (DEPLOY / "systemd/digest.service").read_text()
    properties = re.findall(r"--property=(\S+)", script)
    assert {"User=digest", "DynamicUser=yes"} <= set(properties)
    assert all(f"\n{line}\n" in unit for line in properties)
    assert subprocess.run(["sh", "-n", str(DEPLOY / "digest-admin")], check=False).returncode == 0


def test_compose_runs_commands_that_exist_and_keeps_its_data() -> None:
    (compose,) = _load_yaml("compose.yaml")
    services = compose["services"]
    assert services["migrate"]["command"][0] in COMMANDS
    assert services["digest"]["read_only"]
    volumes = {
        volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())
    }
    assert {volume for volume in volumes if not volume.startswith("./")} == set(compose["volumes"])
    assert all((DEPLOY / volume).is_file() for volume in volumes if volume.startswith("./"))


def test_compose_passes_every_setting_and_refuses_to_start_without_a_mail_server() -> None:
    (compose,) = _load_yaml("compose.yaml")
    service = compose["services"]["digest"]
    assert service["env_file"] == [".env"]
    for name in ("DIGEST_SMTP_URL", "DIGEST_SECRET_KEY"):
        assert service["environment"][name].startswith(
            f"${{{name}:?"
        )  # compose stops with the sentence after it
    assert not any(
        password in str(compose) for password in ("digest:digest@", "'POSTGRES_PASSWORD': 'digest'")
    )


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf", "kubernetes/digest.yaml"])
def test_proxies_do_not_pass_on_metrics(name: str) -> None:
    text = (DEPLOY / name).read_text()
    assert re.search(
        r"path: /metrics, pathType: Exact|= /metrics \{ return 404|@private path /metrics ", text
    )


def test_compose_documents_its_mail_profiles() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    (compose,) = _load_yaml("compose.yaml")
    for service in compose["services"].values():
        for profile in service.get("profiles", ()):
            assert f"--profile {profile} up" in text
    for url in re.findall(r"smtp://(?:relay|catcher):\d+\?tls=\w+", text):
        assert SmtpServerConfig.parse(url).host in compose["services"]


def test_compose_isolates_the_database() -> None:
    (compose,) = _load_yaml("compose.yaml")
    assert compose["networks"]["database"]["internal"]
    members = {
        name for name, service in compose["services"].items() if "database" in service.get("networks", ())
    }
    assert members == {"digest", "migrate", "backup", "database"}
    assert compose["services"]["database"]["networks"] == ["database"]
    for name in ("digest", "migrate"):
        assert compose["services"][name]["cap_drop"] == ["ALL"]
    published = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_kubernetes_runs_web_and_workers_without_root() -> None:
    runs = [doc for doc in _load_yaml("kubernetes/digest.yaml") if doc["kind"] in ("Deployment", "Job")]
    assert [run["metadata"]["name"] for run in runs] == ["digest-migrate", "digest-web", "digest-worker"]
    for deployment in runs:
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["containers"][0]["args"][0] in COMMANDS


def test_kubernetes_probes_pages_keeps_some_pods_and_stores_nothing() -> None:
    documents = {(doc["kind"], doc["metadata"]["name"]): doc for doc in _load_yaml("kubernetes/digest.yaml")}
    (web,) = documents["Deployment", "digest-web"]["spec"]["template"]["spec"]["containers"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= web.keys()
    for name in ("digest-web", "digest-worker"):
        labels = documents["Deployment", name]["spec"]["selector"]
        assert documents["PodDisruptionBudget", name]["spec"]["selector"] == labels
    paths = documents["Ingress", "digest"]["spec"]["rules"][0]["http"]["paths"]
    services = {name for kind, name in documents if kind == "Service"}
    assert {path["backend"]["service"]["name"] for path in paths} <= services
    assert not any(kind in ("StatefulSet", "PersistentVolumeClaim") for kind, _ in documents)


def test_the_personal_workflow_sends_whatever_the_hour() -> None:
    (workflow,) = _load_yaml("github/personal-digest.yml")
    assert workflow["jobs"]["digest"]["steps"][-1]["run"].endswith("digest run --due-now")


def test_the_personal_workflow_calls_commands_that_exist() -> None:
    (workflow,) = _load_yaml("github/personal-digest.yml")
    scripts = "\n".join(step.get("run", "") for step in workflow["jobs"]["digest"]["steps"])
    called = set(re.findall(r"\bdigest (\w+)", scripts))
    assert {"run", "subscribers"} <= called <= set(COMMANDS)


def test_the_personal_workflow_gives_no_secrets_to_installation_steps() -> None:
    (workflow,) = _load_yaml("github/personal-digest.yml")
    job = workflow["jobs"]["digest"]
    assert workflow["permissions"] == {"contents": "read"}
    assert "env" not in job
    for step in job["steps"]:
        assert "secrets." not in str(step) or ("uses" not in step and "pip" not in step["run"])
        assert "${{" not in step.get("run", "")  # a secret that holds a quote must not become a command


def test_the_image_runs_without_root_and_has_a_health_check() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    (extras,) = re.findall(r'\{wheel\}\[([a-z,]+)\]"', dockerfile)
    extra_names = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"postgres"} <= set(extras.split(",")) <= set(extra_names)
    assert "pip wheel" in dockerfile
    assert "\nUSER 10001\n" in dockerfile
    assert "HEALTHCHECK" in dockerfile
    for copied in re.findall(r"^COPY ([\w./]+) ", dockerfile, re.MULTILINE):
        assert (TOP / copied).exists()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_and_name_no_host(name: str) -> None:
    lines = [line for line in (DEPLOY / name).read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"^[\w.\[\]-]+==\S+", line) for line in lines)
    assert not any("://" in line or line.startswith("-") for line in lines)


def _find_metrics(text: str) -> set[str]:
    """Return the metrics that an expression, a dashboard or the rules name."""
    return set(re.findall(r"\bdigest_[a-z0-9_]+", text))


def _make_settings(folder: Path) -> Settings:
    return make_isolated_settings(folder / "digest.sqlite3", sources_url="http://127.0.0.1:9", smtp_url="")


async def test_dashboard_and_alert_rules_use_existing_metrics(tmp_path: Path) -> None:
    with closing(open_services(_make_settings(tmp_path))) as services:
        with services.store.begin() as tx:
            tx.sources.record(FetchResult(source="arxiv", scope="cs", read_at=NOW))
            tx.meta.write(LAST_TICK_KEY, NOW.isoformat())
        transport = ASGITransport(create_app(services))
        async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as visitor:
            text = (await visitor.get("/metrics")).text
    measured = _find_metrics("\n".join(line for line in text.splitlines() if not line.startswith("#")))
    rules = _find_metrics((DEPLOY / "prometheus/alerts.yaml").read_text())
    shown = _find_metrics((DEPLOY / "grafana/dashboard.json").read_text())
    assert rules <= measured
    assert shown == measured


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    (loaded,) = _load_yaml("prometheus/alerts.yaml")
    for rule in loaded["groups"][0]["rules"]:
        assert rule["alert"].startswith("Digest")
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert {"summary", "description"} <= rule["annotations"].keys()
        named = re.findall(r"(?<=: |, )digest (\w+)", rule["annotations"]["description"])
        assert set(named) <= set(COMMANDS)


def test_promtool_accepts_the_alert_rules() -> None:
    if not shutil.which("promtool"):
        pytest.skip("promtool is absent: apt-get install prometheus")
    path = str(DEPLOY / "prometheus/alerts.yaml")
    result = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
