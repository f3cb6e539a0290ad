"""The database: tables, migrations and one repository per noun. The only package that contains SQL."""

from digest.db.database import Database
from digest.db.transaction import Transaction
