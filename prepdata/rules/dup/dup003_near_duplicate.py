"""DUP003: rows that are nearly the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from prepdata.chunk import Chunk
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.index.columns import digests
from prepdata.index.exact import Joined, pack_rows
from prepdata.index.near import sides, signatures
from prepdata.rules.base import CorpusRule, Options, Parts
from prepdata.rules.dup._variants import another_subject, slots
from prepdata.text.differences import Difference, compare, exchanged, shown, tokens

if TYPE_CHECKING:
    from prepdata.index.join import Pairs, Sets

SHOWN = 10  # rows named beside the first
PARTNERS = 8  # earlier rows that a row is compared with word by word, the most similar first
COMMON = 50  # an n-gram in more rows than this, and than `common` of all, is left out of account
SHORT = 100  # words of two rows below which they have to be more similar: in few words, few others are many
SHORT_LEAST = 0.5
BRIEF = 4  # words of an answer up to which variants may have nothing in common ("Paris", "Lyon")
TEXT_BYTES = 256_000_000  # characters of rows held in memory for the comparison


class NearOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of near-duplicate.

    Args:
        similarity: Jaccard similarity (0-1) of the 3-grams of words from which two rows are nearly the same.
        ratio: or this share (0-1) of their words in the same order, where the similarity is at least `candidate`.
        candidate: similarity (0-1) from which two rows are looked at at all.
        common: n-grams in more than this share of the rows (0-1) count as template text.
        variants: True to report rows in which a number, a name or the like is exchanged, as infos.
    """

    similarity: float = 0.6
    ratio: float = 0.8
    candidate: float = 0.3
    common: float = 0.1
    variants: bool = True


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
    folded-duplicate. Keeps 16 bytes a row and 4 bytes a word.

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
    Fix: drops the later row. Unsafe: which wording is the better one only a person can say.
    Source: Lee et al., "Deduplicating Training Data Makes Language Models Better", ACL 2022; thresholds are our own.
    """

    code: ClassVar[str] = "DUP003"
    name: ClassVar[str] = "near-duplicate"
    severity: ClassVar[Severity] = "warning"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"
    default: ClassVar[bool] = False
    rereads: ClassVar[bool] = True
    Options: ClassVar[type[Options]] = NearOptions
    options: NearOptions

    def see(self, chunk: Chunk) -> Any:
        rows, found = chunk.derived(digests), chunk.derived(signatures)
        return [pack_rows(rows.rows), rows.folded.tobytes(), found.counts, found.members]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        if not parts.parts:
            return
        joined = Joined([(row, part[:2]) for row, part in parts.parts])
        pairs = self._pairs(parts, joined.columns[0])
        if not len(pairs.first):
            return
        judged = _marked(self._judge(parts, joined, pairs))
        yield from self._copies(joined, [j for j in judged if j.how is None or not j.how.meant])
        if self.options.variants:
            yield from self._variants(joined, [j for j in judged if j.how is not None and j.how.meant])

    def _pairs(self, parts: Parts, folded: bytes) -> Pairs:
        """Return the pairs of rows that share enough n-grams, rows that fold to an earlier one left out."""
        import numpy as np

        from prepdata.index.join import Sets, similar

        counts = np.frombuffer(b"".join(part[2] for _, part in parts.parts), "<u4").astype(np.int64)
        members = np.frombuffer(b"".join(part[3] for _, part in parts.parts), "<u4")
        per_row = counts.reshape(-1, 2).sum(axis=1)
        keys = np.frombuffer(folded, np.uint64)
        _, firsts = np.unique(keys, return_index=True)
        again = np.ones(len(keys), bool)
        again[firsts] = False
        members = members[np.repeat(~again, per_row)]
        sets: Sets = Sets(members, np.cumsum(np.where(again, 0, per_row)))
        most = max(COMMON, int(self.options.common * len(keys)))
        return similar(sets, min(self.options.candidate, self.options.similarity), most)

    def _judge(self, parts: Parts, joined: Joined, pairs: Pairs) -> list[Judged]:
        """Return the pairs that are copies or variants, having read their rows again."""
        chosen = _nearest(pairs)
        wanted = {joined.row(place) for one, other, _ in chosen for place in (one, other)}
        texts: dict[int, tuple[list[str], list[str]]] = {}
        held = 0
        for row, record in parts.fetch(sorted(wanted)):
            asked, answered = sides(record)
            held += len(asked) + len(answered)
            if held > TEXT_BYTES:
                break
            texts[row] = tokens(asked), tokens(answered)
        judged: list[Judged] = []
        for one, other, similarity in chosen:
            left, right = texts.get(joined.row(one)), texts.get(joined.row(other))
            if left is None or right is None:
                if similarity >= self.options.similarity:
                    judged.append(Judged(one, other, similarity, None))
                continue
            how = self._difference(left, right, similarity)
            if how is not None:
                judged.append(Judged(one, other, similarity, how))
        return judged

    def _difference(
        self, left: tuple[list[str], list[str]], right: tuple[list[str], list[str]], similarity: float
    ) -> Difference | None:
        """Return how two rows differ, None if they are not nearly the same."""
        asked, answered = compare(left[0], right[0]), compare(left[1], right[1])
        meant = asked.meant or answered.meant or exchanged(asked, answered)
        meant = meant or another_subject(asked, answered, max(len(left[0]), len(right[0])))
        total = sum(map(len, (*left, *right)))
        ratio = (asked.ratio * (len(left[0]) + len(right[0])) + answered.ratio * (len(left[1]) + len(right[1]))) / total
        few = total < SHORT and similarity < SHORT_LEAST and not meant
        if similarity < self.options.similarity and (few or ratio < self.options.ratio):
            return None
        brief = max(len(left[1]), len(right[1])) <= BRIEF
        least = 0.0 if meant and brief else self.options.candidate if meant else self.options.similarity
        if asked.shared < self.options.similarity or answered.shared < least:
            return None
        return Difference(ratio, min(asked.shared, answered.shared), asked.changes + answered.changes, meant)

    def _copies(self, joined: Joined, judged: list[Judged]) -> Iterator[tuple[int, Hit]]:
        best: dict[int, Judged] = {}
        for pair in judged:
            known = best.get(pair.second)
            if known is None or pair.similarity > known.similarity:
                best[pair.second] = pair
        fix = Fix("drop the later row", False, (Edit("drop"),))
        for place, pair in sorted(best.items()):
            said = f"nearly the same as an earlier row (similarity {pair.similarity:.2f})"
            if pair.how is not None:
                said += f", but for {shown(pair.how.changes) or 'case and white space'}"
            yield joined.row(place), Hit(f"{said}; keep one", related=(joined.row(pair.first),), fix=fix)

    def _variants(self, joined: Joined, judged: list[Judged]) -> Iterator[tuple[int, Hit]]:
        import numpy as np

        from prepdata.index.join import clusters

        if not judged:
            return
        example: dict[int, str] = {}
        for pair in judged:
            assert pair.how is not None
            example.setdefault(pair.first, shown(pair.how.changes, 2))
        first = np.array([pair.first for pair in judged], np.int64)
        second = np.array([pair.second for pair in judged], np.int64)
        for group in clusters(int(second.max()) + 1, first, second):
            rows = [joined.row(place) for place in group]
            said = f"{len(rows):,} rows say the same of other numbers, names or things ({example[group[0]]})"
            yield rows[0], Hit(f"{said}; look whether that is meant", severity="info",
                               related=tuple(rows[1 : 1 + SHOWN]))  # fmt: skip


def _marked(judged: list[Judged]) -> list[Judged]:
    """Return the pairs, those that differ at the slots of a template marked as meant."""
    places = [place for place, pair in enumerate(judged) if pair.how is not None and not pair.how.meant]
    found = slots([(judged[place].first, how) for place in places if (how := judged[place].how) is not None])
    for number in found:
        pair = judged[places[number]]
        assert pair.how is not None
        judged[places[number]] = pair._replace(how=pair.how._replace(meant=True))
    return judged


def _nearest(pairs: Pairs) -> Sequence[tuple[int, int, float]]:
    """Return (row, later row, similarity) of the pairs to be compared: each later row with its most similar ones."""
    import numpy as np

    similarity = pairs.jaccard()
    order = np.lexsort((pairs.first, -similarity, pairs.second))
    second = pairs.second[order]
    new = np.flatnonzero(np.append(True, second[1:] != second[:-1]))
    rank = np.arange(len(second)) - np.repeat(new, np.diff(new, append=len(second)))
    kept = order[rank < PARTNERS]
    return list(zip(pairs.first[kept].tolist(), pairs.second[kept].tolist(), similarity[kept].tolist()))
