"""PROV003: rows whose recorded generator is the model to be fine-tuned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record
from prepdata.rules.base import RecordRule
from prepdata.text.models import family


class SelfGenerated(RecordRule):
    """Finds rows that were written by the model, or the model family, that is to be fine-tuned.

    Needs the model (`--model`). Looks at the row mark `generator`: a name, a list of names, or an object with `model`
    or `name`. Names are compared by family and version: size, date and variant do not count.

    Why: a model that learns from its own answers learns nothing new and keeps its mistakes; repeated, it gets narrower.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}],
         "generator": "gpt-4o-2024-08-06"}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}],
         "generator": "person"}
    Fix: none. It may be meant: a larger model of the family teaching a smaller one, or chosen samples of its own.
    Source: Shumailov et al., "AI models collapse when trained on recursively generated data", Nature 631, 2024.
    """

    code: ClassVar[str] = "PROV003"
    name: ClassVar[str] = "self-generated"
    severity: ClassVar[Severity] = "warning"

    def setup(self) -> None:
        self.family = family(self.context.model) if self.context.model else ""

    def missing(self) -> str | None:
        return None if self.context.model else "the model to be fine-tuned, with --model"

    def check(self, record: Record) -> Iterator[Hit]:
        for name in _names(self.context.mark("generator", record.raw)):
            if self.family and len(name) < 200 and family(name) == self.family:
                yield Hit(f"written by '{clip(name)}', of the same family as the model to be trained "
                          f"({self.context.model}); train on answers that it cannot give yet")  # fmt: skip
                return


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value[:20] if isinstance(item, str))
    elif isinstance(value, dict):
        yield from (value[key] for key in ("model", "name", "id") if isinstance(value.get(key), str))
