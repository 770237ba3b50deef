"""The first tables, and the triggers that keep votes, matchups and ledger entries append-only.

Revision: 0001, after None
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

APPEND_ONLY: dict[str, list[tuple[str, ...]]] = {
    "ledger_entry": [("chain_id", "seq")],
    "matchup": [("id",), ("token",), ("rater_id", "pairing_id"), ("study_id", "seq")],
    "vote": [("id",), ("study_id", "key"), ("study_id", "seq"), ("matchup_id",)],
}
"""The append-only tables with their unique keys: SQLite's REPLACE would delete by these without any DELETE trigger."""


def upgrade() -> None:
    op.create_table(
        "sealed_text",
        sa.Column("chain_id", ID, nullable=False),
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "seq", "name", name=op.f("pk_sealed_text")),
    )
    op.create_table(
        "study",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("name", name=op.f("uq_study_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_study_uid")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("seq", ID, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_api_token_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("name", name=op.f("uq_api_token_name")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_token_secret_hash")),
        sa.UniqueConstraint("seq", name=op.f("uq_api_token_seq")),
    )
    op.create_table(
        "chain",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("study_id", ID, nullable=True),
        sa.Column("head_seq", ID, nullable=False),
        sa.Column("head_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_chain_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain")),
        sa.UniqueConstraint("name", name=op.f("uq_chain_name")),
        sa.UniqueConstraint("study_id", name=op.f("uq_chain_study_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_chain_uid")),
    )
    op.create_table(
        "contender",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("seq", ID, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_contender_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contender")),
        sa.UniqueConstraint("study_id", "name", name=op.f("uq_contender_study_id_name")),
        sa.UniqueConstraint("study_id", "seq", name=op.f("uq_contender_study_id_seq")),
    )
    op.create_table(
        "question",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("context", sa.Text(), nullable=True),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("must_have", sa.Text(), nullable=False),
        sa.Column("extra", sa.Text(), nullable=False),
        sa.Column("seq", ID, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_question_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("study_id", "key", name=op.f("uq_question_study_id_key")),
        sa.UniqueConstraint("study_id", "seq", name=op.f("uq_question_study_id_seq")),
    )
    op.create_table(
        "rater",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_rater_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rater")),
        sa.UniqueConstraint("study_id", "pseudonym", name=op.f("uq_rater_study_id_pseudonym")),
    )
    op.create_table(
        "answer",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("question_id", ID, nullable=False),
        sa.Column("contender_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("seq", ID, nullable=False),
        sa.ForeignKeyConstraint(["contender_id"], ["contender.id"], name=op.f("fk_answer_contender_id_contender")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_answer_question_id_question")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_answer_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("question_id", "contender_id", name=op.f("uq_answer_question_id_contender_id")),
        sa.UniqueConstraint("study_id", "seq", name=op.f("uq_answer_study_id_seq")),
    )
    op.create_index(op.f("ix_answer_study_id_contender_id"), "answer", ["study_id", "contender_id"], unique=False)
    op.create_table(
        "ledger_entry",
        sa.Column("chain_id", ID, nullable=False),
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["chain_id"], ["chain.id"], name=op.f("fk_ledger_entry_chain_id_chain")),
        sa.PrimaryKeyConstraint("chain_id", "seq", name=op.f("pk_ledger_entry")),
    )
    op.create_table(
        "seat",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("rater_id", ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("consented_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("seq", ID, nullable=False),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_seat_rater_id_rater")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_seat_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
        sa.UniqueConstraint("rater_id", name=op.f("uq_seat_rater_id")),
        sa.UniqueConstraint("seq", name=op.f("uq_seat_seq")),
        sa.UniqueConstraint("study_id", "pseudonym", name=op.f("uq_seat_study_id_pseudonym")),
    )
    op.create_table(
        "browser_session",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("seat_id", ID, nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name=op.f("fk_browser_session_seat_id_seat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_session")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_browser_session_secret_hash")),
    )
    op.create_index(op.f("ix_browser_session_seat_id"), "browser_session", ["seat_id"], unique=False)
    op.create_table(
        "identity",
        sa.Column("seat_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name=op.f("fk_identity_seat_id_seat")),
        sa.PrimaryKeyConstraint("seat_id", name=op.f("pk_identity")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("seat_id", ID, nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("redeemed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name=op.f("fk_invitation_seat_id_seat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_invitation_secret_hash")),
    )
    op.create_index(op.f("ix_invitation_seat_id"), "invitation", ["seat_id"], unique=False)
    op.create_table(
        "pairing",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("question_id", ID, nullable=False),
        sa.Column("answer_low_id", ID, nullable=False),
        sa.Column("answer_high_id", ID, nullable=False),
        sa.Column("contender_low_id", ID, nullable=False),
        sa.Column("contender_high_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["answer_high_id"], ["answer.id"], name=op.f("fk_pairing_answer_high_id_answer")),
        sa.ForeignKeyConstraint(["answer_low_id"], ["answer.id"], name=op.f("fk_pairing_answer_low_id_answer")),
        sa.ForeignKeyConstraint(
            ["contender_high_id"], ["contender.id"], name=op.f("fk_pairing_contender_high_id_contender")
        ),
        sa.ForeignKeyConstraint(
            ["contender_low_id"], ["contender.id"], name=op.f("fk_pairing_contender_low_id_contender")
        ),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_pairing_question_id_question")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_pairing_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing")),
        sa.UniqueConstraint("answer_low_id", "answer_high_id", name=op.f("uq_pairing_answer_low_id_answer_high_id")),
    )
    op.create_index(
        op.f("ix_pairing_study_id_contender_low_id_contender_high_id"),
        "pairing",
        ["study_id", "contender_low_id", "contender_high_id"],
        unique=False,
    )
    op.create_table(
        "matchup",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("pairing_id", ID, nullable=False),
        sa.Column("rater_id", ID, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("answer_a_id", ID, nullable=False),
        sa.Column("answer_b_id", ID, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("seq", ID, nullable=False),
        sa.ForeignKeyConstraint(["answer_a_id"], ["answer.id"], name=op.f("fk_matchup_answer_a_id_answer")),
        sa.ForeignKeyConstraint(["answer_b_id"], ["answer.id"], name=op.f("fk_matchup_answer_b_id_answer")),
        sa.ForeignKeyConstraint(["pairing_id"], ["pairing.id"], name=op.f("fk_matchup_pairing_id_pairing")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_matchup_rater_id_rater")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_matchup_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matchup")),
        sa.UniqueConstraint("rater_id", "pairing_id", name=op.f("uq_matchup_rater_id_pairing_id")),
        sa.UniqueConstraint("study_id", "seq", name=op.f("uq_matchup_study_id_seq")),
        sa.UniqueConstraint("token", name=op.f("uq_matchup_token")),
    )
    op.create_index(op.f("ix_matchup_pairing_id"), "matchup", ["pairing_id"], unique=False)
    op.create_table(
        "claim",
        sa.Column("pairing_id", ID, nullable=False),
        sa.Column("place", ID, autoincrement=False, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("matchup_id", ID, nullable=False),
        sa.Column("rater_id", ID, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["matchup_id"], ["matchup.id"], name=op.f("fk_claim_matchup_id_matchup")),
        sa.ForeignKeyConstraint(["pairing_id"], ["pairing.id"], name=op.f("fk_claim_pairing_id_pairing")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_claim_rater_id_rater")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_claim_study_id_study")),
        sa.PrimaryKeyConstraint("pairing_id", "place", name=op.f("pk_claim")),
        sa.UniqueConstraint("matchup_id", name=op.f("uq_claim_matchup_id")),
    )
    op.create_index(
        op.f("ix_claim_study_id_is_open_expires_at"), "claim", ["study_id", "is_open", "expires_at"], unique=False
    )
    op.create_index(
        "uq_claim_open_rater",
        "claim",
        ["rater_id"],
        unique=True,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "vote",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("seq", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("matchup_id", ID, nullable=True),
        sa.Column("question_id", ID, nullable=True),
        sa.Column("contender_a_id", ID, nullable=False),
        sa.Column("contender_b_id", ID, nullable=False),
        sa.Column("answer_a_id", ID, nullable=True),
        sa.Column("answer_b_id", ID, nullable=True),
        sa.Column("rater_id", ID, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("voted_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["answer_a_id"], ["answer.id"], name=op.f("fk_vote_answer_a_id_answer")),
        sa.ForeignKeyConstraint(["answer_b_id"], ["answer.id"], name=op.f("fk_vote_answer_b_id_answer")),
        sa.ForeignKeyConstraint(["contender_a_id"], ["contender.id"], name=op.f("fk_vote_contender_a_id_contender")),
        sa.ForeignKeyConstraint(["contender_b_id"], ["contender.id"], name=op.f("fk_vote_contender_b_id_contender")),
        sa.ForeignKeyConstraint(["matchup_id"], ["matchup.id"], name=op.f("fk_vote_matchup_id_matchup")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_vote_question_id_question")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_vote_rater_id_rater")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_vote_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote")),
        sa.UniqueConstraint("matchup_id", name=op.f("uq_vote_matchup_id")),
        sa.UniqueConstraint("study_id", "key", name=op.f("uq_vote_study_id_key")),
        sa.UniqueConstraint("study_id", "seq", name=op.f("uq_vote_study_id_seq")),
    )
    op.create_index(op.f("ix_vote_rater_id"), "vote", ["rater_id"], unique=False)
    op.create_index(op.f("ix_vote_study_id_source"), "vote", ["study_id", "source"], unique=False)
    protect = _protect_sqlite if op.get_bind().dialect.name == "sqlite" else _protect_postgresql
    for statement in protect():
        op.execute(statement)


def _protect_sqlite() -> Iterator[str]:
    for table, keys in APPEND_ONLY.items():
        refusal = f"SELECT RAISE(ABORT, '{table} is append-only')"
        for verb in ("UPDATE", "DELETE"):
            yield f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN {refusal}; END"
        same = " OR ".join(_exists(table, key) for key in keys)
        yield f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {same} BEGIN {refusal}; END"


def _exists(table: str, key: tuple[str, ...]) -> str:
    condition = " AND ".join(f"{column} = NEW.{column}" for column in key)
    return f"EXISTS (SELECT 1 FROM {table} WHERE {condition})"  # noqa: S608 - from the constants above


def _protect_postgresql() -> Iterator[str]:
    yield """
        CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
    """
    for table in APPEND_ONLY:
        yield (
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )


def downgrade() -> None:
    op.drop_index(op.f("ix_vote_study_id_source"), table_name="vote")
    op.drop_index(op.f("ix_vote_rater_id"), table_name="vote")
    op.drop_table("vote")
    op.drop_index(
        "uq_claim_open_rater", table_name="claim", sqlite_where=sa.text("is_open"), postgresql_where=sa.text("is_open")
    )
    op.drop_index(op.f("ix_claim_study_id_is_open_expires_at"), table_name="claim")
    op.drop_table("claim")
    op.drop_index(op.f("ix_matchup_pairing_id"), table_name="matchup")
    op.drop_table("matchup")
    op.drop_index(op.f("ix_pairing_study_id_contender_low_id_contender_high_id"), table_name="pairing")
    op.drop_table("pairing")
    op.drop_index(op.f("ix_invitation_seat_id"), table_name="invitation")
    op.drop_table("invitation")
    op.drop_table("identity")
    op.drop_index(op.f("ix_browser_session_seat_id"), table_name="browser_session")
    op.drop_table("browser_session")
    op.drop_table("seat")
    op.drop_table("ledger_entry")
    op.drop_index(op.f("ix_answer_study_id_contender_id"), table_name="answer")
    op.drop_table("answer")
    op.drop_table("rater")
    op.drop_table("question")
    op.drop_table("contender")
    op.drop_table("chain")
    op.drop_table("api_token")
    op.drop_table("study")
    op.drop_table("sealed_text")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION append_only")
