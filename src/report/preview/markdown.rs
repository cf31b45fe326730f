//! The preview as a comment on a pull request: the sum first, the details folded.

use std::fmt::Write as _;

use super::super::markdown::{LONGEST, cell, code, html};
use super::words;
use crate::preview::{Action, Foreseen, Preview, ResourceChange};
use crate::text::{counted, printable};

/// A Markdown document with a table of the nodes that something would be done with.
pub fn preview_markdown(preview: &Preview) -> String {
    let mut text = String::new();
    let heading = if preview.is_nothing() { "nothing to do" } else { "changes" };
    let _ = writeln!(text, "### `{}`: {heading}\n", code(&preview.plan));
    let _ = writeln!(text, "{}\n", words::count(preview));
    let lost = preview.lost();
    if lost > 0 {
        let _ = writeln!(text, "> **{} would be lost, or may be, with all in it.**\n", counted(lost, "resource"));
    }
    let shown: Vec<&Foreseen> =
        preview.nodes.iter().filter(|node| !matches!(node.action, Action::Nothing | Action::Read)).collect();
    table(&mut text, &shown);
    let roll_outs = words::roll_outs(preview);
    for (group, said) in &roll_outs {
        let _ = writeln!(text, "- `{}` in waves: {}", code(group), cell(said));
    }
    if !roll_outs.is_empty() {
        text.push('\n');
    }
    let mut left = 0;
    for node in shown {
        let details = details(node);
        if details.is_empty() {
            continue;
        }
        if text.len() + details.len() > LONGEST {
            left += 1;
            continue;
        }
        let _ = writeln!(
            text,
            "<details><summary><code>{}</code></summary>\n\n````text\n{details}````\n\n</details>\n",
            html(&node.node.to_string())
        );
    }
    if left > 0 {
        let _ = writeln!(
            text,
            "The details of {} are left out: they would make this page too long.\n",
            counted(left, "node")
        );
    }
    let gone: Vec<&Foreseen> = preview.left.iter().collect();
    if !gone.is_empty() {
        let _ = writeln!(text, "#### {}\n", words::left(preview));
        table(&mut text, &gone);
        for (node, why) in gone.iter().filter_map(|node| Some((node, node.failure.as_ref()?))) {
            let _ = writeln!(text, "- `{}`: {}", code(&node.name), cell(&printable(&why.to_string())));
        }
        text.push('\n');
    }
    if !preview.unsearched.is_empty() {
        let _ = writeln!(text, "#### {}\n", words::UNSEARCHED);
        for failure in &preview.unsearched {
            let _ = writeln!(text, "- {}", cell(&printable(&failure.to_string())));
        }
        text.push('\n');
    }
    if words::is_halted(preview) {
        let _ = writeln!(text, "**{}**\n", words::HALTED);
    }
    if !preview.destroys {
        let _ = writeln!(text, "_{}_", words::compared(preview));
    }
    simulation(&mut text, preview);
    text
}

fn simulation(text: &mut String, preview: &Preview) {
    let Some(simulation) = &preview.simulation else { return };
    if let Some(failure) = &simulation.failure {
        let _ = writeln!(text, "\n**There was no simulation: {}**", cell(&printable(&failure.to_string())));
        return;
    }
    let _ = writeln!(text, "\n**{}**\n", words::simulation(preview));
    for assumed in &simulation.assumed {
        let _ = writeln!(text, "- *{}* {}", words::SIMULATED, cell(&printable(assumed)));
    }
    let between = if simulation.assumed.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{between}_{}_", words::NO_PROMISE);
}

/// A table with a line for each of these.
fn table(text: &mut String, nodes: &[&Foreseen]) {
    if nodes.is_empty() {
        return;
    }
    text.push_str("| | node | | where |\n|---|---|---|---|\n");
    for node in nodes {
        let (sign, mut what) = (node.action.sign(), cell(&words::action(node)));
        if let Some(seen) = &node.simulated {
            let _ = write!(what, "; *{}* {}", words::SIMULATED, cell(&words::simulated(seen)));
        }
        let place = cell(&printable(&format!("{}, {}", node.account, node.region)));
        let _ = writeln!(text, "| `{sign}` | `{}` | {what} | {place} |", code(&node.node.to_string()));
    }
    text.push('\n');
}

fn details(node: &Foreseen) -> String {
    let mut text = plain(node);
    if let Some(seen) = &node.simulated {
        let _ = writeln!(text, "{} {} {}", words::SIMULATED, seen.action.sign(), words::simulated(seen));
        for line in plain(&words::beyond(node, seen)).lines() {
            let _ = writeln!(text, "{}     {line}", words::SIMULATED);
        }
    }
    // A fence within what is fenced would end it.
    text.replace("````", "'''' ")
}

fn plain(node: &Foreseen) -> String {
    let mut text = String::new();
    if let Some(failure) = &node.failure {
        let _ = writeln!(text, "{}", printable(&failure.to_string()));
        for help in &failure.help {
            let _ = writeln!(text, "help: {}", printable(help));
        }
    }
    for line in node.notes.iter().map(|note| printable(note).into_owned()).chain(words::until(node)) {
        let _ = writeln!(text, "{line}");
    }
    for (what, differences) in [("setting", &node.settings), ("parameter", &node.parameters), ("tag", &node.tags)] {
        for one in differences {
            let _ = writeln!(text, "{what} {}: {}", printable(&one.name), words::difference(one));
        }
    }
    resources(&mut text, &node.resources, 0);
    text
}

fn resources(text: &mut String, changes: &[ResourceChange], indent: usize) {
    for change in changes {
        let (sign, word) = (words::effect_sign(change.effect), words::effect_word(change.effect));
        let _ =
            writeln!(text, "{:indent$}{sign} {} ({}) {word}", "", printable(&change.resource), printable(&change.kind));
        for property in &change.properties {
            let _ = writeln!(text, "{:indent$}    {}", "", words::property(property));
        }
        resources(text, &change.nested, indent + 4);
    }
}
