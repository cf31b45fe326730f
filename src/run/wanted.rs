//! From a node's expressions to what its kind wants: every value worked out, as the kind takes it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::guards::guards;
use super::supply::Supplied;
use super::template::Template;
use crate::diag::{Sources, Span};
use crate::event::Failure;
use crate::ids::NodeId;
use crate::kinds::{Adopt, Owner, peering, route, stack};
use crate::plan::{Outputs, PeeringSpec, RouteSpec, Setting, Side, StackSpec, Unresolved, Value};
use crate::secret;

/// Works out the values of one node.
pub(super) struct Resolver<'a> {
    /// What other nodes gave.
    pub(super) gathered: &'a (dyn Outputs + Sync),
    /// The texts of the plan.
    pub(super) sources: &'a Sources,
    /// The plan's name and the node.
    pub(super) owner: Owner,
    /// What the node adopts.
    pub(super) adopt: Adopt,
}

/// Why a value could not be worked out.
#[derive(Debug)]
pub(super) enum Unknown {
    /// A node that it refers to did not give it.
    Missing(NodeId, Box<Failure>),
    /// It was given and does not fit.
    Unfit(Box<Failure>),
}

impl From<Unknown> for Failure {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Missing(_, failure) | Unknown::Unfit(failure) => *failure,
        }
    }
}

impl Resolver<'_> {
    /// A stack that the plan manages.
    ///
    /// # Errors
    /// A value that cannot be worked out.
    pub(super) fn stack(
        &self,
        spec: &StackSpec,
        template: Template,
        supplied: &Supplied,
    ) -> Result<stack::Wanted, Unknown> {
        let Template { text: template, path, delivery, nested } = template;
        let parameters = self.parameters(&spec.parameters, supplied)?;
        let given = || parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        stack::keep_hidden(&template, given());
        let sensitive = sensitive(spec);
        given().filter(|(name, _)| sensitive.contains(*name)).for_each(|(_, value)| secret::keep(value));
        Ok(stack::Wanted {
            name: spec.name.to_string(),
            template,
            path,
            parameters,
            sensitive,
            kept: spec.kept.keys().map(ToString::to_string).collect(),
            tags: self.texts(&spec.tags)?,
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
    /// A value that cannot be worked out.
    pub(super) fn peering(&self, spec: &PeeringSpec) -> Result<peering::Wanted, Unknown> {
        let side = |side: &Side| Ok(peering::Side { vpc: self.text(&side.vpc)?, dns: side.dns });
        Ok(peering::Wanted {
            requester: side(&spec.requester)?,
            accepter: side(&spec.accepter)?,
            tags: self.texts(&spec.tags)?,
            owner: self.owner.clone(),
            adopt: self.adopt,
        })
    }

    /// The two VPCs between which a node adopts a peering; `None` if it adopts none, or they cannot be told.
    pub(super) fn adopted(&self, spec: &PeeringSpec) -> Option<(String, String)> {
        self.vpcs(spec).ok().filter(|_| spec.adopt)
    }

    /// The two VPCs of a peering, the requester's first.
    ///
    /// # Errors
    /// A value that cannot be worked out.
    pub(super) fn vpcs(&self, spec: &PeeringSpec) -> Result<(String, String), Unknown> {
        Ok((self.text(&spec.requester.vpc)?, self.text(&spec.accepter.vpc)?))
    }

    /// A route.
    ///
    /// # Errors
    /// A value that cannot be worked out.
    pub(super) fn route(&self, spec: &RouteSpec) -> Result<route::Wanted, Unknown> {
        let mut tables = Vec::new();
        for table in &spec.route_tables {
            match self.value(table)? {
                Json::Array(items) => {
                    for item in items {
                        tables.push(self.plain(table.span(), &item)?);
                    }
                }
                other => tables.push(self.plain(table.span(), &other)?),
            }
        }
        if tables.is_empty() {
            let mut failure =
                Failure::new("there is no route table to write the route to", "`route_tables` gives none");
            failure.place = spec.route_tables.first().map(|table| self.sources.place(table.span()));
            let help = "see what the outputs hold that `route_tables` is made of: `orch outputs`";
            return Err(Unknown::Unfit(Box::new(failure.help(help))));
        }
        // The same table by two outputs is one table.
        let mut seen = HashSet::new();
        tables.retain(|table| seen.insert(table.clone()));
        Ok(route::Wanted {
            route_tables: tables,
            destination: self.text(&spec.destination)?,
            target: self.text(&spec.via)?,
            replace: spec.replace,
            adopt: self.adopt,
            owner: self.owner.clone(),
        })
    }

    /// A value as the texts that it stands for: one, unless it is a list.
    fn list(&self, value: &Value) -> Result<Vec<String>, Unknown> {
        match self.value(value)? {
            Json::Array(items) => items.iter().map(|item| self.plain(value.span(), item)).collect(),
            other => Ok(vec![self.plain(value.span(), &other)?]),
        }
    }

    /// The values of parameters, of which some were read elsewhere.
    fn parameters(
        &self,
        settings: &IndexMap<Arc<str>, Setting>,
        supplied: &Supplied,
    ) -> Result<IndexMap<String, String>, Unknown> {
        let value = |(name, setting): (&Arc<str>, &Setting)| {
            let value = match supplied.get(name) {
                Some(secret) => secret.expose().to_owned(),
                None => self.text(&setting.value)?,
            };
            Ok((name.to_string(), value))
        };
        settings.iter().map(value).collect()
    }

    fn texts(&self, values: &IndexMap<Arc<str>, Setting>) -> Result<IndexMap<String, String>, Unknown> {
        values.iter().map(|(key, setting)| Ok((key.to_string(), self.text(&setting.value)?))).collect()
    }

    /// A value as text. A list becomes CloudFormation's comma-separated form.
    pub(super) fn text(&self, value: &Value) -> Result<String, Unknown> {
        match self.value(value)? {
            Json::Array(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.plain(value.span(), item)).collect();
                Ok(items?.join(","))
            }
            other => self.plain(value.span(), &other),
        }
    }

    pub(super) fn value(&self, value: &Value) -> Result<Json, Unknown> {
        value.resolve(self.gathered).map_err(|error| match error {
            Unresolved::Missing(need) => {
                let message = format!("`{}` has no value: {} does not give it", need.expression, need.node);
                let failure = Failure::new(message, "").at(self.sources.place(&need.span));
                let failure = failure.help("see its outputs with `orch outputs`");
                Unknown::Missing(need.node, Box::new(failure))
            }
            Unresolved::Invalid { span, message, help } => {
                let failure = Failure::new("a value cannot be worked out", message).at(self.sources.place(&span));
                Unknown::Unfit(Box::new(failure.help(help)))
            }
        })
    }

    pub(super) fn plain(&self, span: &Span, value: &Json) -> Result<String, Unknown> {
        match value {
            Json::String(text) => Ok(text.clone()),
            Json::Number(number) => Ok(number.to_string()),
            Json::Bool(truth) => Ok(truth.to_string()),
            Json::Null | Json::Array(_) | Json::Object(_) => {
                let failure = Failure::new("a value is not a text, a number or a truth", value.to_string());
                Err(Unknown::Unfit(Box::new(failure.at(self.sources.place(span)))))
            }
        }
    }
}

/// The parameters of a stack whose values the plan says to be secrets.
pub(super) fn sensitive(spec: &StackSpec) -> BTreeSet<String> {
    spec.parameters.iter().filter(|(_, setting)| setting.sensitive).map(|(name, _)| name.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io;
    use std::path::Path;

    use super::super::gathered::{Gathered, Given};
    use super::*;
    use crate::plan::{self, Files, Spec};

    struct One(&'static str);

    impl Files for One {
        fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
            Ok(self.0.into())
        }
    }

    #[test]
    fn a_route_whose_tables_turn_out_to_be_none_fails() {
        let text = r#"name = "net"
region = "us-east-1"
accounts = { a = { id = "111111111111" } }
[stacks.s]
account = "a"
manage = false
[routes.r]
account = "a"
route_tables = ["{{ split stacks.s.outputs.Tables }}"]
destination = "10.0.0.0/8"
via = "igw-1"
"#;
        let loaded = plan::load(Path::new("p.toml"), &One(text), &plan::Given { vars: &[], env: &|_| None });
        let plan = loaded.plan.unwrap();
        let Spec::Route(route) = &plan.nodes[1].spec else { panic!() };
        let owner = Owner::new("net", plan.nodes[1].id.clone());
        let resolved = |tables: &str| {
            let gathered = Gathered::default();
            let outputs = BTreeMap::from([("Tables".to_owned(), tables.to_owned())]);
            gathered.keep(plan.nodes[0].id.clone(), Given { id: None, outputs });
            let sources = &loaded.sources;
            Resolver { gathered: &gathered, sources, owner: owner.clone(), adopt: Adopt::Never }
                .route(route)
                .map_err(Failure::from)
        };
        assert_eq!(resolved("rtb-1,rtb-2,rtb-1").unwrap().route_tables, ["rtb-1", "rtb-2"]);
        let failure = resolved("").unwrap_err();
        assert_eq!(failure.place.as_deref(), Some("p.toml:9:17"));
        assert!(!failure.help.is_empty());
    }
}
