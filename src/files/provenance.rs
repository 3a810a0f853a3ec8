//! Where the items of a list came from, followed through its later versions: pure. A list is replaced as a whole and its
//! items have no ids, so an item of the next version is the one before that it is most like.

/// A list, with each item which of the items that once came from elsewhere it is, if it is one.
pub type Traced<T> = Vec<(T, Option<usize>)>;

/// How alike two items are; nothing where they have nothing to do with each other.
pub type Likeness<T> = fn(&T, &T) -> Option<u32>;

/// The next version of a list, with where each item came from: of the same item, else of the one it is most like, else of
/// the one that stood in its place in a list of the same length; what is left is new.
pub fn followed<T: Clone + PartialEq>(before: &Traced<T>, after: &[T], likeness: Likeness<T>) -> Traced<T> {
    let mut from: Vec<Option<usize>> = vec![None; after.len()];
    let mut taken = vec![false; before.len()];
    for (place, item) in after.iter().enumerate() {
        let same = (0..before.len()).find(|at| !taken[*at] && before[*at].0 == *item);
        if let Some(at) = same {
            (from[place], taken[at]) = (Some(at), true);
        }
    }
    let mut pairs: Vec<(u32, usize, usize)> = Vec::new();
    for place in (0..after.len()).filter(|place| from[*place].is_none()) {
        for at in (0..before.len()).filter(|at| !taken[*at]) {
            if let Some(how) = likeness(&before[at].0, &after[place]) {
                pairs.push((how, place, at));
            }
        }
    }
    // The most alike first, then in the order of the lists.
    pairs.sort_by_key(|(how, place, at)| (u32::MAX - how, *place, *at));
    for (_, place, at) in pairs {
        if from[place].is_none() && !taken[at] {
            (from[place], taken[at]) = (Some(at), true);
        }
    }
    if before.len() == after.len() {
        for place in 0..after.len() {
            if from[place].is_none() && !taken[place] {
                (from[place], taken[place]) = (Some(place), true);
            }
        }
    }
    let origin = |place: usize| from[place].and_then(|at| before[at].1);
    after
        .iter()
        .enumerate()
        .map(|(place, item)| (item.clone(), origin(place)))
        .collect()
}

/// The list at the beginning: those of its items that came from elsewhere.
pub fn beginning<T: Clone + PartialEq>(list: &[T], moved: &[T]) -> Traced<T> {
    list.iter()
        .map(|item| (item.clone(), moved.iter().position(|came| came == item)))
        .collect()
}

/// A list split again: what stays, and by the items that had come what has become of each.
pub fn split<T: Clone>(now: &Traced<T>, moved: usize) -> (Vec<T>, Vec<Option<T>>) {
    let stays = now
        .iter()
        .filter(|(_, from)| from.is_none())
        .map(|(item, _)| item.clone());
    let became = (0..moved).map(|index| {
        let found = now.iter().find(|(_, from)| *from == Some(index));
        found.map(|(item, _)| item.clone())
    });
    (stays.collect(), became.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By how many letters they share.
    const ALIKE: Likeness<String> = |one, other| {
        let shared = one.chars().filter(|letter| other.contains(*letter)).count();
        (shared > 0).then(|| u32::try_from(shared).unwrap())
    };

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn an_edited_item_follows_where_it_came_from() {
        let begun = beginning(&list(&["Hu Jia", "胡佳", "Hu Chia"]), &list(&["Hu Chia"]));
        // Edited and moved to the front, then another is added and one taken away.
        let next = followed(&begun, &list(&["Hu Chia-wen", "Hu Jia", "胡佳"]), ALIKE);
        let next = followed(&next, &list(&["Zed", "Hu Chia-wen", "胡佳"]), ALIKE);
        assert_eq!(
            split(&next, 1),
            (list(&["Zed", "胡佳"]), vec![Some("Hu Chia-wen".to_owned())])
        );
        let gone = followed(&next, &list(&["Zed"]), ALIKE);
        assert_eq!(split(&gone, 1), (list(&["Zed"]), vec![None]));
    }

    proptest! {
        #[test]
        fn what_nobody_edits_is_split_exactly(own in prop::collection::hash_set("[a-d]{1,3}", 0..6), came in prop::collection::hash_set("[e-h]{1,3}", 0..6), seed in any::<u64>()) {
            let (own, came): (Vec<String>, Vec<String>) = (own.into_iter().collect(), came.into_iter().collect());
            let all: Vec<String> = own.iter().chain(&came).cloned().collect();
            let begun = beginning(&all, &came);
            // In another order, and back.
            let mut turned = all.clone();
            if !turned.is_empty() {
                let by = usize::try_from(seed % 7).unwrap() % turned.len();
                turned.rotate_left(by);
            }
            let next = followed(&followed(&begun, &turned, ALIKE), &all, ALIKE);
            let became: Vec<Option<String>> = came.iter().cloned().map(Some).collect();
            prop_assert_eq!(split(&next, came.len()), (own, became));
        }

        #[test]
        fn an_item_comes_from_one_place_at_most(before in prop::collection::vec("[a-c]{1,2}", 0..6), after in prop::collection::vec("[a-c]{1,2}", 0..6)) {
            let begun: Traced<String> = before.into_iter().enumerate().map(|(at, item)| (item, Some(at))).collect();
            let next = followed(&begun, &after, ALIKE);
            let mut from: Vec<usize> = next.iter().filter_map(|(_, from)| *from).collect();
            let all = from.len();
            from.sort_unstable();
            from.dedup();
            prop_assert_eq!(from.len(), all);
        }
    }
}
