//! Parameters and tags before and after.

use indexmap::IndexMap;

use super::super::Expected;
use super::compare::{HIDDEN, is_hidden, same_text};
use super::foresee::Draft;
use crate::aws::Stack;
use crate::cfn::Document;
use crate::preview::{Difference, Shown};

/// The parameters that differ, those left to their defaults too. Of one that is hidden only a change set could tell.
pub(super) fn parameters(draft: &Draft, stack: &Stack, document: Option<&Document>) -> Vec<Difference> {
    let mut found = Vec::new();
    for (name, value) in &draft.parameters {
        let live = stack.parameters.get(name).map(|live| live.value.as_str());
        let hidden = is_hidden(document, &draft.sensitive, name);
        found.extend(difference(name, live, Some(value), hidden));
    }
    let declared = document.into_iter().flat_map(|document| document.parameters.values());
    for parameter in declared.filter(|parameter| !draft.parameters.contains_key(&parameter.name)) {
        let live = stack.parameters.get(&parameter.name).map(|live| live.value.as_str());
        if live.is_some() && draft.kept.contains(&parameter.name) {
            continue;
        }
        let default = parameter.default.clone().map(Expected::Known);
        found.extend(difference(&parameter.name, live, default.as_ref(), parameter.no_echo));
    }
    for (name, live) in &stack.parameters {
        let is_gone = document.is_some_and(|document| !document.parameters.contains_key(name));
        if is_gone && !draft.parameters.contains_key(name) {
            found.extend(difference(name, Some(&live.value), None, false));
        }
    }
    found
}

/// The tags that differ; AWS's own aside.
pub(super) fn tags(draft: &Draft, stack: &Stack) -> Vec<Difference> {
    let own = draft
        .adopt
        .names(&draft.owner, &stack.tags)
        .tags()
        .map(|(key, value)| (key.to_owned(), Expected::Known(value)));
    let wanted: IndexMap<String, Expected> = draft.tags.clone().into_iter().chain(own).collect();
    let given = wanted
        .iter()
        .filter_map(|(key, value)| difference(key, stack.tags.get(key).map(String::as_str), Some(value), false));
    let gone = stack.tags.iter().filter(|(key, _)| !key.starts_with("aws:") && !wanted.contains_key(*key));
    let gone = gone.filter_map(|(key, live)| difference(key, Some(live), None, false));
    given.chain(gone).collect()
}

fn difference(name: &str, live: Option<&str>, wanted: Option<&Expected>, hidden: bool) -> Option<Difference> {
    let same = match (live, wanted) {
        (Some(HIDDEN), Some(Expected::Known(_))) | (None, None) => true,
        (Some(live), Some(Expected::Known(wanted))) => same_text(wanted, live),
        _ => false,
    };
    let before = live.map(|live| if hidden || live == HIDDEN { Shown::Hidden } else { Shown::Text(live.to_owned()) });
    let after = wanted.map(|wanted| wanted.shown(hidden));
    (!same).then(|| Difference { name: name.to_owned(), before, after })
}
