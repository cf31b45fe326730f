//! `orch explain`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::cfn::{Document, MAX_INLINE_BYTES};
use crate::diag::Sources;
use crate::graph::{Graph, Ix};
use crate::ids::NodeId;
use crate::plan::{Guards, Node, Origin, Plan, Setting, Side, Spec, StackSpec, Supply, Value, Waves, nearest};
use crate::secret::MASK;
use crate::text::printable;

use super::args::Vars;
use super::checked::{self, Checked, Hold};
use super::exit::Exit;
use super::{Surroundings, print, terminal};

/// How many nodes that wait are named before the rest is counted.
const NAMED: usize = 20;

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub(super) struct Explain {
    /// The plan file
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// The node, as `graph` shows it
    #[arg(value_name = "NODE")]
    node: String,
    /// Variables.
    #[command(flatten)]
    vars: Vars,
}

/// Says everything about one node that can be said without AWS.
pub(super) fn explain(args: &Explain, surroundings: &Surroundings) -> Exit {
    let checked = match checked::open(&args.plan, &args.vars, Hold::ThatItLoads, surroundings) {
        Ok(checked) => checked,
        Err(exit) => return exit,
    };
    let found = args.node.parse::<NodeId>().ok().and_then(|id| checked.graph.get(&id));
    let Some(ix) = found else {
        let help = instead(&args.node, &checked.graph);
        terminal::line(&format!("error: the plan has no node `{}`", args.node));
        terminal::line(&format!("  help: {help}"));
        return Exit::Refused;
    };
    print(&text(&checked, ix), Exit::Done)
}

/// What somebody may have meant who named no node: one of a group, or the nearest.
fn instead(name: &str, graph: &Graph) -> String {
    let names: Vec<String> = graph.ids().map(ToString::to_string).collect();
    let of_group: Vec<&str> = names
        .iter()
        .filter(|node| node.strip_prefix(name).is_some_and(|key| key.starts_with('[')))
        .map(String::as_str)
        .collect();
    if !of_group.is_empty() {
        let more = match of_group.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        return format!("it is a group; its nodes are {}{more}", of_group[..of_group.len().min(NAMED)].join(", "));
    }
    let near = nearest(name, names.iter().map(String::as_str));
    near.map_or("`orch graph` lists them".to_owned(), |near| format!("did you mean `{near}`?"))
}

fn text(checked: &Checked, ix: Ix) -> String {
    let Checked { plan, graph, sources } = checked;
    let node = &plan.nodes[ix.index()];
    let mut page = Page { text: String::new(), sources };
    let _ = writeln!(page.text, "{}: {}", node.id, what(node));
    page.fact("declared", &sources.place(&node.span));
    if let Some(formerly) = &node.formerly {
        page.fact("moved from", &formerly.to_string());
    }
    page.node(plan, node);
    page.waits(graph, ix);
    page.text
}

/// How the group of an instance is rolled out, from where the instance stands.
fn told(waves: &Waves, key: &str) -> String {
    if waves.has_canary(key) {
        return "it is of the canary: all of it must end well before any other instance starts".to_owned();
    }
    let after = if waves.canary.is_empty() { "" } else { " after the canary, if that takes part," };
    let batch = waves.batch.map_or_else(|| " with all others".to_owned(), |batch| format!(" in a batch of {batch}"));
    let may_fail = if waves.tolerate == 0 { "none".to_owned() } else { waves.tolerate.to_string() };
    format!("it goes{after}{batch}; {may_fail} of the group may fail")
}

/// The node in a few words.
fn what(node: &Node) -> String {
    match &node.spec {
        Spec::Stack(stack) if stack.manage => format!("the CloudFormation stack {}", stack.name),
        Spec::Stack(stack) => format!("the CloudFormation stack {}, which is only read", stack.name),
        Spec::Peering(_) => "a VPC peering connection".to_owned(),
        Spec::Route(_) => "a route".to_owned(),
    }
}

struct Page<'a> {
    text: String,
    sources: &'a Sources,
}

impl Page<'_> {
    fn fact(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.text, "  {name:14}{}", printable(value));
    }

    fn value(&mut self, name: &str, value: &Value) {
        let shown = self.shown(value);
        self.fact(name, &shown);
    }

    fn node(&mut self, plan: &Plan, node: &Node) {
        match &node.spec {
            Spec::Stack(stack) => {
                self.place(plan, "account", node.account.as_str(), node.region.as_str());
                self.stack(stack);
            }
            Spec::Peering(peering) => {
                for (name, side) in [("requester", &peering.requester), ("accepter", &peering.accepter)] {
                    self.side(plan, name, side);
                }
                if peering.adopt {
                    self.fact("adopt", "a peering of the two VPCs without tags of orch becomes this node's");
                }
                self.settings("tags", peering.tags.iter(), |_| false);
            }
            Spec::Route(route) => {
                self.place(plan, "account", node.account.as_str(), node.region.as_str());
                self.value("destination", &route.destination);
                self.value("via", &route.via);
                for table in &route.route_tables {
                    self.value("route table", table);
                }
                if route.adopt {
                    self.fact("adopt", "a route that is there as it is wanted counts as this node's own");
                }
                if route.replace {
                    self.fact("replace", "a route to the same destination by another target is led here");
                }
            }
        }
        if let Some(waves) = &node.waves {
            self.fact("waves", &told(waves, node.id.key.as_deref().unwrap_or_default()));
        }
        for excuse in node.allow.iter() {
            self.fact("allowed", &format!("{}: {}", excuse.code, excuse.reason));
        }
    }

    fn place(&mut self, plan: &Plan, name: &str, account: &str, region: &str) {
        let id = plan.accounts.get(account).map_or("?", |account| account.id.as_str());
        self.fact(name, &format!("{account} ({id}), {region}"));
    }

    fn stack(&mut self, stack: &StackSpec) {
        let mut hidden = Vec::new();
        // What a template hides that is not here, nobody knows.
        let mut all_hidden = false;
        if let Some(template) = &stack.template {
            self.fact("template", &template.to_string());
            all_hidden = matches!(template, Origin::Url(_));
        }
        if let Some(template) = stack.file() {
            let text = std::sync::Arc::clone(&self.sources.get(template.file).text);
            if let Some(bucket) = stack.bucket.as_ref().filter(|_| text.len() > MAX_INLINE_BYTES) {
                self.fact("by way of", &format!("s3://{}/{}", bucket.name, bucket.prefix));
            }
            let nested: Vec<_> = template.all_nested().iter().map(|nested| nested.path.display().to_string()).collect();
            if !nested.is_empty() {
                self.fact("nests", &nested.join(", "));
            }
            if let Ok(document) = Document::read(&text) {
                let given = |name: &String| {
                    stack.parameters.contains_key(name.as_str()) || stack.kept.contains_key(name.as_str())
                };
                let left = document.parameters.values().filter(|parameter| !given(&parameter.name));
                let left: Vec<_> = left.map(|parameter| parameter.name.clone()).collect();
                hidden = document.parameters.into_values().filter(|one| one.no_echo).map(|one| one.name).collect();
                if !left.is_empty() {
                    self.fact("by default", &left.join(", "));
                }
            }
        }
        if !stack.kept.is_empty() {
            let kept: Vec<&str> = stack.kept.keys().map(AsRef::as_ref).collect();
            self.fact("kept parameters", &kept.join(", "));
        }
        if stack.adopt {
            self.fact("adopt", "a stack of that name without tags of orch becomes this node's");
        }
        if !stack.capabilities.is_empty() {
            self.fact("capabilities", &stack.capabilities.join(", "));
        }
        self.guards(&stack.guards);
        self.settings("parameters", stack.parameters.iter(), |name| all_hidden || hidden.iter().any(|one| one == name));
        self.settings("tags", stack.tags.iter(), |_| false);
    }

    /// What guards a stack, and how it is carried out.
    fn guards(&mut self, guards: &Guards) {
        if let Some(protect) = &guards.protect {
            let from = match (protect.delete, protect.replace) {
                (true, true) => "its deletion, and the replacement or removal of its resources",
                (true, false) => "its deletion",
                (false, true) => "the replacement or removal of its resources",
                (false, false) => "nothing",
            };
            self.fact("protected", &format!("from {from}"));
        }
        if let Some(policy) = &guards.stack_policy {
            self.fact("stack policy", &policy.path.display().to_string());
        }
        if let Some(triggers) = &guards.rollback_triggers {
            triggers.alarms.iter().for_each(|alarm| self.value("alarm", alarm));
            triggers.composite_alarms.iter().for_each(|alarm| self.value("composite", alarm));
            if triggers.monitoring > 0 {
                self.fact("monitoring", &format!("{} minutes", triggers.monitoring));
            }
        }
        guards.notification_arns.iter().flatten().for_each(|topic| self.value("topic", topic));
        if let Some(role) = &guards.service_role {
            self.value("service role", role);
        }
        if let Some(minutes) = guards.timeout {
            self.fact("timeout", &format!("{minutes} minutes for its creation"));
        }
        if let Some(on_failure) = guards.on_failure {
            self.fact("on failure", on_failure.as_str());
        }
        if guards.express {
            self.fact("deployment", "express");
        }
        if guards.early_outputs {
            self.fact("early outputs", "given to peerings and routes before the stack is complete");
        }
        if guards.early_inputs.is_some() {
            self.fact("early inputs", "created before what gives them is complete; deleted again if that fails");
        }
    }

    fn side(&mut self, plan: &Plan, name: &str, side: &Side) {
        self.place(plan, name, side.account.as_str(), side.region.as_str());
        self.value("  vpc", &side.vpc);
        if let Some(dns) = side.dns {
            self.fact("  dns", if dns { "names resolve to private addresses" } else { "switched off" });
        }
    }

    fn settings<'s>(
        &mut self,
        heading: &str,
        settings: impl ExactSizeIterator<Item = (&'s std::sync::Arc<str>, &'s Setting)> + Clone,
        hidden: impl Fn(&str) -> bool,
    ) {
        if settings.len() == 0 {
            return;
        }
        let _ = writeln!(self.text, "\n{heading}:");
        let width = settings.clone().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, setting) in settings {
            let shown = match setting.value.literal() {
                Some(_) if setting.sensitive || hidden(name) => MASK.to_owned(),
                _ => self.shown(&setting.value),
            };
            let _ = writeln!(self.text, "  {:width$}  {}", printable(name), printable(&shown));
        }
    }

    /// Where a value is read that is read elsewhere.
    fn supplied(&self, supply: &Supply) -> String {
        let named = |name: &Value| match name.literal() {
            Some(serde_json::Value::String(name)) => name.clone(),
            _ => self.sources.slice(name.span()).to_owned(),
        };
        let at = supply.at().map(|at| format!(", account {}, {}", at.account, at.region)).unwrap_or_default();
        match supply {
            Supply::Environment { name, .. } => format!("read from the environment: {name}"),
            Supply::Parameter { name, .. } => format!("read from Systems Manager: {}{at}", named(name)),
            Supply::Secret { id, key, .. } => {
                let field = key.as_ref().map(|key| format!(", field {key}")).unwrap_or_default();
                format!("read from Secrets Manager: {}{field}{at}", named(id))
            }
        }
    }

    /// A value if it is known, else what is waited for and the very text.
    fn shown(&self, value: &Value) -> String {
        if let Some(supply) = value.supply() {
            return self.supplied(supply);
        }
        match value.literal() {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => {
                let mut nodes: Vec<String> = value.needs().map(|need| need.node.to_string()).collect();
                nodes.dedup();
                format!("unknown until {} is done: {}", nodes.join(" and "), self.sources.slice(value.span()))
            }
        }
    }

    fn waits(&mut self, graph: &Graph, ix: Ix) {
        let _ = writeln!(self.text, "\nwaits for:");
        let needs: Vec<_> = graph.reasons(ix).collect();
        let width = needs.iter().map(|(needed, _)| graph.id(*needed).to_string().chars().count()).max().unwrap_or(0);
        if needs.is_empty() {
            let _ = writeln!(self.text, "  nothing: it starts at once");
        }
        for (needed, reasons) in needs {
            for reason in reasons {
                let place = reason.span.as_ref().map(|span| self.sources.place(span)).unwrap_or_default();
                let (id, expression) = (graph.id(needed).to_string(), printable(&reason.expression));
                let _ = writeln!(self.text, "  {id:width$}  {expression}  ({place})");
            }
        }
        let waiting: Vec<String> = graph.needed_by(ix).map(|node| graph.id(node).to_string()).collect();
        let _ = writeln!(self.text, "\nis waited for by:");
        for id in waiting.iter().take(NAMED) {
            let _ = writeln!(self.text, "  {id}");
        }
        match waiting.len().saturating_sub(NAMED) {
            0 if waiting.is_empty() => drop(writeln!(self.text, "  nobody")),
            0 => {}
            more => drop(writeln!(self.text, "  and {more} more")),
        }
    }
}
