"""Reranking: the model's own scores, a ranking that gets better, ties, what is cut, folders that are refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from cross_encoder import GROUPS, LONGEST, write_cross_encoder  # noqa: E402
from retrieval_samples import ROOT, write  # noqa: E402

from prepdata.cli.retrieval import command  # noqa: E402
from prepdata.errors import UsageError  # noqa: E402
from prepdata.retrieval.build import build, indexed_text  # noqa: E402
from prepdata.retrieval.evaluate import evaluate  # noqa: E402
from prepdata.retrieval.rerank import CrossEncoder  # noqa: E402
from prepdata.retrieval.search import IndexRetriever, open_retriever  # noqa: E402
from trainers.arms.config import load  # noqa: E402
from trainers.arms.ways import opened_retriever  # noqa: E402

DECOY = "Where do you see it? Where do you see the old one? You see it where it was.\n"


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cross_encoder(tmp_path_factory.mktemp("encoder") / "model")


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """One page a group by the first of its words, and a page that has the other words of every question."""
    pages: dict[str, str | bytes] = {f"{words[0]}.txt": f"There is one {words[0]} here.\n" for words in GROUPS}
    return write(tmp_path / "docs", {**pages, "decoy.txt": DECOY})


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A question for each page, by the other word of its group."""
    asked = [{"question": f"Where do you see the {last}?", "gold": [f"{first}.txt"]} for first, last in GROUPS]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in asked))
    return path


def test_scores_are_those_of_the_model(encoder: Path, documents: Path) -> None:
    """Held against transformers alone: one pair at a time, without padding."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder)
    net = transformers.AutoModelForSequenceClassification.from_pretrained(encoder).eval()
    texts = [indexed_text(chunk) for chunk in build(documents).chunks] * 5 + ["heron " * 30, "", "x\ud800"]
    wanted = []
    for text in texts:
        pair = tokenizer(
            ["Where is the fowl?"], [text.encode("utf-8", "replace").decode()], truncation=True, max_length=LONGEST,
            return_token_type_ids=True, return_tensors="pt",
        )  # fmt: skip
        with torch.no_grad():
            wanted.append(net(**pair).logits.item())
    found = CrossEncoder(str(encoder)).scores("Where is the fowl?", texts)
    assert found == pytest.approx(wanted, abs=2e-5)
    assert max(found) - min(found) > 1


def test_the_right_passage_comes_first(encoder: Path, documents: Path) -> None:
    found = open_retriever(documents, rerank=str(encoder))
    assert [hit.chunk.source for hit in found.ranked("Where do you see the fowl?", 3, "bm25")] == ["decoy.txt"]
    assert found.search("Where do you see one fowl here?", 1)[0].chunk.source == "heron.txt"
    assert found.ranked("Where do you see one fowl here?", 1, "bm25")[0].chunk.source == "decoy.txt"
    assert found.search("zzz", 3) == found.search("", 3) == []


def test_only_the_first_hits_are_read(encoder: Path, documents: Path) -> None:
    asked = "Where do you see one fowl here?"
    few = open_retriever(documents, rerank=str(encoder), rerank_depth=1)
    assert [hit.chunk.source for hit in few.search(asked, 1)] == ["decoy.txt"]
    assert few.search(asked, 9)[0].chunk.source == "heron.txt"  # what is asked for is read


def test_evaluation_shows_both_orders(encoder: Path, documents: Path, questions: Path) -> None:
    for row in (rows := [json.loads(line) for line in questions.read_text().splitlines()]):
        row["question"] += " Is there one here?"
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = evaluate(questions, documents, ks=(1, 9), rerank=str(encoder))
    measured = {(row.mode, row.rerank, row.k): row.mrr.mean for row in found.rows}
    assert measured == {("bm25", 0, 1): 0, ("bm25", 0, 9): pytest.approx(measured["bm25", 0, 9]),
                        ("bm25", 50, 1): 1, ("bm25", 50, 9): 1}  # fmt: skip
    assert measured["bm25", 0, 9] < 0.5
    assert len({row.fingerprint for row in found.rows}) == 2


def test_fused_and_dense_rankings_are_ordered_too(encoder: Path, birds: Path, model: str) -> None:
    found = open_retriever(birds, embedding=model, rerank=str(encoder))
    for mode in ("bm25", "dense", "hybrid"):
        assert found.ranked("a dawn, old shop, two apples", 3, mode, reranked=True)[0].score > 1
    assert found.search("which fruit", 1)[0].chunk.source == "price.html"


class Fixed:
    """Gives every text the score that a table has for a word in it, else 0."""

    digest = "fixed"

    def __init__(self, **scores: float) -> None:
        self.table = scores

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        return [next((score for word, score in self.table.items() if word in text), 0.0) for text in texts]

    def notes(self) -> list[str]:
        return ["fixed"]


def test_equal_scores_come_in_the_order_of_documents(documents: Path) -> None:
    index = build(documents)
    sources = [chunk.source for chunk in index.chunks if "one" in chunk.text]
    plain = IndexRetriever(index, reranker=Fixed())
    assert [hit.chunk.source for hit in plain.search("one", 20)] == sources
    assert plain.notes == ["no embedding: BM25 alone", "fixed"]
    first = IndexRetriever(index, reranker=Fixed(shop=2.0, dog=2.0, river=-1.0)).search("one", 20)
    rest = [source for source in sources if source not in ("dog.txt", "shop.txt", "river.txt")]
    assert [hit.chunk.source for hit in first] == ["dog.txt", "shop.txt", *rest, "river.txt"]
    assert [hit.score for hit in first] == [2.0, 2.0, *[0.0] * len(rest), -1.0]


def test_equal_passages_have_one_score_wherever_they_stand(encoder: Path) -> None:
    """Batches are padded to other lengths, which turns the last bits of what is computed."""
    reranker = CrossEncoder(str(encoder))
    texts = ["a heron", *(f"word {'dog ' * (number % 40)}" for number in range(80)), "a heron"]
    found = reranker.scores("fowl", texts)
    assert found[0] == found[-1] and found == CrossEncoder(str(encoder)).scores("fowl", texts)


def test_what_is_cut_is_told(encoder: Path, documents: Path) -> None:
    write(documents, {"long.txt": "one " * 90 + "heron"})
    found = open_retriever(documents, rerank=str(encoder))
    found.search("one fowl", 3)
    assert found.notes[1:] == [
        "the reranker reads 48 tokens: of 10 pairs of question and passage 1 were longer, and cut"
    ]
    assert open_retriever(documents, rerank=str(encoder)).notes == ["no embedding: BM25 alone"]


def test_positions_that_begin_after_the_padding_token(encoder: Path, tmp_path: Path) -> None:
    """Models of the family of RoBERTa have two positions fewer than they say; one token more is an error."""
    folder = Path(shutil.copytree(encoder, tmp_path / "roberta"))
    tokenizer(model_max_length=10**30)(folder)
    shape = transformers.RobertaConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4,
        max_position_embeddings=50, num_labels=1, pad_token_id=1, type_vocab_size=1,
    )  # fmt: skip
    transformers.RobertaForSequenceClassification(shape).save_pretrained(folder)
    reranker = CrossEncoder(str(folder))
    assert reranker.longest == 48
    assert len(reranker.scores("fowl", ["heron " * 200, "heron"])) == 2 and reranker.cut == 1
    bert = Path(shutil.copytree(encoder, tmp_path / "bert"))
    tokenizer(model_max_length=10**30)(bert)
    assert CrossEncoder(str(bert)).longest == LONGEST


def test_the_fingerprint_holds_the_reranker(encoder: Path, documents: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(encoder, tmp_path / "copy"))
    same = open_retriever(documents, rerank=str(copy)).fingerprint
    seen = {
        same,
        open_retriever(documents).fingerprint,
        open_retriever(documents, rerank=str(copy), rerank_depth=9).fingerprint,
    }
    assert same == open_retriever(documents, rerank=str(encoder)).fingerprint
    tokenizer(model_max_length=40)(copy)
    assert CrossEncoder(str(copy)).longest == 40
    seen.add(open_retriever(documents, rerank=str(copy)).fingerprint)
    assert len(seen) == 4


def config(**more: Any) -> Callable[[Path], None]:
    """Return what changes the configuration of a model folder."""

    def change(folder: Path) -> None:
        held = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**held, **more}))

    return change


def tokenizer(**more: Any) -> Callable[[Path], None]:
    """Return what changes the configuration of the tokenizer."""

    def change(folder: Path) -> None:
        held = json.loads((folder / "tokenizer_config.json").read_text())
        (folder / "tokenizer_config.json").write_text(json.dumps({**held, **more}))

    return change


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"classifier.weight": torch.zeros(1)}, folder / "pytorch_model.bin")


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def holding(name: str, raw: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(raw) and None


def weights(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Return what changes the weights of a model folder."""

    def write_anew(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        held = load_file(folder / "model.safetensors")
        change(held)
        save_file(held, folder / "model.safetensors", {"format": "pt"})

    return write_anew


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (pickled, "no model.safetensors there; pytorch_model.bin is pickled, and loading it can run code"),
        (config(auto_map={"AutoConfig": "code.Config"}), "it names code of its own (auto_map), which is not run"),
        (without("config.json"), "no model there, since it has no config.json"),
        (without("tokenizer.json"), "it has no tokenizer.json. Usable are cross-encoders"),
        (holding("tokenizer.json", b"{}"), "the tokenizer cannot be loaded"),
        (tokenizer(pad_token=None), "the model cannot be asked: "),
        (holding("config.json", b"[1]"), "it holds no JSON object"),
        (holding("model.safetensors", b"x" * 20), "it is cut or damaged"),
        (config(architectures=["BertModel"]), "its model is BertModel, which gives no score of a pair"),
        (config(architectures=None), "its model is an unknown kind"),
        (config(architectures=["T5ForConditionalGeneration"]), "its model is T5ForConditionalGeneration"),
        (config(id2label={"0": "no", "1": "yes"}), "its model has 2 labels, not one"),
        (config(hidden_size=32), "the model cannot be loaded"),
        (config(model_type="nosuch"), "cannot be loaded"),
        (weights(lambda held: held.pop("classifier.weight")), "its weights lack classifier.weight, so its scores would be"),
        (weights(lambda held: held["classifier.bias"].fill_(float("nan"))), "the model gives no number for a passage"),
    ],
)  # fmt: skip
def test_folders_that_are_refused(
    encoder: Path, tmp_path: Path, documents: Path, spoil: Callable[[Path], object], said: str
) -> None:
    folder = Path(shutil.copytree(encoder, tmp_path / "spoilt"))
    spoil(folder)
    with pytest.raises(UsageError) as caught:
        open_retriever(documents, rerank=str(folder))
    assert said in str(caught.value) and str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_models_with_more_labels_and_names_of_nothing(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path / "three", labels=3)
    with pytest.raises(UsageError, match="its model has 3 labels"):
        CrossEncoder(str(folder))
    with pytest.raises(
        UsageError, match=r"there is no folder nosuch and no installed package of that name. Nothing is down"
    ):
        CrossEncoder("nosuch")
    with pytest.raises(UsageError, match=r"the package json holds no model. Usable are cross-encoders"):
        CrossEncoder("json")


def test_a_missing_library_is_named(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UsageError, match=r"pip install 'prepdata\[train\]'"):
        CrossEncoder(str(encoder))


def test_search_as_a_command(encoder: Path, documents: Path) -> None:
    words = ["search", documents, "Where do you see one fowl here?", "-k", 2, "--rerank", encoder]
    done = subprocess.run(
        [sys.executable, "-m", "prepdata", "retrieval", *map(str, words)],
        capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "prepdata: no embedding: BM25 alone\n")
    assert done.stdout.startswith("1. heron.txt#0  1.4") and "\n2. " in done.stdout


def test_evaluation_as_a_command(encoder: Path, documents: Path, questions: Path, tmp_path: Path) -> None:
    asked = ["evaluate", str(questions), "--documents", str(documents), "--rerank", str(encoder), "--sweep-k", "1,3"]
    table = CliRunner().invoke(command, asked, standalone_mode=False).stdout
    assert [line.split()[3] for line in table.splitlines()[2:6]] == ["bm25", "bm25", "bm25+rerank", "bm25+rerank"]
    found = json.loads(CliRunner().invoke(command, [*asked, "--json"], standalone_mode=False).stdout)
    jsonschema.validate(found, json.loads((ROOT / "schemas" / "retrieval.schema.json").read_text()))
    assert [row["rerank"] for row in found["rows"]] == [0, 0, 50, 50]
    wrong = CliRunner().invoke(command, [*asked, "--rerank", str(tmp_path / "none")], standalone_mode=False)
    assert isinstance(wrong.exception, UsageError) and not wrong.stdout


def test_arms_hand_the_reranker_on(encoder: Path, documents: Path, tmp_path: Path) -> None:
    shutil.copytree(encoder, tmp_path / "encoder")
    (tmp_path / "arms.toml").write_text(
        'model = "m"\ntest = "t.jsonl"\noutput = "o"\ndocuments = "docs"\nrerank = "encoder"\n'
    )
    found = opened_retriever(load(tmp_path / "arms.toml")[0])
    assert found.fingerprint == open_retriever(documents, mode="bm25", rerank=str(encoder)).fingerprint
    assert found.search("Where do you see one fowl here?", 1)[0].chunk.source == "heron.txt"
