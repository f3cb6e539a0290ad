"""The OpenAPI document of the API, and the reference page made from it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from markupsafe import Markup, escape
from starlette.responses import Response

from digest import __version__
from digest.models.errors import NotFound
from digest.web.api import exports, mail, me, operation, papers, subscribers, suppressions
from digest.web.api.schemas import PREFIX, FieldProblem, ProblemResponse
from digest.web.context import WebContext, WebContextDep
from digest.web.routing import create_router

API_MODULES = (subscribers, suppressions, mail, papers, exports, me, operation)
SECTIONS = {
    "subscribers": "Who gets the digest, with what interests and when.",
    "suppressions": "Addresses that are never emailed, stored as keyed hashes.",
    "tags": "Labels to group subscribers.",
    "mail": "What each subscriber was sent, why, and the state of each message.",
    "papers": "Papers, their attention, and what is trending.",
    "export": "Papers for reference managers.",
    "me": "A reader's own digests, votes and saved papers, with a token created on their preferences page.",
    "operation": "Sources, held editions, runs, status and audit log.",
}
EXAMPLES_FILE = Path(__file__).parent / "examples.json"
FACTS = (
    "Send a token with every call, as `Authorization: Bearer TOKEN`. Create one at /admin/tokens.",
    "For the calls under `/me`, readers create their own token on the Programs page of their preferences.",
    "Times are in UTC, in ISO 8601 format.",
    "Lists come in pages: pass `next_cursor` of one page as `cursor` of the next.",
    "Every answer has an `ETag`. Sent as `If-None-Match`, it makes an unchanged answer a 304 without a body.",
    "Sent as `If-Match`, it makes a change that would overwrite somebody else's a 412.",
    "Errors are `application/problem+json`: `detail` is a sentence that says what to do.",
    "Every change is one entry in the audit log, with the owner of the token.",
)

router = create_router(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Example:
    """A request that a test makes, and what it was answered."""

    title: str
    method: str
    path: str
    body: str  # JSON, or the text of a file
    status: int
    response: str


Fields = dict[str, Any]  # what the template shows of a call or of one of its parameters


@router.get(f"{PREFIX}/openapi.json")
def openapi(ctx: WebContextDep) -> dict[str, Any]:
    """Return the OpenAPI description of this API."""
    _require_enabled(ctx)
    return build_document(ctx)


@router.get("/api")
def show_reference(ctx: WebContextDep) -> Response:
    """Show the reference of the API."""
    _require_enabled(ctx)
    calls = _list_calls(ctx.services.site.brand, ctx.services.settings.base_url)
    return ctx.pages.render(
        "admin/api",
        facts=[mark_code(fact) for fact in FACTS],
        base=ctx.services.settings.base_url,
        prefix=PREFIX,
        sections=[(name, words, calls[name]) for name, words in SECTIONS.items() if calls.get(name)],
    )


def _require_enabled(ctx: WebContext) -> None:
    with ctx.services.store.begin(write=False) as tx:
        if not ctx.admin_sessions.is_enabled(tx):
            raise NotFound


def build_document(ctx: WebContext) -> dict[str, Any]:
    """Return the OpenAPI document. It is built once, in a tenth of a second: do not change it."""
    return _build_document(ctx.services.site.brand, ctx.services.settings.base_url)


@lru_cache(maxsize=4)
def _build_document(brand: str, base_url: str) -> dict[str, Any]:
    routers: list[APIRouter] = [module.router for module in API_MODULES]
    document = get_openapi(
        title=f"{brand} API",
        version=__version__,
        description="\n\n".join(FACTS),
        routes=[route for each in routers for route in each.routes],
        servers=[{"url": base_url}],
        tags=[{"name": name, "description": words} for name, words in SECTIONS.items()],
    )
    schemas = document["components"]["schemas"]
    for model in (FieldProblem, ProblemResponse):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    return document


@cache
def load_examples() -> tuple[Example, ...]:
    """Return the examples, in the order in which a test makes the requests."""
    return tuple(Example(**each) for each in json.loads(EXAMPLES_FILE.read_text(encoding="utf-8")))


@lru_cache(maxsize=4)
def _list_calls(brand: str, base_url: str) -> dict[str, list[Fields]]:
    """Return the calls of each section, in the order of the document."""
    document = _build_document(brand, base_url)
    sections: dict[str, list[Fields]] = {}
    for path, methods in document["paths"].items():
        for method, operation_ in methods.items():
            call = {
                "method": method.upper(),
                "path": path,
                "anchor": operation_["operationId"],
                "summary": [mark_code(text) for text in operation_["description"].split("\n\n")],
                "parameters": list(_list_parameters(operation_, document["components"]["schemas"])),
                "answers": [(code, each["description"]) for code, each in operation_["responses"].items()],
                "examples": [each for each in load_examples() if _is_of(each, method, path)],
            }
            sections.setdefault(operation_["tags"][-1], []).append(call)
    return sections


def _is_of(example: Example, method: str, path: str) -> bool:
    """Return whether an example calls this path; `{names}` in it stand for any text without a slash."""
    parts = example.path.partition("?")[0].split("/")
    names = path.replace(":path", "").split("/")
    return (
        example.method.lower() == method
        and len(parts) == len(names)
        and all(name.startswith("{") or name == part for name, part in zip(names, parts, strict=True))
    )


def _list_parameters(operation_: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Fields]:
    """Yield the parameters and the fields of the body, with the names that parameters have in OpenAPI."""
    body = operation_.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = _resolve(body, schemas)
    fields = [
        {"name": name, "in": "body", "schema": field, "required": name in schema.get("required", ())}
        for name, field in schema.get("properties", {}).items()
    ]
    for each in (*operation_.get("parameters", ()), *fields):
        words = each.get("description") or each["schema"].get("description", "")
        yield each | {"type": describe_type(each["schema"], schemas), "description": mark_code(words)}


def mark_code(text: str) -> Markup:
    """Return a text as HTML, with what stands between backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )


def _resolve(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema that a reference names, or the one that is not null of several."""
    options = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(options) == 1:
        return _resolve(options[0], schemas)
    if "$ref" in schema:
        found: Mapping[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def describe_type(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Return a type in words, such as "one of daily, weekly" or "list of text"."""
    resolved = _resolve(schema, schemas)
    if options := [each for each in resolved.get("anyOf", ()) if each.get("type") != "null"]:
        return " or ".join(dict.fromkeys(describe_type(each, schemas) for each in options))
    if "enum" in resolved:
        return f"one of {', '.join(map(str, resolved['enum']))}"
    kind = resolved.get("type", "")
    if kind == "array":
        return f"list of {describe_type(resolved.get('items', {}), schemas)}"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    formats = {"date": "day", "date-time": "time"}
    return formats.get(resolved.get("format", ""), words.get(kind, kind or "object"))
