//! The distinct templates of a plan's stacks, as CloudFormation is asked about them.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use crate::aws::Template;
use crate::diag::{FileId, Sources};
use crate::graph::Ix;
use crate::ids::Region;
use crate::kinds::stack;
use crate::plan::{Origin, Plan, Spec};

/// One template in one region.
#[derive(Debug)]
pub(super) struct Distinct<'p> {
    /// The template.
    pub(super) template: Template,
    /// The region.
    pub(super) region: &'p Region,
    /// The stacks that use it there, in the order they were given in.
    pub(super) nodes: Vec<Ix>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Text {
    Own(Arc<str>),
    Url(Arc<str>),
}

/// The distinct templates of some nodes, each once for each region that it is used in. What a request does not hold is left
/// out: it would have to be put in a bucket first.
pub(super) fn distinct<'p>(plan: &'p Plan, sources: &Sources, nodes: impl Iterator<Item = Ix>) -> Vec<Distinct<'p>> {
    // Files may be alike; each one's text is looked at once, however many nodes use it.
    let mut files: HashMap<FileId, usize> = HashMap::new();
    let mut templates: IndexSet<Text> = IndexSet::new();
    let mut used: IndexMap<(usize, &Region), Vec<Ix>> = IndexMap::new();
    for ix in nodes {
        let Some(node) = plan.nodes.get(ix.index()) else { continue };
        let Spec::Stack(spec) = &node.spec else { continue };
        let template = match &spec.template {
            None => continue,
            Some(Origin::File(template)) => {
                let text = &sources.get(template.file).text;
                if !stack::fits_in_request(text) {
                    continue;
                }
                *files.entry(template.file).or_insert_with(|| templates.insert_full(Text::Own(Arc::clone(text))).0)
            }
            Some(Origin::Url(template)) => templates.insert_full(Text::Url(Arc::clone(&template.url))).0,
        };
        used.entry((template, &node.region)).or_default().push(ix);
    }
    let distinct = used.into_iter().map(|((template, region), nodes)| {
        let template = match &templates[template] {
            Text::Own(text) => Template::Text(Arc::clone(text)),
            Text::Url(url) => Template::Url(url.to_string()),
        };
        Distinct { template, region, nodes }
    });
    distinct.collect()
}
