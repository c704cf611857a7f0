-- Background jobs. One row for each kind and subject: asked for again, the same row is queued again, so that the table grows
-- with what there is to work on and not with time.
CREATE TABLE jobs (
    id VARCHAR(64) PRIMARY KEY,
    kind VARCHAR(64) NOT NULL,
    -- What it is about, such as a configuration's id.
    subject VARCHAR(255) NOT NULL,
    payload TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    attempts BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    -- When it is to run, or was.
    run_at BIGINT NOT NULL,
    -- When a worker may take it: `run_at` while it is queued, the end of the lease while it runs, null when it has ended.
    due_at BIGINT,
    -- The claim under which it runs. Only who holds it may write what came of it.
    lease VARCHAR(64),
    -- Asked for again while it ran: it is queued once more when it has ended.
    rerun BOOLEAN NOT NULL,
    -- Somebody wants it to stop; whoever runs it finds out when renewing the lease.
    cancelling BOOLEAN NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    finished_at BIGINT
);
-- The subject first: jobs are looked for by what they are about.
CREATE UNIQUE INDEX jobs_subject ON jobs (subject, kind);
-- Claims read its first entry; jobs that have ended are not in it.
CREATE INDEX jobs_due ON jobs (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_created ON jobs (created_at, id);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
