"""Build hook: wheel and sdist hold the commit they were built from, which `digest --version` names."""

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMMIT_FILE = "digest/commit.txt"  # in .gitignore: it belongs to builds only


class CommitHook(BuildHookInterface[Any]):
    """Writes the short hash of the commit; a build from an sdist keeps the file that it came with."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file before the build collects its files."""
        del version
        path = Path(self.root) / COMMIT_FILE
        if (Path(self.root) / ".git").exists():
            command = ["git", "-C", self.root, "rev-parse", "--short=12", "HEAD"]
            result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  fixed words
            if result.returncode == 0:
                path.write_text(result.stdout)
        if path.exists():
            build_data["artifacts"].append(f"/{COMMIT_FILE}")
