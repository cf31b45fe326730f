//! Why a saved preview is refused.

use std::fmt::Write as _;

use indexmap::IndexMap;

use crate::ids::NodeId;
use crate::preview::{Changed, DIGEST, Place};
use crate::report::Palette;
use crate::text::printable;

/// Everything that has changed since a preview was saved, by node, each line ended by a break.
pub fn changed_text(changed: &[Changed], palette: Palette) -> String {
    let mut nodes: IndexMap<Option<&NodeId>, Vec<&Changed>> = IndexMap::new();
    for one in changed {
        nodes.entry(one.node.as_ref()).or_default().push(one);
    }
    let mut text = String::new();
    for (node, changed) in nodes {
        let name = node.map_or_else(|| "the plan".to_owned(), ToString::to_string);
        let _ = writeln!(text, "  {}", palette.strong(name));
        for one in changed {
            let place = match one.place {
                _ if one.node.is_none() => "",
                Place::Plan => "in the plan: ",
                Place::Aws => "at AWS: ",
                Place::Preview => "therefore: ",
                Place::Unseen => "not seen: ",
            };
            let _ = writeln!(text, "    {}{}", palette.faint(place), sentence(one));
        }
    }
    text
}

fn sentence(changed: &Changed) -> String {
    let what = printable(&changed.what);
    let shown = |value: &Option<String>| value.as_deref().map(|value| printable(value).into_owned());
    let is_digest = |value: &Option<String>| value.as_deref().is_some_and(|value| value.starts_with(DIGEST));
    match (shown(&changed.before), shown(&changed.after)) {
        (None, None) => format!("{what} changed"),
        (Some(_), Some(_)) if is_digest(&changed.before) || is_digest(&changed.after) => format!("{what} changed"),
        (Some(before), Some(after)) => format!("{what}: {before} → {after}"),
        (None, Some(after)) => format!("{what} is new: {after}"),
        (Some(before), None) => format!("{what} is gone: {before}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_told_below_its_node() {
        let changed = |node: Option<&str>, place, what: &str, before: Option<&str>, after: Option<&str>| Changed {
            node: node.map(|node| node.parse().unwrap()),
            place,
            what: what.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let text = changed_text(
            &[
                changed(None, Place::Plan, "account dev", Some("1"), Some("2")),
                changed(Some("stacks.a"), Place::Plan, "template", Some("sha256:1"), Some("sha256:2")),
                changed(Some("stacks.a"), Place::Aws, "stack", Some("arn"), None),
                changed(Some("stacks.b"), Place::Aws, "stack", None, Some("arn\u{1b}[2J")),
                changed(Some("stacks.b"), Place::Preview, "its resources", None, None),
            ],
            Palette::PLAIN,
        );
        let expected = "  the plan\n    account dev: 1 → 2\n  stacks.a\n    in the plan: template changed\n    \
                        at AWS: stack is gone: arn\n  stacks.b\n    at AWS: stack is new: arn";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("    therefore: its resources changed\n") && !text.contains('\u{1b}'), "{text}");
    }
}
