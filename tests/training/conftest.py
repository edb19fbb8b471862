"""Tokenizer folders for tests of simulated trainers, made once, with the renderer of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prepdata.render.renderer import Renderer, open_renderer

Renderers = Callable[[str, Any], Renderer]


@pytest.fixture(scope="session")
def renderer_of(tmp_path_factory: pytest.TempPathFactory) -> Renderers:
    """Return a function: (kind of tokenizer, template) -> renderer; its folder has the tokenizer files."""
    pytest.importorskip("tokenizers")
    from trl_cases import write_folder

    made: dict[tuple[str, str], Renderer] = {}

    def of(kind: str, template: Any) -> Renderer:
        key = (kind, str(template))
        if key not in made:
            folder: Path = tmp_path_factory.mktemp("tokenizer") / kind
            made[key] = open_renderer(str(write_folder(folder, kind, template)))
        return made[key]

    return of
