"""Rendering, token ids and masks against `transformers`, the same rows and the same tokenizer, a process each.

    python -m benchmarks.rendering --rows 20000 --peer-python OTHER/bin/python [--tokenizer DIR]

Each contender is a process that loads the tokenizer, goes through all rows once (the first pass: imports and loading
count) and once more (the second pass alone: all is loaded), and prints what it made, which has to be the same. Without
`--tokenizer`, a byte-level BPE tokenizer of 32,000 tokens is trained on the rows and given a ChatML template.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.measure import Run, run

TEMPLATE = """\
{% if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{% for message in messages %}
<|im_start|>{{ message.role }}
{% if message.role == 'assistant' %}
{% generation %}{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}<call>{{ call.function | tojson }}</call>{% endfor %}
<|im_end|>{% endgeneration %}
{% else %}{{ message.content }}<|im_end|>{% endif %}

{% endfor %}
"""
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)  # of cl100k_base, and much the same in Llama 3 and Qwen
BATCH = 1000


def rows_of(path: Path) -> list[tuple[list[dict[str, Any]], list[Any] | None]]:
    """Return (messages, tools) of each row."""
    with path.open(encoding="utf-8") as file:
        return [(row["messages"], row.get("tools")) for row in map(json.loads, file)]


def train(rows: Path, folder: Path) -> Path:
    """Write a tokenizer folder, trained on the first rows of a file."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    cut = pre_tokenizers.Split(Regex(SPLIT), "isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([cut, bytes_only])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=32_000, special_tokens=list(SPECIAL), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    texts = (message.get("content") or "" for messages, _ in rows_of(rows)[:5000] for message in messages)
    tokenizer.train_from_iterator(texts, trainer)
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    held = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(held))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def with_transformers(folder: str) -> Callable[..., Iterator[tuple[Any, Any]]]:
    """Return what renders, tokenises and masks rows one by one with transformers, as its documentation shows."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)

    def work(rows: list[Any]) -> Iterator[tuple[Any, Any]]:
        for messages, tools in rows:
            found = tokenizer.apply_chat_template(
                messages, tools=tools, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
            )
            yield found["input_ids"], found["assistant_masks"]

    return work


def with_prepdata(folder: str) -> Callable[..., Iterator[tuple[Any, Any]]]:
    """Return what does the same with prepdata, a batch at a time."""
    from prepdata.render import open_renderer

    renderer = open_renderer(folder)

    def work(rows: list[Any]) -> Iterator[tuple[Any, Any]]:
        for start in range(0, len(rows), BATCH):
            rendered = [renderer.render(messages, tools) for messages, tools in rows[start : start + BATCH]]
            for encoded in renderer.encode_all(rendered):
                yield encoded.ids, encoded.mask

    return work


CONTENDERS = {"transformers": with_transformers, "prepdata": with_prepdata}


def contend(name: str, file: str, folder: str) -> None:
    """Be one contender: print the seconds of both passes and a digest of what was made."""
    rows = rows_of(Path(file))
    started = time.perf_counter()
    work = CONTENDERS[name](folder)
    seconds = []
    for _ in range(2):
        tokens = sum(len(ids) for ids, _ in work(rows))
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
    made, trained = hashlib.blake2b(digest_size=8), 0
    for ids, mask in work(rows):
        made.update(array("I", ids).tobytes() + bytes(mask))
        trained += sum(mask)
    print(json.dumps({"seconds": seconds, "tokens": tokens, "trained": trained, "digest": made.hexdigest()}))


def lines(found: dict[str, Run], rows: int, size: int) -> Iterator[str]:
    """Yield the lines of the table."""
    told = {name: json.loads(run.output.strip().split("\n")[-1]) for name, run in found.items()}
    if len({each["digest"] for each in told.values()}) > 1:
        raise SystemExit(f"the contenders made different tokens: {told}")
    yield "| what | pass | s | rows/s | MB/s | tokens/s | whole process s | cpu s | peak MiB | times transformers |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    for number, name_of_pass in enumerate(("first, with imports and loading", "second")):
        for name, each in told.items():
            took, peer = each["seconds"][number], told["transformers"]["seconds"][number]
            whole = (
                f"{found[name].wall:.2f} | {found[name].cpu:.2f} | {found[name].peak:,.0f}" if not number else " | | "
            )
            yield (
                f"| {name} | {name_of_pass} | {took:.2f} | {rows / took:,.0f} | {size / took / 1e6:.1f} "
                f"| {each['tokens'] / took:,.0f} | {whole} | {peer / took:.1f}x |"
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--tokenizer", help="folder with a chat template that has generation markers")
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--contend", nargs=3, metavar=("NAME", "FILE", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contend:
        contend(*given.contend)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        data.write(given.rows, file)
        tokenizer = given.tokenizer or str(train(file, Path(folder) / "tokenizer"))
        environment = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTHONPATH": str(Path.cwd())}
        found = {}
        for name, python in (("transformers", given.peer_python), ("prepdata", sys.executable)):
            command = [python, "-m", "benchmarks.rendering", "--contend", name, str(file), tokenizer]
            found[name] = run(command, environment)
        size = file.stat().st_size
        print(f"{given.rows:,} rows, {size / 1e6:.1f} MB\n")
        print("\n".join(lines(found, given.rows, size)))


if __name__ == "__main__":
    main()
