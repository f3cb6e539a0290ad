"""How fast is a feed read? Our reading of an arXiv feed against feedparser's, taken in turns.

    python -m bench.parse            two Markdown lines; --json for programs

`fields` is like for like: every item's fields as strings, which is where feedparser ends. `papers` goes on
to Paper: TeX made readable, authors split, ids named, types and withdrawals judged. Needs feedparser
(pip install feedparser); the product does not.
"""

import argparse
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import process_time
from xml.sax.saxutils import escape

import feedparser

from bench.row import Row, compared
from digest.sources.arxiv import rss
from digest.sources.xml import read_each

PAPERS = 1000
GOAL = 15
ROUNDS = 9
WORDS = """we study the sleep of sheep under sparse attention and show that counting converges at a rate
independent of the flock while wolves adapt their policy by gradient descent on noisy fences""".split()  # noqa: SIM905
AUTHORS = ("Ada Loveless, Bo Chen, Dan Brown, Carol White", r"Ada Loveless, Nikola Pi\v{z}amar, Carol White")


def main() -> None:
    """Print both speeds and their ratio to feedparser's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for row in rows():
        print(json.dumps(row.told()) if options.json else f"| {' | '.join(row.cells())} |")


def rows() -> Iterator[Row]:
    """Both readings beside feedparser's."""
    body = feed(PAPERS)
    rounds = [[PAPERS / _seconds(read, body) for read in (_theirs, _fields, _papers)] for _ in range(ROUNDS)]
    theirs, fields, papers = zip(*rounds, strict=True)
    for name, ours in (("feed read, its fields", fields), ("feed read, to finished papers", papers)):
        yield compared(name, ours, theirs, unit="papers/CPU s", against="feedparser", goal=GOAL)


def feed(papers: int) -> bytes:
    """A day's feed of invented papers in the true shape, a tenth of them with TeX."""
    chance = random.Random(7)
    items = "".join(_item(number, chance) for number in range(papers))
    names = 'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    channel = f"<channel><title>cs updates on arXiv.org</title>{items}</channel>"
    return f"<?xml version='1.0' encoding='UTF-8'?>\n<rss {names} version=\"2.0\">{channel}</rss>".encode()


def _item(number: int, chance: random.Random) -> str:
    identity = f"2611.{number:05d}"
    abstract = " ".join(chance.choices(WORDS, k=190))
    if number % 10 == 0:
        abstract += r" in $\mathcal{O}(\sqrt{n})$ steps with $\epsilon$-greedy sheep."
    return f"""<item><title>{escape(" ".join(chance.choices(WORDS, k=10)).title())}</title>
<link>https://arxiv.org/abs/{identity}</link>
<description>arXiv:{identity}v1 Announce Type: new \nAbstract: {escape(abstract)}</description>
<guid isPermaLink="false">oai:arXiv.org:{identity}v1</guid>
<category>cs.LG</category><category>stat.ML</category>
<pubDate>Mon, 23 Nov 2026 00:00:00 -0500</pubDate><arxiv:announce_type>new</arxiv:announce_type>
<dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>
<dc:creator>{AUTHORS[number % 8 == 0]}</dc:creator></item>"""


def _papers(body: bytes) -> int:
    return len(rss.parse(body, "cs", datetime(2026, 11, 23, tzinfo=UTC)).papers)


def _fields(body: bytes) -> int:
    return len(read_each(body, ("item",), rss.fields_of).items)


def _theirs(body: bytes) -> int:
    return len(feedparser.parse(body).entries)


def _seconds(read: Callable[[bytes], int], body: bytes) -> float:
    start = process_time()
    if read(body) != PAPERS:
        raise SystemExit(f"{read.__name__} did not find all papers")
    return process_time() - start


if __name__ == "__main__":
    main()
