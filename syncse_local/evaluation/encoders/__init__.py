"""Whatever turns sentences into vectors: transformer directories, GGUF files, static embeddings. Loads nothing by itself."""
