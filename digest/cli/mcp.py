"""`digest mcp`: serve one reader's digest to an AI assistant over standard input and output."""

import click

from digest.cli.common import open_services
from digest.models.errors import ConfigError
from digest.web.context import create_context
from digest.web.mcp_server import create_mcp_server
from digest.web.reader_api import open_reader_api


@click.command("mcp", epilog="Example: READER_TOKEN=digest_reader_... digest mcp")
@click.option(
    "--token",
    envvar="READER_TOKEN",
    required=True,
    help="The reader's token, made on the preferences page; better given in READER_TOKEN.",
)
def command(*, token: str) -> None:
    """Serve the Model Context Protocol over standard input and output, for the reader of a token.

    Assistants that speak HTTP use the address /mcp of the web pages instead.
    """
    with open_services() as services:
        calls = open_reader_api(create_context(services), token)
        if calls is None:
            raise ConfigError("This token is not valid. Create one on the Programs page of the preferences.")
        create_mcp_server(calls).run("stdio")
