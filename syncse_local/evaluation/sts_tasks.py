"""The STS tasks: SentEval's layout first, then SemEval's releases under the names of their archives, then MTEB's copies."""

from typing import Literal

from syncse_local.evaluation.task import Place, Task

_FILES = "syncse_local.evaluation.sts_files"
_RAW = "SemEval's own release; SentEval's files are tokenised and lower-cased, so figures differ a little"
_RAW_YEARS = {
    12: "test-gold",
    13: "test-gs",
    14: "sts-en-test-gs-2014",
    15: "test_evaluation_task2a",
    16: "sts2016-english-with-gs-v1.0",
}
_RAW_STSB = "the benchmark's own release; SentEval's files are tokenised, so figures differ a little"
_RAW_SICK = "the set's own release, with SentEval's text"
_MTEB = "MTEB's copy, of SemEval's own text and without subsets"
_MTEB_SICK = "MTEB's copy, which holds training, trial and test rows as one"


def _year(year: int, official_count: int, *subsets: str) -> Task:
    archive, folder = f"STS20{year}-en-test", _RAW_YEARS[year]
    reader = f"{_FILES}:read_sts_year"
    raw = (folder, f"{archive}/{folder}", archive)
    return Task(
        name=f"STS{year}",
        title=f"SemEval STS 20{year}, all subsets concatenated",
        path=f"STS/STS{year}-en-test",
        official_count=official_count,
        reader=reader,
        subsets=subsets,
        elsewhere=(*_places(raw, reader, _RAW), *_mteb(f"sts{year}-sts", f"STS{year}")),
    )


def _places(paths: tuple[str, ...], reader: str, note: str) -> tuple[Place, ...]:
    """The paths, in the directory given and in its STS or SICK directory."""
    return tuple(Place(above + path, reader, note) for path in paths for above in ("", "STS/", "SICK/"))


def _mteb(*names: str, note: str = _MTEB) -> tuple[Place, ...]:
    return tuple(Place(above + n, f"{_FILES}:read_mteb", note) for n in names for above in ("", "mteb/"))


def _stsb(name: str, split: Literal["test", "dev"], official_count: int) -> Task:
    file, reader = f"sts-{split}.csv", f"{_FILES}:read_stsb"
    return Task(
        name=name,
        title=f"STS benchmark, {split}",
        path=f"STS/STSBenchmark/{file}",
        official_count=official_count,
        reader=reader,
        split=split,
        elsewhere=(
            *_places((f"stsbenchmark/{file}", file), reader, _RAW_STSB),
            *_mteb("stsbenchmark-sts", "STSBenchmark"),
        ),
    )


def _sick(name: str, split: Literal["test", "dev"], file: str, official_count: int) -> Task:
    reader = f"{_FILES}:read_sick"
    return Task(
        name=name,
        title=f"SICK relatedness, {'test' if split == 'test' else 'trial'}",
        path=f"SICK/{file}",
        official_count=official_count,
        reader=reader,
        split=split,
        elsewhere=(*_places((file, "SICK.txt"), reader, _RAW_SICK), *_mteb("sickr-sts", "SICK-R", note=_MTEB_SICK)),
    )


STS = (
    _year(12, 3108, "MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"),
    # The SMT subset of 2013 may not be redistributed; SentEval and every figure quoted from it do without.
    _year(13, 1500, "FNWN", "OnWN", "headlines"),
    _year(14, 3750, "OnWN", "deft-forum", "deft-news", "headlines", "images", "tweet-news"),
    _year(15, 3000, "answers-forums", "answers-students", "belief", "headlines", "images"),
    _year(16, 1186, "answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
    _stsb("STSB", "test", 1379),
    _sick("SICKR", "test", "SICK_test_annotated.txt", 4927),
    _stsb("STSB-dev", "dev", 1500),
    _sick("SICKR-dev", "dev", "SICK_trial.txt", 500),
)
