"""Choices that several specs share, each listed once."""

POOLINGS = ("cls", "avg", "cls_before_pooler", "avg_top2", "avg_first_last", "last_token")
"""Poolings that training may choose; the names are SimCSE's."""
THINKING = ("off", "on", "auto")
"""Whether a model may reason before it answers; auto: what its template does by itself."""
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("fp32", "bf16")
