//! Whom a name may mean: the whole name given, in either order, or parts of it.

use std::hash::Hash;

use crate::names::Candidate;
use crate::names::index::{Index, Order, ROOT, forms};
use crate::names::scan::{is_plain, marks_agree};
use crate::names::token;

impl<K: Clone + Eq + Hash + Ord> Index<K> {
    /// The people whom that name may mean, best first; people for whom `may_see` does not hold take no part.
    pub fn match_name(&self, name: &str, may_see: impl Fn(&K) -> bool, limit: usize) -> Vec<Candidate<K>> {
        let mut found: Vec<Candidate<K>> = Vec::new();
        // Recorded names stand in the tree in every order: the name given is taken as it is.
        for (tokens, _) in forms(name).into_iter().filter(|(_, order)| *order == Order::Kept) {
            let end = tokens.iter().try_fold(ROOT, |node, token| self.step(node, &token.key));
            let marked: Vec<String> = tokens.iter().map(|token| token.marked.clone()).collect();
            let plain: Vec<bool> = marked.iter().map(|word| is_plain(word)).collect();
            for leaf in end
                .and_then(|node| self.leaves.get(&node))
                .into_iter()
                .flatten()
                .filter(|leaf| may_see(&leaf.key))
            {
                let (score, why) = if leaf.name == name {
                    (1.0, "exact")
                } else if !marks_agree(&marked, &plain, &leaf.marked) {
                    (0.7, "the same but for marks that differ")
                } else if leaf.order == Order::Kept {
                    (0.99, "capitals, marks, hyphens or spaces differ")
                } else {
                    (0.95, "order swapped")
                };
                add(&mut found, &leaf.key, &leaf.name, score, why);
            }
        }
        // All who hold the words score alike and stand in the order of their keys: more of them than are asked for
        // change nothing.
        let others = self.holders(name).into_iter().filter(|key| may_see(key));
        for key in others.take(limit.saturating_add(found.len())) {
            self.by_parts(name, key, &mut found);
        }
        found.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.key.cmp(&other.key)));
        found.truncate(limit);
        found
    }

    /// Everyone whom [`Index::match_name`] could give, for finding out whom a reader may see: those who bear the whole
    /// name, and those who hold its words, each by key. Of the latter the first ones are enough.
    #[must_use]
    pub fn called(&self, name: &str) -> (Vec<K>, Vec<K>) {
        let mut people = Vec::new();
        for (tokens, _) in forms(name).into_iter().filter(|(_, order)| *order == Order::Kept) {
            let end = tokens.iter().try_fold(ROOT, |node, token| self.step(node, &token.key));
            let leaves = end.and_then(|node| self.leaves.get(&node)).into_iter().flatten();
            people.extend(leaves.map(|leaf| &leaf.key));
        }
        people.sort();
        people.dedup();
        let others = self
            .holders(name)
            .into_iter()
            .filter(|key| people.binary_search(key).is_err());
        let others = others.cloned().collect();
        (people.into_iter().cloned().collect(), others)
    }

    /// People whose names hold every word given, the last perhaps only begun, by key.
    fn holders(&self, name: &str) -> Vec<&K> {
        let words = words_of(name);
        let Some((last, rest)) = words.split_last() else {
            return Vec::new();
        };
        let begun = self
            .sorted
            .range(last.clone()..)
            .take_while(|(word, _)| word.starts_with(last.as_str()));
        let mut people: Vec<&K> = begun
            .filter_map(|(_, word)| self.bearers.get(word))
            .flatten()
            .filter(|key| rest.iter().all(|word| self.bears(key, word)))
            .collect();
        people.sort();
        people.dedup();
        people
    }

    /// The names of one person that hold every word given.
    fn by_parts(&self, name: &str, key: &K, found: &mut Vec<Candidate<K>>) {
        let words = words_of(name);
        let Some((last, rest)) = words.split_last() else { return };
        for recorded in self.names.get(key).into_iter().flatten() {
            let theirs = words_of(recorded);
            let whole = rest.iter().all(|word| theirs.contains(word))
                && theirs.iter().any(|word| word.starts_with(last.as_str()));
            if whole {
                add(found, key, recorded, 0.6, "holds the words given");
            }
        }
    }
}

fn words_of(name: &str) -> Vec<String> {
    token::tokens(name).into_iter().map(|token| token.key).collect()
}

fn add<K: Clone + Eq>(found: &mut Vec<Candidate<K>>, key: &K, name: &str, score: f64, why: &str) {
    match found.iter_mut().find(|other| other.key == *key) {
        Some(other) if other.score >= score => {}
        Some(other) => {
            *other = Candidate {
                key: key.clone(),
                matched: name.to_owned(),
                score,
                why: format!("{name}: {why}"),
            }
        }
        None => found.push(Candidate {
            key: key.clone(),
            matched: name.to_owned(),
            score,
            why: format!("{name}: {why}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_matched_whole_in_either_order_and_by_parts() {
        let mut index = Index::default();
        index.set_names(&1, &["Li"]);
        index.set_names(&2, &["Nguyễn Văn Đài"]);
        index.set_names(&3, &["Liu Xiaobo"]);
        index.set_names(&4, &["Ibn A B C D E F G H I"]);
        for (name, who, score) in [
            ("Li", 1, 1.0),
            ("Nguyen Van Dai", 2, 0.99),
            ("Nguyễn Văn Đại", 2, 0.7),
            ("liu xiao-bo", 3, 0.99),
            ("Xiaobo Liu", 3, 0.95),
            ("Liu Xiao", 3, 0.6),
            ("Ibn A B C D E F G H I", 4, 1.0),
        ] {
            let best = index
                .match_name(name, |_| true, 1)
                .into_iter()
                .map(|found| (found.key, found.score))
                .next();
            assert_eq!(best, Some((who, score)), "{name}");
        }
        assert!(index.match_name("Liu Xiaobo", |key| *key != 3, 5).is_empty());
    }
}
