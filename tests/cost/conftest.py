"""What tests of the commands about cost share."""

from __future__ import annotations

import pytest

from prepdata.tokens import vocab
from prepdata.tokens.counter import open_counter


@pytest.fixture
def no_vocabulary(monkeypatch):
    """Without a vocabulary counts are estimates: the same on every machine."""
    monkeypatch.setattr(vocab, "find", lambda *_a, **_k: None)
    open_counter.cache_clear()
    yield
    open_counter.cache_clear()
