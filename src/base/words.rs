//! The closed lists of the field (docs: each list's source is named at the list). Slugs are stable; labels are for people.

mod custody;
mod people;
mod statements;
mod submissions;

pub use custody::*;
pub use people::*;
pub use statements::*;
pub use submissions::*;

use crate::base::choice::{Choice, Vocabulary};

choice! {
    /// Who may see a record or a field, from the most open to the most closed (after TLP 2.0).
    pub enum Sharing("sharing") {
        Public("public", "Public"),
        Partners("partners", "Shared with partners"),
        Internal("internal", "Internal"),
        Restricted("restricted", "Restricted to the people named"),
    }
}

choice! {
    /// What an account may do.
    pub enum Role("role") {
        Admin("admin", "Administrator"),
        Staff("staff", "Advocacy staff"),
        Partner("partner", "Partner organisation"),
        Dashboard("dashboard", "Dashboard"),
    }
}

choice! {
    /// What a client, a machine that speaks for an account, may do of what the account may (OAuth 2.0 scopes).
    pub enum Scope("scope") {
        Read("read", "Read what the account may see"),
        Lists("lists", "Read the priority list, counts and vocabularies alone"),
        Edit("edit", "Record and change what the account may"),
        Propose("propose", "Propose changes of shared cases"),
    }
}

choice! {
    /// How far a source is to be believed (Admiralty scale).
    pub enum Reliability("reliability") {
        A("a", "Completely reliable"),
        B("b", "Usually reliable"),
        C("c", "Fairly reliable"),
        D("d", "Not usually reliable"),
        E("e", "Unreliable"),
        F("f", "Cannot be judged"),
    }
}

choice! {
    /// How far the information itself is to be believed (Admiralty scale), judged apart from its source.
    pub enum Information("information") {
        Confirmed("confirmed", "1 Confirmed"),
        ProbablyTrue("probably_true", "2 Probably true"),
        PossiblyTrue("possibly_true", "3 Possibly true"),
        Doubtful("doubtful", "4 Doubtful"),
        Improbable("improbable", "5 Improbable"),
        CannotJudge("cannot_judge", "6 Cannot be judged"),
    }
}

impl Information {
    /// Whether it is rather to be disbelieved.
    #[must_use]
    pub fn is_doubted(self) -> bool {
        matches!(self, Self::Doubtful | Self::Improbable)
    }

    /// The most believed first. On the Admiralty scale 6 is no judgement, not the lowest: it stands before doubt.
    #[must_use]
    pub fn standing(self) -> u8 {
        match self {
            Self::Confirmed => 0,
            Self::ProbablyTrue => 1,
            Self::PossiblyTrue => 2,
            Self::CannotJudge => 3,
            Self::Doubtful => 4,
            Self::Improbable => 5,
        }
    }
}

choice! {
    /// How facts that contradict each other stand to one another.
    pub enum Rank("rank") {
        Preferred("preferred", "Preferred"),
        Normal("normal", "Normal"),
        Deprecated("deprecated", "Deprecated"),
    }
}

choice! {
    /// How sure it is (CECC: known or believed to be).
    pub enum Certainty("certainty") {
        Confirmed("confirmed", "Confirmed"),
        Believed("believed", "Believed"),
        Presumed("presumed", "Presumed"),
    }
}

choice! {
    /// Why and about what (the founding statement's areas of concern, and others).
    pub enum Concern("concern") {
        HumanRightsLawyers("human_rights_lawyers", "Human rights lawyers"),
        InternetFreedom("internet_freedom", "Internet freedom"),
        LaborRights("labor_rights", "Labour rights"),
        Torture("torture", "Torture"),
        ForcedEvictions("forced_evictions", "Forced evictions"),
        ReligiousFreedom("religious_freedom", "Religious freedom"),
        EthnicMinorities("ethnic_minorities", "Rights of ethnic minorities"),
        ChildrensRights("childrens_rights", "Children's rights"),
        ExpressionPress("expression_press", "Expression and the press"),
        AssociationParty("association_party", "Association and parties"),
        AssemblyProtest("assembly_protest", "Assembly and protest"),
        Petitioning("petitioning", "Petitioning"),
        FamilyPlanning("family_planning", "Family planning"),
        HivAidsHealth("hiv_aids_health", "HIV/AIDS and health"),
        Environment("environment", "Environment"),
        LandRights("land_rights", "Land rights"),
        DemocracyAdvocacy("democracy_advocacy", "Democracy advocacy"),
        Disability("disability", "Disability"),
        Women("women", "Women"),
        Lgbt("lgbt", "LGBT"),
        AcademicFreedom("academic_freedom", "Academic freedom"),
        FalunGong("falun_gong", "Falun Gong"),
        HouseChurch("house_church", "House churches"),
        Tibet("tibet", "Tibet"),
        Xinjiang("xinjiang", "Xinjiang"),
        InnerMongolia("inner_mongolia", "Inner Mongolia"),
    }
}

/// Every list, for `/v1/vocabularies`.
#[must_use]
pub fn all() -> Vec<Vocabulary> {
    vec![
        Sharing::vocabulary(),
        Role::vocabulary(),
        Scope::vocabulary(),
        Reliability::vocabulary(),
        Information::vocabulary(),
        Rank::vocabulary(),
        Certainty::vocabulary(),
        Concern::vocabulary(),
        LegalStage::vocabulary(),
        CustodyStatus::vocabulary(),
        CustodyForm::vocabulary(),
        ReleaseType::vocabulary(),
        ChargeStatus::vocabulary(),
        SentenceKind::vocabulary(),
        SupplementaryKind::vocabulary(),
        Instance::vocabulary(),
        Severity::vocabulary(),
        Trend::vocabulary(),
        Care::vocabulary(),
        NameKind::vocabulary(),
        Script::vocabulary(),
        Romanisation::vocabulary(),
        Sex::vocabulary(),
        RelationKind::vocabulary(),
        ConsentState::vocabulary(),
        ConsentBy::vocabulary(),
        ConsentScope::vocabulary(),
        Verdict::vocabulary(),
        OrganisationKind::vocabulary(),
        SourceKind::vocabulary(),
        StatementKind::vocabulary(),
        Call::vocabulary(),
        StatementRelation::vocabulary(),
        MentionState::vocabulary(),
        SubmissionState::vocabulary(),
        Decision::vocabulary(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_within_each_list_and_lists_by_name() {
        let mut names = std::collections::HashSet::new();
        for list in all() {
            assert!(names.insert(list.name), "{}", list.name);
            let slugs: std::collections::HashSet<_> = list.values.iter().map(|term| term.value).collect();
            assert_eq!(slugs.len(), list.values.len(), "{}", list.name);
        }
    }

    #[test]
    fn a_form_of_custody_has_its_years() {
        assert!(!CustodyForm::Rsdl.valid_in(2010) && CustodyForm::Rsdl.valid_in(2013));
        assert!(
            CustodyForm::ReEducationThroughLabour.valid_in(2010)
                && !CustodyForm::ReEducationThroughLabour.valid_in(2014)
        );
    }
}
