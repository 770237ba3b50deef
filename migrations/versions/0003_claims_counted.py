"""Claims carry the contenders of their pairing, and the indexes by which they are counted at every vote.

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CONTENDERS = ("contender_low_id", "contender_high_id")
PAIR = ["pairing_id", *CONTENDERS]
INDEXES = (["study_id", *CONTENDERS], ["study_id", "place", "pairing_id"], ["rater_id", "pairing_id"])


def upgrade() -> None:
    op.create_index("uq_pairing_contenders", "pairing", ["id", *CONTENDERS], unique=True)
    for column in CONTENDERS:
        op.add_column("claim", sa.Column(column, ID, nullable=True))
        op.execute(f"UPDATE claim SET {column} = (SELECT {column} FROM pairing WHERE id = pairing_id)")  # noqa: S608
    with op.batch_alter_table("claim") as claim:
        for column in CONTENDERS:
            claim.alter_column(column, existing_type=ID, nullable=False)
        claim.drop_constraint(op.f("fk_claim_pairing_id_pairing"), type_="foreignkey")
        claim.create_foreign_key(op.f("fk_claim_pairing_contenders"), "pairing", PAIR, ["id", *CONTENDERS])
    for columns in INDEXES:
        op.create_index(op.f(f"ix_claim_{'_'.join(columns)}"), "claim", columns, unique=False)


def downgrade() -> None:
    for columns in INDEXES:
        op.drop_index(op.f(f"ix_claim_{'_'.join(columns)}"), table_name="claim")
    with op.batch_alter_table("claim") as claim:
        claim.drop_constraint(op.f("fk_claim_pairing_contenders"), type_="foreignkey")
        claim.create_foreign_key(op.f("fk_claim_pairing_id_pairing"), "pairing", ["pairing_id"], ["id"])
        for column in reversed(CONTENDERS):
            claim.drop_column(column)
    op.drop_index("uq_pairing_contenders", table_name="pairing")
