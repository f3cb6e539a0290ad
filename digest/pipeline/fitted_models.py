"""What is usual by now? The shipped climate, or the one fitted here, brought up to date from the store."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from pydantic import TypeAdapter

from digest.db import Database, Transaction
from digest.db.papers.signals import Final
from digest.models import DeliveryKind, DeliveryState, Section, SignalKind, Subscriber
from digest.pipeline.edition_payload import affinities
from digest.ranking.score import SHIPPED, Calibration, ShownMatch, fit_calibration
from digest.trending.baselines import DEFAULT, Baselines, GrowthCurve
from digest.trending.fit_baselines import SETTLED, refit, rolled
from digest.trending.fit_prior import fit_prior
from digest.trending.prior import Prior, VoteHistory

REMEMBERED = timedelta(days=90)  # of authors' earlier papers: enough to know who is known, quick to read
A_YEAR = timedelta(days=365)
COUNTS = (("huggingface", SignalKind.UPVOTES), ("hackernews", SignalKind.POINTS))
_KEY, _PRIOR_KEY, _CALIBRATION_KEY = "climate", "prior", "calibration"
LATEST = 60  # mails of a reader that are looked at for what they were sent
_PACES = TypeAdapter(tuple[GrowthCurve, ...])
_PRIOR = TypeAdapter(Prior)
_CALIBRATION = TypeAdapter(Calibration)


def climate_of(store: Database, now: datetime) -> Baselines:
    """What is usual now: fitted figures if there are any, the last 28 days, and the authors' record."""
    climate = _kept(store)
    return rolled(climate, _ended(store, now, climate.paces[0], since=now - REMEMBERED), now.date())


def _kept(store: Database) -> Baselines:
    with store.begin(write=False) as tx:
        paces, prior = tx.meta.read(_KEY), tx.meta.read(_PRIOR_KEY)
    climate = replace(DEFAULT, paces=_PACES.validate_json(paces)) if paces else DEFAULT
    return replace(climate, prior=_PRIOR.validate_json(prior)) if prior else climate


def _ended(store: Database, now: datetime, pace: GrowthCurve, *, since: datetime) -> list[VoteHistory]:
    """The papers listed since then whose votes say where they end."""
    with store.begin(write=False) as tx:
        finals = tx.signals.finals(*COUNTS[0], since=since.date())
        papers = tx.papers.by_ids([final.paper_id for final in finals])
    return [
        VoteHistory(papers[final.paper_id], final.value / min(1.0, pace.grown_at(_hours(final))))
        for final in finals
        if _hours(final) >= SETTLED / timedelta(hours=1) and final.observed_at <= now
    ]


def fitted(store: Database, now: datetime, *, days: int) -> tuple[GrowthCurve, ...]:
    """The pace of every source as our own readings of the last days tell it; sources too young are absent."""
    since = now - timedelta(days=days)
    with store.begin(write=False) as tx:
        papers = tx.papers.pool(since, now)
        signals = tx.signals.of([paper.id for paper in papers], until=now)
    listed = {paper.id: paper.listed for paper in papers if paper.listed}
    met = {name: readings[0].observed_at.date() for name, readings in signals.items()}
    found = []
    for source, kind in COUNTS:
        days_of: Mapping[str, date] = listed if source == "huggingface" else met
        before = DEFAULT.pace_of(source, kind)
        pace = refit(days_of, signals, source=source, kind=kind, as_of=now.date(), before=before)
        found += [pace] if pace else []
    return tuple(found)


def fitted_prior(store: Database, now: datetime) -> Prior | None:
    """What authors, code and topic promise by the papers of the last year; None while they are too few."""
    past = _ended(store, now, _kept(store).paces[0], since=now - A_YEAR)
    return fit_prior(past, now.date())


def calibration_of(store: Database) -> Calibration:
    """How likely a near paper is to be wanted: as fitted here, else as shipped."""
    with store.begin(write=False) as tx:
        kept = tx.meta.read(_CALIBRATION_KEY)
    return _CALIBRATION.validate_json(kept) if kept else SHIPPED


def fitted_calibration(store: Database, now: datetime) -> Calibration | None:
    """The same by what our own readers were sent and came to like; None while that is too little."""
    return fit_calibration([*_shown(store)], now.date())


def _shown(store: Database) -> Iterator[ShownMatch]:
    """What was picked for those readers who ever judged a paper; the silence of the others says nothing."""
    last = 0
    while True:
        with store.begin(write=False) as tx:
            some = tx.subscribers.after(last)
            for reader in some:
                yield from _shown_to(tx, reader)
        if not some:
            return
        last = some[-1].id


def _shown_to(tx: Transaction, reader: Subscriber) -> Iterator[ShownMatch]:
    judged = {each.paper_id for each in (*reader.profile.liked, *reader.profile.disliked)} - {""}
    liked = {each.paper_id for each in reader.profile.liked}
    if not judged:
        return
    for mail in tx.deliveries.history(reader.id, limit=LATEST):
        if mail.kind is DeliveryKind.DIGEST and mail.state is DeliveryState.ACCEPTED:
            for paper, affinity in affinities(mail.payload, Section.PICKED):
                yield ShownMatch(affinity, paper in liked)


def keep(
    store: Database,
    paces: tuple[GrowthCurve, ...],
    prior: Prior | None = None,
    calibration: Calibration | None = None,
) -> None:
    """Use these figures from now on; what is not given stays as it was shipped."""
    named = {(pace.source, pace.kind): pace for pace in (*DEFAULT.paces, *paces)}
    told = {
        _KEY: _PACES.dump_json(tuple(named.values())) if paces else b"",
        _PRIOR_KEY: _PRIOR.dump_json(prior) if prior else b"",
        _CALIBRATION_KEY: _CALIBRATION.dump_json(calibration) if calibration else b"",
    }
    with store.begin() as tx:
        for key, value in told.items():
            if value:
                tx.meta.write(key, value.decode())
            else:
                tx.meta.forget(key)


def _hours(final: Final) -> float:
    return (final.observed_at - datetime.combine(final.day, time(), UTC)) / timedelta(hours=1)
