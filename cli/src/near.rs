//! "Did you mean …": the names nearest to a mistyped one.

/// Up to `n` of `names` that are close to `typed`, nearest first: the same word in another case, one that contains
/// it, or one a few keystrokes away.
pub(crate) fn near<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>, n: usize) -> Vec<&'a str> {
    let typed = typed.to_lowercase();
    let allowed = (typed.chars().count() / 4).clamp(1, 3);
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            // `berlin` means Europe/Berlin as much as `Europe/Berlni` does.
            let last = lower.rsplit('/').next().unwrap_or(&lower);
            let steps = distance(&typed, &lower).min(distance(&typed, last));
            let steps = if typed.len() > 3 && lower.contains(&typed) { steps.min(1) } else { steps };
            (steps <= allowed).then_some((steps, name))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().take(n).map(|(_, name)| name).collect()
}

/// Levenshtein distance in characters, over one row.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_or_a_typo_finds_its_zone() {
        let zones = ["Europe/Berlin", "Europe/Paris", "America/New_York"];
        assert_eq!(near("berlin", zones, 3), ["Europe/Berlin"]);
        assert_eq!(near("Europe/Berln", zones, 3), ["Europe/Berlin"]);
        assert!(near("Mars/Olympus", zones, 3).is_empty());
    }
}
