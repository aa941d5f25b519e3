-- What an eval run predicted, a column of numbers a task; and what this machine's training noise was measured to be.
CREATE TABLE prediction (
    run_id TEXT NOT NULL REFERENCES run (id),
    task TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    items INTEGER NOT NULL,
    items_sha256 TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run_id, task, name)
);
CREATE TABLE calibration (
    id INTEGER PRIMARY KEY,
    machine TEXT NOT NULL,
    encoder TEXT NOT NULL,
    encoder_sha256 TEXT NOT NULL,
    data TEXT NOT NULL,
    data_sha256 TEXT NOT NULL,
    options TEXT NOT NULL,
    seeds TEXT NOT NULL,
    runs TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE TABLE noise_floor (
    calibration_id INTEGER NOT NULL REFERENCES calibration (id),
    task TEXT NOT NULL,
    metric TEXT NOT NULL,
    items_sha256 TEXT NOT NULL,
    seed_values TEXT NOT NULL,
    mean REAL NOT NULL,
    sd REAL NOT NULL,
    PRIMARY KEY (calibration_id, task, metric)
) WITHOUT ROWID;
