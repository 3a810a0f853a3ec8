//! Finding names in a text: read once, longest match wins, never inside a longer name.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::Hash;

use crate::names::Candidate;
use crate::names::index::{Index, LONGEST, Leaf, Order, ROOT};
use crate::names::token::{self, Gap, Token, tokens};

/// A place in a text where a recorded name stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention<K> {
    /// Where it starts, in code points of the text as given.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
    /// What is printed there.
    pub text: String,
    /// Everyone who bears that name, in the order of their keys.
    pub candidates: Vec<Candidate<K>>,
}

/// A text names more people than the caller takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// A run of tokens that reads as the names at one node of the tree.
struct Hit<'a, K> {
    first: usize,
    last: usize,
    /// The words as printed, with their marks.
    marked: Vec<String>,
    /// Which of them carry marks.
    plain: Vec<bool>,
    leaves: &'a [Leaf<K>],
}

/// Han characters that may stand right before a name of two characters.
const BEFORE: &str = "和与與及跟同对對向为為把被将將让讓给給由在是即如例放持救求者员員士生师師家人子父母妻夫友";
/// Han characters that may stand right after a name of two characters.
const AFTER: &str =
    "的和与與及跟同等先女律在被因患是于於已遭将將也曾都从從自向对對为為仍又就则則说說称稱表获獲入出夫妻案";

impl<K: Clone + Eq + Hash + Ord> Index<K> {
    /// Whom a text names, in the order of the text. Only people for whom `may_see` holds take part: nobody else's
    /// name shortens, lengthens or hides another's.
    pub fn scan(&self, text: &str, may_see: impl Fn(&K) -> bool) -> Vec<Mention<K>> {
        self.scan_up_to(text, usize::MAX, may_see).unwrap_or_default()
    }

    /// As [`Index::scan`], given up as soon as there are more than `most` candidates, those of each mention counted.
    ///
    /// # Errors
    /// [`TooMany`]. Only people for whom `may_see` holds count.
    pub fn scan_up_to(
        &self,
        text: &str,
        most: usize,
        may_see: impl Fn(&K) -> bool,
    ) -> Result<Vec<Mention<K>>, TooMany> {
        let tokens = tokens(text);
        let mut hits = self.hits(&tokens);
        hits.retain(|hit| hit.agreeing().any(|leaf| may_see(&leaf.key)));
        resolve(&tokens, hits, text, most, &may_see)
    }

    /// Everyone of whom a recorded name stands somewhere in the text, overlapped or not: whoever a scan could find.
    #[must_use]
    pub fn named_in(&self, text: &str) -> BTreeSet<K> {
        let mut people = BTreeSet::new();
        let mut seen = HashSet::new();
        for hit in self.hits(&tokens(text)) {
            // The same names printed the same way add nobody.
            if seen.insert((hit.leaves.as_ptr(), hit.marked.clone())) {
                people.extend(hit.agreeing().map(|leaf| leaf.key.clone()));
            }
        }
        people
    }

    fn hits(&self, tokens: &[Token]) -> Vec<Hit<'_, K>> {
        let mut hits = Vec::new();
        for first in 0..tokens.len() {
            if tokens[first].gap != Gap::Hyphen || tokens[first].han {
                Walk {
                    index: self,
                    tokens,
                    first,
                }
                .on(ROOT, first, &mut Vec::new(), 0, &mut hits);
            }
        }
        hits
    }
}

struct Walk<'a, 't, K> {
    index: &'a Index<K>,
    tokens: &'t [Token],
    first: usize,
}

impl<'a, K: Clone + Eq + Hash + Ord> Walk<'a, '_, K> {
    /// Reads on from a node with the tokens from `at`: each alone, or with those that hyphens join to it.
    fn on(&self, node: u32, at: usize, marked: &mut Vec<String>, commas: usize, hits: &mut Vec<Hit<'a, K>>) {
        let Some(token) = self.tokens.get(at) else { return };
        if at - self.first >= LONGEST {
            return;
        }
        let commas = commas + usize::from(at > self.first && token.gap == Gap::Comma);
        if at > self.first && (token.gap == Gap::Barrier || commas > 1) {
            return;
        }
        let (mut word, mut printed) = (String::new(), String::new());
        for last in at..self.tokens.len().min(at + 4) {
            let part = &self.tokens[last];
            if last > at && (part.gap != Gap::Hyphen || part.han || token.han) {
                break;
            }
            word.push_str(&part.key);
            printed.push_str(&part.marked);
            let Some(next) = self.index.step(node, &word) else {
                continue;
            };
            marked.push(printed.clone());
            let short = marked.len() == 1 && (token.han || word.chars().count() < 4);
            if !short
                && let Some(leaves) = self.index.leaves.get(&next).filter(|leaves| !leaves.is_empty())
                && self.ends_well(last)
                && (commas == 0 || self.stands_alone(last))
            {
                let plain = marked.iter().map(|word| is_plain(word)).collect();
                hits.push(Hit {
                    first: self.first,
                    last,
                    marked: marked.clone(),
                    plain,
                    leaves,
                });
            }
            self.on(next, last + 1, marked, commas, hits);
            marked.pop();
        }
    }

    /// Whether a name may end there: not before a hyphen that carries it on, and, for two Han characters, only where
    /// neither neighbour makes them part of something longer.
    fn ends_well(&self, last: usize) -> bool {
        let (first, end) = (&self.tokens[self.first], &self.tokens[last]);
        let next = self.tokens.get(last + 1);
        if end.han {
            let close = |token: &Token| token.han && token.gap == Gap::None;
            let listed = |list: &str, token: &Token| token.marked.chars().next().is_some_and(|c| list.contains(c));
            if last > self.first + 1 {
                return true;
            }
            let before = first.gap == Gap::None && self.first > 0;
            let before_ok = !before || !self.tokens[self.first - 1].han || listed(BEFORE, &self.tokens[self.first - 1]);
            return before_ok && next.is_none_or(|next| !close(next) || listed(AFTER, next));
        }
        if next.is_some_and(|next| next.gap == Gap::Hyphen) {
            return false;
        }
        // A name is not written all in small letters.
        self.tokens[self.first..=last].iter().any(|token| token.capital)
    }

    /// For `Surname, Given`: whether no other capitalised word touches it, as in `Zhang Hu, Jia Wei`.
    fn stands_alone(&self, last: usize) -> bool {
        let touches = |gap: Gap, token: &Token| gap == Gap::Space && token.capital && !token.han;
        let before = self
            .first
            .checked_sub(1)
            .is_some_and(|at| touches(self.tokens[self.first].gap, &self.tokens[at]));
        !before && !self.tokens.get(last + 1).is_some_and(|next| touches(next.gap, next))
    }
}

/// Whether a word in its marked form carries no marks.
pub(super) fn is_plain(marked: &str) -> bool {
    token::plain_key(marked) == marked
}

impl<'a, K> Hit<'a, K> {
    /// The names that what is printed can be.
    fn agreeing(&self) -> impl Iterator<Item = &'a Leaf<K>> + use<'a, '_, K> {
        self.leaves
            .iter()
            .filter(|leaf| marks_agree(&self.marked, &self.plain, &leaf.marked))
    }
}

/// Whether words can be the recorded form: where both carry marks, they must be the same.
pub(super) fn marks_agree(printed: &[String], plain: &[bool], recorded: &[Option<String>]) -> bool {
    if plain.iter().all(|plain| *plain) || recorded.iter().all(Option::is_none) {
        return true;
    }
    printed
        .iter()
        .zip(plain)
        .zip(recorded)
        .all(|((printed, plain), recorded)| match recorded {
            Some(recorded) => printed == recorded,
            None => *plain,
        })
}

/// Longest first; what overlaps a longer one is left out; those on the same span stand together.
fn resolve<K: Clone + Eq + Hash + Ord>(
    tokens: &[Token],
    mut hits: Vec<Hit<'_, K>>,
    text: &str,
    most: usize,
    may_see: &impl Fn(&K) -> bool,
) -> Result<Vec<Mention<K>>, TooMany> {
    hits.sort_by_key(|hit| {
        let (start, end) = (tokens[hit.first].start, tokens[hit.last].end);
        (Reverse(end - start), start)
    });
    let mut taken = vec![false; tokens.len()];
    let mut found: BTreeMap<(usize, usize), Vec<&Hit<'_, K>>> = BTreeMap::new();
    for hit in &hits {
        let place = (hit.first, hit.last);
        if let Some(same) = found.get_mut(&place) {
            same.push(hit);
        } else if !taken[hit.first..=hit.last].iter().any(|taken| *taken) {
            taken[hit.first..=hit.last].fill(true);
            found.insert(place, vec![hit]);
        }
    }
    if found.len() > most {
        return Err(TooMany);
    }
    let chars: Vec<char> = text.chars().collect();
    let mut mentions = Vec::with_capacity(found.len());
    let mut count = 0;
    for ((first, last), hits) in found {
        let (start, end) = (tokens[first].start, tokens[last].end);
        let printed: String = chars[start..end].iter().collect();
        let candidates = candidates(&hits, &printed, may_see);
        count += candidates.len();
        if count > most {
            return Err(TooMany);
        }
        mentions.push(Mention {
            start,
            end,
            candidates,
            text: printed,
        });
    }
    Ok(mentions)
}

/// Everyone who may be meant, once, by the name that fits best.
fn candidates<K: Clone + Ord>(hits: &[&Hit<'_, K>], printed: &str, may_see: &impl Fn(&K) -> bool) -> Vec<Candidate<K>> {
    let mut best: BTreeMap<&K, &Leaf<K>> = BTreeMap::new();
    for leaf in hits
        .iter()
        .flat_map(|hit| hit.agreeing())
        .filter(|leaf| may_see(&leaf.key))
    {
        let rank = |leaf: &Leaf<K>| (leaf.order, leaf.name != printed);
        let kept = best.entry(&leaf.key).or_insert(leaf);
        if rank(leaf) < rank(kept) {
            *kept = leaf;
        }
    }
    best.into_iter()
        .map(|(key, leaf)| Candidate {
            key: key.clone(),
            matched: leaf.name.clone(),
            score: if leaf.order == Order::Kept { 1.0 } else { 0.95 },
            why: why(&leaf.name, printed, leaf.order),
        })
        .collect()
}

/// The match in words that a member of staff understands.
fn why(recorded: &str, printed: &str, order: Order) -> String {
    let mut steps = Vec::new();
    if printed == recorded {
        return format!("{recorded}: exact");
    }
    if order == Order::Swapped {
        steps.push("order swapped");
    }
    if printed.contains('\n') {
        steps.push("line break inside");
    }
    if printed.contains(['-', '\u{2010}', '\u{2011}']) && !recorded.contains('-') {
        steps.push("hyphen inside");
    }
    if steps.is_empty() {
        steps.push("capitals, marks or spaces differ");
    }
    format!("{recorded}: {}", steps.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index() -> Index<u32> {
        let mut index = Index::default();
        index.set_names(&1, &["Hu Jia", "胡佳"]);
        index.set_names(&2, &["Liu Xiaobo", "刘晓波"]);
        index.set_names(&3, &["Guo Quan", "郭泉"]);
        index.set_names(&4, &["Gao Yu", "高瑜"]);
        index.set_names(&5, &["Zhang Zhan", "张展"]);
        index.set_names(&6, &["Mohammed al-Otaibi"]);
        index.set_names(&7, &["Nguyễn Văn Đài"]);
        index
    }

    fn found(text: &str) -> Vec<(u32, String)> {
        index()
            .scan(text, |_| true)
            .into_iter()
            .flat_map(|m| m.candidates.into_iter().map(move |c| (c.key, m.text.clone())))
            .collect()
    }

    #[test]
    fn what_a_text_does_to_a_name_does_not_hide_it() {
        for (text, who, printed) in [
            ("(such as Liu Xiaobo and others)", 2, "Liu Xiaobo"),
            ("Liu\nXiaobo", 2, "Liu\nXiaobo"),
            ("Liu   \n  Xiaobo", 2, "Liu   \n  Xiaobo"),
            ("LIU XIAOBO", 2, "LIU XIAOBO"),
            ("Liu Xiao-bo said", 2, "Liu Xiao-bo"),
            ("Xiaobo Liu", 2, "Xiaobo Liu"),
            ("Liu, Xiaobo", 2, "Liu, Xiaobo"),
            ("Xiao-bo Liu", 2, "Xiao-bo Liu"),
            ("Liu Xiaobo's trial", 2, "Liu Xiaobo"),
            ("Liu Xiaobo\u{2019}s trial", 2, "Liu Xiaobo"),
            ("Liu Xiao\u{ad}bo", 2, "Liu Xiao\u{ad}bo"),
            ("释放刘晓波", 2, "刘晓波"),
            ("胡佳、郭泉", 1, "胡佳"),
            ("胡佳的妻子", 1, "胡佳"),
            ("Mohammed Al Otaibi", 6, "Mohammed Al Otaibi"),
            ("Nguyen Van Dai", 7, "Nguyen Van Dai"),
            (
                "Nguye\u{302}\u{303}n Va\u{306}n Đa\u{300}i",
                7,
                "Nguye\u{302}\u{303}n Va\u{306}n Đa\u{300}i",
            ),
        ] {
            assert!(
                found(text).contains(&(who, printed.to_owned())),
                "{text:?}: {:?}",
                found(text)
            );
        }
    }

    #[test]
    fn a_longer_or_another_name_is_not_a_mention() {
        for text in [
            "Hu Jiaqi",
            "Hu Jian-\nguo",
            "胡佳琪",
            "城郭泉",
            "提高瑜伽",
            "主张展开",
            "Hu.\n\nJia",
            "Hu\n\nJia",
            "hu jia",
            "Nguyễn Văn Đại",
            "Liu Xia",
            "Zhang Hu, Jia Wei",
            "Hu's Jia",
        ] {
            assert!(found(text).is_empty(), "{text:?}: {:?}", found(text));
        }
    }

    #[test]
    fn the_longest_wins_and_everyone_who_bears_it_is_offered() {
        let mut index = index();
        index.set_names(&8, &["Hu Jia Ming"]);
        index.set_names(&9, &["Hu Jia"]);
        let mentions = index.scan("Hu Jia Ming met Hu Jia.", |_| true);
        let who: Vec<Vec<u32>> = mentions
            .iter()
            .map(|m| m.candidates.iter().map(|c| c.key).collect())
            .collect();
        assert_eq!(who, vec![vec![8], vec![1, 9]]);
    }

    #[test]
    fn whoever_may_not_be_seen_shapes_nothing() {
        let mut index = index();
        let before = index.scan("Hu Jia Ming met Hu Jia.", |_| true);
        index.set_names(&8, &["Hu Jia Ming"]);
        assert_eq!(index.scan("Hu Jia Ming met Hu Jia.", |key| *key != 8), before);
        index.remove(&8);
        assert_eq!(index.scan("Hu Jia Ming met Hu Jia.", |_| true), before);
    }

    #[test]
    fn too_many_is_said_before_they_are_made_and_the_hidden_do_not_count() {
        let mut index = Index::default();
        for key in 0..200_u32 {
            index.set_names(&key, &["Hu Jia"]);
        }
        let text = "Hu Jia ".repeat(50_000);
        assert_eq!(index.scan_up_to(&text, 10_000, |_| true), Err(TooMany));
        assert_eq!(
            index.scan_up_to("Hu Jia", 1, |key| *key == 7).map(|found| found.len()),
            Ok(1)
        );
        assert_eq!(index.named_in(&text).len(), 200);
    }

    #[test]
    fn a_script_without_capitals_is_read() {
        let mut index = Index::default();
        index.set_names(&1, &["ნიკა მელია"]);
        assert_eq!(index.scan("პოლიტიკოსი ნიკა მელია", |_| true).len(), 1);
    }

    proptest! {
        #[test]
        fn the_order_of_filing_does_not_matter(order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle()) {
            let names = ["Hu Jia", "Hu Jia Ming", "Jia Hu", "胡佳", "Hu Jia", "Xiao-bo Liu"];
            let build = |order: &[usize]| {
                let mut index = Index::default();
                for at in order {
                    index.set_names(at, &[names[*at]]);
                }
                index
            };
            let text = "Hu Jia Ming met Hu Jia, 胡佳 and Liu Xiaobo.";
            let (one, other) = (build(&[0, 1, 2, 3, 4, 5]), build(&order));
            prop_assert_eq!(one.scan(text, |_| true), other.scan(text, |_| true));
            prop_assert_eq!(one.match_name("Hu", |_| true, 3), other.match_name("Hu", |_| true, 3));
        }

        #[test]
        fn offsets_map_back_to_what_is_printed(parts in prop::collection::vec(prop_oneof![
            Just("Hu Jia"), Just("胡佳"), Just("Liu\nXiao-bo"), Just(" "), Just("\u{202e}"), Just("İ"), Just("'s"), Just(", "), Just("and"), Just("😀"), Just("和")
        ], 0..30)) {
            let text: String = parts.concat();
            let chars: Vec<char> = text.chars().collect();
            for mention in index().scan(&text, |_| true) {
                prop_assert_eq!(chars[mention.start..mention.end].iter().collect::<String>(), mention.text);
            }
        }

        #[test]
        fn any_text_is_read(text in ".{0,300}") {
            let _ = index().scan(&text, |_| true);
        }
    }
}
