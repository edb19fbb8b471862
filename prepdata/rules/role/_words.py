"""Role words: what a word that is no role of the format was probably meant to be."""

from __future__ import annotations

from functools import lru_cache

from prepdata.record import ROLES, Message, Record

_SURE = {
    "system": ("system", "sys", "system_prompt", "system-prompt", "systemprompt", "system prompt", "context"),
    "user": ("user", "usr", "human", "humans", "prompter", "question", "client", "customer", "enduser", "end_user"),
    "assistant": ("assistant", "gpt", "bot", "model", "ai", "chatbot", "chatgpt", "gpt4", "gpt-4", "bard", "bing",
                  "claude", "gemini", "llm", "agent", "answer", "response", "asst", "ai_assistant", "ai assistant"),
    "developer": ("developer", "dev"),
}  # fmt: skip
_OTHER = {
    "tool": ("tool", "tools", "tool_response", "tool_result", "tool_results", "tool_output", "observation", "ipython",
             "function_response", "function_result", "environment"),
    "function": ("function",),
    "call": ("function_call", "function-call", "tool_call", "tool_calls", "tool_use"),
}  # fmt: skip
_WORDS = {word: role for table in (_SURE, _OTHER) for role, words in table.items() for word in words}
_SAFE = frozenset(_SURE)


@lru_cache(maxsize=4096)
def meant(word: str) -> str:
    """Return the canonical role a word was probably meant to be, `call` for a turn that is a call, "" if unclear."""
    if len(word) > 40:
        return ""
    folded = word.strip().strip(":<>|[]#*").strip().casefold()
    if folded in _WORDS:
        return _WORDS[folded]
    import difflib

    near = difflib.get_close_matches(folded, ROLES, n=1, cutoff=0.75)
    return near[0] if near else ""


def swappable(role: str) -> bool:
    """Return True if writing this role instead of the wrong word needs no other change of the message."""
    return role in _SAFE


def effective(message: Message) -> str:
    """Return the role of a message, or the one that was probably meant; so that one slip gives one finding."""
    role = message.role
    if role in ROLES:
        return role
    guess = meant(role) if role else ""
    return "assistant" if guess == "call" else guess


def roles(messages: tuple[Message, ...]) -> list[str]:
    """Return the effective roles of some messages."""
    return [m.role if m.role in ROLES else effective(m) for m in messages]


def is_free_text(record: Record) -> bool:
    """Return True for rows that are one stretch of text: they have no turns to speak of."""
    return record.format == "text"


def readable(message: Message) -> bool:
    """Return False for an item of the list that is no object (ROLE001 speaks of it)."""
    return type(message.raw) is dict or message.role != "" or message.raw_role is not None
