//! The world around a stack's template, as its intrinsic functions see it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::config::Config;
use super::resource::{ASSUMED, Provider, provider_of};
use super::stack::Resource;
use crate::cfn::{self, Context, EvalError, Evaluator, Lookup, Pseudo};
use crate::sim::ec2::zone;
use crate::sim::world::{ASSUMED as MADE_UP, MASK, Place, Register, UNDECIDED, World};

/// What a template's functions are evaluated with.
pub(super) struct Scope<'a> {
    pub(super) world: &'a World,
    pub(super) place: &'a Place,
    pub(super) stack_id: &'a str,
    pub(super) stack_name: &'a str,
    pub(super) config: &'a Config,
    /// The stack's resources so far.
    pub(super) resources: &'a Register<Resource>,
    /// Resources whose id will change, or not be known before the stack is at work.
    pub(super) unknown_ids: &'a BTreeSet<String>,
    /// Resources whose attributes may change.
    pub(super) unknown_attributes: &'a BTreeSet<String>,
    /// The exports that were asked for.
    pub(super) imports: RefCell<BTreeSet<String>>,
    /// Whether something was asked for that this world has made up, so that a failure tells nothing.
    pub(super) made_up: Cell<bool>,
}

/// No resource is unknown but those that do not exist yet.
pub(super) static ALL_KNOWN: BTreeSet<String> = BTreeSet::new();

impl<'a> Scope<'a> {
    pub(super) fn new(
        world: &'a World,
        place: &'a Place,
        stack: (&'a str, &'a str),
        config: &'a Config,
        resources: &'a Register<Resource>,
    ) -> Self {
        Self {
            world,
            place,
            stack_id: stack.0,
            stack_name: stack.1,
            config,
            resources,
            unknown_ids: &ALL_KNOWN,
            unknown_attributes: &ALL_KNOWN,
            imports: RefCell::default(),
            made_up: Cell::default(),
        }
    }

    pub(super) fn evaluator(&'a self) -> Evaluator<'a> {
        Evaluator::new(self.config.template.document(), self)
    }

    /// Notes whether what is told was made up.
    fn telling(&self, lookup: Lookup) -> Lookup {
        if let Lookup::Known(value) = &lookup
            && self.world.has_made_up(&value.to_string())
        {
            self.made_up.set(true);
        }
        lookup
    }

    /// Whether a resource is to be there, by its condition. Where that hangs on what was made up, one that was to be there
    /// under its condition `before` stays as it is.
    ///
    /// # Errors
    ///
    /// It cannot be told. The error says so where nothing is wrong but that.
    pub(super) fn exists(
        &self,
        evaluator: &Evaluator<'_>,
        resource: &cfn::Resource,
        before: Option<&Config>,
    ) -> Result<bool, String> {
        let error = match evaluator.exists(resource) {
            Err(error) if self.made_up.get() => error,
            known => return known.map_err(|error| error.to_string()),
        };
        let stands = self.resources.get(&resource.id).is_some_and(|own| own.physical_id.is_some());
        let is_old = |before: &Config| {
            let old = before.template.document().resources.get(&resource.id);
            old.is_some_and(|old| old.condition == resource.condition)
        };
        if stands || before.is_some_and(is_old) {
            return Ok(stands);
        }
        Err(format!("{error}: whether {} is made {UNDECIDED}", resource.id))
    }

    fn existing(&self, id: &str, unknown: &BTreeSet<String>) -> Option<&Resource> {
        self.resources.get(id).filter(|resource| resource.physical_id.is_some() && !unknown.contains(id))
    }
}

impl Context for Scope<'_> {
    fn parameter(&self, name: &str) -> Lookup {
        let document = self.config.template.document();
        let (Some(declared), Some(parameter)) = (document.parameters.get(name), self.config.parameters.get(name))
        else {
            return Lookup::Missing;
        };
        let text = parameter.effective();
        self.telling(if declared.is_list() { items(text).into() } else { text.into() })
    }

    fn pseudo(&self, pseudo: Pseudo) -> Lookup {
        match pseudo {
            Pseudo::AccountId => self.place.account.as_str().into(),
            Pseudo::Region => self.place.region.as_str().into(),
            Pseudo::Partition => self.place.region.partition().into(),
            Pseudo::StackId => self.stack_id.into(),
            Pseudo::StackName => self.stack_name.into(),
            Pseudo::UrlSuffix => self.place.region.url_suffix().unwrap_or("amazonaws.com").into(),
            Pseudo::NotificationArns => json!(self.config.notification_arns).into(),
            Pseudo::NoValue => Json::Null.into(),
        }
    }

    fn resource(&self, id: &str) -> Lookup {
        let Some(resource) = self.existing(id, self.unknown_ids) else { return Lookup::Unknown };
        match provider_of(self.world, resource) {
            Some(provider) => self.telling(provider.reference(self.place, resource).into()),
            None => Lookup::Missing,
        }
    }

    fn attribute(&self, id: &str, attribute: &str) -> Lookup {
        if self.unknown_ids.contains(id) {
            return Lookup::Unknown;
        }
        let Some(resource) = self.existing(id, self.unknown_attributes) else { return Lookup::Unknown };
        if let Some(told) = resource.told.get(attribute) {
            return self.telling(told.as_str().into());
        }
        if self.world.assumes() && is_chosen(resource, attribute) {
            return self.telling(format!("{attribute}{MADE_UP}{}", resource.id()).into());
        }
        let found = provider_of(self.world, resource)
            .and_then(|provider| provider.attribute(self.world, self.place, resource, attribute));
        // An attribute that is not embedded is made up where types are.
        let made_up = || ASSUMED.attribute(self.world, self.place, resource, attribute);
        let found = found.or_else(|| if self.world.assumes() { made_up() } else { None });
        self.telling(found.map_or(Lookup::Missing, Lookup::Known))
    }

    fn export(&self, name: &str) -> Lookup {
        self.imports.borrow_mut().insert(name.to_owned());
        match self.world.at(self.place).cloudformation.exports.get(name) {
            Some(export) => export.value.as_str().into(),
            None => Lookup::Missing,
        }
    }

    fn hidden(&self, text: &str) -> bool {
        self.world.assumes() && text.contains(MASK)
    }

    fn zones(&self, region: &str) -> Lookup {
        let names = zone::zones(&region.into()).into_keys();
        // Which an account has elsewhere is not known.
        if self.world.assumes() {
            self.made_up.set(true);
        }
        Lookup::Known(names.map(Json::from).collect())
    }
}

/// A list parameter's items.
fn items(text: &str) -> Json {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Json::from).collect()
}

/// Whether AWS chooses an attribute where the template does not give it, so that nobody knows it before.
pub(super) fn is_chosen(resource: &Resource, attribute: &str) -> bool {
    resource.type_name == "AWS::EC2::Subnet"
        && matches!(attribute, "AvailabilityZone" | "AvailabilityZoneId")
        && resource.text(attribute).is_none()
}

/// A resource's properties; with why one cannot be worked out, where something in it was made up. That one stays what it
/// is, if the resource stands.
///
/// # Errors
///
/// The first that cannot be worked out.
pub(super) fn properties(
    scope: &Scope<'_>,
    evaluator: &Evaluator<'_>,
    declared: &cfn::Resource,
) -> Result<(Map<String, Json>, Option<EvalError>), EvalError> {
    let evaluated = evaluator.properties(declared);
    let (mut properties, mut unsure) = (Map::with_capacity(evaluated.len()), None);
    for (name, value) in evaluated {
        match value {
            Ok(value) => {
                properties.insert(name, value);
            }
            Err(error) if scope.made_up.get() => {
                let old = scope.resources.get(&declared.id).and_then(|old| old.properties.get(&name));
                properties.extend(old.map(|old| (name, old.clone())));
                unsure.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((properties, unsure))
}
