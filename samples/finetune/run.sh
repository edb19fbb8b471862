#!/usr/bin/env bash
# Fine-tunes a small model from start to end, and shows that a bad run is caught: on a CPU, without internet.
#
#     bash samples/finetune/run.sh [FOLDER]      FOLDER: a new one (default: example); nothing is written elsewhere
#
# Needs `pip install "prepdata[qlora]"`, torch first. PYTHON names the interpreter (default: python3).
# Each command is shown before it runs; one that ends with another exit code than expected ends the script with 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-example}
. "$here/../steps.sh"
begin run.toml qlora bitsandbytes
train() { run 0 train run.toml "$@"; }
evaluate() { # NAME ARGUMENT...: the adapter of a run, held against the baseline
  run 0 evaluate --model model --adapter "$1" --test test.jsonl --retention retention.jsonl --baseline baseline.json "${@:2}"
}
compare() { run "$1" compare baseline.json "$2" --config gate.toml; }

echo "== a model and rows, made here"
"$python" "$here/make.py" .

printf '\n== validate, baseline, train, evaluate, compare: LoRA\n'
run 0 validate train.jsonl --tokenizer model --target trl --loss assistant --eval test.jsonl --statistics
run 0 baseline --model model --test test.jsonl --retention retention.jsonl --max-new-tokens 40 --output baseline.json
train
evaluate lora --latency-rows 40
compare 0 lora

printf '\n== the same with QLoRA (NF4)\n'
train --quiet --quantization nf4 --output qlora
evaluate qlora
compare 0 qlora

printf '\n== without replay: it learns the new and forgets the old\n'
train --quiet --replay-share 0 --output forgets
evaluate forgets
compare 1 forgets
run 0 runs lora forgets

printf '\n== answers that are cut: seen before the training, and if they were cut beforehand, by the gate\n'
run 1 train run.toml --dry-run --max-length 36 --output none
train --quiet --train cut.jsonl --validation cut-validation.jsonl --output cut
evaluate cut
compare 1 cut

printf '\n== a baseline that was changed, and one of other rows, are refused\n'
sed 's/"value": 0.25/"value": 0.05/' baseline.json > edited.json
run 2 train run.toml --dry-run --baseline edited.json --output none
run 2 compare edited.json lora --config gate.toml
run 0 baseline --model model --test validation.jsonl --max-new-tokens 40 --output other.json --quiet
run 2 train run.toml --dry-run --baseline other.json --output none
run 2 compare other.json lora --config gate.toml

printf '\n== all as expected, in %d s\n%s' "$SECONDS" "$summary"
