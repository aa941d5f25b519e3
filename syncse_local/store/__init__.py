"""The workspace's one SQLite file: opening it, numbered migrations, queries. Knows no engine and no screen."""
