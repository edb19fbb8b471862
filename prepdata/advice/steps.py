"""What to do next, as commands that are there, by the way advised."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import msgspec

from prepdata.advice.answers import Answers
from prepdata.advice.facts import BEHAVIOUR
from prepdata.advice.model import Way
from prepdata.cost_compare.arms import CACHED_FROM
from prepdata.cost_compare.running import hit_share
from prepdata.prices import offers_for, provider
from prepdata.splitting.run import name_of

OWN_GPU = "--params 8 --gpu A100-80"
HOSTED = ("gpt-4o-mini", "gpt-4.1-mini")
"""Models of OpenAI that are named as an example, the cheapest first."""
ROOM = 10_000
"""Tokens that instructions, question and answer may have beside the documents."""
ENOUGH = 200
"""Reviewed examples from which the rules allow training."""
EXAMPLE = "train.jsonl"
RAG = "rag"
"""Beginning of the names of rows with passages."""


class Step(msgspec.Struct, frozen=True):
    """One step: a command, or None where there is something to do by hand, and what it is good for."""

    command: str | None
    purpose: str


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What commands are filled with.

    Args:
        train: the training file, quoted for a shell.
        parts: beginning of the names that `prepdata split` gives its parts.
        calls: requests a day, None where nobody said.
        knowledge, repeated: tokens of the documents, and those that every call repeats.
        prompt: the latter where somebody said so, else 0: `prepdata cost` measures the file itself.
        where: flags that say where a model would be tuned, and `example` what of them is made up.
        gather: True where the rows have to be put into the training file first.
        cite, works: True where sources must be cited, and where nothing fails.
        behaves: False where format, tone or policy fail.
        few: True where there are too few reviewed examples to train on, as far as is known.
    """

    train: str
    parts: str
    calls: int | None
    knowledge: int
    repeated: int
    prompt: int
    where: str
    example: str
    gather: bool
    cite: bool
    works: bool
    behaves: bool
    few: bool


def given(train: str | None, answers: Answers, repeated: int = 0, examples: int | None = None) -> Given:
    """Return what commands are filled with; names that nobody gave are those of an example.

    Args:
        train: the training file, if there is one.
        answers: of the interview.
        repeated: tokens that every call repeats, answered or measured; 0 where that is not known.
        examples: examples that a person has read, answered or measured; None where that is not known.
    """
    gather = train is not None and (train == "-" or Path(train).is_dir())
    path = EXAMPLE if train is None or gather else train
    local, knowledge = answers.data_may_leave is False, answers.knowledge_tokens or 0
    model = _hosted(knowledge)
    return Given(
        train=shlex.quote(path),
        parts=str(Path(path).parent / name_of(path)),
        calls=answers.requests_per_day or None,
        knowledge=knowledge,
        repeated=repeated,
        prompt=answers.repeated_prompt_tokens or 0,
        where=OWN_GPU if local else f"--target openai --model {model}",
        example="model size and GPU are examples" if local else f"{model} is an example",
        gather=gather,
        cite=answers.cite_sources is True,
        works=answers.fails == ["nothing"],
        behaves=not BEHAVIOUR & {*(answers.fails or ())},
        few=examples is None or examples < ENOUGH,
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


def _as_is(g: Given) -> Step:
    return Step(
        f"prepdata baseline --model MODEL --test {_part(g, 'test')} --system-prompt prompt.txt --output prompted.json",
        "what the prompt of today does: later changes are held against it",
    )


def _cache(g: Given) -> Step | None:
    if g.repeated < CACHED_FROM:
        return None
    said = "let the cache of the provider or server read what every call repeats: put it first, the same to the letter"
    return Step(None, said)


def _cost(g: Given) -> Step:
    sizes = f" --knowledge-tokens {g.knowledge}" if g.knowledge else ""
    if g.prompt >= CACHED_FROM:  # a question is shorter
        sizes += f" --prompt-before {g.prompt}"
    return Step(
        f"prepdata cost {g.train} --compare --calls-per-day {g.calls or 'N'}{sizes} {g.where}",
        f"what each way costs a call and a month, and when the dearer ones pay off ({g.example})",
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
    said = "put the documents into the system prompt"
    if g.knowledge + g.repeated >= CACHED_FROM:
        said = "put the documents first in the system prompt and the question last, so that they can be cached"
        if g.calls:
            said += f" (at {g.calls:,} calls a day about {hit_share(g.calls):.0%} of calls find them in the cache)"
    return Step(None, said)


def _numbered(g: Given) -> Step | None:
    return Step(None, "number the sections of the documents, and ask for the number in each answer") if g.cite else None


def _questions(g: Given) -> Step:
    return Step(None, "write 50 questions, each with its document as mark `gold`: the path below DOCUMENTS")


def _found(g: Given) -> Step:
    return _retrieval("QUESTIONS.jsonl")


def _marked(g: Given) -> Step:
    mark = "the document with its answer as mark `gold`: the path below DOCUMENTS"
    return Step(None, f"give each row of {g.train} {mark}")


def _found_for_rows(g: Given) -> Step:
    return _retrieval(g.train)


def _retrieval(questions: str) -> Step:
    return Step(
        f"prepdata retrieval evaluate {questions} --documents DOCUMENTS",
        "how often the right passage is found: measured before answers are",
    )


def _rag_rows(g: Given) -> Step:
    return Step(
        f"prepdata rag-rows DOCUMENTS {g.train} --output {RAG}.jsonl --validation 0.1 --test 0.1",
        "rows with passages in their prompts, as the tuned model is to read them, some of them held out",
    )


def _form(g: Given) -> Step:
    return Step(None, "where a fixed form is wanted, such as JSON, let the provider or server enforce a schema")


def _review(g: Given) -> Step:
    return Step(None, "collect rows and have a person read each; go on with the fallback meanwhile")


def _behaviour(g: Given) -> Step | None:
    if g.behaves:
        return None
    said = "for format, tone or policy, which documents do not mend: write instructions with examples of good answers"
    more = f"; collect answers that a person has read, from {ENOUGH} on the model can be tuned to them (hybrid)"
    return Step(None, said + (more if g.few else ""))


def _edge_cases(g: Given) -> Step:
    return Step(f"prepdata validate {g.train} --select COV", "what kinds of rows are lacking")


Maker = Callable[[Given], Step | None]
STEPS: dict[Way, tuple[Maker, ...]] = {
    "prompt-first": (_form, _cache, _split, _prompted, _cost),
    "long-context": (_whole_documents, _numbered, _behaviour, _split, _prompted, _cost),
    "rag": (_questions, _found, _behaviour, _split, _prompted, _arms, _cost),
    "fine-tuning": (_cache, _check, _split, _prompted, _cost, _train, _evaluate, _compare, _arms),
    "hybrid": (_check, _marked, _found_for_rows, _rag_rows, _prompted, _cost, _train, _evaluate, _compare, _arms),
    "not-enough-data": (_cache, _split, _prompted, _review, _edge_cases, _cost),
}
"""The steps of every way, in order. Commands that are added to prepdata later are added here."""
KEPT: tuple[Maker, ...] = (_cache, _split, _as_is, _cost)
"""The steps where nothing fails and the prompt stays."""


def steps(way: Way, filled: Given) -> list[Step]:
    """Return the next steps of a way."""
    makers = KEPT if way == "prompt-first" and filled.works else STEPS[way]
    if way == "hybrid":  # what is trained and asked are the rows with passages
        filled = msgspec.structs.replace(filled, parts=RAG)
    found = [maker(filled) for maker in makers]
    return [*([_gather(filled)] if filled.gather else []), *(step for step in found if step is not None)]
