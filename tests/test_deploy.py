"""What lies in deploy/ is what the product is: units, images, workflows name real commands and settings."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from digest.cli import COMMANDS
from digest.settings import variables

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


def test_compose_runs_commands_that_exist_and_keeps_its_data() -> None:
    (compose,) = _yaml("compose.yaml")
    services = compose["services"]
    assert services["migrate"]["command"][0] in COMMANDS
    assert services["digest"]["read_only"]
    kept = {
        volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())
    }
    assert kept == set(compose["volumes"])


def test_kubernetes_runs_web_and_workers_as_nobody() -> None:
    deployments = [doc for doc in _yaml("kubernetes/digest.yaml") if doc["kind"] == "Deployment"]
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["containers"][0]["args"][0] in COMMANDS


def test_the_personal_workflow_calls_commands_that_exist() -> None:
    (workflow,) = _yaml("github/personal-digest.yml")
    scripts = "\n".join(step.get("run", "") for step in workflow["jobs"]["digest"]["steps"])
    called = set(re.findall(r"\bdigest (\w+)", scripts))
    assert {"run", "subscribers"} <= called <= set(COMMANDS)


def test_the_image_runs_as_nobody_and_says_whether_it_is_well() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert "\nUSER digest\n" in dockerfile
    assert "HEALTHCHECK" in dockerfile
    for copied in re.findall(r"^COPY ([\w./]+) ", dockerfile, re.MULTILINE):
        assert (TOP / copied).exists()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_and_name_no_host(name: str) -> None:
    lines = [line for line in (DEPLOY / name).read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"^[\w.\[\]-]+==\S+", line) for line in lines)
    assert not any("://" in line or line.startswith("-") for line in lines)
