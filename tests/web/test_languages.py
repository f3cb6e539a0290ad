"""Tests of the language of the pages: how it is chosen, and that no text of a page is untranslated."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from httpx import AsyncClient
from jinja2 import Environment, nodes

import digest.web
from digest.app.services import Services
from digest.mail.locale import LANGUAGES, get_locale
from digest.mail.templates import find_templates_dir
from digest.models import Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import (
    DigestError,
    InvalidAddress,
    InvalidChange,
    LinkExpired,
    Phrase,
    SourceChanged,
    SourceError,
)
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from digest.sources.http.response import BadResponse, Response
from digest.sources.libraries.clients import LibraryAccounts, fetch_seeds
from digest.sources.libraries.request import LIBRARY_NAMES, describe_failure
from digest.subscribers.validation import apply_changes
from digest.web.context import feed_path
from digest.web.languages import choose_language, set_page_language, translate_error
from tests.factories import make_subscriber
from tests.web.visit import ADMIN, BASE, url_path

TEMPLATES = find_templates_dir() / "web"
PAGES = [path for path in sorted(TEMPLATES.glob("*.html")) if not path.name.startswith("demo")]
CODE = Path(digest.web.__file__).parent
MODULES = [*sorted((CODE / "routes").glob("*.py")), *sorted(CODE.glob("*.py"))]
# Names, and forms of data, which are the same in every language.
NAMES = re.compile(
    r"Atom|JSON|ORCID iD|BibTeX|CSL-JSON|RIS|Markdown|Zotero|Slack|Discord|MCP|×|·"
    r"|/feed\.atom\?category=cs\.CL"
)
SPOKEN_ATTRIBUTES = re.compile(r'\b(?:aria-label|placeholder|title|alt|data-done)="([^"]*)')
EXAMPLES = {"diffusion models, robotics"}  # papers are in English
IDENTIFIER = re.compile(r"\s*(?:[\w/-]*[\d.][\w./-]*)\s*")  # an example of what can be typed
TRANSLATORS = {"_", "gettext", "ngettext", "gettext_noop", "ngettext_noop", "format_count"}
# What readers do not see: the log, errors (translated by `translate_error`), programs and the operator.
UNSEEN_CALLS = re.compile(r"[A-Z]\w*|Field|error|warning|info|get|getLogger|compile|strptime|literal_column")
UNSEEN_MODULES = {
    "health.py", "bounce_webhooks.py", "mcp.py", "mcp_server.py", "reader_api.py", "server.py", "oidc.py",
    "sign_in_links.py", "admin_session.py", "middleware.py", "feeds.py",
}  # fmt: skip
SENTENCE = re.compile(r"[A-Z][a-z’]+ [\w“%(]|[A-Z][a-z]+ [a-z]+[.?!]?$")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("pt-BR, es;q=0.7, en;q=0.5", "es"),
        ("en;q=0.2, zh-Hans-CN;q=0.9", "zh"),
        ("fr;q=0, de;q=0.1", "de"),
        ("fr;q=0", "en"),
        ("ja, *", "en"),
        ("de;q=oops", "en"),
        (",;q=,,=;" * 2000, "en"),
    ],
)
def test_the_language_is_the_one_the_browser_prefers(header: str, language: str) -> None:
    assert choose_language(header) == language


async def test_a_reader_gets_the_language_they_chose_and_everybody_else_that_of_the_browser(
    app: FastAPI, visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        tx.subscribers.save(replace(ada, preferences=replace(ada.preferences, language="es-MX")))
    french = {"accept-language": "fr"}
    links = services.links
    for path, language, title in (
        ("/", "fr", "En vogue aujourd’hui"),
        ("/nothing", "fr", "Il n’y a rien ici"),
        ("/archive/9999", "fr", "Un jour des archives s’écrit comme 2026-11-23."),
        (url_path(links.preferences_url(ada.public_id)), "es", "Tus preferencias"),
        (url_path(links.unsubscribe_url(ada.public_id)), "es", "¿Darte de baja?"),
    ):
        page = await visitor.get(path, headers=french)
        assert f'<html lang="{language}">' in page.text
        assert page.headers["content-language"] == language
        assert title in page.text, path
    feed = await visitor.get(feed_path(app.state.ctx, ada, "atom"), headers=french)
    assert ": tus números</title>" in feed.text


@pytest.mark.parametrize(
    ("language", "english"),
    [("en", "English"), ("de", "Englisch"), ("fr", "anglais"), ("es", "inglés"), ("zh", "英文")],
)
async def test_the_fields_for_interests_say_that_they_are_matched_in_english(
    visitor: AsyncClient, services: Services, ada: Subscriber, language: str, english: str
) -> None:
    with services.store.begin() as tx:
        tx.subscribers.save(replace(ada, preferences=replace(ada.preferences, language=language)))

    front = await visitor.get("/", headers={"accept-language": language})
    settings = await visitor.get(url_path(services.links.preferences_url(ada.public_id)))

    for page, hint in ((front, "interests"), (settings, "keywords"), (settings, "text")):
        field = BeautifulSoup(page.text, "lxml").select_one(f"#{hint}-hint")
        assert field is not None
        assert english in field.get_text()


async def test_the_administration_stays_english(visitor: AsyncClient) -> None:
    visitor.headers.update({"accept-language": "de", "origin": BASE})
    await visitor.post("/admin/login", data={"token": ADMIN})
    assert '<html lang="en">' in (await visitor.get("/admin")).text


def test_errors_are_translated_with_their_values_and_the_labels_of_settings() -> None:
    limit = InvalidChange("%(name)s must be between 0 and %(most)s.", name="trending", most=20)
    assert str(limit) == "trending must be between 0 and 20."
    assert translate_error(limit) == "“Trending” must be between 0 and 20."
    set_page_language("de")
    try:
        assert translate_error(limit) == "„Im Trend“ muss zwischen 0 und 20 liegen."
        assert translate_error(LinkExpired()).startswith("Dieser Link ist abgelaufen")
        assert translate_error(InvalidChange("Unheard of.")) == "Dieser Wert ist hier nicht erlaubt."
    finally:
        set_page_language("en")


WRONG_ADDRESSES = (  # each for a reason of its own
    "",
    "ada",
    "ada\N{FULLWIDTH COMMERCIAL AT}example.com",
    "ada\N{SMALL COMMERCIAL AT}example.com",
    "@example.com",
    "ada@",
    "ada@localhost",
    "ada@example.x1",
    "ada@example.test",
    f"{'a' * 70}@example.com",
    f"ada@{'a' * 70}.com",
    ".ada@example.com",
    "ada@-example.com",
    "Ada <ada@example.com>",
    "<ada@example.com",
    "ada@[192.0.2.1]",
    "a b@example.com",
    "ada@exa_mple.com",
    "ada@xn--a.com",
)
WRONG_SETTINGS = (
    {"trending": "x"},
    {"trending": "99"},
    {"weekday": ""},
    {"mix": "x"},
    {"frequency": "hourly"},
    {"paused_until": "soon"},
    {"paused_until": "3000-01-01"},
    {"categories": "cs.CLL"},
    {"categories": "cs.nothing"},
    {"timezone": "Mars"},
    {"send_at": "25:99"},
    {"send_at": "07:00+01:00"},
    {"language": "xx"},
)
WRONG_LIBRARIES = (
    {"zotero": "x"},
    {"zotero": "1", "zotero_key": "clé"},
    {"orcid": "x"},
    {"author": "x"},
)


async def list_refusals() -> list[DigestError]:
    """Return what readers are told about values that are not taken."""
    answers = (Response(url="", status=status, headers={}, body=b"") for status in (403, 404, 500))
    failures = (SourceError(), SourceChanged(), *map(BadResponse, answers))
    errors: list[DigestError] = [
        SourceError("The %(library)s could not be read: %(why)s.", library=name, why=describe_failure(error))
        for name in LIBRARY_NAMES.values()
        for error in failures
    ]
    for address in WRONG_ADDRESSES:
        with pytest.raises(InvalidAddress) as address_error:
            parse_address(address)
        errors.append(address_error.value)
    for changes in WRONG_SETTINGS:
        with pytest.raises(InvalidChange) as settings_error:
            apply_changes(make_subscriber(), changes)
        errors.append(settings_error.value)
    client = Client(ClientPolicy(user_agent="test"))
    for accounts in WRONG_LIBRARIES:
        with pytest.raises(InvalidChange) as library_error:
            await fetch_seeds(client, SourceConfig(), LibraryAccounts(**accounts), limit=1)
        errors.append(library_error.value)
    return errors


def list_templates(error: DigestError | Phrase) -> list[str]:
    """Return the messages that an error is made of."""
    parts = (value for value in error.names.values() if isinstance(value, Phrase))
    return [error.template, *chain(*map(list_templates, parts))]


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
async def test_what_was_not_taken_and_why_is_said_in_the_language_of_the_page(language: str) -> None:
    gettext = get_locale(language).gettext
    set_page_language(language)
    try:
        for error in await list_refusals():
            said = translate_error(error)
            for template in list_templates(error):
                assert gettext(template) != template
                parts = re.split(r"%\(\w+\)s", gettext(template))
                assert all(part.strip() in said for part in parts), said
    finally:
        set_page_language("en")


def test_each_wrong_address_is_refused_for_its_reason() -> None:
    reasons = set()
    for address in WRONG_ADDRESSES:
        with pytest.raises(InvalidAddress) as caught:
            parse_address(address)
        reasons.add(str(caught.value.names["why"]))
    assert len(reasons) == 13, reasons  # every one that there is


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_text_of_a_template_is_untranslated(path: Path) -> None:
    environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    tree = environment.parse(path.read_text())
    _remove_block(tree, "width")  # it prints class names
    html = "".join(node.data if isinstance(node, nodes.TemplateData) else "\0" for node in _find_output(tree))
    spoken = " ".join(SPOKEN_ATTRIBUTES.findall(html))
    text = NAMES.sub("", re.sub(r"<(pre|code)>.*?</\1>|<[^>]*>|&\w+;", " ", html.replace("\0", "")))
    assert re.findall(r"\w{2,}", text) == []
    words = [word for word in re.split(r"\0|\s", spoken) if word and word not in str(EXAMPLES)]
    assert [word for word in words if not IDENTIFIER.fullmatch(word)] == []
    constants = {node.value for node in _find_constants(tree)}
    assert [text for text in constants if SENTENCE.match(text) and text not in EXAMPLES] == []


def _remove_block(tree: nodes.Template, name: str) -> None:
    tree.body = [node for node in tree.body if not (isinstance(node, nodes.Block) and node.name == name)]


def _find_output(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the pieces that a template prints, in order."""
    for output in tree.find_all(nodes.Output):
        yield from output.nodes


def _find_constants(node: nodes.Node) -> Iterator[nodes.Const]:
    """Yield the strings of a template outside of its calls of gettext."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in TRANSLATORS:
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node
    for child in node.iter_child_nodes():
        yield from _find_constants(child)


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name not in UNSEEN_MODULES], ids=lambda path: path.name
)
def test_no_sentence_of_the_code_is_untranslated(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert [text for text in _find_strings(tree) if SENTENCE.match(text) and text not in EXAMPLES] == []


def _find_strings(node: ast.AST) -> Iterator[str]:
    """Yield the strings of a module that are neither docstrings nor arguments of gettext or of an error."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in TRANSLATORS or (UNSEEN_CALLS.fullmatch(name) and name != "Button"):
            return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if not is_docstring:
            yield from _find_strings(child)
