"""Filters over finished triplets: each a small function with a typed verdict and a score. They never touch what was generated."""
