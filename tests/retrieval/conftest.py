"""Documents and a small embedding model for the tests of retrieval."""

from __future__ import annotations

from pathlib import Path

import pytest

for library in ("lxml", "pypdf", "qdrant_client", "semantic_text_splitter", "tokenizers"):
    pytest.importorskip(library)

from retrieval_samples import BIRDS, SUPPORT, write  # noqa: E402
from tiny_model import write_model  # noqa: E402


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    """A folder of three documents of three kinds."""
    return write(tmp_path / "docs", BIRDS)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An embedding model that knows the words of the birds and of the support pages."""
    texts = [*BIRDS.values(), *(path.read_text(encoding="utf-8") for path in (SUPPORT / "docs").iterdir())]
    questions = (SUPPORT / "questions.jsonl").read_text(encoding="utf-8")
    return str(write_model(tmp_path_factory.mktemp("model"), [*texts, questions, "fowl stream noticed morning fruit"]))
