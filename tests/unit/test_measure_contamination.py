"""The highest cosine of each text with an evaluation sentence: measured once, and taken up where it stopped."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syncse_local.jobs.job import Cancelled, Job
from syncse_local.jobs.progress import StoreReporter
from syncse_local.paths import starter_sts
from syncse_local.store import database, measurements, runs
from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.filters import instruments, measure_contamination
from syncse_local.synthesis.filters.settings import Contamination, FilterSettings
from syncse_local.synthesis.filters.verdict import Candidate

KNOWN = starter_sts().read_text(encoding="utf-8").splitlines()[1].split("\t")[2]
ROWS = [
    Candidate(i, f"k{i}", f"A man plays {i} guitars.", KNOWN, f"No one is playing in the rain {i}.") for i in range(3)
]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    connection = database.connect(tmp_path / "w.db")
    run = runs.create(connection, "filter", {"device": "cpu"})
    return Job(run, connection, StoreReporter(connection, run.id), tmp_path, tmp_path)


def test_the_highest_cosine_is_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    vectors, known = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=(23, 5)).astype(np.float32)
    monkeypatch.setattr(measure_contamination, "BLOCK", 4)
    assert np.allclose(measure_contamination.highest(vectors, known), (vectors @ known.T).max(axis=1))
    assert measure_contamination.highest(vectors, known[:0]).tolist() == [-1.0] * 7


def test_texts_are_measured_once_and_looked_up_again(job: Job, tiny_encoder: Path) -> None:
    settings = Contamination(encoder=str(tiny_encoder))
    wanted = FilterSettings(contamination=settings)
    digest = Gate.load().digest
    assert instruments.lacking(job.connection, wanted, ROWS, digest)
    assert measure_contamination.measure(job, settings, ROWS) == 7
    assert measure_contamination.measure(job, settings, ROWS) == 0
    assert not instruments.lacking(job.connection, wanted, ROWS, digest)
    assert instruments.lacking(job.connection, wanted, ROWS, "other sets")
    found = instruments.stored(job.connection, wanted, digest).contamination
    assert found(KNOWN) == pytest.approx(1, abs=1e-5)
    other = found(ROWS[0].sentence)
    assert other is not None
    assert -1 <= other < 0.99999
    assert found("never seen") is None


def test_a_stopped_measurement_goes_on(job: Job, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Contamination(encoder=str(tiny_encoder))
    monkeypatch.setattr(measure_contamination, "BATCH", 3)
    stored = measurements.store

    def stop_after(*arguments: Any) -> None:
        stored(*arguments)
        job.reporter.stop = True

    monkeypatch.setattr(measurements, "store", stop_after)
    with pytest.raises(Cancelled):
        measure_contamination.measure(job, settings, ROWS)
    monkeypatch.setattr(measurements, "store", stored)
    job.reporter.stop = False
    assert measure_contamination.measure(job, settings, ROWS) == 4
