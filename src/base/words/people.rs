//! People and organisations.

choice! {
    /// What a name is.
    pub enum NameKind("name_kind") {
        Legal("legal", "Legal name"),
        Pen("pen", "Pen name"),
        Religious("religious", "Religious name"),
        Courtesy("courtesy", "Courtesy name"),
        Nickname("nickname", "Nickname"),
        Maiden("maiden", "Maiden name"),
        Former("former", "Former name"),
        Romanisation("romanisation", "Romanisation"),
        Variant("variant", "Variant"),
        Misspelling("misspelling", "Misspelling"),
    }
}

choice! {
    /// Scripts (ISO 15924).
    pub enum Script("script") {
        Latn("Latn", "Latin"),
        Hans("Hans", "Simplified Chinese"),
        Hant("Hant", "Traditional Chinese"),
        Hani("Hani", "Chinese"),
        Tibt("Tibt", "Tibetan"),
        Arab("Arab", "Arabic"),
        Cyrl("Cyrl", "Cyrillic"),
        Mong("Mong", "Mongolian"),
        Hang("Hang", "Hangul"),
        Jpan("Jpan", "Japanese"),
        Hebr("Hebr", "Hebrew"),
        Grek("Grek", "Greek"),
        Geor("Geor", "Georgian"),
        Armn("Armn", "Armenian"),
        Thai("Thai", "Thai"),
        Mymr("Mymr", "Burmese"),
        Khmr("Khmr", "Khmer"),
        Ethi("Ethi", "Ethiopic"),
        Deva("Deva", "Devanagari"),
    }
}

impl Script {
    /// Whether a text whose letters are of that script may be said to be of this one: Chinese characters are written
    /// in several.
    #[must_use]
    pub fn may_be_of(self, letters: Self) -> bool {
        self == letters || (letters == Self::Hani && matches!(self, Self::Hans | Self::Hant | Self::Jpan))
    }
}

choice! {
    /// How a name was written in Latin letters.
    pub enum Romanisation("romanisation") {
        Pinyin("pinyin", "Pinyin"),
        WadeGiles("wade_giles", "Wade-Giles"),
        Wylie("wylie", "Wylie"),
        Uly("uly", "Uyghur Latin"),
        Cantonese("cantonese", "Cantonese"),
        Other("other", "Other"),
    }
}

choice! {
    /// Sex or gender as sources give it.
    pub enum Sex("sex") {
        NotRecorded("not_recorded", "Not recorded"),
        Unknown("unknown", "Unknown"),
        Female("female", "Female"),
        Male("male", "Male"),
        Other("other", "Other"),
    }
}

choice! {
    /// What the other person is to the individual.
    pub enum RelationKind("relation_kind") {
        Spouse("spouse", "Spouse"),
        Parent("parent", "Parent"),
        Child("child", "Child"),
        Sibling("sibling", "Sibling"),
        OtherFamily("other_family", "Other family"),
        CoDefendant("co_defendant", "Co-defendant"),
        Lawyer("lawyer", "Lawyer"),
        Client("client", "Client"),
        Colleague("colleague", "Colleague"),
        Supporter("supporter", "Supporter"),
    }
}

impl RelationKind {
    /// What the individual is to the other person.
    #[must_use]
    pub fn seen_from_other(self) -> Self {
        match self {
            Self::Parent => Self::Child,
            Self::Child => Self::Parent,
            Self::Lawyer => Self::Client,
            Self::Client => Self::Lawyer,
            other => other,
        }
    }
}

impl RelationKind {
    /// Whether the other is a protected party: family and lawyers are pressed to reach the person.
    #[must_use]
    pub fn protects(self) -> bool {
        matches!(
            self,
            Self::Spouse | Self::Parent | Self::Child | Self::Sibling | Self::OtherFamily | Self::Lawyer
        )
    }
}

choice! {
    /// What a person has said of publicity.
    pub enum ConsentState("consent_state") {
        NotAsked("not_asked", "Not asked"),
        Given("given", "Given"),
        Refused("refused", "Refused"),
        Withdrawn("withdrawn", "Withdrawn"),
        CannotBeObtained("cannot_be_obtained", "Cannot be obtained"),
    }
}

choice! {
    /// Who speaks for the person.
    pub enum ConsentBy("consent_by") {
        Self_("self", "The person"),
        Family("family", "Family"),
        Lawyer("lawyer", "Lawyer"),
        Representative("representative", "Representative"),
    }
}

choice! {
    /// What a consent covers.
    pub enum ConsentScope("consent_scope") {
        PartnerSharing("partner_sharing", "Sharing with partners"),
        RaisingInConfidence("raising_in_confidence", "Raising in confidence"),
        RaisingInPublic("raising_in_public", "Raising in public"),
        Name("name", "The name"),
        Photo("photo", "A photograph"),
        Health("health", "Health"),
        UnSubmission("un_submission", "Submission to the United Nations"),
    }
}

choice! {
    /// Whether two people are one.
    pub enum Verdict("verdict") {
        Different("different", "Two people"),
        Same("same", "One person, recorded twice"),
    }
}

choice! {
    /// What an organisation is.
    pub enum OrganisationKind("organisation_kind") {
        Ngo("ngo", "Non-governmental organisation"),
        Government("government", "Government"),
        Intergovernmental("intergovernmental", "Intergovernmental organisation"),
        Parliament("parliament", "Parliament"),
        Court("court", "Court"),
        Media("media", "Media"),
        Party("party", "Political party"),
        Religious("religious", "Religious organisation"),
        Academic("academic", "Academic institution"),
        Other("other", "Other"),
    }
}

choice! {
    /// What a source is (after HURIDOCS list 16).
    pub enum SourceKind("source_kind") {
        CourtRecord("court_record", "Court record"),
        Statement("statement", "Statement"),
        PressRelease("press_release", "Press release"),
        Newsletter("newsletter", "Newsletter"),
        Newspaper("newspaper", "Newspaper"),
        NewsAgency("news_agency", "News agency"),
        Database("database", "Database"),
        Report("report", "Report"),
        Letter("letter", "Letter"),
        Interview("interview", "Interview"),
        Testimony("testimony", "Testimony"),
        Telephone("telephone", "Telephone"),
        SocialMedia("social_media", "Social media"),
        Other("other", "Other"),
    }
}
