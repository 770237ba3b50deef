"""The formats of recorded answers: what in a record is the question, the contender and the answer, and what is neither.

Each function takes the fields of one record and raises BadField where they are not of its format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from arena.services.files.raw import BadField
from arena.services.recorded.batch import result
from arena.services.recorded.shapes import Recorded, identity, known_only, mapping, only, said, without

Origin = Literal["lm-eval", "alpaca-eval", "mt-bench", "openai-batch"]
Fields = Mapping[str, object]


def lm_eval(fields: Fields) -> Recorded:
    """A line of `samples_*.jsonl` of lm-evaluation-harness (0.4): the first response, as the model gave it.

    Only tasks that generate text have answers; log-likelihoods are refused, and so are several responses to one
    document. The question is the `doc_id`, or by its text the prompt or any text of `doc`.
    """
    known_only(fields, ("doc_id", "doc", "arguments", "resps", "filtered_resps"))
    prompt = _generated(fields["arguments"])
    answer = only(only(fields["resps"], "resps", "request"), "resps", "response")
    if not isinstance(answer, str):
        raise BadField("resps", "holds no text: only tasks that generate text have answers")
    doc = fields["doc"]
    texts = [text for text in doc.values() if isinstance(text, str)] if isinstance(doc, dict) else [doc]
    return Recorded(
        text=said({"resps": answer}, "resps"),
        rest=without(fields, "doc_id", "resps", "filtered_resps") | {"doc_id": fields["doc_id"]},
        question=identity(fields, "doc_id"),
        texts=tuple(text for text in (prompt, *texts) if isinstance(text, str)),
    )


def _generated(arguments: object) -> object:
    """The prompt of the one request; its second argument, the settings, is there where text is generated."""
    if isinstance(arguments, dict):  # since 0.4.3; a list of lists before
        first = mapping(only(list(arguments.values()), "arguments", "request"), "arguments")
        prompt, settings = first.get("arg_0"), first.get("arg_1")
    else:
        pair = only(arguments, "arguments", "request")
        prompt, settings = pair if isinstance(pair, list) and len(pair) == 2 else (None, None)
    if not isinstance(settings, dict):
        raise BadField("arguments", "holds no settings: only tasks that generate text have answers")
    return prompt


def alpaca_eval(fields: Fields) -> Recorded:
    """An object of AlpacaEval's `model_outputs.json`. It has no id: the question is known by its text."""
    known_only(fields, ("instruction", "output", "generator"))
    return Recorded(
        text=said(fields, "output"),
        rest=without(fields, "instruction", "output", "generator") | {"generator": fields["generator"]},
        texts=(said(fields, "instruction"),),
        contender=said(fields, "generator"),
    )


def mt_bench(fields: Fields) -> Recorded:
    """A line of FastChat's `model_answer/MODEL.jsonl` (MT-Bench): the first turn. Several choices are refused."""
    known_only(fields, ("question_id", "model_id", "choices"))
    choice = mapping(only(fields["choices"], "choices", "choice"), "choices")
    turns = choice.get("turns")
    if not isinstance(turns, list) or not turns:
        raise BadField("choices", "has no turns")
    rest = without(fields, "question_id", "choices") | {"choice": {**choice, "turns": turns[1:]}}
    return Recorded(
        text=said({"choices": turns[0]}, "choices"),
        rest=rest,
        question=identity(fields, "question_id"),
        contender=said(fields, "model_id"),
    )


def openai_batch(fields: Fields) -> Recorded:
    """A line of the output of OpenAI's Batch API: the question is the `custom_id`. A request that failed is refused."""
    found = result(fields)
    if found.failure is not None:
        raise BadField("error" if fields.get("error") else "response", f"the request failed: {found.failure}")
    body = mapping(found.body, "response")
    choice = mapping(only(body.get("choices"), "response", "choice"), "response")
    message = choice.get("message")
    held, where = (message, "content") if isinstance(message, dict) else (choice, "text")
    left = without(choice, "message", "text")
    if isinstance(message, dict):
        left["message"] = without(message, "content")
    model = said({"response": body.get("model")}, "response")
    rest = without(fields, "custom_id", "response", "error") | {
        "model": model,
        "response": {**body, "choices": [left]},
        "is_cut": choice.get("finish_reason") == "length",
    }
    return Recorded(said({"response": held.get(where)}, "response"), rest, found.custom_id, contender=model)


READERS: dict[Origin, Callable[[Fields], Recorded]] = {
    "lm-eval": lm_eval,
    "alpaca-eval": alpaca_eval,
    "mt-bench": mt_bench,
    "openai-batch": openai_batch,
}
"""The formats by the names by which they are asked for."""
