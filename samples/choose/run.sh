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
python=${PYTHON:-python3}
case $python in */*) python=$(cd "$(dirname "$python")" && pwd)/${python##*/} ;; esac
[ ! -e "$folder/specs.toml" ] || { echo "$folder holds a run already; name a new folder" >&2; exit 2; }
"$python" - << 'PYTHON' || { echo "$python: pip install torch, then \"prepdata[train,rag]\"; or name another by PYTHON" >&2; exit 2; }
import importlib.util, sys
sys.exit(any(importlib.util.find_spec(name) is None for name in ("prepdata", "trl", "semantic_text_splitter")))
PYTHON
mkdir -p "$folder"
cp "$here"/*.toml "$folder"
cd "$folder"
export PREPDATA_CACHE_DIR=$PWD/cache
summary=""

run() { # EXIT-CODE ARGUMENT...: prepdata with these arguments, which has to end with this exit code
  local expected=$1 code=0 began=$SECONDS
  shift
  printf '\n$ prepdata %s\n' "$*"
  "$python" -m prepdata "$@" || code=$?
  summary+=$(printf '%3d s  exit code %d  prepdata %s' $((SECONDS - began)) "$code" "$*")$'\n'
  if [ "$code" != "$expected" ]; then
    printf '\nended with exit code %s, expected was %s\n' "$code" "$expected" >&2
    exit 1
  fi
}

echo "== a model, documents and rows, made here"
"$python" "$here/make.py" .
made=$SECONDS

for task in specs letters; do
  printf '\n== %s\n' "$task"
  run 0 baseline --model model --test "$task/test.jsonl" --max-new-tokens 48 --batch-size 24 --output "$task/baseline.json" --quiet
  run 0 train "$task-run.toml" --quiet
  run 0 arms "$task.toml"
done

printf '\n== all as expected, in %d s, %d of them for the model\n%s' "$SECONDS" "$made" "$summary"
