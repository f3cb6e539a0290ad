"""The HTML templates and static files of the pages; those of the operator take precedence. Autoescaped."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from digest.mail.branding import Site

PACKAGE = Path(__file__).parent.parent
# In the wheel the templates are inside the package, in a working copy beside it.
TEMPLATE_DIRS = (PACKAGE / "templates", PACKAGE.parent / "templates")
STATIC_FILES = {
    "style.css": "text/css; charset=utf-8",
    "work.js": "text/javascript; charset=utf-8",
    "opened.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
    "card.png": "image/png",
}


class PageRenderer:
    """Renders pages from the templates; *overrides* is the operator's folder."""

    def __init__(self, site: Site, overrides: Path | None = None) -> None:
        self._dirs = [*([overrides] if overrides else []), *TEMPLATE_DIRS]
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in self._dirs]),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # templates are read once per process
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.files = {name: self._read_file(name) for name in STATIC_FILES}
        self._environment.globals.update(
            site=site,
            brand=site.brand,
            style_version=_hash(self.files["style.css"]),
            card_version=_hash(self.files["card.png"]),
            here="",
        )

    def render(self, name: str, *, status: int = 200, **values: Any) -> Response:
        """Return the page `web/NAME.html`, filled in with *values*."""
        html = self._environment.get_template(f"web/{name}.html").render(values)
        return HTMLResponse(html, status)

    def render_message(
        self,
        title: str,
        *sentences: str | Markup,
        status: int = 200,
        links: Sequence[tuple[str, str]] = (),
    ) -> Response:
        """Return a page with some sentences and *links*, which are pairs of label and path."""
        return self.render("message", status=status, title=title, sentences=sentences, links=links)

    def get_file(self, name: str) -> tuple[bytes, str]:
        """Return the content and the media type of a static file."""
        return self.files[name], STATIC_FILES[name]

    def _read_file(self, name: str) -> bytes:
        paths = (folder / "web" / name for folder in self._dirs)
        return next(path for path in paths if path.is_file()).read_bytes()


def _hash(content: bytes) -> str:
    return blake2b(content, digest_size=6).hexdigest()
