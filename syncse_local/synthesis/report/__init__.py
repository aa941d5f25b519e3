"""The report on what a run made: how diverse it is, how good, and what it cost."""
