"""Published rules of what counts as contamination, by name.

Words are those of `prepdata.index.words` (case folded, punctuation left out) where the published rule counts words or
tokens of a model; so the figures are close to the published ones, not the same.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

SKIPPED = 4
"""Words in which a run may differ after its first ten (Llama 2)."""


class Preset(NamedTuple):
    """One rule.

    Args:
        size: words of an n-gram.
        judged: what is held against `least`: "any" the number of shared n-grams, "grams" the share of the item's
            n-grams that are shared, "words" the share of its words that lie in shared n-grams, "runs" the same with
            runs that go on over up to `SKIPPED` other words.
        least: the item is contaminated from here on (1 n-gram, or a share, 0 to 1).
        source: where the rule was published.
    """

    size: int
    judged: Literal["any", "grams", "words", "runs"]
    least: float
    source: str


PRESETS: dict[str, Preset] = {
    "gpt3": Preset(13, "any", 1, "Brown et al. 2020, appendix C: any 13-gram in common (8 to 13 by data set there)"),
    "palm": Preset(8, "grams", 0.7, "Chowdhery et al. 2022, section 8: at least 70 % of the item's 8-grams"),
    "llama2": Preset(10, "runs", 0.2, "Touvron et al. 2023, appendix A.6: share of tokens in runs of more than 10 that "
                                      "may differ in 4 places; below 20 % clean, from 80 % on dirty"),
    "tulu3": Preset(8, "words", 0.5, "Lambert et al. 2024 and open-instruct: one training row covers over half of the "
                                     "item's tokens with 8-grams"),
    "open-r1": Preset(8, "any", 1, "huggingface/open-r1, scripts/decontaminate.py: any 8-gram of words in common"),
}  # fmt: skip
"""Name of the rule -> the rule."""
