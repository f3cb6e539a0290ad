"""What do we remember? The only room that knows SQL."""

from digest.store.engine import Store
from digest.store.transaction import Transaction

__all__ = ["Store", "Transaction"]
