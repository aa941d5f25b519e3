"""llama.cpp in this process: prefixes decoded once, continuous batching, attention over shared prefixes."""
