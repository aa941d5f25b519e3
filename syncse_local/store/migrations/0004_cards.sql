-- Triplets as front ends browse them: one flat row each, with a full-text index, brought up to date from the ledger.
CREATE TABLE card (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (id),
    ordinal INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    prompt TEXT NOT NULL,
    tags TEXT NOT NULL,
    sentence TEXT NOT NULL,
    positive TEXT NOT NULL,
    negative TEXT NOT NULL,
    words INTEGER NOT NULL,
    positive_overlap REAL NOT NULL,
    negative_overlap REAL NOT NULL,
    UNIQUE (run_id, ordinal)
);
CREATE INDEX card_state ON card (run_id, state, ordinal);
CREATE INDEX card_reason ON card (run_id, reason, ordinal);
CREATE INDEX card_prompt ON card (run_id, prompt, ordinal);
CREATE INDEX card_words ON card (run_id, words, ordinal, state, reason, prompt);
CREATE INDEX card_positive ON card (run_id, positive_overlap, ordinal, state, reason, prompt);
CREATE INDEX card_negative ON card (run_id, negative_overlap, ordinal, state, reason, prompt);
CREATE VIRTUAL TABLE card_text USING fts5 (
    sentence, positive, negative, tags, content = 'card', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
-- How far each run's cards are: the last decision and the application of filters that they show.
CREATE TABLE card_mark (
    run_id TEXT PRIMARY KEY,
    decision INTEGER NOT NULL DEFAULT 0,
    filtering INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX request_context ON request (role, context_id);
-- The same views, told which index joins the two halves of a triplet: without statistics SQLite goes through a whole run.
DROP VIEW judged_triplet;
DROP VIEW triplet;
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
JOIN plan AS n INDEXED BY plan_pair ON n.run_id = p.run_id AND n.sentence_id = p.sentence_id AND n.sample = p.sample AND n.role = 'negative'
JOIN sentence AS s ON s.id = p.sentence_id
JOIN request AS pr ON pr.id = p.request_id
JOIN request AS nr ON nr.id = n.request_id
JOIN latest_parse AS pp ON pp.request_id = p.request_id
JOIN latest_parse AS np ON np.request_id = n.request_id
JOIN latest_decision AS pd ON pd.request_id = p.request_id
JOIN latest_decision AS nd ON nd.request_id = n.request_id
WHERE p.role = 'positive';
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
