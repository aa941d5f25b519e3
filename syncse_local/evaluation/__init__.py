"""Measuring sentence encoders. Importing the package loads nothing heavy; `run` and `metrics` need numpy and scipy."""
