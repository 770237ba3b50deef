"""The client for OpenAI's routes: what it sends, what it believes, and what it does not do."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from arena.backends.base import Ask, Failed, Reply, Sampling
from arena.backends.server import Server, keys_of, origin
from arena.errors import BadInput
from tests.backends.scripted import Answer, Body, Script, completion, echo, serving

ASK = Ask("m", Sampling(max_tokens=5, temperature=0.4, top_k=3, seed=1, stop=("<|eot_id|>",)), prompt="<s>Q")


def asked(url: str, ask: Ask = ASK, *, keys: dict[str, str] | None = None, timeout: float = 10) -> Reply:
    async def run() -> Reply:
        async with Server(url, keys=keys or {}, timeout=timeout, connections=4) as server:
            return await server.ask(ask)

    return asyncio.run(run())


def failed(script: Script, ask: Ask = ASK, *, timeout: float = 10) -> Failed:
    with serving(script) as there, pytest.raises(Failed) as caught:
        asked(there.url, ask, timeout=timeout)
    return caught.value


def always(answer: Answer) -> Script:
    return lambda _, __: answer


def test_a_written_prompt_is_sent_as_it_is_without_further_special_tokens() -> None:
    with serving() as there:
        reply = asked(there.url)
    assert there.paths == ["/v1/completions"]
    assert there.asked == [
        {
            "model": "m",
            "prompt": "<s>Q",
            "add_special_tokens": False,
            "max_tokens": 5,
            "temperature": 0.4,
            "top_k": 3,
            "seed": 1,
            "stop": ["<|eot_id|>"],
        }
    ]
    assert (reply.finish, reply.prompt_tokens, reply.tokens, reply.cached_tokens) == ("stop", 7, 3, 2)
    assert (reply.request_id, reply.fingerprint, reply.model) == ("cmpl-1", "fp", "m")


def test_turns_are_sent_to_the_chat_route() -> None:
    ask = Ask("m", Sampling(max_tokens=5), messages=(("system", "S"), ("user", "Q")))
    with serving() as there:
        assert asked(there.url + "/v1/", ask).text.startswith("Rest")
    assert there.paths == ["/v1/chat/completions"]
    assert there.asked[0]["messages"] == [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]
    assert "top_k" not in there.asked[0]


@pytest.mark.parametrize(
    ("answer", "reason", "is_final", "wait"),
    [
        (Answer(b'{"error": {"message": "engine\\u001b[2J died"}}', 500), "HTTP 500: engine", False, None),
        (Answer(b"slow down", 429, {"Retry-After": "7"}), "HTTP 429: slow down", False, 7.0),
        (Answer(b"", 503, {"Retry-After": "999999"}), "HTTP 503: nothing more", False, 300.0),
        (Answer(b"", 429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), "HTTP 429", False, 0.0),
        (Answer(b'{"error": {"message": "too long"}}', 400), "HTTP 400: too long", True, None),
        (Answer(b"", 307, {"Location": "http://evil.example/"}), "redirects", True, None),
        (Answer(b"{"), "no JSON", False, None),
        (Answer(b"[]"), "no JSON object", False, None),
        (Answer(b"[" * 200_000), "no JSON", False, None),
        (Answer(b"[" * 200_000, 500), "HTTP 500", False, None),
        (Answer(b"", 429, {"Retry-After": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"}), "HTTP 429", False, None),
        (Answer(b"\xff\xfe"), "no JSON", False, None),
        (Answer(b'{"choices": [], "model": "m"}'), "not in the form", False, None),
        (Answer(b'{"choices": [{"text": 5}], "model": "m"}'), "not in the form", False, None),
        (Answer(b" " * (5 * 1024 * 1024)), "longer than", False, None),
    ],
)
def test_what_is_no_answer_is_a_failure_with_its_reason(
    answer: Answer, reason: str, is_final: bool, wait: float | None
) -> None:
    error = failed(always(answer))
    assert reason in str(error)
    assert "\x1b" not in str(error)
    assert (error.is_final, error.wait, error.is_unreachable) == (is_final, wait, False)


def test_an_empty_answer_and_one_of_another_model_are_none() -> None:
    assert "empty" in str(failed(lambda _, body: completion(body, " \n")))
    assert "empty" in str(failed(lambda _, body: completion(body, "\0\u200b")))
    assert failed(lambda _, body: completion(body, "x", model="other")).is_final
    assert failed(lambda _, body: completion(body, "x", model="m-mini")).is_final


def test_numbers_that_nobody_can_keep_are_left_out() -> None:
    def script(_: int, body: Body) -> Answer:
        made = json.loads(completion(body, "x").body)
        made["usage"] = {"prompt_tokens": 2**60, "completion_tokens": -1}
        made["choices"][0]["stop_reason"] = 2**70
        return Answer(json.dumps(made).encode())

    with serving(script) as there:
        reply = asked(there.url)
    assert (reply.prompt_tokens, reply.tokens, reply.stop_reason) == (None, None, None)


def test_a_wrong_key_ends_all() -> None:
    assert failed(always(Answer(b"no", 401))).ends_all
    assert not failed(always(Answer(b"no", 404))).ends_all


def test_a_snapshot_of_the_model_asked_for_is_that_model() -> None:
    with serving(lambda _, body: completion(body, "x", model="m-2024-05-13")) as there:
        assert asked(there.url).model == "m-2024-05-13"


def test_what_hangs_is_given_up_in_time() -> None:
    hold = threading.Event()
    try:
        assert "in time" in str(failed(lambda _, __: Answer(b"", hold=hold), timeout=0.2))
    finally:
        hold.set()


def test_nobody_there_is_told_from_a_failure() -> None:
    with serving() as there:
        url = there.url
    with pytest.raises(Failed) as caught:
        asked(url)
    assert caught.value.is_unreachable


def test_a_key_goes_to_its_origin_alone_and_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with serving() as there, serving() as other:
        keys = keys_of({"ARENA_KEY_ONE": f"{there.url}  sk-secret", "PATH": "/"})
        asked(there.url, keys=keys)
        asked(other.url, keys=keys)
    assert there.headers[0]["Authorization"] == "Bearer sk-secret"
    assert "Authorization" not in other.headers[0]


@pytest.mark.parametrize("value", ["sk-secret", "https://api.example.org", "https://api.example.org sk\x1bsecret"])
def test_a_key_without_its_origin_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(BadInput, match="ARENA_KEY_X") as caught:
        keys_of({"ARENA_KEY_X": value})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["ftp://x", "127.0.0.1:8000", "http://", "http://u:p@x", "http://x?a=1", "http://x#f", "http://[::1"]
)
def test_an_address_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        origin(url)
    assert "u:p" not in str(caught.value)


def test_the_origin_is_scheme_host_and_port() -> None:
    assert origin("https://API.example.org:443/v1") == origin("https://api.example.org")
    assert origin("http://127.0.0.1:8000/v1") == "http://127.0.0.1:8000"
    assert origin("http://127.0.0.1:8000") != origin("http://127.0.0.1:8001")


def test_models_and_tokens_are_told_where_the_server_tells() -> None:
    async def run(url: str) -> tuple[dict[str, int | None], str | None, int | None]:
        async with Server(url, keys={}, timeout=5, connections=1) as server:
            return await server.models(), await server.version(), await server.count(ASK)

    def count(body: Body) -> int:
        return len(json.dumps(body["prompt"]))

    with serving(echo, models={"m": 10, "n": None}, tokens=count) as there:
        assert asyncio.run(run(there.url)) == ({"m": 10, "n": None}, "9.9", 6)
    with serving() as there:
        assert asyncio.run(run(there.url))[2] is None
