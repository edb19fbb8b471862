"""Classes of tokenizers: what transformers makes anew in place of what the tokenizer file says.

The files of Llama 2 and its like put a space before every piece between special tokens. The class LlamaTokenizer of
transformers 5 puts one before the first piece only, whatever the file says. Other classes come to what the files of
their models say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

LLAMA_TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
"""Special tokens of LlamaTokenizer where nothing else is said."""
_AS_FILED = """
EvollaModel arctic aria beam bigbird_pegasus camembertv2-base canary chatlm cohere_asr ernie4_5 ernie4_5_moe
flex_olmo fuyu glm glm4 glm4_moe glm4_moe_lite glm4v glm4v_moe glm_image glmasr got_ocr2 gpt_bigcode
gradium_phonon_tts granite granitemoe granitemoehybrid granitemoeshared h2ovl_chat hyperclovax hyperclovax_vlm
internlm2 internlm3 iquestcoder jamba kimi_k25 kimi_linear kosmos-2 llava llava_next mimo_v2_flash minicpm3
minicpm_ocr minicpmv minicpmv4_6 minicpmv4_7 minimax_m2 ministral ministral3 mistral mistral3 mistral_large4 mixtral
modernbert modernbert-decoder molmo molmo2 nemo_speechlm nemotron nvfp4 nystromformer olmo2 olmo3 olmo_hybrid
omniasr opencua openvla paddleocr_vl pegasus_x persimmon phi3 phi3_v phimoe pix2struct pixtral pocket_tts smolvlm
stablelm step3_vl umt5 vipllava voxtral voxtral_realtime xlm-roberta-xl
"""
AS_FILED = frozenset(_AS_FILED.split())
"""Types of models (`model_type` of config.json) whose tokenizer file is read as it is, whatever the class.
Source: `TOKENIZER_MAPPING_NAMES` in transformers 5.24, models/auto/tokenization_auto.py, read 2026-11-29."""


class _Kind(msgspec.Struct):
    type: str = ""
    pretokenizers: list[dict[str, Any]] = []
    decoders: list[dict[str, Any]] = []


class _Parts(msgspec.Struct):
    """What of a tokenizer.json is of interest here; the rest is passed over."""

    pre_tokenizer: _Kind | None = None
    decoder: _Kind | None = None


def llama_spaces(config: dict[str, Any], model: dict[str, Any], file: Path) -> str | None:
    """Return where pieces get a space if transformers makes a LlamaTokenizer anew, else None.

    Args:
        config: what tokenizer_config.json says.
        model: what config.json says.
        file: the tokenizer.json.
    """
    name = config.get("tokenizer_class") or model.get("tokenizer_class")
    if not isinstance(name, str) or name.removesuffix("Fast") != "LlamaTokenizer" or "auto_map" in config:
        return None
    if model.get("model_type") in AS_FILED or _byte_level(file):
        return None
    if config.get("add_prefix_space") is False:
        return "never"
    return "always" if config.get("legacy") else "first"


def _byte_level(file: Path) -> bool:
    try:
        parts = msgspec.json.decode(file.read_bytes(), type=_Parts)
    except (OSError, msgspec.DecodeError):
        return True  # left to the library tokenizers, which says what is wrong with it
    held = [part for part in (parts.pre_tokenizer, parts.decoder) if part]
    inner = [step for part in held for step in (*part.pretokenizers, *part.decoders)]
    return any(part.type == "ByteLevel" for part in held) or any(step.get("type") == "ByteLevel" for step in inner)


def made_anew(content: bytes, spaces: str) -> str:
    """Return a tokenizer.json with the parts of LlamaTokenizer.

    Args:
        content: the tokenizer.json.
        spaces: as from `llama_spaces`.
    """
    held = msgspec.json.decode(content)
    held["normalizer"] = None
    held["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": spaces, "split": False}
    held["model"] |= {"unk_token": None, "fuse_unk": True, "byte_fallback": True, "dropout": None}
    return msgspec.json.encode(held).decode()
