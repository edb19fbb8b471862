"""Vocabularies for the tests: kept in a folder of their own, never downloaded, never in the user's home."""

from __future__ import annotations

import os

import pytest

from prepdata.tokens import vocab
from prepdata.tokens.bpe import TiktokenCounter


@pytest.fixture(scope="session")
def vocab_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("vocabularies")


@pytest.fixture
def env(vocab_dir):
    """An environment in which only the test's folder and installed packages are looked at."""
    return {"TIKTOKEN_CACHE_DIR": "", "PREPDATA_VOCAB_DIR": str(vocab_dir)}


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, vocab_dir):
    """Point the process at the test's folder, whatever the machine has."""
    monkeypatch.setenv("PREPDATA_VOCAB_DIR", str(vocab_dir))


@pytest.fixture(scope="session")
def ranks(vocab_dir):
    """Encoding -> its rank file, or the test is skipped."""
    base = {"PREPDATA_VOCAB_DIR": str(vocab_dir)}
    user = {k: v for k, v in os.environ.items() if k in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")}

    def get(encoding):
        found = vocab.find(encoding, offline=True, env={**user, **base})
        if found is None:
            pytest.skip(f"no vocabulary for {encoding} on this machine (install prepdata[offline])")
        return found

    return get


@pytest.fixture(scope="session")
def tiktoken_counter(ranks):
    """Encoding -> a tiktoken counter."""
    made = {}

    def get(encoding):
        if encoding not in made:
            made[encoding] = TiktokenCounter(encoding, ranks(encoding))
        return made[encoding]

    return get


class Words:
    """A counter that anybody can check by hand: one token per word."""

    name = "words"
    exact = True

    def __init__(self):
        self.notes = []
        self.calls = []

    def count(self, texts):
        self.calls.append(list(texts))
        return [len(text.split()) for text in texts]


@pytest.fixture
def words():
    return Words()
