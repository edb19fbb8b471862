"""What the rules about texts that cover evaluation items share: which rows cover which items, and how."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby, pairwise
from typing import Any, ClassVar, Literal, NamedTuple

from prepdata.chunk import Chunk
from prepdata.findings import Edit, Fix, Hit, Place, clip
from prepdata.index.asking import FEWEST, media_of, stem
from prepdata.index.presets import PRESETS, Preset
from prepdata.index.reference import USUAL, Reference, open_reference
from prepdata.record import Record
from prepdata.rules.base import CorpusRule, Options, Parts
from prepdata.rules.leak._overlap import Cover, Gathered, cover, gather, matches, others
from prepdata.rules.leak._published import PLACES, Covered, Runs, covered, stretches
from prepdata.text.differences import shown
from prepdata.text.excerpts import Excerpt, excerpt, longest_run
from prepdata.text.fold import alike, fold

SHORT = 12  # words of a turn below which it has to stand in the text whole, as sentences of their own
WHOLE = 100  # words above which that is not looked at
BRIEF = 20  # words of a turn below which most of it has to be covered, ...
MOST = 0.8  # ... and how much: in few words one other word makes another question
LOOSE = 0.6  # share of the wanted coverage from which on the words themselves are compared, ...
IN_ORDER = 0.25  # ... and how much more than the wanted coverage of them has to be there in the same order
_WORD = re.compile(r"\w+")
_BEGINS = re.compile(r"(?:\A\s{0,9}|[.!?:;>\n\"'“«(\[*#]\s{0,9}|[。！？：「])\Z")
_ENDS = re.compile(r"\W{0,9}\n?\Z|\s{0,9}[.!?:;<\n\"'”»)\]*]|[。！？」]")
TOGETHER = 500  # texts that are read before they are judged by their words


class OverlapOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of the rules about overlap.

    Args:
        coverage: share of an item's words (0-1) that one text has to cover with runs of 5 words or more; template text,
            which many rows or many items have, is left out of account.
        preset: use a published rule in place of that: gpt3, palm, llama2, tulu3 or open-r1; null for none.
        numbers: True to tell, as infos, rows that ask the same with other numbers.
    """

    coverage: float = 0.5
    preset: Literal["gpt3", "palm", "llama2", "tulu3", "open-r1"] | None = None
    numbers: bool = True


class Verdict(NamedTuple):
    """A text that covers an item.

    Args:
        places: (row, number of the turn) of every place the text stands at.
        turn: index of the covered turn in the reference.
        item: number of the item in the reference.
        share: share of the item's words that are covered, 0 to 1; 1 where a rule counts otherwise.
        said: how the two differ, and the longest run in common, for people.
        pointer: JSON pointer to the text in the first of the rows.
        role: who says the text there.
        other_numbers: True for the same task with other numbers.
        example: True where the item and its answer stand in a prompt, as an example of what to do.
        exact: True where a user turn is the item and nothing else.
        more: further items that the text covers, by number; unnamed: how many turns it covers besides.
    """

    places: list[tuple[int, int]]
    turn: int
    item: int
    share: float
    said: str
    pointer: str
    role: str
    other_numbers: bool
    example: bool
    exact: bool
    more: tuple[int, ...] = ()
    unnamed: int = 0


class Overlap(CorpusRule):
    """Base of rules about texts that cover evaluation items. `kind` names the references they look at."""

    kind: ClassVar[Literal["eval", "index"]]
    rereads: ClassVar[bool] = True
    heuristic: ClassVar[bool] = False
    Options: ClassVar[type[Options]] = OverlapOptions
    options: OverlapOptions

    def setup(self) -> None:
        self.given = [reference for reference in self.context.references if reference.kind == self.kind]
        self.preset: Preset | None = PRESETS[self.options.preset] if self.options.preset else None
        self.size = self.preset.size if self.preset else USUAL

    def missing(self) -> str | None:
        lacking = next((g.path for g in self.given if self.size not in open_reference(g.path).sizes), None)
        if lacking is not None:
            return f"n-grams of {self.size} words in {lacking}: build it with --gram {self.size}"
        if self.given:
            return None
        return "an evaluation file with --eval" if self.kind == "eval" else "an index with --index"

    def see(self, chunk: Chunk) -> Any:
        return [matches(chunk, given.path, self.size, everything=self.preset is not None) for given in self.given]

    def rows_of(self, part: Any) -> Collection[int]:
        import numpy as np

        return {row for found in part if found for row in np.frombuffer(found["rows"], "<u4").tolist()}

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        for number, given in enumerate(self.given):
            reference = open_reference(given.path)
            scope = tuple((file.path, file.first_row) for file in parts.files)
            key = (scope, self.options.coverage, self.preset)
            if key not in reference.known:  # the rules of one run share it
                gathered = gather((row, part[number]) for row, part in others(parts, given))
                reference.known[key] = list(verdicts(self, reference, gathered, parts))
            yield from self.tell(reference, reference.known[key])

    def tell(self, reference: Reference, found: Iterable[Verdict]) -> Iterator[tuple[int | None, Hit]]:
        """Yield what the rule says of the verdicts of one reference."""
        raise NotImplementedError


def verdicts(rule: Overlap, reference: Reference, gathered: Gathered, parts: Parts) -> Iterator[Verdict]:
    """Yield the texts that cover items, having read their rows again, in order of their first row."""
    if rule.preset is not None:
        for record, number, found in _published(reference, gathered, parts, rule.preset):
            yield _of_preset(reference, record, gathered.rows[found.text], number, found)
        return
    chosen = _chosen(cover(gathered, reference, parts.rows), reference, rule.options.coverage)
    wanted: dict[int, list[_Chosen]] = {}  # first row -> what its texts may hold
    for one in chosen:
        wanted.setdefault(gathered.rows[one.text][0][0], []).append(one)
    for row, record in parts.fetch(sorted(wanted)):
        for text, listed in groupby(wanted[row], lambda found: found.text):
            places = gathered.rows[text]
            number = places[0][1]
            judged = [_judged(reference, record, places, number, found, rule) for found in listed]
            yield from [verdict for verdict in judged if verdict is not None]


def _published(
    reference: Reference, gathered: Gathered, parts: Parts, preset: Preset
) -> Iterator[tuple[Record, int, Covered]]:
    """Yield (row, number of the turn, what it covers) of the texts that a published rule tells, read again."""
    held = stretches(reference, preset.size)
    if preset.judged == "runs":
        yield from _in_runs(Runs(reference, held, preset), gathered, parts)
        return
    wanted: dict[int, list[Covered]] = {}
    for found in covered(gathered.texts, gathered.entries, held, preset):
        wanted.setdefault(gathered.rows[found.text][0][0], []).append(found)
    for row, record in parts.fetch(sorted(wanted)):
        for found in wanted[row]:
            yield record, gathered.rows[found.text][0][1], found


def _in_runs(judge: Runs, gathered: Gathered, parts: Parts) -> Iterator[tuple[Record, int, Covered]]:
    """The same for runs: the words of the texts have to be seen, `TOGETHER` texts at once."""
    import numpy as np

    from prepdata.index.words import words

    wanted: dict[int, list[int]] = {}
    for text in np.unique(gathered.texts).tolist():
        wanted.setdefault(gathered.rows[text][0][0], []).append(text)
    groups = judge.held.group[gathered.entries]
    read: dict[int, tuple[Record, int]] = {}  # text -> its row, and the turn

    def told() -> Iterator[tuple[Record, int, Covered]]:
        given = words([record.turns[number].text for record, number in read.values()])
        here = np.isin(gathered.texts, list(read))
        columns = (gathered.texts[here], groups[here], gathered.at[here])
        for found in judge.covered(list(read), given, *columns):
            yield *read[found.text], found
        read.clear()

    for row, record in parts.fetch(sorted(wanted)):
        for text in wanted[row]:
            read[text] = (record, gathered.rows[text][0][1])
        if len(read) >= TOGETHER:
            yield from told()
    if read:
        yield from told()


def _of_preset(
    reference: Reference, record: Record, places: list[tuple[int, int]], number: int, found: Covered
) -> Verdict:
    """Return the verdict of a published rule, which makes no difference between kinds of overlap."""
    message, owners = record.turns[number], reference.array("part_items")
    turn = found.turns[0]
    said = _shown_run(longest_run(reference.texts("parts", turn), message.text))
    items = tuple(dict.fromkeys(owners[found.turns].tolist()))
    return Verdict(places, turn, items[0], found.shares[0], said, message.field, message.role, False, False, False,
                   items[1:], max(found.many - len(found.turns), 0))  # fmt: skip


class _Chosen(NamedTuple):
    """A text that may cover a turn of an item, and what has to be seen to before that is said."""

    text: int
    turn: int
    share: float
    whole: bool
    """It has to stand there whole, as sentences of its own."""
    loose: bool
    """Most of its words have to be there in the same order."""


def _chosen(given: Cover, reference: Reference, least: float) -> list[_Chosen]:
    """Return what covers enough, by text and turn; of each text the `PLACES` turns that it covers most of."""
    import numpy as np

    sizes = reference.array("part_words")[given.parts].astype(np.int64)
    share = given.covered / np.maximum(given.counted, 1)
    enough = (share >= np.where(sizes < BRIEF, max(MOST, least), least)) & (given.covered >= USUAL)
    whole = (given.covered == given.counted) & (given.counted > 0) & (sizes >= FEWEST) & (sizes <= WHOLE)
    whole &= (sizes < SHORT) | ~enough
    loose = ~enough & (share >= LOOSE * least) & (sizes >= BRIEF) & (given.covered >= 2 * USUAL)
    enough = (enough & (sizes >= SHORT)) | whole | loose
    kept = np.flatnonzero(enough)
    shares = np.minimum(share, 1.0)
    kept = kept[np.lexsort((given.parts[kept], -shares[kept], given.texts[kept]))]
    texts = given.texts[kept]
    kept = kept[np.arange(len(kept)) - np.searchsorted(texts, texts, "left") < PLACES]
    kept = kept[np.lexsort((given.parts[kept], given.texts[kept]))]
    columns = (given.texts, given.parts, shares, whole, loose)
    return [_Chosen(*found) for found in zip(*(column[kept].tolist() for column in columns))]


def _judged(
    reference: Reference, record: Record, places: list[tuple[int, int]], number: int, chosen: _Chosen, rule: Overlap
) -> Verdict | None:
    """Return the verdict on a text that was chosen by its n-grams, having read it; None if it does not stand."""
    message = record.turns[number]
    wanted, share = reference.texts("parts", chosen.turn), chosen.share
    item = int(reference.array("part_items")[chosen.turn])
    if chosen.whole and not stands_alone(wanted, message.text):
        return None
    shown = int(reference.array("part_media")[chosen.turn])
    shows = media_of(record).get(number, 0)
    if shown and shows != shown:  # the same words about another picture
        return None
    exact = message.role == "user" and shows == shown and _same(wanted, message.text)
    if exact and rule.kind == "eval":  # eval-overlap tells these
        return None
    found = excerpt(wanted, message.text)
    if chosen.loose:
        share = found.share
        if share < rule.options.coverage + IN_ORDER:
            return None
    example = not exact and _is_example(record, number, wanted, reference.texts("answers", item))
    other = bool(found.other_numbers)
    return Verdict(
        places, chosen.turn, item, share, _in_common(found), message.field, message.role, other, example, exact
    )


def _same(wanted: str, text: str) -> bool:
    """True if a text asks the same as an item, with choices or without."""
    return alike(wanted, text) or ("\n" in text and alike(wanted, stem(text)))


def _in_common(found: Excerpt) -> str:
    said = _shown_run(found.run)
    return f"with {shown(found.other_numbers)}; {said}" if found.other_numbers else said


def _shown_run(run: str) -> str:
    return f"in common: '{clip(run, 80)}'"


def _is_example(record: Record, number: int, wanted: str, answer: str) -> bool:
    """True where the text stands in the prompt of a row, and the answer to the item after it or in the next turn."""
    prompt, _ = record.split()
    if number >= len(prompt) or not answer.strip():
        return False
    said = prompt[number]
    if said.role not in ("system", "developer", "user"):
        return False
    if number + 1 < len(prompt) and prompt[number + 1].role == "assistant":
        given, expected = fold(prompt[number + 1].text), fold(answer)
        if given == expected or (len(expected) > 8 and expected in given):
            return True
    last = " ".join(wanted.split()[-3:])
    after = said.text.rpartition(last)[2] if last and last in said.text else ""
    return bool(after.strip()) and fold(answer) in fold(after)


def stands_alone(item: str, text: str) -> bool:
    """True if a text has the words of an item one after another, as sentences of their own: what comes before and after
    is an end of a sentence, a colon, a quote, or a line break."""
    wanted = _WORD.findall(item.lower())
    given = list(_WORD.finditer(text))
    words = [match[0].lower() for match in given]
    for at in range(len(words) - len(wanted) + 1):
        if not wanted or words[at] != wanted[0] or words[at : at + len(wanted)] != wanted:
            continue
        run = given[at : at + len(wanted)]
        begin, end = run[0].start(), run[-1].end()
        near = all(after.start() - before.end() <= 4 for before, after in pairwise(run))
        if near and _BEGINS.search(text, max(0, begin - 10), begin) and _ENDS.match(text, end):
            return True
    return False


def name_of(reference: Reference, item: int) -> str:
    """Return how an item is called: its file and line, and its id if it has one."""
    benchmark, line, name = reference.place(item)
    return f"{benchmark.name}:{line}" + (f" ({clip(name, 40)})" if name else "")


def place_of(reference: Reference, item: int) -> Place:
    """Return the place of an item."""
    key = ("place", item)
    if key not in reference.known:  # many rows may name the same items
        benchmark, line, _ = reference.place(item)
        reference.known[key] = Place(benchmark.name, line)
    found: Place = reference.known[key]
    return found


def overlap_hits(reference: Reference, found: Iterable[Verdict], numbers: bool) -> Iterator[tuple[int, Hit]]:
    """Yield one hit for each row whose texts cover items; one for all rows that share a system prompt which does."""
    rows: dict[int, list[tuple[Verdict, int]]] = {}
    for verdict in found:
        everywhere = verdict.role in ("system", "developer")
        for row, _ in verdict.places[:1] if everywhere else verdict.places:
            rows.setdefault(row, []).append((verdict, len(verdict.places) if everywhere else 1))
    for row, listed in sorted(rows.items()):
        same = [entry for entry in listed if not entry[0].other_numbers]
        if not same and not numbers:
            continue
        listed = same or listed
        best, shared = max(listed, key=lambda entry: entry[0].share)
        items = dict.fromkeys([best.item, *(item for v, _ in listed for item in (v.item, *v.more))])
        yield row, _hit(reference, best, shared, list(items), max(v.unnamed for v, _ in listed))


def _hit(reference: Reference, best: Verdict, shared: int, items: list[int], unnamed: int) -> Hit:
    what = f"{best.share:.0%} of what {name_of(reference, best.item)} asks"
    others = len(items) - 1 + unnamed
    if others:
        what += f", and {others} more of its items"
    related = tuple(place_of(reference, item) for item in items[:PLACES])
    if best.other_numbers:
        message = f"the same task with other numbers: holds {what}, {best.said}; fine if that is meant"
        return Hit(message, path=best.pointer, severity="info", related=related)
    if best.role in ("system", "developer"):
        message = f"a system prompt ({shared:,} rows) holds {what}, {best.said}; take it out of the prompt"
        return Hit(message, path=best.pointer, related=related)
    fix = Fix("drop the row", False, (Edit("drop"),))
    return Hit(f"holds {what}, {best.said}; drop the row", path=best.pointer, related=related, fix=fix)
