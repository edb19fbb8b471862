# What the scripts of the examples share; sourced by them, with `here` and `folder` set.
python=${PYTHON:-python3}
case $python in */*) python=$(cd "$(dirname "$python")" && pwd)/${python##*/} ;; esac
summary=""

begin() { # CONFIGURATION EXTRAS PACKAGE...: what is needed is there, and the folder is new; copy the configurations into it, and go there
  local configuration=$1 extras=$2
  shift 2
  [ ! -e "$folder/$configuration" ] || { echo "$folder holds a run already; name a new folder" >&2; exit 2; }
  "$python" -c '
import importlib.util, sys
sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))' prepdata trl "$@" ||
    { echo "$python: pip install torch, then \"prepdata[$extras]\"; or name another by PYTHON" >&2; exit 2; }
  mkdir -p "$folder"
  cp "$here"/*.toml "$folder"
  cd "$folder"
  export PREPDATA_CACHE_DIR=$PWD/cache
}

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
