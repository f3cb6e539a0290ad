"""What do we talk about? The nouns of the house: frozen values, standard library only.

papers → readers → editions → deliveries: each knows only those before it.
"""

from digest.models.deliveries import (
    BounceKind,
    Brake,
    Claimed,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Planned,
    Settlement,
    Suppression,
    SuppressionReason,
)
from digest.models.editions import Because, Candidates, Edition, Email, Pick, Reason, Section, Sent
from digest.models.papers import Announcement, Health, Heat, Memory, Paper, Reading, Signal, SignalKind
from digest.models.subscribers import (
    CONFIRM_WITHIN,
    LANGUAGES,
    Facet,
    Frequency,
    Liking,
    Mix,
    Preferences,
    Profile,
    Schedule,
    Shard,
    Status,
    Subscriber,
    Threshold,
)

__all__ = [
    "CONFIRM_WITHIN", "LANGUAGES", "Announcement", "Because", "BounceKind", "Brake", "Candidates",
    "Claimed", "Delivery", "DeliveryKind", "DeliveryState", "Edition", "Email", "Facet", "Frequency",
    "Health", "Heat", "Liking", "Memory", "Mix", "Paper", "Pick", "Planned", "Preferences", "Profile",
    "Reading", "Reason", "Schedule", "Section", "Sent", "Settlement", "Shard", "Signal", "SignalKind",
    "Status", "Subscriber", "Suppression", "SuppressionReason", "Threshold",
]  # fmt: skip
