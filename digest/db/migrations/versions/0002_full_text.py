"""Add a full-text index of title, abstract and authors, kept up to date by triggers."""

from alembic import op

revision = "0002_full_text"
down_revision = "0001_first_house"

# The very first versions laid the index in the step before; it is laid anew.
SQLITE_EARLIER = (
    "DROP TRIGGER IF EXISTS paper_text_added",
    "DROP TRIGGER IF EXISTS paper_text_removed",
    "DROP TRIGGER IF EXISTS paper_text_changed",
    "DROP TABLE IF EXISTS paper_text",
)
POSTGRES_EARLIER = (
    "DROP TRIGGER IF EXISTS paper_text_written ON paper",
    "DROP FUNCTION IF EXISTS paper_text_write",
    "DROP FUNCTION IF EXISTS paper_text_plain",
    "DROP TABLE IF EXISTS paper_text",
)
SQLITE = (
    *SQLITE_EARLIER,
    """CREATE VIRTUAL TABLE paper_text USING fts5(
        title, abstract, authors, categories, content='paper', content_rowid='number',
        tokenize='porter unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER paper_text_added AFTER INSERT ON paper BEGIN
        INSERT INTO paper_text(rowid, title, abstract, authors, categories)
        VALUES (new.number, new.title, new.abstract, new.authors, new.categories);
    END""",
    """CREATE TRIGGER paper_text_removed AFTER DELETE ON paper BEGIN
        INSERT INTO paper_text(paper_text, rowid, title, abstract, authors, categories)
        VALUES ('delete', old.number, old.title, old.abstract, old.authors, old.categories);
    END""",
    """CREATE TRIGGER paper_text_changed AFTER UPDATE OF title, abstract, authors, categories ON paper
    WHEN (old.title, old.abstract, old.authors, old.categories)
        IS NOT (new.title, new.abstract, new.authors, new.categories) BEGIN
        INSERT INTO paper_text(paper_text, rowid, title, abstract, authors, categories)
        VALUES ('delete', old.number, old.title, old.abstract, old.authors, old.categories);
        INSERT INTO paper_text(rowid, title, abstract, authors, categories)
        VALUES (new.number, new.title, new.abstract, new.authors, new.categories);
    END""",
    "INSERT INTO paper_text(paper_text) VALUES ('rebuild')",  # existing papers
)
POSTGRES = (
    *POSTGRES_EARLIER,
    """CREATE TABLE paper_text (
        number bigint PRIMARY KEY REFERENCES paper ON DELETE CASCADE, document tsvector NOT NULL)""",
    "CREATE INDEX paper_text_document ON paper_text USING gin (document)",
    # Without accents, as in a query: José and Jose are the same word.
    """CREATE FUNCTION paper_text_plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g')
    $$""",
    """CREATE FUNCTION paper_text_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO paper_text VALUES (new.number,
            setweight(to_tsvector('english', paper_text_plain(new.title)), 'A')
            || setweight(to_tsvector('simple', paper_text_plain(new.authors::text)), 'B')
            || setweight(to_tsvector('english', paper_text_plain(left(new.abstract, 100000))), 'C'))
        ON CONFLICT (number) DO UPDATE SET document = excluded.document;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER paper_text_written AFTER INSERT OR UPDATE OF title, abstract, authors ON paper
        FOR EACH ROW EXECUTE FUNCTION paper_text_write()""",
    "UPDATE paper SET title = title",  # existing papers
)


def upgrade() -> None:
    for statement in POSTGRES if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
