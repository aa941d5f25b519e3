"""The terminal front end: a pure snapshot over `syncse_local.api`. Knows no engine, no SQL and no subprocess."""
