"""Speed of parsing an arXiv feed, beside feedparser, in alternation.

    python -m bench.parse            two Markdown lines; --json for programs

Raw fields are comparable: every item's fields as strings, which is all that feedparser returns. Complete
papers includes what follows: TeX made readable, authors split, ids, types and withdrawals. Needs feedparser
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

from bench.results import BenchResult, build_ratio_result
from digest.sources.arxiv import rss
from digest.sources.xml import parse_elements

PAPER_COUNT = 1000
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
    for result in run_bench():
        print(json.dumps(result.to_json()) if options.json else f"| {' | '.join(result.format_cells())} |")


def run_bench() -> Iterator[BenchResult]:
    """Measure both ways beside feedparser."""
    body = build_feed(PAPER_COUNT)
    rounds = [
        [
            PAPER_COUNT / _measure_cpu(parse, body)
            for parse in (_parse_with_feedparser, _parse_fields, _parse_papers)
        ]
        for _ in range(ROUNDS)
    ]
    theirs, fields, papers = zip(*rounds, strict=True)
    for name, ours in (("feed parsing, raw fields", fields), ("feed parsing, complete papers", papers)):
        yield build_ratio_result(name, ours, theirs, unit="papers/CPU s", against="feedparser", goal=GOAL)


def build_feed(paper_count: int) -> bytes:
    """Return a day's feed of synthetic papers in the true format, a tenth of them with TeX."""
    rng = random.Random(7)
    items = "".join(_build_item(number, rng) for number in range(paper_count))
    names = 'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    channel = f"<channel><title>cs updates on arXiv.org</title>{items}</channel>"
    return f"<?xml version='1.0' encoding='UTF-8'?>\n<rss {names} version=\"2.0\">{channel}</rss>".encode()


def _build_item(number: int, rng: random.Random) -> str:
    arxiv_id = f"2611.{number:05d}"
    abstract = " ".join(rng.choices(WORDS, k=190))
    if number % 10 == 0:
        abstract += r" in $\mathcal{O}(\sqrt{n})$ steps with $\epsilon$-greedy sheep."
    return f"""<item><title>{escape(" ".join(rng.choices(WORDS, k=10)).title())}</title>
<link>https://arxiv.org/abs/{arxiv_id}</link>
<description>arXiv:{arxiv_id}v1 Announce Type: new \nAbstract: {escape(abstract)}</description>
<guid isPermaLink="false">oai:arXiv.org:{arxiv_id}v1</guid>
<category>cs.LG</category><category>stat.ML</category>
<pubDate>Mon, 23 Nov 2026 00:00:00 -0500</pubDate><arxiv:announce_type>new</arxiv:announce_type>
<dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>
<dc:creator>{AUTHORS[number % 8 == 0]}</dc:creator></item>"""


def _parse_papers(body: bytes) -> int:
    return len(rss.parse(body, "cs", datetime(2026, 11, 23, tzinfo=UTC)).papers)


def _parse_fields(body: bytes) -> int:
    return len(parse_elements(body, ("item",), rss.parse_fields).items)


def _parse_with_feedparser(body: bytes) -> int:
    return len(feedparser.parse(body).entries)


def _measure_cpu(parse: Callable[[bytes], int], body: bytes) -> float:
    started = process_time()
    if parse(body) != PAPER_COUNT:
        raise SystemExit(f"{parse.__name__} did not find all papers")
    return process_time() - started


if __name__ == "__main__":
    main()
