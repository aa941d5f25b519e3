"""Attention over shared prefixes on a CPU, in C, and the library that is made of it."""
