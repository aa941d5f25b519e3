-- What persons said of triplets. Rows are never changed: an undo is a row that names the one it takes back.
CREATE TABLE review (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    positive_request TEXT NOT NULL,
    negative_request TEXT NOT NULL,
    action TEXT NOT NULL,
    positive TEXT NOT NULL DEFAULT '',
    negative TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    undoes TEXT NOT NULL DEFAULT '',
    author TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX review_pair ON review (positive_request, negative_request, id);
CREATE INDEX review_undoes ON review (undoes);
CREATE VIEW standing_review AS
SELECT id, key, positive_request, negative_request, action, positive, negative, note, author, created
FROM review AS a
WHERE action <> 'undo' AND NOT EXISTS (SELECT 1 FROM review AS u WHERE u.undoes = a.key);
-- The last word on each triplet, whoever said it.
CREATE VIEW current_review AS
SELECT * FROM standing_review AS a
WHERE id = (SELECT max(b.id) FROM standing_review AS b
            WHERE b.positive_request = a.positive_request AND b.negative_request = a.negative_request);
CREATE VIEW reviewed_triplet AS
SELECT j.*, coalesce(r.action, '') AS review, coalesce(r.author, '') AS reviewer, r.created AS reviewed,
    coalesce(r.positive, '') AS edited_positive, coalesce(r.negative, '') AS edited_negative
FROM judged_triplet AS j LEFT JOIN current_review AS r
    ON r.positive_request = j.positive_request AND r.negative_request = j.negative_request;
ALTER TABLE card_mark ADD COLUMN review INTEGER NOT NULL DEFAULT 0;
