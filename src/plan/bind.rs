//! From instances to nodes: every value bound to what its paths stand for.

use std::collections::HashSet;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::codes;
use super::fields::{Declared, Keyed};
use super::files::file_beside;
use super::fit::{self, Fit};
use super::group::{Body, Group};
use super::guards::DeclaredGuards;
use super::left_out;
use super::miss::Miss;
use super::node::{
    After, Attribute, Guards, Need, Node, Origin, PeeringSpec, RouteSpec, Side, Spec, StackSpec, Template, TemplateUrl,
    Triggers,
};
use super::peering::{DeclaredPeering, DeclaredSide};
use super::problems::Problems;
use super::route::DeclaredRoute;
use super::scope::{Found, Horizon, Scope, unevaluable};
use super::stack::DeclaredStack;
use super::templates::Templates;
use super::text::Text;
use super::value::{Setting, Slot, Value};
use super::waves;
use super::world::{Each, Instance, Instances, World};
use crate::diag::{Sources, Span};
use crate::ids::NodeId;
use crate::secret;

/// Binds every instance of every group, in their order. What cannot be bound was reported: a value is lost, a node that
/// has no place is left out.
pub(super) fn bind(
    groups: &[Group],
    world: &World,
    templates: &mut Templates<'_>,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Vec<Node> {
    let mut nodes = Vec::with_capacity(world.instances.len());
    for (index, group) in groups.iter().enumerate() {
        if world.groups[index].broken {
            left_out::check(group, world, problems);
            let scope = Scope { horizon: Horizon::Values, ..Scope::plan(world) };
            let mut binder = Binder { scope, problems, needs: Needs::default(), whole: true };
            for (name, span) in group.depends_on.iter().filter(|(name, _)| &**name != "each") {
                binder.depends_on(name, span);
            }
        }
        let after = after(group, world);
        let what = format!("{}.{}", group.kind.table(), group.name);
        let waves = group.waves.as_ref().and_then(|waves| waves::bind(waves, &world.groups[index], &what, problems));
        for member in &world.groups[index].members {
            let instance = &world.instances[*member];
            let scope = Scope::of(world, instance, Horizon::Values);
            let mut binder = Binder { scope, problems, needs: Needs::default(), whole: true };
            let spec = match &group.body {
                Body::Stack(stack) => Some(binder.stack(stack, instance, templates, sources)),
                Body::Peering(peering) => binder.peering(peering, instance),
                Body::Route(route) => binder.route(route),
            };
            for (name, span) in &group.depends_on {
                binder.depends_on(name, span);
            }
            let (needs, whole) = (binder.needs.list, group.whole && binder.whole);
            if let (Some(spec), Some(account), Some(region)) = (spec, &instance.account, &instance.region) {
                let (account, region) = (account.clone(), region.clone());
                let (id, span, after) = (instance.id.clone(), group.span.clone(), after.clone());
                let allow = group.allow.clone();
                let formerly = instance.formerly.clone();
                let waves = waves.clone();
                nodes.push(Node { id, formerly, span, account, region, spec, needs, after, waves, allow, whole });
            }
        }
    }
    nodes
}

/// The groups that all instances of a group wait for.
fn after(group: &Group, world: &World) -> Arc<[After]> {
    let scope = Scope { horizon: Horizon::Values, ..Scope::plan(world) };
    let groups = group.depends_on.iter().filter_map(|(name, span)| match depended(scope, name) {
        Ok(Depended::All(instances)) => {
            let nodes = instances.members.iter().map(|index| world.instances[*index].id.clone()).collect();
            Some(After { nodes, span: span.clone(), expression: DEPENDS_ON.into() })
        }
        // What is wrong with it is told of the instances.
        Ok(Depended::One(_)) | Err(_) => None,
    });
    groups.collect()
}

/// What a node needs, each attribute of each node once.
#[derive(Default)]
struct Needs {
    list: Vec<Need>,
    seen: HashSet<(usize, Option<Attribute>)>,
}

/// One instance on its way to a node.
pub(super) struct Binder<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) problems: &'a mut Problems,
    needs: Needs,
    /// Whether everything could be bound so far.
    whole: bool,
}

impl Binder<'_> {
    fn stack(
        &mut self,
        stack: &DeclaredStack,
        instance: &Instance,
        templates: &mut Templates<'_>,
        sources: &mut Sources,
    ) -> Spec {
        let template = match &stack.template {
            None => None,
            Some(text) => self.origin(text, templates, sources).or_else(|| self.lose()),
        };
        let bucket = match self.scope.world.buckets.of(instance.account.as_ref()).filter(|_| stack.manage) {
            None => None,
            Some(bucket) => {
                let scope = Scope { horizon: Horizon::Name, ..self.scope };
                bucket.bind(scope, scope.world, self.problems).or_else(|| self.lose())
            }
        };
        if let Some(Origin::File(template)) = &template
            && let Some(nested) = template.nested.first()
            && self.scope.world.buckets.of(instance.account.as_ref()).is_none()
        {
            let (path, nested) = (template.path.display(), nested.path.display());
            let message = format!("{path} nests {nested}, and there is no bucket that it could be put in");
            let help = "name one: template_bucket = \"…\", of the plan or of the account";
            self.problems.error(codes::NESTED, &template.span, message, help);
        }
        let name = instance.name.clone().or_else(|| self.lose()).unwrap_or_default();
        let parameters = self.values(&stack.parameters, "a parameter");
        let tags = self.values(&stack.tags, "a tag");
        let guards = Box::new(self.guards(&stack.guards, templates, sources));
        Spec::Stack(StackSpec {
            name,
            template,
            parameters,
            kept: stack.kept.clone(),
            tags,
            capabilities: stack.capabilities.clone(),
            manage: stack.manage,
            guards,
            bucket,
            adopt: stack.adopt,
            sensitive_outputs: stack.sensitive_outputs.clone(),
        })
    }

    fn guards(&mut self, declared: &DeclaredGuards, templates: &mut Templates<'_>, sources: &mut Sources) -> Guards {
        let stack_policy = match &declared.stack_policy {
            None => None,
            Some(text) => self.file("the stack policy", text, templates, sources).or_else(|| self.lose()),
        };
        let arns = |binder: &mut Self, declared: &[Declared], fits: Fit| {
            let values: Vec<Value> = declared.iter().map(|value| binder.value(value)).collect();
            for value in &values {
                fits(value, binder.problems);
            }
            values
        };
        let triggers = declared.rollback_triggers.as_ref();
        let rollback_triggers = triggers.map(|triggers| Triggers {
            alarms: arns(self, &triggers.alarms, fit::alarm),
            composite_alarms: arns(self, &triggers.composite_alarms, fit::alarm),
            monitoring: triggers.monitoring,
        });
        let service_role = declared.service_role.as_ref().map(|role| self.value(role));
        if let Some(role) = &service_role {
            fit::service_role(role, self.problems);
        }
        Guards {
            protect: declared.protect.clone(),
            stack_policy,
            rollback_triggers,
            notification_arns: declared.notification_arns.as_ref().map(|topics| arns(self, topics, fit::topic)),
            service_role,
            timeout: declared.timeout,
            on_failure: declared.on_failure,
            express: declared.express,
            early_outputs: declared.early_outputs,
            early_inputs: declared.early_inputs.clone(),
        }
    }

    /// A stack's template. No path has `://` in it.
    fn origin(&mut self, text: &Text, templates: &mut Templates<'_>, sources: &mut Sources) -> Option<Origin> {
        let written = self.constant(text)?;
        if written.contains("://") {
            return Some(Origin::Url(TemplateUrl { url: written.into(), span: text.span.clone() }));
        }
        let found = self.found("the template", text, &written, templates, sources)?;
        let nested = templates.nested(found.file, sources, self.problems);
        Some(Origin::File(Template { nested, ..found }))
    }

    fn file(
        &mut self,
        what: &str,
        text: &Text,
        templates: &mut Templates<'_>,
        sources: &mut Sources,
    ) -> Option<Template> {
        let written = self.constant(text)?;
        self.found(what, text, &written, templates, sources)
    }

    /// A text that must be known before the first call.
    pub(super) fn constant(&mut self, text: &Text) -> Option<String> {
        Scope { horizon: Horizon::Name, ..self.scope }.constant_text(text, self.problems)
    }

    fn found(
        &mut self,
        what: &str,
        text: &Text,
        written: &str,
        templates: &mut Templates<'_>,
        sources: &mut Sources,
    ) -> Option<Template> {
        let path = match file_beside(what, &sources.get(text.span.file).path, written) {
            Ok(path) => path,
            Err(message) => {
                let help = "write the path of a file, as seen from this one: \"network.yaml\"";
                self.problems.error(codes::TEMPLATE, &text.span, message, help);
                return None;
            }
        };
        let (path, file) = templates.find(what, Path::new(&path), &text.span, sources, self.problems)?;
        Some(Template { path, span: text.span.clone(), file, nested: Arc::default() })
    }

    fn peering(&mut self, peering: &DeclaredPeering, instance: &Instance) -> Option<Spec> {
        let own = (instance.account.clone(), instance.region.clone());
        let requester = self.side(peering.requester.as_ref(), own);
        let accepter = self.side(peering.accepter.as_ref(), instance.accepter.clone().unwrap_or_default());
        let tags = self.values(&peering.tags, "a tag");
        let adopt = peering.adopt;
        Some(Spec::Peering(PeeringSpec { requester: requester?, accepter: accepter?, tags, adopt }))
    }

    fn side(
        &mut self,
        side: Option<&DeclaredSide>,
        (account, region): (Option<crate::ids::AccountName>, Option<crate::ids::Region>),
    ) -> Option<Side> {
        let side = side?;
        let vpc = self.value(side.vpc.as_ref()?);
        fit::vpc(&vpc, self.problems);
        Some(Side { account: account?, region: region?, vpc, dns: side.dns })
    }

    fn route(&mut self, route: &DeclaredRoute) -> Option<Spec> {
        let route_tables: Vec<_> = route.route_tables.iter().map(|table| self.value(table)).collect();
        let destination = route.destination.as_ref().map(|destination| self.value(destination));
        let via = route.via.as_ref().map(|via| self.value(via));
        for (value, fits) in [(&destination, fit::destination as Fit), (&via, fit::target)] {
            if let Some(value) = value {
                fits(value, self.problems);
            }
        }
        fit::tables(&route_tables, self.problems);
        let (replace, adopt) = (route.replace, route.adopt);
        Some(Spec::Route(RouteSpec { route_tables, destination: destination?, via: via?, replace, adopt }))
    }

    /// A table of values; `what` is one of them.
    fn values(&mut self, declared: &IndexMap<Arc<str>, Keyed>, what: &str) -> IndexMap<Arc<str>, Setting> {
        let mut bound = IndexMap::with_capacity(declared.len());
        for (name, Keyed { key, value: declared, sensitive }) in declared {
            let value = self.setting(declared, *sensitive);
            fit::plain(&value, what, self.problems);
            let variable = self.variable(declared);
            let sensitive = *sensitive;
            if let Some(literal) = value.literal().filter(|_| sensitive) {
                hide(literal);
            }
            bound.insert(name.clone(), Setting { key: key.clone(), value, variable, sensitive });
        }
        bound
    }

    /// Where the plan writes the one variable that a value consists of.
    fn variable(&self, declared: &Declared) -> Option<Span> {
        let Declared::Text(text) = declared else { return None };
        let [only] = text.expression.references() else { return None };
        let item = (&**only.path.first()? == "vars").then(|| self.scope.world.vars.item(&only.path))??;
        text.expression.is_plain().then(|| item.span.clone())
    }

    /// A value that may be read elsewhere, and be a secret.
    fn setting(&mut self, declared: &Declared, sensitive: bool) -> Value {
        if let Declared::Supplied { span, supply } = declared {
            let supply = self.supply(supply, sensitive).or_else(|| self.lose());
            return supply.map_or_else(|| Value::lost(span.clone()), |supply| Value::supplied(span.clone(), supply));
        }
        self.value(declared)
    }

    fn value(&mut self, declared: &Declared) -> Value {
        match declared {
            Declared::Known { span, value } => Value::known(span.clone(), value.clone()),
            Declared::Text(text) => {
                self.text(text).or_else(|| self.lose()).unwrap_or_else(|| Value::lost(text.span.clone()))
            }
            Declared::List { span, items } => {
                Value::list(span.clone(), items.iter().map(|item| self.value(item)).collect())
            }
            // Only parameters are read elsewhere.
            Declared::Broken { span } | Declared::Supplied { span, .. } => Value::lost(span.clone()),
        }
    }

    pub(super) fn text(&mut self, text: &Arc<Text>) -> Option<Value> {
        let references = text.expression.references();
        let mut slots = Vec::with_capacity(references.len());
        for reference in references {
            match self.scope.find(&reference.path) {
                Ok(Found::Known(value)) => slots.push(Slot::Known(value)),
                Ok(Found::Later(index, attribute)) => {
                    let span = text.place(&reference.range);
                    slots.push(Slot::Later(self.need(index, Some(attribute), span, reference.text.clone())));
                }
                Err(miss) => miss.report_in(text, &reference.range, self.problems),
            }
        }
        if slots.len() < references.len() {
            return None;
        }
        Value::text(text, slots).map_err(|error| unevaluable(text, error, self.problems)).ok()
    }

    /// Nothing, which was reported.
    fn lose<T>(&mut self) -> Option<T> {
        self.whole = false;
        None
    }

    /// Notes that the node needs another.
    fn need(&mut self, index: usize, attribute: Option<Attribute>, span: Span, expression: Arc<str>) -> Need {
        let node = self.scope.world.instances[index].id.clone();
        let need = Need { node, attribute: attribute.clone(), span, expression };
        if self.needs.seen.insert((index, attribute)) {
            self.needs.list.push(need.clone());
        }
        need
    }

    fn depends_on(&mut self, name: &str, span: &Span) {
        match depended(self.scope, name) {
            Ok(Depended::One(index)) => {
                self.need(index, None, span.clone(), DEPENDS_ON.into());
            }
            Ok(Depended::All(_)) | Err(Miss::Reported) => {}
            Err(Miss::Because { message, help, .. }) => {
                self.problems.error_with(codes::DEPENDS_ON, span, message, help);
            }
        }
    }
}

/// The expression of what `depends_on` says.
const DEPENDS_ON: &str = "depends_on";

/// What an element of `depends_on` names.
enum Depended<'a> {
    /// One node, by its place in [`World::instances`].
    One(usize),
    /// Every instance of a group.
    All(&'a Instances),
}

/// What an element of `depends_on` names.
fn depended<'a>(scope: Scope<'a>, name: &'a str) -> Result<Depended<'a>, Miss<'a>> {
    if name == "each" {
        return match scope.each {
            Some(Each::Instance(index)) => Ok(Depended::One(*index)),
            _ => Err(Miss::unknown_because("`each` is not a node here", "it is one where for_each goes over a group")),
        };
    }
    let no_node = || format!("`{name}` does not name a node");
    let Ok(id) = NodeId::from_str(name) else { return Err(Miss::unknown_because(no_node(), DEPENDS_ON_HELP)) };
    // The parts are looked up as they stand in the name, so that a remedy may be worked out from them later.
    let rest = &name[id.kind.table().len() + 1..];
    let group_name = &rest[..id.group.len()];
    let group = match scope.group(id.kind, group_name) {
        Ok(group) => group,
        Err(miss) => {
            // Perhaps an instance as an expression names it: `stacks.spoke.dev` for `stacks.spoke[dev]`.
            let dotted = group_name.split_once('.').filter(|(group, _)| scope.group(id.kind, group).is_ok());
            let Some((group, key)) = dotted else { return Err(miss) };
            return Err(Miss::unknown(no_node(), move |_| {
                format!("write {}.{group}[{}]", id.kind.table(), key.replace('.', "/"))
            }));
        }
    };
    let Some(key) = &id.key else {
        return match group.members.as_slice() {
            [index] if !group.keyed => Ok(Depended::One(*index)),
            _ => Ok(Depended::All(group)),
        };
    };
    if !group.keyed {
        let node = format!("{}.{group_name}", id.kind.table());
        let message = format!("`{node}` is one {}, which has no instances", id.kind);
        return Err(Miss::unknown(message, move |_| format!("write {node}")));
    }
    let Some(index) = group.by_key.get(key) else {
        let key = &rest[group_name.len() + 1..rest.len() - 1];
        let message = format!("`{}.{group_name}` has no instance `{key}`", id.kind.table());
        let keys = group.members.iter().filter_map(move |index| scope.world.instances[*index].id.key.as_deref());
        return Err(Miss::unknown(message, move |search| search.or_known(key, "its instances are", keys, "")));
    };
    Ok(Depended::One(*index))
}

/// Has a value that the plan says to be a secret be shown nowhere.
fn hide(literal: &Json) {
    match literal {
        Json::String(text) => secret::keep(text),
        Json::Array(items) => items.iter().for_each(hide),
        other => secret::keep(&other.to_string()),
    }
}

const DEPENDS_ON_HELP: &str = "write stacks.NAME, peerings.NAME or routes.NAME, with [KEY] for one instance of a group";
