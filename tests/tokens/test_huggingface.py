"""A `tokenizer.json` as the counter: a tiny one written here, folders, damage, missing libraries."""

from __future__ import annotations

import json
import pickle

import pytest

from prepdata.errors import UsageError
from prepdata.tokens import huggingface
from prepdata.tokens.counter import open_counter
from prepdata.tokens.huggingface import TokenizerCounter, locate, open_tokenizer

VOCAB = {"[UNK]": 0, "the": 1, "kettle": 2, "is": 3, "hot": 4, "<": 5, "end": 6, ">": 7}

TOKENIZER = {
    "version": "1.0",
    "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
    "padding": {
        "strategy": {"Fixed": 32}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "[UNK]",
    },
    "added_tokens": [
        {"id": 8, "content": "<end>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True},
    ],
    "normalizer": {"type": "Lowercase"},
    "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": None,
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": VOCAB, "unk_token": "[UNK]"},
}  # fmt: skip

BYTE_LEVEL = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    "post_processor": None, "decoder": None,
    "model": {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
        "vocab": {"a": 0, "b": 1, "c": 2, "Ġ": 3, "ab": 4, "Ġab": 5}, "merges": [["a", "b"], ["Ġ", "ab"]],
    },
}  # fmt: skip


def write(folder, content):
    folder.mkdir(exist_ok=True)
    file = folder / "tokenizer.json"
    file.write_text(json.dumps(content))
    return file


@pytest.fixture
def words_file(tmp_path):
    pytest.importorskip("tokenizers")
    return write(tmp_path / "kettle-model", TOKENIZER)


def test_words_are_counted(words_file):
    counter = open_tokenizer(str(words_file))
    assert counter.count(["The kettle is hot", "the", "", "the the the the the"]) == [4, 1, 0, 5]
    assert counter.exact
    assert counter.name == "kettle-model/tokenizer.json"
    assert "chat template" in counter.notes[0]


def test_text_of_a_control_token_counts_as_text(words_file):
    assert open_tokenizer(str(words_file)).count(["<end>"]) == [3]


def test_a_folder_will_do(words_file):
    assert open_tokenizer(str(words_file.parent)).count(["the kettle"]) == [2]
    assert locate(str(words_file.parent)) == words_file


def test_open_counter_prefers_the_tokenizer(words_file):
    open_counter.cache_clear()
    assert open_counter(encoding="cl100k_base", tokenizer=str(words_file)).count(["the kettle"]) == [2]
    open_counter.cache_clear()


def test_byte_level_bpe_is_counted_the_same_by_both(tmp_path):
    pytest.importorskip("tokenizers")
    counter = open_tokenizer(str(write(tmp_path / "bpe", BYTE_LEVEL)))
    assert counter.count(["ab ab", "abc", "cab", "ab"]) == [2, 2, 2, 1]
    assert len(counter.notes) == 1


def test_it_travels_to_a_worker(words_file):
    twin = pickle.loads(pickle.dumps(open_tokenizer(str(words_file))))
    assert twin.count(["the kettle"]) == [2]


def test_surrogates_do_not_stop_it(words_file):
    assert open_tokenizer(str(words_file)).count(["the \ud800 kettle"])[0] >= 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": 1}', "null"])
def test_a_damaged_file_is_wrong_use(tmp_path, content):
    pytest.importorskip("tokenizers")
    file = tmp_path / "tokenizer.json"
    file.write_text(content)
    with pytest.raises(UsageError, match="no tokenizer"):
        open_tokenizer(str(file))


def test_a_missing_file_is_wrong_use(tmp_path):
    with pytest.raises(UsageError, match=r"No tokenizer\.json"):
        open_tokenizer(str(tmp_path))


def test_without_libraries_the_extra_is_named(tmp_path, monkeypatch):
    file = write(tmp_path / "m", TOKENIZER)
    monkeypatch.setattr(huggingface.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"prepdata\[render\]"):
        open_tokenizer(str(file))


class Slow:
    """Stands in for tokenizers: one token per word."""

    def encode_batch_fast(self, texts, add_special_tokens):
        assert not add_special_tokens
        return [t.split() for t in texts]


class Fast:
    """Stands in for fastokens: one token per word, and `extra` more."""

    def __init__(self, extra=0, error=None):
        self.extra, self.error = extra, error

    def encode_batch_flat(self, texts, split_special_tokens):
        from array import array

        if self.error:
            raise self.error
        offsets = array("Q", [0])
        for text in texts:
            offsets.append(offsets[-1] + len(text.split()) + self.extra)
        return b"", offsets.tobytes()


def test_the_fast_library_is_used_where_it_agrees():
    counter = TokenizerCounter("m", "p", Slow(), Fast())
    assert counter.count(["a b", "c"]) == [2, 1]
    assert counter._fast is not None


def test_the_fast_library_is_dropped_loudly_where_it_does_not():
    counter = TokenizerCounter("m", "p", Slow(), Fast(extra=1))
    with pytest.warns(RuntimeWarning, match="disagree"):
        assert counter.count(["a b", "c"]) == [2, 1]
    assert counter._fast is None
    assert any("disagree" in note for note in counter.notes)


def test_an_error_of_the_fast_library_is_not_the_users():
    assert TokenizerCounter("m", "p", Slow(), Fast(error=ValueError("x"))).count(["a b"]) == [2]


def test_without_a_second_library_an_error_becomes_an_estimate():
    counter = TokenizerCounter("m", "p", None, Fast(error=ValueError("x")))
    assert counter.count(["four"]) == [1]
    assert not counter.exact
    assert any("estimates" in note for note in counter.notes)


def test_fast_alone_says_so():
    counter = TokenizerCounter("m", "p", None, Fast())
    assert counter.count(["a b"]) == [2]
    assert any("fastokens alone" in note for note in counter.notes)
