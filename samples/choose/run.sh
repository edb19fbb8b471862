#!/usr/bin/env bash
# Should it be fine-tuned at all? Measures prompt, examples, retrieval, tuning and both on two tasks: without GPU or internet.
#
#     bash samples/choose/run.sh [FOLDER]      FOLDER: a new one (default: choice); nothing is written elsewhere
#
# Needs `pip install "prepdata[train,rag]"`, torch first. PYTHON names the interpreter (default: python3).
# Each command is shown before it runs; one that ends with another exit code than expected ends the script with 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-choice}
. "$here/../steps.sh"
begin specs.toml train,rag semantic_text_splitter

echo "== a model, documents and rows, made here"
"$python" "$here/make.py" .
made=$SECONDS

measure() { # TASK SCORER...: from rows to the arms of a task
  local task=$1
  shift
  printf '\n== %s\n' "$task"
  run 0 validate "$task/train.jsonl" --tokenizer model --target trl --loss assistant --eval "$task/test.jsonl"
  run 0 baseline --model model --test "$task/test.jsonl" --retention retention.jsonl "${@/#/--scorer=}" \
    --max-new-tokens 48 --batch-size 24 --output "$task/baseline.json" --quiet
  run 0 train "$task-run.toml" --quiet
  run 0 arms "$task.toml"
}

measure specs exact_match contains json_schema
measure letters exact_match

printf '\n== all as expected, in %d s, %d of them for the model\n%s' "$SECONDS" "$made" "$summary"
