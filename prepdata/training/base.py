"""What a trainer does to a row: the shape that all simulated trainers share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from prepdata.findings import Severity
from prepdata.record import Record
from prepdata.render.encoding import Encoded
from prepdata.render.errors import TemplateRefusal
from prepdata.render.renderer import Renderer
from prepdata.tokens.huggingface import clean
from prepdata.training.settings import TrainerSettings, filled


class Change(NamedTuple):
    """Something that a trainer changes in a row before it renders it.

    Args:
        path: JSON pointer into the row.
        what: what becomes of it, for people ("the text is replaced by the tool call").
    """

    path: str
    what: str


class Prepared(NamedTuple):
    """A row as a trainer makes it, before it is packed. All lists are of equal length and cover the uncut row.

    Args:
        text: the rendered text; "" where there is none.
        ids: token ids.
        trained: 1 for tokens whose loss counts, else 0.
        offsets: (start, end) of each token in `text`, in characters.
        start, end: the tokens that are left when the row is cut, as a slice.
        dropped: why the trainer leaves the row out; "" if it does not.
        stopped: why the trainer ends with an error at this row; "" if it does not.
        changes: what it changes before rendering.
        refusal: why the row cannot be rendered, else None. Then all lists are empty.
        lost_prompt: tokens at the end of the rendered prompt that the whole row does not begin with (the prompt is no
            prefix of it); 0 where it is, or where no prompt is rendered apart.
        holes: (start, end) of tokens between `start` and `end` that are cut away too, in order: LLaMA-Factory cuts each
            prompt and each answer of a row.
    """

    text: str
    ids: Sequence[int]
    trained: Sequence[int]
    offsets: Sequence[tuple[int, int]]
    start: int = 0
    end: int = 0
    dropped: str = ""
    stopped: str = ""
    changes: tuple[Change, ...] = ()
    refusal: TemplateRefusal | None = None
    lost_prompt: int = 0
    holes: tuple[tuple[int, int], ...] = ()

    @property
    def left(self) -> list[int]:
        """The numbers of the tokens that are left when the row is cut."""
        if not self.holes:
            return list(range(self.start, self.end))
        gone = {number for start, end in self.holes for number in range(start, end)}
        return [number for number in range(self.start, self.end) if number not in gone]

    @property
    def left_size(self) -> int:
        """How many tokens are left when the row is cut."""
        return self.end - self.start - sum(end - start for start, end in self.holes)

    @property
    def left_trained(self) -> int:
        """How many trained tokens are left when the row is cut."""
        return sum(self.trained[self.start : self.end]) - sum(sum(self.trained[a:b]) for a, b in self.holes)

    @property
    def kept(self) -> bool:
        """True if the row is trained on."""
        return not self.dropped and not self.stopped and self.refusal is None


class OfFile(NamedTuple):
    """Something that holds for a file and is not seen in its rows one by one.

    Args:
        row: number of the row in the file, None for the whole file.
        said: what, for people.
        severity: "error" where the run ends.
        kind: the same for all rows with the same cause; "" for the whole file.
    """

    row: int | None
    said: str
    severity: Severity = "error"
    kind: str = ""


class Trainer:
    """A simulated trainer. One file each in `prepdata/training/`; the class docstring says what was read where.

    Args:
        renderer: of the tokenizer it trains with.
        settings: how it is set up.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """Its name for people."""
    defaults: ClassVar[TrainerSettings]
    """What the trainer does unless told otherwise."""
    note: ClassVar[str] = ""
    """What the simulation takes for granted or leaves out, for people."""

    def __init__(self, renderer: Renderer, settings: TrainerSettings | None = None) -> None:
        self.renderer = renderer
        self.settings = filled(settings or TrainerSettings(), self.defaults)
        self.check(self.settings)

    @property
    def doubt(self) -> str:
        """What could not be looked up about the template, for people; "" if there is nothing."""
        return ""

    @classmethod
    def check(cls, settings: TrainerSettings) -> None:
        """Look whether the trainer can be set up like this; `settings` are complete.

        Raises:
            UsageError: it knows no such setting.
        """

    @property
    def reads_marks(self) -> bool:
        """True if it finds what is trained by the generation markers of the template, and can do nothing without."""
        return False

    def without_rows(self) -> str:
        """Return how the run ends where no row of the whole file is kept, "" if it does not end there. `prepare` judges
        rows one by one and cannot tell."""
        return ""

    def glance(self, records: Sequence[Record]) -> Any:
        """Return what `of_file` needs of some rows of a file, as values that msgpack can hold; None for nothing."""
        return None

    def of_file(self, glances: Sequence[tuple[int, Any]], rows: int) -> Iterator[OfFile]:
        """Yield what only all rows of a file together tell, however it is cut.

        Args:
            glances: (number of the first row, what `glance` returned where it was not None), in order.
            rows: rows of the file.
        """
        return iter(())

    def prepare(self, records: Sequence[Record]) -> list[Prepared]:
        """Return what becomes of rows, in order. Each row is judged by itself.

        Args:
            records: rows of any format; those that the trainer cannot read are refused with a reason.
        """
        raise NotImplementedError


class RunEnds(Exception):
    """The trainer ends with an error at this row. `args[0]` says why."""


class NotSimulated(TemplateRefusal):
    """The trainer may well take the row, but what it makes of it is not known here."""


class NotRead(TemplateRefusal):
    """The trainer does not read a row of this kind, whatever its template."""


def ended(why: str, changes: tuple[Change, ...] = ()) -> Prepared:
    """Return a row at which the run ends before there are tokens."""
    return Prepared("", (), (), (), stopped=why, changes=changes)


def refused(refusal: TemplateRefusal, changes: tuple[Change, ...] = ()) -> Prepared:
    """Return a row that cannot be rendered."""
    return Prepared("", (), (), (), changes=changes, refusal=refusal)


def cut(prepared: Prepared, settings: TrainerSettings) -> Prepared:
    """Return a row with what becomes of it at the length limit: cut, dropped, or the end of the run."""
    size, most = len(prepared.ids), settings.max_length
    if not most or size <= most or settings.packing:
        return prepared._replace(start=0, end=size)
    if settings.overflow == "drop":
        return prepared._replace(start=0, end=0, dropped=f"longer than {most:,} tokens")
    if settings.overflow == "error":
        return prepared._replace(start=0, end=0, stopped=f"longer than {most:,} tokens")
    if settings.overflow == "keep-end":
        return prepared._replace(start=size - most, end=size)
    return prepared._replace(start=0, end=most)


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two sequences begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def of(encoded: Encoded, text: str, trained: Sequence[int]) -> Prepared:
    """Return a tokenised row, not yet cut; half characters in its text are replaced, as where it was tokenised."""
    return Prepared(clean(text), encoded.ids, trained, encoded.offsets, end=len(encoded.ids))
