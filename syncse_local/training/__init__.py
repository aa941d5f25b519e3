"""The trainer: a sentence encoder from triplets, in one process. Knows no store, no LLM and no screen.

Importing this package is light; `encoder`, `loop` and what they use import torch.
"""
