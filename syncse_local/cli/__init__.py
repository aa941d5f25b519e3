"""The headless front end: one file per verb, the same actions as the terminal UI, `--json`, and exit codes."""
