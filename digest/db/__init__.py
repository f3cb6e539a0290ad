"""What do we remember? The only room that knows SQL."""

from digest.db.database import Database
from digest.db.transaction import Transaction

__all__ = ["Database", "Transaction"]
