"""DUP003: rows that are nearly the same."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.index.columns import digests
from prepdata.index.exact import Joined, pack_rows, repeated, whole
from prepdata.index.near import sides, signatures, sketched, whole_rows
from prepdata.rules.base import CorpusRule, Options, Parts
from prepdata.rules.dup._keep import KeepOptions, best, dropping, earlier, worth
from prepdata.rules.dup._near import CHARS, WORTH, Pair, Texts, columns_of, exact_similarity, halved, pairs
from prepdata.rules.dup._variants import another_subject, slots
from prepdata.spread import spread
from prepdata.text.differences import Difference, compare, exchanged, shown

SHOWN = 10  # rows named beside the first
SHORT = 100  # words of two rows below which they have to be more similar: in few words, few others are many
SHORT_LEAST = 0.5
SKETCH_SAID = (
    "near duplicates were looked for by samples of the rows' n-grams, as for large inputs: on made-up rows these find "
    "at least 99 of 100 that a full search finds (option sketch = false makes one)"
)
BESIDE = (
    ", but for case, or for what stands beside question and answer (system prompt, tools, reasoning); look whether "
    "that is meant"
)
BRIEF = 4  # words of an answer up to which variants may have nothing in common ("Paris", "Lyon")
SKETCH_FROM = 1_000_000_000
SKETCH_LEAST = 0.15  # similarity of samples from which rows are read and compared


class NearOptions(KeepOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of near-duplicate.

    Args:
        similarity: Jaccard similarity (0-1) of the 3-grams of words from which two rows are nearly the same.
        ratio: or this share (0-1) of their words in the same order, where the similarity is at least `candidate`.
        candidate: similarity (0-1) from which two rows are looked at at all.
        common: n-grams in more than this share of the rows (0-1) count as template text.
        variants: True to report rows in which a number, a name or the like is exchanged, as infos.
        keep: which row stays: `best` for one that a person has reviewed (row mark `reviewed_by`), of these the one with
            the longest answer, of these the first; `first` for the first.
        sketch: True to let a sample of its n-grams stand for each row (150 bytes), false for all of them (6 bytes a
            word); null for the sample where the input has more than `sketch_from` bytes.
        sketch_from: bytes of input.
    """

    similarity: float = 0.6
    ratio: float = 0.8
    candidate: float = 0.3
    common: float = 0.1
    variants: bool = True
    sketch: bool | None = None
    sketch_from: int = SKETCH_FROM


class Judged(NamedTuple):
    """Two rows (places in the columns), their similarity and how they differ (None where not looked at)."""

    first: int
    second: int
    similarity: float
    how: Difference | None


class NearDuplicate(CorpusRule):
    """Finds rows that nearly equal an earlier one: some words changed, added, left out or moved.

    Prompts and answers without system prompts and tools are held against each other by the n-grams of words that they
    share; template text that many rows have is left out of account. Both sides have to be alike, so one prompt with two
    answers is no near duplicate. Rows in which a number, a name, a negation or an operator is exchanged, or the same
    word in question and answer, are wanted more often than not: they are told as infos, one for each group, and never
    dropped. Equal rows are left to exact-duplicate and
    folded-duplicate. Keeps 16 bytes a row and 6 bytes a word; beyond 1 GB of input
    (option `sketch_from`) no more than 160 bytes a row, which finds a few less.

    Why: near duplicates weigh double like equal ones, spill from the training into the test set, and make a set look
    larger than it is.
    Bad:
        {"messages": [{"role": "user", "content": "How can I send back a parcel that came broken last week?"},
         {"role": "assistant", "content": "Print the return label from your account and take it to the post office."}]}
        {"messages": [{"role": "user", "content": "How can I send back the parcel that came broken last week?"},
         {"role": "assistant", "content": "Print the return label from your account and take it to a post office."}]}
    Good:
        {"messages": [{"role": "user", "content": "How can I send back a parcel that came broken last week?"},
         {"role": "assistant", "content": "Print the return label from your account and take it to the post office."}]}
        {"messages": [{"role": "user", "content": "Who pays for sending back what does not fit me?"},
         {"role": "assistant", "content": "We do, once a month."}]}
    Fix: drops the row, and keeps the best of those that are alike (option `keep`). Unsafe: which wording is the better
    one only a person can say.
    Source: Lee et al., "Deduplicating Training Data Makes Language Models Better", ACL 2022; thresholds are our own.
    """

    code: ClassVar[str] = "DUP003"
    name: ClassVar[str] = "near-duplicate"
    severity: ClassVar[Severity] = "warning"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"
    default: ClassVar[bool] = False  # right often enough, but slow where very many rows are half alike
    heuristic: ClassVar[bool] = True
    rereads: ClassVar[bool] = True
    Options: ClassVar[type[Options]] = NearOptions
    options: NearOptions

    @classmethod
    def sized(cls, options: dict[str, Any], size: int) -> dict[str, Any]:
        if options.get("sketch") is None and size > options.get("sketch_from", SKETCH_FROM):
            return {**options, "sketch": True}
        return options

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(digests)
        grams = whole_rows(chunk.derived(signatures))
        if self.options.sketch:
            grams = sketched(grams)
        return [pack_rows(found.rows), found.folded.tobytes(), worth(chunk, self.context), *grams]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        joined = Joined([(row, part[:3]) for row, part in parts.parts])
        judged = self.judged(parts, joined)
        if judged:
            worths = whole(joined.columns[1], "I")
            yield from self._copies(joined, worths, [j for j in judged if j.how is None or not j.how.meant])
            if self.options.variants:
                yield from self._variants(joined, [j for j in judged if j.how is not None and j.how.meant])
        if self.options.sketch and joined.columns[0]:
            yield None, Hit(SKETCH_SAID, severity="info")

    def judged(self, parts: Parts, joined: Joined) -> list[Judged]:
        """Return the pairs of rows that are nearly the same, or variants of one another.

        Args:
            parts: what `see` kept of the rows.
            joined: its first three columns laid end to end.
        """
        if not parts.parts:
            return []
        chosen = self._pairs(parts, joined, whole(joined.columns[1], "I"))
        return _marked(self._judge(parts, joined, chosen)) if chosen else []

    def _pairs(self, parts: Parts, joined: Joined, worths: array[int]) -> list[Pair]:
        """Return the pairs of rows that share enough n-grams; of rows that fold to the same, only that which is kept
        takes part."""
        left: set[int] = set()
        for group in repeated(joined.columns[0]):
            left.update(group)
            left.remove(best(group, worths, self.options.keep))
        least = SKETCH_LEAST if self.options.sketch else min(self.options.candidate, self.options.similarity)
        return pairs(columns_of(parts.parts, 3), left, least, self.options.common) if worths else []

    def _judge(self, parts: Parts, joined: Joined, chosen: list[Pair]) -> list[Judged]:
        """Return the pairs that are copies or variants, having read their rows again."""

        def work(some: Sequence[Pair]) -> list[Judged] | None:
            rows = [(joined.row(pair.first), joined.row(pair.second)) for pair in some]
            read = parts.fetch({row for both in rows for row in both})
            texts = Texts(((row, sides(record)) for row, record in read), CHARS // parts.jobs)
            if texts.full and len(some) > 1:
                return None
            judged = [self._judged(pair, *both, texts) for pair, both in zip(some, rows)]
            return [pair for pair in judged if pair is not None]

        return spread(partial(halved, work), chosen, parts.jobs, WORTH)

    def _judged(self, pair: Pair, left: int, right: int, texts: Texts) -> Judged | None:
        """Return how two rows differ, given their numbers too; None if they are not nearly the same."""
        similarity = pair.similarity
        if left not in texts.sides or right not in texts.sides:
            return Judged(*pair, None) if similarity >= self.options.similarity else None
        if self.options.sketch:
            similarity = exact_similarity(texts.sides[left], texts.sides[right])
            if similarity < min(self.options.candidate, self.options.similarity):
                return None
        how = self._difference(texts.words(left), texts.words(right), similarity)
        return None if how is None else Judged(pair.first, pair.second, similarity, how)

    def _difference(
        self, left: tuple[list[str], list[str]], right: tuple[list[str], list[str]], similarity: float
    ) -> Difference | None:
        """Return how two rows differ, None if they are not nearly the same."""
        if similarity < self.options.similarity and _in_common(left, right) < self.options.ratio:
            return None
        asked, answered = compare(left[0], right[0]), compare(left[1], right[1])
        total = sum(map(len, (*left, *right)))
        ratio = (asked.ratio * (len(left[0]) + len(right[0])) + answered.ratio * (len(left[1]) + len(right[1]))) / total
        if similarity < self.options.similarity and ratio < self.options.ratio:
            return None
        meant = asked.meant or answered.meant or exchanged(asked, answered)
        meant = meant or another_subject(asked, answered, max(len(left[0]), len(right[0])))
        if total < SHORT and similarity < min(SHORT_LEAST, self.options.similarity) and not meant:
            return None
        brief = max(len(left[1]), len(right[1])) <= BRIEF
        least = 0.0 if meant and brief else self.options.candidate if meant else self.options.similarity
        if asked.shared < self.options.similarity or answered.shared < least:
            return None
        return Difference(ratio, min(asked.shared, answered.shared), asked.changes + answered.changes, meant)

    def _copies(self, joined: Joined, worths: array[int], judged: list[Judged]) -> Iterator[tuple[int, Hit]]:
        """Yield the copies of rows that stay: the best stay first, and what is like one that stays is told."""
        tied: dict[int, list[Judged]] = {}
        for pair in judged:
            tied.setdefault(pair.first, []).append(pair)
            tied.setdefault(pair.second, []).append(pair)
        first = self.options.keep == "first"
        stay: set[int] = set()
        told: list[tuple[int, int, Judged]] = []
        for place in sorted(tied, key=lambda p: (0 if first else -worths[p], p)):
            kept = [(pair, pair.first + pair.second - place) for pair in tied[place]]
            found = max((k for k in kept if k[1] in stay), key=lambda k: (k[0].similarity, -k[1]), default=None)
            if found is None:
                stay.add(place)
            else:
                told.append((place, found[1], found[0]))
        for place, twin, pair in sorted(told):
            said = f"nearly the same as {earlier(twin, place)} row (similarity {pair.similarity:.2f})"
            if pair.how is not None and not pair.how.changes:
                yield joined.row(place), Hit(f"{said}{BESIDE}", severity="info", related=(joined.row(twin),))
                continue
            if pair.how is not None:
                said += f", but for {shown(pair.how.changes)}"
            hit = Hit(f"{said}; keep one", related=(joined.row(twin),), fix=dropping(twin, place))
            yield joined.row(place), hit

    def _variants(self, joined: Joined, judged: list[Judged]) -> Iterator[tuple[int, Hit]]:
        from prepdata.index.join import clusters

        example: dict[int, str] = {}
        for pair in judged:
            assert pair.how is not None
            example.setdefault(pair.first, shown(pair.how.changes, 2))
        for group in clusters((pair.first, pair.second) for pair in judged):
            rows = [joined.row(place) for place in group]
            said = f"{len(rows):,} rows say the same of other numbers, names or things ({example[group[0]]})"
            yield rows[0], Hit(f"{said}; look whether that is meant", severity="info",
                               related=tuple(rows[1 : 1 + SHOWN]))  # fmt: skip


def _in_common(left: tuple[list[str], list[str]], right: tuple[list[str], list[str]]) -> float:
    """Return a bound for the share of words in the same order, quick to work out: of those in any order, or case."""
    total = same = 0
    for one, other in zip(left, right):
        total += len(one) + len(other)
        same += (Counter(map(str.casefold, one)) & Counter(map(str.casefold, other))).total()
    return 2 * same / total if total else 1.0


def _marked(judged: list[Judged]) -> list[Judged]:
    """Return the pairs, those that differ at the slots of a template marked as meant."""
    places = [place for place, pair in enumerate(judged) if pair.how is not None and not pair.how.meant]
    found = slots([(judged[place].first, how) for place in places if (how := judged[place].how) is not None])
    for number in found:
        pair = judged[places[number]]
        assert pair.how is not None
        judged[places[number]] = pair._replace(how=pair.how._replace(meant=True))
    return judged
