"""Evaluation: choose an encoder and tasks, start a run, watch the table fill. Knows the arguments of `eval`."""

from tui.screens.job_form import JobScreen
from tui.widgets.form import PATHS, Field

FAMILIES = ("sts", "reranking", "transfer", "starter")
EMPTY = "No evaluation yet.\n\ne edits the form, s starts the run.\nEmpty fields measure the starter encoder on the bundled pairs."


class EvaluateScreen(JobScreen):
    """`syncse eval`."""

    MODE, FOLLOWS, VERB = "evaluate", "eval", "eval"
    EMPTY = EMPTY
    FIELDS = (
        Field(
            "encoder", "encoder", hint="a directory or a name (2 lists them); empty: the starter encoder", suggest=PATHS
        ),
        Field("tasks", "tasks", "--tasks", "sts, reranking, transfer, or tasks by name", FAMILIES, several=True),
        Field("senteval", "SentEval", "--senteval", "its data directory, for STS and transfer", PATHS),
        Field("reranking", "reranking", "--reranking", "directory with the reranking sets", PATHS),
        Field("device", "device", "--device", "auto, cpu, cuda or mps", ("auto", "cpu", "cuda", "mps")),
        Field("more", "more", "*", "any other flag of `syncse eval`"),
    )
