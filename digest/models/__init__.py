"""The domain model: frozen dataclasses and enums, standard library only.

papers → subscribers → editions → deliveries: each module imports only those before it.
"""

from digest.models.deliveries import (
    AttemptResult,
    BounceKind,
    BounceReport,
    ClaimedBatch,
    Delivery,
    DeliveryKind,
    DeliveryState,
    NewDelivery,
    Suppression,
    SuppressionReason,
    ThrottleAction,
)
from digest.models.editions import Candidates, Edition, Email, Pick, Reason, ReasonKind, Section, Sent
from digest.models.papers import (
    Announcement,
    FetchResult,
    FetchState,
    Health,
    Heat,
    Paper,
    Signal,
    SignalKind,
)
from digest.models.subscribers import (
    CONFIRM_TTL,
    LANGUAGES,
    SUBSCRIBED,
    Facet,
    Frequency,
    LikedPaper,
    Mix,
    Preferences,
    Profile,
    Schedule,
    Shard,
    Status,
    Subscriber,
    Threshold,
)
