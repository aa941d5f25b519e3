"""SentEval's classification files as they come and as they come broken, and what is scored on vectors that are known."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation import senteval_protocol
from syncse_local.evaluation.base import Missing, Vectors
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.run import sentence_index
from syncse_local.evaluation.tasks import FAMILIES, TASKS
from syncse_local.evaluation.transfer import Example, TransferData

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the files of a task, in the order of the task table."""

    def _write(task: str, *contents: str | bytes) -> None:
        directory = tmp_path / "downstream" / TASKS[task].path
        directory.mkdir(parents=True)
        for (name, _), content in zip(TASKS[task].files, contents, strict=True):
            (directory / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return _write


def read(root: Path, task: str) -> TransferData:
    (data,), missing = read_tasks([task], root)
    assert missing == []
    assert isinstance(data, TransferData)
    return data


def test_binary_sets_stand_in_sentevals_order_with_blank_lines_as_full_stops(tmp_path: Path, write: Write) -> None:
    write("CR", "so  good\nfine\n", "\nbad , very bad\nbad\n")
    data = read(tmp_path, "CR")
    assert data.splits == {
        "all": [
            Example(("",), 0),
            Example(("bad",), 0),
            Example(("fine",), 1),
            Example(("so good",), 1),
            Example(("bad , very bad",), 0),
        ]
    }
    assert list(data.sentences()) == [".", "bad", "fine", "so good", "bad , very bad"]
    assert not data.complete
    assert data.notes[0] == "custrev.pos has 2 examples where the published file has 2407"


def test_a_file_that_is_no_utf_8_is_read_as_latin_1(tmp_path: Path, write: Write) -> None:
    write("SUBJ", "caf\xe9\n".encode("latin-1"), "café\n")
    assert {example.texts for example in read(tmp_path, "SUBJ").splits["all"]} == {("café",)}


def test_sst_trec_and_mrpc(tmp_path: Path, write: Write) -> None:
    write("SST2", "good \t1\nbad\t0\n", "fine\t1\n", "poor\t0\n")
    assert read(tmp_path, "SST2").splits == {
        "train": [Example(("bad",), 0), Example(("good",), 1)],
        "dev": [Example(("fine",), 1)],
        "test": [Example(("poor",), 0)],
    }
    write("TREC", "NUM:dist How far : here ?\nABBR:exp What is it ?\n", "LOC:other Where ?\n")
    assert read(tmp_path, "TREC").splits == {
        "train": [Example(("What is it ?",), 0), Example(("How far : here ?",), 5)],
        "test": [Example(("Where ?",), 4)],
    }
    header = "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
    write("MRPC", f'{header}1\t1\t2\ta "b\tc\r\n0\t3\t4\td\te\r\n', f"{header}1\t5\t6\tf\tg\r\n")
    data = read(tmp_path, "MRPC")
    assert data.splits["train"] == [Example(("d", "e"), 0), Example(('a "b', "c"), 1)]
    assert (data.f1, data.items) == (True, 1)


@pytest.mark.parametrize(
    ("task", "contents", "says"),
    [
        ("SST2", ("good\t1\ncut he", "a\t1", "b\t0"), r"sentiment-train, line 2: has 1 tab-separated columns where 2"),
        ("SST2", ("good\t2\n", "a\t1", "b\t0"), r"sentiment-train, line 1: the class '2' is neither 0 nor 1"),
        ("SST2", ("good\t1\n", "a\t\n", "b\t0"), r"sentiment-dev, line 1: the class '' is neither 0 nor 1"),
        ("SST2", ("", "a\t1", "b\t0"), r"sentiment-train: is empty"),
        ("MR", ("a\n", "\x00b\n"), r"rt-polarity\.neg, line 1: is not UTF-8 text"),
        ("TREC", ("NUM how ?\n", "NUM:x y"), r"train_5500\.label, line 1: does not begin with a class"),
        ("TREC", ("NEW:x how ?\n", "NUM:x y"), r"line 1: does not begin with a class \(ABBR, DESC"),
        ("MRPC", ("h\n1\t1\t2\ta\tb\n", "h\n1\t1\t2\ta\n"), r"msr_paraphrase_test\.txt, line 2: has 4 tab-separated"),
        ("MRPC", ("h\n1\t1\t2\ta\tb\n", "h\n1\t1\t2\ta\t \n"), r"line 2: a sentence is empty"),
        ("MRPC", ("h\n", "h\n1\t1\t2\ta\tb\n"), r"msr_paraphrase_train\.txt: is empty"),
    ],
)
def test_faulty_files_are_refused_by_file_and_line(
    tmp_path: Path, write: Write, task: str, contents: tuple[str, ...], says: str
) -> None:
    write(task, *contents)
    with pytest.raises(SyncseError, match=says):
        read(tmp_path, task)


def test_a_missing_file_makes_the_task_missing(tmp_path: Path, write: Write) -> None:
    write("SST2", "a\t1", "b\t0", "c\t1")
    (tmp_path / "downstream" / "SST" / "binary" / "sentiment-dev").unlink()
    found, missing = read_tasks(["transfer"], tmp_path)
    assert found == []
    assert [absent.task for absent in missing] == list(FAMILIES["transfer"].averaged)
    assert Missing("SST2", str(tmp_path / "downstream/SST/binary/sentiment-dev")) in missing


def clouds(classes: int, count: int, splits: tuple[str, ...]) -> tuple[TransferData, Vectors]:
    """Sentences of classes in clouds that overlap little, `count` a split, with their vectors."""
    random = np.random.default_rng(1)
    rows: list[np.ndarray] = []
    data = TransferData(name="t", splits={})
    for split in splits:
        labels = [int(label) for label in random.integers(0, classes, count)]
        data.splits[split] = [Example((f"{split} {place}",), label) for place, label in enumerate(labels)]
        rows += [4 * np.eye(8)[label] + random.normal(size=8) for label in labels]
    return data, Vectors(sentence_index([data]), np.array(rows, dtype=np.float32))


@pytest.mark.parametrize("splits", [("all",), ("train", "test"), ("train", "dev", "test")])
@pytest.mark.parametrize("classes", [2, 4])
def test_every_method_learns_what_can_be_learnt(splits: tuple[str, ...], classes: int) -> None:
    data, vectors = clouds(classes, 120, splits)
    score = data.score(vectors, lambda: None)
    assert score.value is not None
    assert score.value > 0.95
    predicted = score.predictions["accuracy"]
    gold = [example.label for example in data.splits[splits[-1]]]
    assert score.value == pytest.approx(np.mean([p == g for p, g in zip(predicted, gold, strict=True)]))
    assert len(score.detail["c"]) == (10 if splits == ("all",) else 1)
    assert set(score.detail["c"]) <= set(
        senteval_protocol.WIDE if splits == ("train", "test") else senteval_protocol.NARROW
    )


def test_pairs_are_scored_on_difference_and_product_with_the_f1_of_class_1() -> None:
    random = np.random.default_rng(2)
    base = random.normal(size=(240, 6))
    other = np.where((np.arange(240) % 2 == 0)[:, None], base, random.normal(size=(240, 6)))
    examples = [Example((f"a{n}", f"b{n}"), int(n % 2 == 0)) for n in range(240)]
    data = TransferData(name="t", splits={"train": examples[:160], "test": examples[160:]}, f1=True)
    index = {f"{side}{n}": 2 * n + (side == "b") for n in range(240) for side in "ab"}
    score = data.score(Vectors(index, np.stack((base, other), axis=1).reshape(480, 6)), lambda: None)
    assert score.value is not None
    assert score.value > 0.9  # neither side alone tells the classes apart
    predicted, gold = np.array(score.predictions["accuracy"]), np.array([example.label for example in examples[160:]])
    hits = int((predicted * gold).sum())
    assert score.metrics["f1"] == pytest.approx(2 * hits / (predicted.sum() + gold.sum()))


@pytest.mark.parametrize("labels", [[0] * 30, [0] * 30 + [1] * 9])
def test_too_few_of_a_class_is_undefined_with_a_reason(labels: list[int]) -> None:
    data = TransferData(
        name="t", splits={"all": [Example((str(n),), label) for n, label in enumerate(labels)]}, f1=True
    )
    score = data.score(Vectors({str(n): n for n in range(40)}, np.ones((40, 2))), lambda: None)
    assert score.metrics == {"accuracy": None, "f1": None}
    assert "two classes of at least 10 examples are needed" in score.notes[0]


def test_a_cancelled_run_stops_between_folds() -> None:
    data, vectors = clouds(2, 60, ("all",))
    calls: Iterator[int] = iter(range(100))

    def pause() -> None:
        if next(calls) == 3:
            raise SyncseError("Stopped", "Asked to.", "Again.", code=ExitCode.INTERRUPTED)

    with pytest.raises(SyncseError, match="Stopped"):
        data.score(vectors, pause)
    assert next(calls) == 4
