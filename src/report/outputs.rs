//! The outputs of nodes, for people, for programs and for shells.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use indexmap::IndexMap;
use serde::Serialize;

use super::Palette;
use crate::ids::{AccountName, NodeId, Region};
use crate::text::printable;

/// What a node has to offer to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOutputs {
    /// The node.
    pub node: NodeId,
    /// The account that it lives in.
    pub account: AccountName,
    /// The region that it lives in.
    pub region: Region,
    /// The values by name.
    pub outputs: BTreeMap<String, String>,
}

/// Two outputs whose names become the same when they are written as a variable of a shell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{first} and {second} would both be the variable {variable}: choose one of the nodes with --only, or use --format json"
)]
pub struct SameName {
    /// The variable.
    pub variable: String,
    /// The output that comes first, as node and name.
    pub first: String,
    /// The other one.
    pub second: String,
}

/// A table with a line for each output; nodes without outputs are left out.
pub fn outputs_table(nodes: &[NodeOutputs], palette: Palette) -> String {
    let rows: Vec<[String; 3]> = nodes.iter().flat_map(rows).collect();
    if rows.is_empty() {
        return "No outputs.\n".to_owned();
    }
    let headings = ["NODE", "OUTPUT", "VALUE"];
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(headings[column].len())
    };
    let (node, output) = (width(0), width(1));
    let heading = format!("{:node$}  {:output$}  {}", headings[0], headings[1], headings[2]);
    let mut out = format!("{}\n", palette.faint(heading));
    for [name, key, value] in &rows {
        let _ = writeln!(out, "{}  {key:output$}  {value}", palette.strong(format_args!("{name:node$}")));
    }
    out
}

/// The lines of a node; its name stands on the first only.
fn rows(node: &NodeOutputs) -> impl Iterator<Item = [String; 3]> {
    node.outputs.iter().enumerate().map(|(place, (key, value))| {
        let name = if place == 0 { node.node.to_string() } else { String::new() };
        [name, printable(key).into_owned(), printable(value).into_owned()]
    })
}

/// A JSON object of the nodes by name, each with `account`, `region` and `outputs`.
pub fn outputs_json(nodes: &[NodeOutputs]) -> String {
    #[derive(Serialize)]
    struct Entry<'a> {
        account: &'a AccountName,
        region: &'a Region,
        outputs: &'a BTreeMap<String, String>,
    }
    let document: IndexMap<_, _> = nodes
        .iter()
        .map(|NodeOutputs { node, account, region, outputs }| (node.to_string(), Entry { account, region, outputs }))
        .collect();
    let mut text = serde_json::to_string_pretty(&document).expect("text is always JSON");
    text.push('\n');
    text
}

/// A line `STACKS_MASTER_VPCID='vpc-0123'` for each output, to be read by a POSIX shell.
///
/// # Errors
/// [`SameName`] if two outputs would have the same variable: one of them would be lost without a word.
pub fn outputs_env(nodes: &[NodeOutputs]) -> Result<String, SameName> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut out = String::new();
    for node in nodes {
        for (key, value) in &node.outputs {
            let variable = variable(&node.node, key);
            let name = format!("{} {}", node.node, printable(key));
            let _ = writeln!(out, "{variable}={}", quoted(value));
            if let Some(first) = seen.insert(variable.clone(), name.clone()) {
                return Err(SameName { variable, first, second: name });
            }
        }
    }
    Ok(out)
}

/// Letters, digits and underscores, the first of them a letter: the name of the table.
fn variable(node: &NodeId, key: &str) -> String {
    let parts = [node.kind.table(), &node.group].into_iter().chain(node.key.as_deref()).chain([key]);
    let parts: Vec<_> = parts.collect();
    let plain = |char: char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' };
    parts.join("_").chars().map(plain).collect()
}

/// Within single quotes a shell takes everything as it is but a single quote. No shell's variable can hold a NUL.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\0', "").replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(node: &str, outputs: &[(&str, &str)]) -> NodeOutputs {
        NodeOutputs {
            node: node.parse().unwrap(),
            account: "master".into(),
            region: "us-east-1".into(),
            outputs: outputs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        }
    }

    fn some() -> Vec<NodeOutputs> {
        vec![
            outputs("stacks.master", &[("VPCId", "vpc-1"), ("VPCCIDRBlock", "10.0.0.0/20")]),
            outputs("routes.none", &[]),
            outputs("stacks.spoke[dev/us-west-2]", &[("Note", "it's\na \x1b[1mnote")]),
        ]
    }

    #[test]
    fn the_table_is_aligned_and_harmless() {
        insta::assert_snapshot!(outputs_table(&some(), Palette::PLAIN), @r#"
        NODE                         OUTPUT        VALUE
        stacks.master                VPCCIDRBlock  10.0.0.0/20
                                     VPCId         vpc-1
        stacks.spoke[dev/us-west-2]  Note          it's a \u{1b}[1mnote
        "#);
        assert_eq!(outputs_table(&[], Palette::PLAIN), "No outputs.\n");
    }

    #[test]
    fn the_json_keeps_the_order_and_the_values() {
        let text = outputs_json(&some());
        let json: IndexMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(json.keys().collect::<Vec<_>>(), ["stacks.master", "routes.none", "stacks.spoke[dev/us-west-2]"]);
        assert_eq!(json["stacks.master"]["outputs"]["VPCId"], "vpc-1");
        assert_eq!(json["stacks.spoke[dev/us-west-2]"]["outputs"]["Note"], "it's\na \x1b[1mnote");
    }

    #[test]
    fn a_shell_reads_the_values_back_as_they_are() {
        let expected = "STACKS_MASTER_VPCCIDRBLOCK='10.0.0.0/20'\nSTACKS_MASTER_VPCID='vpc-1'\n\
                        STACKS_SPOKE_DEV_US_WEST_2_NOTE='it'\\''s\na \x1b[1mnote'\n";
        assert_eq!(outputs_env(&some()).unwrap(), expected);
    }

    #[test]
    fn two_outputs_of_one_variable_are_refused() {
        let nodes = [outputs("stacks.a-b", &[("Id", "1")]), outputs("stacks.a.b", &[("ID", "2")])];
        let error = outputs_env(&nodes).unwrap_err();
        assert_eq!(
            (error.variable.as_str(), error.first.as_str(), error.second.as_str()),
            ("STACKS_A_B_ID", "stacks.a-b Id", "stacks.a.b ID")
        );
    }
}
