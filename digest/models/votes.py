"""A subscriber's vote on a paper: more like this, less like this, or saved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """The latest vote of one subscriber on one paper. Verdict and reason are those of `ranking.feedback`."""

    paper_id: str
    verdict: str
    at: datetime
    reason: str = ""  # of "less"; empty if none was given
    learnt: Mapping[str, float] = field(default_factory=dict)  # the weight that each term gained or lost
    replaced: str = ""  # where the paper stood before: "liked", "disliked" or nowhere
