"""Administrators of the installation and what each may do."""

from enum import StrEnum


class Role(StrEnum):
    """What an administrator may do. Each role may do all that the one before it may."""

    VIEWER = "viewer"  # reads everything, changes nothing
    EDITOR = "editor"  # also changes subscribers, suppressions, tags and held editions
    OWNER = "owner"  # also says who else may administer

    def allows(self, needed: "Role") -> bool:
        """Return whether this role may do what *needed* may."""
        order = [*Role]
        return order.index(self) >= order.index(needed)
