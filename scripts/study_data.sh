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

made=$(syncse runs -w "$ws" --json | grep -c '"name": "starter-llm"' || true)
if [ "$made" = 0 ]; then
    syncse generate "$human" --limit 2000 --temperature 0.6 --name starter-llm -w "$ws"
fi
[ -s "$ws/llm.csv" ] || syncse export "$(syncse runs -w "$ws" --json | python3 -c '
import json, sys
for line in sys.stdin:
    found = json.loads(line)
    for run in found if isinstance(found, list) else [found]:
        if run["name"] == "starter-llm":
            print(run["id"])')" "$ws/llm.csv" -w "$ws"
# The human triplets of the same anchors, one each.
[ -s "$ws/human.csv" ] || python3 - "$ws/llm.csv" "$human" "$ws/human.csv" <<'PY'
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

evaluate() { # NAME ENCODER
    if [ ! -e "$ws/$1.scores" ]; then
        syncse eval "$2" --name "$1" --senteval "$data/senteval" --reranking "$data/reranking" -w "$ws" \
            --tasks sts STSB-dev SICKR-dev semeval2016_cqaB_dev.jsonl > "$ws/part"
        mv "$ws/part" "$ws/$1.scores"
    fi
}

arm() { # NAME SEED FLAG...
    name=$1-$2 seed=$2
    shift 2
    [ -e "$ws/models/$name/modules.json" ] || syncse train "$@" --name "$name" --seed "$seed" --senteval "$data/senteval" \
        -w "$ws" --pooling avg --batch-size 64 --learning-rate 3e-4 --precision bf16 --no-duplicates
    evaluate "$name" "$ws/models/$name"
}

evaluate untrained models/starter-encoder
seed=1
while [ "$seed" -le "$seeds" ]; do
    arm llm "$seed" --data "$ws/llm.csv" --epochs 3
    arm human "$seed" --data "$ws/human.csv" --epochs 3
    arm dropout "$seed" --data "$ws/llm.csv" --unsupervised --epochs 3
    seed=$((seed + 1))
done
seed=1
while [ "$seed" -le "$seeds" ]; do
    arm human-all "$seed" --data "$human" --epochs 1
    seed=$((seed + 1))
done
runs() { seq -s, -f "$1-%g" "$seeds"; }
syncse compare llm="$(runs llm)" human="$(runs human)" dropout="$(runs dropout)" human-all="$(runs human-all)" -w "$ws"
