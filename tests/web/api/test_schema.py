"""Tests that the API keeps to its OpenAPI description, for valid and invalid requests."""

from contextlib import closing
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.schemas import BaseSchema

from digest.app.services import open_services
from digest.app.settings import load_settings
from digest.web.api.document import API_MODULES
from digest.web.api.schemas import PREFIX
from digest.web.app import create_app
from tests.web.visit import ADMIN

CALLS = sorted(
    (method, route.path_format.removeprefix(PREFIX))
    for module in API_MODULES
    for route in module.router.routes
    if isinstance(route, APIRoute) and route.include_in_schema
    for method in route.methods or ()
)
BEARER = {"authorization": f"Bearer {ADMIN}"}
CHECK_NAMES = ("not_a_server_error", "status_code_conformance", "content_type_conformance",
        "response_schema_conformance", "response_headers_conformance")  # fmt: skip
FEW_EXAMPLES = settings(
    max_examples=10,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

load_all_checks()


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> BaseSchema:
    """The description, read once: schemathesis searches all modules of its application for constants."""
    database = tmp_path_factory.mktemp("described") / "digest.sqlite3"
    settings = load_settings(database_url=f"sqlite:///{database}", admin_token=ADMIN)
    with closing(open_services(settings)) as services:
        app = create_app(services)
        return schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", app, headers=BEARER)


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(("method", "path"), CALLS, ids=str)
def test_the_api_answers_as_it_describes(app: FastAPI, schema: BaseSchema, method: str, path: str) -> None:
    operation = schema[f"{PREFIX}{path}"][method]
    modes = schemathesis.GenerationMode
    cases = [operation.as_strategy(generation_mode=mode) for mode in (modes.POSITIVE, modes.NEGATIVE)]
    checks: Any = CHECKS.get_by_names(CHECK_NAMES)

    @FEW_EXAMPLES
    @given(st.one_of(cases))
    def check(case: schemathesis.Case[Any]) -> None:
        response = case.call(headers=BEARER, app=app)
        case.validate_response(response, checks=checks)

    check()
