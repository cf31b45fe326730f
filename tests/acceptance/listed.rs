//! The list in the docs is the list of tests.
#![expect(clippy::disallowed_methods, reason = "the test reads its own sources")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_docs_list_every_test_of_these_suites() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    let folders = ["tests/acceptance", "tests/least_privilege", "tests/process"];
    for entry in folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).unwrap()) {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut marked = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                marked = true;
            } else if let Some(rest) = line.trim_start_matches("async ").strip_prefix("fn ") {
                if marked {
                    tests.insert(rest.split('(').next().unwrap().to_owned());
                }
                marked = false;
            }
        }
    }
    let docs = fs::read_to_string(root.join("docs/acceptance.md")).unwrap();
    let listed: BTreeSet<String> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("- `"))
        .filter_map(|line| line.split('`').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, tests);
}
