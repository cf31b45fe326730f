//! Values whose expressions are bound to nodes.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use super::node::{Attribute, Need};
use super::supply::Supply;
use super::text::Text;
use crate::diag::Span;
use crate::expr::{Certain, EvaluateError, Shape};
use crate::ids::NodeId;

/// What nodes have brought forth so far.
pub trait Outputs {
    /// An attribute of a node that is done; `None` if the node is not done or has no such output.
    fn get(&self, node: &NodeId, attribute: &Attribute) -> Option<Json>;
}

/// A value of a node: known already, or known once the nodes that it needs are done.
#[derive(Clone, Debug)]
pub struct Value {
    span: Span,
    inner: Inner,
}

/// A value under a key of the plan's choice: a parameter or a tag.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where the key stands.
    pub key: Span,
    /// The value.
    pub value: Value,
    /// Where a variable has it, if it is nothing but a variable that the plan's text gives.
    pub variable: Option<Span>,
    /// Whether the plan says that it is a secret.
    pub sensitive: bool,
}

#[derive(Clone, Debug)]
enum Inner {
    Known(Arc<Json>),
    /// What is wrong with it was reported.
    Lost,
    Text {
        text: Arc<Text>,
        slots: Vec<Slot>,
        shape: Shape,
    },
    List(Vec<Value>),
    /// It is read elsewhere, when the node is looked at.
    Supplied(Arc<Supply>),
}

/// The value of one path of a text.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    Known(Json),
    Later(Need),
}

/// Why a value cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// A node does not have what the value needs of it, or not yet.
    #[error("`{}` has no value: {} does not give it", .0.expression, .0.node)]
    Missing(Need),
    /// The values are there, but do not fit into the expression.
    #[error("{message}")]
    Invalid {
        /// The part of the expression that is to blame.
        span: Span,
        /// What does not fit.
        message: String,
        /// What to write instead.
        help: String,
    },
}

impl Value {
    /// A value that cannot be read, which was reported: of a draft only.
    pub(super) fn lost(span: Span) -> Self {
        Self { span, inner: Inner::Lost }
    }

    /// What is read elsewhere: a parameter's value only.
    pub(super) fn supplied(span: Span, supply: Supply) -> Self {
        Self { span, inner: Inner::Supplied(Arc::new(supply)) }
    }

    /// Where the value is read, if it is read elsewhere.
    pub fn supply(&self) -> Option<&Supply> {
        match &self.inner {
            Inner::Supplied(supply) => Some(supply),
            _ => None,
        }
    }

    pub(super) fn known(span: Span, value: Arc<Json>) -> Self {
        Self { span, inner: Inner::Known(value) }
    }

    /// A text whose paths have these slots. It is known at once if they all are, and refused if it can never be.
    pub(super) fn text(text: &Arc<Text>, slots: Vec<Slot>) -> Result<Self, EvaluateError> {
        let paths: Vec<_> = slots.iter().map(Slot::certain).collect();
        let span = text.span.clone();
        match text.expression.certain(&paths)? {
            Certain::Shape(shape) if slots.iter().any(|slot| matches!(slot, Slot::Later(_))) => {
                drop(paths);
                Ok(Self { span, inner: Inner::Text { text: text.clone(), slots, shape } })
            }
            Certain::Value(value) => Ok(Self::known(span, Arc::new(value.into_owned()))),
            Certain::Shape(_) => {
                let values: Vec<_> = slots.iter().filter_map(Slot::known).cloned().collect();
                Ok(Self::known(span, Arc::new(text.expression.evaluate(&values)?)))
            }
        }
    }

    /// A list. It is known at once if all of its elements are.
    pub(super) fn list(span: Span, items: Vec<Self>) -> Self {
        match items.iter().map(|item| item.literal().cloned()).collect::<Option<Vec<_>>>() {
            Some(known) => Self::known(span, Arc::new(Json::Array(known))),
            None => Self { span, inner: Inner::List(items) },
        }
    }

    /// Where the value stands in the plan.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// The value, if it is known before any call.
    pub fn literal(&self) -> Option<&Json> {
        match &self.inner {
            Inner::Known(value) => Some(value),
            Inner::Text { .. } | Inner::List(_) | Inner::Supplied(_) | Inner::Lost => None,
        }
    }

    /// What is certain of the value before any call.
    pub(super) fn outline(&self) -> Outline<'_> {
        match &self.inner {
            Inner::Known(value) => Outline::Value(value),
            Inner::Lost => Outline::Lost,
            Inner::Text { shape, .. } => Outline::Shape(*shape),
            Inner::List(items) => Outline::List(items),
            Inner::Supplied(_) => Outline::Shape(Shape::Text),
        }
    }

    /// Whether the value is only put together: nothing in it looks at what it is put together from, as helpers and
    /// conditions do.
    pub fn is_plain(&self) -> bool {
        match &self.inner {
            Inner::Known(_) | Inner::Lost => true,
            Inner::Supplied(_) => false,
            Inner::Text { text, .. } => text.expression.is_plain(),
            Inner::List(items) => items.iter().all(Self::is_plain),
        }
    }

    /// Every attribute of another node that the value is made from, in the order of the text.
    pub fn needs(&self) -> impl Iterator<Item = &Need> {
        let mut needs = Vec::new();
        self.collect_needs(&mut needs);
        needs.into_iter()
    }

    fn collect_needs<'a>(&'a self, needs: &mut Vec<&'a Need>) {
        match &self.inner {
            Inner::Known(_) | Inner::Lost => {}
            Inner::Text { slots, .. } => needs.extend(slots.iter().filter_map(|slot| match slot {
                Slot::Later(need) => Some(need),
                Slot::Known(_) => None,
            })),
            Inner::List(items) => items.iter().for_each(|item| item.collect_needs(needs)),
            Inner::Supplied(supply) => supply.name().into_iter().for_each(|name| name.collect_needs(needs)),
        }
    }

    /// The value as it is written, with what its paths lead to, and nothing of where it stands: two values that look alike
    /// will be the same, whatever nodes bring forth.
    pub fn likeness(&self) -> String {
        match &self.inner {
            Inner::Known(value) => value.to_string(),
            Inner::Lost => String::new(),
            Inner::Supplied(supply) => supply.likeness(),
            Inner::List(items) => items.iter().map(Self::likeness).collect::<Vec<_>>().join("\n"),
            Inner::Text { text, slots, .. } => {
                let slots = slots.iter().map(|slot| match slot {
                    Slot::Known(value) => value.to_string(),
                    Slot::Later(Need { node, attribute, .. }) => format!("{node} {attribute:?}"),
                });
                std::iter::once(format!("{:?}", text.expression)).chain(slots).collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// The value, from what the nodes have brought forth.
    ///
    /// # Errors
    ///
    /// A node that does not have what is needed, or values that do not fit into the expression.
    pub fn resolve(&self, outputs: &dyn Outputs) -> Result<Json, Unresolved> {
        match &self.inner {
            Inner::Known(value) => Ok(Json::clone(value)),
            Inner::Lost => Err(Unresolved::Invalid {
                span: self.span.clone(),
                message: "this could not be read".to_owned(),
                help: "put right what was reported of it".to_owned(),
            }),
            Inner::Supplied(_) => Err(Unresolved::Invalid {
                span: self.span.clone(),
                message: "this is read elsewhere, and only when its node is looked at".to_owned(),
                help: "this is a mistake in orch: please report it".to_owned(),
            }),
            Inner::List(items) => items.iter().map(|item| item.resolve(outputs)).collect(),
            Inner::Text { text, slots, .. } => {
                let values = slots.iter().map(|slot| slot.resolve(outputs)).collect::<Result<Vec<_>, _>>()?;
                text.expression.evaluate(&values).map_err(|error| {
                    let span = text.place(&error.range);
                    Unresolved::Invalid { span, message: error.message, help: error.help }
                })
            }
        }
    }
}

/// What is certain of a value before any call.
pub(super) enum Outline<'a> {
    /// Nothing: it could not be read.
    Lost,
    /// All of it.
    Value(&'a Json),
    /// The type of what its expression will give.
    Shape(Shape),
    /// That it is a list of these.
    List(&'a [Value]),
}

impl Slot {
    fn known(&self) -> Option<&Json> {
        match self {
            Self::Known(value) => Some(value),
            Self::Later(_) => None,
        }
    }

    /// Whatever a node gives is text.
    fn certain(&self) -> Certain<'_> {
        self.known().map_or(Certain::Shape(Shape::Text), |value| Certain::Value(Cow::Borrowed(value)))
    }

    fn resolve(&self, outputs: &dyn Outputs) -> Result<Json, Unresolved> {
        match self {
            Self::Known(value) => Ok(value.clone()),
            Self::Later(need) => {
                let found = need.attribute.as_ref().and_then(|attribute| outputs.get(&need.node, attribute));
                found.ok_or_else(|| Unresolved::Missing(need.clone()))
            }
        }
    }
}

/// The type of a value, for a sentence.
pub(super) fn sort_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a table",
    }
}
