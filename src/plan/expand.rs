//! From groups to instances: keys, accounts, regions and names, all of which are known before any call.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::account;
use super::codes;
use super::fields::{Declared, Key};
use super::for_each::Source;
use super::group::{Body, Group};
use super::moved::{self, Moved};
use super::peering::{DeclaredPeering, DeclaredSide};
use super::problems::Problems;
use super::route::DeclaredRoute;
use super::scope::{Horizon, Scope};
use super::stack::{DeclaredStack, is_stack_name};
use super::text::Text;
use super::world::{Each, Instance, Instances, World};
use crate::diag::Span;
use crate::ids::{AccountName, Kind, NodeId, Region};

/// Expands every group into `world`.
pub(super) fn expand(groups: &[Group], moved: &[Moved], world: &mut World, problems: &mut Problems) {
    for group in groups {
        world.groups.insert((group.kind, group.name.clone()), Instances { broken: true, ..Instances::default() });
    }
    for index in order(groups, world, problems) {
        let group = &groups[index];
        let made = Expansion { group, world, problems }.instances();
        let Some(made) = made else { continue };
        let first = world.instances.len();
        let mut instances = Instances { keyed: made.keyed, ..Instances::default() };
        for instance in made.instances {
            let place = first + instances.members.len();
            // Neither two items of for_each nor two regions are the same, so no two keys are.
            instances.by_key.extend(instance.id.key.clone().map(|key| (key, place)));
            instances.members.push(place);
            world.instances.push(instance);
        }
        world.groups[index] = instances;
    }
    moved::apply(moved, world, problems);
    name_stacks(groups, world, problems);
}

/// The groups such that each comes after the one it is made for. Those that go in a circle are reported and left out.
fn order(groups: &[Group], world: &World, problems: &mut Problems) -> Vec<usize> {
    let source = |index: usize| match &groups[index].for_each {
        Key::Given(for_each) => match &for_each.source {
            Source::Group(kind, name) => world.groups.get_index_of(&(*kind, name.clone())),
            Source::Vars(_) | Source::Literal(..) => None,
        },
        Key::Absent | Key::Broken => None,
    };
    let mut ordered = Vec::with_capacity(groups.len());
    // 0: not seen; else one more than the group whose walk came by.
    let mut seen = vec![0; groups.len()];
    for start in 0..groups.len() {
        let mut walk = Vec::new();
        let mut current = Some(start);
        while let Some(index) = current.filter(|index| seen[*index] == 0) {
            seen[index] = start + 1;
            walk.push(index);
            current = source(index);
        }
        let circle = current
            .filter(|index| seen[*index] == start + 1)
            .and_then(|end| walk.iter().position(|index| *index == end));
        if let Some(first) = circle {
            report_circle(groups, &walk[first..], problems);
        }
        // Those before the circle are made for something in it: nothing can be said about them either.
        if circle.is_none() {
            ordered.extend(walk.into_iter().rev());
        }
    }
    ordered
}

fn report_circle(groups: &[Group], circle: &[usize], problems: &mut Problems) {
    let place = |index: &usize| match &groups[*index].for_each {
        Key::Given(for_each) => Some(for_each.span.clone()),
        Key::Absent | Key::Broken => None,
    };
    let Some(at) = circle.first().and_then(place) else { return };
    problems.add(codes::FOR_EACH, &at, "these groups are made for each other", |problem| {
        let problem = problem.help("let one of them go over something else, such as a variable");
        circle.iter().skip(1).filter_map(place).fold(problem, |problem, span| problem.related(span, ""))
    });
}

/// How many nodes a plan may have: groups over groups over lists of regions multiply, and the design is for 100,000.
const MAX_NODES: usize = 250_000;

/// The longest value of a tag: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>.
const MAX_TAG: usize = 256;

struct Made {
    keyed: bool,
    instances: Vec<Instance>,
}

/// One group on its way.
struct Expansion<'a> {
    group: &'a Group,
    world: &'a World,
    problems: &'a mut Problems,
}

impl Expansion<'_> {
    /// All instances of the group; `None` if they cannot be told, which was reported.
    fn instances(&mut self) -> Option<Made> {
        let items = match &self.group.for_each {
            Key::Broken => return None,
            Key::Absent => vec![(None, None)],
            Key::Given(for_each) => {
                let items = for_each.items(self.world, self.problems)?;
                items.into_iter().map(|(key, each)| (Some(key), Some(each))).collect()
            }
        };
        let mut keyed = matches!(self.group.for_each, Key::Given(_));
        let mut instances = Vec::with_capacity(items.len());
        for (key, each) in items {
            if self.world.instances.len() + instances.len() > MAX_NODES {
                let message = format!("with this {} the plan has more than {MAX_NODES} nodes", self.group.kind);
                self.problems.error(codes::FOR_EACH, &self.group.span, message, "divide it into several plans");
                return None;
            }
            match self.regions(key.as_deref(), each.as_ref()) {
                Regions::One(region) => instances.push(self.instance(key, each, region)),
                Regions::Many(regions) => {
                    keyed = true;
                    for region in regions {
                        let (key, each) = in_region(key.as_deref(), each.as_ref(), &region);
                        instances.push(self.instance(Some(key), Some(each), Some(region)));
                    }
                }
                Regions::Unknown => return None,
            }
        }
        Some(Made { keyed, instances })
    }

    fn regions(&mut self, key: Option<&str>, each: Option<&Each>) -> Regions {
        let declared = match &self.group.region {
            Key::Absent => return Regions::One(self.world.region.clone()),
            Key::Broken => return Regions::Unknown,
            Key::Given(declared) => declared,
        };
        let scope = Scope { horizon: Horizon::Place, each, key, ..Scope::plan(self.world) };
        let Some((value, span)) = constant(declared, scope, self.problems) else { return Regions::Unknown };
        match value {
            Json::Array(list) if list.is_empty() => {
                self.problems.error(codes::EMPTY, span, "this is a list of no regions", "name at least one region");
                Regions::Unknown
            }
            Json::Array(list) => self.list(declared, &list),
            value => self.region_of_plan(&value, span).map_or(Regions::Unknown, |region| Regions::One(Some(region))),
        }
    }

    /// The regions of a list, each at its own place if it is written in the list.
    fn list(&mut self, declared: &Declared, list: &[Json]) -> Regions {
        let place = |index: usize| match declared {
            Declared::List { items, .. } => items[index].span(),
            Declared::Known { .. } | Declared::Text(_) | Declared::Supplied { .. } | Declared::Broken { .. } => {
                declared.span()
            }
        };
        let found: Vec<_> = (0..).zip(list).map(|(index, value)| self.region_of_plan(value, place(index))).collect();
        let Some(regions) = found.into_iter().collect::<Option<Vec<_>>>() else { return Regions::Unknown };
        let mut first = HashMap::new();
        for (index, region) in regions.iter().enumerate() {
            let Some(before) = first.insert(region, index) else { continue };
            let message = format!("the region {region} stands twice in this list");
            self.problems.add(codes::FOR_EACH, place(index), message, |problem| {
                let problem = problem.help("take one of them away: a list of regions makes one node for each");
                if place(before) == place(index) {
                    problem
                } else {
                    problem.related(place(before).clone(), "the first")
                }
            });
            return Regions::Unknown;
        }
        Regions::Many(regions)
    }

    /// A region of a node, which must be of the same partition as the plan's own: no credentials reach across.
    fn region_of_plan(&mut self, value: &Json, span: &Span) -> Option<Region> {
        let found = region(value, span, self.problems)?;
        let own = self.world.region.as_ref().unwrap_or(&found);
        let partitions = match (found.known_partition(), own.known_partition()) {
            (Some(of_found), Some(of_own)) if of_found != of_own => (of_found, of_own),
            // Of a region of a new form nobody knows here which partition it is of.
            _ => return Some(found),
        };
        let message =
            format!("{found} is of the partition {}, but the plan's region {own} is of {}", partitions.0, partitions.1);
        let world = self.world;
        self.problems.add(codes::PARTITION, span, message, |problem| {
            let help = format!("credentials do not reach across partitions: give {found} a plan of its own");
            world.beside_region(problem.help(help))
        });
        None
    }

    fn instance(&mut self, key: Option<Arc<str>>, each: Option<Each>, region: Option<Region>) -> Instance {
        let place =
            Scope { horizon: Horizon::Place, each: each.as_ref(), key: key.as_deref(), ..Scope::plan(self.world) };
        let (account, region, accepter) = match &self.group.body {
            Body::Stack(DeclaredStack { account, .. }) | Body::Route(DeclaredRoute { account, .. }) => {
                let scope = Scope { horizon: Horizon::Account, region: region.as_ref(), ..place };
                (self.account(account.as_deref(), scope), region, None)
            }
            Body::Peering(DeclaredPeering { requester, accepter, .. }) => {
                let of_requester = self.side_region(requester.as_ref(), region.as_ref(), place);
                let of_accepter = self.side_region(accepter.as_ref(), region.as_ref(), place);
                // A peering's own region is its requester's, on both sides.
                let scope = Scope { horizon: Horizon::Account, region: of_requester.as_ref(), ..place };
                let mut account = |side: &Option<DeclaredSide>| self.account(side.as_ref()?.account.as_deref(), scope);
                let (requester, accepter) = (account(requester), account(accepter));
                (requester, of_requester, Some((accepter, of_accepter)))
            }
        };
        let id = NodeId { kind: self.group.kind, group: self.group.name.clone(), key };
        // Routes carry no tags.
        if id.kind != Kind::Route && id.tag().len() > MAX_TAG {
            let message =
                format!("`{id}` is too long a name: its tag `orch:node` would have {} characters", id.tag().len());
            let help = format!("shorten the group's name or the key: AWS takes {MAX_TAG} characters in a tag");
            self.problems.error(codes::INVALID_NAME, &self.group.span, message, help);
        }
        Instance { id, formerly: None, each, account, region, name: None, accepter }
    }

    fn side_region(
        &mut self,
        side: Option<&DeclaredSide>,
        default: Option<&Region>,
        scope: Scope<'_>,
    ) -> Option<Region> {
        match &side?.region {
            Key::Absent => default.cloned(),
            Key::Broken => None,
            Key::Given(text) => {
                let value = scope.constant(text, self.problems)?;
                self.region_of_plan(&value, &text.span)
            }
        }
    }

    fn account(&mut self, text: Option<&Text>, scope: Scope<'_>) -> Option<AccountName> {
        let text = text?;
        let name = scope.constant_text(text, self.problems)?;
        account::known(&name, &text.span, self.world, self.problems)
    }
}

enum Regions {
    One(Option<Region>),
    Many(Vec<Region>),
    Unknown,
}

/// The key and the binding of an instance that a list of regions makes.
fn in_region(key: Option<&str>, each: Option<&Each>, region: &Region) -> (Arc<str>, Each) {
    let own = || Each::Item { key: region.as_str().into(), value: Arc::new(region.as_str().into()) };
    match key {
        Some(key) => (format!("{key}/{region}").into(), each.cloned().unwrap_or_else(own)),
        None => (region.as_str().into(), own()),
    }
}

/// The value of something declared that must be known now, and its place.
fn constant<'a>(declared: &'a Declared, scope: Scope<'_>, problems: &mut Problems) -> Option<(Json, &'a Span)> {
    match declared {
        Declared::Known { span, value } => Some((Json::clone(value), span)),
        Declared::Text(text) => Some((scope.constant(text, problems)?, &text.span)),
        // Only parameters are read elsewhere.
        Declared::Broken { .. } | Declared::Supplied { .. } => None,
        Declared::List { span, items } => {
            let values: Vec<_> =
                items.iter().map(|item| constant(item, scope, problems).map(|found| found.0)).collect();
            Some((values.into_iter().collect::<Option<_>>()?, span))
        }
    }
}

/// A region, if a value looks like one: which there are is for AWS to say.
pub(super) fn region(value: &Json, span: &Span, problems: &mut Problems) -> Option<Region> {
    let Some(text) = value.as_str() else {
        problems.error(
            codes::UNEVALUABLE,
            span,
            "this does not give a region",
            "a region is a text such as \"us-east-1\"",
        );
        return None;
    };
    let parts: Vec<&str> = text.split('-').collect();
    let looks_right = parts.len() >= 3
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
        && parts.last().is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
    if !looks_right {
        problems.error(
            codes::INVALID_VALUE,
            span,
            format!("`{text}` is not a region"),
            "write its code, such as us-east-1",
        );
    }
    looks_right.then(|| text.into())
}

/// Gives every stack its name, when all accounts and regions are known.
fn name_stacks(groups: &[Group], world: &mut World, problems: &mut Problems) {
    for (index, group) in groups.iter().enumerate() {
        let Body::Stack(stack) = &group.body else { continue };
        for member in world.groups[index].members.clone() {
            let name = match &stack.name {
                Key::Broken => None,
                Key::Given(text) => {
                    let scope = Scope::of(world, &world.instances[member], Horizon::Name);
                    scope.constant_text(text, problems).map(|name| (name, &text.span))
                }
                Key::Absent => {
                    // A stack keeps its name, whatever its node is called.
                    let instance = &world.instances[member];
                    let id = instance.formerly.as_ref().unwrap_or(&instance.id);
                    world.name.as_deref().map(|plan| (default_name(plan, id), &group.span))
                }
            };
            world.instances[member].name = name.and_then(|(name, span)| checked_name(name, span, problems));
        }
    }
}

fn default_name(plan: &str, id: &NodeId) -> String {
    match &id.key {
        Some(key) => format!("{plan}-{}-{}", id.group, key.replace('/', "-")),
        None => format!("{plan}-{}", id.group),
    }
}

fn checked_name(name: String, span: &Span, problems: &mut Problems) -> Option<Arc<str>> {
    if is_stack_name(&name) {
        return Some(name.into());
    }
    let message = format!("CloudFormation takes no stack named `{name}`");
    let help =
        "a stack's name begins with a letter and has letters, digits and hyphens, 128 at most: write name = \"…\"";
    problems.error(codes::STACK_NAME, span, message, help);
    None
}

/// The table of a kind in which `[defaults.…]` may say something about every group.
pub(super) fn may_have_default(kind: Kind, key: &str) -> bool {
    !["for_each", "waves", "early_inputs"].contains(&key) && super::group::keys(kind).contains(&key)
}
