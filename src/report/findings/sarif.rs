//! SARIF 2.1.0, as code scanning takes it.
//!
//! See <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html> and, for what is needed of it,
//! <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::Checked;
use super::place::Place;
use crate::diag::{Code, Label, Problem, Severity, Sources};

/// A rule in words, for whoever reads the results.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its number.
    pub code: Code,
    /// A few words that name it.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub summary: &'static str,
    /// More, in Markdown.
    pub explanation: &'static str,
}

/// One SARIF log for all plans, ended by a line break. `rules` describes what may have been found.
pub fn sarif(plans: &[Checked<'_>], rules: &[Described]) -> String {
    let index: HashMap<Code, usize> = rules.iter().enumerate().map(|(index, rule)| (rule.code, index)).collect();
    let results: Vec<Json> = plans
        .iter()
        .flat_map(|checked| checked.problems.iter().map(|problem| result(problem, checked.sources, &index)))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": env!("CARGO_PKG_NAME"),
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules.iter().map(described).collect::<Vec<_>>(),
                }
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn described(rule: &Described) -> Json {
    json!({
        "id": rule.code.to_string(),
        "name": rule.name,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.summary },
        "help": { "text": rule.explanation, "markdown": rule.explanation },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(problem: &Problem, sources: &Sources, index: &HashMap<Code, usize>) -> Json {
    let mut message = problem.message.clone();
    for help in &problem.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    let mut result = json!({
        "ruleId": problem.code.to_string(),
        "level": level(problem.severity),
        "message": { "text": message },
        "locations": [location(&problem.at, sources)],
    });
    if let Some(index) = index.get(&problem.code) {
        result["ruleIndex"] = (*index).into();
    }
    if !problem.related.is_empty() {
        let related = problem.related.iter().enumerate().map(|(id, label)| {
            let mut location = location(label, sources);
            location["id"] = (id + 1).into();
            location
        });
        result["relatedLocations"] = related.collect();
    }
    result
}

fn location(label: &Label, sources: &Sources) -> Json {
    let place = Place::of(&label.span, sources);
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&place.path) },
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
            },
        },
    });
    if !label.text.is_empty() {
        location["message"] = json!({ "text": label.text });
    }
    location
}

/// A path as a URI, relative unless the path is absolute: what may not stand in one is percent-encoded (RFC 3986, and
/// RFC 8089 for files).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.trim_start_matches("./").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte.into());
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_log_has_the_rules_and_a_result_for_each_problem() {
        let (sources, problems) = sample();
        let checked = Checked { path: "plans/a.toml", nodes: None, problems: &problems, sources: &sources };
        let rule = Described {
            code: Code(11),
            name: "unknown-reference",
            severity: Severity::Error,
            summary: "a path to something that the plan does not have",
            explanation: "Paths are *checked*.",
        };
        let log = sarif(&[checked], &[rule]);
        let read: Json = serde_json::from_str(&log).unwrap();
        assert_eq!(read["runs"][0]["results"].as_array().unwrap().len(), problems.len());
        assert_eq!(read["runs"][0]["results"][0]["ruleIndex"], 0);
        insta::assert_snapshot!(log);
    }

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(uri("./plans/ä b.toml"), "plans/%C3%A4%20b.toml");
        assert_eq!(uri("plans/us-east-1.toml"), "plans/us-east-1.toml");
        assert_eq!(uri("/srv/a b.toml"), "file:///srv/a%20b.toml");
    }
}
