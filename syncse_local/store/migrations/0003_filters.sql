-- Filters: what each said of each triplet of a run, one application after another, and what was measured for them.
CREATE TABLE filtering (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (id),
    params TEXT NOT NULL,
    params_hash TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}',
    judged INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'writing',
    created REAL NOT NULL
);
CREATE INDEX filtering_run ON filtering (run_id, id);
CREATE TABLE verdict (
    filtering_id INTEGER NOT NULL REFERENCES filtering (id),
    ordinal INTEGER NOT NULL,
    filter TEXT NOT NULL,
    version INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    score REAL,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (filtering_id, ordinal, filter)
) WITHOUT ROWID;
CREATE TABLE measurement (
    instrument TEXT NOT NULL,
    key BLOB NOT NULL,
    value REAL,
    PRIMARY KEY (instrument, key)
) WITHOUT ROWID;
-- A run's latest whole application; none where a later parser has changed the texts that were judged.
CREATE VIEW current_filtering AS
SELECT id, run_id, params, params_hash, detail, judged, created
FROM filtering AS a
WHERE id = (SELECT max(id) FROM filtering AS b WHERE b.run_id = a.run_id AND b.state = 'done');
CREATE VIEW judged_triplet AS
SELECT
    t.*,
    coalesce((SELECT group_concat(v.filter, ' ') FROM verdict AS v
              WHERE v.filtering_id = f.id AND v.ordinal = t.ordinal AND v.verdict = 'drop'), '') AS dropped_by,
    coalesce((SELECT group_concat(v.filter, ' ') FROM verdict AS v
              WHERE v.filtering_id = f.id AND v.ordinal = t.ordinal AND v.verdict = 'flag'), '') AS flagged_by,
    EXISTS (SELECT 1 FROM verdict AS v
            WHERE v.filtering_id = f.id AND v.ordinal = t.ordinal AND v.verdict = 'swap') AS swapped
FROM triplet AS t LEFT JOIN current_filtering AS f ON f.run_id = t.run_id;
