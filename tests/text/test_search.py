"""Searching for many words: all of them, wherever they are, whichever automaton searches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prepdata.text import search
from prepdata.text.search import Search

WORDS = st.lists(
    st.binary(min_size=1, max_size=3).map(lambda raw: bytes(b % 3 + 97 for b in raw)), min_size=1, max_size=5
)
TEXT = st.binary(max_size=30).map(lambda raw: bytes(b % 4 + 97 for b in raw))


def by_hand(words: list[bytes], text: bytes) -> list[tuple[int, int, int]]:
    return sorted(
        (number, at, at + len(word))
        for number, word in enumerate(words)
        for at in range(len(text))
        if text.startswith(word, at)
    )


@given(WORDS, st.lists(TEXT, min_size=1, max_size=4))
def test_both_automata_find_all_words(words: list[bytes], texts: list[bytes]) -> None:
    words = list(dict.fromkeys(words))
    small, quick = Search(words), Search(words)
    quick.searched = search.REPAYS * len(words) + 1
    for text in texts:
        assert sorted(small.find(text)) == sorted(quick.find(text)) == by_hand(words, text)


def test_the_quick_automaton_comes_with_the_text() -> None:
    words = Search([b"ab"])
    assert words.find(b"ab" * search.REPAYS) == words.find(b"ab" * search.REPAYS)
    assert set(words._automata) == {True}
    few = Search([b"ab", b"c"])
    assert few.find(b"xabc") == [(0, 1, 3), (1, 3, 4)]
    assert set(few._automata) == {False}
