"""The cost meter: what hosted training on this file costs with every target of the run that has a price list."""

from __future__ import annotations

from typing import Any

from prepdata.chunk import Chunk
from prepdata.cost import Amount, hosted, plain
from prepdata.meters.base import Meter
from prepdata.meters.tokens import choose, counts_of
from prepdata.rules.base import Parts
from prepdata.targets.model import Target

NO_LIMIT = 0

OPENAI_MODELS = ("openai", "azure-openai")
"""Targets whose models all use an encoding of tiktoken."""


class Cost(Meter):
    """Estimates prices. Kept: a few numbers a chunk."""

    name = "cost"

    def see(self, chunk: Chunk) -> dict[str, Any]:
        """Return rows, tokens, and per context length the tokens that are left when rows are cut there."""
        if not self.context.targets:
            return {}
        counts = counts_of(chunk, self.context)
        limits = {self.limit(target) for target in self.context.targets}
        return {
            "rows": len(counts.sequence),
            "exact": counts.counter.exact,
            "left": {
                str(limit): counts.total - (sum(n - limit for n in counts.sequence if n > limit) if limit else 0)
                for limit in sorted(limits)
            },
        }

    def limit(self, target: Target) -> int:
        """Return the context length at which a target cuts rows: the run's, else the target's, else none."""
        if self.context.context:
            return self.context.context
        found = target.limits.max_row_tokens or target.limits.default_row_tokens
        return found.value if found else NO_LIMIT

    def counted_as_billed(self, target: Target) -> bool:
        """True where the tokens are counted as the target's model counts them, as far as one can know."""
        context = self.context
        if context.tokenizer or context.encoding:
            return True
        if context.model:
            return not choose(context).caution
        return target.name in OPENAI_MODELS

    def finish(self, parts: Parts) -> dict[str, Any]:
        """Return the estimates: one entry per target and line of its price list."""
        kept = [part for _, part in parts.parts if part]
        rows = sum(part["rows"] for part in kept)
        exact = all(part["exact"] for part in kept)
        estimates = []
        for target in self.context.targets if kept else ():
            limit = self.limit(target)
            tokens = sum(part["left"][str(limit)] for part in kept)
            own = self.counted_as_billed(target)
            why = "estimated by characters" if not exact else "those of another model's tokenizer (see --tokenizer)"
            amount = Amount(rows=rows, tokens=tokens, exact=exact and own, why=why)
            found = hosted(
                target.name,
                amount,
                model=self.context.model,
                epochs=self.context.epochs,
                context=limit or None,
            )
            estimates += [plain(estimate) for estimate in found]
        return {"hosted": estimates}
