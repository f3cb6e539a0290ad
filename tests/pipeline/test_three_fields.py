"""Test that a reader of three fields, of which one has voters, gets the right mail."""

from dataclasses import replace
from datetime import timedelta

from digest.db import Database
from digest.models import Paper, Profile, ReasonKind, Section
from digest.pipeline.day import load_day
from tests.factories import NOW, make_paper, make_signal, make_subscriber
from tests.mail.examples import BULK

FIELDS = {
    "arxiv": ("cs.LG", "diffusion policies", "robots that grasp teapots"),
    "pubmed": ("Diabetes Care", "insulin resistance", "adults with obesity in a trial"),
    "crossref": ("Annals of Mathematics", "perverse sheaves", "the cohomology of a moduli space"),
}
FILLERS = (
    "protein folding",
    "graph colouring",
    "speech recognition",
    "soil erosion",
    "galaxy mergers",
    "tax policy",
)


def make_field_papers(source: str, *, listed: bool) -> list[Paper]:
    """Return two papers on what the reader wants, and many on other things, of one field."""
    category, topic, about = FIELDS[source]
    titles = [f"On {topic} and {about}", f"Notes about {topic} for {about}"]
    titles += [
        f"{FILLERS[n % 6].title()} in {word} settings, part {n}" for n, word in enumerate(["odd"] * 24)
    ]
    papers = []
    for number, title in enumerate(titles):
        id_ = f"arxiv:2611.{number + 1:05}" if source == "arxiv" else f"doi:10.5555/{source}.{number}"
        paper = make_paper(title, id=id_, abstract=f"{title}. We study it carefully with data.")
        papers.append(
            replace(
                paper,
                categories=(category,),
                source=source,
                listed=NOW.date() if listed else None,
                published=NOW - timedelta(hours=30),
                first_seen=None,
            )
        )
    return papers


def test_each_field_has_its_picks_with_its_reasons_and_only_voted_papers_trend(store: Database) -> None:
    voted, medicine, mathematics = (make_field_papers(source, listed=source == "arxiv") for source in FIELDS)
    with store.begin() as tx:
        tx.papers.add([*voted, *medicine, *mathematics], seen_at=NOW - timedelta(hours=20))
        tx.signals.add(make_signal(paper, 5 + n) for n, paper in enumerate(voted))
    profile = Profile(keywords=tuple(topic for _, topic, _ in FIELDS.values()))
    reader = replace(make_subscriber(), profile=profile, cursor=NOW - timedelta(days=1))

    ((edition, _),) = load_day(store, NOW).build_editions([(reader, NOW)], {})

    trending, picked = edition.get_picks(Section.TRENDING), edition.get_picks(Section.PICKED)
    assert {pick.paper.source for pick in trending} == {"arxiv"}
    assert {pick.paper.source for pick in picked} == {*FIELDS}
    for pick in picked:
        _, topic, _ = FIELDS[pick.paper.source]
        assert topic in pick.paper.title
        assert pick.reason.because is ReasonKind.TERMS
        assert topic in " ".join(pick.reason.terms).lower()
    assert all(pick.heat.has_voters == (pick.paper.source == "arxiv") for pick in edition.picks)
    assert "no-voters" in edition.notes

    mail = " ".join(BULK.render_email(edition).text.split())
    picked_part, _, rest = mail.partition("PICKED FOR YOU")[2].partition("TRENDING")
    trending_part = rest.partition("ALSO NEW")[0]
    assert "Some of these fields have no public votes" in mail
    assert all(pick.paper.title in picked_part for pick in picked)
    assert all(pick.paper.title in trending_part for pick in trending)
    assert trending_part.count("Why:") == trending_part.count("upvotes") == len(trending)
    for _, topic, _ in FIELDS.values():
        assert picked_part.count(f"Why: matches “{topic}”") == 2, topic
