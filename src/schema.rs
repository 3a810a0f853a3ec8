//! The tables, in portable types only. Follows `migrations/`; a test compares both databases with it.

#![allow(missing_docs)]

diesel::table! {
    organisations (id) {
        id -> Text,
        name -> Text,
        aliases -> Text,
        kind -> Text,
        country -> Nullable<Text>,
        website -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    accounts (id) {
        id -> Text,
        organisation_id -> Text,
        email -> Text,
        name -> Text,
        role -> Text,
        password_hash -> Text,
        otp_secret -> Nullable<Text>,
        otp_active -> Bool,
        otp_step -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        disabled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    recovery_codes (code_hash) {
        code_hash -> Text,
        account_id -> Text,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        account_id -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        shown_at -> Timestamp,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        account_id -> Text,
        name -> Text,
        scopes -> Text,
        addresses -> Text,
        expires_on -> Date,
        key_hash -> Text,
        created_at -> Timestamp,
        last_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    revoked_tokens (token_id) {
        token_id -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    signing_keys (id) {
        id -> Text,
        generation -> BigInt,
        signs_from -> Timestamp,
        removed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Text,
        session_id -> Text,
        created_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    log_in_failures (key) {
        key -> Text,
        failures -> Integer,
        last_at -> Timestamp,
        known -> Bool,
    }
}

diesel::table! {
    sources (id) {
        id -> Text,
        organisation_id -> Text,
        sharing -> Text,
        title -> Text,
        publisher -> Nullable<Text>,
        address -> Nullable<Text>,
        published_on -> Nullable<Text>,
        language -> Nullable<Text>,
        kind -> Nullable<Text>,
        reliability -> Text,
        statement_id -> Nullable<Text>,
        notes -> Nullable<Text>,
        identity -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        partners_updated_at -> Timestamp,
        public_updated_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    individuals (id) {
        id -> Text,
        organisation_id -> Text,
        sharing -> Text,
        names -> Text,
        names_folded -> Text,
        sex -> Text,
        born_on -> Nullable<Text>,
        born_earliest -> Nullable<Date>,
        born_latest -> Nullable<Date>,
        died_on -> Nullable<Text>,
        country -> Nullable<Text>,
        ethnicity -> Nullable<Text>,
        religion -> Nullable<Text>,
        occupations -> Text,
        biography -> Nullable<Text>,
        identifiers -> Text,
        notes -> Nullable<Text>,
        contacts -> Nullable<Text>,
        source_id -> Nullable<Text>,
        partners_until -> Nullable<Date>,
        public_until -> Nullable<Date>,
        health_partners_until -> Nullable<Date>,
        health_public_until -> Nullable<Date>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        partners_updated_at -> Timestamp,
        public_updated_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    consents (id) {
        id -> Text,
        organisation_id -> Text,
        individual_id -> Text,
        state -> Text,
        given_by -> Nullable<Text>,
        given_on -> Nullable<Text>,
        scopes -> Text,
        expires_on -> Nullable<Date>,
        evidence -> Nullable<Text>,
        source_id -> Nullable<Text>,
        recorded_at -> Timestamp,
        recorded_by -> Text,
    }
}

diesel::table! {
    consent_overrides (id) {
        id -> Text,
        organisation_id -> Text,
        individual_id -> Text,
        scopes -> Text,
        reason -> Text,
        expires_on -> Nullable<Date>,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        confirmed_by -> Nullable<Text>,
        confirmed_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    relations (id) {
        id -> Text,
        organisation_id -> Text,
        individual_id -> Text,
        kind -> Text,
        other_id -> Text,
        note -> Nullable<Text>,
        opened_because -> Nullable<Text>,
        source_id -> Nullable<Text>,
        created_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    judgements (id) {
        id -> Text,
        individual_id -> Text,
        other_id -> Text,
        verdict -> Text,
        reason -> Nullable<Text>,
        judged_by -> Text,
        judged_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    merges (id) {
        id -> Text,
        individual_id -> Text,
        other_id -> Text,
        reason -> Text,
        moved -> Text,
        merged_by -> Text,
        merged_at -> Timestamp,
        undone_by -> Nullable<Text>,
        undone_at -> Nullable<Timestamp>,
        undo_reason -> Nullable<Text>,
    }
}

diesel::table! {
    cases (id) {
        id -> Text,
        individual_id -> Text,
        organisation_id -> Text,
        sharing -> Text,
        country -> Text,
        opened_on -> Nullable<Text>,
        closed_on -> Nullable<Text>,
        concerns -> Text,
        impugned_activity -> Nullable<Text>,
        summary -> Nullable<Text>,
        notes -> Nullable<Text>,
        officer_id -> Nullable<Text>,
        source_id -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        partners_updated_at -> Timestamp,
        public_updated_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    team_members (record_id, account_id) {
        record_id -> Text,
        account_id -> Text,
        joined_at -> Timestamp,
    }
}

diesel::table! {
    facts (id) {
        id -> Text,
        case_id -> Text,
        organisation_id -> Text,
        kind -> Text,
        sharing -> Text,
        source_id -> Nullable<Text>,
        information -> Text,
        rank -> Text,
        holds_from -> Text,
        earliest -> Date,
        latest -> Date,
        particulars -> Text,
        notes -> Nullable<Text>,
        supersedes -> Nullable<Text>,
        superseded_by -> Nullable<Text>,
        reason -> Nullable<Text>,
        retraction_reason -> Nullable<Text>,
        recorded_at -> Timestamp,
        recorded_by -> Text,
        updated_at -> Timestamp,
        retracted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    submissions (id) {
        id -> Text,
        case_id -> Text,
        organisation_id -> Text,
        sharing -> Text,
        state -> Text,
        changes -> Text,
        facts -> Text,
        note -> Nullable<Text>,
        submitted_by -> Text,
        submitted_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    statements (id) {
        id -> Text,
        organisation_id -> Text,
        sharing -> Text,
        kind -> Text,
        title -> Text,
        issuers -> Text,
        issued_on -> Text,
        issued_earliest -> Date,
        issued_latest -> Date,
        language -> Text,
        source_id -> Nullable<Text>,
        text -> Text,
        text_digest -> Text,
        words_folded -> Text,
        concerns -> Text,
        calls -> Text,
        related -> Text,
        notes -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        partners_updated_at -> Timestamp,
        public_updated_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    mentions (id) {
        id -> Text,
        statement_id -> Text,
        individual_id -> Text,
        start_at -> Integer,
        end_at -> Integer,
        text -> Text,
        matched -> Text,
        score -> Double,
        why -> Text,
        state -> Text,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    policies (version) {
        version -> Integer,
        rule -> Text,
        adopted_at -> Timestamp,
    }
}

diesel::table! {
    ledger_entries (position) {
        position -> BigInt,
        at -> Timestamp,
        actor_id -> Nullable<Text>,
        client_id -> Nullable<Text>,
        kind -> Text,
        record_kind -> Text,
        record_id -> Text,
        parent_id -> Nullable<Text>,
        level -> Text,
        digest -> Text,
        payload_digest -> Text,
    }
}

diesel::table! {
    ledger_payloads (position) {
        position -> BigInt,
        salt -> Text,
        fields -> Text,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    trees (name) {
        name -> Text,
        edge -> Text,
    }
}

diesel::table! {
    checkpoints (tree, size) {
        tree -> Text,
        size -> BigInt,
        note -> Text,
        signed_at -> Timestamp,
    }
}

diesel::table! {
    access_events (position) {
        position -> BigInt,
        at -> Timestamp,
        account_id -> Nullable<Text>,
        client_id -> Nullable<Text>,
        kind -> Text,
        subject -> Nullable<Text>,
    }
}

diesel::table! {
    altered_records (record_kind, record_id) {
        record_kind -> Text,
        record_id -> Text,
        parent_id -> Nullable<Text>,
        level -> Text,
        what -> Text,
        found_at -> Timestamp,
    }
}

diesel::table! {
    tombstones (record_kind, record_id) {
        record_kind -> Text,
        record_id -> Text,
        erased_at -> Timestamp,
        erased_by -> Nullable<Text>,
        basis -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    organisations,
    accounts,
    recovery_codes,
    sessions,
    refresh_tokens,
    log_in_failures,
    sources,
    individuals,
    consents,
    consent_overrides,
    relations,
    judgements,
    merges,
    cases,
    team_members,
    facts,
    submissions,
    statements,
    mentions,
    policies,
    ledger_entries,
    ledger_payloads,
    trees,
    clients,
    revoked_tokens,
    signing_keys,
    checkpoints,
    access_events,
    altered_records,
    tombstones,
);
