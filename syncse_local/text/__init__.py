"""Text of strangers - models, files, people: read, cleaned, and shown safely. Knows no run and no store."""
