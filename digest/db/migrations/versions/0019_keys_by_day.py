"""Let the keys of digests begin with the day, and drop the message id, which nothing reads.

The keys of a day are next to each other in the index then: adding those of a day to a year of others writes
few pages.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019_keys_by_day"
down_revision = "0018_unused_columns"

# From digest/SUBSCRIBER/DAY, with the channel behind it if there is one, to digest/DAY/SUBSCRIBER.
SQLITE_UPDATE = """
    UPDATE delivery SET key = 'digest/' || substr(rest, instr(rest, '/') + 1, 10)
        || '/' || substr(rest, 1, instr(rest, '/') - 1) || substr(rest, instr(rest, '/') + 11)
    FROM (SELECT id AS old, substr(key, 8) AS rest FROM delivery) WHERE id = old
        AND key GLOB 'digest/[0-9]*/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"""
POSTGRES_UPDATE = r"""
    UPDATE delivery SET key = regexp_replace(key, '^digest/(\d+)/(\d{4}-\d\d-\d\d)', 'digest/\2/\1')
    WHERE key ~ '^digest/\d+/\d{4}-\d\d-\d\d'"""


def upgrade() -> None:
    connection = op.get_bind()
    is_postgres = connection.dialect.name == "postgresql"
    connection.execute(sa.text(POSTGRES_UPDATE if is_postgres else SQLITE_UPDATE))
    with op.batch_alter_table("delivery", table_kwargs={"sqlite_autoincrement": True}) as delivery:
        delivery.drop_constraint("uq_delivery_message_id", type_="unique")
        delivery.drop_column("message_id")
