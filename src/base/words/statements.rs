//! Statements and mentions.

choice! {
    /// What a statement is.
    pub enum StatementKind("statement_kind") {
        Statement("statement", "Statement"),
        Letter("letter", "Letter"),
        Publication("publication", "Publication"),
        PressRelease("press_release", "Press release"),
        Resolution("resolution", "Resolution"),
        UnOpinion("un_opinion", "UN opinion"),
        Newsletter("newsletter", "Newsletter"),
    }
}

choice! {
    /// What a statement calls for.
    pub enum Call("call") {
        ImmediateRelease("immediate_release", "Unconditional and immediate release"),
        MedicalCare("medical_care", "Medical care"),
        MedicalParole("medical_parole", "Medical parole"),
        FairTrial("fair_trial", "Fair trial"),
        Access("access", "Access of family and lawyers"),
        Investigation("investigation", "Investigation"),
        EndTorture("end_torture", "An end to torture"),
        RaiseCase("raise_case", "Raise the case"),
        Commitments("commitments", "Commitments and benchmarks"),
        LawReform("law_reform", "Reform of the law"),
    }
}

choice! {
    /// What another statement is to this one.
    pub enum StatementRelation("statement_relation") {
        Answers("answers", "Answers it"),
        Updates("updates", "Updates it"),
        Corrects("corrects", "Corrects it"),
        Translates("translates", "Translates it"),
        Republishes("republishes", "Republishes it"),
        PartOf("part_of", "Is part of it"),
    }
}

choice! {
    /// Whether a mention was looked at, and what was found.
    pub enum MentionState("mention_state") {
        Suggested("suggested", "Suggested"),
        Confirmed("confirmed", "Confirmed"),
        Rejected("rejected", "Rejected"),
    }
}
