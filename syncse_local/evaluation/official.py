"""Is this the published set? Counts, SHA-256 of the files, and whether the text is English at all.

`official.sha256` has the sums of SentEval's files, as `sha256sum -c` takes them in the directory `downstream`. A difference
is said and takes the word "complete" from a task; nothing is refused here.
"""

import hashlib
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path

from syncse_local.evaluation.base import TaskData
from syncse_local.evaluation.tasks import FAMILIES, Task
from syncse_local.text.language import script_share, small_words

SUMS = Path(__file__).with_name("official.sha256")
_LOOKED_AT = 400  # sentences, enough to tell a language by its small words
_TELLING = 50  # small words under which nothing is said of the language


def check(task: Task, data: TaskData) -> None:
    """Add what differs from the published set to the notes of `data`, and its files' sums to the provenance."""
    said = [_counts(task, data), _sums(data), _language(data) if task.english else ""]
    data.notes += [note for note in said if note]
    data.complete = data.complete and not any(said)


@cache
def official_sums() -> dict[str, str]:
    """SHA-256 by path below `downstream`."""
    lines = SUMS.read_text(encoding="ascii").splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def official_sum(file: Path) -> str:
    """The official SHA-256 of a file that lies where SentEval has it; empty where none is known."""
    for parts in (3, 2):
        if found := official_sums().get("/".join(file.parts[-parts:])):
            return found
    return ""


def _counts(task: Task, data: TaskData) -> str:
    if task.official_count in (None, data.items):
        return ""
    return f"{data.items} scored {FAMILIES[task.family].unit} where the published set has {task.official_count}"


def _sums(data: TaskData) -> str:
    differing = []
    for file in data.files:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        wanted = official_sum(file)
        data.provenance.append({"file": file.name, "sha256": digest, "official": digest == wanted if wanted else None})
        if wanted not in ("", digest):
            differing.append(f"{file.name} (sha256 {digest[:12]}, official {wanted[:12]})")
    return f"not SentEval's file: {', '.join(differing)}" if differing else ""


def _language(data: TaskData) -> str:
    sentences = list(islice(data.sentences(), _LOOKED_AT))
    latin = script_share(" ".join(sentences), frozenset(("LATIN",)))
    if latin < 0.5:
        return f"the published set is English; {100 * (1 - latin):.0f} % of the letters here are of another script"
    seen = sum((small_words(sentence) for sentence in sentences), Counter[str]())
    name, most = max(seen.items(), key=lambda item: item[1], default=("en", 0))
    if name == "en" or most < _TELLING or seen["en"] > most / 2:
        return ""
    return f"the published set is English; these sentences read like language {name!r}"
