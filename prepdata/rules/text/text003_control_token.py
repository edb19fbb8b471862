"""TEXT003: a control token of a chat template inside content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity, around
from prepdata.record import Message, Record
from prepdata.rules.base import RecordRule, Trigger, Words
from prepdata.rules.text._pieces import Span, code_spans, inside, line_of, pieces, quoted

RENDERED = frozenset({"text", "prompt-completion", "completion"})
"""Formats whose rows may be rendered already; there the tokens are meant."""

OWNERS: dict[str, str] = {
    "<|im_start|>": "ChatML", "<|im_end|>": "ChatML", "<|im_sep|>": "ChatML",
    "<|endoftext|>": "GPT and Qwen", "<|endofprompt|>": "GPT", "<|fim_prefix|>": "GPT and Qwen",
    "<|fim_middle|>": "GPT and Qwen", "<|fim_suffix|>": "GPT and Qwen",
    "<|start|>": "gpt-oss", "<|channel|>": "gpt-oss", "<|message|>": "gpt-oss", "<|return|>": "gpt-oss",
    "<|call|>": "gpt-oss", "<|constrain|>": "gpt-oss",
    "<|begin_of_text|>": "Llama 3 and 4", "<|end_of_text|>": "Llama 3 and 4",
    "<|start_header_id|>": "Llama 3", "<|end_header_id|>": "Llama 3", "<|eot_id|>": "Llama 3",
    "<|eom_id|>": "Llama 3", "<|python_tag|>": "Llama 3", "<|header_start|>": "Llama 4",
    "<|header_end|>": "Llama 4", "<|eot|>": "Llama 4", "<|eom|>": "Llama 4",
    "[inst]": "Llama 2 and Mistral", "[/inst]": "Llama 2 and Mistral", "<<sys>>": "Llama 2", "<</sys>>": "Llama 2",
    "<s>": "Llama 2 and Mistral", "</s>": "Llama 2 and Mistral", "<bos>": "Gemma", "<eos>": "Gemma",
    "<start_of_turn>": "Gemma", "<end_of_turn>": "Gemma",
    "[tool_calls]": "Mistral", "[available_tools]": "Mistral", "[/available_tools]": "Mistral",
    "[tool_results]": "Mistral", "[/tool_results]": "Mistral", "[system_prompt]": "Mistral",
    "[/system_prompt]": "Mistral",
    "<｜begin▁of▁sentence｜>": "DeepSeek", "<｜end▁of▁sentence｜>": "DeepSeek", "<｜user｜>": "DeepSeek",
    "<｜assistant｜>": "DeepSeek", "<｜tool▁calls▁begin｜>": "DeepSeek", "<｜tool▁calls▁end｜>": "DeepSeek",
    "<｜tool▁call▁begin｜>": "DeepSeek", "<｜tool▁call▁end｜>": "DeepSeek", "<｜tool▁sep｜>": "DeepSeek",
    "<|system|>": "Phi and GLM", "<|user|>": "Phi and GLM", "<|assistant|>": "Phi and GLM", "<|end|>": "Phi",
    "<|observation|>": "GLM", "[gmask]": "GLM",
    "<|start_of_turn_token|>": "Command R", "<|end_of_turn_token|>": "Command R", "<|chatbot_token|>": "Command R",
    "<|user_token|>": "Command R", "<|system_token|>": "Command R",
    "<|start_of_role|>": "Granite", "<|end_of_role|>": "Granite", "<|end▁of▁sentence|>": "DeepSeek",
}  # fmt: skip
"""Token in lower case -> whose it is."""

_WEAK = frozenset({"<s>", "</s>", "<bos>", "<eos>"})
_PLAIN = frozenset({"[inst]", "[/inst]", "[gmask]"})
_CASED = frozenset({"[inst]", "[/inst]", "<<sys>>", "<</sys>>", "[tool_calls]", "[available_tools]",
                    "[/available_tools]", "[tool_results]", "[/tool_results]", "[system_prompt]",
                    "[/system_prompt]"})  # fmt: skip
_FIND = re.compile("|".join(re.escape(word) for word in sorted(OWNERS, key=len, reverse=True)), re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]{0,9}(?: [^<>]{0,80})?/?>")
_STRIKE = re.compile(r"\bhtml\b|strike|crossed|markup|tags?\b", re.IGNORECASE)
_MOST = 20


class ControlToken(RecordRule):
    """Finds control tokens of chat templates inside content.

    Why: the tokenizer reads `<|im_end|>` in a text as the real end of the turn. What follows is trained in the wrong
    role, or the model learns to write tokens that it should never write. Tokens that are quoted, in backticks or in
    code are mostly a text about tokens: those are warnings, since tokenizers read them all the same. `<s>` in HTML is
    struck-out text, not a token. Rows of plain text or of prompt and completion may be rendered already: not looked at.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!<|im_end|>"}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    Fix: unsafe; the tokens are removed, which is wrong where the text is about them or where a turn was lost.
    Source: tokenizer files of the models named in the message (2026-08).
    """

    code: ClassVar[str] = "TEXT003"
    name: ClassVar[str] = "control-token"
    severity: ClassVar[Severity] = "error"
    fix = "unsafe"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = Words(tuple(OWNERS))

    def check(self, record: Record) -> Iterator[Hit]:
        if record.format in RENDERED:
            return
        for message in record.turns:
            for text, path in pieces(message):
                yield from _judge(record, message, text, path)
            if message.reasoning:
                yield from _judge(record, message, message.reasoning, message.path, fixable=False)


def _judge(record: Record, message: Message, text: str, path: str, fixable: bool = True) -> Iterator[Hit]:
    """Yield one finding for a text: the first token, how many there are, and the fix for all."""
    found: list[Span] = []
    about: list[Span] = []
    code: list[Span] | None = None
    for match in _FIND.finditer(text):
        word, span = match[0], match.span()
        lower = word.lower()
        if lower in _CASED and not word.replace("/", "").strip("[]<>").isupper():
            continue
        if code is None:
            code = code_spans(text)
        mentioned = inside(code, span[0]) or quoted(text, span)
        if lower in _WEAK and (mentioned or not _is_edge(record, text, span, lower)):
            continue
        if lower in _PLAIN and (mentioned or not _is_instruction(text, span)):
            continue
        (about if mentioned or _in_call(text, span) else found).append(span)
        if len(found) + len(about) >= 1000:
            break
    if not found and not about:
        return
    span = (found or about)[0]
    word = text[span[0] : span[1]]
    many = f", the first of {len(found or about)}" if len(found or about) > 1 else ""
    owner = OWNERS[word.lower()]
    if found:
        message_text = (
            f"the control token '{word}' of {owner} stands in the text of this {message.role or 'other'} turn{many}; "
            "templates add their own: remove it"
        )
        fix = Fix("remove the control tokens", False, (Edit("set", path, _without(text, found)),)) if fixable else None
        yield Hit(message_text, path, span=span, excerpt=around(text, span), fix=fix)
        return
    yield Hit(
        f"the control token '{word}' of {owner} is quoted here{many}; a tokenizer may still read it as the token: "
        "check how yours treats it, or break it up",
        path,
        span=span,
        excerpt=around(text, span),
        severity="warning",
    )


def _is_edge(record: Record, text: str, span: Span, word: str) -> bool:
    """True if `<s>` or `</s>` stands where a template puts it: at the edge of a text, or end next to start."""
    start, end = span
    before, after = text[:start].rstrip()[-8:], text[end : end + 16].lstrip()
    opening = word in ("<s>", "<bos>")
    tags = {tag.lower() for tag in _TAG.findall(text[:4000])} - {"<s>", "</s>", "<bos>", "<eos>"}
    if tags or any(_STRIKE.search(turn.text[:4000]) for turn in record.turns):
        return False
    if opening and (after.startswith("[INST]") or before.endswith(("</s>", "<eos>"))):
        return True
    if not opening and (after.startswith(("<s>", "<bos>")) or before.endswith("<s>")):
        return True
    if (opening and before) or (not opening and after):
        return False
    if word in ("<s>", "</s>"):
        opened, closed = text.count("<s>"), text.count("</s>")
        return opened != closed or (text.startswith("<s>") and text.rstrip().endswith("</s>") and len(text) > 15)
    return True


def _is_instruction(text: str, span: Span) -> bool:
    """True if `[INST]` is used as the token: with its other half or `<s>` near, or alone at an edge."""
    if text[span[0] : span[1]].lower() == "[gmask]":
        return text[span[1] : span[1] + 5] == "<sop>" or not text[: span[0]].strip()
    return ("[INST]" in text and "[/INST]" in text) or not text[: span[0]].strip() or not text[span[1] :].strip()


def _in_call(text: str, span: Span) -> bool:
    """True if the line reads as code: a string in a call, an assignment or a list."""
    line = line_of(text, span[0])
    return any(mark in line for mark in ('("', "('", '= "', "= '", '="', "='", '["', "['", '": "', '", "')) and (
        "=" in line or "(" in line or "[" in line
    )


def _without(text: str, spans: list[Span]) -> str:
    pieces_kept, last = [], 0
    for start, end in spans:
        pieces_kept.append(text[last:start])
        last = end
    pieces_kept.append(text[last:])
    joined = "".join(pieces_kept)
    return joined if text[:1].isspace() or text[-1:].isspace() else joined.strip()
