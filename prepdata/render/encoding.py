"""Rendered text as token ids, with the tokens that the assistant says.

The library tokenizers is the reference. Where the tokenizer keeps every byte (byte-level BPE without a normaliser that
changes this text), the place of each token follows from the lengths of the tokens before it, so that quicker ways of
encoding can be used, which give no places: fastokens where it can read the tokenizer, and a batch at a time in numpy.
Where fastokens is used, a sample of every run is encoded both ways.
"""

from __future__ import annotations

import importlib
import importlib.util
import unicodedata
import warnings
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple, overload

import msgspec

from prepdata.errors import UsageError
from prepdata.render.classes import made_anew
from prepdata.render.folder import AddedToken, TokenizerFolder
from prepdata.render.template import Rendered
from prepdata.render.tiktoken import Tiktoken
from prepdata.tokens.huggingface import clean

SAMPLE = 100
"""Conversations of a run that are encoded both ways before the quick way is trusted; after that one of every batch."""

_SPACES = "\u0120 \t\n\r\x0b\x0c"  # a space as byte-level vocabularies write it, and white space of added tokens

Place = tuple[int, int]


class Places(Sequence[Place]):
    """(start, end) of tokens, worked out when first asked for."""

    def __init__(self, work_out: Callable[[], list[Place]], size: int) -> None:
        self._work_out = work_out
        self._size = size

    @cached_property
    def _held(self) -> list[Place]:
        return self._work_out()

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> Place: ...
    @overload
    def __getitem__(self, at: slice) -> list[Place]: ...
    def __getitem__(self, at: int | slice) -> Place | list[Place]:
        return self._held[at]

    def __iter__(self) -> Iterator[Place]:
        return iter(self._held)


class Encoded(NamedTuple):
    """A conversation as the model reads it; all of equal length.

    Args:
        ids: token ids.
        mask: 1 for tokens that the template marks as said by the assistant, else 0.
        offsets: (start, end) of each token in the text, in characters.
    """

    ids: Sequence[int]
    mask: Sequence[int]
    offsets: Sequence[Place]


class Encoder:
    """The tokenizer of a folder.

    Args:
        folder: what the tokenizer folder holds.

    Raises:
        UsageError: the library tokenizers is missing, or cannot read the file.
    """

    def __init__(self, folder: TokenizerFolder) -> None:
        self.tokenizer: Any = (
            load_tokenizer(folder) if folder.ranks is None else Tiktoken(folder.encoding, folder.ranks)
        )
        self.notes: list[str] = []
        self._path = str(folder.file)
        self._anew = folder.split or folder.llama is not None
        self._fast: Any = None
        self._lengths: Lengths | None = None
        self._checked = 0
        self._known = False

    def encode(self, rendered: Sequence[Rendered]) -> list[Encoded]:
        """Return rendered conversations as tokens. Special tokens are added to bare texts only; templates write their
        own."""
        found: dict[int, Encoded] = {}
        self._look()
        quick = [n for n, one in enumerate(rendered) if not one.bare and self._keeps_bytes(one.text)]
        if quick and self._lengths is not None:
            made = zip(quick, self._quickly([rendered[n] for n in quick], self._lengths))
            found.update((n, encoded) for n, encoded in made if encoded is not None)
        for bare in (False, True):
            places = [n for n, one in enumerate(rendered) if one.bare is bare and n not in found]
            if places:
                texts = [clean(rendered[n].text) for n in places]
                encodings = self.tokenizer.encode_batch(texts, add_special_tokens=bare)
                found.update(zip(places, map(_encoded, encodings, [rendered[n].spans for n in places])))
        return [found[number] for number in range(len(rendered))]

    def _look(self) -> None:
        """Find out, once, whether there is a quick way."""
        if self._known:
            return
        self._known = True
        if isinstance(self.tokenizer, Tiktoken):
            self._lengths = _of_tiktoken(self.tokenizer)
            return
        self._lengths = _lengths(self._path, self.tokenizer)
        as_filed = not self._anew and _as_filed(self._path, self.tokenizer)
        if self._lengths is not None and as_filed and importlib.util.find_spec("fastokens") is not None:
            try:
                fast = importlib.import_module("fastokens").Tokenizer.from_file(self._path)
                fast.no_truncation()
                fast.no_padding()
                self._fast = fast if fast.vocab_size == self.tokenizer.get_vocab_size() else None
            except Exception:  # it refuses what it does not know; tokenizers takes over
                self._fast = None

    def _keeps_bytes(self, text: str) -> bool:
        if self._lengths is None:
            return False
        form = self._lengths.form
        return text.isascii() or form is None or unicodedata.is_normalized(form, text)

    def _quickly(self, rendered: Sequence[Rendered], lengths: Lengths) -> list[Encoded | None]:
        """Return conversations as tokens, None for those whose tokens are not as long as their text."""
        texts = [clean(one.text) for one in rendered]
        ids, ends = self._ids(texts)
        masks = _masks(ids, ends, lengths, texts, [one.spans for one in rendered])
        found: list[Encoded | None] = []
        start = 0
        for text, end, mask in zip(texts, ends, masks):
            held = array("I")
            held.frombytes(ids[start:end].tobytes())
            found.append(None if mask is None else Encoded(held, mask, self._places(text, end - start)))
            start = end
        return self._compared(rendered, found) if self._fast is not None else found

    def _ids(self, texts: list[str]) -> tuple[Any, list[int]]:
        """Return (ids of all texts, one after the other, uint32; where each text ends)."""
        import numpy as np

        if self._fast is not None:
            raw, offsets = self._fast.encode_batch_flat(texts)
            return np.frombuffer(raw, "<u4").astype(np.uint32), np.frombuffer(offsets, "<u8")[1:].tolist()
        encodings = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        listed = [encoding.ids for encoding in encodings]
        flat = np.array([number for numbers in listed for number in numbers], np.uint32)
        return flat, list(accumulate(map(len, listed)))

    def _places(self, text: str, size: int) -> Places:
        tokenizer = self.tokenizer
        return Places(lambda: list(tokenizer.encode(text, add_special_tokens=False).offsets), size)

    def _compared(self, rendered: Sequence[Rendered], found: list[Encoded | None]) -> list[Encoded | None]:
        """Return the same, having encoded a sample by the reference; all by the reference where that differs."""
        wanted = max(1, SAMPLE - self._checked)
        sample = range(0, len(found), max(1, len(found) // wanted))[:wanted]
        self._checked += len(sample)
        texts = [clean(rendered[n].text) for n in sample]
        for n, encoding in zip(sample, self.tokenizer.encode_batch(texts, add_special_tokens=False)):
            quick = found[n]
            if quick is not None and (list(quick.ids), list(quick.mask)) != _lists(encoding, rendered[n].spans):
                note = "fastokens and tokenizers disagree on this tokenizer; tokenizers encodes in its place."
                self.notes.append(note)
                warnings.warn(note, RuntimeWarning, stacklevel=4)
                self._fast = None
                self._lengths = None
                return [None] * len(found)
        return found


def _as_filed(path: str, tokenizer: Any) -> bool:
    """True if the added tokens are those of the tokenizer file, with the same flags: fastokens reads that alone."""
    with open(path, "rb") as file:  # noqa: PTH123
        filed = msgspec.json.decode(file.read(), type=_Filed).added_tokens
    held = tokenizer.get_added_tokens_decoder().items()
    return {number: [getattr(token, flag) for flag in AddedToken._fields] for number, token in held} == {
        token["id"]: [token.get(flag) for flag in AddedToken._fields] for token in filed
    }


class _Filed(msgspec.Struct):
    """What of a tokenizer.json is of interest here; the rest is passed over."""

    added_tokens: list[dict[str, Any]] = []


class Lengths(NamedTuple):
    """How long tokens are, of a tokenizer that keeps every byte.

    Args:
        bytes: bytes of text that each token stands for, int64 by id.
        leading, trailing: spaces at both ends of each token that its place leaves out, int64 by id.
        first: False if the place of a text's first token does not leave out a single leading space.
        form: Unicode form that texts are brought into, None if they are taken as they are.
    """

    bytes: Any
    leading: Any
    trailing: Any
    first: bool
    form: Any


def _lengths(path: str, tokenizer: Any) -> Lengths | None:
    """Return how long the tokens of a tokenizer are; None where that cannot be told."""
    import numpy as np

    with open(path, "rb") as file:  # noqa: PTH123
        held = msgspec.json.decode(file.read())
    normaliser, model = held.get("normalizer"), held.get("model") or {}
    form = normaliser.get("type") if normaliser else None
    if normaliser is not None and form not in ("NFC", "NFD", "NFKC", "NFKD"):
        return None
    if model.get("type") != "BPE" or model.get("byte_fallback") or not _only_byte_level(held.get("pre_tokenizer")):
        return None
    trimmed = _trimming(held.get("post_processor"))
    added = tokenizer.get_added_tokens_decoder()
    if len(trimmed) > 1 or any(
        t.lstrip or t.rstrip or t.single_word or (t.normalized and form) for t in added.values()
    ):
        return None
    texts = {number: text for text, number in tokenizer.get_vocab().items()}
    sizes, leading, trailing = np.zeros((3, max([*texts, *added], default=-1) + 1), np.int64)
    for number, text in texts.items():
        token = added.get(number)
        sizes[number] = len(text) if token is None else len(token.content.encode())  # a letter of it is a byte
        if trimmed:
            leading[number] = len(text) - len(text.lstrip(_SPACES))
            trailing[number] = len(text) - len(text.rstrip(_SPACES))
    return Lengths(sizes, leading, trailing, not any(trimmed), form)


def _of_tiktoken(tokenizer: Tiktoken) -> Lengths:
    """Return how long the tokens of an encoding are."""
    import numpy as np

    sizes = np.array([len(tokenizer.bytes_of(number) or b"") for number in range(tokenizer.get_vocab_size())], np.int64)
    nothing = np.zeros_like(sizes)
    return Lengths(sizes, nothing, nothing, False, None)


def _trimming(held: Any) -> list[bool]:
    """Return, for each step of a post-processor that leaves spaces out of the places of tokens, whether it spares the
    first token of a text."""
    steps = held.get("processors", ()) if held and held.get("type") == "Sequence" else (held,)
    kinds = ("ByteLevel", "RobertaProcessing")
    return [
        bool(step.get("add_prefix_space", True))
        for step in steps
        if step and step.get("type") in kinds and step.get("trim_offsets", True)
    ]


def _only_byte_level(held: Any) -> bool:
    """True for pre-tokenizers that cut a text and write its bytes as letters, and do nothing else."""
    steps = held.get("pretokenizers", ()) if held and held.get("type") == "Sequence" else (held,)
    kinds = [step.get("type") for step in steps if step]
    if kinds[-1:] != ["ByteLevel"] or not set(kinds) <= {"Split", "Digits", "Punctuation", "ByteLevel"}:
        return False
    if any(step.get("behavior") == "Removed" for step in steps):
        return False
    return all(not step.get("add_prefix_space") for step in steps if step["type"] == "ByteLevel")


def _masks(
    ids: Any, ends: list[int], lengths: Lengths, texts: Sequence[str], spans: Sequence[Sequence[Place]]
) -> list[bytes | None]:
    """Return the mask of each text; None where its tokens are not as long as it is.

    Args:
        ids, ends: as from `Encoder._ids`.
        lengths: of the tokens.
        texts: the texts.
        spans: the stretches of each that are masked 1, in characters.
    """
    import numpy as np

    sizes = lengths.bytes[ids]
    stops = np.cumsum(sizes)  # bytes of all texts up to the end of each token
    base = list(accumulate((len(text) if text.isascii() else len(text.encode()) for text in texts), initial=0))
    if [int(stops[end - 1]) if end else 0 for end in ends] != base[1:]:
        return _masks_apart(ids, ends, lengths, texts, spans) if len(texts) > 1 else [None]
    cuts = [
        (start + _bytes(text, first), start + _bytes(text, last))
        for start, text, held in zip(base, texts, spans)
        for first, last in held
    ]
    turns = np.zeros(len(ids) + 1, np.int64)
    if cuts:
        leading = lengths.leading[ids]
        if not lengths.first:
            starts = [start for start in (0, *ends) if start < len(ids)]
            leading[starts] = np.where(leading[starts] == 1, 0, leading[starts])
        begins = np.minimum(stops - sizes + leading, stops)
        stops = np.maximum(stops - lengths.trailing[ids], begins)
        first, last = np.array(cuts, np.int64).T
        np.add.at(turns, np.searchsorted(stops, first, side="right"), 1)
        np.add.at(turns, np.searchsorted(begins, last, side="left"), -1)
    flat = (np.cumsum(turns[:-1]) > 0).astype(np.uint8).tobytes()
    return [flat[start:end] for start, end in zip([0, *ends], ends)]


def _bytes(text: str, place: int) -> int:
    """Return the bytes before a character."""
    return place if text.isascii() else len(text[:place].encode())


def _masks_apart(
    ids: Any, ends: list[int], lengths: Lengths, texts: Sequence[str], spans: Sequence[Sequence[Place]]
) -> list[bytes | None]:
    found: list[bytes | None] = []
    for start, end, text, held in zip([0, *ends], ends, texts, spans):
        found += _masks(ids[start:end], [end - start], lengths, [text], [held])
    return found


def load_tokenizer(folder: TokenizerFolder) -> Any:
    """Return the tokenizer of a folder (library tokenizers), with the tokens that its configuration adds.

    Raises:
        UsageError: the library is missing, or it cannot read the file.
    """
    if importlib.util.find_spec("tokenizers") is None:
        raise UsageError("Rendering needs the packages tokenizers and jinja2: pip install 'prepdata[render]'.")
    library = importlib.import_module("tokenizers")
    try:
        if folder.llama is None:
            tokenizer = library.Tokenizer.from_file(str(folder.file))
        else:
            tokenizer = library.Tokenizer.from_str(made_anew(folder.file.read_bytes(), folder.llama))
    except Exception as error:  # the library raises bare Exception on a damaged file
        raise UsageError(f"{folder.file} is no tokenizer that the library tokenizers can read: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = folder.split
    wanted = [token for _, token in sorted(folder.added.items())]
    known = {token.content for token in (*tokenizer.get_added_tokens_decoder().values(), *wanted)}
    wanted += [token for token in folder.special if token.content not in known]
    for token in dict.fromkeys(wanted):
        tokenizer.add_tokens([library.AddedToken(*token[:1], **dict(zip(AddedToken._fields[1:], token[1:])))])
    return tokenizer


def _encoded(encoding: Any, spans: Sequence[Place]) -> Encoded:
    return Encoded(*_lists(encoding, spans), encoding.offsets)


def _lists(encoding: Any, spans: Sequence[Place]) -> tuple[list[int], list[int]]:
    """Return (ids, mask). Every token that a span touches is the assistant's, as in transformers 5.24
    (`apply_chat_template`, 2026-11)."""
    offsets = encoding.offsets
    mask = [0] * len(offsets)
    left = iter(spans)
    span = next(left, None)
    for number, (start, end) in enumerate(offsets):
        while span is not None and start >= span[1]:
            span = next(left, None)
        if span is None:
            break
        if end > span[0]:
            mask[number] = 1
    return list(encoding.ids), mask
