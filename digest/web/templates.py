"""How does a page become HTML? Templates of our own, the operator's first, always escaped."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from digest.mail.branding import Site

PACKAGE = Path(__file__).parent.parent
# In the wheel the templates lie inside the package, in a working copy beside it.
FOLDERS = (PACKAGE / "templates", PACKAGE.parent / "templates")
FILES = {
    "style.css": "text/css; charset=utf-8",
    "work.js": "text/javascript; charset=utf-8",
    "opened.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
    "card.png": "image/png",
}


class Pages:
    """The page templates, ready to be filled in."""

    def __init__(self, site: Site, overrides: Path | None = None) -> None:
        self._folders = [*([overrides] if overrides else []), *FOLDERS]
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in self._folders]),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # templates are read once per process
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.files = {name: self._source(name) for name in FILES}
        self._environment.globals.update(
            site=site,
            brand=site.brand,
            style_version=_version(self.files["style.css"]),
            card_version=_version(self.files["card.png"]),
            here="",
        )

    def html(self, name: str, **values: Any) -> str:
        """The page as text."""
        return self._environment.get_template(f"web/{name}.html").render(values)

    def page(self, name: str, *, status: int = 200, **values: Any) -> Response:
        """The page as an answer."""
        return HTMLResponse(self.html(name, **values), status)

    def message(
        self,
        title: str,
        *sentences: str | Markup,
        status: int = 200,
        links: Sequence[tuple[str, str]] = (),
    ) -> Response:
        """A page with one thing to read."""
        return self.page("message", status=status, title=title, sentences=sentences, links=links)

    def file(self, name: str) -> tuple[bytes, str]:
        """One of our own files and its kind."""
        return self.files[name], FILES[name]

    def _source(self, name: str) -> bytes:
        places = (folder / "web" / name for folder in self._folders)
        return next(place for place in places if place.is_file()).read_bytes()


def _version(content: bytes) -> str:
    return blake2b(content, digest_size=6).hexdigest()
