"""Changes of votes and withdrawals of raters as append-only tables; rate limits; no statistics of erasable texts.

Revision: 0002, after 0001
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

APPEND_ONLY: dict[str, list[tuple[str, ...]]] = {
    "vote_change": [("id",), ("vote_id", "seq")],
    "withdrawal": [("rater_id",)],
}
"""As in 0001: the append-only tables with their unique keys."""
ERASABLE = (("sealed_text", "text"), ("sealed_text", "salt"), ("identity", "name"))


def upgrade() -> None:
    op.create_table(
        "vote_change",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("seq", ID, nullable=False),
        sa.Column("vote_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_vote_change_study_id_study")),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_change_vote_id_vote")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote_change")),
        sa.UniqueConstraint("vote_id", "seq", name=op.f("uq_vote_change_vote_id_seq")),
    )
    op.create_index(op.f("ix_vote_change_study_id_seq"), "vote_change", ["study_id", "seq"], unique=False)
    op.create_table(
        "withdrawal",
        sa.Column("rater_id", ID, autoincrement=False, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("seq", ID, nullable=False),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_withdrawal_rater_id_rater")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_withdrawal_study_id_study")),
        sa.PrimaryKeyConstraint("rater_id", name=op.f("pk_withdrawal")),
    )
    op.create_table(
        "rate_bucket",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_bucket")),
    )
    op.create_index(op.f("ix_rate_bucket_until"), "rate_bucket", ["until"], unique=False)
    protect = _protect_sqlite if op.get_bind().dialect.name == "sqlite" else _protect_postgresql
    for statement in protect():
        op.execute(statement)


def _protect_sqlite() -> Iterator[str]:
    # A row can be replaced by SQLite's own number too; of ledger_entry no column is that number.
    yield from _no_replacing("ledger_entry", [("chain_id", "seq"), ("rowid",)])
    for table, keys in APPEND_ONLY.items():
        refusal = f"SELECT RAISE(ABORT, '{table} is append-only')"
        for verb in ("UPDATE", "DELETE"):
            yield f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN {refusal}; END"
        same = " OR ".join(_exists(table, key) for key in keys)
        yield f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {same} BEGIN {refusal}; END"


def _no_replacing(table: str, keys: list[tuple[str, ...]]) -> Iterator[str]:
    same = " OR ".join(_exists(table, key) for key in keys)
    yield f"DROP TRIGGER {table}_no_replace"
    yield (
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {same} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _exists(table: str, key: tuple[str, ...]) -> str:
    condition = " AND ".join(f"{column} = NEW.{column}" for column in key)
    return f"EXISTS (SELECT 1 FROM {table} WHERE {condition})"  # noqa: S608 - from the constants above


def _protect_postgresql() -> Iterator[str]:
    for table in APPEND_ONLY:
        yield (
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
    for table, column in ERASABLE:
        # ANALYZE would copy values into pg_statistic, where no erasure finds them; TYPE drops what it has copied.
        yield f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0"
        yield f"ALTER TABLE {table} ALTER COLUMN {column} TYPE text"


def downgrade() -> None:
    op.drop_index(op.f("ix_rate_bucket_until"), table_name="rate_bucket")
    op.drop_table("rate_bucket")
    op.drop_table("withdrawal")
    op.drop_index(op.f("ix_vote_change_study_id_seq"), table_name="vote_change")
    op.drop_table("vote_change")
    if op.get_bind().dialect.name == "postgresql":
        for table, column in ERASABLE:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1")
    else:
        for statement in _no_replacing("ledger_entry", [("chain_id", "seq")]):
            op.execute(statement)
