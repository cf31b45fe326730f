//! What the user allows at single stacks: `--skip-resource`, `--retain` and `--force`.

use std::collections::HashMap;

use crate::ids::{Kind, NodeId};
use crate::kinds::stack::Allowed;
use crate::plan::{Plan, nearest};

use super::args::Destroy;
use super::exit::Exit;
use super::terminal;

/// One value of a flag: a resource of a node's stack, by its name in the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    node: NodeId,
    name: String,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.node, self.name)
    }
}

/// Splits `NODE:RESOURCE`.
pub(super) fn resource(text: &str) -> Result<Resource, String> {
    let (node, name) = text.rsplit_once(':').filter(|(_, name)| !name.is_empty()).ok_or("write NODE:RESOURCE")?;
    let node: NodeId = node.parse().map_err(|error: crate::ids::NotANode| error.to_string())?;
    if node.kind != Kind::Stack {
        return Err(format!("{node} is a {}: only a stack has resources", node.kind));
    }
    Ok(Resource { node, name: name.to_owned() })
}

/// What is allowed, as it was given.
#[derive(Default)]
pub(super) struct Allow<'a> {
    skip: &'a [Resource],
    retain: &'a [Resource],
    force: bool,
}

impl<'a> Allow<'a> {
    /// What is allowed to an apply, and to the preview of one: what a rollback may pass over.
    pub(super) fn skipping(skip: &'a [Resource]) -> Self {
        Self { skip, ..Self::default() }
    }

    /// What is allowed to a destruction.
    pub(super) fn destroy(args: &'a Destroy) -> Self {
        Self { retain: &args.retain, force: args.force, ..Self::default() }
    }

    /// What is allowed, by node.
    ///
    /// # Errors
    /// The exit code, after every node that is not of this run was named: it is more likely a slip than a wish.
    pub(super) fn of(&self, plan: &Plan, chosen: &[bool]) -> Result<HashMap<NodeId, Allowed>, Exit> {
        self.by_node(plan, chosen).map_err(|errors| {
            for error in errors {
                terminal::line(&format!("error: {error}"));
            }
            Exit::Refused
        })
    }

    fn by_node(&self, plan: &Plan, chosen: &[bool]) -> Result<HashMap<NodeId, Allowed>, Vec<String>> {
        let mut allowed: HashMap<NodeId, Allowed> = HashMap::new();
        let mut errors = Vec::new();
        let flags = [("--skip-resource", self.skip), ("--retain", self.retain)];
        for (flag, resource) in flags.iter().flat_map(|(flag, all)| all.iter().map(move |one| (*flag, one))) {
            let node = &resource.node;
            match plan.nodes.iter().position(|own| own.id == *node) {
                Some(at) if chosen[at] => {
                    let own = allowed.entry(node.clone()).or_default();
                    let list = if flag == "--retain" { &mut own.retain } else { &mut own.skip };
                    list.push(resource.name.clone());
                }
                Some(_) => errors.push(format!("{flag} names {node}, which --only and --skip leave out")),
                None => {
                    let ids: Vec<String> = plan.nodes.iter().map(|own| own.id.to_string()).collect();
                    let meant = nearest(&node.to_string(), ids.iter().map(String::as_str));
                    let meant = meant.map_or("; `orch graph` lists the nodes".to_owned(), |meant| {
                        format!("; did you mean `{meant}`?")
                    });
                    errors.push(format!("{flag} names {node}, which is no node of this plan{meant}"));
                }
            }
        }
        if self.force {
            let stacks = plan.nodes.iter().zip(chosen).filter(|(node, chosen)| **chosen && node.id.kind == Kind::Stack);
            for (node, _) in stacks {
                allowed.entry(node.id.clone()).or_default().force = true;
            }
        }
        if errors.is_empty() { Ok(allowed) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::Disk;

    const PLAN: &str = "name = \"net\"\nregion = \"us-east-1\"\n[accounts]\ndev = { id = \"222222222222\" }\n\
                        [stacks.spoke]\naccount = \"dev\"\ntemplate = \"net.yaml\"\n";

    fn plan() -> Plan {
        let loaded = Disk::default().with("net.toml", PLAN).with("net.yaml", "Resources: {}").load("net.toml");
        loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.problems))
    }

    #[test]
    fn a_resource_is_named_with_its_node() {
        let read = resource("stacks.spoke[dev]:Vpc").unwrap();
        assert_eq!((read.node.to_string(), read.name), ("stacks.spoke[dev]".to_owned(), "Vpc".to_owned()));
        assert_eq!(resource("stacks.spoke:Nested.Vpc").unwrap().name, "Nested.Vpc");
        for (text, said) in [
            ("Vpc", "write NODE:RESOURCE"),
            ("stacks.spoke:", "write NODE:RESOURCE"),
            ("spoke:Vpc", "is not a node"),
            ("peerings.spoke:Vpc", "only a stack has resources"),
        ] {
            let error = resource(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_allowed_is_for_nodes_of_the_run_only() {
        let plan = plan();
        let one = [resource("stacks.spoke:Vpc").unwrap()];
        let allow = Allow { retain: &one, force: true, ..Allow::default() };
        let node = &plan.nodes[0].id;
        let expected = Allowed { retain: vec!["Vpc".to_owned()], force: true, ..Allowed::default() };
        assert_eq!(allow.by_node(&plan, &[true]).unwrap()[node], expected);
        let left_out = allow.by_node(&plan, &[false]).unwrap_err();
        assert_eq!(left_out, ["--retain names stacks.spoke, which --only and --skip leave out"]);
        let slip = [resource("stacks.spoek:Vpc").unwrap()];
        let unknown = Allow { skip: &slip, ..Allow::default() }.by_node(&plan, &[true]).unwrap_err();
        assert_eq!(
            unknown,
            ["--skip-resource names stacks.spoek, which is no node of this plan; did you mean `stacks.spoke`?"]
        );
    }
}
