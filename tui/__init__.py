"""The terminal front end: a pure view over `syncse_local.api`. Knows no engine, no SQL and no subprocess."""
