"""Description of the machine a benchmark runs on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def describe_machine() -> str:
    """Return date, processor, versions and load in one sentence."""
    model = next(
        (line for line in _read_cpu_info().splitlines() if line.startswith("model name")),
        ": unknown processor",
    )
    parts = [
        f"{_count_cores()} x {model.partition(':')[2].strip()}",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("sqlalchemy", "numpy", "lxml", "jinja2")),
        f"load {os.getloadavg()[2]:.0f} in the last quarter of an hour",
    ]
    return f"{datetime.now(UTC):%Y-%m-%d}, " + ", ".join(parts) + "."


def _read_cpu_info() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _count_cores() -> int:
    return max(_read_cpu_info().count("processor\t"), 1)
