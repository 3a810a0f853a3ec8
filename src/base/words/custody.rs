//! Custody, charges, sentences and health.

choice! {
    /// Steps of the criminal process of the PRC, in their usual order; any may be missing.
    pub enum LegalStage("legal_stage") {
        Summons("summons", "Summons 传唤"),
        CompelledAppearance("compelled_appearance", "Compelled appearance 拘传"),
        AdministrativeDetention("administrative_detention", "Administrative detention 行政拘留"),
        CriminalDetention("criminal_detention", "Criminal detention 刑事拘留"),
        ResidentialSurveillance("residential_surveillance", "Residential surveillance 监视居住"),
        BailPendingTrial("bail_pending_trial", "Bail pending trial 取保候审"),
        FormalArrestRequested("formal_arrest_requested", "Formal arrest requested 提请批准逮捕"),
        FormalArrest("formal_arrest", "Formal arrest 逮捕"),
        TransferredForProsecution("transferred_for_prosecution", "Transferred for prosecution 移送审查起诉"),
        SupplementaryInvestigation("supplementary_investigation", "Supplementary investigation 退回补充侦查"),
        Indicted("indicted", "Indicted 提起公诉"),
        CaseAcceptedByCourt("case_accepted_by_court", "Case accepted by the court 受理"),
        TrialFirstInstance("trial_first_instance", "Trial of first instance 一审"),
        VerdictFirstInstance("verdict_first_instance", "Verdict of first instance 一审判决"),
        AppealFiled("appeal_filed", "Appeal filed 上诉"),
        AppealRuling("appeal_ruling", "Appeal ruling 二审裁定"),
        Retrial("retrial", "Retrial 再审"),
        Petition("petition", "Petition after the final ruling 申诉"),
        DeathPenaltyReview("death_penalty_review", "Death penalty review 死刑复核"),
        TransferredToPrison("transferred_to_prison", "Transferred to prison 送监"),
        SentenceReduction("sentence_reduction", "Sentence reduction 减刑"),
        Parole("parole", "Parole 假释"),
        MedicalParole("medical_parole", "Serving outside prison 暂予监外执行"),
        Released("released", "Released 释放"),
        DeprivationOfPoliticalRightsRunning("deprivation_of_political_rights_running", "Deprivation of political rights running 剥夺政治权利执行期"),
    }
}

choice! {
    /// Where a person stands: one derived value a person, always as of a day.
    pub enum CustodyStatus("custody_status") {
        AtLiberty("at_liberty", "At liberty"),
        Summoned("summoned", "Summoned"),
        AdministrativelyDetained("administratively_detained", "Administratively detained"),
        CriminallyDetained("criminally_detained", "Criminally detained"),
        ArrestedPretrial("arrested_pretrial", "Arrested, before trial"),
        OnTrial("on_trial", "On trial"),
        ServingSentence("serving_sentence", "Serving a sentence"),
        ServingOutsidePrison("serving_outside_prison", "Serving outside prison"),
        ReEducationThroughLabour("re_education_through_labour", "Re-education through labour" [1957, 2013]),
        ResidentialSurveillance("residential_surveillance", "Residential surveillance"),
        HouseArrestInformal("house_arrest_informal", "Informal house arrest"),
        EnforcedDisappearance("enforced_disappearance", "Enforced disappearance"),
        PsychiatricConfinement("psychiatric_confinement", "Psychiatric confinement"),
        ExtralegalFacility("extralegal_facility", "In an extralegal facility"),
        ReleasedRestricted("released_restricted", "Released under restrictions"),
        Released("released", "Released"),
        Exiled("exiled", "Exiled"),
        Escaped("escaped", "Escaped"),
        DiedInCustody("died_in_custody", "Died in custody"),
        DiedAfterRelease("died_after_release", "Died after release"),
        Unknown("unknown", "Unknown"),
    }
}

impl CustodyStatus {
    /// Whether it is a deprivation of liberty. Serving outside prison, restrictions after release and what is unknown are not.
    #[must_use]
    pub fn deprived_of_liberty(self) -> bool {
        matches!(
            self,
            Self::AdministrativelyDetained
                | Self::CriminallyDetained
                | Self::ArrestedPretrial
                | Self::OnTrial
                | Self::ServingSentence
                | Self::ReEducationThroughLabour
                | Self::ResidentialSurveillance
                | Self::HouseArrestInformal
                | Self::EnforcedDisappearance
                | Self::PsychiatricConfinement
                | Self::ExtralegalFacility
        )
    }
}

choice! {
    /// Forms of deprivation of liberty, with the years in which each was in use.
    pub enum CustodyForm("custody_form") {
        Prison("prison", "Prison 监狱"),
        DetentionCentre("detention_centre", "Police detention centre 看守所"),
        DetentionHouse("detention_house", "Detention house 拘留所"),
        CriminalPolice("criminal_police", "Custody of the criminal police"),
        ResidentialSurveillanceHome("residential_surveillance_home", "Residential surveillance at home"),
        ResidentialSurveillanceElsewhere("residential_surveillance_elsewhere", "Residential surveillance elsewhere"),
        Rsdl("rsdl", "Residential surveillance at a designated location 指定居所监视居住" [2013,]),
        SoftDetention("soft_detention", "Soft detention 软禁"),
        ForcedTravel("forced_travel", "Forced travel 被旅游"),
        ReEducationThroughLabour("re_education_through_labour", "Re-education through labour 劳教" [1957, 2013]),
        BlackJail("black_jail", "Black jail 黑监狱" [2003,]),
        LegalEducationClass("legal_education_class", "Legal education class 法制学习班"),
        Psychiatric("psychiatric", "Psychiatric institution 安康"),
        Liuzhi("liuzhi", "Retention in custody 留置" [2018,]),
        EnforcedDisappearance("enforced_disappearance", "Enforced disappearance"),
        MilitaryCustody("military_custody", "Military custody"),
        ImmigrationCustody("immigration_custody", "Immigration custody"),
        ForeignCustody("foreign_custody", "Custody in another country at request"),
        HouseArrestOfRelative("house_arrest_of_relative", "House arrest of a relative"),
    }
}

choice! {
    /// How custody ended.
    pub enum ReleaseType("release_type") {
        SentenceServed("sentence_served", "Sentence served 刑满释放"),
        SentenceReductionExhausted("sentence_reduction_exhausted", "Reduced sentence served"),
        Parole("parole", "Parole 假释"),
        MedicalParole("medical_parole", "Medical parole 保外就医"),
        Bail("bail", "Bail"),
        Commutation("commutation", "Commutation"),
        SpecialPardon("special_pardon", "Special pardon 特赦"),
        Amnesty("amnesty", "Amnesty"),
        Acquittal("acquittal", "Acquittal"),
        ChargesDropped("charges_dropped", "Charges dropped"),
        ProcedureStopped("procedure_stopped", "Procedure stopped"),
        ExileOnRelease("exile_on_release", "Released into exile"),
        TransferredAbroad("transferred_abroad", "Transferred abroad"),
        AdministrativeTermEnded("administrative_term_ended", "Administrative term ended"),
        ReleasedConditions("released_conditions", "Released under conditions"),
        Escaped("escaped", "Escaped"),
        Death("death", "Death"),
    }
}

choice! {
    /// Where a charge stands.
    pub enum ChargeStatus("charge_status") {
        Suspected("suspected", "Suspected"),
        Arrested("arrested", "Arrested on it"),
        Indicted("indicted", "Indicted"),
        Convicted("convicted", "Convicted"),
        Acquitted("acquitted", "Acquitted"),
        Dropped("dropped", "Dropped"),
        Amended("amended", "Amended"),
    }
}

choice! {
    /// Principal penalties and outcomes without one (PRC Criminal Law, articles 33 and 34).
    pub enum SentenceKind("sentence_kind") {
        PublicSurveillance("public_surveillance", "Public surveillance 管制"),
        ShortDetention("short_detention", "Short detention 拘役"),
        FixedTerm("fixed_term", "Fixed-term imprisonment 有期徒刑"),
        Life("life", "Life imprisonment 无期徒刑"),
        Death("death", "Death 死刑"),
        DeathWithTwoYearReprieve("death_with_two_year_reprieve", "Death with two-year reprieve 死缓"),
        ReEducationThroughLabour("re_education_through_labour", "Re-education through labour 劳教" [1957, 2013]),
        Exempted("exempted", "Exempted from punishment 免予刑事处罚"),
        Acquitted("acquitted", "Acquitted"),
    }
}

impl SentenceKind {
    /// Whether it has no end of its own: life, death, death with a reprieve.
    #[must_use]
    pub fn is_endless(self) -> bool {
        matches!(self, Self::Life | Self::Death | Self::DeathWithTwoYearReprieve)
    }
}

choice! {
    /// Penalties beside the principal one.
    pub enum SupplementaryKind("supplementary_kind") {
        Fine("fine", "Fine 罚金"),
        DeprivationOfPoliticalRights("deprivation_of_political_rights", "Deprivation of political rights 剥夺政治权利"),
        ConfiscationOfProperty("confiscation_of_property", "Confiscation of property 没收财产"),
        Deportation("deportation", "Deportation 驱逐出境"),
    }
}

choice! {
    /// Which court spoke.
    pub enum Instance("instance") {
        FirstInstance("first_instance", "First instance"),
        Appeal("appeal", "Appeal"),
        Retrial("retrial", "Retrial"),
        Commutation("commutation", "Commutation 减刑"),
    }
}

choice! {
    /// How ill a person is (after CTCAE), from the least to the most.
    pub enum Severity("severity") {
        Unknown("unknown", "Unknown"),
        NoneReported("none_reported", "Nothing reported"),
        Mild("mild", "Mild"),
        Moderate("moderate", "Moderate"),
        Serious("serious", "Serious"),
        Critical("critical", "Critical"),
        LifeThreatening("life_threatening", "Life-threatening"),
        Deceased("deceased", "Deceased"),
    }
}

impl Severity {
    /// Whether a living person is seriously ill, or worse.
    #[must_use]
    pub fn serious_or_worse(self) -> bool {
        matches!(self, Self::Serious | Self::Critical | Self::LifeThreatening)
    }
}

choice! {
    /// Where health is going.
    pub enum Trend("trend") {
        Unknown("unknown", "Unknown"),
        Improving("improving", "Improving"),
        Stable("stable", "Stable"),
        Worsening("worsening", "Worsening"),
    }
}

choice! {
    /// What care a person gets.
    pub enum Care("care") {
        Unknown("unknown", "Unknown"),
        Adequate("adequate", "Adequate"),
        Limited("limited", "Limited"),
        None("none", "None"),
        Denied("denied", "Denied"),
        RefusedByPerson("refused_by_person", "Refused by the person"),
    }
}
