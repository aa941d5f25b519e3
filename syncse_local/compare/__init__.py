"""Whether a difference between encoders is real. Importing the package loads nothing heavy; `job` and below need numpy and scipy."""
