"""Heat: the forecast of a paper's final votes, in doublings above a usual paper.

    E    = (v + a) / (G(h) + a / mu)    v votes after h hours; G: the share usually reached by then
    heat = log2((E + 1) / (M + 1))      M: the final votes of a usual paper

There is no decay: the curve accounts for age. A paper does not age while its votes are not fetched.

In a field where hardly any paper gets votes, nothing is predicted from the votes of other fields: a paper is
as hot as usual, and ordered by its recent citations, then by its day.

docs/trending.md has the whole model with the measurements.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from math import exp, log2, sqrt
from typing import Any

from digest.models import Heat, Paper, Signal, SignalKind
from digest.models.arxiv_categories import ARXIV_CATEGORIES
from digest.models.papers import REPOSITORY_KINDS
from digest.trending.baselines import DEFAULT_BASELINES, Baselines, GrowthCurve
from digest.trending.prior import TextWeights, to_final_votes
from digest.trending.surge import compute_surge, to_heat_by_rank

SHRINKAGE = 2.0  # a: the weight, in votes, of the usual against a paper's own votes
ORDER_SHRINKAGE = 6.0  # the same, for the order of the list
DOUBT_SHRINKAGE = 8.0  # the same, for papers above the threshold that only votes support
PRIOR_WEIGHT = 0.1  # of the prior, in the order of the list, while votes are still to come
UNLISTED_FACTOR = 0.1  # of the predicted votes: no voting source has listed the paper
FURTHER_SOURCE_WEIGHT = 0.25
# Comments and citations tell nothing about this week; how repositories grow is not known yet.
IGNORED_KINDS = frozenset({SignalKind.COMMENTS, SignalKind.CITATIONS, *REPOSITORY_KINDS})
# Stars only add to the heat that other signals give, and do not change the order (measured).
SUPPORTING_KINDS = frozenset({SignalKind.STARS})
MIN_VOTED_SHARE = 0.01  # of the papers of a field that somebody votes on
MIN_FIELD_PAPERS = 50  # of an archive of arXiv's, from which on such a share says something
ORDER_WITHOUT_VOTERS = -50.0  # in the list of all fields, behind every paper with votes
DAYS_PER_STEP = 100.0  # of age, for one step in that order: any citation comes first
DAY = timedelta(hours=24)
YOUNG = timedelta(days=60)  # all citations of a paper so young are recent


def compute_heat(
    papers: Sequence[Paper],
    signals: Mapping[str, Sequence[Signal]],
    now: datetime,
    *,
    baselines: Baselines = DEFAULT_BASELINES,
    text_weights: TextWeights | None = None,
) -> dict[str, Heat]:
    """Return the heat of every paper at *now*, from the signals observed until then.

    *text_weights* keeps what the texts say for the next time.
    """
    split = {
        paper.id: _split_signals(signals[paper.id], now, baselines) if paper.id in signals else NO_SIGNALS
        for paper in papers
    }
    texts = (text_weights or TextWeights()).weigh(papers, baselines.prior)
    further = _compute_further_heat(split, baselines)
    unvoted = _find_fields_without_voters(papers, split)
    cited = _compute_citation_heat([p for p in papers if get_field(p) in unvoted], signals, now)
    heat: dict[str, Heat] = {}
    for paper, text in zip(papers, texts, strict=True):
        if unvoted and get_field(paper) in unvoted and paper.listed is None and not split[paper.id].votes:
            own = _build_unvoted_heat(paper, cited.get(paper.id), now)
        else:
            own = _compute_own_heat(paper, text, split[paper.id].votes, baselines, now)
        others = further.get(paper.id)
        combined = _combine(own, others, baselines.listing_curve) if others else own
        counts = _count_repositories(signals.get(paper.id, ()), now)
        heat[paper.id] = replace(combined, **counts) if counts else combined
    return heat


def _count_repositories(signals: Iterable[Signal], now: datetime) -> dict[str, Any]:
    """Return the last counts of models, datasets and Spaces that are not 0, by their field of Heat."""
    last = {
        signal.kind: signal
        for signal in sorted(signals, key=lambda signal: signal.observed_at)
        if signal.kind in REPOSITORY_KINDS and signal.observed_at <= now
    }
    return {str(kind): int(signal.value) for kind, signal in last.items() if signal.value}


def _find_fields_without_voters(
    papers: Sequence[Paper], split: Mapping[str, "_SplitSignals"]
) -> frozenset[str]:
    """Return the fields in which hardly any paper has votes; none if no paper has: votes are missing then."""
    total = Counter(map(get_field, papers))
    voted = Counter(get_field(paper) for paper in papers if split[paper.id].votes)
    return frozenset(
        field
        for field, count in total.items()
        if voted
        and voted[field] < MIN_VOTED_SHARE * count
        and (count >= MIN_FIELD_PAPERS or field not in ARXIV_CATEGORIES)
    )


def _compute_citation_heat(
    papers: Sequence[Paper], signals: Mapping[str, Sequence[Signal]], now: datetime
) -> dict[str, tuple[float, Signal]]:
    """Return the heat of papers with recent citations among those of their field, with the last count."""
    by_field: dict[str, dict[str, float]] = defaultdict(dict)
    last: dict[str, Signal] = {}
    for paper in papers:
        counts = [
            s for s in signals.get(paper.id, ()) if s.kind is SignalKind.CITATIONS and s.observed_at <= now
        ]
        if not counts:
            continue
        counts.sort(key=lambda signal: signal.observed_at)
        is_young = paper.published is not None and now - paper.published <= YOUNG
        by_field[get_field(paper)][paper.id] = counts[-1].value - (0 if is_young else counts[0].value)
        last[paper.id] = counts[-1]
    ranked = (to_heat_by_rank(gains) for gains in by_field.values())
    heat = {paper_id: value for field in ranked for paper_id, value in field.items()}
    return {paper_id: (value, last[paper_id]) for paper_id, value in heat.items() if value > -1}


def _build_unvoted_heat(paper: Paper, cited: tuple[float, Signal] | None, now: datetime) -> Heat:
    """Return the heat of a paper of a field without voters: as usual, or by its recent citations."""
    seen = paper.first_seen or paper.published or now
    value = max(0.0, cited[0]) if cited else 0.0
    rank = 1.0 + value if cited else 0.0
    heat = Heat(
        value=value,
        expected=0.0,
        order=ORDER_WITHOUT_VOTERS + rank - (now - seen) / DAY / DAYS_PER_STEP,
        has_voters=False,
    )
    if cited is None:
        return heat
    return replace(heat, source=cited[1].source, kind=cited[1].kind, votes=cited[1].value)


def sort_by_heat(papers: Iterable[Paper], heat: Mapping[str, Heat]) -> list[Paper]:
    """Return the papers in the order of the trending list: hottest first, then by forecast, then by id."""
    return sorted(papers, key=lambda paper: (*heat_sort_key(heat[paper.id]), paper.id))


def heat_sort_key(heat: Heat) -> tuple[float, float]:
    """Return the sort key of the trending list, hottest first."""
    return (-(heat.value if heat.order is None else heat.order), -heat.expected)


def forecast_final_votes(
    votes: float, hours: float, curve: GrowthCurve, *, shrinkage: float = SHRINKAGE
) -> float:
    """Return E, the forecast for a paper with so many votes after so many hours."""
    return (votes + shrinkage) / (curve.reached_share_at(hours) + shrinkage / curve.mean)


def to_doublings(final: float, curve: GrowthCurve) -> float:
    """Convert final votes to doublings above a usual paper of the source."""
    return log2((final + 1) / (curve.median + 1))


@dataclass(frozen=True, slots=True)
class _SplitSignals:
    """A paper's signals, oldest first: votes of the source that lists papers, and all other counts."""

    votes: Sequence[Signal]
    others: Mapping[tuple[str, SignalKind], Sequence[Signal]]


NO_SIGNALS = _SplitSignals((), {})


def _split_signals(signals: Iterable[Signal], now: datetime, baselines: Baselines) -> _SplitSignals:
    votes: list[Signal] = []
    others: dict[tuple[str, SignalKind], list[Signal]] = defaultdict(list)
    for signal in sorted(signals, key=lambda signal: (signal.observed_at, signal.value)):
        if signal.observed_at > now or signal.kind in IGNORED_KINDS:
            continue
        if baselines.get_curve(signal.source, signal.kind) is baselines.listing_curve:
            votes.append(signal)
        else:
            others[signal.source, signal.kind].append(signal)
    return _SplitSignals(votes, others)


def _compute_own_heat(
    paper: Paper, text: float, votes: Sequence[Signal], baselines: Baselines, now: datetime
) -> Heat:
    """Return the heat from the votes of the source that lists papers, from the prior if there are none."""
    prediction = baselines.prior.predict(paper, baselines.record, text=text)
    if not votes:
        return _predict_heat(paper, baselines, prediction)
    heat = _measure_heat(paper, votes, baselines, prediction)
    # An old gain is not one since yesterday: while votes are not fetched, there is none.
    return heat if now - votes[-1].observed_at <= DAY / 2 else replace(heat, gained=None)


def _predict_heat(paper: Paper, baselines: Baselines, prediction: float) -> Heat:
    """Return the heat of a paper without votes. One that no source listed is usual at best."""
    curve = baselines.listing_curve
    final = to_final_votes(curve.mean, prediction)
    if paper.listed is None:
        final = min(curve.median, UNLISTED_FACTOR * final)
    return Heat(
        value=to_doublings(final, curve),
        expected=final,
        order=_compute_order(final, 0.0, curve),
        content_prior=True,
        author_votes=baselines.record.get_author_votes(paper),
    )


def _measure_heat(paper: Paper, votes: Sequence[Signal], baselines: Baselines, prediction: float) -> Heat:
    last = votes[-1]
    curve = baselines.listing_curve
    hours = _compute_age(paper, votes)
    is_above = forecast_final_votes(last.value, hours, curve) > curve.top_threshold
    is_doubted = is_above and prediction < baselines.prior.lowest_quartile
    final = _forecast(last.value, hours, curve, SHRINKAGE, is_doubted=is_doubted)
    cautious = _forecast(last.value, hours, curve, ORDER_SHRINKAGE, is_doubted=is_doubted)
    still_to_come = max(0.0, 1 - curve.reached_share_at(hours))
    error_factor = exp(curve.spread_at(hours, final))
    return Heat(
        value=to_doublings(min(final, curve.ceiling), curve),
        expected=final,
        low=max(final / error_factor, last.value),
        high=max(final * error_factor, last.value),
        source=curve.source,
        kind=last.kind,
        votes=last.value,
        hours=hours,
        usual=curve.usual_at(hours),
        gained=_compute_daily_gain(votes),
        usual_gain=curve.usual_gain_at(hours),
        author_votes=baselines.record.get_author_votes(paper),
        order=_compute_order(cautious * exp(PRIOR_WEIGHT * prediction * still_to_come), hours, curve),
        is_doubted=is_doubted,
    )


def _forecast(votes: float, hours: float, curve: GrowthCurve, shrinkage: float, *, is_doubted: bool) -> float:
    """Return E. What takes a doubted paper above the threshold weighs less, but more votes never lower E."""
    plain = forecast_final_votes(votes, hours, curve, shrinkage=shrinkage)
    if not is_doubted:
        return plain
    doubted = forecast_final_votes(votes, hours, curve, shrinkage=DOUBT_SHRINKAGE)
    return max(min(plain, curve.top_threshold), doubted)


def _compute_order(final: float, hours: float, curve: GrowthCurve) -> float:
    """Return doublings above the threshold; below it, lower the more certain the forecast is."""
    above = log2((final + 1) / (curve.top_threshold + 1))
    if above >= 0:
        return above
    return above * sqrt(curve.spread_at(0, 0) / curve.spread_at(hours, 0))


def _compute_age(paper: Paper, votes: Sequence[Signal]) -> float:
    """Return the hours from listing to the last fetch of its votes; without fetches a paper does not age."""
    start = paper.first_seen or paper.published or votes[0].observed_at
    if paper.listed:
        start = datetime.combine(paper.listed, time(), UTC)
    return max(0.0, (votes[-1].observed_at - start) / timedelta(hours=1))


def _compute_daily_gain(votes: Sequence[Signal]) -> float | None:
    """Return the gain since the signal nearest to 24 hours before the last one; None if none is near."""
    last = votes[-1]
    near = [signal for signal in votes if DAY * 0.75 <= last.observed_at - signal.observed_at <= DAY * 1.5]
    if not near:
        return None
    return last.value - min(near, key=lambda signal: abs(last.observed_at - signal.observed_at - DAY)).value


def _compute_further_heat(
    split: Mapping[str, _SplitSignals], baselines: Baselines
) -> dict[str, dict[Signal, float]]:
    """Return for each paper the heat on each further source, by its last signal there."""
    by_count: dict[tuple[str, SignalKind], dict[str, Sequence[Signal]]] = defaultdict(dict)
    for paper_id, signals in split.items():
        for count, series in signals.others.items():
            by_count[count][paper_id] = series
    heat: dict[str, dict[Signal, float]] = defaultdict(dict)
    for count, by_paper in by_count.items():
        for paper_id, value in _compute_source_heat(by_paper, baselines.get_curve(*count)).items():
            heat[paper_id][by_paper[paper_id][-1]] = value
    return heat


def _compute_source_heat(
    by_paper: Mapping[str, Sequence[Signal]], curve: GrowthCurve | None
) -> dict[str, float]:
    """Return the heat on one source, by its growth curve, or by recent gains if it has none yet."""
    if curve:
        return {paper_id: _compute_curve_heat(series, curve) for paper_id, series in by_paper.items()}
    # While the source is not fetched, its papers do not cool.
    at = max(signal.observed_at for series in by_paper.values() for signal in series)
    return to_heat_by_rank({paper_id: compute_surge(series, at) for paper_id, series in by_paper.items()})


def _compute_curve_heat(series: Sequence[Signal], curve: GrowthCurve) -> float:
    start = datetime.combine(series[0].observed_at, time(), UTC)
    hours = (series[-1].observed_at - start) / timedelta(hours=1)
    return to_doublings(min(curve.ceiling, forecast_final_votes(series[-1].value, hours, curve)), curve)


def _combine(own: Heat, further: Mapping[Signal, float], curve: GrowthCurve) -> Heat:
    """Return the greatest heat plus a quarter of every other one that is above the usual."""
    best = max(
        (last for last in further if last.kind not in SUPPORTING_KINDS),
        key=lambda last: (further[last], last.source),
        default=None,
    )
    if best is None or further[best] <= own.value:
        order = (own.order or 0.0) + _weigh_further(
            value for last, value in further.items() if last.kind not in SUPPORTING_KINDS
        )
        return replace(own, value=own.value + _weigh_further(further.values()), order=order)
    rest = [value for last, value in further.items() if last is not best]
    value = further[best] + _weigh_further([*rest, own.value])
    return Heat(
        value=value,
        expected=own.expected,
        source=best.source,
        kind=best.kind,
        votes=best.value,
        order=value - to_doublings(curve.top_threshold, curve),
        author_votes=own.author_votes,
        is_doubted=own.is_doubted,
    )


def _weigh_further(values: Iterable[float]) -> float:
    return FURTHER_SOURCE_WEIGHT * sum(sorted(value for value in values if value > 0))


def get_field(paper: Paper) -> str:
    """Return the field of science: arXiv's archive (cs, math) of the primary category, else the source."""
    return paper.category.partition(".")[0] if paper.category in ARXIV_CATEGORIES else paper.source
