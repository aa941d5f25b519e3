-- Runs and the bus between a worker and both front ends.
CREATE TABLE run (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'queued',
    options TEXT NOT NULL,
    created REAL NOT NULL,
    queued REAL NOT NULL,
    started REAL,
    ended REAL,
    cancel INTEGER NOT NULL DEFAULT 0,
    progress TEXT NOT NULL DEFAULT '{}',
    result TEXT NOT NULL DEFAULT '{}',
    error TEXT,
    blocked INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX run_created ON run (created);
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (id),
    time REAL NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX event_run ON event (run_id, id);
CREATE TABLE metric (
    run_id TEXT NOT NULL REFERENCES run (id),
    name TEXT NOT NULL,
    step INTEGER NOT NULL,
    value REAL NOT NULL,
    time REAL NOT NULL,
    PRIMARY KEY (run_id, name, step)
) WITHOUT ROWID;
CREATE TABLE score (
    run_id TEXT NOT NULL REFERENCES run (id),
    model TEXT NOT NULL,
    task TEXT NOT NULL,
    metric TEXT NOT NULL,
    value REAL,
    pairs INTEGER NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, model, task, metric)
) WITHOUT ROWID;

-- The ledger: sentence -> request -> response -> parse -> decision -> triplet.
CREATE TABLE sentence (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    prompt_id TEXT NOT NULL,
    context_id TEXT NOT NULL,
    turn TEXT NOT NULL,
    seed INTEGER NOT NULL,
    genre TEXT NOT NULL DEFAULT '',
    topics TEXT NOT NULL DEFAULT ''
);
CREATE TABLE plan (
    run_id TEXT NOT NULL REFERENCES run (id),
    ordinal INTEGER NOT NULL,
    request_id INTEGER NOT NULL REFERENCES request (id),
    sentence_id INTEGER REFERENCES sentence (id),
    role TEXT NOT NULL,
    sample INTEGER NOT NULL,
    PRIMARY KEY (run_id, role, ordinal)
) WITHOUT ROWID;
CREATE INDEX plan_pair ON plan (run_id, sentence_id, sample, role);
CREATE INDEX plan_request ON plan (request_id);
CREATE TABLE response (
    request_id INTEGER PRIMARY KEY REFERENCES request (id),
    text TEXT NOT NULL,
    finish TEXT NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    seconds REAL NOT NULL,
    created REAL NOT NULL
);
CREATE TABLE parse (
    request_id INTEGER NOT NULL REFERENCES request (id),
    version INTEGER NOT NULL,
    position INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL,
    failure TEXT,
    PRIMARY KEY (request_id, version, position)
) WITHOUT ROWID;
CREATE TABLE decision (
    id INTEGER PRIMARY KEY,
    request_id INTEGER NOT NULL REFERENCES request (id),
    source TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    author TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL
);
CREATE INDEX decision_request ON decision (request_id, id);
CREATE VIEW latest_parse AS
SELECT request_id, version, text, failure
FROM parse AS a
WHERE position = 0 AND version = (SELECT max(version) FROM parse AS b WHERE b.request_id = a.request_id);
CREATE VIEW latest_decision AS
SELECT request_id, source, verdict, reason, author, created
FROM decision AS a
WHERE id = (SELECT max(id) FROM decision AS b WHERE b.request_id = a.request_id);
CREATE VIEW triplet AS
SELECT
    p.run_id, p.ordinal, p.sample, s.key AS sentence_key, s.text AS sentence, s.source,
    pp.text AS positive, np.text AS negative,
    pd.verdict AS positive_verdict, pd.reason AS positive_reason,
    nd.verdict AS negative_verdict, nd.reason AS negative_reason,
    pr.prompt_id AS positive_prompt, nr.prompt_id AS negative_prompt,
    pr.context_id AS positive_context, nr.context_id AS negative_context,
    pr.key AS positive_request, nr.key AS negative_request,
    (pd.verdict = 'accept' AND nd.verdict = 'accept') AS accepted
FROM plan AS p
JOIN plan AS n ON n.run_id = p.run_id AND n.sentence_id = p.sentence_id AND n.sample = p.sample AND n.role = 'negative'
JOIN sentence AS s ON s.id = p.sentence_id
JOIN request AS pr ON pr.id = p.request_id
JOIN request AS nr ON nr.id = n.request_id
JOIN latest_parse AS pp ON pp.request_id = p.request_id
JOIN latest_parse AS np ON np.request_id = n.request_id
JOIN latest_decision AS pd ON pd.request_id = p.request_id
JOIN latest_decision AS nd ON nd.request_id = n.request_id
WHERE p.role = 'positive';
-- Model files hashed once, found again by path, size and modification time.
CREATE TABLE model_hash (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL
) WITHOUT ROWID;
