"""Counters: exact where they say so, equal between libraries, honest where they are not exact."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from array import array

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from token_samples import SAMPLES

from prepdata.errors import UsageError
from prepdata.tokens import bpe, counter, estimate, rsbpe
from prepdata.tokens.bpe import FastCounter, TiktokenCounter, cut_blanks
from prepdata.tokens.counter import count_distinct, open_counter
from prepdata.tokens.estimate import EstimateCounter
from prepdata.tokens.rsbpe import TRICKY, RsBpeCounter, whole

ODD = ["", " ", "<|endoftext|>", "<|im_start|>user", "a\u2028b", "\U0001f9d1\u200d\U0001f4bb", "x" * 5000]
TEXTS = [*SAMPLES.values(), *ODD]


def test_a_count_that_can_be_checked_by_hand(tiktoken_counter):
    counter = tiktoken_counter("cl100k_base")
    assert counter.count(["tiktoken is great!", "", "hello"]) == [6, 0, 1]
    assert counter.exact
    assert counter.name == "tiktoken cl100k_base"


def test_text_of_a_control_token_counts_as_text(tiktoken_counter):
    assert tiktoken_counter("o200k_base").count(["<|endoftext|>"])[0] > 1


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
def test_our_encoding_is_tiktokens(tiktoken_counter, encoding):
    made = bpe.build_encoding(encoding, tiktoken_counter(encoding)._ranks)
    assert made.name == encoding
    assert made.decode(made.encode_ordinary(SAMPLES["korean"])) == SAMPLES["korean"]
    assert made.encode("<|endoftext|>", allowed_special="all") == [made.eot_token]


def test_harmony_is_built_over_the_same_ranks(ranks):
    made = bpe.build_encoding("o200k_harmony", ranks("o200k_harmony"))
    assert made.encode_single_token("<|start|>") == 200006


def test_tiktoken_itself_is_left_as_it_was(ranks):
    import tiktoken_ext.openai_public as source

    before = source.load_tiktoken_bpe
    bpe.build_encoding("cl100k_base", ranks("cl100k_base"))
    assert source.load_tiktoken_bpe is before


def test_lone_surrogates_are_counted(tiktoken_counter):
    assert tiktoken_counter("o200k_base").count(["a\ud800b"])[0] >= 2


def test_equal_strings_are_counted_once():
    seen = []

    def count(texts):
        seen.append(list(texts))
        return [len(t) for t in texts]

    assert count_distinct(["aa", "b", "aa", "aa"], count) == [2, 1, 2, 2]
    assert count_distinct(["a", "bb"], count) == [1, 2]
    assert count_distinct([], count) == []
    assert seen == [["aa", "b"], ["a", "bb"], []]


def test_a_counter_travels_to_a_worker(tiktoken_counter):
    counter = tiktoken_counter("cl100k_base")
    counter.count(["warm"])
    twin = pickle.loads(pickle.dumps(counter))
    assert twin._encoding is None
    assert twin.count(["tiktoken is great!"]) == [6]


def test_a_million_blanks_do_not_stop_the_run(tiktoken_counter):
    blanks = " " * 1_200_000
    [count] = tiktoken_counter("o200k_base").count([f"a{blanks}b"])
    assert 1000 < count < 200_000


def test_long_texts_without_long_blanks_stay_in_one_piece():
    text = "word " * 30_000
    assert cut_blanks(text) == [text]
    assert cut_blanks("a" + " " * 25 + "b", limit=10) == ["a" + " " * 10, " " * 10, " " * 5 + "b"]
    assert "".join(cut_blanks("\n" * 99 + "x", limit=7)) == "\n" * 99 + "x"


def test_a_panic_becomes_an_estimate(tiktoken_counter):
    class Panic(BaseException):
        pass

    class Broken:
        def encode_ordinary(self, _):
            raise Panic

    twin = TiktokenCounter("cl100k_base", tiktoken_counter("cl100k_base")._ranks)
    twin._encoding = Broken()
    text = "word " * 30_000
    assert twin.count([text]) == [estimate.estimate(text)]
    assert "estimates" in twin.notes[0]


class FakeFast:
    """Answers like fastokens' flat batch, by a function from text to count."""

    def __init__(self, count):
        self.count, self.calls = count, 0

    def encode_batch_flat(self, texts, split_special_tokens):
        assert split_special_tokens
        self.calls += 1
        offsets = array("Q", [0])
        for text in texts:
            offsets.append(offsets[-1] + self.count(text))
        return b"", offsets.tobytes()


def fast(tiktoken_counter, count):
    made = FakeFast(count)
    counter = FastCounter(tiktoken_counter("cl100k_base"), "unused", load=lambda *_: made)
    counter.prepare()
    return counter, made


def test_fast_agrees_and_is_used(tiktoken_counter):
    slow = tiktoken_counter("cl100k_base")
    counter, made = fast(tiktoken_counter, lambda t: slow.count([t])[0])
    assert counter.count(TEXTS) == slow.count(TEXTS)
    assert made.calls == 1
    assert counter.exact
    assert counter.name == slow.name


def test_fast_that_disagrees_is_dropped_loudly(tiktoken_counter):
    slow = tiktoken_counter("cl100k_base")
    counter, made = fast(tiktoken_counter, lambda t: slow.count([t])[0] + 1)
    with pytest.warns(RuntimeWarning, match="disagree"):
        assert counter.count(TEXTS) == slow.count(TEXTS)
    assert counter.count(["hello"]) == [1]
    assert made.calls == 1
    assert any("disagree" in note for note in counter.notes)
    counter.notes.clear()


def test_fast_that_crashes_is_dropped_loudly(tiktoken_counter):
    def crash(_):
        raise RuntimeError("boom")

    counter, _ = fast(tiktoken_counter, crash)
    with pytest.warns(RuntimeWarning, match="failed"):
        assert counter.count(TEXTS) == tiktoken_counter("cl100k_base").count(TEXTS)
    counter.notes.clear()


def test_few_texts_are_left_to_the_reference(tiktoken_counter):
    counter, made = fast(tiktoken_counter, len)
    assert counter.count(["hello", "tiktoken is great!"]) == [1, 6]
    assert made.calls == 0


def test_fast_that_does_not_load_is_not_used(tiktoken_counter):
    def fail(*_):
        raise OSError("no such file")

    counter = FastCounter(tiktoken_counter("cl100k_base"), "x", load=fail)
    counter.prepare()
    assert counter.count(["hello", "tiktoken is great!"]) == [1, 6]


def test_fast_is_loaded_once_and_only_if_asked(tiktoken_counter):
    loads = []
    counter = FastCounter(
        tiktoken_counter("cl100k_base"), "x", load=lambda *asked: loads.append(asked) or FakeFast(len)
    )
    assert counter.count(["tiktoken is great!"]) == [6]
    assert not loads
    counter.prepare()
    counter.prepare()
    assert loads == [("x", "cl100k_base")]


def test_surrogates_go_to_tiktoken(tiktoken_counter):
    def refuse(text):
        text.encode("utf-8")
        return 1

    counter, made = fast(tiktoken_counter, refuse)
    texts = ["a\ud800b", *TEXTS]
    assert counter.count(texts) == tiktoken_counter("cl100k_base").count(texts)
    assert made.calls == 1
    assert not counter._refused


@pytest.fixture(scope="module")
def loaded(tiktoken_counter, ranks):
    """Encoding -> fastokens, loaded."""
    pytest.importorskip("fastokens")
    made = {}

    def get(encoding):
        if encoding not in made:
            made[encoding] = FastCounter(tiktoken_counter(encoding), ranks(encoding).path)
            made[encoding].prepare()
        return made[encoding]

    return get


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
def test_fastokens_itself_counts_the_same(tiktoken_counter, ranks, encoding):
    pytest.importorskip("fastokens")
    found = ranks(encoding)
    counter = FastCounter(tiktoken_counter(encoding), found.path)
    counter.prepare()
    assert counter.count(TEXTS) == tiktoken_counter(encoding).count(TEXTS)
    assert not counter._refused
    assert counter._checked > 0


def test_texts_that_begin_alike_are_counted_each_for_itself(tiktoken_counter, loaded):
    """fastokens may keep what it found in the text before, as far as two begin alike."""
    begin = "The same system prompt, some 6,000 bytes of it; " * 125
    tails = ["", "x", " x", "\n", "\n\nx", "\t", "1", "12345", "'s", "\u00e9", "\u4f60", "!!", "\u3000\u3000"]
    texts = [begin + fill * 700 + tail for fill in (" ", "\n", "a", "-") for tail in tails]
    counter = loaded("o200k_base")
    assert counter.count(texts) == tiktoken_counter("o200k_base").count(texts)
    assert [bpe.flat_counts(counter._fast, [text])[0] for text in texts] == counter.count(texts)
    assert not counter._refused


@pytest.mark.parametrize(
    ("encoding", "size", "kind"),
    [("o200k_base", 1000, RsBpeCounter), ("o200k_base", 500_000_000, RsBpeCounter),
     ("o200k_base", 1_500_000_000, FastCounter), ("cl100k_base", 1_500_000_000, RsBpeCounter)],
)  # fmt: skip
def test_the_size_of_the_input_chooses(monkeypatch, ranks, encoding, size, kind):
    ranks(encoding)
    monkeypatch.setattr(bpe, "fastokens_available", lambda: True)
    monkeypatch.setattr(rsbpe, "available", lambda _encoding: True)
    open_counter.cache_clear()
    assert type(open_counter(encoding=encoding, offline=True, input_bytes=size)) is kind
    open_counter.cache_clear()


def test_without_a_vocabulary_there_is_an_estimate(monkeypatch):
    from prepdata.tokens import vocab

    monkeypatch.setattr(vocab, "find", lambda *_a, **_k: None)
    open_counter.cache_clear()
    made = open_counter(encoding="o200k_base", offline=True)
    assert isinstance(made, EstimateCounter)
    assert not made.exact
    assert "prepdata vocab add" in made.notes[0]
    open_counter.cache_clear()


def test_an_unknown_encoding_is_wrong_use():
    with pytest.raises(UsageError, match="Unknown encoding"):
        open_counter(encoding="o300k", offline=True)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_estimates_are_within_a_quarter(tiktoken_counter, name):
    [exact] = tiktoken_counter("o200k_base").count([SAMPLES[name]])
    assert estimate.estimate(SAMPLES[name]) == pytest.approx(exact, rel=0.25)


def test_estimates_of_little():
    assert EstimateCounter().count(["", "a", " ", "\U0001f600"]) == [0, 1, 1, 2]
    assert estimate.estimate("\ud800") >= 1


@pytest.mark.parametrize(
    ("char", "kind"),
    [("a", "letter"), ("é", "latin-extended"), ("Ж", "cyrillic"), ("λ", "greek"), ("ש", "hebrew"), ("ع", "arabic"),
     ("ह", "indic"), ("ก", "thai"), ("中", "han"), ("の", "kana"), ("한", "hangul"), ("7", "digit"), ("\n", "newline"),
     ("…", "punctuation"), ("、", "punctuation"), ("«", "latin-extended"), ("😀", "other")],
)  # fmt: skip
def test_kinds_of_characters(char, kind):
    assert estimate.kind_of_character(char) == kind


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, prepdata.tokens, prepdata.meters.tokens, prepdata.cost, prepdata.targets\n"
        "print([m for m in ('tiktoken', 'tokenizers', 'fastokens', 'numpy', 'rs_bpe', 'regex') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(max_size=60), min_size=bpe.FEW, max_size=2 * bpe.FEW, unique=True))
def test_both_libraries_agree_on_any_text(tiktoken_counter, loaded, encoding, texts):
    counter = loaded(encoding)
    assert counter.count(texts) == tiktoken_counter(encoding).count(texts)
    assert not counter._refused


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.characters(), max_size=300))
def test_estimates_never_fail_and_never_vanish(text):
    assert (estimate.estimate(text) > 0) == bool(text)


@given(text=st.text(alphabet=" \n\tab\u00a0", max_size=80), limit=st.integers(1, 9))
def test_cut_pieces_join_to_the_text(text, limit):
    pieces = cut_blanks(text, limit)
    assert "".join(pieces) == text
    for piece in pieces:
        longest = max((len(run) for run in re.findall(r"\s+", piece)), default=0)
        assert longest <= limit


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_forked_from_a_prepared_counter_count_with_it(ranks):
    """Loaded before the fork, first used after it, in two processes at once: no wait without end, the same figures."""
    pytest.importorskip("fastokens")
    found = ranks("o200k_base")
    code = (
        "import multiprocessing\n"
        "from prepdata.tokens import vocab\n"
        "from prepdata.tokens.bpe import FastCounter, TiktokenCounter\n"
        f"ranks = vocab.Ranks('o200k_base', open({found.path!r}, 'rb').read(), 'test', {found.path!r})\n"
        "counter = FastCounter(TiktokenCounter('o200k_base', ranks), ranks.path)\n"
        "counter.prepare()\n"
        "def work(number):\n"
        "    counts = counter.count([f'{number} {i} ' + 'tiktoken is great! ' * i for i in range(1000)])\n"
        "    return counter._fast is not None, counter._checked >= 200, sum(counts)\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    print(*pool.map(work, range(10, 18), chunksize=1))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    texts = [f"10 {i} " + "tiktoken is great! " * i for i in range(1000)]
    expected = sum(TiktokenCounter("o200k_base", found).count(texts))
    assert done.stdout.count(f"(True, True, {expected})") == 8


def test_what_counts_depend_on(monkeypatch, tmp_path, ranks):
    ranks("cl100k_base")
    assert counter.identity(encoding="cl100k_base", offline=True) == "cl100k_base:exact"
    with monkeypatch.context() as patch:
        from prepdata.tokens import vocab

        patch.setattr(vocab, "find", lambda *_a, **_k: None)
        assert counter.identity(offline=True) == "o200k_base:estimate"
    file = tmp_path / "tokenizer.json"
    file.write_text("{}")
    first = counter.identity(tokenizer=str(tmp_path))
    file.write_text("{ }")
    assert counter.identity(tokenizer=str(file)) != first
    with pytest.raises(UsageError):
        counter.identity(tokenizer=str(tmp_path / "absent"))


class Odd:
    """A stand-in for rs-bpe that miscounts one of the tricky texts, or fails in its own way."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def count(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        return 1


class Panic(BaseException):
    """What a panic in a native library looks like."""


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base", "o200k_harmony"])
def test_rs_bpe_counts_the_same(tiktoken_counter, encoding):
    pytest.importorskip("rs_bpe")
    counter = RsBpeCounter(tiktoken_counter(encoding))
    texts = [*TEXTS, *TRICKY, "lone \ud800 half", "\udfff\ud800", "\ufeffmark"]
    assert counter.count(texts) == tiktoken_counter(encoding).count(texts)
    assert not counter._refused and not counter.notes


@pytest.mark.parametrize("column", [0, 1])
def test_the_tricky_texts_are_counted_as_tiktoken_does(tiktoken_counter, column):
    reference = tiktoken_counter(("o200k_base", "cl100k_base")[column])
    assert reference.count(list(TRICKY)) == [counts[column] for counts in TRICKY.values()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(max_size=30) | st.text("aZ 1\n\r\t'sL\u00e9\u0301\u4e2d\U0001f469\u200d\ud800<|>/_-", max_size=30),
        max_size=5,
    )
)
def test_rs_bpe_counts_hostile_text_the_same(tiktoken_counter, texts):
    pytest.importorskip("rs_bpe")
    for encoding in ("o200k_base", "cl100k_base"):
        reference = tiktoken_counter(encoding)
        assert RsBpeCounter(reference).count(texts) == reference.count(texts)


@pytest.mark.parametrize("odd", [Odd(), Odd(RuntimeError("x")), Odd(Panic())])
def test_rs_bpe_that_errs_is_not_used_and_that_is_said(ranks, odd):
    reference = TiktokenCounter("cl100k_base", ranks("cl100k_base"))
    counter = RsBpeCounter(reference, load=lambda _encoding: odd)
    assert counter.count(["hello world", "a"]) == [2, 1]
    assert counter.count(["hello world"]) == [2]
    assert len(counter.notes) == 1 and "tiktoken counted instead" in counter.notes[0]


def test_an_interrupt_while_rs_bpe_counts_is_passed_on(ranks):
    reference = TiktokenCounter("cl100k_base", ranks("cl100k_base"))
    counter = RsBpeCounter(reference, load=lambda _encoding: Odd(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        counter.count(["a"])


def test_without_rs_bpe_tiktoken_counts(monkeypatch, ranks):
    ranks("cl100k_base")
    monkeypatch.setattr(rsbpe, "available", lambda _encoding: False)
    open_counter.cache_clear()
    assert type(open_counter(encoding="cl100k_base", offline=True)) is TiktokenCounter
    open_counter.cache_clear()


def test_a_very_long_word_is_counted_in_linear_time(ranks):
    pytest.importorskip("rs_bpe")
    counter = RsBpeCounter(TiktokenCounter("o200k_base", ranks("o200k_base")))
    assert counter.count(["a" * 3_000_000, " " * 3_000_000]) == [375_000, 23_438]


def test_half_characters_are_read_as_replaced():
    assert whole("a\ud800b\U0001f600") == "a\ufffdb\U0001f600"
    assert whole("\ufeffa") == "\ufeffa"
