"""Finds models in an Ollama store: manifests name blobs by digest; the weights are GGUF files. Opens no weights."""

import re
from collections.abc import Iterator
from pathlib import Path

from syncse_local.catalog.walk import walk
from syncse_local.modelfiles.entry import Found
from syncse_local.modelfiles.reading import Unreadable, json_object

_LAYER = "application/vnd.ollama.image."
_WEIGHTS = {"model": "", "projector": "#projector", "adapter": "#adapter"}
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_DEFAULTS = ("registry.ollama.ai", "library")
_PARTS = 4
"""manifests / registry / namespace / model / tag"""


def models_in_ollama(store: Path, source: str) -> Iterator[Found]:
    """The weights that each manifest names; a manifest that cannot be read is passed over by its own entry."""
    manifests = store / "manifests"
    for folder, files in walk(manifests, _PARTS):
        for file in files:
            parts = (folder / file).relative_to(manifests).parts
            if len(parts) == _PARTS:
                yield from _layers(store / "blobs", folder / file, _name(parts), source)


def _layers(blobs: Path, manifest: Path, name: str, source: str) -> Iterator[Found]:
    try:
        layers = json_object(manifest, 1 << 20).get("layers")
    except Unreadable:
        yield Found(name, source, manifest)  # opened later, it says why it is no model
        return
    named = [(_kind(layer), _blob(blobs, layer)) for layer in layers] if isinstance(layers, list) else []
    licence = next((blob for kind, blob in named if kind == "license" and blob), None)
    for kind, blob in named:
        if kind in _WEIGHTS and blob:
            yield Found(name + _WEIGHTS[kind], source, blob, licence)


def _kind(layer: object) -> str:
    media = layer.get("mediaType") if isinstance(layer, dict) else None
    return media.removeprefix(_LAYER) if isinstance(media, str) else ""


def _blob(blobs: Path, layer: object) -> Path | None:
    """The blob's path; only a true digest becomes one, so that a manifest cannot point elsewhere."""
    digest = layer.get("digest") if isinstance(layer, dict) else None
    match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    return blobs / f"sha256-{match[1]}" if match else None


def _name(parts: tuple[str, ...]) -> str:
    registry, namespace, model, tag = parts
    usual_registry, usual_namespace = _DEFAULTS
    shown = [registry, namespace, model] if registry != usual_registry else [namespace, model]
    return "/".join(shown).removeprefix(f"{usual_namespace}/") + f":{tag}"
