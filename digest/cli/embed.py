"""`digest embed`: give every paper its vector by the model that is set."""

from datetime import datetime
from functools import partial

import click

from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import progress, show_json, tell
from digest.pipeline.embed import keep_up
from digest.pipeline.embed_backlog import catch_up


@click.command("embed", epilog="Example: DIGEST_VECTORS=sentences digest embed")
@now_option
@json_option
def command(*, now: datetime | None, as_json: bool) -> None:
    """Turn papers into vectors by the model in DIGEST_VECTORS, as ticks do too, a few seconds each.

    The papers of the day come first, then the newest 50,000, then what readers like. After a change of
    model the old vectors serve until the new are complete. Broken off, it goes on from there the next
    time. Nothing is downloaded.
    """
    with open_services() as services:
        model = services.embedding
        with progress("vectors") as bar:
            made = sum(
                each(services.store, model, clock(now), tell=lambda what, done, of: bar(done, of, what))
                for each in (keep_up, partial(catch_up, anew=True))
            )
        serving = services.vectors
    if as_json:
        show_json({"made": made, "serving": serving.name if serving else None})
    elif model is None:
        tell("No model is set: pip install 'digest[static]', or see DIGEST_VECTORS.")
    else:
        tell(f"{made} texts turned into vectors; {serving.name if serving else 'nothing'} serves.")
