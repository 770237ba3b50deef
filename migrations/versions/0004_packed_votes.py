"""A packed copy of the votes, and the votes of a source in the order of the ledger.

Revision: 0004, after 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "packed_votes",
        sa.Column("study_id", ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("after_seq", ID, autoincrement=False, nullable=False),
        sa.Column("last_seq", ID, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_packed_votes_study_id_study")),
        sa.PrimaryKeyConstraint("study_id", "source", "after_seq", name=op.f("pk_packed_votes")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # To decompress takes longer than to read: integers in columns of rows hardly shrink.
        op.execute("ALTER TABLE packed_votes ALTER COLUMN body SET STORAGE EXTERNAL")
    op.drop_index(op.f("ix_vote_study_id_source"), table_name="vote")
    op.create_index(op.f("ix_vote_study_id_source_seq"), "vote", ["study_id", "source", "seq"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_vote_study_id_source_seq"), table_name="vote")
    op.create_index(op.f("ix_vote_study_id_source"), "vote", ["study_id", "source"], unique=False)
    op.drop_table("packed_votes")
