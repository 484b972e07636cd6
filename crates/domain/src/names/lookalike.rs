//! Names that a hurried reader takes for another one.

use super::TRADEMARK;

/// What is left of an ASCII name once the letters and digits that are read alike are one, and hyphens and underscores are gone.
pub(super) fn skeleton(name: &str) -> String {
    let folded: String = name
        .chars()
        .filter(|it| !matches!(it, '-' | '_'))
        .map(|it| match it.to_ascii_lowercase() {
            '0' => 'o',
            '1' | 'i' | 'j' => 'l',
            '3' => 'e',
            '4' => 'a',
            '5' => 's',
            '7' => 't',
            '8' => 'b',
            '9' | 'q' => 'g',
            other => other,
        })
        .collect();
    folded.replace("rn", "m").replace("vv", "w").replace("cl", "d")
}

/// The trademark's word in an ASCII name, written straight or so that it is read as it.
pub(super) fn trademark_in(name: &str) -> Option<&'static str> {
    let skeleton_of_name = skeleton(name);
    TRADEMARK.into_iter().find(|word| skeleton_of_name.contains(&skeleton(word)))
}
