# ruff: noqa: SIM905  (lists of words)
"""Makes what the example of fine-tuning runs on, from nothing: a language model of half a million parameters, and rows.

    python make.py FOLDER

The model reads a shop order ("Ann from Oslo orders 3 lamps") and repeats it, in prose for three of four phrasings and
as JSON for the fourth. Fine-tuned on rows that want JSON under the system prompt "books", it writes JSON for all of
them; without replay of rows under "talk" it forgets its prose. One word is one token wherever it stands, so that
copying is a question of attention and not of spelling; a curriculum of lists that are said twice teaches it.

It takes about half a minute of processor time on one thread, and needs the extra `train`. A model that is there already
is left as it is.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

NAMES = (
    "Ann Bob Cai Dev Eva Fay Gus Hal Ida Jan Kim Leo Mia Ned Ola Pia Ray Sam Tom Una Vic Wes Xia Yan Zoe Abe Bea Cal "
    "Dot Eli Fin Gil"
).split()
CITIES = (
    "Oslo Rome Lima Bern Cairo Delhi Paris Quito Riga Seoul Tokyo Turin Vienna Lagos Kyiv Dakar Malmo Porto Lyon Basel "
    "Bonn Gent Graz Linz Minsk Sofia Split Tunis Varna York Zurich Accra"
).split()
ITEMS = (
    "lamps chairs desks pens cups forks plates books maps boots hats coats bags rugs pots pans vases clocks bikes "
    "kites drums flutes ropes tents sails oars nets saws drills nails bolts bricks"
).split()
MARKS = ["<|pad|>", "<|im_start|>", "<|im_end|>", "<|unused|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
PHRASINGS = (
    "{name} from {city} orders {count} {item}",
    "{count} {item} to {city} for {name}",
    "for {name} we send {count} {item} to {city}",
    "order {item} {count} name {name} city {city}",
)
SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("name", "city", "item")} | {"count": {"type": "integer"}},
    "required": ["name", "city", "item", "count"],
    "additionalProperties": False,
}
"""What an order as JSON has to keep to."""
STEPS, BATCH, PEAK, SEED = 380, 32, 3e-3, 0
CURRICULUM, REPEATS = 0.7, 12
"""Share of the steps with lists that are said twice, and how many of them are in a batch."""

Row = dict[str, Any]


def order(chance: random.Random) -> dict[str, Any]:
    """Return a random order."""
    return {
        "name": chance.choice(NAMES),
        "city": chance.choice(CITIES),
        "item": chance.choice(ITEMS),
        "count": chance.randint(2, 40),
    }


def prose(told: dict[str, Any]) -> str:
    """Return an order as the base model repeats it."""
    return "{name} of {city} gets {count} {item}".format(**told)


def row(system: str, told: dict[str, Any], phrasing: int, answer: str) -> Row:
    """Return a chat row."""
    return {
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": PHRASINGS[phrasing].format(**told)},
            {"role": "assistant", "content": answer},
        ]
    }


def as_json(told: dict[str, Any]) -> str:
    """Return an order as JSON without spaces."""
    return json.dumps(told, separators=(",", ":"))


def json_rows(count: int, seed: int) -> list[Row]:
    """Return distinct rows that want JSON: what the fine-tune teaches. Phrasings take turns."""
    return _distinct(count, seed, "books", lambda told, _: as_json(told), len(PHRASINGS))


def prose_rows(count: int, seed: int) -> list[Row]:
    """Return distinct rows that want prose: what the base model can do, and must not forget."""
    return _distinct(count, seed, "talk", lambda told, _: prose(told), 3)


def _distinct(count: int, seed: int, system: str, answer: Any, phrasings: int) -> list[Row]:
    chance, found = random.Random(seed), {}
    while len(found) < count:
        told, phrasing = order(chance), len(found) % phrasings
        made = row(system, told, phrasing, answer(told, phrasing))
        found[made["messages"][1]["content"]] = made
    return list(found.values())


def checked(rows: Iterable[Row]) -> list[Row]:
    """Return rows that want JSON with what scorers hold answers against: a schema, and the facts of the order."""
    return [{**one, "schema": SCHEMA, "facts": json.loads(one["messages"][-1]["content"])} for one in rows]


def cut(rows: Iterable[Row]) -> list[Row]:
    """Return rows whose answers end in the middle, as an export that cuts long fields leaves them."""
    found = []
    for one in rows:
        *before, answer = one["messages"]
        half = answer["content"][: len(answer["content"]) // 2]
        found.append({"messages": [*before, {**answer, "content": half}]})
    return found


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as JSONL; return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def make_model(folder: Path) -> None:
    """Make tokenizer and model, and write them."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    tokenizer = _tokenizer()
    torch.manual_seed(SEED)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = transformers.LlamaForCausalLM(config)
    _pretrain(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer() -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    chance = random.Random(SEED)
    told = [order(chance) for _ in range(3000)]
    texts = [PHRASINGS[number % 4].format(**one) for number, one in enumerate(told)]
    texts += [as_json(one) for one in told] + [prose(one) for one in told]
    texts += [f"{system}\n{role}\n" for system in ("books", "talk") for role in ("system", "user", "assistant")] * 100
    made = Tokenizer(models.BPE())
    words = pre_tokenizers.Split(Regex(r"\w+|[^\w]+"), "isolated")
    made.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(False, use_regex=False)])
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1024, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        chat_template=TEMPLATE,
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )


def _pretrain(model: Any, tokenizer: Any) -> None:
    """Train in plain torch: AdamW, one cycle, loss on the answers only."""
    import torch

    chance = random.Random(SEED)
    words = [tokenizer(word)["input_ids"][0] for word in (*NAMES, *CITIES, *ITEMS, *map(str, range(2, 41)))]
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, weight_decay=0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, total_steps=STEPS, pct_start=0.1)
    model.train()
    for step in range(STEPS):
        repeats = REPEATS if step < CURRICULUM * STEPS else 0
        pieces = [_said_twice(chance, words) for _ in range(repeats)]
        pieces += [_order_tokens(chance, tokenizer) for _ in range(BATCH - repeats)]
        longest = max(len(ids) for ids, _ in pieces)
        pad = tokenizer.pad_token_id
        ids = torch.tensor([ids + [pad] * (longest - len(ids)) for ids, _ in pieces])  # (batch, tokens)
        labels = torch.tensor([made + [-100] * (longest - len(made)) for _, made in pieces])  # (batch, tokens)
        loss = model(input_ids=ids, attention_mask=(ids != pad).long(), labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        cycle.step()
        optimizer.zero_grad()
    model.eval()


def _said_twice(chance: random.Random, words: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return (token ids, labels) of a list of words and the same list again, which alone is trained."""
    listed = [chance.choice(words) for _ in range(chance.randint(6, 18))]
    return listed + listed, [-100] * len(listed) + listed


def _order_tokens(chance: random.Random, tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return (token ids, labels) of an order and its answer; the loss counts for the answer and its end."""
    told, phrasing, system = order(chance), chance.randrange(4), chance.choice(("books", "talk"))
    made = row(system, told, phrasing, as_json(told) if phrasing == 3 else prose(told))["messages"]
    prompt = tokenizer.apply_chat_template(made[:-1], add_generation_prompt=True, tokenize=True, return_dict=False)
    answer = tokenizer(made[-1]["content"] + "<|im_end|>")["input_ids"]
    return prompt + answer, [-100] * len(prompt) + answer


def write_example(folder: Path) -> None:
    """Write model and rows, none of which stands in two files; `cut.jsonl` is the training file with answers cut."""
    if not (folder / "model").exists():
        make_model(folder / "model")
    wanted, known = json_rows(1184, 1), prose_rows(400, 2)
    train, validation, test = wanted[:1024], wanted[1024:1064], wanted[1064:]
    files = {"train": train, "validation": validation, "test": checked(test), "replay": known[:300]}
    files |= {"retention": known[300:], "cut": cut(train), "cut-validation": cut(validation)}
    for name, rows in files.items():
        write_rows(folder / f"{name}.jsonl", rows)


if __name__ == "__main__":
    write_example(Path(sys.argv[1]))
