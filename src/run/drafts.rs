//! From a node's expressions to what is known of it before the run.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::Job;
use super::guards::guards;
use super::outlooks::{Giving, Outlooks};
use super::supply::{Unread, read};
use super::template::Template;
use super::wanted::{Resolver, Unknown, sensitive};
use crate::aws::Sessions;
use crate::diag::Sources;
use crate::event::Failure;
use crate::ids::NodeId;
use crate::kinds::{Adopt, Expected, Later, Owner, Until, peering, route, stack};
use crate::plan::{At, Attribute, Node, Outputs, PeeringSpec, RouteSpec, Setting, Side, Spec, StackSpec, Value};
use crate::preview::Grounds;
use crate::secret;

/// Works out the values of one node as far as they are known.
pub(super) struct Drafter<'a> {
    /// What is foreseen of other nodes.
    pub(super) outlooks: &'a Outlooks,
    /// The texts of the plan.
    pub(super) sources: &'a Sources,
    /// The plan's name and the node.
    pub(super) owner: Owner,
    /// What the node adopts.
    pub(super) adopt: Adopt,
    /// The stacks of which it takes outputs early.
    pub(super) givers: Vec<NodeId>,
    /// What the node belongs to, where it is to be looked at.
    pub(super) job: Option<&'a Job>,
}

impl Drafter<'_> {
    /// A stack that the plan manages.
    ///
    /// # Errors
    /// A value that can never be worked out; the same goes for all of them.
    pub(super) fn stack(
        &self,
        spec: &StackSpec,
        template: Template,
        supplied: &HashMap<Arc<str>, Expected>,
    ) -> Result<stack::Draft, Failure> {
        let Template { text: template, path, delivery, nested } = template;
        let parameters = self.parameters(&spec.parameters, supplied)?;
        let given = || parameters.iter().filter_map(|(name, value)| Some((name.as_str(), value.known()?)));
        stack::keep_hidden(&template, given());
        let sensitive = sensitive(spec);
        given().filter(|(name, _)| sensitive.contains(*name)).for_each(|(_, value)| secret::keep(value));
        Ok(stack::Draft {
            name: spec.name.to_string(),
            template,
            path,
            parameters,
            sensitive,
            kept: spec.kept.keys().map(ToString::to_string).collect(),
            tags: self.settings(&spec.tags)?,
            capabilities: spec.capabilities.iter().map(ToString::to_string).collect(),
            guards: guards(&spec.guards, self.sources, |value| self.list(value))?,
            delivery,
            nested,
            owner: self.owner.clone(),
            // Not the plan says so, but whoever runs it.
            reverts_drift: false,
            adopt: self.adopt,
        })
    }

    /// A peering.
    ///
    /// # Errors
    /// As for [`Drafter::stack`].
    pub(super) fn peering(&self, spec: &PeeringSpec) -> Result<peering::Draft, Failure> {
        let side = |side: &Side| Ok::<_, Failure>(peering::DraftSide { vpc: self.text(&side.vpc)?, dns: side.dns });
        Ok(peering::Draft {
            requester: side(&spec.requester)?,
            accepter: side(&spec.accepter)?,
            tags: self.settings(&spec.tags)?,
            owner: self.owner.clone(),
            adopt: self.adopt,
        })
    }

    /// A route.
    ///
    /// # Errors
    /// As for [`Drafter::stack`].
    pub(super) fn route(&self, spec: &RouteSpec) -> Result<route::Draft, Failure> {
        let mut route_tables: Vec<Expected> = Vec::new();
        for table in &spec.route_tables {
            for table in self.list(table)? {
                let is_known = table.known().is_some();
                if !is_known || !route_tables.contains(&table) {
                    route_tables.push(table);
                }
            }
        }
        if route_tables.is_empty() {
            // It says why there is none.
            self.resolver().route(spec)?;
        }
        let (destination, target) = (self.text(&spec.destination)?, self.text(&spec.via)?);
        let (replace, adopt, owner) = (spec.replace, self.adopt, self.owner.clone());
        Ok(route::Draft { route_tables, destination, target, replace, adopt, owner })
    }

    /// Works out values that must be known.
    pub(super) fn resolver(&self) -> Resolver<'_> {
        Resolver { gathered: self.outlooks, sources: self.sources, owner: self.owner.clone(), adopt: self.adopt }
    }

    /// Reads what a stack's parameters are given from elsewhere, as far as it can be known before the run.
    ///
    /// # Errors
    /// What cannot be read. A value that is not there may be made by a node that the run carries out before, and waits for it.
    pub(super) async fn supplied(
        &self,
        node: &Node,
        spec: &StackSpec,
        sessions: &Sessions,
    ) -> Result<HashMap<Arc<str>, Expected>, Failure> {
        let mut supplied = HashMap::new();
        for (parameter, setting) in &spec.parameters {
            let Some(supply) = setting.value.supply() else { continue };
            let name = supply.name().map(|name| self.text(name)).transpose()?;
            let value = match name {
                Some(Expected::Later(later)) => Expected::Later(later),
                name => {
                    let name = name.as_ref().and_then(Expected::known).unwrap_or_default();
                    // A stack that the run changes in its place may be what it comes from.
                    let renewed = supply.at().and_then(|at| self.made_before(node, name, Some(at)));
                    if let Some(later) = renewed {
                        supplied.insert(Arc::clone(parameter), Expected::Later(later));
                        continue;
                    }
                    match read(parameter, setting, (supply, name), sessions, self.sources).await {
                        Ok(value) => Expected::Known(value.expose().to_owned()),
                        Err(Unread::Missing(failure)) => match self.made_before(node, name, None) {
                            Some(later) => Expected::Later(later),
                            None => return Err(*failure),
                        },
                        Err(unread) => return Err(unread.into()),
                    }
                }
            };
            supplied.insert(Arc::clone(parameter), value);
        }
        Ok(supplied)
    }

    /// What a value waits for that may be made by what the node needs: whatever of that the run changes, or of that what is in one
    /// place.
    fn made_before(&self, node: &Node, name: &str, at: Option<&At>) -> Option<Later> {
        let is_there = |needed: &NodeId| {
            let node = self.job.and_then(|job| job.node(job.graph().get(needed)?));
            at.is_none_or(|at| {
                node.is_some_and(|node| {
                    matches!(node.spec, Spec::Stack(_)) && node.account == at.account && node.region == at.region
                })
            })
        };
        let after = node.after.iter().flat_map(|after| {
            let (span, expression) = (&after.span, &after.expression);
            after.nodes.iter().map(move |node| (node, span, expression))
        });
        let needed = node.needs.iter().map(|need| (&need.node, &need.span, &need.expression)).chain(after);
        let changing = needed.filter(|(needed, ..)| is_there(needed) && !self.outlooks.is_settled(needed));
        let until: Vec<Until> = changing
            .map(|(needed, span, expression)| Until {
                node: needed.clone(),
                value: needed.to_string(),
                expression: expression.to_string(),
                place: self.sources.place(span),
                early: false,
            })
            .collect();
        (!until.is_empty()).then(|| Later { text: format!("⟨{name}⟩"), until, fresh: false })
    }

    fn parameters(
        &self,
        settings: &IndexMap<Arc<str>, Setting>,
        supplied: &HashMap<Arc<str>, Expected>,
    ) -> Result<IndexMap<String, Expected>, Failure> {
        let value = |(name, setting): (&Arc<str>, &Setting)| {
            let value = match supplied.get(name) {
                Some(value) => value.clone(),
                None => self.text(&setting.value)?,
            };
            Ok((name.to_string(), value))
        };
        settings.iter().map(value).collect()
    }

    fn settings(&self, values: &IndexMap<Arc<str>, Setting>) -> Result<IndexMap<String, Expected>, Failure> {
        values.iter().map(|(key, setting)| Ok((key.to_string(), self.text(&setting.value)?))).collect()
    }

    fn text(&self, value: &Value) -> Result<Expected, Failure> {
        Ok(match self.later(value)? {
            Ok(_) => Expected::Known(self.resolver().text(value)?),
            Err(later) => Expected::Later(later),
        })
    }

    /// A value as the texts that it stands for: one, unless it is a list; or what it waits for.
    fn list(&self, value: &Value) -> Result<Vec<Expected>, Failure> {
        let items = match self.later(value)? {
            Ok(Json::Array(items)) => items,
            Ok(other) => vec![other],
            Err(later) => return Ok(vec![Expected::Later(later)]),
        };
        let known = |item| Ok(Expected::Known(self.resolver().plain(value.span(), item)?));
        items.iter().map(known).collect()
    }

    /// A value, or what it waits for.
    fn later(&self, value: &Value) -> Result<Result<Json, Later>, Failure> {
        let failure = match self.resolver().value(value) {
            Ok(json) => return Ok(Ok(json)),
            Err(Unknown::Unfit(failure)) => return Err(*failure),
            Err(Unknown::Missing(_, failure)) => failure,
        };
        let mut later = Later { text: self.with_names(value), until: Vec::new(), fresh: true };
        for need in value.needs() {
            let Some(attribute) = need.attribute.as_ref() else { continue };
            if self.outlooks.get(&need.node, attribute).is_some() {
                continue;
            }
            match self.outlooks.giving(&need.node, attribute) {
                // It is as it will be, and does not give this.
                Giving::All => return Err(*failure),
                Giving::More { fresh } => later.fresh &= fresh,
            }
            let (expression, place) = (need.expression.to_string(), self.sources.place(&need.span));
            let value = match attribute {
                Attribute::Id => format!("{}.id", need.node),
                Attribute::Output(name) => format!("{}.outputs.{name}", need.node),
            };
            let early = self.givers.contains(&need.node);
            later.until.push(Until { node: need.node.clone(), value, expression, place, early });
        }
        Ok(Err(later))
    }

    /// A value with the reference in place of what is not known. Where a helper does not take that, the value as the plan
    /// has it: it is only compared with itself.
    fn with_names(&self, value: &Value) -> String {
        match value.resolve(&Named(self.outlooks)) {
            Ok(Json::String(text)) => text,
            Ok(other) => other.to_string(),
            Err(_) => Grounds::digest(&value.likeness()),
        }
    }
}

/// What is foreseen of nodes, with the reference itself in place of what is not known.
struct Named<'a>(&'a Outlooks);

impl Outputs for Named<'_> {
    fn get(&self, node: &NodeId, attribute: &Attribute) -> Option<Json> {
        let name = || match attribute {
            Attribute::Id => format!("⟨{node}.id⟩"),
            Attribute::Output(name) => format!("⟨{node}.outputs.{name}⟩"),
        };
        Some(self.0.get(node, attribute).unwrap_or_else(|| name().into()))
    }
}
