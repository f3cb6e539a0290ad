"""`digest embed`: compute the vectors of all papers with the model in DIGEST_VECTORS."""

from datetime import datetime
from functools import partial

import click

from digest.cli.common import json_option, now_option, open_services
from digest.cli.output import echo_err, show_json, show_progress
from digest.pipeline.embed import embed_recent_papers
from digest.pipeline.embed_backlog import embed_backlog


@click.command("embed", epilog="Example: DIGEST_VECTORS=sentences digest embed")
@now_option
@json_option
def command(*, now: datetime, as_json: bool) -> None:
    """Compute the embeddings of all papers with the model of DIGEST_VECTORS; runs do it too, in small steps.

    The papers of the day come first, then the newest 50,000, then papers that subscribers like. After a
    change of model the old embeddings are used until the new ones are complete. If interrupted, it
    continues the next time. Nothing is downloaded.
    """
    with open_services() as services:
        model = services.embedding_model
        with show_progress("vectors") as bar:
            made = sum(
                embed_papers(services.store, model, now, on_progress=bar)
                for embed_papers in (embed_recent_papers, partial(embed_backlog, anew=True))
            )
        serving = services.active_embedding_model
    if as_json:
        show_json({"made": made, "serving": serving.name if serving else None})
    elif model is None:
        echo_err("No model is set: pip install 'trending-papers-digest[static]', or see DIGEST_VECTORS.")
    else:
        echo_err(f"{made} texts turned into vectors; {serving.name if serving else 'nothing'} serves.")
