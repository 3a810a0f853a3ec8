//! What partners propose.

choice! {
    /// What has become of a submission.
    pub enum SubmissionState("submission_state") {
        Proposed("proposed", "Proposed"),
        Accepted("accepted", "Accepted as proposed"),
        Changed("changed", "Accepted with changes"),
        Refused("refused", "Refused"),
        Withdrawn("withdrawn", "Withdrawn"),
    }
}

choice! {
    /// What is decided of a submission.
    pub enum Decision("decision") {
        Accept("accept", "Accept it as proposed"),
        Change("change", "Record something else in its place"),
        Refuse("refuse", "Refuse it"),
    }
}
