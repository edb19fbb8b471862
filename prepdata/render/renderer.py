"""A tokenizer folder at work: messages in, tokens out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from prepdata.errors import UsageError
from prepdata.render.encoding import Encoded, Encoder
from prepdata.render.errors import TemplateRefusal
from prepdata.render.folder import TokenizerFolder, read_folder
from prepdata.render.template import Rendered, Template

_ENDS = (
    "</s> <eos> <|im_end|> <|eot_id|> <|eom_id|> <|eot|> <|eom|> <|end|> <|return|> <|call|> <|endoftext|> "
    "<|end_of_text|> <|end_of_turn|> <end_of_turn> <turn|> <|endofturn|> <|end_of_sentence|> <|end_of_turn_token|> "
    "<｜end▁of▁sentence｜> <|eos|> <|assistant_end|> <|endofassistant|> <end_of_utterance> [e~[ "
    "<|user|> <|observation|>"
)
END_TOKENS = frozenset(_ENDS.split())
"""Special tokens with which models end a turn, in lower case, as in their tokenizer files (2026-11). GLM ends a turn
with the token that begins the next."""


def open_renderer(
    given: str, template: str | None = None, now: datetime | None = None, offline: bool = False
) -> Renderer:
    """Return the renderer of a tokenizer folder.

    Args:
        given: the folder, or its tokenizer.json; or an encoding of tiktoken, by its name or its rank file.
        template: a file with a chat template to use in place of the folder's.
        now: the time that templates are told; None for the present.
        offline: True where no rank file may be downloaded.

    Raises:
        UsageError: there is no such folder, no chat template in it, or a library is missing.
    """
    folder = read_folder(given, template, offline)
    if not folder.templates:
        raise UsageError(
            f"{folder.path} has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json). "
            "Base models often have none: give the template you will train with by --chat-template FILE."
        )
    return Renderer(folder, now)


class Renderer:
    """Renders conversations and tokenises them.

    Args:
        folder: what the tokenizer folder holds.
        now: the time that templates are told; None for the present.
        encoder: the tokenizer of the folder, None to load it.

    Raises:
        UsageError: a library is missing, or the tokenizer cannot be read.
    """

    def __init__(self, folder: TokenizerFolder, now: datetime | None = None, encoder: Encoder | None = None) -> None:
        self.folder = folder
        self.encoder = encoder or Encoder(folder)
        self.tokenizer = self.encoder.tokenizer
        self._now = now or datetime.now()
        self._compiled: dict[str, Template] = {}

    @cached_property
    def bos(self) -> int | None:
        """The id of the beginning-of-sequence token, None if there is none."""
        return self._id("bos_token")

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        """The ids of the tokens that end a turn or a text: the end-of-sequence token, and the special tokens of the
        tokenizer whose name says so."""
        held = self.tokenizer.get_added_tokens_decoder()
        found = {number for number, token in held.items() if token.content.casefold() in END_TOKENS}
        eos = self._id("eos_token")
        return frozenset(found if eos is None else found | {eos})

    def token(self, number: int) -> str:
        """Return the text of a token."""
        return str(self.tokenizer.id_to_token(number))

    def _id(self, attribute: str) -> int | None:
        text = self.folder.named.get(attribute)
        found: int | None = self.tokenizer.token_to_id(text) if text is not None else None
        return found

    def with_template(self, source: str) -> Renderer:
        """Return a renderer with the same tokenizer that renders every row with one template."""
        return Renderer(self.folder._replace(templates={"default": source}), self._now, self.encoder)

    def template(self, tools: bool = False) -> Template:
        """Return the compiled template for rows with or without tools.

        Raises:
            TemplateRefusal: there is none, or it is no template.
        """
        source = self.folder.template(tools)
        if source is None:
            names = ", ".join(sorted(self.folder.templates))
            raise TemplateRefusal(f"there are several chat templates ({names}) and none is called default")
        if source not in self._compiled:
            self._compiled[source] = Template(source, self._now)
        return self._compiled[source]

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        **variables: Any,
    ) -> Rendered:
        """Return the text of a conversation; see `Template.render`. Special tokens are there under their names."""
        given = {**self.folder.named, **variables}
        return self.template(tools is not None).render(messages, tools, documents, **given)

    def encode(self, rendered: Rendered) -> Encoded:
        """Return a rendered conversation as tokens."""
        return self.encoder.encode([rendered])[0]

    def encode_all(self, rendered: Sequence[Rendered]) -> list[Encoded]:
        """Return rendered conversations as tokens, quicker than one by one."""
        return self.encoder.encode(rendered)
