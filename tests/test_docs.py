"""The documents say what the code does: commands, settings, states, links, the README's walk, the ledger's format."""

from __future__ import annotations

import ast
import dataclasses
import io
import json
import os
import random
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from typer.main import get_command

from arena.cli.app import build
from arena.domain import ledger, payloads, study
from arena.domain.blinding import Ballot
from arena.domain.canonical import Json, canonical
from arena.domain.ledger import Kind, LedgerBroken
from arena.domain.plan import PairPolicy, Plan, from_mapping
from arena.domain.study import ALLOWED
from arena.domain.vocabulary import CannotJudgeReason, Choice, StudyState
from arena.services import erasure, exclusions, exports, record, studies, voting
from arena.services.audit import audit_file
from arena.settings import Settings
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.forging import by_audit, by_document, cut, rewritten, second_verifier, votes_in, without_parts
from tests.studies import cast_elsewhere, later, opened, seated

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "arena" / "sample" / "README.md"])

# ---------------------------------------------------------------------------------------------------- tables


def page(name: str) -> str:
    """A document's text."""
    return (DOCS / name).read_text(encoding="utf-8")


def table(text: str, heading: str) -> list[list[str]]:
    """The rows under each header line that begins with the cell `heading`."""
    rows: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == heading:
            inside = True
        elif inside and not re.fullmatch(r"-+", cells[0]):
            rows.append(cells)
    return rows


def quoted(cell: str) -> str:
    """`word` without its quotation marks."""
    return cell.strip("`")


def differences(documented: Iterable[str], real: Iterable[str]) -> list[str]:
    """What is documented and gone, and what is there and not documented."""
    documented, real = set(documented), set(real)
    gone = [f"{name} is documented but gone" for name in sorted(documented - real)]
    return gone + [f"{name} is not documented" for name in sorted(real - documented)]


def test_a_missing_or_a_stale_name_is_found() -> None:
    assert differences(["a", "b"], ["b", "c"]) == ["a is documented but gone", "c is not documented"]
    assert table("| x | y |\n|---|---|\n| `a` | 1 |\n\n| z |\n|---|\n| `b` |", "x") == [["`a`", "1"]]


def test_every_setting_is_documented_with_its_default() -> None:
    rows = {quoted(row[0]): quoted(row[1]) for row in table(page("settings.md"), "variable")}
    own = {f"ARENA_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    assert differences(rows, [*own, "ARENA_TEST_POSTGRES_URL"]) == []
    assert {name: rows[name] for name in own} == {name: "none" if v == () else str(v) for name, v in own.items()}


def test_the_test_setting_is_the_one_that_the_tests_read() -> None:
    assert '"ARENA_TEST_POSTGRES_URL"' in (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")


def test_no_document_names_a_variable_that_is_not_read() -> None:
    known = {f"ARENA_{name.upper()}" for name in Settings.model_fields} | {"ARENA_TEST_POSTGRES_URL"}
    named = {name for path in PAGES for name in re.findall(r"ARENA_[A-Z][A-Z_]+", path.read_text(encoding="utf-8"))}
    named = {name for name in named if not name.startswith("ARENA_KEY_")}  # as many as there are servers
    assert named - known == set()


def test_every_setting_of_a_plan_is_documented_with_its_default() -> None:
    rows = {quoted(row[0]): quoted(row[1]) for row in table(page("plan.md"), "setting")}
    assert differences(rows, [field.name for field in dataclasses.fields(Plan)]) == []
    stated = {
        name: default for name, default in rows.items() if re.match(r'[0-9"][^…]*', default) and "…" not in default
    }
    defaults = {
        name: tomllib.loads(f"value = {default.split(' (')[0].strip('`')}")["value"] for name, default in stated.items()
    }
    assert len(defaults) == 9
    assert from_mapping(defaults) == Plan()


def test_the_states_table_is_the_code_s() -> None:
    rows = {row[0]: row[1:] for row in table(page("study-states.md"), "act")}
    real = {str(act): ["yes" if state in states else "–" for state in StudyState] for act, states in ALLOWED.items()}
    assert rows == real


def test_the_board_rule_is_the_code_s() -> None:
    seen = {row[0] for row in table(page("study-states.md"), "role") if row[2] == "yes"}
    assert seen == {str(role) for role in study.BOARD_ROLES}


def test_choices_and_reasons_are_documented() -> None:
    rows = {quoted(row[0]): quoted(row[1]) for row in table(page("vocabulary.md"), "choice")}
    assert rows == {str(choice): str(choice.winner or "–") for choice in Choice}
    for name in ("vocabulary.md", "files.md"):
        assert [reason for reason in CannotJudgeReason if f"`{reason}`" not in page(name)] == []


def test_the_import_limits_of_the_files_page_are_settings() -> None:
    rows = {quoted(row[2]) for row in table(page("files.md"), "limit") if row[2]}
    assert rows == {f"ARENA_{name.upper()}" for name in Settings.model_fields if name.startswith("import_")}


def test_the_columns_of_the_files_page_are_those_that_are_written() -> None:
    named = {name for row in table(page("files.md"), "field") for name in re.findall(r"`([a-z_]+)`", row[0])}
    written = {*exports.QUESTION_COLUMNS, *exports.ANSWER_COLUMNS, *exports.VOTE_COLUMNS}
    assert written - named == {"ledger_position"}
    assert named - written == {"rater", "worker"}  # other names of `judge`, read only
    assert [column for column in written if f"`{column}`" not in page("files.md")] == []


# ---------------------------------------------------------------------------------------------------- commands


def commands() -> dict[str, set[str]]:
    """Every command as it is typed, with its options."""
    found: dict[str, set[str]] = {}

    def walk(command: object, path: str) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            params = getattr(command, "params", [])
            found[path] = {option for p in params if p.param_type_name == "option" for option in p.opts}
            return
        for name, sub in inner.items():
            walk(sub, f"{path} {name}")

    walk(get_command(build()), "arena")
    return found


def sections(text: str) -> dict[str, str]:
    """The sections of the commands page, by command."""
    return dict(re.findall(r"^## `(arena [^`]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))


def test_every_command_and_option_is_documented() -> None:
    real, documented = commands(), sections(page("commands.md"))
    assert differences(documented, real) == []
    for name, section in documented.items():
        listed = {option for line in section.splitlines() if line.startswith("- ") for option in options(line)}
        assert (name, differences(listed, real[name])) == (name, [])


def options(line: str) -> list[str]:
    """The options that a line of the list is about: those in quotation marks before its colon."""
    return re.findall(r"`(--?[a-z-]+)`", line.partition(":")[0])


def test_every_command_has_an_example_that_its_own_parser_takes() -> None:
    real = commands()
    for name, section in sections(page("commands.md")).items():
        examples = re.findall(r"^Example: `([^`]+)`$", section, re.MULTILINE)
        assert len(examples) == 1, name
        assert name in examples[0]
        assert set(re.findall(r"(?<= )--[a-z-]+", examples[0])) <= real[name]


def test_every_command_in_a_document_exists() -> None:
    """Wherever a page shows `arena …`, it is a command or a group of commands."""
    groups = {" ".join(name.split()[:length]) for name in commands() for length in (1, 2, 3)}
    shown = {
        (path.name, line)
        for path in PAGES
        for line in re.findall(r"`(arena(?: [a-z]+)+)", path.read_text(encoding="utf-8"))
        if not any(line == group or line.startswith(f"{group} ") for group in groups - {"arena"})
    }
    assert shown == set()


# ---------------------------------------------------------------------------------------------------- links


def broken_links(text: str, folder: Path) -> Iterator[str]:
    """Relative links of a page in `folder` that lead nowhere: to no file, or to no heading of it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = folder / name if name else None
        if file is not None and not file.exists():
            yield target
            continue
        if anchor and anchor not in anchors(file.read_text(encoding="utf-8") if file else text):
            yield target


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    assert list(broken_links(path.read_text(encoding="utf-8"), path.parent)) == []


def test_a_broken_link_is_found() -> None:
    text = "# A head\n[a](plan.md) [b](gone.md) [c](#a-head) [d](#gone) [e](https://example.org/x)"
    assert list(broken_links(text, DOCS)) == ["gone.md", "#gone"]


def missing_files(text: str) -> set[str]:
    """Files that a page names as `room/module.py`, from the repository or the package on, and that are gone."""
    named = set(re.findall(r"`([\w./]+\.(?:py|toml|txt|html))`", text))
    return {name for name in named if not any((folder / name).exists() for folder in (ROOT, ROOT / "arena", DOCS))}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_page_names_exist(path: Path) -> None:
    local = {file.name for file in path.parent.iterdir()}
    assert missing_files(path.read_text(encoding="utf-8")) - local == set()


def test_a_file_that_is_gone_is_found() -> None:
    assert missing_files("`store/tables.py` `store/gone.py` `tests/studies.py`") == {"store/gone.py"}


def missing_tests(text: str) -> set[str]:
    """Tests that a page names as `file::test`, and that are gone."""
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text))
    return {
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).exists() or f"\ndef {test}(" not in (ROOT / file).read_text(encoding="utf-8")
    }


def test_the_tests_that_the_threat_model_names_exist() -> None:
    assert missing_tests(page("threat-model.md")) == set()
    assert missing_tests("`tests/test_docs.py::test_gone` `tests/gone.py::test_x`") == {
        "tests/test_docs.py::test_gone",
        "tests/gone.py::test_x",
    }


def test_every_document_is_linked() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in sorted(DOCS.glob("*.md")) if f"docs/{path.name}" not in text] == []
    index = page("architecture.md")
    assert [
        path.name for path in sorted((DOCS / "decisions").glob("*.md")) if f"decisions/{path.name}" not in index
    ] == []


def test_every_run_time_dependency_is_accounted_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [match[0] for line in project["dependencies"] if (match := re.match(r"[\w-]+", line))]
    rows = [quoted(row[0]) for row in table(page("decisions/0002-run-time-dependencies.md"), "package")]
    assert differences(rows, wanted) == []


# ---------------------------------------------------------------------------------------------------- the walk


def test_the_readme_s_walk_works(tmp_path: Path) -> None:
    """The shell block runs line by line as it stands, in a temporary directory, and its audit passes."""
    block = re.search(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert block is not None
    assert len(block[1].splitlines()) == 10
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ARENA_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", block[1]],
        cwd=ROOT,
        env={**clean, "TMPDIR": str(tmp_path), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^http://127\.0\.0\.1:8000/join/\S+$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +1 +1–2 +sample-thorough ", done.stdout, re.MULTILINE)
    assert re.search(r"^first\tok\t470 entries\t104 parts\t470:[0-9a-f]{64}$", done.stdout, re.MULTILINE)


# ---------------------------------------------------------------------------------------------------- the ledger


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    """docs/verify_ledger.py, which knows nothing of the package."""
    return second_verifier()


def lively(db: Database) -> bytes:
    """The exported ledger of a study with every kind of entry, sealed texts and letters beyond ASCII."""
    opened(db, plan=Plan(pair_policy=PairPolicy.ACTIVE), questions=3)
    for turn, name in enumerate(("ann", "bob")):
        seat = seated(db, name)
        for choice in (Choice.TIE_BAD, Choice.CANNOT_JUDGE):
            shown = voting.next_matchup(db, seat, now=later(turn))
            assert shown is not None
            reason = CannotJudgeReason.OTHER if choice is Choice.CANNOT_JUDGE else None
            ballot = Ballot(shown.token, choice, reason, 'Übel – "≥ 2 mg"?\n🙂\x7f' if turn else None)
            voting.cast_vote(db, seat, ballot, now=later(turn + 0.5))
    elsewhere = {
        "question_id": "q0",
        "model_a": "alpha",
        "model_b": "beta",
        "winner": "tie",
        "judge": "j",
        "lang": "de",
    }
    cast_elsewhere(db, "s", [elsewhere, elsewhere | {"comment": "why", "simulated": True}], "judge:x")
    studies.change_plan(db, "s", ["claim_minutes=5"], reason="too long", now=later(5))
    last, *_, first = record.own_votes(db, seat)
    record.correct(db, seat, Ballot(last.token, Choice.A_BETTER, None, "better"), now=later(6))
    exclusions.exclude(db, "s", entries=[first.receipt.position], reason="a test", now=later(6))
    exclusions.exclude(db, "s", rater=seat.pseudonym, reason="it was none", readmit=True, now=later(6))
    erasure.withdraw(db, "s", seat.pseudonym, now=later(6))
    studies.close(db, "s", now=later(6))
    return exported(db)


def exported(db: Database) -> bytes:
    """The ledger of the study `s`."""
    file = io.BytesIO()
    exports.export(db, studies.get(db, "s"), "ledger", file, "jsonl")
    return file.getvalue()


@pytest.fixture
def data(make_db: MakeDatabase) -> bytes:
    """A ledger with everything in it."""
    return lively(make_db("sqlite"))


def test_the_document_s_verifier_accepts_our_ledgers(verifier: ModuleType, db: Database) -> None:
    data = lively(db)
    kinds = set(re.findall(rb'"kind":"([a-z]+)"', data))
    assert len(kinds) == 15
    assert by_document(verifier, data) == by_audit(data)
    assert by_audit(data)[0] is None


def test_the_document_s_verifier_accepts_a_ledger_without_its_parts(verifier: ModuleType, data: bytes) -> None:
    bare = without_parts(data)
    assert len(bare) < len(data)
    assert by_document(verifier, bare) == by_audit(bare) == by_audit(data)


def test_both_verifiers_name_the_entry_in_which_a_byte_was_changed(verifier: ModuleType, data: bytes) -> None:
    rng = random.Random(20260102)
    for _ in range(600):
        at = rng.randrange(len(data))
        changed = bytearray(data)
        changed[at] ^= rng.randrange(1, 256)
        found = by_audit(bytes(changed))
        assert found == by_document(verifier, bytes(changed)), (at, data[at], changed[at])
        assert found[0] is not None, (at, data[at], changed[at])


def test_a_changed_byte_within_an_entry_is_found_in_that_entry(verifier: ModuleType, data: bytes) -> None:
    lines = data.splitlines(keepends=True)
    for number in range(1, len(lines)):
        at = lines[number].index(b'"hash":"') + 8
        other = b"0" if lines[number][at : at + 1] != b"0" else b"1"
        changed = b"".join(
            [*lines[:number], lines[number][:at] + other + lines[number][at + 1 :], *lines[number + 1 :]]
        )
        assert by_document(verifier, changed)[0] == number
        assert by_audit(changed)[0] == number


def moved(lines: Sequence[bytes]) -> dict[str, bytes]:
    """Ledgers of which every line is genuine and the whole is not."""
    return {
        "an entry left out": b"".join([*lines[:3], *lines[4:]]),
        "an entry doubled": b"".join([*lines[:4], *lines[3:]]),
        "two entries swapped": b"".join([*lines[:3], lines[4], lines[3], *lines[5:]]),
        "cut off": b"".join(lines[:-1]),
        "cut within a line": b"".join(lines)[:-20],
        "no end of the last line": b"".join(lines)[:-1],
        "white space": b"".join(lines).replace(b'"prev":', b'"prev": ', 1),
        "a member doubled": b"".join(lines).replace(b'"seq":1,', b'"seq":1,"seq":1,', 1),
        "an unknown member": b"".join(lines).replace(b'"seq":1,', b'"seq":1,"some":1,', 1),
        "a text written otherwise": b"".join(lines).replace(b"A study", b"A \\u0073tudy", 1),
        "a fraction": b"".join(lines).replace(b'"seq":1,', b'"seq":1.0,', 1),
        "only a header": lines[0],
        "nothing": b"",
    }


def test_both_verifiers_find_what_was_left_out_doubled_or_moved(verifier: ModuleType, data: bytes) -> None:
    for name, changed in moved(data.splitlines(keepends=True)).items():
        found = by_audit(changed)
        assert found[0] is not None, name
        assert found == by_document(verifier, changed), name


def forged(data: bytes) -> dict[str, tuple[int, bytes]]:
    """Well hashed ledgers that break the format all the same: the first bad entry, and the ledger."""
    vote, lines = votes_in(data)[0], data.splitlines(keepends=True)
    question = next(number for number, line in enumerate(lines) if b'"kind":"question"' in line)
    sealed = next(number for number, line in enumerate(lines) if b'"comment":{"salt"' in line)

    def line(number: int, old: bytes, new: bytes) -> bytes:
        assert old in lines[number]
        return b"".join([*lines[:number], lines[number].replace(old, new, 1), *lines[number + 1 :]])

    return {
        "a key beyond ASCII": (vote, rewritten(data, vote, lambda entry: entry["payload"].update({"schlüssel": 1}))),
        "a number too large": (vote, rewritten(data, vote, lambda entry: entry["payload"].update(an=2**53))),
        "another actor's type": (vote, rewritten(data, vote, lambda entry: entry.update(actor=None))),
        "a payload that is a list": (vote, rewritten(data, vote, lambda entry: entry.update(payload=[]))),
        "true for 1": (vote, rewritten(data, vote, lambda entry: entry.update(v=True))),
        "another version": (vote, rewritten(data, vote, lambda entry: entry.update(v=2))),
        "another chain": (vote, rewritten(data, vote, lambda entry: entry.update(chain="0" * 32))),
        "a member more in an entry": (vote, rewritten(data, vote, lambda entry: entry.update(w=1))),
        "another study in the first entry": (0, rewritten(data, 1, lambda entry: entry["payload"].update(study="t"))),
        "a record under another question": (
            question,
            rewritten(data, question, lambda entry: entry["payload"].update(question="q9")),
        ),
        "a member more in a line": (vote, line(vote, b'{"entry"', b'{"an":1,"entry"')),
        "a member more in a sealed text": (sealed, line(sealed, b'{"comment":{', b'{"comment":{"an":1,')),
        "a text that is none": (sealed, line(sealed, b'"comment":{"salt"', b'"comment":{"text":1,"salt"')),
        "a part of no entry": (vote, line(vote, b'"}\n', b'","parts":{"record":{}}}\n')),
        "parts that are none": (vote, line(vote, b'"}\n', b'","parts":null}\n')),
    }


def test_both_verifiers_refuse_what_is_well_hashed_and_not_of_the_format(verifier: ModuleType, data: bytes) -> None:
    for name, (position, changed) in forged(data).items():
        assert (name, by_audit(changed)[0]) == (name, position)
        assert (name, by_document(verifier, changed)[0]) == (name, position)


@pytest.mark.parametrize("number", [b"Infinity", b"1e999", b"NaN", b"true", b'"1"', b"-0"])
def test_a_header_s_position_that_is_no_number_is_refused_by_both(
    verifier: ModuleType, data: bytes, number: bytes
) -> None:
    changed = re.sub(rb'"position":[0-9]+', b'"position":' + number, data, count=1)
    assert by_document(verifier, changed) == by_audit(changed) == (0, "")


def test_the_largest_number_is_taken_by_both_verifiers(verifier: ModuleType, data: bytes) -> None:
    """The control: it is its size that the next one is refused for."""
    largest = rewritten(data, votes_in(data)[0], lambda entry: entry["payload"].update(an=2**53 - 1))
    assert by_document(verifier, largest) == by_audit(largest)
    assert by_audit(largest)[0] is None


def test_only_a_kept_head_shows_a_ledger_that_was_cut_and_written_anew(verifier: ModuleType, data: bytes) -> None:
    whole = verifier.verify(data)
    position, hash_ = whole.split(":")
    shorter = cut(data, int(position) - 1)
    assert verifier.verify(shorter).startswith(f"{int(position) - 1}:")
    for head in (whole, hash_):
        assert verifier.verify(data, head) == whole
        with pytest.raises(verifier.Broken):
            verifier.verify(shorter, head)
        assert ledger.read_head(head)
        with pytest.raises(LedgerBroken):
            audit_file(io.BytesIO(shorter), "cut", head=ledger.read_head(head))


def test_the_verifier_runs_by_itself_and_ends_with_a_status(data: bytes, tmp_path: Path) -> None:
    """Isolated (-I -S): without the package and without any other."""
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_bytes(data)
    bad.write_bytes(data.replace(b'"choice":"tie_bad"', b'"choice":"a_better"', 1))
    command = [sys.executable, "-I", "-S", str(DOCS / "verify_ledger.py")]
    passed, failed = (subprocess.run([*command, str(file)], capture_output=True, text=True) for file in (good, bad))
    assert (passed.returncode, failed.returncode) == (0, 1)
    assert passed.stdout.startswith("ok ")
    assert failed.stderr.startswith(f"entry {by_audit(bad.read_bytes())[0]}: ")


def test_the_verifier_is_called_wrongly_and_says_how_it_is_called(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_bytes(data)
    script = [sys.executable, "-I", "-S", str(DOCS / "verify_ledger.py")]
    for wrong in ([], ["gone.jsonl"], ["good.jsonl", "no:head"]):
        done = subprocess.run([*script, *wrong], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 1
        assert "`python verify_ledger.py FILE [HEAD]`" in done.stderr
        assert "Traceback" not in done.stderr


def code_lines(source: str) -> int:
    """Lines that hold code: not those that are blank, and not comments and docstrings."""
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in silent]
    docs = {
        number
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
        for number in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    return len({n for token in tokens for n in range(token.start[0], token.end[0] + 1)} - docs)


def test_the_verifier_is_short_enough_to_be_read_before_it_is_trusted() -> None:
    assert code_lines('"""Of\ntwo."""\n\nx = (\n    1,  # one\n)\n# so\n\ndef f():\n    """It."""\n    return x\n') == 5
    assert code_lines((DOCS / "verify_ledger.py").read_text(encoding="utf-8")) <= 53


def test_the_ledger_page_names_every_kind_and_every_member_of_a_payload(data: bytes) -> None:
    text = page("ledger.md")
    rows = [*table(text, "kind")]
    named: dict[str, set[str]] = {}
    kind = ""
    for row in rows:
        kind = quoted(row[0]) or kind
        named.setdefault(kind, set()).update(re.findall(r"`([a-z_]+)`", row[1]))
    assert differences(named, [str(kind) for kind in Kind]) == []
    seen: dict[str, set[str]] = {}
    for line in data.splitlines()[1:]:
        entry = json.loads(line)["entry"]
        seen.setdefault(entry["kind"], set()).update(entry["payload"])
    assert {kind: named[kind] for kind in seen} == seen


def test_the_document_s_canonical_form_is_the_code_s(verifier: ModuleType) -> None:
    value: Json = {"b": [1, -2, True, None, {"z": "", "a": '"\\/\b\f\n\r\t\x00\x1f\x7f\u2028é🙂'}], "a": 2**53 - 1}
    assert verifier.canonical(value).decode() == canonical(value)
    assert payloads.matchup_key("token") == "matchup:" + verifier.sha256(b"token")[:32]
