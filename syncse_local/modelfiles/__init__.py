"""What a model file or directory says about itself, and its one identity. Loads no weights."""
