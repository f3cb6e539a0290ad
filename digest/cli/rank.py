"""`digest rank`: rank papers for profiles. JSON lines in and out, no database."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from typing import Any, TypeVar

import click
import numpy as np

from digest.app import embedding_models
from digest.cli.common import now_option
from digest.cli.output import show_line
from digest.models import Facet, Heat, LikedPaper, Mix, Paper, Profile, Reason, ReasonKind, Signal, SignalKind
from digest.ranking.bm25 import count_terms
from digest.ranking.ranker import Ranker, Ranking
from digest.ranking.score import compute_score
from digest.trending.heat import compute_heat, sort_by_heat

T = TypeVar("T")
SOURCES = {SignalKind.UPVOTES: "huggingface", SignalKind.POINTS: "hackernews", SignalKind.STARS: "github"}


@dataclass(frozen=True, slots=True)
class RankProfile:
    """A profile of the input; *candidates* are the ids of the papers to rank, None for all."""

    id: str
    profile: Profile
    candidates: tuple[str, ...] | None


JSON_LINES = click.File(encoding="utf-8-sig", errors="replace")  # an invalid byte must not stop the ranking


@click.command("rank", epilog="Example: digest rank --papers today.jsonl --profiles readers.jsonl --top 10")
@click.option("--papers", required=True, type=JSON_LINES, help="JSON lines; - is standard input.")
@click.option("--profiles", type=JSON_LINES, help="JSON lines. Without it: the trending order.")
@click.option("--background", type=JSON_LINES, help="Papers of earlier days, in the same format as --papers.")
@now_option
@click.option(
    "--top", default=10, show_default=True, type=click.IntRange(0), help="Picks per profile; 0: all."
)
@click.option("--mix", default="balanced", show_default=True, type=click.Choice([mix.value for mix in Mix]),
              help="Own interests or what everyone reads.")  # fmt: skip
@click.option("--vectors", default="auto", show_default=True,
              help="auto (static if installed), none, static, sentences, or a model's folder.")  # fmt: skip
def command(  # noqa: PLR0917  click passes every option by name
    papers: Any, profiles: Any, background: Any, now: datetime, top: int, mix: str, vectors: str
) -> None:
    """Rank papers for profiles: JSON lines in and out, no database.

    A paper is {"id", "title", "abstract", "authors": [], "categories": [], "published", "listed", "signals":
    [{"kind": "upvotes", "value": 8, "observed_at": "2026-11-23T09:00:00Z"}]}; a profile is {"id",
    "keywords": [], "muted": [], "authors": [], "categories": [], "text": "", "liked": [{"title",
    "abstract"}], "disliked": [], "candidates": [ids], "facets": [{"name", "keywords": [], "text": "",
    "liked": []}]}. All but the ids and names may be left out. Facets are interests that stay apart.
    Signals after --now do not exist yet.
    """
    inputs = {paper.id: (paper, signals) for paper, signals in _read_lines(papers, _parse_paper)}
    signals = {paper_id: signals for paper_id, (_, signals) in inputs.items()}
    pool = [paper for paper, _ in inputs.values()]
    heat = compute_heat(pool, signals, now)
    has_votes = any(value.votes is not None for value in heat.values())
    if profiles is None:
        picks = [_to_trending_pick(paper, heat[paper.id]) for paper in sort_by_heat(pool, heat)]
        show_line({"profile": None, "picks": picks[: top or None]})
        return
    background_papers = [paper for paper, _ in _read_lines(background, _parse_paper)] if background else []
    readers = list(_read_lines(profiles, _parse_profile))
    _check_candidates(readers, signals)
    chosen_mix = Mix(mix)
    for reader, ranking in _rank_profiles(readers, pool, background_papers, vectors):
        picks = _build_picks(ranking, heat if has_votes else {}, heat, chosen_mix, top)
        show_line({"profile": reader.id, "picks": picks})


def _rank_profiles(
    readers: Sequence[RankProfile], pool: Sequence[Paper], background_papers: Sequence[Paper], vectors: str
) -> Iterator[tuple[RankProfile, Ranking]]:
    """Return each profile with its ranking, in input order.

    Profiles with the same candidates are ranked together; each set of candidates is a pool of its own.
    """
    embedding = embedding_models.load_model(vectors)
    term_counter = cache(count_terms)  # the background papers are counted again for each pool
    groups: dict[tuple[str, ...] | None, list[int]] = {}
    for index, reader in enumerate(readers):
        groups.setdefault(reader.candidates, []).append(index)
    rankings: dict[int, Ranking] = {}
    by_id = {paper.id: paper for paper in pool}
    for candidates, indices in groups.items():
        papers = pool if candidates is None else [by_id[paper_id] for paper_id in candidates]
        ranker = Ranker(papers, background_papers, embedding, term_counter=term_counter)
        rankings.update(zip(indices, ranker.rank([readers[index].profile for index in indices]), strict=True))
    return ((reader, rankings[index]) for index, reader in enumerate(readers))


def _build_picks(
    ranking: Ranking, voted_heat: Mapping[str, Heat], heat: Mapping[str, Heat], mix: Mix, top: int
) -> list[dict[str, object]]:
    scores = np.array(
        [
            compute_score(voted_heat.get(paper.id), float(relevance), mix)
            for paper, relevance in zip(ranking.papers, ranking.relevance, strict=True)
        ]
    )
    indices = [index for index in range(len(scores)) if not ranking.muted[index]]
    indices.sort(key=lambda index: (-scores[index], -ranking.affinity[index], ranking.papers[index].id))
    return [
        {
            "paper": ranking.papers[index].id,
            "affinity": round(float(ranking.affinity[index]), 4),
            "probability": round(float(ranking.probability[index]), 4),
            "heat": round(heat[ranking.papers[index].id].value, 4),
            "score": round(float(scores[index]), 6),
            "reason": format_reason(ranking.build_reason(index)),
        }
        for index in indices[: top or None]
    ]


def format_reason(reason: Reason) -> str:
    """Return the reason in one line of English."""
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


def _to_trending_pick(paper: Paper, heat: Heat) -> dict[str, object]:
    votes = (
        "no votes read yet"
        if heat.votes is None
        else f"{heat.votes:g} votes after {heat.hours or 0:.0f} hours"
    )
    return {
        "paper": paper.id,
        "affinity": 0.0,
        "heat": round(heat.value, 4),
        "score": round(compute_score(heat, 0.0, Mix.BALANCED), 6),
        "reason": f"{votes}, on course for about {heat.expected:.0f}",
    }


def _read_lines(stream: Any, parse: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
    """Parse every non-empty line of *stream*.

    Raises:
        click.UsageError: at the first invalid line, with its file and number.
    """
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            if not isinstance(fields, dict):
                raise TypeError("it is not a JSON object")  # noqa: TRY301  caught three lines below
            yield parse(fields)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            name = getattr(stream, "name", "standard input")
            raise click.UsageError(
                f"{name}, line {number}: {why}. See digest rank --help for the form."
            ) from error


def _parse_paper(fields: Mapping[str, Any]) -> tuple[Paper, tuple[Signal, ...]]:
    paper_id = _to_text(fields["id"])
    if not paper_id:
        raise ValueError('"id" is empty')
    listed = _parse_datetime(fields.get("listed"))
    paper = Paper(
        id=paper_id,
        title=_to_text(fields.get("title")),
        abstract=_to_text(fields.get("abstract")),
        authors=_get_texts(fields, "authors"),
        categories=_get_texts(fields, "categories"),
        published=_parse_datetime(fields.get("published")),
        listed=listed.date() if listed else None,
    )
    signals = (signal for signal in fields.get("signals") or () if _is_usable_signal(signal))
    return paper, tuple(_parse_signal(paper_id, signal) for signal in signals)


def _is_usable_signal(fields: Mapping[str, Any]) -> bool:
    """Return True if the value was read (not null) and the kind is one we have a growth curve for."""
    return fields.get("value", "") is not None and (fields.get("kind") or "upvotes") in set(SignalKind)


def _parse_signal(paper_id: str, fields: Mapping[str, Any]) -> Signal:
    kind = SignalKind(fields.get("kind") or "upvotes")
    seen = _parse_datetime(fields["observed_at"])
    if seen is None:
        raise ValueError("a signal needs observed_at")
    source = _to_text(fields.get("source")) or SOURCES.get(kind, kind.value)
    return Signal(
        paper_id=paper_id, kind=kind, value=_parse_value(fields["value"]), observed_at=seen, source=source
    )


def _parse_value(value: Any) -> float:
    total = float(value)
    if not isfinite(total) or total < 0:
        raise ValueError(f"{value!r} is not a number of votes")
    return total


def _parse_profile(fields: Mapping[str, Any]) -> RankProfile:
    candidates = fields.get("candidates")
    return RankProfile(
        id=fields["id"],
        profile=Profile(
            keywords=_get_texts(fields, "keywords"),
            muted=_get_texts(fields, "muted"),
            authors=_get_texts(fields, "authors"),
            categories=_get_texts(fields, "categories"),
            text=_to_text(fields.get("text")),
            liked=_parse_liked(fields, "liked"),
            disliked=_parse_liked(fields, "disliked"),
            facets=tuple(map(_parse_facet, fields.get("facets") or ())),
        ),
        candidates=None if candidates is None else tuple(dict.fromkeys(map(str, candidates))),
    )


def _parse_facet(fields: Mapping[str, Any]) -> Facet:
    name = _to_text(fields.get("name"))
    if not name:
        raise ValueError("a facet needs a name")
    return Facet(
        name, _get_texts(fields, "keywords"), _to_text(fields.get("text")), _parse_liked(fields, "liked")
    )


def _parse_liked(fields: Mapping[str, Any], name: str) -> tuple[LikedPaper, ...]:
    return tuple(
        LikedPaper(_to_text(paper.get("title")), _to_text(paper.get("abstract")))
        for paper in fields.get(name) or ()
    )


def _get_texts(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = fields.get(name) or ()
    if isinstance(values, str):
        raise TypeError(f'"{name}" is a text, it should be a list')
    return tuple(map(_to_text, values))


def _to_text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int):
        raise TypeError(f"{value!r} should be a text")
    return str(value)


def _parse_datetime(value: Any) -> datetime | None:
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_candidates(readers: Sequence[RankProfile], paper_ids: Collection[str]) -> None:
    for reader in readers:
        missing = [candidate for candidate in reader.candidates or () if candidate not in paper_ids]
        if missing:
            raise click.UsageError(f"Profile {reader.id}: candidate {missing[0]} is not among --papers.")
