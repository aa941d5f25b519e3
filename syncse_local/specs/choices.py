"""Choices that several specs share, each listed once."""

POOLINGS = ("cls", "avg", "cls_before_pooler", "avg_top2", "avg_first_last", "last_token")
"""Poolings that training may choose; the names are SimCSE's."""
OVERRIDES = tuple(name for name in POOLINGS if name != "cls")
"""Poolings that may replace a finished encoder's own: all but `cls`, whose head only training makes."""
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("fp32", "bf16")
