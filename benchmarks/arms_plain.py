"""Arms asked as one would by hand, for `benchmarks.arms`: transformers, batches, greedy; answers as JSONL.

    python -m benchmarks.arms_plain SETTINGS.json

Base, prompted and few-shot of the same rows; nothing is scored, compared or kept for another start.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Turns = list[dict[str, str]]


def prompts(given: dict[str, Any]) -> list[Turns]:
    """Return the prompts of all arms, one arm after the other."""
    rows = [json.loads(line)["messages"][:-1] for line in Path(given["test"]).read_text().splitlines()]
    shown = [turn for line in Path(given["few_shot"]).read_text().splitlines() for turn in json.loads(line)["messages"]]
    system = [{"role": "system", "content": Path(given["system_prompt"]).read_text().strip()}]
    return [[*before, *row] for before in ([], system, [*system, *shown]) for row in rows]


def main() -> None:
    """Ask, and write an answer a line."""
    given: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(given["model"], padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(given["model"]).eval()
    asked, size = prompts(given), given["batch_size"]
    with Path(given["answers"]).open("w", encoding="utf-8") as out:
        for start in range(0, len(asked), size):
            texts = [tokenizer.apply_chat_template(one, tokenize=False) for one in asked[start : start + size]]
            batch = tokenizer(texts, padding=True, add_special_tokens=False, return_tensors="pt")
            with torch.inference_mode():
                made = model.generate(**batch, max_new_tokens=given["max_new_tokens"], do_sample=False)
            for ids in made[:, batch["input_ids"].shape[1] :]:
                out.write(json.dumps(tokenizer.decode(ids, skip_special_tokens=True)) + "\n")


if __name__ == "__main__":
    main()
