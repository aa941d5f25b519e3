-- Requests that were asked in vain: the last fault of each. A fault is no answer, so it has no place among the responses.
CREATE TABLE fault (
    request_id INTEGER PRIMARY KEY REFERENCES request (id),
    kind TEXT NOT NULL,
    said TEXT NOT NULL,
    text TEXT NOT NULL DEFAULT '',
    times INTEGER NOT NULL DEFAULT 1,
    created REAL NOT NULL
);
-- Earlier versions kept faults as answers: they become faults, unless a person has had a word on the triplet.
INSERT INTO fault (request_id, kind, said, text, created)
SELECT request_id, 'earlier version', error, text, created FROM response
WHERE finish IN ('error', 'cancelled') AND NOT EXISTS (
    SELECT 1 FROM request AS r JOIN review AS v ON r.key IN (v.positive_request, v.negative_request)
    WHERE r.id = response.request_id
);
DELETE FROM parse WHERE request_id IN (SELECT request_id FROM fault);
DELETE FROM decision WHERE request_id IN (SELECT request_id FROM fault);
DELETE FROM response WHERE request_id IN (SELECT request_id FROM fault);
-- What a judge could not tell because it was not there is asked again; what it did answer is read from its answers.
DELETE FROM measurement WHERE value IS NULL AND instrument LIKE 'judge:%' AND EXISTS (SELECT 1 FROM fault);
-- Triplets as front ends list them: those without an answer go, and the numbers of decisions may be given anew.
INSERT INTO card_text (card_text, rowid, sentence, positive, negative, tags)
SELECT 'delete', id, sentence, positive, negative, tags FROM card
WHERE (run_id, ordinal) IN (
    SELECT p.run_id, p.ordinal FROM fault JOIN plan AS f ON f.request_id = fault.request_id
    JOIN plan AS p ON p.run_id = f.run_id AND p.sentence_id = f.sentence_id AND p.sample = f.sample
        AND p.role = 'positive'
);
DELETE FROM card
WHERE (run_id, ordinal) IN (
    SELECT p.run_id, p.ordinal FROM fault JOIN plan AS f ON f.request_id = fault.request_id
    JOIN plan AS p ON p.run_id = f.run_id AND p.sentence_id = f.sentence_id AND p.sample = f.sample
        AND p.role = 'positive'
);
UPDATE card_mark SET decision = min(decision, (SELECT coalesce(max(id), 0) FROM decision));
UPDATE run SET state = 'incomplete', error = json_object(
    'title', 'The run is incomplete',
    'detail', 'Some of its requests have errors in place of answers, which an earlier version kept.',
    'hint', 'Ask again: syncse resume ' || id,
    'code', 1
)
WHERE state = 'done' AND id IN (SELECT p.run_id FROM fault JOIN plan AS p ON p.request_id = fault.request_id);
