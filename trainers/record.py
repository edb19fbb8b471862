"""The record of one evaluation: one JSON file, and one JSONL of samples beside it; both hashed, written whole or not.

    baseline.json            what was asked, of which model, how it was rendered, decoded and scored, and the outcome
    baseline.samples.jsonl   one line a row: output, tokens, how it ended, seconds, scores

Names of fields follow the results of lm-evaluation-harness where it has them (`results`, `n-samples`,
`higher_is_better`, `doc_id`, `doc_hash`, `prompt_hash`, `target_hash`, `resps`). The hashes tell a record that was
changed or damaged from one that was not; they are no signature: who changes a record can hash it anew, which the run
that names the hash of its baseline then shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from prepdata.jsontext import json_text

SCHEMA_VERSION = 1

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Kind = Literal["base", "prompted", "tuned"]
SetName = Literal["test", "retention"]


class ModelInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was asked.

    Args:
        name: folder name or name at the endpoint.
        backend: `transformers` or `openai` (an endpoint that speaks the chat completions protocol).
        revision: commit of the weights where the folder or the endpoint names one.
        weights: sha256 over names and contents of the weight files; None for an endpoint.
        dtype: of the weights as loaded ("float32").
        quantization: settings of the quantisation, empty for none.
        adapter: sha256 over the files of the adapter; None for none.
        parameters: number of parameters, those of the adapter included.
        endpoint: scheme, host and path of the endpoint, without user, password and query.
    """

    name: str
    backend: Literal["transformers", "openai"]
    revision: str | None = None
    weights: Sha256 | None = None
    dtype: str | None = None
    quantization: dict[str, Any] = {}
    adapter: Sha256 | None = None
    parameters: int | None = None
    endpoint: str | None = None


class RetrievalInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which passages were put into prompts.

    Args:
        fingerprint: sha256 over documents, chunks, embedding, store and fusion: of what was searched, and how.
        k: passages asked for, one question.
        passages: sha256 over the ids and texts of the passages that each row was shown, in order.
    """

    fingerprint: str
    k: Annotated[int, msgspec.Meta(ge=1)]
    passages: Sha256


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was put before each prompt to help the model without training.

    Args:
        system_prompt: sha256 of the system prompt that took the place of the rows' own; None for none.
        few_shot: number of examples shown.
        few_shot_hash: sha256 of these examples.
        retrieval: passages put into the last turn of the user; None for none.
    """

    system_prompt: Sha256 | None = None
    few_shot: Count = 0
    few_shot_hash: Sha256 | None = None
    retrieval: RetrievalInfo | None = None


class Rendering(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How messages became what the model read; None throughout where an endpoint does it.

    Args:
        renderer: `prepdata` or `transformers`: who rendered; both were held against each other where `checked`.
        tokenizer: sha256 of tokenizer.json.
        template: sha256 of the chat template.
        special_tokens: text of each special token with a role (`eos_token`) -> id.
        prompt_ids: sha256 over the token ids of all prompts, in order: equal only where every prompt was read alike.
        checked: prompts whose ids both renderers agreed on.
        tools_ignored: prompts with tools that the template leaves out, so that the model never read of them.
    """

    renderer: Literal["prepdata", "transformers", "endpoint"]
    tokenizer: Sha256 | None = None
    template: Sha256 | None = None
    special_tokens: dict[str, int] = {}
    prompt_ids: Sha256 | None = None
    checked: Count = 0
    tools_ignored: Count = 0


class DataInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A held-out file.

    Args:
        path: name of the file, without its folder.
        sha256: of its bytes as stored.
        rows: rows in it.
        hash: sha256 over ids and contents of the rows that were asked, in order.
        skipped: reason -> number of rows that were not asked.
    """

    path: str
    sha256: Sha256 | None
    rows: Count
    hash: Sha256
    skipped: dict[str, int] = {}


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was asked: the held-out rows, and those of a retention set if there is one; general text for its loss."""

    test: DataInfo
    retention: DataInfo | None = None
    general: DataInfo | None = None


class Decoding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How answers were written.

    Args:
        do_sample: False for greedy.
        temperature, top_p: of sampling; 0 and 1 for greedy.
        max_new_tokens: most tokens of an answer.
        stop_ids: tokens that end an answer; empty where an endpoint knows them.
        batch_size: prompts asked at once.
        padding_side: of batches; None for an endpoint.
        seed: of sampling.
        engine: program that decodes: `transformers`, or `openai` for whatever stands behind an endpoint.
    """

    do_sample: bool = False
    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: Annotated[int, msgspec.Meta(ge=1)]
    stop_ids: tuple[int, ...] = ()
    batch_size: Annotated[int, msgspec.Meta(ge=1)] = 1
    padding_side: Literal["left"] | None = None
    seed: int = 0
    engine: str


class ScorerInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A scorer: name, version, sha256 of its source, its settings, and whether more is better."""

    name: str
    version: str
    sha256: Sha256
    settings: dict[str, Any] = {}
    higher_is_better: bool = True


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where it ran: versions of libraries, Python, system, devices by name, threads, whether deterministic."""

    python: str
    system: str
    libraries: dict[str, str] = {}
    devices: tuple[str, ...] = ()
    driver: str | None = None
    threads: int | None = None
    deterministic: bool | None = None


class Aggregate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one metric comes to over one set.

    Args:
        value: mean over the samples where it applies; None where there is none.
        n: samples where it applies.
        low, high: ends of the 95 % interval, None where none was worked out.
        method: of the interval ("wilson", "bootstrap").
        not_applicable: samples without a score.
    """

    value: float | None
    n: Count
    low: float | None = None
    high: float | None = None
    method: str | None = None
    not_applicable: Count = 0


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Seconds a whole answer took (median, 95th percentile over the samples), and milliseconds for each token written.

    With batches a sample's time is that of its batch, and a token's a share of it. Times compare only where they were
    taken in turns on the same machine.
    """

    p50: Seconds
    p95: Seconds
    ms_per_token: Seconds | None
    n: Count


class Rounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one model took for one row, round by round.

    Args:
        seconds: wall time of the answer, asked alone.
        tokens: of the answer with the one that ends it; None where an endpoint does not say.
    """

    seconds: tuple[Seconds, ...]
    tokens: tuple[int | None, ...]


class TimedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of the held-out set that both models were asked in turns."""

    doc_id: str
    base: Rounds
    tuned: Rounds


class Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Times of the base and of the tuned model, taken in turns by one process: only these compare without reserve.

    Args:
        model: the base model.
        environment: where both ran, or from where both endpoints were asked.
        rows: in the order in which they were asked, round after round.
        base, tuned: what the times come to, each row counted with its middle round.
        own_prompts: True where each was asked with the prompts of its own record, False where both were asked with
            those of the tuned one.
    """

    model: ModelInfo
    environment: Environment
    rows: tuple[TimedRow, ...]
    base: Latency
    tuned: Latency
    own_prompts: bool = False


class Loss(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Mean loss in nats over the tokens of the reference answers of a set, or over those of general text."""

    value: float
    tokens: Count


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The training that a tuned model is from.

    Args:
        run: sha256 of what its record (`run.json`) holds.
        created: when the run began; nothing of it is older.
        first_step: when its first optimizer step was done; None where that was not recorded.
        baseline: hash of the record of the base model that it was started with; None for a run without.
        replay_share: rows of replay for each training row, 0 for none.
        files: role (`train`, `replay`, `validation`, `test`) -> sha256 of the file as stored.
        reports: role -> sha256 of the report of its validation (`reports/ROLE.json` in the folder of the run). That of
            the training file says what it was held against for leaks: the validation and test files here.
    """

    run: Sha256
    created: str
    first_step: str | None = None
    baseline: Sha256 | None = None
    replay_share: float = 0.0
    files: dict[str, Sha256 | None] = {}
    reports: dict[str, Sha256 | None] = {}


class Copied(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stretch of training text in an answer: of which row, which training row has it (line of `data/train.jsonl` in
    the folder of the run, from 1 on), its length in words, and its words."""

    doc_id: str
    set: SetName
    row: Annotated[int, msgspec.Meta(ge=1)]
    words: Count
    text: str


class Memorised(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Answers that repeat training text (`trainers/memorised.py` says what counts).

    Args:
        answers: answers looked at, of all sets.
        copied: those that repeat a stretch.
        worst: those with the longest stretches.
    """

    answers: Count
    copied: Count
    worst: tuple[Copied, ...] = ()


class SamplesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file of samples: its name beside the record, sha256 of its bytes, lines."""

    path: Annotated[str, msgspec.Meta(pattern=r"^[^/\\.][^/\\]*$")]
    sha256: Sha256
    rows: Count


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole record.

    Args:
        schema_version: of its layout.
        prepdata: version that wrote it.
        created: when it was finished, ISO 8601 in UTC.
        command: the arguments of the command; keys never stand in them.
        kind: `base`, `prompted` (base with a better prompt), or `tuned`.
        results: set -> metric -> what it comes to. `stop_rate` (share of answers that ended by themselves) and
            `error_rate` (share without an answer) are among the metrics.
        n_samples: set -> rows in the file (`original`) and rows asked (`effective`).
        higher_is_better: metric -> True or False.
        training: of a tuned model whose run folder is known.
        memorised: answers that repeat training text, where the run folder is known.
        latency, loss: by set; loss only where the model is at hand, on general text (`general`) too if it was given.
        timing: base and tuned model timed in turns, None where nobody asked for it.
        samples: the file of samples.
        sha256: over this record as compact JSON with an empty text in this place.
    """

    schema_version: int = SCHEMA_VERSION
    prepdata: str
    created: str
    command: tuple[str, ...] = ()
    kind: Kind
    model: ModelInfo
    arm: Arm
    rendering: Rendering
    data: Data
    decoding: Decoding
    scorers: tuple[ScorerInfo, ...]
    environment: Environment
    results: dict[str, dict[str, Aggregate]]
    n_samples: dict[str, dict[str, int]] = msgspec.field(name="n-samples")
    higher_is_better: dict[str, bool]
    latency: dict[str, Latency] = {}
    loss: dict[str, Loss] = {}
    training: Training | None = None
    memorised: Memorised | None = None
    timing: Timing | None = None
    samples: SamplesFile
    sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""


class ScoreValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a scorer gave: 0 to 1, or None where it does not apply; and why, in words."""

    value: float | None
    detail: str = ""


class SampleResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of the file of samples.

    Args:
        doc_id: stable id of the row (its mark `id`, else a digest of its content).
        set: which file it is from.
        doc_hash, prompt_hash, target_hash: sha256 of the row, of the prompt as asked, of the reference.
        group: what the row belongs to (conversation, source document), for clustered statistics; "" for itself alone.
        messages: the prompt as asked.
        target: the reference answer.
        expected: marks of the row that scorers read (`facts`, `schema`, `scorer`, `label`, ...).
        resps: answers, as lm-evaluation-harness lays them out: one list with one text.
        calls: tools that were called, each with `name` and `arguments`, where an endpoint tells them from the text.
        tokens: output tokens, the one that ends the answer not counted; None where an endpoint does not say.
        prompt_tokens: of the prompt as the model read it; None where nobody says.
        finish_reason: `stopped`, `cut` at the most tokens, or `error`.
        seconds: wall time; with batches, of the whole batch.
        batch: answers that were written together in this time.
        cpu_seconds: processor time of this process over the same stretch; None for an endpoint.
        error: what went wrong, "" for nothing.
        scores: metric -> score.
    """

    doc_id: str
    set: SetName
    doc_hash: Sha256
    prompt_hash: Sha256
    target_hash: Sha256
    group: str = ""
    messages: tuple[dict[str, Any], ...]
    target: str
    expected: dict[str, Any] = {}
    resps: tuple[tuple[str, ...], ...]
    calls: tuple[dict[str, Any], ...] | None = None
    tokens: int | None
    prompt_tokens: int | None = None
    finish_reason: Literal["stopped", "cut", "error"]
    seconds: Seconds
    batch: Annotated[int, msgspec.Meta(ge=1)] = 1
    cpu_seconds: Seconds | None = None
    error: str = ""
    scores: dict[str, ScoreValue] = {}

    @property
    def output(self) -> str:
        """The answer, "" where there is none."""
        return self.resps[0][0] if self.resps and self.resps[0] else ""


class Difference(NamedTuple):
    """A field that two records must share and do not: its name with dots, and what each has."""

    field: str
    one: Any
    other: Any


def differences(one: Evaluation, other: Evaluation) -> list[Difference]:
    """Return in what two records differ that would make a comparison of them meaningless: data, decoding, scorers and
    rendering. Empty if they can be compared.

    Rendering is the same where every prompt became the same token ids, whatever the template's text. Where one arm has
    a prompt that the other has not, or other rows, prompts differ anyway: then tokenizer and template have to be the
    same.
    """
    found: list[Difference] = []
    for name in ("test", "retention", "general"):
        mine, theirs = getattr(one.data, name), getattr(other.data, name)
        found += _differing(f"data.{name}", mine and {"hash": mine.hash}, theirs and {"hash": theirs.hash})
    found += _differing("decoding", msgspec.structs.asdict(one.decoding), msgspec.structs.asdict(other.decoding))
    scorers = [{s.name: (s.version, s.sha256, s.settings) for s in record.scorers} for record in (one, other)]
    found += _differing("scorers", *scorers)
    a, b = msgspec.structs.asdict(one.rendering), msgspec.structs.asdict(other.rendering)
    same = one.arm == other.arm and not any(difference.field.startswith("data.") for difference in found)
    exact = same and a["prompt_ids"] is not None and b["prompt_ids"] is not None
    fields = ("prompt_ids",) if exact else ("tokenizer", "template", "special_tokens")
    found += _differing("rendering", *({name: side[name] for name in fields} for side in (a, b)))
    return found


def _differing(prefix: str, one: dict[str, Any] | None, other: dict[str, Any] | None) -> Iterator[Difference]:
    if one is None or other is None:
        if one is not other:
            yield Difference(prefix, one, other)
        return
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            yield Difference(f"{prefix}.{name}", one.get(name), other.get(name))


def hash_of(value: Any) -> str:
    """Return the sha256 of a value as JSON with its keys in order."""
    try:
        data = msgspec.json.encode(value, order="sorted")
    except (ValueError, OverflowError):
        data = json_text(value).encode()
    return hashlib.sha256(data).hexdigest()


def hash_all(values: Sequence[str]) -> str:
    """Return the sha256 over some texts, each ended by a newline."""
    held = hashlib.sha256()
    for value in values:
        held.update(value.encode("utf-8", "surrogatepass") + b"\n")
    return held.hexdigest()
