#!/bin/sh
# What three kinds of training data are worth for the starter encoder, from the same anchors: triplets by the starter LLM, human
# ones, and SimCSE's dropout pairs. Three seeds each, then `syncse compare`. Called again, it goes on where it was.
#
#     sh scripts/study_data.sh DATA WORKSPACE [SEEDS]
#
# DATA has senteval/, reranking/ and nli/nli_triplets_all.csv (sent0, sent1, hard_neg). The step that is kept is chosen on the
# bundled dev half, so that no set of DATA decides anything.
set -eu
data=$1 ws=$2 seeds=${3:-3}
human=$data/nli/nli_triplets_all.csv
mkdir -p "$ws"

if [ ! -s "$ws/llm.csv" ]; then
    run=$(syncse generate "$human" --limit 2000 --temperature 0.6 --name starter-llm -w "$ws" --json |
        python3 -c 'import json, sys; print([json.loads(line) for line in sys.stdin][-1]["run"])')
    syncse export "$run" "$ws/llm.csv" -w "$ws"
fi
if [ ! -s "$ws/human.csv" ]; then # the human triplets of the same anchors, one each
    python3 - "$ws/llm.csv" "$human" "$ws/human.csv" <<'PY'
import csv, sys

with open(sys.argv[1], encoding="utf-8", newline="") as file:
    wanted = {row["sent0"] for row in csv.DictReader(file)}
with open(sys.argv[2], encoding="utf-8", newline="") as file, open(sys.argv[3], "w", encoding="utf-8", newline="") as out:
    writer = csv.writer(out)
    writer.writerow(("sent0", "sent1", "hard_neg"))
    for row in csv.DictReader(file):
        if row["sent0"].strip() in wanted:
            wanted.remove(row["sent0"].strip())
            writer.writerow((row["sent0"], row["sent1"], row["hard_neg"]))
PY
fi

evaluate() { # NAME ENCODER
    if [ ! -e "$ws/$1.scores" ]; then
        syncse eval "$2" --name "$1" --senteval "$data/senteval" --reranking "$data/reranking" -w "$ws" \
            --tasks sts STSB-dev SICKR-dev semeval2016_cqaB_dev.jsonl > "$ws/$1.part"
        mv "$ws/$1.part" "$ws/$1.scores"
    fi
}

arm() { # NAME SEED FLAG...
    name=$1-$2 seed=$2
    shift 2
    if [ ! -e "$ws/models/$name/modules.json" ]; then
        syncse train "$@" --name "$name" --seed "$seed" --senteval "$data/senteval" -w "$ws" \
            --pooling avg --batch-size 64 --learning-rate 3e-4 --epochs 3 --precision bf16 --no-duplicates
    fi
    evaluate "$name" "$ws/models/$name"
}

evaluate untrained models/starter-encoder
for seed in $(seq "$seeds"); do
    arm llm "$seed" --data "$ws/llm.csv"
    arm human "$seed" --data "$ws/human.csv"
    arm dropout "$seed" --data "$ws/llm.csv" --unsupervised
done
runs() { seq -s, -f "$1-%g" "$seeds"; }
syncse calibrate --evaluated $(seq -f "human-%g" "$seeds") -w "$ws"
syncse compare llm="$(runs llm)" human="$(runs human)" dropout="$(runs dropout)" untrained=untrained -w "$ws"
