"""An exported CSV trains in sentence-transformers' own trainer as it is."""

from pathlib import Path

from syncse_local.records import Triplet
from syncse_local.text.export import write_triplets


def test_the_csv_trains_as_it_is(tmp_path: Path, tiny_encoder: Path) -> None:
    from datasets import load_dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.losses import MultipleNegativesRankingLoss

    rows = [Triplet(f'the "red" car, no {i}', f"a car is red {i}", f"the car is green {i}") for i in range(12)]
    path = tmp_path / "triplets.csv"
    assert write_triplets(rows, path) == 12
    data = load_dataset("csv", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert data.column_names == ["sent0", "sent1", "hard_neg"]
    model = SentenceTransformer(str(tiny_encoder), device="cpu")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path / "out"), num_train_epochs=1, per_device_train_batch_size=4, report_to=[], use_cpu=True
    )
    trainer = SentenceTransformerTrainer(model, arguments, train_dataset=data, loss=MultipleNegativesRankingLoss(model))
    assert trainer.train().global_step == 3
    assert any(not before[name].equal(value) for name, value in model.state_dict().items())
