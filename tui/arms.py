"""Which evaluations are marked for a comparison, and under which arm's name. Knows runs; knows no widget."""

from collections.abc import Iterator, Sequence

from syncse_local.api import Run

Arm = tuple[str, tuple[str, ...]]
"""A name, empty for a run that stands for itself, and the ids of its runs."""


class Marks:
    """Marked runs in the order of marking. Runs that share a name are the seeds of one arm."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._names

    def name(self, run_id: str) -> str:
        """The arm's name; empty where it has none or the run is not marked."""
        return self._names.get(run_id, "")

    def toggle(self, run_id: str) -> None:
        """Mark a run as an arm of its own, or take its mark away."""
        if self._names.pop(run_id, None) is None:
            self._names[run_id] = ""

    def put(self, run_id: str, name: str) -> None:
        """Mark a run as one of the arm of this name; a leading hyphen would be a flag of the command and is dropped."""
        self._names[run_id] = name.strip().lstrip("-").strip()

    def arms(self) -> Iterator[Arm]:
        """The arms in the order of their first marks."""
        seen: set[str] = set()
        for run_id, name in self._names.items():
            if not name:
                yield "", (run_id,)
            elif name not in seen:
                seen.add(name)
                yield name, tuple(other for other, of in self._names.items() if of == name)

    def arguments(self) -> list[str]:
        """The arms as `syncse compare` takes them: RUN, or NAME=RUN,RUN."""
        return [f"{name}={','.join(ids)}" if name else ids[0] for name, ids in self.arms()]


def comparable(runs: Sequence[Run]) -> list[Run]:
    """The evaluations that have finished, the newest first."""
    return [run for run in runs if run.kind == "eval" and run.state == "done"]
