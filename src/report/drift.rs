//! What has drifted, for people and for programs.

use std::fmt::Write as _;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;

use super::Palette;
use super::status::in_table;
use crate::event::{Difference, Drift, DriftReport, Fate, NodeDrift, PropertyDrift, ResourceDrift, Verdict};
use crate::text::{counted, printable};

/// The version of the document. New fields do not change it.
const VERSION: u32 = 1;

/// What was compared, which must be said: a preview answers another question.
const COMPARED: &str = "Live resources are compared with what CloudFormation last deployed, peerings and routes with the \
     plan; `orch preview` compares templates.";

/// GitHub takes 65,536 characters for a comment; what is beyond is left to the log.
const LONGEST: usize = 60_000;

/// One JSON document: the counts, then every node, then what could not be read.
pub fn drift_json(plan: &str, at: Timestamp, report: &DriftReport) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        version: u32,
        plan: &'a str,
        at: Timestamp,
        counts: IndexMap<Verdict, usize>,
        #[serde(flatten)]
        report: &'a DriftReport,
    }
    let counts = report.counts().into_iter().collect();
    let document = Document { version: VERSION, plan, at, counts, report };
    let mut text = serde_json::to_string_pretty(&document).expect("text is always JSON");
    text.push('\n');
    text
}

/// The nodes that have drifted or of which something is not known, each with what differs; then what could not be read;
/// the sum comes last, where the eye stops.
pub fn drift_text(report: &DriftReport, palette: Palette) -> String {
    let mut text = String::new();
    for node in &report.nodes {
        let drift = &node.drift;
        if drift.verdict != Verdict::InSync || drift.is_partial() {
            let word = painted(palette, drift.verdict, drift.verdict.word());
            let place = palette.faint(format_args!("in {}, {}", node.account, node.region));
            let _ = writeln!(text, "{word}  {}  {}  {place}", palette.strong(&node.node), summary(drift));
            for line in details(drift) {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    let left = incomparable(report);
    if !left.is_empty() {
        let _ = writeln!(text, "{}", palette.faint(format_args!("= {left}")));
    }
    unread(&mut text, report, palette);
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{}\n{}", sum(report), palette.faint(COMPARED));
    text
}

/// A Markdown document: the sum, a table of the nodes that have drifted, the details folded.
pub fn drift_markdown(plan: &str, report: &DriftReport) -> String {
    let mut text = String::new();
    let heading = if report.has_drifted() { "drifted" } else { "no drift" };
    let _ = writeln!(text, "### `{}`: {heading}\n\n{}\n", code(plan), sum(report));
    let told = |node: &&NodeDrift| node.drift.verdict != Verdict::InSync || node.drift.is_partial();
    let shown: Vec<&NodeDrift> = report.nodes.iter().filter(told).collect();
    if !shown.is_empty() {
        text.push_str("| node | | where |\n|---|---|---|\n");
        for node in &shown {
            let (name, what) = (code(&node.node.to_string()), code(&summary(&node.drift)));
            let _ =
                writeln!(text, "| `{name}` | {} `{what}` | {}, {} |", node.drift.verdict, node.account, node.region);
        }
        text.push('\n');
    }
    let mut left = 0;
    for node in shown {
        let details = details(&node.drift).join("\n").replace("````", "''''");
        if details.is_empty() {
            continue;
        }
        if text.len() + details.len() > LONGEST {
            left += 1;
            continue;
        }
        let name = node.node.to_string();
        let _ = writeln!(
            text,
            "<details><summary><code>{name}</code></summary>\n\n````text\n{details}\n````\n\n</details>\n"
        );
    }
    if left > 0 {
        let left = counted(left, "node");
        let _ = writeln!(text, "The details of {left} are left out: they would make this page too long.\n");
    }
    for failure in &report.unread {
        let _ = writeln!(text, "Not read: `{}`\n", code(&failure.to_string()));
    }
    let _ = writeln!(text, "_{COMPARED}_");
    text
}

fn painted(palette: Palette, verdict: Verdict, text: &str) -> String {
    let text = &format!("{text:9}");
    match verdict {
        Verdict::InSync => palette.good(text),
        Verdict::Drifted | Verdict::Missing => palette.bad(text),
        Verdict::Unchecked | Verdict::Unread => palette.warn(text),
    }
}

/// `13 nodes: 12 in sync, 1 drifted`.
fn sum(report: &DriftReport) -> String {
    let counts = report.counts();
    let words: Vec<String> = counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    let nodes = counted(report.nodes.len(), "node");
    if words.is_empty() { nodes } else { format!("{nodes}: {}", words.join(", ")) }
}

/// `CREATE_COMPLETE: 1 changed, 1 deleted, 4 in sync`.
fn summary(drift: &Drift) -> String {
    let count = |fate| drift.resources.iter().filter(|resource| resource.fate == fate).count();
    let counts = [
        (count(Fate::Modified), "changed"),
        (count(Fate::Deleted), "deleted"),
        (count(Fate::Unknown), "not read"),
        (drift.in_sync.unwrap_or(0), "in sync"),
    ];
    let words: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let state = printable(&drift.state);
    if words.is_empty() { state.into_owned() } else { format!("{state}: {}", words.join(", ")) }
}

fn details(drift: &Drift) -> Vec<String> {
    let mut lines: Vec<String> = drift.notes.iter().map(|note| printable(note).into_owned()).collect();
    lines.extend(drift.tables.iter().filter_map(in_table));
    for resource in &drift.resources {
        lines.push(headline(resource));
        lines.extend(resource.properties.iter().map(|property| format!("    {}", line(property))));
    }
    lines
}

/// `~ Vpc (AWS::EC2::VPC vpc-1) changed`.
fn headline(resource: &ResourceDrift) -> String {
    let ResourceDrift { resource: name, kind, id, fate, reason, .. } = resource;
    let (sign, word) = match fate {
        Fate::Modified => ('~', "changed"),
        Fate::Deleted => ('-', "deleted"),
        Fate::Unknown => ('?', "not read"),
    };
    let id = id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    printable(&format!("{sign} {name} ({kind}{id}) {word}{reason}")).into_owned()
}

/// `Tags/0/Value (Name): hub → mine`.
fn line(property: &PropertyDrift) -> String {
    let value = |value: &Option<String>| match value {
        Some(text) if text.is_empty() => "\"\"".to_owned(),
        Some(text) => text.clone(),
        None if property.hidden => "****".to_owned(),
        None => "nothing".to_owned(),
    };
    let said = match property.difference {
        Difference::Added => format!("{} was added", value(&property.actual)),
        Difference::Removed => format!("{} is gone", value(&property.expected)),
        Difference::Changed if property.hidden => "differs (hidden)".to_owned(),
        Difference::Changed => format!("{} → {}", value(&property.expected), value(&property.actual)),
    };
    let key = property.key.as_ref().map(|key| format!(" ({key})")).unwrap_or_default();
    printable(&format!("{}{key}: {said}", property.path)).into_owned()
}

/// What CloudFormation cannot compare, by type.
fn incomparable(report: &DriftReport) -> String {
    let mut kinds: IndexMap<&str, usize> = IndexMap::new();
    for one in report.nodes.iter().flat_map(|node| &node.drift.incomparable) {
        *kinds.entry(&one.kind).or_default() += 1;
    }
    if kinds.is_empty() {
        return String::new();
    }
    let counts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {}", printable(kind))).collect();
    format!("not compared by CloudFormation: {}", counts.join(", "))
}

fn unread(text: &mut String, report: &DriftReport, palette: Palette) {
    for failure in &report.unread {
        let _ = writeln!(text, "{} {}", palette.warn("not read:"), printable(&failure.to_string()));
        for help in &failure.help {
            let _ = writeln!(text, "    help: {}", printable(help));
        }
    }
}

/// Text within backticks, in a table's cell too.
fn code(text: &str) -> String {
    printable(text).replace('`', "'").replace('|', "\\|")
}
