//! The names on record, as a tree of tokens: reading on from a token costs the same however many names there are.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use crate::names::token::{self, Gap, Token};

/// Most tokens of a text that a name may take up.
pub(super) const LONGEST: usize = 16;
/// Most tokens of a name that are kept.
const KEPT: usize = 32;

/// How a recorded name stands in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Kept,
    Swapped,
}

#[derive(Clone, Debug)]
pub(super) struct Leaf<K> {
    pub key: K,
    pub name: String,
    pub order: Order,
    /// The marked form of each token, where it has marks.
    pub marked: Vec<Option<String>>,
}

/// The names of many people.
#[derive(Clone, Debug)]
pub struct Index<K> {
    words: HashMap<String, u32>,
    pub(super) sorted: BTreeMap<String, u32>,
    steps: HashMap<(u32, u32), u32>,
    nodes: u32,
    pub(super) leaves: HashMap<u32, Vec<Leaf<K>>>,
    /// Who bears a word, for searching.
    pub(super) bearers: HashMap<u32, HashSet<K>>,
    pub(super) names: HashMap<K, Vec<String>>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self {
            words: HashMap::new(),
            sorted: BTreeMap::new(),
            steps: HashMap::new(),
            nodes: 1,
            leaves: HashMap::new(),
            bearers: HashMap::new(),
            names: HashMap::new(),
        }
    }
}

/// Where the tree begins.
pub(super) const ROOT: u32 = 0;

impl<K: Clone + Eq + Hash + Ord> Index<K> {
    /// Replaces a person's names.
    pub fn set_names(&mut self, key: &K, names: &[&str]) {
        self.remove(key);
        for name in names {
            for (tokens, order) in forms(name) {
                self.plant(key, name, &tokens, order);
            }
        }
        self.names
            .insert(key.clone(), names.iter().map(|name| (*name).to_owned()).collect());
    }

    /// Forgets a person.
    pub fn remove(&mut self, key: &K) {
        let Some(names) = self.names.remove(key) else { return };
        for name in names {
            for (tokens, _) in forms(&name) {
                let mut node = ROOT;
                for token in &tokens {
                    let Some(next) = self.step(node, &token.key) else { break };
                    node = next;
                    if let Some(word) = self.words.get(&token.key)
                        && let Some(bearers) = self.bearers.get_mut(word)
                    {
                        bearers.remove(key);
                    }
                }
                if let Some(leaves) = self.leaves.get_mut(&node) {
                    leaves.retain(|leaf| leaf.key != *key);
                }
            }
        }
    }

    /// How many people have names here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether nobody has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn step(&self, node: u32, word: &str) -> Option<u32> {
        self.steps.get(&(node, *self.words.get(word)?)).copied()
    }

    /// Whether a person bears a word in any name.
    pub(super) fn bears(&self, key: &K, word: &str) -> bool {
        self.words
            .get(word)
            .and_then(|word| self.bearers.get(word))
            .is_some_and(|bearers| bearers.contains(key))
    }

    fn plant(&mut self, key: &K, name: &str, tokens: &[Token], order: Order) {
        let mut node = ROOT;
        for token in tokens {
            let word = self.word(&token.key);
            self.bearers.entry(word).or_default().insert(key.clone());
            node = *self.steps.entry((node, word)).or_insert_with(|| {
                self.nodes += 1;
                self.nodes - 1
            });
        }
        let marked = tokens
            .iter()
            .map(|token| (token.marked != token.key).then(|| token.marked.clone()))
            .collect();
        self.leaves.entry(node).or_default().push(Leaf {
            key: key.clone(),
            name: name.to_owned(),
            order,
            marked,
        });
    }

    fn word(&mut self, text: &str) -> u32 {
        if let Some(word) = self.words.get(text) {
            return *word;
        }
        let word = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.words.insert(text.to_owned(), word);
        self.sorted.insert(text.to_owned(), word);
        word
    }
}

/// The forms under which a recorded name is looked for: hyphens joined and open, and the other order.
pub(super) fn forms(name: &str) -> Vec<(Vec<Token>, Order)> {
    let open = token::tokens(name);
    let mut forms = vec![];
    for tokens in [joined(&open), open] {
        if tokens.is_empty() || tokens.len() > KEPT {
            continue;
        }
        let mut orders = vec![(tokens.clone(), Order::Kept)];
        if (2..=3).contains(&tokens.len()) && !tokens.iter().any(|token| token.han) {
            let mut turned = tokens.clone();
            turned.rotate_right(1);
            orders.push((turned, Order::Swapped));
            if tokens.len() == 3 {
                let mut turned = tokens;
                turned.rotate_left(1);
                orders.push((turned, Order::Swapped));
            }
        }
        for (tokens, order) in orders {
            let same = |other: &(Vec<Token>, Order)| {
                other
                    .0
                    .iter()
                    .map(|token| &token.key)
                    .eq(tokens.iter().map(|token| &token.key))
            };
            if !forms.iter().any(same) {
                forms.push((tokens, order));
            }
        }
    }
    forms
}

/// Tokens with those that hyphens hold together as one.
pub(super) fn joined(tokens: &[Token]) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match out.last_mut() {
            Some(last) if token.gap == Gap::Hyphen && !token.han && !last.han => {
                last.key.push_str(&token.key);
                last.marked.push_str(&token.marked);
                last.end = token.end;
            }
            _ => out.push(token.clone()),
        }
    }
    out
}
