"""The quick way of encoding gives what the reference gives: ids, masks, places."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from byte_tokenizer import SPECIAL, write_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prepdata.render.encoding import Encoder
from prepdata.render.folder import read_folder
from prepdata.render.template import Rendered
from prepdata.tokens.huggingface import clean

SAID = "the quick brown fox jumps over the lazy dog ' don't 12345  \n\n\tÄrger über 猫がいる 🙂🙂 " * 3
PIECE = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *SPECIAL,
            "the quick",
            " brown",
            "don't",
            "\n\n",
            "猫がい",
            "🙂",
            " ",
            "  ",
            " the",
            "e\u0301",
            "Å",
            "\u212b",
            "\ud800",
            "",
        ]
    ),
)
TEXTS = st.lists(PIECE, max_size=10).map("".join)


@st.composite
def conversations(draw: st.DrawFn) -> list[Rendered]:
    found = []
    for text in draw(st.lists(TEXTS, min_size=1, max_size=5)):
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
        spans = tuple(zip(cuts[::2], cuts[1::2]))
        found.append(Rendered(text, spans, draw(st.booleans()) and not spans))
    return found


def trained(folder: Path, **changes: Any) -> Path:
    """Write a folder with a byte-level BPE tokenizer that has merges."""
    write_folder(folder)
    held = json.loads((folder / "tokenizer.json").read_text())
    held.update(changes)
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(held))
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(SPECIAL), show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator([SAID], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


SPLIT = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": r"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+"}, "behavior": "Isolated",
         "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
    ],
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "one regex": {
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    },
    "split": {"pre_tokenizer": SPLIT},
    "NFC": {"pre_tokenizer": SPLIT, "normalizer": {"type": "NFC"}},
    "places without spaces": {
        "pre_tokenizer": SPLIT,
        "post_processor": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    },
    "places without spaces, but for the first": {
        "pre_tokenizer": SPLIT,
        "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    },
}


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("tokenizer"), **KINDS[request.param])


def slow(folder: Path) -> Encoder:
    """Return an encoder that knows the reference alone."""
    encoder = Encoder(read_folder(str(folder)))
    encoder._known = True
    return encoder


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=conversations())
def test_quick_is_exact(folder: Path, given: list[Rendered]) -> None:
    expected = slow(folder).encode(given)
    quick, plain = Encoder(read_folder(str(folder))), Encoder(read_folder(str(folder)))
    plain._look()
    plain._fast = None
    assert plain._lengths is not None, "no quick way for byte-level BPE"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for encoder in (quick, plain):
            for found, wanted, one in zip(encoder.encode(given), expected, given):
                assert list(found.ids) == list(wanted.ids)
                assert list(found.mask) == list(wanted.mask), one
                assert list(found.offsets) == list(wanted.offsets)
                assert found.offsets[:1] == wanted.offsets[:1] and len(found.offsets) == len(wanted.ids)


@pytest.mark.parametrize(
    "changes",
    [
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}},
        {"normalizer": {"type": "Lowercase"}},
        {
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [{"type": "Whitespace"}, SPLIT],
            }
        },
    ],
    ids=["a space is added", "letters are changed", "white space is lost"],
)
def test_tokenizers_that_do_not_keep_bytes_take_the_slow_way(changes: dict[str, Any], tmp_path: Path) -> None:
    encoder = Encoder(read_folder(str(trained(tmp_path, **changes))))
    given = [Rendered("<|im_start|>The quick  Brown fox<|im_end|>", ((12, 20),))]
    assert encoder._lengths is None
    assert [tuple(map(list, e)) for e in encoder.encode(given)] == [
        tuple(map(list, e)) for e in slow(tmp_path).encode(given)
    ]
    assert encoder._lengths is None


def test_a_disagreement_is_loud_and_the_reference_decides(tmp_path: Path) -> None:
    folder = trained(tmp_path)
    encoder = Encoder(read_folder(str(folder)))
    encoder._look()

    class Wrong:
        def encode_batch_flat(self, texts: list[str]) -> tuple[bytes, bytes]:
            wrong = encoder.tokenizer.token_to_id("x").to_bytes(4, "little")  # as long as any letter
            ends = (sum(map(len, texts[:n])) for n in range(len(texts) + 1))
            return wrong * sum(map(len, texts)), b"".join(end.to_bytes(8, "little") for end in ends)

    encoder._fast = Wrong()
    given = [Rendered("abc", ((0, 2),)), Rendered("de")]
    with pytest.warns(RuntimeWarning, match="disagree"):
        found = encoder.encode(given)
    assert [list(e.ids) for e in found] == [list(e.ids) for e in slow(folder).encode(given)]
    assert encoder.notes


def test_what_the_tokenizer_cannot_be() -> None:
    assert clean("a\ud800b") == "a?b"
    assert clean("ä") == "ä"
