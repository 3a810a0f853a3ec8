-- Portable types only: the same text runs on SQLite and PostgreSQL. Encrypted by the program: accounts.otp_secret,
-- sources.identity, individuals.contacts, relations.note.
CREATE TABLE organisations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    aliases TEXT NOT NULL,
    kind TEXT NOT NULL,
    country TEXT,
    website TEXT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    retired_at TIMESTAMP
);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CONSTRAINT accounts_role CHECK (role IN ('admin', 'staff', 'partner', 'dashboard')),
    password_hash TEXT NOT NULL,
    otp_secret TEXT,
    otp_active BOOLEAN NOT NULL,
    otp_step BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    disabled_at TIMESTAMP
);

CREATE TABLE recovery_codes (
    code_hash TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id)
);
CREATE INDEX recovery_codes_account ON recovery_codes (account_id);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    shown_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id);

CREATE TABLE refresh_tokens (
    token_hash TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    created_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);

-- Machines that speak for an account, and their access tokens that were revoked before they expired.
CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    addresses TEXT NOT NULL,
    expires_on DATE NOT NULL,
    key_hash TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_used_at TIMESTAMP,
    revoked_at TIMESTAMP
);
CREATE INDEX clients_account ON clients (account_id);

CREATE TABLE revoked_tokens (
    token_id TEXT NOT NULL PRIMARY KEY,
    expires_at TIMESTAMP NOT NULL
);

-- The generations of the key that signs access tokens; the keys themselves derive from the installation's secret.
CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL UNIQUE,
    signs_from TIMESTAMP NOT NULL,
    removed_at TIMESTAMP
);

-- Failed log-ins, by digests of whom and from where: what slows down survives a restart.
CREATE TABLE log_in_failures (
    key TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at TIMESTAMP NOT NULL,
    known BOOLEAN NOT NULL
);
CREATE INDEX log_in_failures_last ON log_in_failures (last_at);

-- Of records that are shared field by field, when a field last changed that insiders, partners or everyone may see:
-- the time of a change tells of it.
CREATE TABLE sources (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    sharing TEXT NOT NULL CONSTRAINT sources_sharing CHECK (sharing IN ('public', 'partners', 'internal', 'restricted')),
    title TEXT NOT NULL,
    publisher TEXT,
    address TEXT,
    published_on TEXT,
    language TEXT,
    kind TEXT,
    reliability TEXT NOT NULL,
    statement_id TEXT,
    notes TEXT,
    identity TEXT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    partners_updated_at TIMESTAMP NOT NULL,
    public_updated_at TIMESTAMP NOT NULL,
    retired_at TIMESTAMP
);

CREATE TABLE individuals (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    sharing TEXT NOT NULL CONSTRAINT individuals_sharing CHECK (sharing IN ('public', 'partners', 'internal', 'restricted')),
    names TEXT NOT NULL,
    names_folded TEXT NOT NULL,
    sex TEXT NOT NULL,
    born_on TEXT,
    born_earliest DATE,
    born_latest DATE,
    died_on TEXT,
    country TEXT,
    ethnicity TEXT,
    religion TEXT,
    occupations TEXT NOT NULL,
    biography TEXT,
    identifiers TEXT NOT NULL,
    notes TEXT,
    contacts TEXT,
    source_id TEXT REFERENCES sources (id),
    partners_until DATE,
    public_until DATE,
    health_partners_until DATE,
    health_public_until DATE,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    partners_updated_at TIMESTAMP NOT NULL,
    public_updated_at TIMESTAMP NOT NULL,
    retired_at TIMESTAMP
);
CREATE INDEX individuals_updated ON individuals (updated_at, id);
CREATE INDEX individuals_partners_updated ON individuals (partners_updated_at, id);
CREATE INDEX individuals_country ON individuals (country, id);

-- What a person, or who may speak for them, has said of publicity; the last one recorded holds.
CREATE TABLE consents (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    individual_id TEXT NOT NULL REFERENCES individuals (id),
    state TEXT NOT NULL CONSTRAINT consents_state CHECK (state IN ('not_asked', 'given', 'refused', 'withdrawn', 'cannot_be_obtained')),
    given_by TEXT,
    given_on TEXT,
    scopes TEXT NOT NULL,
    expires_on DATE,
    evidence TEXT,
    source_id TEXT REFERENCES sources (id),
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES accounts (id)
);
CREATE INDEX consents_individual ON consents (individual_id);

-- Publicity without consent, by two people.
CREATE TABLE consent_overrides (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    individual_id TEXT NOT NULL REFERENCES individuals (id),
    scopes TEXT NOT NULL,
    reason TEXT NOT NULL,
    expires_on DATE,
    proposed_by TEXT NOT NULL REFERENCES accounts (id),
    proposed_at TIMESTAMP NOT NULL,
    confirmed_by TEXT REFERENCES accounts (id),
    confirmed_at TIMESTAMP,
    ended_at TIMESTAMP
);
CREATE INDEX consent_overrides_individual ON consent_overrides (individual_id);

CREATE TABLE relations (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    individual_id TEXT NOT NULL REFERENCES individuals (id),
    kind TEXT NOT NULL,
    other_id TEXT NOT NULL REFERENCES individuals (id),
    note TEXT,
    opened_because TEXT,
    source_id TEXT REFERENCES sources (id),
    created_at TIMESTAMP NOT NULL,
    retired_at TIMESTAMP
);
CREATE INDEX relations_individual ON relations (individual_id);
CREATE INDEX relations_other ON relations (other_id);

-- Whether two people are one, as somebody has judged: those judged to be different are not warned of again. The pair
-- stands in the order of its ids; the last judgement of it is the one that is not retired.
CREATE TABLE judgements (
    id TEXT NOT NULL PRIMARY KEY,
    individual_id TEXT NOT NULL REFERENCES individuals (id),
    other_id TEXT NOT NULL REFERENCES individuals (id),
    verdict TEXT NOT NULL CONSTRAINT judgements_verdict CHECK (verdict IN ('different', 'same')),
    reason TEXT,
    judged_by TEXT NOT NULL REFERENCES accounts (id),
    judged_at TIMESTAMP NOT NULL,
    retired_at TIMESTAMP
);
CREATE INDEX judgements_individual ON judgements (individual_id);
CREATE INDEX judgements_other ON judgements (other_id);

-- That one person was merged into another. `moved` is JSON of a closed shape checked by the program: what an undo puts
-- back.
CREATE TABLE merges (
    id TEXT NOT NULL PRIMARY KEY,
    individual_id TEXT NOT NULL REFERENCES individuals (id),
    other_id TEXT NOT NULL REFERENCES individuals (id),
    reason TEXT NOT NULL,
    moved TEXT NOT NULL,
    merged_by TEXT NOT NULL REFERENCES accounts (id),
    merged_at TIMESTAMP NOT NULL,
    undone_by TEXT REFERENCES accounts (id),
    undone_at TIMESTAMP,
    undo_reason TEXT
);
CREATE INDEX merges_individual ON merges (individual_id);
CREATE INDEX merges_other ON merges (other_id);

CREATE TABLE cases (
    id TEXT NOT NULL PRIMARY KEY,
    individual_id TEXT NOT NULL REFERENCES individuals (id),
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    sharing TEXT NOT NULL CONSTRAINT cases_sharing CHECK (sharing IN ('public', 'partners', 'internal', 'restricted')),
    country TEXT NOT NULL,
    opened_on TEXT,
    closed_on TEXT,
    concerns TEXT NOT NULL,
    impugned_activity TEXT,
    summary TEXT,
    notes TEXT,
    officer_id TEXT REFERENCES accounts (id),
    source_id TEXT REFERENCES sources (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    partners_updated_at TIMESTAMP NOT NULL,
    public_updated_at TIMESTAMP NOT NULL,
    retired_at TIMESTAMP
);
CREATE INDEX cases_individual ON cases (individual_id);
CREATE INDEX cases_country ON cases (country, id);
CREATE INDEX cases_updated ON cases (updated_at, id);
CREATE INDEX cases_partners_updated ON cases (partners_updated_at, id);

-- Who may see a restricted record: the members of its team, whatever their role.
CREATE TABLE team_members (
    record_id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    joined_at TIMESTAMP NOT NULL,
    PRIMARY KEY (record_id, account_id)
);
CREATE INDEX team_members_account ON team_members (account_id);

-- Dated facts of a case: custody stages, charges, sentences, health reports. What they share stands in
-- columns; what is particular to a kind is its `particulars`, JSON of a closed shape checked by the program.
CREATE TABLE facts (
    id TEXT NOT NULL PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases (id),
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    kind TEXT NOT NULL CONSTRAINT facts_kind CHECK (kind IN ('custody', 'charge', 'sentence', 'health')),
    sharing TEXT NOT NULL CONSTRAINT facts_sharing CHECK (sharing IN ('public', 'partners', 'internal', 'restricted')),
    source_id TEXT REFERENCES sources (id),
    information TEXT NOT NULL,
    rank TEXT NOT NULL,
    holds_from TEXT NOT NULL,
    earliest DATE NOT NULL,
    latest DATE NOT NULL,
    particulars TEXT NOT NULL,
    notes TEXT,
    supersedes TEXT REFERENCES facts (id),
    superseded_by TEXT,
    reason TEXT,
    retraction_reason TEXT,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES accounts (id),
    updated_at TIMESTAMP NOT NULL,
    retracted_at TIMESTAMP
);
CREATE INDEX facts_case ON facts (case_id, kind);
CREATE INDEX facts_updated ON facts (updated_at, case_id);

-- What partners propose of a case, until it is decided. `changes` and `facts` are JSON of closed shapes checked by the
-- program; nothing of it is on record before it is accepted.
CREATE TABLE submissions (
    id TEXT NOT NULL PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases (id),
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    sharing TEXT NOT NULL CONSTRAINT submissions_sharing CHECK (sharing IN ('public', 'partners', 'internal', 'restricted')),
    state TEXT NOT NULL CONSTRAINT submissions_state CHECK (state IN ('proposed', 'accepted', 'changed', 'refused', 'withdrawn')),
    changes TEXT NOT NULL,
    facts TEXT NOT NULL,
    note TEXT,
    submitted_by TEXT NOT NULL REFERENCES accounts (id),
    submitted_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES accounts (id),
    decided_at TIMESTAMP,
    reason TEXT
);
CREATE INDEX submissions_case ON submissions (case_id);
CREATE INDEX submissions_submitted ON submissions (submitted_at, id);

CREATE TABLE statements (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    sharing TEXT NOT NULL CONSTRAINT statements_sharing CHECK (sharing IN ('public', 'partners', 'internal', 'restricted')),
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    issuers TEXT NOT NULL,
    issued_on TEXT NOT NULL,
    issued_earliest DATE NOT NULL,
    issued_latest DATE NOT NULL,
    language TEXT NOT NULL,
    source_id TEXT REFERENCES sources (id),
    text TEXT NOT NULL,
    text_digest TEXT NOT NULL,
    words_folded TEXT NOT NULL,
    concerns TEXT NOT NULL,
    calls TEXT NOT NULL,
    related TEXT NOT NULL,
    notes TEXT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    partners_updated_at TIMESTAMP NOT NULL,
    public_updated_at TIMESTAMP NOT NULL,
    retired_at TIMESTAMP
);
CREATE INDEX statements_digest ON statements (text_digest);
CREATE INDEX statements_updated ON statements (updated_at, id);

CREATE TABLE mentions (
    id TEXT NOT NULL PRIMARY KEY,
    statement_id TEXT NOT NULL REFERENCES statements (id),
    individual_id TEXT NOT NULL REFERENCES individuals (id),
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    matched TEXT NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    why TEXT NOT NULL,
    state TEXT NOT NULL,
    decided_by TEXT REFERENCES accounts (id),
    decided_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    retired_at TIMESTAMP
);
CREATE INDEX mentions_statement ON mentions (statement_id);
CREATE INDEX mentions_individual ON mentions (individual_id);

CREATE TABLE policies (
    version INTEGER NOT NULL PRIMARY KEY,
    rule TEXT NOT NULL,
    adopted_at TIMESTAMP NOT NULL
);
INSERT INTO policies (version, rule, adopted_at) VALUES (1,
    '{"title":"Seriously ill first, then particularly long sentences","source":"Chinese Human Rights Defenders, 10 May 2010","serious_from":"serious","long_from_years":10,"points":{"seriously_ill":100,"long_sentence":50}}',
    '2010-05-10 00:00:00');

-- The ledger: one entry a record changed. The payload stands apart, so that a person's data can be erased
-- while the order stays whole.
CREATE TABLE ledger_entries (
    position BIGINT NOT NULL PRIMARY KEY CONSTRAINT ledger_entries_position CHECK (position > 0),
    at TIMESTAMP NOT NULL,
    actor_id TEXT,
    client_id TEXT,
    kind TEXT NOT NULL CONSTRAINT ledger_entries_kind CHECK (kind IN ('created', 'changed', 'retired', 'retracted', 'erased')),
    record_kind TEXT NOT NULL,
    record_id TEXT NOT NULL,
    parent_id TEXT,
    level TEXT NOT NULL,
    digest TEXT NOT NULL,
    payload_digest TEXT NOT NULL
);
CREATE UNIQUE INDEX ledger_entries_digest ON ledger_entries (digest);
CREATE INDEX ledger_entries_record ON ledger_entries (record_id, position);
CREATE INDEX ledger_entries_parent ON ledger_entries (parent_id, position);

CREATE TABLE ledger_payloads (
    position BIGINT NOT NULL PRIMARY KEY REFERENCES ledger_entries (position),
    salt TEXT NOT NULL,
    fields TEXT NOT NULL,
    reason TEXT
);

-- The ledger, and the second stream, as Merkle trees: their right edges, and the heads that were signed.
CREATE TABLE trees (
    name TEXT NOT NULL PRIMARY KEY,
    edge TEXT NOT NULL
);

CREATE TABLE checkpoints (
    tree TEXT NOT NULL,
    size BIGINT NOT NULL,
    note TEXT NOT NULL,
    signed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (tree, size)
);

-- Records that are not as their last entry says, found by the sweep: they answer 503 until staff settle them.
CREATE TABLE altered_records (
    record_kind TEXT NOT NULL,
    record_id TEXT NOT NULL,
    parent_id TEXT,
    level TEXT NOT NULL,
    what TEXT NOT NULL,
    found_at TIMESTAMP NOT NULL,
    PRIMARY KEY (record_kind, record_id)
);

-- What was erased on lawful request, or accepted as gone: that it was there, and no more.
CREATE TABLE tombstones (
    record_kind TEXT NOT NULL,
    record_id TEXT NOT NULL,
    erased_at TIMESTAMP NOT NULL,
    erased_by TEXT,
    basis TEXT NOT NULL,
    PRIMARY KEY (record_kind, record_id)
);

-- The second stream: log-ins, refusals, reads of what is restricted. Its positions are given as it is written.
CREATE TABLE access_events (
    position BIGINT NOT NULL PRIMARY KEY CONSTRAINT access_events_position CHECK (position > 0),
    at TIMESTAMP NOT NULL,
    account_id TEXT,
    client_id TEXT,
    kind TEXT NOT NULL,
    subject TEXT
);
CREATE INDEX access_events_at ON access_events (at, position);
