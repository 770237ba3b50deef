"""Invitations, sessions and tokens: who gets in, once, and for how long."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from arena.domain.vocabulary import Role
from arena.errors import BadInput, Conflict, NotFound
from arena.services import access, audit
from arena.store.engine import Database
from tests.studies import NOW, draft, later

DAY = 24 * 60


def invited(db: Database, name: str = "Dr Alice") -> str:
    return access.invite(db, "s", role=Role.RATER, name=name, days=2, now=NOW).secret


def test_a_link_is_looked_at_often_and_redeemed_once(db: Database) -> None:
    draft(db)
    secret = invited(db)
    for _ in range(3):
        assert access.look_up(db, secret, now=NOW).role is Role.RATER
    session, seat = access.redeem(db, secret, now=NOW, hours=1)
    assert access.seat_of(db, session, now=NOW) == seat
    for use in (access.look_up, lambda *a, **k: access.redeem(*a, **k, hours=1)):
        with pytest.raises(NotFound, match="not valid"):
            use(db, secret, now=NOW)


def test_links_and_sessions_expire(db: Database) -> None:
    draft(db)
    secret = invited(db)
    with pytest.raises(NotFound):
        access.redeem(db, secret, now=later(2 * DAY), hours=1)
    session, _ = access.redeem(db, secret, now=later(2 * DAY - 1), hours=1)
    assert access.seat_of(db, session, now=later(2 * DAY + 58)) is not None
    assert access.seat_of(db, session, now=later(2 * DAY + 59)) is None


def test_every_link_that_does_not_work_fails_alike(db: Database) -> None:
    draft(db)
    used = invited(db)
    access.redeem(db, used, now=NOW, hours=1)
    messages = set()
    for secret in (used, "never issued", ""):
        with pytest.raises(NotFound) as caught:
            access.look_up(db, secret, now=NOW)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_a_renewed_link_leads_to_the_same_seat_and_ends_what_was_before(db: Database) -> None:
    draft(db)
    first = invited(db)
    old_session, seat = access.redeem(db, first, now=NOW, hours=9)
    second = access.renew(db, "s", role=Role.RATER, name="Dr Alice", days=2, now=NOW)
    third = access.renew(db, "s", role=Role.RATER, name=seat.pseudonym, days=2, now=NOW)
    with pytest.raises(NotFound):
        access.look_up(db, second.secret, now=NOW)
    new_session, same = access.redeem(db, third.secret, now=NOW, hours=9)
    assert same.id == seat.id
    assert access.seat_of(db, old_session, now=NOW) is None
    assert access.seat_of(db, new_session, now=NOW) is not None


def test_a_person_has_one_seat_of_a_role(db: Database) -> None:
    draft(db)
    invited(db)
    with pytest.raises(Conflict, match="--renew"):
        invited(db)
    with pytest.raises(NotFound, match="seat list"):
        access.renew(db, "s", role=Role.ANALYST, name="Dr Alice", days=1, now=NOW)


def test_signing_out_ends_the_session(db: Database) -> None:
    draft(db)
    session, _ = access.redeem(db, invited(db), now=NOW, hours=1)
    access.sign_out(db, session, now=NOW)
    assert access.seat_of(db, session, now=NOW) is None


def test_no_secret_and_no_name_stands_where_it_should_not(db: Database) -> None:
    """All tables are searched: secrets nowhere, the name in its one table."""
    draft(db)
    link = invited(db, "Dr Findable")
    session, _ = access.redeem(db, link, now=NOW, hours=1)
    token = access.create_token(db, role=Role.ANALYST, study_name="s", label="t", days=1, now=NOW).secret
    with db.read() as tx:
        if db.kind == "sqlite":
            names = tx.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        else:
            names = tx.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        held = {name: repr(tx.execute(text(f'SELECT * FROM "{name}"')).all()) for name in names}
    for secret in (link, session, token):
        assert len(secret) >= 43  # 256 bits in base64
        assert not [name for name, rows in held.items() if secret in rows]
    assert [name for name, rows in held.items() if "Findable" in rows] == ["identity"]


def test_tokens_work_until_they_expire_or_are_revoked(db: Database) -> None:
    study = draft(db)
    issued = access.create_token(db, role=Role.ANALYST, study_name="s", label="notebook", days=1, now=NOW)
    token = access.token_of(db, issued.secret, now=NOW)
    assert token is not None
    assert (token.role, token.study_id, token.name) == (Role.ANALYST, study.id, issued.pseudonym)
    assert access.token_of(db, issued.secret, now=later(DAY)) is None
    access.revoke_token(db, issued.pseudonym, now=NOW)
    assert access.token_of(db, issued.secret, now=NOW) is None
    with pytest.raises(NotFound, match="token list"):
        access.revoke_token(db, issued.pseudonym, now=NOW)
    audit.audit_instance(db)


def test_raters_get_no_token(db: Database) -> None:
    draft(db)
    with pytest.raises(BadInput, match="raters vote in a browser"):
        access.create_token(db, role=Role.RATER, study_name="s", label="x", days=1, now=NOW)


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb", "\x1b[31mred"])
def test_a_name_that_cannot_be_shown_is_refused(db: Database, name: str) -> None:
    draft(db)
    with pytest.raises(BadInput, match="printable"):
        invited(db, name)
