"""Statistical models of this installation: shipped figures, or those fitted on its own data and stored."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from pydantic import TypeAdapter

from digest.db import Database, Transaction
from digest.db.papers.signals import FinalValue
from digest.models import DeliveryKind, DeliveryState, Section, SignalKind, Subscriber
from digest.pipeline.edition_payload import get_affinities
from digest.ranking.score import DEFAULT_CALIBRATION, Calibration, ShownMatch, fit_calibration
from digest.trending.baselines import DEFAULT_BASELINES, Baselines, GrowthCurve
from digest.trending.fit_baselines import SETTLING_TIME, fit_growth_curve, update_baselines
from digest.trending.fit_prior import fit_prior
from digest.trending.prior import Prior, VoteHistory

AUTHOR_RECORD_WINDOW = timedelta(days=90)  # of authors' earlier papers: enough to know them, quick to read
PRIOR_WINDOW = timedelta(days=365)
COUNTS = (("huggingface", SignalKind.UPVOTES), ("hackernews", SignalKind.POINTS))
MAX_MAILS_PER_READER = 60  # the latest mails of a reader, searched for what they were sent
_CURVES_KEY, _PRIOR_KEY, _CALIBRATION_KEY = "climate", "prior", "calibration"  # meta keys
_CURVES = TypeAdapter(tuple[GrowthCurve, ...])
_PRIOR = TypeAdapter(Prior)
_CALIBRATION = TypeAdapter(Calibration)


def load_baselines(store: Database, now: datetime) -> Baselines:
    """Return stored or shipped baselines, updated with the last 28 days and the authors' record."""
    baselines = _load_stored_baselines(store)
    histories = _load_vote_histories(store, now, baselines.listing_curve, since=now - AUTHOR_RECORD_WINDOW)
    return update_baselines(baselines, histories, now.date())


def load_calibration(store: Database) -> Calibration:
    """Return how likely a similar paper is to be liked: as stored, else as shipped."""
    with store.begin(write=False) as tx:
        text = tx.meta.read(_CALIBRATION_KEY)
    return _CALIBRATION.validate_json(text) if text else DEFAULT_CALIBRATION


def fit_own_curves(store: Database, now: datetime, *, days: int) -> tuple[GrowthCurve, ...]:
    """Fit the growth curve of every source on our own signals of the last *days*.

    Sources with too little data are absent.
    """
    since = now - timedelta(days=days)
    with store.begin(write=False) as tx:
        papers = tx.papers.list_candidates(since, now)
        signals = tx.signals.get_until([paper.id for paper in papers], until=now)
    listed = {paper.id: paper.listed for paper in papers if paper.listed}
    first_observed = {paper_id: series[0].observed_at.date() for paper_id, series in signals.items()}
    curves = []
    for source, kind in COUNTS:
        start_days: Mapping[str, date] = listed if source == "huggingface" else first_observed
        before = DEFAULT_BASELINES.get_curve(source, kind)
        curve = fit_growth_curve(
            start_days, signals, source=source, kind=kind, as_of=now.date(), before=before
        )
        curves += [curve] if curve else []
    return tuple(curves)


def fit_own_prior(store: Database, now: datetime) -> Prior | None:
    """Fit what authors, code and topic predict on the papers of the last year; None if they are too few."""
    curve = _load_stored_baselines(store).listing_curve
    return fit_prior(_load_vote_histories(store, now, curve, since=now - PRIOR_WINDOW), now.date())


def fit_own_calibration(store: Database, now: datetime) -> Calibration | None:
    """Fit the calibration on what our own readers were sent and liked; None if that is too little."""
    return fit_calibration([*_load_shown_matches(store)], now.date())


def save_fitted_models(
    store: Database,
    curves: tuple[GrowthCurve, ...],
    prior: Prior | None = None,
    calibration: Calibration | None = None,
) -> None:
    """Use these figures from now on; for what is empty or None, the shipped ones."""
    merged = {(curve.source, curve.kind): curve for curve in (*DEFAULT_BASELINES.curves, *curves)}
    values = {
        _CURVES_KEY: _CURVES.dump_json(tuple(merged.values())) if curves else b"",
        _PRIOR_KEY: _PRIOR.dump_json(prior) if prior else b"",
        _CALIBRATION_KEY: _CALIBRATION.dump_json(calibration) if calibration else b"",
    }
    with store.begin() as tx:
        for key, value in values.items():
            if value:
                tx.meta.write(key, value.decode())
            else:
                tx.meta.delete(key)


def _load_stored_baselines(store: Database) -> Baselines:
    with store.begin(write=False) as tx:
        curves, prior = tx.meta.read(_CURVES_KEY), tx.meta.read(_PRIOR_KEY)
    baselines = (
        replace(DEFAULT_BASELINES, curves=_CURVES.validate_json(curves)) if curves else DEFAULT_BASELINES
    )
    return replace(baselines, prior=_PRIOR.validate_json(prior)) if prior else baselines


def _load_vote_histories(
    store: Database, now: datetime, curve: GrowthCurve, *, since: datetime
) -> list[VoteHistory]:
    """Return the papers listed since then whose votes are old enough to say where they end."""
    with store.begin(write=False) as tx:
        finals = [
            final
            for final in tx.signals.list_final_values(*COUNTS[0], since=since.date())
            if _get_age_hours(final) >= SETTLING_TIME / timedelta(hours=1) and final.observed_at <= now
        ]
        papers = tx.papers.get_by_ids([final.paper_id for final in finals])
    reached = (min(1.0, curve.reached_share_at(_get_age_hours(final))) for final in finals)
    return [
        VoteHistory(papers[final.paper_id], final.value / share)
        for final, share in zip(finals, reached, strict=True)
    ]


def _get_age_hours(final: FinalValue) -> float:
    return (final.observed_at - datetime.combine(final.day, time(), UTC)) / timedelta(hours=1)


def _load_shown_matches(store: Database) -> Iterator[ShownMatch]:
    """Yield what was picked for readers who ever judged a paper; that others did not says nothing."""
    last_id = 0
    while True:
        with store.begin(write=False) as tx:
            readers = tx.subscribers.list_after(last_id)
            for reader in readers:
                yield from _load_shown_matches_of(tx, reader)
        if not readers:
            return
        last_id = readers[-1].id


def _load_shown_matches_of(tx: Transaction, reader: Subscriber) -> Iterator[ShownMatch]:
    judged = {paper.paper_id for paper in (*reader.profile.liked, *reader.profile.disliked)} - {""}
    liked = {paper.paper_id for paper in reader.profile.liked}
    if not judged:
        return
    for mail in tx.deliveries.list_by_subscriber(reader.id, limit=MAX_MAILS_PER_READER):
        if mail.kind is DeliveryKind.DIGEST and mail.state is DeliveryState.ACCEPTED:
            for paper_id, affinity in get_affinities(mail.payload, Section.PICKED):
                yield ShownMatch(affinity, paper_id in liked)
