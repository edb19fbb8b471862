"""What a rule is. Three kinds: of facts (bytes and lines), of records, of the corpus.

A rule is one module in `prepdata/rules/<family>/`, holding one class that carries everything about it: code, name,
severity, options, documentation (the class docstring) and check. `prepdata.rules.loader` finds it by walking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import msgspec

from prepdata.chunk import Chunk, Fact, Text
from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.targets.model import Target
from prepdata.training.column import Rendering

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""Type of an option that is a share, 0 to 1."""
Count = Annotated[int, msgspec.Meta(ge=0)]
"""Type of an option that is a number of rows or the like."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of a rule; a rule adds its own by subclassing. Unknown keys are refused.

    Args:
        severity: overrides the rule's severity.
        max: tolerated share of rows ("2%") or number of rows ("5"); up to it the findings are infos.
    """

    severity: Severity | None = None
    max: str | None = None


class Given(msgspec.Struct, frozen=True):
    """An evaluation set that rows are held against.

    Args:
        kind: `eval` for the user's own files (`--eval`), `index` for an index of benchmarks (`--index`).
        path: of the index file (`prepdata.index.reference`).
        digest: of what it holds: with it the findings change.
        files: the evaluation files, as real paths: their own rows are not held against them.
    """

    kind: Literal["eval", "index"]
    path: str
    digest: str
    files: tuple[str, ...] = ()


class Context(msgspec.Struct, frozen=True):
    """What a rule may know about the run besides its options.

    Args:
        targets: the targets asked for with `--target`, may be empty.
        model: the model to be fine-tuned, if named (PROV003), else None.
        marks: names of the row marks (`id`, `source`, `group`, `reviewed_by`, `generator`, `label`, `split`, ...).
        columns: the user's column mapping (setting `columns`): {"prompt": "question", ...}.
        references: evaluation sets that rows are held against.
        rendering: how rows are rendered (`prepdata.training.column`), None where they are not.
        context_length: tokens a row may have, None for the targets' own.
        locked: True where data and tokenizer are held against a lock file (`prepdata.lock`).
    """

    targets: tuple[Target, ...] = ()
    model: str | None = None
    marks: dict[str, str] = {}
    columns: dict[str, str] = {}
    references: tuple[Given, ...] = ()
    rendering: Rendering | None = None
    context_length: int | None = None
    locked: bool = False

    def mark(self, name: str, raw: dict[str, Any]) -> Any:
        """Return the value of a row mark, looked up in the row and in its `metadata`/`meta` object, or None."""
        key = self.marks.get(name, name)
        if key in raw:
            return raw[key]
        for holder in ("metadata", "meta"):
            inner = raw.get(holder)
            if isinstance(inner, dict) and key in inner:
                return inner[key]
        return None


class Words(NamedTuple):
    """Trigger: the rule sees rows in which one of these texts occurs, in any case, in any text of the row."""

    words: tuple[str, ...]


class Pattern(NamedTuple):
    """Trigger: the rule sees rows in which this regular expression matches inside one text.

    Keep it cheap and linear: a character class or a fixed piece at its start, no nested repetition, no NUL (which
    stands between texts).

    Args:
        pattern: the expression.
        traces: if given, a text of ASCII (most are) is only searched if it holds one of these, in a copy where every
            digit reads 0 and every control character but tab and line ends \\x01. That makes traces quick to search
            for: let them begin with a fixed piece. () if the expression can only match in a text that holds some
            character beyond ASCII.
        everywhere: True if every match leaves a trace in other texts as well (as UTF-8).
    """

    pattern: re.Pattern[str]
    traces: tuple[re.Pattern[bytes], ...] | None = None
    everywhere: bool = False


EVERY: Literal["every"] = "every"  # trigger: every row
SHAPE: Literal["shape"] = "shape"  # trigger: one row per shape or outline, all rows of one that had a hit, all others
CALLS: Literal["calls"] = "calls"  # trigger: as SHAPE, and all rows with an outline: those that hold calls or tools

LOOK: Literal["look"] = "look"  # trigger: the rows that the rule's own `wanted` returns for a whole chunk

Trigger = Literal["every", "shape", "calls", "look"] | Words | Pattern


class Rule:
    """Base of all rules. Class attributes are the metadata; the docstring is the documentation.

    The docstring has a one-line summary and the headings `Why:`, `Bad:`, `Good:`, `Fix:` and `Source:`.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    since: ClassVar[str] = "0.1"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "none"
    default: ClassVar[bool] = True
    """False for a rule that must be selected by name (measured precision below 0.9, or opt in)."""
    heuristic: ClassVar[bool] = False
    """True where the rule judges by likelihood; such rules have a labelled set and measured precision."""
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any = None, context: Context | None = None) -> None:
        self.options: Any = options if options is not None else self.Options()
        self.context = context or Context()
        self.setup()

    @classmethod
    def resolve(cls, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options with the files they name read in, so that the plan, and with it the cache, hold them."""
        return options

    @classmethod
    def sized(cls, options: dict[str, Any], size: int) -> dict[str, Any]:
        """Return the options as they are for inputs of `size` bytes in all (0: not known)."""
        return options

    def setup(self) -> None:
        """Prepare for a run: compile, import what is heavy. Called once per process."""

    def missing(self) -> str | None:
        """Return what the rule needs and was not given ("a target with --target"), or None if it can run."""
        return None


class FactRule(Rule):
    """A rule about bytes and lines. Sources and parser report facts; the rule puts them into words."""

    facts: ClassVar[tuple[str, ...]]

    def explain(self, fact: Fact) -> Iterator[Hit]:
        """Yield the findings of one fact."""
        raise NotImplementedError


class RecordRule(Rule):
    """A pure rule: one record in, hits out. `trigger` says which rows it needs to see."""

    trigger: ClassVar[Trigger] = EVERY

    def check(self, record: Record) -> Iterator[Hit]:
        """Yield the findings of one record."""
        raise NotImplementedError

    def check_texts(self, record: Record, held: Sequence[Text]) -> Iterator[Hit]:
        """Yield the findings of one record, given those of its texts that woke the rule (`Words`, `Pattern`), in order.

        For rules that find nothing in other texts, so that they need not look for the place again.
        """
        return self.check(record)

    def wanted(self, chunk: Chunk) -> Iterable[Record]:
        """Return every row of a chunk in which `check` may find something, in any order, some perhaps twice: a quick
        look at columns that rules share. Asked only where the trigger is `LOOK`."""
        return chunk.records


class FileInfo(msgspec.Struct, frozen=True):
    """A file of the run, as corpus rules may see it."""

    path: str
    size: int
    rows: int
    first_row: int
    """Number of its first row, counted over the scope of the rule."""


def _unread(rows: Collection[int]) -> Iterator[tuple[int, Record]]:
    """Read no row again: for scopes whose files are not at hand."""
    return iter(())


class Parts(NamedTuple):
    """All that the chunks of a scope gave, in file order.

    Args:
        files: the files of the scope, in order.
        parts: (number of the chunk's first row, what `see` returned); add it to the rule's chunk-local row numbers.
        rows: rows in the scope.
        fetch: reads rows again, named by their numbers in the scope: yields (number, record) in rising order, without
            rows that hold no record. For rules that say so with `rereads`.
        jobs: processes that `finish` may use (`prepdata.spread`).
    """

    files: Sequence[FileInfo]
    parts: Sequence[tuple[int, Any]]
    rows: int
    fetch: Callable[[Collection[int]], Iterator[tuple[int, Record]]] = _unread
    jobs: int = 1


class Untold(NamedTuple):
    """What `finish` yields where the rule ran and could not tell. The report says so among what could not run
    (`Report.not_run`), where the rule was selected by name.

    Args:
        needs: what it would need to tell, as in "needs 50 answers".
    """

    needs: str


class CorpusRule(Rule):
    """A rule over many rows: `see` turns a chunk into a small value, `finish` judges all of them together.

    `see` is pure and returns plain values that msgpack can hold (dict, list, int, str, bytes); rows are named by
    their 0-based number in the chunk. `finish` gets them in file order, but must give the same result however the
    file was cut: never let the result depend on chunk borders. The class docstring states the bytes kept per row.

    Args:
        scope: what `finish` sees at once: one `file`, one `dataset` (a path argument: a file or a folder), or the
            whole `run`.
        rereads: True if `finish` uses `Parts.fetch`: what can be read once only (standard input, a pipe)
            is then kept in a temporary file.
    """

    rereads: ClassVar[bool] = False
    scope: ClassVar[Literal["file", "dataset", "run"]] = "dataset"

    def see(self, chunk: Chunk) -> Any:
        """Return what the rule keeps of a chunk."""
        raise NotImplementedError

    def rows_of(self, part: Any) -> Collection[int] | None:
        """Return the rows of a chunk that `finish` may speak of, given what `see` returned of it; None for any. Of
        other rows no digest is made, which is most of what a rule costs that speaks of few."""
        return None

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit] | Untold]:
        """Yield (row number in the scope, hit), None instead of a number where the whole scope is meant; or, where it
        cannot tell, what it lacks."""
        raise NotImplementedError
