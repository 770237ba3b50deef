"""`arena batch export` and `import` as a shell sees them."""

from __future__ import annotations

import json

from tests.cli.material import jsonl, load
from tests.cli.running import Shell

NAME = "Llama3-8B-Instruct"


def results(requests: str) -> list[dict[str, object]]:
    """What a server would give for the requests of a batch file."""
    return [
        {
            "id": "vllm-1",
            "custom_id": row["custom_id"],
            "response": {
                "status_code": 200,
                "request_id": "r",
                "body": {
                    "model": row["body"]["model"],
                    "choices": [{"index": 0, "message": {"content": "Rest."}, "finish_reason": "stop"}],
                },
            },
            "error": None,
        }
        for row in map(json.loads, requests.splitlines())
    ]


def test_missing_answers_go_out_and_come_back_until_none_is_missing(shell: Shell) -> None:
    load(shell)
    shell.ok("study", "contenders", "add", "s", NAME)
    done = shell.ok("batch", "export", "--study", "s", "--contender", NAME, "--output", "batch.jsonl")
    assert done.out == ""
    assert "6 requests of the model meta-llama/Meta-Llama-3-8B-Instruct" in done.said
    assert "--trust-request-chat-template" in done.said
    came = results((shell.folder / "batch.jsonl").read_text())
    failed = came[5] | {"response": None, "error": "\x1b[2Jno"}
    part = shell.run("batch", "import", shell.write("part.jsonl", jsonl([*came[:5], failed])), "--study", "s")
    assert (part.code, part.out) == (1, "")
    assert part.lines == [
        "5 answers stored",
        f"failed: {NAME}, question q5: \\x1b[2Jno",
        f"error: 1 request failed; answers still missing: {NAME} 1; export them again",
    ]
    left = shell.ok("batch", "export", "-s", "s", "--contender", NAME).out
    assert results(left) == came[5:]
    done = shell.ok("batch", "import", "-", "-s", "s", stdin=jsonl(came).encode())
    assert done.lines == ["1 answer stored; 5 answers there already"]
    none = shell.ok("batch", "export", "-s", "s", "--contender", NAME, "--output", "none.jsonl")
    assert "nothing to ask" in none.said
    assert not (shell.folder / "none.jsonl").exists()
    assert f"{NAME}  generated" in shell.ok("study", "show", "s", "--answers").out


def test_bad_input_ends_with_2_and_stores_nothing(shell: Shell) -> None:
    load(shell)
    shell.ok("study", "contenders", "add", "s", NAME)
    assert "study contenders add" in shell.fails(2, "batch", "export", "-s", "s", "--contender", "none")
    assert "were imported" in shell.fails(2, "batch", "export", "-s", "s", "--contender", "alpha")
    row = {"custom_id": "request-1", "response": None, "error": "no"}
    said = shell.fails(2, "batch", "import", shell.write("r.jsonl", jsonl([row])), "-s", "s")
    assert "r.jsonl, line 1, custom_id: 'request-1' is no request of this study as it is planned now" in said
    for data in ("", "{", "[]", "\xff"):
        shell.fails(2, "batch", "import", shell.write("r.jsonl", data), "-s", "s")
    shell.fails(2, "batch", "import", "gone.jsonl", "-s", "s")
    shell.fails(2, "batch", "export", "-s", "s", "--contender", NAME, "--output", "no/where.jsonl")
    shell.fails(2, "batch", "import", "gone.jsonl", "-s", "none")
