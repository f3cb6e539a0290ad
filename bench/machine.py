"""Where and when was this measured? Without it a figure means nothing."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """Where and when this was measured."""
    model = next(
        (line for line in _cpu().splitlines() if line.startswith("model name")), ": unknown processor"
    )
    parts = [
        f"{_cores()} x {model.partition(':')[2].strip()}",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("sqlalchemy", "numpy", "lxml", "jinja2")),
        f"load {os.getloadavg()[2]:.0f} in the last quarter of an hour",
    ]
    return f"{datetime.now(UTC):%Y-%m-%d}, " + ", ".join(parts) + "."


def _cpu() -> str:
    found = Path("/proc/cpuinfo")
    return found.read_text(encoding="utf-8") if found.exists() else ""


def _cores() -> int:
    return max(_cpu().count("processor\t"), 1)
