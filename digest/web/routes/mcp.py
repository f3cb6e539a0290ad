"""The Model Context Protocol over HTTP, for AI assistants of readers."""

from importlib.util import find_spec

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from digest.web.api.me import Calls
from digest.web.mcp_server import McpResponse
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.post("/mcp")
async def serve_mcp(request: Request, calls: Calls) -> Response:
    """Answer one request of the protocol; 404 where `mcp` is not installed."""
    if find_spec("mcp") is None:
        raise HTTPException(404)
    return McpResponse(calls, await request.body())
