//! The rules of mentions: where a span of a changed text went, and what becomes of the mentions that stood there.

use std::collections::{HashMap, HashSet};

use crate::base::id::IndividualId;
use crate::statements::mention_rows::MentionRow;

/// The most mentions that one text may have.
pub const MENTIONS_MAX: usize = 10_000;
/// The longest span that a mention may have, in code points.
pub const SPAN_MAX: usize = 500;

/// An individual found in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Who.
    pub individual_id: IndividualId,
    /// First code point.
    pub start: i32,
    /// One past the last.
    pub end: i32,
    /// As printed.
    pub text: String,
    /// The recorded form that it matched.
    pub matched: String,
    /// How sure, 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub why: String,
}

/// The printed text of a half-open span of code points, if it lies in the text.
#[must_use]
pub fn span(text: &str, start: usize, end: usize) -> Option<String> {
    let printed: String = text.chars().skip(start).take(end.checked_sub(start)?).collect();
    (start < end && printed.chars().count() == end - start).then_some(printed)
}

/// Where the spans of an old text stand in a new one.
#[derive(Clone, Debug, Default)]
pub struct Shift {
    new_start: HashMap<(i32, i32), i32>,
    known: HashSet<(i32, i32)>,
}

impl Shift {
    /// Follows each span: before the first and after the last difference by its place, in between where the same
    /// words occur as often as before, and then by their order.
    #[must_use]
    pub fn between(old: &str, new: &str, spans: impl IntoIterator<Item = (i32, i32)>) -> Self {
        let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
        let shorter = old.len().min(new.len());
        let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let tail = old
            .iter()
            .rev()
            .zip(new.iter().rev())
            .take(shorter - head)
            .take_while(|(a, b)| a == b)
            .count();
        let mut seen: HashMap<Vec<char>, (Vec<usize>, Vec<usize>)> = HashMap::new();
        let (mut new_start, mut known) = (HashMap::new(), HashSet::new());
        for (from, to) in spans {
            known.insert((from, to));
            let (Ok(start), Ok(end)) = (usize::try_from(from), usize::try_from(to)) else {
                continue;
            };
            let Some(printed) = old.get(start..end) else { continue };
            let place = if end <= head {
                Some(start)
            } else if start >= old.len() - tail {
                Some(start + new.len() - old.len())
            } else {
                let (before, after) = seen
                    .entry(printed.to_vec())
                    .or_insert_with(|| (occurrences(&old, printed), occurrences(&new, printed)));
                let order = before.iter().position(|place| *place == start);
                order
                    .filter(|_| before.len() == after.len())
                    .and_then(|order| after.get(order).copied())
            };
            if let Some(place) = place.and_then(|place| i32::try_from(place).ok()) {
                new_start.insert((from, to), place);
            }
        }
        Self { new_start, known }
    }

    /// Whether the span was looked for at all.
    #[must_use]
    pub fn knows(&self, start: i32, end: i32) -> bool {
        self.known.contains(&(start, end))
    }

    /// The span's new place, if its words are still there.
    #[must_use]
    pub fn moved(&self, start: i32, end: i32) -> Option<(i32, i32)> {
        self.new_start
            .get(&(start, end))
            .map(|place| (*place, *place + end - start))
    }
}

fn occurrences(text: &[char], words: &[char]) -> Vec<usize> {
    if words.is_empty() {
        return Vec::new();
    }
    text.windows(words.len())
        .enumerate()
        .filter(|(_, window)| *window == words)
        .map(|(place, _)| place)
        .collect()
}

/// What becomes of a statement's mentions when its text changes.
#[derive(Debug, Default)]
pub struct Plan {
    /// Mentions that stay, before and after.
    pub kept: Vec<(MentionRow, MentionRow)>,
    /// Mentions whose words are gone, or that are found no more.
    pub dropped: Vec<MentionRow>,
    /// What is found for the first time.
    pub fresh: Vec<Hit>,
}

impl Plan {
    /// Decided mentions, and those of individuals that this editor does not see (`seen` has the others), stay where
    /// their words remain; other suggestions stay where they are found again.
    #[must_use]
    pub fn make(before: Vec<MentionRow>, hits: Vec<Hit>, shift: &Shift, seen: &HashSet<IndividualId>) -> Self {
        let mut found: HashMap<(IndividualId, i32, i32), Hit> = hits
            .into_iter()
            .map(|hit| ((hit.individual_id.clone(), hit.start, hit.end), hit))
            .collect();
        let mut plan = Self::default();
        for row in before {
            let place = shift.moved(row.start_at, row.end_at);
            let again = place.and_then(|(start, end)| found.remove(&(row.individual_id.clone(), start, end)));
            let stays = again.is_some() || row.is_decided() || !seen.contains(&row.individual_id);
            match place.filter(|_| stays) {
                Some((start_at, end_at)) => {
                    let after = MentionRow {
                        start_at,
                        end_at,
                        ..row.clone()
                    };
                    plan.kept.push((row, after));
                }
                None => plan.dropped.push(row),
            }
        }
        plan.fresh = found.into_values().collect();
        plan.fresh
            .sort_by(|a, b| (a.start, a.end, &a.individual_id).cmp(&(b.start, b.end, &b.individual_id)));
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_counted_in_code_points_and_must_lie_in_the_text() {
        assert_eq!(span("胡佳 is ill", 0, 2).as_deref(), Some("胡佳"));
        assert_eq!(span("胡佳", 1, 3), None);
        assert_eq!(span("胡佳", 1, 1), None);
        assert_eq!(span("胡佳", 2, 1), None);
    }

    #[test]
    fn spans_follow_their_words() {
        let (old, new) = ("Hu Jia and Guo Quan.", "We know Hu Jia and also Guo Quan!");
        let shift = Shift::between(old, new, [(0, 6), (11, 19)]);
        assert_eq!(shift.moved(0, 6), Some((8, 14)));
        assert_eq!(shift.moved(11, 19), Some((24, 32)));
        let gone = Shift::between("Hu Jia is ill", "He is ill", [(0, 6)]);
        assert_eq!(gone.moved(0, 6), None);
        let tail = Shift::between("x Hu Jia", "yyy Hu Jia", [(2, 8)]);
        assert_eq!(tail.moved(2, 8), Some((4, 10)));
    }

    #[test]
    fn a_word_written_more_often_than_before_is_not_guessed() {
        let shift = Shift::between("a Hu b", "c Hu Hu d", [(2, 4)]);
        assert_eq!(shift.moved(2, 4), None);
    }
}
