"""What to do next, as commands that are there, by the way advised."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import msgspec

from prepdata.advice.model import Way
from prepdata.prices import offers_for, provider
from prepdata.splitting.run import name_of

OWN_GPU = "--params 8 --gpu A100-80"
HOSTED = ("gpt-4o-mini", "gpt-4.1-mini")
"""Models of OpenAI that are named as an example, the cheapest first."""
ROOM = 10_000
"""Tokens that instructions, question and answer may have beside the documents."""
EXAMPLE = "train.jsonl"


class Step(msgspec.Struct, frozen=True):
    """One step: a command, or None where there is something to do by hand, and what it is good for."""

    command: str | None
    purpose: str


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What commands are filled with.

    Args:
        train: the training file, quoted for a shell.
        parts: beginning of the names that `prepdata split` gives its parts.
        calls: requests a day, N where nobody said; `knowledge` tokens of the documents.
        where: flags that say where a model would be tuned.
        gather: True where the rows have to be put into the training file first.
    """

    train: str
    parts: str
    calls: str
    knowledge: int
    where: str
    gather: bool


def given(train: str | None, calls: int | None, knowledge: int | None, local: bool) -> Given:
    """Return what commands are filled with; names that nobody gave are those of an example."""
    gather = train is not None and (train == "-" or Path(train).is_dir())
    path = EXAMPLE if train is None or gather else train
    return Given(
        train=shlex.quote(path),
        parts=str(Path(path).parent / name_of(path)),
        calls=str(calls) if calls else "N",
        knowledge=knowledge or 0,
        where=OWN_GPU if local else f"--target openai --model {_hosted(knowledge or 0)}",
        gather=gather,
    )


def _hosted(knowledge: int) -> str:
    """Return the first example of a hosted model that reads the documents whole; the last where none does."""
    prices = provider("openai")
    for model in HOSTED:
        windows = [offer.window for offer in offers_for(prices, model)] if prices else []
        if any(window is not None and knowledge + ROOM <= window.tokens for window in windows):
            return model
    return HOSTED[-1]


def _part(g: Given, name: str) -> str:
    return shlex.quote(f"{g.parts}.{name}.jsonl")


def _gather(g: Given) -> Step:
    return Step(None, f"put the rows into one file, here {g.train}: the steps below read it more than once")


def _check(g: Given) -> Step:
    return Step(f"prepdata validate {g.train}", "every bad row, before anything is built on it")


def _split(g: Given) -> Step:
    return Step(f"prepdata split {g.train}", "rows held out that nothing else has seen")


def _prompted(g: Given) -> Step:
    flags = f"--system-prompt prompt.txt --few-shot {_part(g, 'train')} --shots 3"
    return Step(
        f"prepdata baseline --model MODEL --test {_part(g, 'test')} {flags} --output prompted.json",
        "what a prompt with instructions and three examples can do; all else is held against it",
    )


def _cost(g: Given) -> Step:
    knowledge = f" --knowledge-tokens {g.knowledge}" if g.knowledge else ""
    return Step(
        f"prepdata cost {g.train} --compare --calls-per-day {g.calls}{knowledge} {g.where}",
        "what each way costs a call and a month, and when the dearer ones pay off",
    )


def _train(g: Given) -> Step:
    return Step(
        "prepdata train run.toml --dry-run", "what the run hangs on: data, memory, time; without --dry-run it runs"
    )


def _evaluate(g: Given) -> Step:
    return Step(
        f"prepdata evaluate --model MODEL --adapter run --test {_part(g, 'test')} --baseline prompted.json "
        "--output tuned.json",
        "the tuned model on the same rows",
    )


def _compare(g: Given) -> Step:
    return Step("prepdata compare prompted.json tuned.json", "whether training helped, with intervals and a gate")


def _arms(g: Given) -> Step:
    return Step("prepdata arms arms.toml", "all ways on the same held-out rows: the cheapest that does it")


def _whole_documents(g: Given) -> Step:
    return Step(None, "put the documents first in the system prompt and the question last, so that they can be cached")


def _passages(g: Given) -> Step:
    return Step(None, "write 50 questions with the passages that answer them: retrieval is measured before answers are")


def _rag_rows(g: Given) -> Step:
    return Step(
        "prepdata rag-rows DOCUMENTS QUESTIONS.jsonl --output rag.jsonl --validation 0.1 --test 0.1",
        "rows with passages in their prompts, as the tuned model is to read them",
    )


def _form(g: Given) -> Step:
    return Step(None, "where a fixed form is wanted, such as JSON, let the provider or server enforce a schema")


def _review(g: Given) -> Step:
    return Step(None, "collect rows and have a person read each; go on with the fallback meanwhile")


def _edge_cases(g: Given) -> Step:
    return Step(f"prepdata validate {g.train} --select COV", "what kinds of rows are lacking")


STEPS: dict[Way, tuple[Callable[[Given], Step], ...]] = {
    "prompt-first": (_form, _split, _prompted, _cost),
    "long-context": (_whole_documents, _split, _prompted, _cost),
    "rag": (_passages, _split, _prompted, _arms, _cost),
    "fine-tuning": (_check, _split, _prompted, _cost, _train, _evaluate, _compare, _arms),
    "hybrid": (_check, _passages, _rag_rows, _split, _prompted, _cost, _train, _evaluate, _compare, _arms),
    "not-enough-data": (_split, _prompted, _review, _edge_cases, _cost),
}
"""The steps of every way, in order. Commands that are added to prepdata later are added here."""


def steps(way: Way, filled: Given) -> list[Step]:
    """Return the next steps of a way."""
    return [*([_gather(filled)] if filled.gather else []), *(step(filled) for step in STEPS[way])]
