"""An encoding of tiktoken in the place of a tokenizer file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

from prepdata.render.folder import AddedToken
from prepdata.tokens.bpe import build_encoding, cut_blanks
from prepdata.tokens.vocab import Ranks

END_OF_TEXT = "<|endoftext|>"
"""The token that ends a text, in every encoding of tiktoken."""

Place = tuple[int, int]


class Tokens(NamedTuple):
    """A text as tokens.

    Args:
        ids: token ids, as from tiktoken's `encode(text, allowed_special="all")`.
        offsets: (start, end) of each token in the text, in characters; tokens that share one all cover it.
    """

    ids: list[int]
    offsets: list[Place]


class Tiktoken:
    """What the renderer and the trainers ask of a tokenizer, named as in the library tokenizers.

    Args:
        encoding: name of the encoding.
        ranks: its rank file.
    """

    def __init__(self, encoding: str, ranks: Ranks) -> None:
        self._encoding = build_encoding(encoding, ranks)

    @cached_property
    def _special(self) -> dict[int, AddedToken]:
        one = self._encoding.encode_single_token
        made = (AddedToken(text, normalized=False, special=True) for text in self._encoding.special_tokens_set)
        return dict(sorted((one(token.content), token) for token in made))

    def get_added_tokens_decoder(self) -> dict[int, AddedToken]:
        """Return the special tokens by id."""
        return self._special

    def get_vocab_size(self) -> int:
        """Return how many ids there are, with those that no token has."""
        return int(self._encoding.n_vocab)

    def token_to_id(self, token: str) -> int | None:
        """Return the id of a token, None if there is no such token."""
        try:
            return int(self._encoding.encode_single_token(token))
        except KeyError:
            return None

    def id_to_token(self, number: int) -> str | None:
        """Return the text of a token, with U+FFFD for what is no whole character; None if no token has this id."""
        data = self.bytes_of(number)
        return None if data is None else data.decode("utf-8", "replace")

    def bytes_of(self, number: int) -> bytes | None:
        """Return the bytes that a token stands for, None if no token has this id."""
        try:
            return bytes(self._encoding.decode_single_token_bytes(number))
        except KeyError:
            return None

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        """Return the text of some tokens."""
        kept = [number for number in ids if not skip_special_tokens or number not in self._special]
        return str(self._encoding.decode(kept))

    def ids(self, text: str) -> list[int]:
        """Return the tokens of a text; special tokens in it are read as such."""
        encode = self._encoding.encode
        return [number for piece in cut_blanks(text) for number in encode(piece, allowed_special="all")]

    def encode(self, text: str, add_special_tokens: bool = False) -> Tokens:
        """Return a text as tokens. None are added to it, whatever is asked: tiktoken knows no such tokens."""
        ids = self.ids(text)
        decode = self._encoding.decode_single_token_bytes
        ends = list(accumulate((len(decode(number)) for number in ids), initial=0))
        if text.isascii():
            return Tokens(ids, list(pairwise(ends)))
        character = [n for n, letter in enumerate(text) for _ in letter.encode()]  # of each byte
        return Tokens(ids, [(character[start], character[end - 1] + 1) for start, end in pairwise(ends)])

    def encode_batch(self, texts: Sequence[str], add_special_tokens: bool = False) -> list[Tokens]:
        """Return texts as tokens."""
        return [self.encode(text) for text in texts]

    def encode_batch_fast(self, texts: Sequence[str], add_special_tokens: bool = False) -> list[Tokens]:
        """Return texts as tokens, without their places."""
        return [Tokens(self.ids(text), []) for text in texts]
