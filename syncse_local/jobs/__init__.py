"""One run per process: a supervisor watches a worker, both hold the run's lock. Front ends only read and write rows."""
