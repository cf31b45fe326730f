//! Holds the house to its plan: which room imports which, and what ARCHITECTURE.md and the sources must agree on.
#![expect(clippy::disallowed_methods, reason = "the test reads the sources")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every room with the rooms that it may import: the table of ARCHITECTURE.md.
const ROOMS: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("text", &[]),
    ("secret", &["text"]),
    ("safeguard", &[]),
    ("diag", &[]),
    ("expr", &["diag"]),
    ("cfn", &["diag"]),
    ("iam", &["cfn"]),
    ("plan", &["expr", "cfn", "diag", "ids", "secret"]),
    ("graph", &["plan", "diag", "ids"]),
    ("rules", &["plan", "cfn", "graph", "diag", "ids"]),
    ("grants", &["plan", "iam", "cfn", "diag", "ids"]),
    ("import", &["cfn", "ids"]),
    ("event", &["ids", "diag"]),
    ("engine", &["graph", "event", "safeguard", "ids"]),
    ("preview", &["event", "ids", "secret"]),
    ("inventory", &["event", "ids"]),
    ("journal", &["event", "ids", "secret"]),
    ("aws", &["iam", "safeguard", "ids", "secret"]),
    ("lease", &["aws", "event"]),
    ("kinds", &["aws", "cfn", "preview", "event", "safeguard", "ids", "secret"]),
    ("sim", &["cfn", "iam", "ids"]),
    ("view", &["graph", "ids", "text"]),
    ("report", &["preview", "event", "journal", "diag", "ids", "text", "secret"]),
    (
        "run",
        &[
            "plan",
            "diag",
            "graph",
            "rules",
            "import",
            "engine",
            "kinds",
            "aws",
            "preview",
            "inventory",
            "event",
            "ids",
            "secret",
        ],
    ),
    ("simulate", &["run", "plan", "graph", "engine", "kinds", "aws", "sim", "cfn", "preview", "event", "diag", "ids"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

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

/// Whether a file of a room holds only tests: they may use any other room.
fn is_test(place: &Path) -> bool {
    place.components().any(|part| part.as_os_str() == "tests")
        || place.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| stem.ends_with("tests"))
}

/// The rooms that a text names after `crate::`, outside of comments and of the tests at its end. A list may hold lists
/// of its own and go over several lines; its own items are the rooms.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let code: String = code.lines().map(|line| line.split("//").next().unwrap_or(line)).collect::<Vec<_>>().join(" ");
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        found.insert(word(list));
        for (at, char) in list.char_indices() {
            match char {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => drop(found.insert(word(&list[at + 1..]))),
                _ => {}
            }
        }
    }
    found.remove("");
    found
}

#[test]
fn imports_point_one_way() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let src = root().join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files {
        let place = file.strip_prefix(&src).unwrap();
        let room = place.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        seen.insert(room.clone());
        if matches!(room.as_str(), "lib" | "main" | "cli") || is_test(place) {
            continue;
        }
        let Some(allowed) = rooms.get(room.as_str()) else {
            wrong.push(format!("src/{}: `{room}` is not a room of the table", place.display()));
            continue;
        };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            if import != room && !allowed.contains(&import.as_str()) {
                wrong.push(format!("src/{}: {room} must not import {import}", place.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (room, _) in ROOMS {
        assert!(seen.contains(*room), "the room `{room}` of the table does not exist");
    }
}

#[test]
fn the_architecture_shows_the_same_table() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (room, allowed) in ROOMS {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{room}` |"))).unwrap_or_else(|| {
            panic!("ARCHITECTURE.md has no row for `{room}`");
        });
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named: BTreeSet<&str> = last.split('`').skip(1).step_by(2).collect();
        assert_eq!(named, allowed.iter().copied().collect(), "{room}");
    }
}

#[test]
fn the_fuzz_targets_have_every_room_that_theirs_import() {
    let text = fs::read_to_string(root().join("fuzz/rooms.rs")).unwrap();
    let declared = |room: &str| text.lines().any(|line| line == format!("pub mod {room};"));
    for (room, imported) in ROOMS.iter().filter(|(room, _)| declared(room)) {
        for other in *imported {
            assert!(declared(other), "fuzz/rooms.rs has `{room}`, which imports `{other}`, and has not that");
        }
    }
    assert!(declared("report") && !declared("aws"), "the reader of rooms sees what is not there");
}

/// The numbers that a text declares as codes of problems.
fn codes(text: &str) -> impl Iterator<Item = u16> {
    text.lines().filter_map(|line| {
        let (_, number) = line.strip_prefix("pub const ")?.split_once(": Code = Code(")?;
        number.strip_suffix(");")?.parse().ok()
    })
}

#[test]
fn the_docs_explain_every_problem_and_no_number_is_given_twice() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let declared: Vec<u16> =
        files.iter().flat_map(|file| codes(&fs::read_to_string(file).unwrap()).collect::<Vec<_>>()).collect();
    let unique: BTreeSet<u16> = declared.iter().copied().collect();
    assert_eq!(declared.len(), unique.len(), "a number is given twice: {declared:?}");
    let docs = fs::read_to_string(root().join("docs/problems.md")).unwrap();
    let explained: BTreeSet<u16> =
        docs.lines().filter_map(|line| line.strip_prefix("| ORCH")?.split_once(' ')?.0.parse().ok()).collect();
    assert!(unique.len() > 20, "the reader of codes sees none: {unique:?}");
    let unexplained: Vec<_> = unique.difference(&explained).collect();
    assert!(unexplained.is_empty(), "docs/problems.md does not explain {unexplained:?}");
}

/// The targets of a Markdown text's links that are files of the repository, without the part after `#`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split(')').next()?.split('#').next()?;
        (!target.is_empty() && !target.contains("://")).then_some(target)
    })
}

#[test]
fn every_link_in_the_texts_leads_to_a_file() {
    let mut texts: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)).to_vec();
    texts.extend(fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    let mut seen = 0;
    for text in texts.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        for link in links(&fs::read_to_string(text).unwrap()) {
            let target = text.parent().unwrap().join(link);
            assert!(target.exists(), "{} leads to {link}, which does not exist", text.display());
            seen += 1;
        }
    }
    assert!(seen > 10, "the reader of links sees only {seen}");
}

#[test]
fn no_source_file_has_grown_past_its_noun() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let long: Vec<_> = files
        .into_iter()
        .map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > 600)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn nothing_is_switched_off_or_left_open() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    sources(&root().join("tests"), &mut files);
    let marks = [
        "todo".to_owned() + "!(",
        "unimplemented".to_owned() + "!(",
        "#[".to_owned() + "ignore",
        "FIX".to_owned() + "ME",
    ];
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for mark in &marks {
            assert!(!text.contains(mark), "{}: {mark}", file.display());
        }
    }
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let text = "use crate::ids::NodeId;\nuse crate::{\n    diag,\n    graph::{Graph, cycle},\n    event,\n};\n\
                // crate::sim\nlet x = crate::plan::load();\n#[cfg(test)]\nmod tests {\nuse crate::view;\n";
    let found: Vec<String> = imports(text).into_iter().collect();
    assert_eq!(found, ["diag", "event", "graph", "ids", "plan"]);
}
