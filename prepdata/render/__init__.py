"""Rows as the model sees them: chat templates rendered, tokenised and masked as transformers does it, without it.

renderer = open_renderer("models/base")
rendered = renderer.render([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}])
encoded = renderer.encode(rendered)
encoded.ids, encoded.mask
"""

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
