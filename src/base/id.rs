//! Ids: random uuids, so that an id tells nobody when a record was made or how many there are.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[serde(try_from = "String")]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name(String);

        impl $name {
            /// Reads a uuid in its canonical form.
            ///
            /// # Errors
            /// In words, for anything else.
            pub fn parse(text: &str) -> Result<Self, String> {
                match uuid::Uuid::try_parse(text) {
                    Ok(uuid) if uuid.to_string() == text => Ok(Self(text.to_owned())),
                    _ => Err("must be a uuid in lower case".to_owned()),
                }
            }

            /// The id of that uuid.
            #[must_use]
            pub fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(uuid.to_string())
            }

            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            #[allow(clippy::unnecessary_wraps)]
            fn from_stored(text: String) -> Result<Self, String> {
                Ok(Self(text))
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                Self::parse(&text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        stored_as_text!([] $name);
        text_schema!($name, Some("uuid"), "An id");
    )*};
}

ids! {
    /// Of an account.
    AccountId;
    /// Of an organisation.
    OrganisationId;
    /// Of a session.
    SessionId;
    /// Of a client, a machine that speaks for an account.
    ClientId;
    /// Of a source.
    SourceId;
    /// Of an individual.
    IndividualId;
    /// Of a consent.
    ConsentId;
    /// Of an override of missing consent.
    OverrideId;
    /// Of a relation between individuals.
    RelationId;
    /// Of a judgement whether two people are one.
    JudgementId;
    /// Of a merge of two people.
    MergeId;
    /// Of a case.
    CaseId;
    /// Of a fact of a case: a custody stage, a charge, a sentence, a health report.
    FactId;
    /// Of a partner's submission.
    SubmissionId;
    /// Of a statement.
    StatementId;
    /// Of a mention.
    MentionId;
}
