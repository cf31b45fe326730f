//! What seeds have found: each is told again as it was, as small as it could be made.

use super::story::Story;
use super::suite::told;

/// Tells the story of a seed without some of its parts; it must hold.
fn holds(seed: u64, without: &str) {
    let without: Vec<String> = without.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let story = Story::of(seed).without(&without);
    if let Err(wrong) = told(&story) {
        panic!("seed {seed} without {without:?}: {wrong}");
    }
}
