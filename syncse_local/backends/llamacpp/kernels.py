"""How fast llama.cpp reads prompts on a CPU by the number type of a file's weights. Figures alone; knows no model.

Types that llama.cpp rearranges when it loads them, or has matrix kernels for, are read in blocks of rows and columns. The others
are multiplied row by row, so that a prompt costs nearly as much a token as writing does.
"""

PROMPT_SPEED = {
    "F32": 0.63, "F16": 0.74, "BF16": 1.10, "Q8_0": 0.58, "Q4_0": 1.0, "Q4_1": 0.28, "Q5_0": 0.47, "Q5_1": 0.26,
    "Q2_K": 0.99, "Q3_K": 0.83, "Q4_K": 0.56, "Q5_K": 0.32, "Q6_K": 0.65, "IQ4_NL": 1.0, "IQ4_XS": 0.99,
}  # fmt: skip
"""Prompt tokens a second as a share of Q4_0's: one 135 M model in all types, 512 tokens a call, AVX2 (docs/log.md)."""
SLOW = 0.4
"""Below this share a file of another type is worth naming: it reads prompts at least 1.4 times as fast, and most 2.5 times."""
FASTER = ("Q4_0", "IQ4_NL", "Q8_0", "Q4_K_M")
"""Types of like size that publishers offer, the fastest first."""


def prompt_speed(quantisation: str) -> float:
    """The share for a file's type, such as `Q5_K_M`; 1 for a type that was not measured."""
    known = max((name for name in PROMPT_SPEED if quantisation.startswith(name)), key=len, default="")
    return PROMPT_SPEED.get(known, 1.0)


def slow_type(quantisation: str) -> str:
    """One sentence about a type that this llama.cpp reads slowly on a CPU, with faster ones; empty for the others."""
    speed = prompt_speed(quantisation)
    if speed >= SLOW:
        return ""
    better = ", ".join(f"{name} {prompt_speed(name) / speed:.1f}x" for name in FASTER)
    return (
        f"On a CPU llama.cpp has no fast kernel for {quantisation}; files of other types read prompts faster: {better}."
    )
