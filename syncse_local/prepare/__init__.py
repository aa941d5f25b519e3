"""From what a person named to a complete spec: names resolved, the input looked at once, memory checked."""
