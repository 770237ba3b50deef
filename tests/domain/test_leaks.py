"""Answers that name their system are found, and clinical words that look like names are not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.contenders.catalogue import catalogue
from arena.domain.leaks import leaks, masked
from tests.shared_data import shared_data

NAMES = (
    *("Med42", "ChatGPT", "GPT-4", "Llama", "Llama 3", "Claude", "Gemini", "Mixtral", "Mistral", "Bard", "OpenBioLLM"),
    *("Med-PaLM", "Falcon", "M42", "OpenAI", "Google", "Meta", "JSL-MedLlama-3-8B-v2.0", "Clinical Camel", "Anthropic"),
)
PHRASES = (
    "I am {}, and I can tell you what the test means.",
    "As {}, I cannot examine you.",
    "Hello! I'm {}, your medical assistant. Rest and drink.",
    "I am an AI assistant developed by {}.",
    "This was written by a large language model trained by {} on public texts.",
    "My name is {}. Aspirin thins the blood.",
    "I'm a helpful assistant created by the team at {}.",
    "Take it with food.\n\n— {}",
    "{}: The rash will fade by itself.",
    "I am based on the {} family of models.",
    "Please note that, as an AI model made by {}, I have no access to your records.",
    "You are talking to {}, which is no doctor.",
)
# Words and names of medicine that are, or hold, the names of systems.
LOOKALIKES = (
    *(
        "palmar erythema",
        "the palm of the hand",
        "palmoplantar pustulosis",
        "intermittent claudication",
        "Gemini twins",
    ),
    *("Claude Bernard syndrome", "Claude's syndrome", "llama antibodies", "a falcon sign", "the orca", "camel milk"),
    *("bardoxolone", "Bardet-Biedl syndrome", "M42.0, juvenile osteochondrosis", "a meta-analysis", "metastasis"),
    *("metaplasia", "metacarpal pain", "serum GPT", "GPT (ALT)", "gamma-GPT levels", "the phi angle", "phimosis"),
    *("mistral winds", "a titanium plate", "the titan study", "Nova Scotia", "de novo mutations", "an alpaca bite"),
    *("commands to move", "a sonnet", "Apollo Hospital", "Hermes syndrome", "Vicuna wool", "a Google search"),
    *("dolly zoom vertigo", "perplexity", "the command hallucinations", "samara", "gemination of a tooth", "copilots"),
)
CLINICAL = (
    "The patient was told about {} at the visit.",
    "We saw {} on examination, and the pulse was regular.",
    "{} may be seen in liver disease.",
    "As {} shows, the dose should be halved.",
    "She was treated at home because of {} by her own doctor.",
    "He asked whether {} is dangerous, and I am not sure.",
    "Symptoms such as {}, fever and cough need care.",
    "I was worried about {} after the treatment developed by the clinic.",
    "A model of {} was described in 1998.",
    "Ask about {}: it is often missed.",
    "The assistant noted {} in the record.",
    "If {} comes back, call the emergency number.",
    "I am sure that {} is not the cause, as {} would last longer.",
    "This is the first version of the leaflet on {}.",
    "Treatment of {} is based on the history and the family.",
    "The chat with the nurse was about {}, an important matter.",
    "Is {} hereditary? Your doctor, a specialist, will know.",
    "{} here means what was found by the team at the hospital.",
    "My name is on the list for {}.",
    "I am being treated for {} by my family doctor.",
    "She said: {} first, then the bloods.",
    "- {}",
    "1. {} (rare)",
    "The trial ran by the rules, and {} was built into its plan.",
    "Known as {}, it heals within weeks.",
    "Signed off by the consultant for {}.",
    "It is called {} after the man who described it.",
    "Speaking of {}, I have had it twice.",
    "Children with {} grow out of it.",
    "What is the cost of care for {} in 5 years?",
    "They run on a treadmill with {} under watch.",
    "The system of {} was not examined.",
    "We use {} 2 times a day for 10 days.",
    "Does {} need a scan, or does my model of care cover it?",
    "Written in 2019: {} remains an open question.",
    "Call me if {} gets worse at night.",
    "Hello, my son has {} and I am afraid.",
    "In women, {} is twice as common as in men.",
    "The dose for {} is 5 mg per kg of body weight.",
    "Regards, and do tell me about {} soon.",
    "No bot can replace a talk about {} with your doctor.",
    "{} has been linked to the virus from the market.",
    "From the front, {} looks like a rash.",
    "It was provided through {} at no cost.",
    "A diet for {} was offered by the team.",
    "The risk of {} falls by half on this medicine.",
    "I am a nurse, and {} is what I see most.",
    "Both {} and asthma run in my family.",
    "The members of my family have {} as well.",
    "Ask the pharmacist before taking anything for {}.",
    "Exercise helps with {}, as does sleep.",
    "Between meals {} can be felt as a lump.",
    "They compared {} with a control group of 40.",
    "Please see someone today: {} can be serious.",
    "After the fall, {} and a headache came on.",
    "On the scan, {} of 3 cm was seen.",
    "Do not drive with {}.",
    "Doctors know {} well.",
    "Nobody had thought of {} before.",
    "A cream helps against {}.",
    "We were told that {} had been ruled out.",
    "For {}, the guideline asks for two tests.",
    "How long does {} last, and is it catching?",
    "Most people with {} never notice it.",
    "There is no vaccine against {}.",
    "This leaflet on {} is no substitute for advice.",
    "The doctor was sure it was {}, yet the test was clear.",
)


def sentences() -> Iterator[str]:
    """K-QA's questions, answers and statements, sentence by sentence."""
    folder = shared_data("kqa_study")
    for name in ("questions.jsonl", "answers.jsonl"):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            for key in ("text", "reference"):
                yield from split(record.get(key) or "")
            for statement in record.get("must_have") or ():
                yield from split(statement)


def split(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+|\n+", text) if len(part) > 1]


@pytest.mark.parametrize(
    "written",
    [
        str,
        str.upper,
        lambda name: f"**{name[:2]}**{name[2:]}",
        lambda name: f"{name[0]}\u200b{name[1:]}",
        "`{}`".format,
    ],
    ids=["plain", "capitals", "markdown", "invisible", "code"],
)
def test_phrased_leaks_are_found(written: object) -> None:
    assert callable(written)
    phrased = [phrase.format(written(name)) for phrase, name in product(PHRASES, NAMES)]
    missed = [text for text in phrased if not leaks(text)]
    assert len(phrased) == 240
    assert len(missed) <= len(phrased) // 100, missed


def test_every_system_of_the_catalogue_is_found_by_its_words() -> None:
    for entry in catalogue().values():
        for word in (entry.name, *entry.gives_away):
            assert leaks(f"I am {word}, an assistant.", entry.gives_away), word


def test_clinical_sentences_are_left_alone() -> None:
    real = list(sentences())
    made = [frame.replace("{}", word) for frame, word in product(CLINICAL, LOOKALIKES)]
    every = [*real, *made]
    false = [(text, found) for text in every if (found := leaks(text))]
    assert len(real) > 2000
    assert len(every) >= 5000
    assert len(false) <= len(every) // 1000, false


@pytest.mark.parametrize("word", LOOKALIKES)
def test_clinical_words_that_look_like_names_are_no_leak(word: str) -> None:
    assert not leaks(word)
    assert not leaks(word.capitalize() + " is harmless.")


def test_a_word_of_the_contenders_own_is_found_for_it_alone() -> None:
    assert not leaks("Quercus recommends rest.")
    assert [leak.name for leak in leaks("Quercus recommends rest.", ["Quercus"])] == ["Quercus"]


def test_masking_takes_the_name_and_leaves_the_rest() -> None:
    text = "I am **Med**42, and GPT\u200b-4 agrees. Take aspirin."
    assert masked(text, leaks(text)) == "I am **[name withheld], and [name withheld] agrees. Take aspirin."


@given(st.text(max_size=200))
def test_leaks_lie_in_the_text_one_after_the_other(text: str) -> None:
    found = leaks(f"{text} I am Claude. {text}")
    assert any(leak.name.startswith("Claude") for leak in found)
    assert all(0 <= leak.start < leak.end for leak in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_a_long_answer_takes_no_time_that_grows_faster_than_its_length() -> None:
    """Runs of words on which a careless pattern would go back and forth for ever."""
    for run in (
        "as the the ",
        "i am a ",
        "model ",
        "- ",
        "l_l",
        "\n",
        " ",
        "\t\n",
        "-",
        ".",
        "regards ",
        "developed by the ",
    ):
        hostile = "Meta-analysis shows" + run * (100_000 // len(run)) + "x"
        assert not leaks(hostile)
        assert not leaks("Claude" + hostile)


def test_a_name_with_accents_is_found() -> None:
    assert [leak.name for leak in leaks("Ask Médicus-7 for more.", ["Médicus-7"])] == ["Médicus-7"]
