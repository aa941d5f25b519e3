"""Packs: a workspace's results, an encoder or a model in one file that crosses an air gap. Bytes only; nothing in one is run."""
