"""Training: choose triplets and encoder, start a run, watch loss and dev score. Knows the arguments of `train`."""

from tui.screens.job_form import JobScreen
from tui.widgets.form import PATHS, Field

POOLINGS = ("cls", "avg", "cls_before_pooler", "avg_top2", "avg_first_last")
EMPTY = "No training yet.\n\ne edits the form, s starts the run.\nName a generate run, or a file with triplets."


class TrainScreen(JobScreen):
    """`syncse train`."""

    MODE = FOLLOWS = VERB = "train"
    EMPTY = EMPTY
    FIELDS = (
        Field("runs", "triplets of", "--from", "generate runs, as in g1124-0a1b2c", several=True),
        Field("data", "or file", "--data", "anchor, positive and negative columns", PATHS),
        Field("encoder", "encoder", "--encoder", "a directory or a name (2 lists them); empty: the starter encoder"),
        Field("epochs", "epochs", "--epochs", "3"),
        Field("batch", "batch size", "--batch-size", "128"),
        Field("rate", "learning rate", "--learning-rate", "5e-5; the starter encoder likes 1e-4"),
        Field("pooling", "pooling", "--pooling", ", ".join(POOLINGS), POOLINGS),
        Field("patience", "patience", "--patience", "stop after N dev scores without a better one; 0: never"),
        Field("more", "more", "*", "any other flag of `syncse train`"),
    )
