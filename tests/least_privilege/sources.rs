//! Every operation that the sources name is in the table of operations.
#![expect(clippy::disallowed_methods, reason = "the test reads the sources")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use orch::iam::{OPERATIONS, operation};

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The operations that a text calls: the texts that are given to the functions of `Regional` and of the sessions that make
/// calls, be it by a constant.
fn called(text: &str) -> BTreeSet<String> {
    const CALLS: [&str; 7] = [
        ".call(",
        ".change(",
        ".set_in_motion(",
        ".lead(",
        ".in_bucket(",
        "const OPERATION: &str =",
        "const CALL: &str =",
    ];
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let mut found = BTreeSet::new();
    for call in CALLS {
        for rest in code.split(call).skip(1) {
            if let Some(name) = rest.trim_start().strip_prefix('"') {
                found.extend(name.split('"').next().map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn every_operation_that_is_called_is_in_the_table_and_no_other() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws"), &mut files);
    let files = files.into_iter().filter(|file| !file.components().any(|part| part.as_os_str() == "tests"));
    let mut all = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for name in called(&text) {
            assert!(operation(&name).is_some(), "{}: {name} is not in the table", file.display());
            all.insert(name);
        }
        // What is sent by whatever way has its client's own name in the code.
        let builders = [".cloudformation()", ".ec2()", "clients.sts"];
        let sends: usize = builders.iter().map(|builder| text.matches(builder).count()).sum();
        assert!(sends == 0 || !called(&text).is_empty() || text.contains("fn cloudformation("), "{}", file.display());
    }
    let table: BTreeSet<String> = OPERATIONS.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(all, table, "what is called, and what the table has");
}
