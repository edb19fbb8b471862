"""Counting tokens: vocabularies, counters, the overhead of the chat format.

Nothing heavy is imported here: tiktoken, fastokens and tokenizers are loaded by the counter that needs them.

    from prepdata.tokens import conversation_tokens, open_counter
    counter = open_counter(encoding="o200k_base")
    counter.count(["Hello there"])            # [2]; counter.exact says whether this is a count or an estimate
"""

from prepdata.tokens.conversation import Overhead, conversation_tokens, overhead_for, tool_tokens
from prepdata.tokens.counter import Counter, open_counter
from prepdata.tokens.encodings import encoding_for
from prepdata.tokens.estimate import EstimateCounter

__all__ = [
    "Counter",
    "EstimateCounter",
    "Overhead",
    "conversation_tokens",
    "encoding_for",
    "open_counter",
    "overhead_for",
    "tool_tokens",
]
