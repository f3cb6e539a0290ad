"""Hook of mkdocs: links to files outside docs/ lead to the repository."""

import re
from typing import Any

_LINK = re.compile(r"\]\((?P<up>(?:\.\./)+)(?P<path>[^)\s]*)\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Return the page with links that leave docs/ pointing at the repository."""
    depth = page.file.src_uri.count("/")

    def replace(match: re.Match[str]) -> str:
        levels = match["up"].count("../")
        if levels <= depth:
            return match[0]
        return f"]({config.repo_url.rstrip('/')}/blob/main/{match['path']})"

    return _LINK.sub(replace, markdown)
