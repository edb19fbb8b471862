"""COV001: too few examples to learn from, or fewer than the target takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, plural
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.targeting import listed


class TooFewExamples(CorpusRule):
    """Finds data sets of fewer than 100 rows or than a target advises, and such as it refuses. Keeps nothing a row.

    Why: below a provider's minimum the job is refused. With a few dozen examples a model learns their wording rather
        than the task, and no row can be spared for a test.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    Good:
        {"note": "a hundred rows or more, each different"}
    Fix: none; write or collect more examples. Copies of the same rows do not help.
    Source: OpenAI's fine-tuning guide asks for 10 rows at least and advises 50 to 100 (read November 2026); Amazon
        Nova's guide advises 100 a task (read November 2026).
    """

    code: ClassVar[str] = "COV001"
    name: ClassVar[str] = "too-few-examples"
    severity: ClassVar[Severity] = "warning"

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        least: rows below which the rule warns.
        """

        least: Count = 100

    def see(self, chunk: Chunk) -> Any:
        return None

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        rows = parts.rows
        if not rows:
            return  # an empty or unreadable file has its own finding
        refusing = []
        for target in self.context.targets:
            least = target.limits.min_rows
            if least is not None and rows < least.value:
                refusing.append((target.name, least.value))
        if refusing:
            names = tuple(name for name, _ in refusing)
            needed = max(value for _, value in refusing)
            yield (
                None,
                Hit(
                    f"{plural(rows, 'row')}, but {listed(names)} takes {needed} or more: add {needed - rows} at least",
                    severity="error",
                    targets=names,
                ),
            )
            return
        advised = [(t.name, least.value) for t in self.context.targets if (least := t.limits.recommended_rows)]
        wanted = max([self.options.least, *(value for _, value in advised)])
        if rows < wanted:
            names = tuple(name for name, value in advised if rows < value)
            who = f" ({listed(names)} advises so)" if wanted > self.options.least else ""
            text = f"only {plural(rows, 'row')}: below {wanted}{who} a model learns the wording, not the task; add more"
            yield None, Hit(text, targets=names if who else ())
