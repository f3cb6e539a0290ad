"""The outside world, read politely: one client, one file per source, each with a pure parse().

    plan = Plan(sources=("arxiv", "huggingface"), arxiv_rss_url=...)   # the settings of the same names
    manners = Manners(user_agent="digest/1 (+https://...; mailto:...)", intervals={"arxiv": 3.1})
    async with Client(manners, trusted=plan.trusted) as client:
        for source in build(plan):                 # in this order; store each before reading the next
            visit = Visit(client=client, now=now, known=known, memory=memory, tell=progress)
            for reading in await read(source, visit):
                ...                                # papers, signals, health, a note for people

`known(ids)` returns those ids the store holds; `memory` maps a scope of this source to what the store
remembers of it (Memory). `read` never raises SourceError: a dead source or category is a Reading whose
health says FAILED or CHANGED and whose note is a sentence. `progress(what, done, of)` is for people.
"""

from digest.sources.base import FetchContext, Source, read
from digest.sources.http.client import Client, ClientPolicy
from digest.sources.registry import SOURCES, Plan, build

__all__ = ["SOURCES", "Client", "ClientPolicy", "FetchContext", "Plan", "Source", "build", "read"]
