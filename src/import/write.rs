//! The plan's text.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

use super::outputs::{Output, Outputs};
use super::template::Templates;
use super::toml::{key, literal, text};
use super::{Facts, Peering, Side, Stack};
use crate::cfn::{Document, MAX_INLINE_BYTES};
use crate::ids::{AccountName, Region};

/// What CloudFormation shows in place of a parameter that its template hides.
const HIDDEN: &str = "****";

/// What the tags of orch begin with, and those of AWS itself.
const RESERVED: [&str; 2] = ["orch:", "aws:"];

/// How the plan begins.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its first lines: name, region, and the accounts or what they come from.
    pub text: String,
    /// Its region: nodes in others name theirs.
    pub region: Region,
}

/// A plan that was written, and the files that go with it.
#[derive(Clone, Debug)]
pub struct Written {
    /// The plan.
    pub plan: String,
    /// The templates, by their paths beside the plan.
    pub templates: BTreeMap<String, String>,
    /// How many stacks, peerings and routes it has.
    pub counts: [usize; 3],
    /// What it could not say, or leaves out, a line each.
    pub told: Vec<String>,
}

/// Writes a plan that describes what stands.
pub fn write(head: &Head, facts: &Facts) -> Written {
    let mut told = Vec::new();
    let stacks: Vec<&Stack> = facts.stacks.iter().filter(|stack| is_taken(stack, &mut told)).collect();
    let mut writer = Writer {
        head,
        outputs: Outputs::of(&stacks),
        names: names(&stacks),
        templates: Templates::default(),
        vars: Vec::new(),
        told,
        body: String::new(),
        taken: HashSet::new(),
    };
    for (index, stack) in stacks.iter().enumerate() {
        writer.stack(index, stack);
    }
    writer.doubts(&stacks);
    let mut named = BTreeMap::new();
    for peering in &facts.peerings {
        if let Some(name) = writer.peering(peering, facts) {
            named.insert(peering.id.as_str(), name);
        }
    }
    let routes = writer.routes(facts, &named);
    writer.end([stacks.len(), named.len(), routes])
}

/// Whether a stack goes into the plan; why not is told.
fn is_taken(stack: &Stack, told: &mut Vec<String>) -> bool {
    let place = format!("stack {} in {}, {}", stack.name, stack.account, stack.region);
    if let Some(plan) = stack.tags.get("orch:plan") {
        told.push(format!("left out: {place}: it belongs to plan `{plan}` of orch"));
        false
    } else if !stack.stands {
        told.push(format!("left out: {place}: it is in {}", stack.status));
        false
    } else {
        true
    }
}

/// A name for each stack's node: the stack's own, with account and region where another one has it too.
fn names(stacks: &[&Stack]) -> Vec<String> {
    let count = |wanted: &dyn Fn(&Stack) -> bool| stacks.iter().filter(|stack| wanted(stack)).count();
    let name = |stack: &&Stack| {
        let alike = |other: &Stack| other.name == stack.name;
        if count(&alike) == 1 {
            return stack.name.clone();
        }
        let in_account = |other: &Stack| alike(other) && other.account == stack.account;
        if count(&in_account) == 1 {
            return format!("{}-{}", stack.name, stack.account);
        }
        format!("{}-{}-{}", stack.name, stack.account, stack.region)
    };
    let mut seen = HashSet::new();
    let free = |name: String| {
        let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
        std::iter::once(name.clone()).chain(numbered).find(|name| seen.insert(name.clone())).unwrap_or(name)
    };
    let short = |name: String| name.chars().take(120).collect::<String>();
    stacks.iter().map(name).map(short).map(free).collect()
}

struct Writer<'a> {
    head: &'a Head,
    outputs: Outputs<'a>,
    /// The stacks' nodes.
    names: Vec<String>,
    templates: Templates,
    /// Variables: the name and the value as it is written.
    vars: Vec<(String, String)>,
    told: Vec<String>,
    body: String,
    /// The names of peerings and routes that are taken.
    taken: HashSet<String>,
}

impl Writer<'_> {
    fn stack(&mut self, index: usize, stack: &Stack) {
        let name = self.names[index].clone();
        let template = self.templates.path(stack);
        let document = Document::read(&stack.template).ok();
        let (mut parameters, mut kept) = (String::new(), Vec::new());
        for (parameter, value) in &stack.parameters {
            let declared = document.as_ref().and_then(|document| document.parameters.get(parameter));
            if value == HIDDEN || declared.is_some_and(|declared| declared.no_echo) {
                kept.push(text(parameter));
                continue;
            }
            let by_default = declared.is_some_and(|own| !own.is_default_decimal && own.default.as_ref() == Some(value));
            if by_default {
                continue;
            }
            let written = match self.outputs.given(index, value) {
                Some(output) => self.reference(output),
                None => self.value(value),
            };
            let _ = writeln!(parameters, "{} = {written}", key(parameter));
        }
        let _ = write!(self.body, "\n[stacks.{}]\n", key(&name));
        self.place("account", &stack.account, &stack.region);
        let _ = writeln!(self.body, "name = {}", text(&stack.name));
        let _ = writeln!(self.body, "template = {}", text(&template));
        if !stack.capabilities.is_empty() {
            let listed: Vec<String> = stack.capabilities.iter().map(|name| text(name)).collect();
            let _ = writeln!(self.body, "capabilities = [{}]", listed.join(", "));
        }
        if !kept.is_empty() {
            let _ = writeln!(self.body, "# hidden by the template, so AWS shows no value to write here");
            let _ = writeln!(self.body, "keep_parameters = [{}]", kept.join(", "));
        }
        if !parameters.is_empty() {
            let _ = write!(self.body, "[stacks.{}.parameters]\n{parameters}", key(&name));
        }
        self.tags("stacks", &name, &stack.tags);
    }

    /// What of the texts may not do as it is.
    fn doubts(&mut self, stacks: &[&Stack]) {
        for (path, text) in self.templates.files.iter().filter(|(_, text)| text.len() > MAX_INLINE_BYTES) {
            let size = text.len();
            self.told.push(format!(
                "{path} has {size} bytes, so the plan must name a bucket for it: template_bucket = \"…\""
            ));
        }
        let templates = self.templates.files.iter().map(|(path, text)| (path.clone(), text.contains('?')));
        let values = self.names.iter().zip(stacks).map(|(name, stack)| {
            let mut values = stack.parameters.values().chain(stack.tags.values());
            (format!("stacks.{name}"), values.any(|value| value.contains('?')))
        });
        let doubtful: Vec<String> = templates.chain(values).filter(|(_, has)| *has).map(|(name, _)| name).collect();
        if !doubtful.is_empty() {
            self.told.push(format!(
                "CloudFormation gives `?` for every character that is not ASCII; these hold some, so see whether they mean it: {}",
                doubtful.join(", ")
            ));
        }
    }

    /// Tags, as a section of their own, those aside that are not a plan's to give.
    fn tags(&mut self, table: &str, name: &str, tags: &BTreeMap<String, String>) {
        let reserved = |tag: &str| RESERVED.iter().any(|prefix| tag.to_lowercase().starts_with(prefix));
        let mut section = String::new();
        for (tag, value) in tags.iter().filter(|(tag, _)| !reserved(tag)) {
            if tag.contains("{{") {
                self.told.push(format!("tag {tag} of {table}.{name} cannot be written: a key holds no expression"));
                continue;
            }
            let _ = writeln!(section, "{} = {}", key(tag), self.value(value));
        }
        if !section.is_empty() {
            let _ = write!(self.body, "[{table}.{}.tags]\n{section}", key(name));
        }
    }

    /// Gives the peering's node, unless it is left out.
    fn peering(&mut self, peering: &Peering, facts: &Facts) -> Option<String> {
        let Peering { id, state, requester, accepter, tags } = peering;
        // What a template has made is its stack's, and goes without saying.
        if facts.of_templates.contains(id) {
            return None;
        }
        let strange = [requester, accepter].into_iter().find(|side| side.account.is_none());
        let left_out = if let Some(plan) = tags.as_ref().and_then(|tags| tags.get("orch:plan")) {
            Some(format!("it belongs to plan `{plan}` of orch"))
        } else if state == "active" {
            match (strange, tags) {
                (Some(side), _) => Some(format!("account {} was not among those that were asked", side.account_id)),
                // Whose it is stands on the requester's side alone.
                (None, None) => Some(format!("region {} of its requester was not asked", requester.region)),
                (None, Some(_)) => None,
            }
        } else {
            Some(format!("it is in {state}"))
        };
        if let Some(why) = left_out {
            self.told.push(format!("left out: peering {id} between {} and {}: {why}", requester.vpc, accepter.vpc));
            return None;
        }
        let (one, other, tags) = (self.side(requester)?, self.side(accepter)?, tags.as_ref()?);
        let end = |side: &Side| match self.outputs.giving(&side.vpc) {
            Some((stack, _)) => self.names[stack].clone(),
            None => side.account.as_ref().map(ToString::to_string).unwrap_or_default(),
        };
        let name = format!("{}-to-{}", end(requester), end(accepter));
        let name = self.free(&name);
        let _ = write!(self.body, "\n[peerings.{}]\nrequester = {one}\naccepter = {other}\n", key(&name));
        self.tags("peerings", &name, tags);
        Some(name)
    }

    fn side(&self, side: &Side) -> Option<String> {
        let vpc = match self.outputs.giving(&side.vpc) {
            Some(output) => self.reference(output),
            None => text(&side.vpc),
        };
        let region = if side.region == self.head.region {
            String::new()
        } else {
            format!(", region = {}", text(side.region.as_str()))
        };
        let dns = if side.dns { ", dns = true" } else { "" };
        Some(format!("{{ account = {}{region}, vpc = {vpc}{dns} }}", text(side.account.as_ref()?.as_str())))
    }

    /// The routes into the peerings of the plan: one node for each destination by one peering in one account and region.
    fn routes(&mut self, facts: &Facts, named: &BTreeMap<&str, String>) -> usize {
        let mut groups: BTreeMap<(&AccountName, &Region, &str, &str), BTreeSet<&str>> = BTreeMap::new();
        for table in &facts.tables {
            for (destination, peering) in &table.routes {
                // As CloudFormation names the route of a template.
                let of_template = facts.of_templates.contains(&format!("{}|{destination}", table.id));
                if named.contains_key(peering.as_str()) && !of_template {
                    let place = (&table.account, &table.region, peering.as_str(), destination.as_str());
                    groups.entry(place).or_default().insert(&table.id);
                }
            }
        }
        let count = groups.len();
        for ((account, region, peering, destination), tables) in groups {
            let via = &named[peering];
            let name = self.free(&format!("{account}-by-{via}"));
            let listed = self.tables(&tables);
            let to = match self.outputs.giving(destination) {
                Some(output) => self.reference(output),
                None => text(destination),
            };
            let _ = write!(self.body, "\n[routes.{}]\n", key(&name));
            self.place("account", account, region);
            let _ = writeln!(self.body, "destination = {to}\nvia = \"{{{{ peerings.{} }}}}\"", path(&[via, "id"]));
            let _ = writeln!(self.body, "route_tables = [{}]", listed.join(", "));
        }
        count
    }

    /// Route tables by what gives them: whole lists first, then each by itself.
    fn tables(&self, tables: &BTreeSet<&str>) -> Vec<String> {
        let mut left = tables.clone();
        let mut listed = Vec::new();
        for ((stack, output), items) in self.outputs.listing(tables) {
            if items.iter().all(|item| left.contains(item)) {
                left.retain(|id| !items.contains(id));
                let path = path(&[&self.names[stack], "outputs", output]);
                listed.push(format!("\"{{{{ split stacks.{path} }}}}\""));
            }
        }
        let one = |id: &&str| self.outputs.giving(id).map_or_else(|| text(id), |output| self.reference(output));
        listed.extend(left.iter().map(one));
        listed
    }

    fn place(&mut self, what: &str, account: &AccountName, region: &Region) {
        let _ = writeln!(self.body, "{what} = {}", text(account.as_str()));
        if *region != self.head.region {
            let _ = writeln!(self.body, "region = {}", text(region.as_str()));
        }
    }

    fn reference(&self, (stack, output): Output<'_>) -> String {
        format!("\"{{{{ stacks.{} }}}}\"", path(&[&self.names[stack], "outputs", output]))
    }

    /// A text that stands for itself.
    fn value(&mut self, value: &str) -> String {
        let (written, needs) = literal(value);
        for (name, value) in needs {
            if !self.vars.iter().any(|(known, _)| known == name) {
                self.vars.push((name.to_owned(), value.to_owned()));
            }
        }
        written
    }

    /// A name for a peering or a route that none has yet.
    fn free(&mut self, name: &str) -> String {
        let name: String = name.chars().take(120).collect();
        let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
        let found = std::iter::once(name.clone()).chain(numbered).find(|name| !self.taken.contains(name));
        let found = found.unwrap_or(name);
        self.taken.insert(found.clone());
        found
    }

    fn end(self, counts: [usize; 3]) -> Written {
        let mut plan =
            String::from("# Written by `orch import` from what stood. It describes that and changes nothing:\n");
        plan.push_str(
            "# `orch preview` says \"nothing to do\". References were guessed where an output gives a value.\n",
        );
        for line in &self.told {
            let line: String = line.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
            let _ = writeln!(plan, "# {line}");
        }
        plan.push_str(&self.head.text);
        if !self.vars.is_empty() {
            plan.push_str("\n[vars]\n");
            for (name, value) in &self.vars {
                let _ = writeln!(plan, "{} = {value}", key(name));
            }
        }
        plan.push_str("\n# What stands without orch's tags counts as the plan's, and is not touched for that.\n");
        plan.push_str(
            "[defaults]\nstacks = { adopt = true }\npeerings = { adopt = true }\nroutes = { adopt = true }\n",
        );
        plan.push_str(&self.body);
        Written { plan, templates: self.templates.files, counts, told: self.told }
    }
}

/// A path in an expression: what is no plain word stands in brackets.
fn path(parts: &[&str]) -> String {
    let part = |part: &&str| {
        let is_plain = part.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'));
        if is_plain { (*part).to_owned() } else { format!("[{part}]") }
    };
    parts.iter().map(part).collect::<Vec<_>>().join(".")
}
