#!/usr/bin/env bash
# Makes .venv with what is asked for: `setup.sh run` or `setup.sh dev`. Safe to call again: it does only what is missing.
# TORCH names the torch to install first (default: the pinned one). GPU=cuda (or vulkan, metal, hip) builds llama.cpp for it.
# WHEELS=FOLDER takes everything from there and asks no index: a bundle's (scripts/bundle.sh), llama.cpp built already.
set -euo pipefail
cd "$(dirname "$0")/.."
want=${1:-run}
torch=${TORCH:-$(grep '^torch==' constraints.txt)}
gpu=${GPU:-}
python=${PYTHON:-python3}
extras=$([ "$want" = dev ] && echo dev || echo all)

stamp=$( (cat pyproject.toml constraints.txt syncse_local/backends/llamacpp/attention/*.[ch]; echo "$torch $gpu $extras") | cksum | cut -d' ' -f1)
done_file=.venv/.syncse-$extras
if [ -f "$done_file" ] && [ "$(cat "$done_file")" = "$stamp" ]; then
  echo "setup: .venv is ready ($extras)"
  exit 0
fi

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or later is needed (set PYTHON=...)" >&2; exit 4; }
[ -n "${WHEELS:-}" ] || command -v c++ >/dev/null || { echo "setup: a C++ compiler is needed to build llama.cpp (for example Debian's g++)" >&2; exit 4; }

echo "setup 1/4: virtual environment .venv"
[ -x .venv/bin/python ] || "$python" -m venv .venv
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
if [ -n "${WHEELS:-}" ]; then
  export PIP_NO_INDEX=1 PIP_FIND_LINKS=$WHEELS
fi

echo "setup 2/4: $torch"
pip install --quiet "$torch"

echo "setup 3/4: llama.cpp${gpu:+ for $gpu} (builds from source the first time: some minutes)"
llama=$(grep '^llama_cpp_python==' constraints.txt)
case "${WHEELS:+built}$gpu" in
  "" | built*) pip install --quiet -c constraints.txt "$llama" ;;
  cuda | vulkan | metal | hip)
    upper=$(echo "$gpu" | tr '[:lower:]' '[:upper:]')
    CMAKE_ARGS="-DGGML_$upper=on" pip install --quiet -c constraints.txt --force-reinstall --no-deps --no-cache-dir --no-binary llama-cpp-python "$llama"
    ;;
  *) echo "setup: GPU=$gpu is unknown; use cuda, vulkan, metal or hip" >&2; exit 2 ;;
esac

echo "setup 4/4: syncse-local[$extras] and what it needs"
pip install --quiet -c constraints.txt -e ".[$extras]"
[ -n "$gpu" ] || .venv/bin/python -m syncse_local.backends.llamacpp.attention.library # needs ggml's headers, so not before
echo "$stamp" > "$done_file"
echo "setup: done; the program is .venv/bin/syncse"
