"""Errors of the API as application/problem+json (RFC 9457)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from digest.web.api.schemas import PROBLEM_TYPE, FieldProblem, ProblemResponse


def build_problem(status: int, detail: str, errors: Sequence[FieldProblem] = ()) -> JSONResponse:
    """Return the response of an error; *detail* is a sentence for the person behind the program."""
    title = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Error"
    problem = ProblemResponse(
        title=title, status=status, detail=detail, errors=list(errors) or None, error=detail
    )
    return JSONResponse(problem.model_dump(exclude_none=True), status, media_type=PROBLEM_TYPE)


def describe_invalid_fields(errors: Sequence[Any]) -> list[FieldProblem]:
    """Return what pydantic found wrong, a sentence for each field."""
    return [
        FieldProblem(field=".".join(map(str, each["loc"])) or "body", message=f"{each['msg']}.")
        for each in errors
    ]
