"""What lies in deploy/ is what the product is: units, images, workflows name real commands and settings."""

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
from digest.app.settings import Settings, variables
from digest.cli import COMMANDS
from digest.delivery.smtp.transport import Server
from digest.models import FetchResult
from digest.pipeline.clock_repair import LAST_TICK
from digest.tools.demo.scenario import sealed
from digest.web.app import build, nothing_beside
from tests.factories import NOW

TOP = Path(__file__).parent.parent
DEPLOY = TOP / "deploy"
FILES = [path for path in DEPLOY.rglob("*") if path.is_file()]
KNOWN = set(variables().values())
_SETTING = re.compile(r"\bDIGEST_[A-Z_]+\b")


def _yaml(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_named_is_a_setting(path: Path) -> None:
    named = {name.removesuffix("_FILE") for name in _SETTING.findall(path.read_text())}
    assert named <= KNOWN


@pytest.mark.parametrize("path", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda path: path.name)
def test_units_start_commands_that_exist(path: Path) -> None:
    (command,) = re.findall(r"^ExecStart=\S*/digest (\w+)", path.read_text(), re.MULTILINE)
    assert command in COMMANDS


@pytest.mark.parametrize("path", sorted((DEPLOY / "systemd").iterdir()), ids=lambda path: path.name)
def test_systemd_finds_no_fault_with_a_unit(path: Path, tmp_path: Path) -> None:
    for unit in path.parent.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/digest/bin/digest", "/bin/true"))
    told = _systemd_analyze("verify", "--man=no", str(tmp_path / path.name)).stderr
    assert [line for line in told.splitlines() if path.name in line] == []


def test_the_unit_exposes_little() -> None:
    told = _systemd_analyze(
        "security", "--offline=true", "--no-pager", str(DEPLOY / "systemd/digest.service")
    )
    found = re.search(r"exposure level for \S+: (\d+\.\d)", told.stdout)
    assert found, told.stderr
    assert float(found[1]) <= 2.5


def _systemd_analyze(*args: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is absent: apt-get install systemd")
    return subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, check=False)


def test_commands_are_run_as_the_service_runs() -> None:
    script, unit = (DEPLOY / "digest-admin").read_text(), (DEPLOY / "systemd/digest.service").read_text()
    given = re.findall(r"--property=(\S+)", script)
    assert {"User=digest", "DynamicUser=yes"} <= set(given)
    assert all(f"\n{line}\n" in unit for line in given)
    assert subprocess.run(["sh", "-n", str(DEPLOY / "digest-admin")], check=False).returncode == 0


def test_compose_runs_commands_that_exist_and_keeps_its_data() -> None:
    (compose,) = _yaml("compose.yaml")
    services = compose["services"]
    assert services["migrate"]["command"][0] in COMMANDS
    assert services["digest"]["read_only"]
    kept = {
        volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())
    }
    assert kept == set(compose["volumes"])


def test_compose_tells_how_mail_leaves_by_each_of_its_profiles() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    (compose,) = _yaml("compose.yaml")
    for service in compose["services"].values():
        for profile in service.get("profiles", ()):
            assert f"--profile {profile} up" in text
    for url in re.findall(r"smtp://(?:relay|catcher):\d+\?tls=\w+", text):
        assert Server.parse(url).host in compose["services"]


def test_compose_lets_nobody_but_the_house_reach_its_books() -> None:
    (compose,) = _yaml("compose.yaml")
    assert compose["networks"]["books"]["internal"]
    inside = {name for name, service in compose["services"].items() if "books" in service.get("networks", ())}
    assert inside == {"digest", "migrate", "database"}
    assert compose["services"]["database"]["networks"] == ["books"]
    for name in ("digest", "migrate"):
        assert compose["services"][name]["cap_drop"] == ["ALL"]
    published = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_kubernetes_runs_web_and_workers_as_nobody() -> None:
    runs = [doc for doc in _yaml("kubernetes/digest.yaml") if doc["kind"] in ("Deployment", "Job")]
    assert [run["metadata"]["name"] for run in runs] == ["digest-migrate", "digest-web", "digest-worker"]
    for deployment in runs:
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["containers"][0]["args"][0] in COMMANDS


def test_the_personal_workflow_calls_commands_that_exist() -> None:
    (workflow,) = _yaml("github/personal-digest.yml")
    scripts = "\n".join(step.get("run", "") for step in workflow["jobs"]["digest"]["steps"])
    called = set(re.findall(r"\bdigest (\w+)", scripts))
    assert {"run", "subscribers"} <= called <= set(COMMANDS)


def test_the_personal_workflow_gives_its_secrets_to_nothing_that_installs() -> None:
    (workflow,) = _yaml("github/personal-digest.yml")
    job = workflow["jobs"]["digest"]
    assert workflow["permissions"] == {"contents": "read"}
    assert "env" not in job
    for step in job["steps"]:
        assert "secrets." not in str(step) or ("uses" not in step and "pip" not in step["run"])
        assert "${{" not in step.get("run", "")  # a secret that holds a quote must not become a command


def test_the_image_runs_as_nobody_and_says_whether_it_is_well() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    (extras,) = re.findall(r'"\.\[([a-z,]+)\]"', dockerfile)
    known = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"postgres"} <= set(extras.split(",")) <= set(known)
    assert "\nUSER digest\n" in dockerfile
    assert "HEALTHCHECK" in dockerfile
    for copied in re.findall(r"^COPY ([\w./]+) ", dockerfile, re.MULTILINE):
        assert (TOP / copied).exists()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_and_name_no_host(name: str) -> None:
    lines = [line for line in (DEPLOY / name).read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"^[\w.\[\]-]+==\S+", line) for line in lines)
    assert not any("://" in line or line.startswith("-") for line in lines)


def _measured(text: str) -> set[str]:
    """The metrics that an expression, a dashboard or the rules name."""
    return set(re.findall(r"\bdigest_[a-z0-9_]+", text))


def _sealed(folder: Path) -> Settings:
    return sealed(folder / "digest.sqlite3", upstream="http://127.0.0.1:9", mailbox="")


async def test_dashboard_and_alert_rules_name_metrics_that_are_measured(tmp_path: Path) -> None:
    with closing(open_services(_sealed(tmp_path))) as services:
        with services.store.begin() as tx:
            tx.sources.record(FetchResult(source="arxiv", scope="cs", read_at=NOW))
            tx.meta.write(LAST_TICK, NOW.isoformat())
        transport = ASGITransport(build(services, lifespan=nothing_beside))
        async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as visitor:
            told = (await visitor.get("/metrics")).text
    measured = _measured("\n".join(line for line in told.splitlines() if not line.startswith("#")))
    rules = _measured((DEPLOY / "prometheus/alerts.yaml").read_text())
    shown = _measured((DEPLOY / "grafana/dashboard.json").read_text())
    assert rules <= measured
    assert shown == measured


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    (loaded,) = _yaml("prometheus/alerts.yaml")
    for rule in loaded["groups"][0]["rules"]:
        assert rule["alert"].startswith("Digest")
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert {"summary", "description"} <= rule["annotations"].keys()
        named = re.findall(r"(?<=: |, )digest (\w+)", rule["annotations"]["description"])
        assert set(named) <= set(COMMANDS)


def test_prometheus_understands_the_alert_rules() -> None:
    if not shutil.which("promtool"):
        pytest.skip("promtool is absent: apt-get install prometheus")
    path = str(DEPLOY / "prometheus/alerts.yaml")
    told = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def test_panels_of_the_dashboard_lie_beside_each_other() -> None:
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
