"""What a reader's own program may ask and do, the same for the API (`/api/v1/me`) and for MCP."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from digest.db import Transaction
from digest.db.subscribers.reader_tokens import USE_INTERVAL
from digest.mail.locale import get_locale
from digest.mail.wording import describe_reason
from digest.models import Edition, Paper, Pick, Section, Subscriber
from digest.models.api_tokens import ReaderToken
from digest.models.errors import DigestError, NotFound, StoreError
from digest.models.paper_ids import parse_paper_id
from digest.models.schedule import get_local_day
from digest.models.text import clean
from digest.pipeline.plan import load_planned_edition
from digest.ranking.feedback import Feedback, LessReason
from digest.subscribers import Actor
from digest.subscribers.reader_tokens import find_reader
from digest.subscribers.saved_papers import annotate_saved_paper, save_paper
from digest.web.components import paper_path
from digest.web.context import WebContext
from digest.web.search import build_query, run_search
from digest.web.votes import undo_vote, vote

MAX_QUERY_CHARS = 200
NOT_CHOSEN: Mapping[str, str] = {  # by the rule that excluded a paper
    "sent": "You were sent it before.",
    "muted": "It has one of the words that you rule out.",
    "old": "It was there at your last digest already, and not near enough to your interests.",
    "below-threshold": "It is not near enough to your interests.",
    "no-room": "Other papers were nearer to your interests or hotter.",
}


class NotAllowed(DigestError):
    """This token may only read. Make one that may vote and save on the page Programs of your preferences."""


class TooManyCalls(DigestError):
    """Too many calls; try again in a minute."""


class VoteVerdict(StrEnum):
    """What the reader thinks of a paper; `none` takes a vote back."""

    MORE = "more"
    LESS = "less"
    NONE = "none"


class ReaderPaper(BaseModel):
    """A paper as its reader sees it."""

    id: str
    title: str
    url: str = Field(description="at its source")
    page: str = Field(description="its page here")
    authors: list[str]
    categories: list[str]
    published: datetime | None
    summary: str = Field(description="one sentence, if there is one")
    abstract: str
    section: str = Field("", description="trending, picked or also_new, in a digest")
    why: str = Field("", description="why it is in the digest")


class ReaderDigest(BaseModel):
    """The digest of one day: as it was sent, or as today's would be."""

    day: date
    is_sent: bool = Field(description="false: as it would be chosen now")
    papers: list[ReaderPaper]


class PaperExplanation(BaseModel):
    """Why a paper was sent to the reader, will be, or was not."""

    paper: ReaderPaper
    verdict: str = Field(description="sent, chosen, or the rule that excluded it")
    sentence: str
    day: date | None = Field(None, description="of the digest that contains it")


class SearchResults(BaseModel):
    """Papers that match, best first."""

    papers: list[ReaderPaper]


class VoteResult(BaseModel):
    """The vote that is stored now."""

    paper: str
    verdict: VoteVerdict
    reason: str


class SaveResult(BaseModel):
    """Whether the paper was saved by this call; it is saved now in any case."""

    paper: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class ReaderApi:
    """The calls of one reader's token. Errors are DigestErrors with a sentence for people."""

    ctx: WebContext
    reader: Subscriber
    token: ReaderToken

    def get_digest(self, day: date | None = None) -> ReaderDigest:
        """Return the digest of a day, without one today's. Raises NotFound if none was sent that day."""
        now = self.ctx.clock()
        sent_on = day or get_local_day(self.reader.schedule, now)
        edition = load_planned_edition(self.ctx.services.store, self.reader, sent_on)
        if edition is not None:
            return self._describe(edition, is_sent=True)
        if day is not None:
            raise NotFound("There was no digest on that day, or it is no longer stored.")
        return self._describe(self.ctx.previews.edition(self.reader, now), is_sent=False)

    def explain_paper(self, paper: str) -> PaperExplanation:
        """Say why a paper was sent, is chosen today, or is not."""
        ctx = self.ctx
        with ctx.services.store.begin(write=False) as tx:
            found = _find_paper(tx, paper)
            sent = tx.sent_papers.get_by_subscriber([self.reader.id])[self.reader.id].get(found.id)
        if sent is not None:
            edition = load_planned_edition(ctx.services.store, self.reader, sent.day)
            why = self._find_reason(edition, found)
            sentence = f"It was in your digest of {sent.day}{': ' if why else ''}{why}."
            return self._explain(found, "sent", sentence, why=why, day=sent.day)
        edition, excluded = ctx.previews.choose(self.reader, ctx.clock())
        if any(pick.paper.id == found.id for pick in edition.picks):
            why = self._find_reason(edition, found)
            sentence = f"It is in today's digest{': ' if why else ''}{why}."
            return self._explain(found, "chosen", sentence, why=why, day=edition.day)
        rule = excluded.get(found.id, "not-a-candidate")
        sentence = NOT_CHOSEN.get(rule, "It is older than a week, withdrawn, or only a revision.")
        return self._explain(found, rule, sentence)

    def search_papers(self, query: str) -> SearchResults:
        """Return the papers that match these words, by their text and their meaning."""
        now, words = self.ctx.clock(), query[:MAX_QUERY_CHARS]
        matches, _ = run_search(self.ctx, words, build_query(words, "", None, "", now), now, first=0)
        return SearchResults(papers=[self._describe_paper(match.paper) for match in matches])

    def vote_on_paper(self, paper: str, verdict: VoteVerdict, reason: LessReason | None = None) -> VoteResult:
        """Vote on a paper, or take the vote back; it teaches what comes next. Raises NotAllowed."""
        self._check_may_write()
        who, actor = self.reader.public_id, self._actor
        with self.ctx.services.store.begin() as tx:
            found = _find_paper(tx, paper)
            if verdict is VoteVerdict.NONE:
                undo_vote(tx, who, found, actor=actor)
                return VoteResult(paper=found.id, verdict=verdict, reason="")
            given = vote(tx, who, found, Feedback(verdict), reason=reason, actor=actor)
        return VoteResult(paper=found.id, verdict=VoteVerdict(given.verdict), reason=given.reason)

    def save_paper(self, paper: str, note: str = "", tags: str = "") -> SaveResult:
        """Save a paper with a note and tags, which replace those it has, if given. Raises NotAllowed."""
        self._check_may_write()
        actor = self._actor
        with self.ctx.services.store.begin() as tx:
            found = _find_paper(tx, paper)
            is_new = save_paper(tx, self.reader, found, actor=actor)
            if note or tags:
                annotate_saved_paper(tx, self.reader, found, note=note, tags=tags)
            actor.write_audit(tx, "save-paper", self.reader.public_id, {"paper": found.id})
        return SaveResult(paper=found.id, is_new=is_new)

    @property
    def _actor(self) -> Actor:
        return self.ctx.actor(f"reader-token:{self.token.id}")

    def _check_may_write(self) -> None:
        if not self.token.may_write:
            raise NotAllowed

    def _describe(self, edition: Edition, *, is_sent: bool) -> ReaderDigest:
        papers = [
            self._describe_paper(
                pick.paper, section=str(pick.section), why=self._describe_reason(pick, edition)
            )
            for section in Section
            for pick in edition.get_picks(section)
        ]
        return ReaderDigest(day=edition.day, is_sent=is_sent, papers=papers)

    def _describe_paper(self, paper: Paper, *, section: str = "", why: str = "") -> ReaderPaper:
        return ReaderPaper(
            id=paper.id,
            title=clean(paper.title),
            url=paper.url,
            page=self.ctx.services.settings.base_url + paper_path(paper),
            authors=[clean(author) for author in paper.authors],
            categories=list(paper.categories),
            published=paper.published,
            summary=clean(paper.summary),
            abstract=clean(paper.abstract),
            section=section,
            why=why,
        )

    def _describe_reason(self, pick: Pick, edition: Edition) -> str:
        return describe_reason(get_locale(self.reader.preferences.language), pick, edition.day)

    def _find_reason(self, edition: Edition | None, paper: Paper) -> str:
        picks = edition.picks if edition else ()
        pick = next((item for item in picks if item.paper.id == paper.id), None)
        return self._describe_reason(pick, edition) if pick and edition else ""

    def _explain(
        self, paper: Paper, verdict: str, sentence: str, *, why: str = "", day: date | None = None
    ) -> PaperExplanation:
        shown = self._describe_paper(paper, why=why)
        return PaperExplanation(paper=shown, verdict=verdict, sentence=sentence, day=day)


def open_reader_api(ctx: WebContext, token: str) -> ReaderApi | None:
    """Return the calls of a token, and note its use; None if it is not valid.

    Raises TooManyCalls when the token was used too often.
    """
    with ctx.services.store.begin(write=False) as tx:
        found = find_reader(tx, token)
    if found is None:
        return None
    reader, known = found
    if not ctx.limits.reader_tokens.take(str(known.id), ctx.clock()):
        raise TooManyCalls
    if known.used_at is None or ctx.clock() - known.used_at >= USE_INTERVAL:
        with suppress(StoreError), ctx.services.store.begin() as tx:  # the call itself can go on
            tx.reader_tokens.note_use(known, ctx.clock())
    return ReaderApi(ctx, reader, known)


def _find_paper(tx: Transaction, paper_id: str) -> Paper:
    """Return a paper by any form of its id or a link. Raises InvalidChange or NotFound."""
    return tx.papers.get(parse_paper_id(paper_id), missing="No source has announced this paper to us.")
