#!/usr/bin/env bash
# Unpacks the chat templates of published models that llama.cpp's sources bring into DIR, for tests: `scripts/chat_templates.sh DIR`.
# They come with llama-cpp-python's source package, fetched by pip. Safe to call again.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${1:?usage: scripts/chat_templates.sh DIR}
python=${PYTHON:-python3}
release=$(grep '^llama_cpp_python==' constraints.txt)
[ "$(cat "$dir/.release" 2>/dev/null)" = "$release" ] && exit 0
mkdir -p "$dir"
scratch=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
"$python" -m pip --disable-pip-version-check download --quiet --no-deps --no-binary :all: --dest "$scratch" "$release"
tar -xzf "$scratch"/*.tar.gz -C "$scratch" --wildcards '*/vendor/llama.cpp/models/templates/*.jinja'
mv "$scratch"/*/vendor/llama.cpp/models/templates/*.jinja "$dir/"
echo "$release" > "$dir/.release"
echo "chat_templates: $(ls "$dir"/*.jinja | wc -l) templates in $dir"
