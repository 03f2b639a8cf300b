-- The library's own, as PostgresStore.schema has it: one row for each user who is logged in.
CREATE TABLE IF NOT EXISTS parallel_account_logins (
    key text PRIMARY KEY,
    record text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- A session is known by the hash of its cookie, so that who reads the table cannot act for users.
CREATE TABLE sessions (
    id text PRIMARY KEY,
    user_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A login that nobody has approved yet. The record holds the device code, a secret.
CREATE TABLE pending_logins (
    id text PRIMARY KEY,
    user_id text NOT NULL,
    record text NOT NULL,
    user_code text NOT NULL,
    verification_uri text NOT NULL,
    expires_at timestamptz NOT NULL,
    poll_at timestamptz NOT NULL
);

-- This program's client ID, registered once for all workers.
CREATE TABLE registration (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    client_id text NOT NULL
);
