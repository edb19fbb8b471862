"""The lengths meter: characters and turns per row."""

from __future__ import annotations

from typing import Any

from prepdata.chunk import Chunk
from prepdata.meters.base import Meter
from prepdata.meters.spread import bars, spread
from prepdata.meters.tokens import pack, unpack
from prepdata.rules.base import Parts


class Lengths(Meter):
    """Measures characters of prompts and answers, and turns. Kept: 12 bytes a row."""

    name = "lengths"

    def see(self, chunk: Chunk) -> dict[str, Any]:
        """Return packed lengths per row."""
        prompts, answers, turns = [], [], []
        for record in chunk.records:
            prompt = answer = 0
            for message in record.turns:
                if message.role == "assistant":
                    answer += len(message.text)
                else:
                    prompt += len(message.text)
            prompts.append(prompt)
            answers.append(answer)
            turns.append(len(record.turns))
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
