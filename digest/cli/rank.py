"""How would these papers be ranked for these readers? JSON lines in and out, no database."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from math import isfinite
from typing import Any, TypeVar

import click
import numpy as np

from digest.app import embedding_models
from digest.cli.common import clock, now_option
from digest.models import Facet, Heat, LikedPaper, Mix, Paper, Profile, Reason, ReasonKind, Signal, SignalKind
from digest.ranking.bm25 import counted
from digest.ranking.ranker import Ranker, Ranking
from digest.ranking.score import score
from digest.trending.heat import heat_of, trending_order

T = TypeVar("T")
SOURCES = {SignalKind.UPVOTES: "huggingface", SignalKind.POINTS: "hackernews", SignalKind.STARS: "github"}


@dataclass(frozen=True, slots=True)
class Known:
    """A paper as the file gives it, with its signals."""

    paper: Paper
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class RankProfile:
    """A profile as the file gives it, and which papers it is about; none means all of them."""

    id: str
    profile: Profile
    candidates: tuple[str, ...] | None


LINES = click.File(encoding="utf-8-sig", errors="replace")  # a stray byte spoils a letter, not the ranking


@click.command(epilog="Example: digest rank --papers today.jsonl --profiles readers.jsonl --top 10")
@click.option("--papers", required=True, type=LINES, help="JSON lines; - is standard input.")
@click.option("--profiles", type=LINES, help="JSON lines. Without it: the trending order.")
@click.option("--background", type=LINES, help="Papers of earlier days, same form as --papers.")
@now_option
@click.option(
    "--top", default=10, show_default=True, type=click.IntRange(0), help="Picks per profile; 0: all."
)
@click.option("--mix", default="balanced", show_default=True, type=click.Choice([mix.value for mix in Mix]),
              help="Own interests or what everyone reads.")  # fmt: skip
@click.option("--vectors", default="auto", show_default=True,
              help="auto (static if installed), none, static, sentences, or a model's folder.")  # fmt: skip
def command(  # noqa: PLR0917  click passes every option by name
    papers: Any, profiles: Any, background: Any, now: datetime | None, top: int, mix: str, vectors: str
) -> None:
    """The ranking alone: JSON lines in and out, no database.

    A paper is {"id", "title", "abstract", "authors": [], "categories": [], "published", "listed", "signals":
    [{"kind": "upvotes", "value": 8, "observed_at": "2026-11-23T09:00:00Z"}]}; a profile is {"id",
    "keywords": [], "muted": [], "authors": [], "categories": [], "text": "", "liked": [{"title",
    "abstract"}], "disliked": [], "candidates": [ids], "facets": [{"name", "keywords": [], "text": "",
    "liked": []}]}. All but the ids and names may be left out. Facets are interests that stay apart.
    Signals after --now do not exist yet.
    """
    known = _distinct(list(_lines(papers, _known)))
    moment = clock(now)
    signals = {each.paper.id: each.signals for each in known}
    pool = [each.paper for each in known]
    heat = heat_of(pool, signals, moment)
    has_votes = any(each.votes is not None for each in heat.values())
    if profiles is None:
        _print(None, [_trend(paper, heat[paper.id]) for paper in trending_order(pool, heat)], top)
        return
    earlier = [each.paper for each in _lines(background, _known)] if background else []
    readers = list(_lines(profiles, _reader))
    _refuse_unknown(readers, signals)
    slider = Mix(mix)
    for reader, ranking in _rankings(readers, pool, earlier, vectors):
        _print(reader.id, _picks(ranking, heat if has_votes else {}, heat, slider, top), top)


def _rankings(
    readers: Sequence[RankProfile], pool: Sequence[Paper], earlier: Sequence[Paper], vectors: str
) -> Iterator[tuple[RankProfile, Ranking]]:
    """Each reader's ranking in the order given; candidates of its own are a pool of its own."""
    embedding, reads = (
        embedding_models.named(vectors),
        cache(counted),
    )  # earlier papers come again with each pool
    groups: dict[tuple[str, ...] | None, list[int]] = {}
    for place, reader in enumerate(readers):
        groups.setdefault(reader.candidates, []).append(place)
    found: dict[int, Ranking] = {}
    by_id = {paper.id: paper for paper in pool}
    for candidates, places in groups.items():
        papers = pool if candidates is None else [by_id[each] for each in candidates]
        ranker = Ranker(papers, earlier, embedding, reads=reads)
        found.update(zip(places, ranker.rank([readers[place].profile for place in places]), strict=True))
    return ((reader, found[place]) for place, reader in enumerate(readers))


def _picks(
    ranking: Ranking, heated: Mapping[str, Heat], heat: Mapping[str, Heat], mix: Mix, top: int
) -> list[dict[str, object]]:
    scores = np.array(
        [
            score(heated.get(paper.id), float(p), mix)
            for paper, p in zip(ranking.papers, ranking.relevance, strict=True)
        ]
    )
    places = [place for place in range(len(scores)) if not ranking.muted[place]]
    places.sort(key=lambda place: (-scores[place], -ranking.affinity[place], ranking.papers[place].id))
    return [
        {
            "paper": ranking.papers[place].id,
            "affinity": round(float(ranking.affinity[place]), 4),
            "heat": round(heat[ranking.papers[place].id].value, 4),
            "score": round(float(scores[place]), 6),
            "reason": said(ranking.reason(place)),
        }
        for place in places[: top or None]
    ]


def said(reason: Reason) -> str:
    """The evidence in one line of plain English."""
    parts = [
        f"by {reason.author}, whom you follow" if reason.author else "",
        f"about {', '.join(reason.terms)}" if reason.terms else "",
        f"near “{reason.liked_title}”" if reason.liked_title else "",
        f"for your interest “{reason.facet}”" if reason.facet and reason.facet != reason.liked_title else "",
        f"in {reason.category}" if reason.category else "",
    ]
    return "; ".join(part for part in parts if part) or (
        "trending" if reason.because is ReasonKind.TREND else "new"
    )


def _trend(paper: Paper, heat: Heat) -> dict[str, object]:
    votes = (
        "no votes read yet"
        if heat.votes is None
        else f"{heat.votes:g} votes after {heat.hours or 0:.0f} hours"
    )
    return {
        "paper": paper.id,
        "affinity": 0.0,
        "heat": round(heat.value, 4),
        "score": round(score(heat, 0.0, Mix.BALANCED), 6),
        "reason": f"{votes}, on course for about {heat.expected:.0f}",
    }


def _print(profile: str | None, picks: Sequence[Mapping[str, object]], top: int) -> None:
    shown = list(picks[:top] if top else picks)
    line = json.dumps({"profile": profile, "picks": shown}, ensure_ascii=False)
    click.echo(line.encode("utf-8", "backslashreplace").decode())  # half a character is written as it came


def _lines(stream: Any, read: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
    """Every line as a value; the first that makes no sense is named with its file and number."""
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
            if not isinstance(given, dict):
                raise TypeError("it is not a JSON object")  # noqa: TRY301  answered three lines below
            yield read(given)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            name = getattr(stream, "name", "standard input")
            raise click.UsageError(
                f"{name}, line {number}: {why}. See digest rank --help for the form."
            ) from error


def _known(given: Mapping[str, Any]) -> Known:
    paper_id = _text(given["id"])
    if not paper_id:
        raise ValueError('"id" is empty')
    paper = Paper(
        id=paper_id,
        title=_text(given.get("title")),
        abstract=_text(given.get("abstract")),
        authors=_texts(given, "authors"),
        categories=_texts(given, "categories"),
        published=_moment(given.get("published")),
        listed=_day(given.get("listed")),
    )
    counted = (each for each in given.get("signals") or () if _is_counted(each))
    return Known(paper, tuple(_signal(paper_id, each) for each in counted))


def _is_counted(given: Mapping[str, Any]) -> bool:
    """Whether a signal says anything: null was not read, and of other kinds we know no pace."""
    return given.get("value", "") is not None and (given.get("kind") or "upvotes") in set(SignalKind)


def _signal(paper_id: str, given: Mapping[str, Any]) -> Signal:
    kind = SignalKind(given.get("kind") or "upvotes")
    seen = _moment(given["observed_at"])
    if seen is None:
        raise ValueError("a signal needs observed_at")
    source = _text(given.get("source")) or SOURCES.get(kind, kind.value)
    return Signal(paper_id=paper_id, kind=kind, value=_total(given["value"]), observed_at=seen, source=source)


def _total(value: Any) -> float:
    total = float(value)
    if not isfinite(total) or total < 0:
        raise ValueError(f"{value!r} is not a number of votes")
    return total


def _reader(given: Mapping[str, Any]) -> RankProfile:
    candidates = given.get("candidates")
    return RankProfile(
        id=given["id"],
        profile=Profile(
            keywords=_texts(given, "keywords"),
            muted=_texts(given, "muted"),
            authors=_texts(given, "authors"),
            categories=_texts(given, "categories"),
            text=_text(given.get("text")),
            liked=_likings(given, "liked"),
            disliked=_likings(given, "disliked"),
            facets=tuple(map(_facet, given.get("facets") or ())),
        ),
        candidates=None if candidates is None else tuple(dict.fromkeys(map(str, candidates))),
    )


def _facet(given: Mapping[str, Any]) -> Facet:
    name = _text(given.get("name"))
    if not name:
        raise ValueError("a facet needs a name")
    return Facet(name, _texts(given, "keywords"), _text(given.get("text")), _likings(given, "liked"))


def _likings(given: Mapping[str, Any], name: str) -> tuple[LikedPaper, ...]:
    return tuple(
        LikedPaper(_text(each.get("title")), _text(each.get("abstract"))) for each in given.get(name) or ()
    )


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = given.get(name) or ()
    if isinstance(values, str):
        raise TypeError(f'"{name}" is a text, it should be a list')
    return tuple(map(_text, values))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int):
        raise TypeError(f"{value!r} should be a text")
    return str(value)


def _moment(value: Any) -> datetime | None:
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(value: Any) -> date | None:
    moment = _moment(value)
    return moment.date() if moment else None


def _distinct(known: Sequence[Known]) -> list[Known]:
    """One paper per id, the last one given."""
    return list({each.paper.id: each for each in known}.values())


def _refuse_unknown(readers: Sequence[RankProfile], known: Mapping[str, object]) -> None:
    for reader in readers:
        missing = [each for each in reader.candidates or () if each not in known]
        if missing:
            raise click.UsageError(f"Profile {reader.id}: candidate {missing[0]} is not among --papers.")
