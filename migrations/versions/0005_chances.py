"""The probability with which a matchup's contenders were drawn, where they were.

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("matchup", sa.Column("chance", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("matchup", "chance")
