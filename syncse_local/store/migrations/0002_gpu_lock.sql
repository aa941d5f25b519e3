-- Who uses each GPU now. A lock file is what keeps others out; these rows are what front ends read.
CREATE TABLE gpu_lock (
    device INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (id),
    pid INTEGER NOT NULL,
    since REAL NOT NULL
);
