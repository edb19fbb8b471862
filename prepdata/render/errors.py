"""What can go wrong when a row is rendered. All are about one row; the run goes on."""

from __future__ import annotations


class TemplateRefusal(Exception):
    """The template does not render these messages: it raises an exception of its own, or stumbles over them.

    Args:
        said: what it says, for people.
        line: line of the template, from 1, if known.
        meant: True if the template refuses by `raise_exception`, False if it stumbles.
    """

    def __init__(self, said: str, line: int | None = None, meant: bool = False) -> None:
        super().__init__(said)
        self.said = said
        self.line = line
        self.meant = meant

    def __str__(self) -> str:
        return self.said


class TemplateLimit(TemplateRefusal):
    """The template was stopped: it would run too long, take too much memory, or do what a template must not do."""
