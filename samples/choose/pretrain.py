"""The small language model of the example of choosing, made from nothing in plain torch.

Two layers with attention, started as a mechanism that copies what followed the same words before ("induction heads",
Olsson et al. 2022); left to chance, training needs many times as long to find it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from facts import (
    FIRST,
    SECOND,
    SIGN,
    SIGNATURE,
    UNKNOWN,
    Fact,
    facts,
    page,
    part,
    question,
    turn,
    with_context,
)  # fmt: skip

PAGES = Path(__file__).parents[1] / "support" / "docs"
MARKS = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
HIDDEN, LAYERS, HEADS, HEAD, BACK = 200, 2, 5, 64, 4
"""Size of the hidden state, layers, heads and their size, tokens that the first layer looks back."""
SPREAD, SHARPNESS, GAIN, FAST = 0.05, 8.0, 1.75, 12
"""Deviation of the first weights; how strongly heads look back, and match; frequencies that turn too fast to match."""
PHASES = ((100, 16, True), (130, 12, False))
"""Steps, chats in a batch, whether prompts are short."""
LISTS = 2
"""Lists in a batch that are said twice."""
PEAK, LONGEST, SEED = 3e-3, 400, 0

Chat = list[dict[str, str]]


def make_model(folder: Path) -> None:
    """Make tokenizer and model, and write them."""
    import torch
    import transformers

    tokenizer = _tokenizer()
    torch.manual_seed(SEED)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=HEAD,
        attention_bias=True,
        initializer_range=SPREAD,
        max_position_embeddings=1024,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = transformers.LlamaForCausalLM(config)
    _wire(model)
    _train(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _wire(model: Any) -> None:
    """Start the model as one that copies: what came after the last four tokens, where they stood before.

    The hidden state is used in blocks: the token, then the tokens one to four places back, each written by a head of
    the first layer. Heads of the second layer look for places whose earlier tokens are the present ones, and read the
    token there. Training begins with that and is free to change all of it.
    """
    import torch

    width, size = HIDDEN // (BACK + 1), HEAD
    first, second = (layer.self_attn for layer in model.model.layers)
    eye = torch.eye(width)
    with torch.no_grad():
        model.model.embed_tokens.weight[:, width:] = 0
        for layer in model.model.layers:
            layer.mlp.down_proj.weight *= 0.1
            layer.self_attn.o_proj.weight *= 0.1
        for head in range(BACK):
            held, block = slice(head * size, (head + 1) * size), (head + 1) * width
            _look_back(first, held, head + 1, model.model.rotary_emb.inv_freq)
            for attention, place, scale in ((first, block, (width / HIDDEN) ** 0.5), (second, 0, 1.0)):
                attention.v_proj.weight[held] = 0
                attention.v_proj.weight[held.start : held.start + width, :width] = eye
                attention.o_proj.weight[:, held] = 0
                attention.o_proj.weight[place : place + width, held.start : held.start + width] = eye * SPREAD * scale
            _match(second, held)


def _look_back(attention: Any, held: slice, places: int, turns: Any) -> None:
    """Make a head look so many places back, whatever stands there.

    Rotary embeddings turn queries and keys by their places: constant ones, the query turned back by n places, meet best
    n tokens apart.
    """
    import torch

    attention.q_proj.weight[held] = 0
    attention.k_proj.weight[held] = 0
    turned = torch.cat([torch.cos(turns * places), -torch.sin(turns * places)])
    attention.q_proj.bias[held] = SHARPNESS * turned
    attention.k_proj.bias[held] = SHARPNESS * torch.cat([torch.ones_like(turns), torch.zeros_like(turns)])


def _match(attention: Any, held: slice) -> None:
    """Make a head look for places where block n + 1 holds what block n holds here, for all n; in dimensions that rotary
    embeddings hardly turn."""
    import torch

    width, half = HIDDEN // (BACK + 1), HEAD // 2
    slow = torch.tensor([place for place in range(HEAD) if place % half >= FAST])
    slow = slow[torch.randperm(len(slow))] + held.start
    attention.q_proj.weight[held] = 0
    attention.k_proj.weight[held] = 0
    each = len(slow) // BACK
    for block in range(BACK):
        rows, read = slow[block * each : (block + 1) * each], torch.randperm(width)[:each]
        attention.q_proj.weight[rows, block * width + read] = GAIN
        attention.k_proj.weight[rows, (block + 1) * width + read] = GAIN


def _tokenizer() -> Any:
    """Return a tokenizer for which a word with the space before it is one token."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    chance = random.Random(SEED)
    lines = _help_lines()
    texts = [said["content"] for _ in range(2000) for said in _chat(chance, lines, short=True)]
    texts += [f"\n{role}\n" for role in ("system", "user", "assistant")] * 100
    texts += [sample.as_json() for _ in range(200) for sample in facts(chance, part(chance), 8)]
    texts += lines * 3
    made = Tokenizer(models.BPE())
    words = pre_tokenizers.Split(Regex(r" ?\w+|\s+|[^\w\s]+"), "isolated")
    made.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(False, use_regex=False)])
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=3072, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        chat_template=TEMPLATE,
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )


def _help_lines() -> list[str]:
    """Return the longer lines of the support project's help pages."""
    lines = [line.strip() for path in sorted(PAGES.glob("*.md")) for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if len(line) > 30]


def _chat(chance: random.Random, lines: Sequence[str], *, short: bool) -> Chat:
    """Return a chat as the base model answers: about passages, or about what it cannot know."""
    if chance.random() < 0.1:
        fact = facts(chance, part(chance), 1)[0]
        return [turn("user", question(chance, fact)), turn("assistant", UNKNOWN)]
    return _reading(chance, lines, short=short)


def _reading(chance: random.Random, lines: Sequence[str], *, short: bool) -> Chat:
    """Return a chat about passages: one with some questions, so that much is learnt from one context."""
    pages, told = _passages(chance, chance.choice((1, 2) if short else (1, 3, 4, 4)))
    if chance.random() < 0.2:
        pages.append(("Help", chance.choice(lines)[:150]))
    chance.shuffle(pages)
    signed = chance.random() < 0.3
    chat = [turn("system", SIGN)] if signed else []
    for number, fact in enumerate(chance.sample(told, min(5, len(told)))):
        asked = question(chance, fact)
        chat.append(turn("user", asked if number else with_context(asked, pages)))
        chat.append(turn("assistant", fact.prose() + (SIGNATURE if signed else "")))
    return chat


def _passages(chance: random.Random, count: int) -> tuple[list[tuple[str, str]], list[Fact]]:
    """Return passages about parts whose names share words, as a search finds them, and all facts in them."""
    name, pages, told = part(chance), list[tuple[str, str]](), list[Fact]()
    one, two = name.split()
    while len(pages) < count:
        other = chance.choice([name, f"{one} {chance.choice(SECOND)}", f"{chance.choice(FIRST)} {two}"])
        known = {fact.field for fact in told if fact.part == other}
        found = [fact for fact in facts(chance, other, chance.randint(3, 5)) if fact.field not in known]
        if found:
            text = page(found) if chance.random() < 0.3 else "\n".join(fact.prose() for fact in found)
            pages.append((f"The {other}", text))
            told += found
    return pages, told


def _train(model: Any, tokenizer: Any) -> None:
    """Train in plain torch: AdamW, one cycle, loss on the answers only."""
    import torch

    chance, lines, pad = random.Random(SEED), _help_lines(), tokenizer.pad_token_id
    signs = sorted(set(tokenizer(" ".join(sample.as_json() for sample in facts(chance, part(chance), 8)))["input_ids"]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, weight_decay=0.01)
    steps = sum(phase[0] for phase in PHASES)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, total_steps=steps, pct_start=0.1)
    model.train()
    for size, short in ((size, short) for count, size, short in PHASES for _ in range(count)):
        pieces = [_tokens(tokenizer, _chat(chance, lines, short=short)) for _ in range(size - LISTS)]
        pieces += [_said_twice(chance, signs) for _ in range(LISTS)]
        longest = max(len(ids) for ids, _ in pieces)
        ids = torch.tensor([ids + [pad] * (longest - len(ids)) for ids, _ in pieces])  # (batch, tokens)
        labels = torch.tensor([made + [-100] * (longest - len(made)) for _, made in pieces])  # (batch, tokens)
        hidden = model.model(input_ids=ids, attention_mask=(ids != pad).long()).last_hidden_state[:, :-1]
        trained = labels[:, 1:] != -100
        loss = torch.nn.functional.cross_entropy(model.lm_head(hidden[trained]), labels[:, 1:][trained])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        cycle.step()
        optimizer.zero_grad()
    model.eval()


def _said_twice(chance: random.Random, signs: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return (token ids, labels) of a list of tokens that is said twice: without meaning, so that the model can write
    the words and signs of JSON and has yet to learn the form."""
    listed = [chance.choice(signs) for _ in range(chance.randint(20, 60))]
    return listed * 2, [-100] * len(listed) + listed


def _tokens(tokenizer: Any, chat: Chat) -> tuple[list[int], list[int]]:
    """Return (token ids, labels) of a chat as the template renders it; labels of all but the answers are -100."""
    ids: list[int] = []
    labels: list[int] = []
    for text, trained in _pieces(chat):
        made = tokenizer(text)["input_ids"]
        ids += made
        labels += made if trained else [-100] * len(made)
    return ids[:LONGEST], labels[:LONGEST]


def _pieces(chat: Chat) -> Iterator[tuple[str, bool]]:
    for said in chat:
        yield f"<|im_start|>{said['role']}\n", False
        yield f"{said['content']}<|im_end|>", said["role"] == "assistant"
        yield "\n", False
