"""Numbered, append-only migrations: one SQL file each, applied in order of name by sqlite-utils."""
