"""The other side of bench_vllm.py: LLM.generate as a user would call it, in vLLM's own interpreter. Imports vllm only.

Lines in: engine arguments, then rounds of rows. Lines out: `ready`, then seconds and texts of each round.
"""

import json
import os
import sys
import time
from typing import Any


def main() -> None:
    """Load, then answer rounds until standard input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # vLLM prints to standard output
    from vllm import LLM, SamplingParams
    from vllm.platforms import current_platform

    options: dict[str, Any] = json.loads(sys.stdin.readline())
    on_cpu = options.pop("on_cpu")
    llm = LLM(**{**(on_cpu if current_platform.is_cpu() else {}), **options})
    tokenizer = llm.get_tokenizer()
    print('"ready"', file=out, flush=True)
    for line in sys.stdin:
        rows = json.loads(line)
        params = [SamplingParams(**row["sampling"]) for row in rows]
        began = time.perf_counter()
        prompts = [{"prompt_token_ids": tokenizer.encode(row["prompt"], add_special_tokens=False)} for row in rows]
        made = llm.generate(prompts, params, use_tqdm=False)
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "texts": [o.outputs[0].text for o in made]}), file=out, flush=True)


if __name__ == "__main__":
    main()
