"""What the kernel keeps a worker from: a network of its own, system calls refused, files not opened. Knows no run."""
