"""The newest triplets of a run: whole ones only, the newest first, and no other run's."""

from pathlib import Path

from syncse_local.records import Completion
from syncse_local.store import ledger, runs
from syncse_local.store.database import connect
from syncse_local.store.newest_triplets import triplets


def test_the_newest_whole_triplets_come_first(tmp_path: Path) -> None:
    connection = connect(tmp_path / "syncse.db")
    mine, other = (runs.create(connection, "generate", {}).id for _ in range(2))
    roles = ("positive", "negative")
    for run in (mine, other):
        ledger.add_sentences(connection, [(f"{run}{n}", f"sentence {n}", "x") for n in range(5)])
        plan = [
            ledger.Planned(f"{run}{n}{role}", 2 * n + i, f"{run}{n}", role, 0, "p", "c", f"sentence {n}", 1)
            for n in range(5)
            for i, role in enumerate(roles)
        ]
        ledger.add_plan(connection, run, plan)

    def answer(run: str, number: int, role: str, failure: str | None = None) -> None:
        done = Completion(f"{run}{number}{role}", f"{role} {number}", "stop", 1, 1, 1, 0.1, "")
        ledger.add_answers(connection, [ledger.Answered(done, 1, [ledger.Outcome(done.text, failure)])])

    for number in range(5):
        answer(mine, number, "positive", "copy" if number == 3 else None)
    assert triplets(connection, mine, 3) == []
    for number in (2, 0, 3):
        answer(mine, number, "negative")
    answer(other, 1, "positive")
    answer(other, 1, "negative")
    found = triplets(connection, mine, 3)
    assert [row["sentence"] for row in found] == ["sentence 0", "sentence 2"]
    assert (found[0]["positive"], found[0]["negative"]) == ("positive 0", "negative 0")
    assert len(triplets(connection, mine, 1)) == 1
    connection.close()
