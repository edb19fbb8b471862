"""The lengths meter: characters and turns per row."""

from __future__ import annotations

from typing import Any

from prepdata.alike import alike
from prepdata.chunk import Chunk
from prepdata.meters.base import Meter
from prepdata.meters.spread import bars, spread
from prepdata.meters.tokens import pack, unpack
from prepdata.rules.base import Parts


class Lengths(Meter):
    """Measures characters of prompts and answers, and turns. Kept: 12 bytes a row."""

    name = "lengths"

    def see(self, chunk: Chunk) -> dict[str, Any]:
        """Return packed lengths per row, in any order."""
        prompts: list[int] = []
        answers: list[int] = []
        turns: list[int] = []
        for group in chunk.derived(alike):
            spoken = [column[0].role == "assistant" for column in group.turns]
            for lengths, said in ((prompts, False), (answers, True)):
                sizes = [list(map(len, texts)) for texts, own in zip(group.texts, spoken) if own == said]
                lengths += map(sum, zip(*sizes)) if sizes else [0] * len(group.records)
            turns += [len(spoken)] * len(group.records)
        return {"prompt": pack(prompts), "answer": pack(answers), "turns": pack(turns)}

    def finish(self, parts: Parts) -> dict[str, Any]:
        """Return how characters of prompts and answers, and messages per row, are spread."""
        kept = [part for _, part in parts.parts]
        prompts, answers, turns = (unpack(p[key] for p in kept) for key in ("prompt", "answer", "turns"))
        return {
            "rows": len(prompts),
            "prompt_characters": spread(prompts),
            "answer_characters": spread(answers),
            "messages": spread(turns),
            "answer_histogram": bars(answers),
        }
