"""The configuration of a training run: one flat table, TOML or YAML, every key also a flag of `prepdata train`.

Defaults are those of prepdata and not of TRL: a learning rate for LoRA and not for full training (2e-4, TRL 2e-5), the
loss on the assistant's tokens, rows whole and not cut at 1,024 tokens, the base in the dtype of its checkpoint and not
in float32, few checkpoints kept, the best one chosen by the validation loss.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from prepdata.errors import ConfigError, nearest
from prepdata.files import read_bounded
from trainers.values import read_value

MOST_BYTES = 1 << 20
"""Size of a configuration file beyond which it is not read (bytes)."""
YAML = (".yaml", ".yml")
SUBMIT = "submit"
"""Table of a configuration file that says how the run is submitted; it is no part of the run (`trainers.submit`)."""
PATHS = ("model", "train", "validation", "test", "output", "replay", "chat_template", "baseline")

Share = Annotated[float, Meta(ge=0, lt=1)]
Steps = Annotated[int, Meta(ge=1)]
Tokens = Annotated[int, Meta(ge=8)]
Epochs = Annotated[float, Meta(gt=0, le=1000)]
Rate = Annotated[float, Meta(gt=0, lt=1)]
Positive = Annotated[float, Meta(gt=0)]
Rank = Annotated[int, Meta(ge=1, le=4096)]
Seed = Annotated[int, Meta(ge=0, lt=2**32)]
Patience = Annotated[int, Meta(ge=0)]
Loss = Literal["assistant", "completion", "all"]
Packing = Literal["none", "bfd", "bfd_split", "wrapped"]
Scheduler = Literal["cosine", "linear", "constant", "constant_with_warmup"]
Quantization = Literal["none", "nf4"]
Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Device = Literal["auto", "cpu", "cuda"]
TrackerName = Literal["tensorboard", "mlflow", "wandb"]


def told(text: str) -> Meta:
    """Return what makes a text the description of a key: in the schema and as help of the flag."""
    return Meta(description=text)


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `prepdata train` does. Paths in a file are relative to its folder, those of flags to the working folder."""

    model: Annotated[str, told("Folder of the base model: config.json, safetensors weights, tokenizer.")]
    train: Annotated[str, told("File with the rows to train on.")]
    output: Annotated[str, told("Folder of the run; it must not exist yet, or hold a run to be resumed.")]
    validation: Annotated[str | None, told("File with rows for the validation loss.")] = None
    test: Annotated[str | None, told("Held-out file that base and tuned model are compared on.")] = None
    baseline: Annotated[str | None, told("Recorded baseline of the base model on the test file.")] = None
    without_baseline: Annotated[bool, told("Train although no baseline is recorded.")] = False
    replay: Annotated[
        str | None, told("File with rows of what the model can do already, mixed in against forgetting.")
    ] = None
    replay_share: Annotated[Share, told("Rows of replay for each training row; 0.25 for one in four.")] = 0.25
    ignore: Annotated[tuple[str, ...], told("Rules that the validation before training leaves out.")] = ()
    chat_template: Annotated[str | None, told("Chat template to train with (default: the tokenizer's).")] = None
    max_length: Annotated[
        Annotated[int, Meta(ge=8)] | None,
        told("Tokens of a row at most (default: the longest row, so that none is cut)."),
    ] = None
    loss: Annotated[Loss, told("Tokens that are trained: assistant, completion, all.")] = "assistant"
    packing: Annotated[Packing, told("How rows are packed into sequences: none, bfd, bfd_split, wrapped.")] = "none"
    epochs: Annotated[Epochs, told("Times that every row is seen.")] = 3.0
    steps: Annotated[Steps | None, told("Optimizer steps, in place of epochs.")] = None
    batch_size: Annotated[Steps, told("Rows of one forward pass on one device.")] = 4
    gradient_accumulation: Annotated[Steps, told("Forward passes to one optimizer step.")] = 4
    learning_rate: Annotated[Rate, told("Peak learning rate.")] = 2e-4
    scheduler: Annotated[
        Scheduler, told("Course of the learning rate: cosine, linear, constant, constant_with_warmup.")
    ] = "cosine"
    warmup: Annotated[Share, told("Share of the steps in which the learning rate rises.")] = 0.03
    weight_decay: Annotated[Share, told("Weight decay of AdamW.")] = 0.0
    max_grad_norm: Annotated[Positive, told("Norm to which gradients are clipped.")] = 1.0
    lora_r: Annotated[Rank, told("Rank of the adapter.")] = 16
    lora_alpha: Annotated[Steps, told("The adapter is scaled by alpha / r.")] = 32
    lora_dropout: Annotated[Share, told("Share of the adapter's inputs that are dropped in training.")] = 0.0
    lora_targets: Annotated[
        tuple[str, ...], told("Names of the linear layers with an adapter; all-linear for all but the head.")
    ] = ("all-linear",)
    quantization: Annotated[Quantization, told("none (LoRA), or nf4: QLoRA, 4-bit base with double quantisation.")] = (
        "none"
    )
    dtype: Annotated[
        Dtype, told("auto (on GPUs the 16-bit type of the checkpoint, on CPUs float32), bfloat16, float16, float32.")
    ] = "auto"
    gradient_checkpointing: Annotated[
        bool, told("Compute activations twice to save memory; about half as much again of time.")
    ] = True
    device: Annotated[Device, told("auto (a GPU where there is one), cpu, cuda.")] = "auto"
    seed: Annotated[Seed, told("Seed of order, adapter and dropout.")] = 0
    eval_steps: Annotated[Steps | None, told("Steps between two validations (default: a tenth of the run).")] = None
    save_steps: Annotated[
        Steps | None, told("Steps between two checkpoints (default: eval-steps); with validation a multiple of them.")
    ] = None
    keep_checkpoints: Annotated[Steps, told("Checkpoints kept; the best one stays in any case.")] = 2
    early_stopping: Annotated[
        Annotated[int, Meta(ge=0)], told("Validations without a better loss that end the run; 0 for never.")
    ] = 3
    resume: Annotated[bool, told("Go on with the run in the output folder from its last checkpoint.")] = False
    gpus: Annotated[tuple[str, ...], told("GPU types for which memory, time and money are estimated.")] = (
        "RTX4090", "L40S", "A100-80", "H100",
    )  # fmt: skip
    trackers: Annotated[
        tuple[TrackerName, ...], told("Trackers that show the run, kept in its folder: tensorboard, mlflow, wandb.")
    ] = ()

    @property
    def batch_rows(self) -> int:
        """Rows of one optimizer step on one device."""
        return self.batch_size * self.gradient_accumulation


FIELDS = {field.name: field for field in msgspec.structs.fields(TrainConfig)}


LISTS = tuple(name for name, field in FIELDS.items() if isinstance(field.default, tuple))
"""Keys with several values; in one text they stand with commas between."""


def description(name: str, fields: Mapping[str, FieldInfo] = FIELDS) -> str:
    """Return what a key is for, in one sentence."""
    return str(next(meta.description for meta in fields[name].type.__metadata__ if meta.description))


def read_file(path: Path) -> dict[str, Any]:
    """Return the keys of a training as they are spelled in a file, with plain values; paths led by its folder.

    Raises:
        ConfigError: it cannot be read, or is not TOML (or YAML, by the end of its name).
    """
    values = {str(key): value for key, value in read_table(path).items() if key != SUBMIT}
    for key, value in values.items():
        if _field(key) in PATHS and isinstance(value, str) and value:
            values[key] = str(path.parent / value)
    return values


def read_table(path: Path) -> dict[str, Any]:
    """Return what a configuration file holds, as it stands there.

    Raises:
        ConfigError: it cannot be read, or is not TOML (or YAML, by the end of its name).
    """
    try:
        text = read_bounded(path, MOST_BYTES).decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start:,}); save it as UTF-8") from None
    return _yaml(text, path) if path.suffix.lower() in YAML else _toml(text, path)


def _toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not valid TOML: nested too deep") from None


def _yaml(text: str, path: Path) -> dict[str, Any]:
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError:
        raise ConfigError(f"{path}: YAML needs the package pyyaml; install it, or write TOML") from None
    try:
        table = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split()) or "nested too deep"
        raise ConfigError(f"{path}: not valid YAML: {said}") from None
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: expected a table of keys and values")
    return table


def make_config(values: Mapping[str, Any], origin: str = "", flags: Mapping[str, Any] | None = None) -> TrainConfig:
    """Return a configuration of plain values.

    Args:
        values: key, with hyphens or underscores -> value; lists for tuples, texts for numbers. A single text where a
            list is wanted is one with commas between.
        origin: where these come from, for messages; "" for nowhere in particular.
        flags: field -> value in the same way; they win.

    Raises:
        ConfigError: keys are unknown or missing, or values impossible; the message lists all of them, each with the
            flag, or with the key as it was written.
    """
    good, places, problems = checked(values, FIELDS, origin, flags)
    refuse(problems + _contradictions(good, places))
    return TrainConfig(**good)


def checked(
    values: Mapping[str, Any], fields: Mapping[str, FieldInfo], origin: str, flags: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Return values by the types of their keys, where each was said, and what is wrong or missing.

    Args:
        values: key, with hyphens or underscores -> value; lists for tuples, texts for numbers.
        fields: name -> field, each with a description.
        origin: where the values come from; "" for nowhere in particular.
        flags: field -> value in the same way; they win.
    """
    where = f"{origin}: " if origin else ""
    problems: list[str] = []
    held: dict[str, tuple[str, Any]] = {}  # field -> where it was said, value
    for key, value in values.items():
        name = _field(key)
        if name not in fields:
            problems.append(f"{where}unknown key '{key[:80]}'.{nearest(_key(key), map(_key, fields))}")
        elif name in held:
            problems.append(f"{where}{_key(name)} stands there twice")
        else:
            held[name] = (f"{where}{key}", value)
    held |= {name: (f"--{_key(name)}", value) for name, value in (flags or {}).items()}
    good: dict[str, Any] = {}
    for name, (place, value) in held.items():
        if isinstance(value, str) and isinstance(fields[name].default, tuple):
            value = [piece.strip() for piece in value.split(",") if piece.strip()]
        try:
            good[name] = read_value(value, fields[name].type)
        except ValueError as error:
            problems.append(f"{place}: {error}")
    missing = [name for name, field in fields.items() if field.required and name not in held]
    problems += [f"{where}{_key(name)} is missing: {description(name, fields)}" for name in missing]
    return good, {name: place for name, (place, _) in held.items()}, problems


def refuse(problems: Sequence[str]) -> None:
    """Raise where there are problems.

    Raises:
        ConfigError: lists them all.
    """
    if problems:
        raise ConfigError("\n".join(problems))


def _field(key: str) -> str:
    return key.replace("-", "_")


def _key(name: str) -> str:
    return name.replace("_", "-")


def _contradictions(given: Mapping[str, Any], places: Mapping[str, str]) -> list[str]:
    """Return what does not go together, each with the place of a key that says so."""
    problems = [f"{places[name]}: an empty text; leave it out" for name, value in given.items() if value == ""]
    problems += [f"{places[name]}: an empty list" for name in ("lora_targets",) if given.get(name) == ()]
    if given.get("packing", "none") != "none" and given.get("max_length") is None:
        problems.append(f"{places['packing']} needs max-length: the length of the sequences that rows are packed into")
    evaluated, saved = given.get("eval_steps"), given.get("save_steps")
    if given.get("validation") and saved is not None and (evaluated is None or saved % evaluated):
        problems.append(
            f"{places['save_steps']} must be a multiple of eval-steps: the best checkpoint is chosen by the validation"
        )
    if "lm_head" in given.get("lora_targets", ()):
        problems.append(
            f"{places['lora_targets']}: TRL reads the weights of lm_head directly, so that an adapter on it is not "
            "trained"
        )
    return problems


def load_config(path: Path | None, flags: Mapping[str, Any]) -> TrainConfig:
    """Return the configuration of a run: defaults, then the file, then flags.

    Args:
        path: the file; None for none.
        flags: field -> value, as text or as what it stands for.

    Raises:
        ConfigError: file or flags say something impossible.
    """
    return make_config(read_file(path) if path else {}, str(path) if path else "", flags)


def as_dict(config: TrainConfig) -> dict[str, Any]:
    """Return all keys with their values, as JSON has them."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(config))
    return plain
