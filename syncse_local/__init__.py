"""syncse-local: synthesise contrastive triplets with local LLMs, train a sentence encoder on them, and measure it."""

__version__ = "0.1.0"
