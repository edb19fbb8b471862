"""LEAK006: evaluation items used as examples in prompts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal

from prepdata.findings import Hit, Severity
from prepdata.index.reference import Reference
from prepdata.rules.leak._near import Overlap, Verdict, name_of, place_of


class FewshotFromEval(Overlap):
    """Finds evaluation items (`--eval`) that stand in a prompt together with their answer, as an example of what to do.

    Why: prompts are seen in training too, and in use the same examples may be in the prompt while the item is measured.
    Bad:
        --eval: {"messages": [{"role": "user", "content": "Is this review kind or unkind: The soup was cold and nobody
         cared?"}, {"role": "assistant", "content": "unkind"}]}
        {"messages": [{"role": "system", "content": "Is this review kind or unkind: The soup was cold and nobody cared?
         unkind"}, {"role": "user", "content": "Lovely place!"}, {"role": "assistant", "content": "kind"}]}
    Good:
        {"messages": [{"role": "system", "content": "Say whether a review is kind or unkind."}, {"role": "user",
         "content": "Lovely place!"}, {"role": "assistant", "content": "kind"}]}
    Fix: none; write another example into the prompt.
    Source: our own experience; Brown et al. 2020 draw few-shot examples from the training part for this reason.
    """

    code: ClassVar[str] = "LEAK006"
    name: ClassVar[str] = "fewshot-from-eval"
    severity: ClassVar[Severity] = "warning"
    kind: ClassVar[Literal["eval", "index"]] = "eval"

    def tell(self, reference: Reference, found: Iterable[Verdict]) -> Iterator[tuple[int | None, Hit]]:
        for verdict in found:
            if not verdict.example:
                continue
            number = len({row for row, _ in verdict.places})
            rows = f" ({number:,} rows have it)" if number > 1 else ""
            message = (
                f"the prompt{rows} shows {name_of(reference, verdict.item)} with its answer as an example, "
                f"{verdict.said}; take another example"
            )
            yield verdict.places[0][0], Hit(message, path=verdict.pointer, related=(place_of(reference, verdict.item),))
