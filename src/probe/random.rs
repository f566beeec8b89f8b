//! Words that nobody has used before: client ids, tags, users who do not exist.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

/// Sixteen hexadecimal digits, different each time. No secret: good enough to be nobody else's name.
pub fn random_word() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use super::random_word;

    #[test]
    fn words_differ() {
        let words: std::collections::BTreeSet<String> = (0..100).map(|_| random_word()).collect();
        assert_eq!(words.len(), 100);
        assert!(words.iter().all(|w| w.len() == 16));
    }
}
