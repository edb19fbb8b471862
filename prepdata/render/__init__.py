"""Rows as the model sees them: chat templates rendered, tokenised and masked as transformers does it, without it.

    renderer = open_renderer("models/base")
    rendered = renderer.render([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}])
    encoded = renderer.encode(rendered)
    encoded.ids, encoded.mask

Needs the extra `render` (tokenizers, jinja2); what is here is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prepdata.render.encoding import Encoded
    from prepdata.render.errors import TemplateLimit, TemplateRefusal
    from prepdata.render.folder import TokenizerFolder, read_folder
    from prepdata.render.renderer import Renderer, open_renderer
    from prepdata.render.template import Rendered, Template

__all__ = [
    "Encoded",
    "Rendered",
    "Renderer",
    "Template",
    "TemplateLimit",
    "TemplateRefusal",
    "TokenizerFolder",
    "open_renderer",
    "read_folder",
]
_PLACES = {
    "Encoded": "encoding", "Rendered": "template", "Renderer": "renderer", "Template": "template",
    "TemplateLimit": "errors", "TemplateRefusal": "errors", "TokenizerFolder": "folder", "open_renderer": "renderer",
    "read_folder": "folder",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
