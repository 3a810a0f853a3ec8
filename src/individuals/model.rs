//! What a person's record may hold.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::error::Error;
use crate::base::text::{Language, Line, Listed};
use crate::base::words::{NameKind, Romanisation, Script};
use crate::names;

/// How many names a person may have.
pub const MOST_NAMES: usize = 100;

/// A name that a person is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// The whole name, as written.
    pub text: Line,
    /// What it is.
    #[serde(default = "legal")]
    pub kind: NameKind,
    /// Its script; told from the text unless said.
    pub script: Option<Script>,
    /// BCP 47.
    pub language: Option<Language>,
    /// How it was written in Latin letters.
    pub romanisation: Option<Romanisation>,
    /// Whether it is the one to show.
    #[serde(default)]
    pub preferred: bool,
}

fn legal() -> NameKind {
    NameKind::Legal
}

/// The person's number in another register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// Which register.
    pub register: Line,
    /// The number or name there.
    pub value: Line,
}

/// Checks the names and completes their scripts.
///
/// # Errors
/// `invalid` for none, too many, or two that are preferred.
pub fn checked(given: &Listed<Name>) -> Result<Listed<Name>, Error> {
    let names = given.items();
    if names.is_empty() || names.len() > MOST_NAMES {
        return Err(Error::invalid("/names", "must have 1 to 100 names"));
    }
    if let Some((second, _)) = names.iter().enumerate().filter(|(_, name)| name.preferred).nth(1) {
        return Err(Error::invalid(
            &format!("/names/{second}/preferred"),
            "only one name may be preferred",
        ));
    }
    for (place, name) in names.iter().enumerate() {
        if names::fold(name.text.as_str()).trim().is_empty() {
            return Err(Error::invalid(&format!("/names/{place}/text"), "must have a letter"));
        }
        let told = script_of(name.text.as_str());
        if name
            .script
            .zip(told)
            .is_some_and(|(given, told)| !given.may_be_of(told))
        {
            return Err(Error::invalid(
                &format!("/names/{place}/script"),
                "is not the script of that text",
            ));
        }
    }
    let told = |name: &Name| Name {
        script: name.script.or_else(|| script_of(name.text.as_str())),
        ..name.clone()
    };
    Ok(Listed::new(names.iter().map(told).collect()))
}

/// The script of the first letter that has one.
fn script_of(text: &str) -> Option<Script> {
    text.chars().find_map(|c| match c {
        'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Some(Script::Latn),
        '\u{370}'..='\u{3ff}' => Some(Script::Grek),
        '\u{400}'..='\u{52f}' => Some(Script::Cyrl),
        '\u{531}'..='\u{58f}' => Some(Script::Armn),
        '\u{591}'..='\u{5f4}' => Some(Script::Hebr),
        '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => Some(Script::Arab),
        '\u{900}'..='\u{97f}' => Some(Script::Deva),
        '\u{e00}'..='\u{e7f}' => Some(Script::Thai),
        '\u{f00}'..='\u{fff}' => Some(Script::Tibt),
        '\u{1000}'..='\u{109f}' => Some(Script::Mymr),
        '\u{10a0}'..='\u{10ff}' => Some(Script::Geor),
        '\u{1200}'..='\u{137f}' => Some(Script::Ethi),
        '\u{1780}'..='\u{17ff}' => Some(Script::Khmr),
        '\u{1800}'..='\u{18af}' => Some(Script::Mong),
        '\u{ac00}'..='\u{d7a3}' => Some(Script::Hang),
        '\u{3040}'..='\u{30ff}' => Some(Script::Jpan),
        '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}' => Some(Script::Hani),
        _ => None,
    })
}

/// The name to show: preferred and Latin, else Latin, else preferred, else the first.
#[must_use]
pub fn display_name(names: &[Name]) -> Option<&Line> {
    let latin = |name: &&Name| name.script == Some(Script::Latn);
    names
        .iter()
        .find(|name| name.preferred && latin(name))
        .or_else(|| names.iter().find(latin))
        .or_else(|| names.iter().find(|name| name.preferred))
        .or_else(|| names.first())
        .map(|name| &name.text)
}

/// The name in the person's own script, where it is not Latin.
#[must_use]
pub fn original_name(names: &[Name]) -> Option<&Line> {
    let own = |name: &&Name| name.script != Some(Script::Latn);
    names
        .iter()
        .find(|name| own(name) && name.kind == NameKind::Legal)
        .or_else(|| names.iter().find(own))
        .map(|name| &name.text)
}
