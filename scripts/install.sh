#!/usr/bin/env bash
# Installs syncse from the bundle that this file lies in, into FOLDER, without a network: ./install.sh FOLDER
# PYTHON names the interpreter. SIGNERS=FILE SIGNER=NAME checks the signature too (see ssh-keygen, ALLOWED SIGNERS).
set -uo pipefail
bundle=$(cd "$(dirname "$0")" && pwd)
target=${1:-}
[ -n "$target" ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$target" && target=$(cd "$target" && pwd) || exit 4
log=$target/install.log
: > "$log"
python=${PYTHON:-python3}
step=""
say() { step=$1; echo "install $1"; echo "== $1" >> "$log"; }
fail() {
  echo "install: FAILED at $step: $1" >&2
  tail -n 12 "$log" | sed 's/^/    /' >&2
  echo "  The whole log: $log" >&2
  exit 1
}
setting() { sed -n "s/^$1=//p" "$bundle/bundle.conf"; }

say "1/5: every file is the one that was packed"
cd "$bundle" || exit 4
[ -z "$(find . -type l)" ] || fail "the bundle holds links, and none was packed: $(find . -type l | head -3 | tr '\n' ' ')"
sha256sum --quiet --check MANIFEST.sha256 >> "$log" 2>&1 || fail "files are damaged, changed or missing"
strangers=$(diff <(cut -c67- MANIFEST.sha256 | LC_ALL=C sort) \
  <(find . -type f ! -path './MANIFEST.sha256*' ! -path './.done-*' | sed 's|^\./||' | LC_ALL=C sort) | grep '^>' | head -3)
[ -z "$strangers" ] || fail "files that were not packed: $strangers"
if [ -n "${SIGNERS:-}" ]; then
  ssh-keygen -Y verify -f "$SIGNERS" -I "${SIGNER:-syncse}" -n syncse-bundle -s MANIFEST.sha256.sig < MANIFEST.sha256 >> "$log" 2>&1 ||
    fail "the signature is not ${SIGNER:-syncse}'s"
  echo "  signed by ${SIGNER:-syncse}"
elif [ -e MANIFEST.sha256.sig ]; then
  echo "  there is a signature, and it was not checked: set SIGNERS and SIGNER"
fi

say "2/5: this machine is of the kind that it was made for"
"$python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$(setting python)')" >> "$log" 2>&1 ||
  fail "Python $(setting python) is needed, and $python is $("$python" -V 2>&1 || true): set PYTHON"
[ "$(uname -s)-$(uname -m)" = "$(setting machine)" ] || fail "it was made for $(setting machine), and this is $(uname -s)-$(uname -m)"
need=$(($(du -sk "$bundle" | cut -f1) * 3))
free=$(df -Pk "$target" | awk 'NR == 2 {print $4}')
[ "$free" -gt "$need" ] || fail "about $((need / 1024)) MiB are needed in $target, and $((free / 1024)) are free"

say "3/5: the project and its environment in $target"
tar -xf "$bundle/project.tar" -C "$target" >> "$log" 2>&1 || fail "the project cannot be unpacked"
cd "$target" || exit 4
WHEELS=$bundle/wheels GPU=$(setting gpu) TORCH=$(setting torch) PYTHON=$python \
  scripts/setup.sh "$([ "$(setting extras)" = dev ] && echo dev || echo run)" >> "$log" 2>&1 || fail "the environment cannot be made"
.venv/bin/python -m pip --disable-pip-version-check check >> "$log" 2>&1 || fail "the environment does not fit together"

if [ -n "$(setting vllm)" ]; then
  say "3/5: vLLM's environment in $target/.vllm"
  { [ -x .vllm/bin/python ] || "$python" -m venv .vllm; } >> "$log" 2>&1 || fail "its environment cannot be made"
  .vllm/bin/python -m pip --disable-pip-version-check install --quiet --no-index --no-deps "$bundle"/vllm-wheels/* >> "$log" 2>&1 ||
    fail "vLLM cannot be installed"
fi

say "4/5: what the machine lacks"
.venv/bin/syncse doctor -w "$target/smoke-test" >> "$log" 2>&1 || fail "syncse doctor misses something"
.venv/bin/syncse doctor --airgap >> "$log" 2>&1 || echo "  the kernel does not shut the network here: see $log"

say "5/5: smoke test: a few triplets, a short training, an evaluation"
rm -rf "$target/smoke-test"
.venv/bin/syncse run --airgap --limit 24 --epochs 1 -w "$target/smoke-test" >> "$log" 2>&1 ||
  fail "the smoke test (a processor of another kind ends in SIGILL: bundle with CMAKE_ARGS=-DGGML_NATIVE=OFF)"
tail -n 6 "$log" | sed 's/^/  /'
rm -rf "$target/smoke-test"
echo "install: done; the program is $target/.venv/bin/syncse$([ -d "$bundle/extra" ] && echo "; models and data: $bundle/extra")"
