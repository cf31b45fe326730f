//! Evaluation of intrinsic functions: pure, with the world behind [`Context`].
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value as Json;

use super::base64;
use super::cidr;
use super::context::{Context, Lookup};
use super::document::Document;
use super::eval_error::{EvalError, EvalErrorKind};
use super::function::{Call, Function};
use super::node::{Map, Node, Value};
use super::pseudo::Pseudo;
use super::resource::Resource;
use super::sub::{self, Piece};

/// How deep values and conditions may lead into one another. A condition leads to others by name, so the nesting of the
/// text is no bound for it.
const MAX_DEPTH: usize = 128;

/// How much one evaluator works out, in values and bytes of text: a template has some 50,000 of either, but a text may
/// double itself in every line.
const MAX_WORK: usize = 8 * 1024 * 1024;

/// Works out the values of one template in one context.
pub struct Evaluator<'a> {
    document: &'a Document,
    context: &'a dyn Context,
    conditions: RefCell<BTreeMap<String, Truth>>,
    depth: Cell<usize>,
    work: Cell<usize>,
}

/// What is known of a condition so far.
#[derive(Clone)]
enum Truth {
    /// It is being worked out: to ask for it again is a circle.
    Open,
    Known(Result<bool, EvalError>),
}

/// `None` stands for `AWS::NoValue`.
type Outcome = Result<Option<Json>, EvalError>;

impl<'a> Evaluator<'a> {
    /// An evaluator of `document` in `context`.
    pub fn new(document: &'a Document, context: &'a dyn Context) -> Self {
        Self { document, context, conditions: RefCell::default(), depth: Cell::new(0), work: Cell::new(0) }
    }

    /// The value of a node; `AWS::NoValue` by itself gives null.
    ///
    /// # Errors
    ///
    /// The first call that cannot be worked out; see [`EvalError::is_unknown`].
    pub fn value(&self, node: &Node) -> Result<Json, EvalError> {
        Ok(self.eval(node)?.unwrap_or(Json::Null))
    }

    /// The value of a node as text: CloudFormation takes numbers and truth values for texts.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::value`]; `None` for a list, a map or nothing.
    pub fn text(&self, node: &Node) -> Result<Option<String>, EvalError> {
        Ok(text(&self.value(node)?))
    }

    /// Whether a condition of the template holds.
    ///
    /// # Errors
    ///
    /// The condition does not exist, is made of itself, or of something that cannot be worked out.
    pub fn condition(&self, name: &str) -> Result<bool, EvalError> {
        let known = self.conditions.borrow().get(name).cloned();
        let Some(node) = self.document.conditions.get(name) else {
            return Err(fail(&(0..0), EvalErrorKind::NoCondition(name.to_owned())));
        };
        match known {
            Some(Truth::Known(truth)) => truth,
            Some(Truth::Open) => Err(fail(&node.at, EvalErrorKind::CircularCondition(name.to_owned()))),
            None => {
                self.conditions.borrow_mut().insert(name.to_owned(), Truth::Open);
                let truth = self.truth(node);
                self.conditions.borrow_mut().insert(name.to_owned(), Truth::Known(truth.clone()));
                truth
            }
        }
    }

    /// Whether a condition holds, if it can be told; in the form that [`Document::dependencies`] takes.
    pub fn holds(&self, name: &str) -> Option<bool> {
        self.condition(name).ok()
    }

    /// Whether a resource exists, by its condition.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::condition`].
    pub fn exists(&self, resource: &Resource) -> Result<bool, EvalError> {
        resource.condition.as_deref().map_or(Ok(true), |name| self.condition(name))
    }

    /// The value of each property by itself, so that one that is not known yet does not hide the others.
    /// Properties that `AWS::NoValue` takes away are not there.
    pub fn properties(&self, resource: &Resource) -> Vec<(String, Result<Json, EvalError>)> {
        let Some(node) = resource.properties.as_deref() else { return Vec::new() };
        let entries = match node.call() {
            // `Properties: !If […]`: all of them hang on one call.
            Some(_) => match self.value(node) {
                Ok(Json::Object(map)) => return map.into_iter().map(|(name, value)| (name, Ok(value))).collect(),
                Ok(_) => return Vec::new(),
                Err(error) => return vec![("Properties".to_owned(), Err(error))],
            },
            None => node.as_map().into_iter().flatten(),
        };
        entries
            .filter_map(|(name, entry)| {
                let value = self.eval(&entry.node).transpose()?;
                Some((name.clone(), value))
            })
            .collect()
    }

    fn eval(&self, node: &Node) -> Outcome {
        self.spend(node.as_text().map_or(1, |text| text.len() + 1), &node.at)?;
        self.deeper(&node.at, || match &node.value {
            Value::List(items) => self.list(items).map(Some),
            Value::Map(map) => match node.call() {
                Some(call) => self.call(node, call),
                None => self.map(map).map(Some),
            },
            _ => Ok(Some(node.to_json())),
        })
    }

    /// One step further down, if that is not too deep.
    fn deeper<T>(&self, at: &Range<usize>, step: impl FnOnce() -> Result<T, EvalError>) -> Result<T, EvalError> {
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return Err(fail(at, EvalErrorKind::TooDeep(MAX_DEPTH)));
        }
        self.depth.set(depth + 1);
        let result = step();
        self.depth.set(depth);
        result
    }

    /// Counts so many values or bytes, before they are made.
    fn spend(&self, amount: usize, at: &Range<usize>) -> Result<(), EvalError> {
        let work = self.work.get().saturating_add(amount);
        self.work.set(work);
        if work > MAX_WORK { Err(fail(at, EvalErrorKind::TooLarge)) } else { Ok(()) }
    }

    fn list(&self, items: &[Node]) -> Result<Json, EvalError> {
        // Room for all of them and no more: what the embedded AWS works out stays for as long as its stack does.
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            values.extend(self.eval(item)?);
        }
        Ok(values.into())
    }

    fn map(&self, map: &Map) -> Result<Json, EvalError> {
        let mut values = serde_json::Map::with_capacity(map.len());
        for (key, entry) in map {
            values.extend(self.eval(&entry.node)?.map(|value| (key.clone(), value)));
        }
        Ok(values.into())
    }

    /// Each function has a method of its own, so that a deep value takes no more of the stack than its own functions.
    fn call(&self, node: &Node, call: Call<'_>) -> Outcome {
        let (at, argument) = (&node.at, call.argument);
        match call.function {
            Function::Ref => {
                let name = argument.as_text().ok_or_else(|| fail(at, EvalErrorKind::Usage(Function::Ref)))?;
                self.reference(name, &argument.at)
            }
            Function::GetAtt => self.get_att(argument, at),
            Function::Sub => self.sub(argument, at).map(|text| Some(text.into())),
            Function::Join => self.join(argument, at),
            Function::Select => self.select(argument, at),
            Function::Split => self.split(argument, at),
            Function::Cidr => self.cidr(argument, at),
            Function::FindInMap => self.find_in_map(argument, at),
            Function::If => self.choice(argument, at),
            Function::Equals | Function::And | Function::Or | Function::Not => {
                self.truth(node).map(|truth| Some(truth.into()))
            }
            Function::GetAzs => self.zones(argument, at),
            Function::Base64 => self.base64(argument, at),
            Function::ImportValue => self.import(argument, at),
            Function::Length => self.length(argument, at),
            Function::ToJsonString => self.to_json_string(argument, at),
            Function::Transform | Function::Other => Err(fail(at, EvalErrorKind::Unsupported(call.key.to_owned()))),
        }
    }

    fn get_att(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let wrong = || fail(at, EvalErrorKind::Usage(Function::GetAtt));
        let Some([id, attribute]) = argument.as_list() else { return Err(wrong()) };
        let id = id.as_text().ok_or_else(wrong)?;
        let attribute = self.text(attribute)?.ok_or_else(wrong)?;
        self.attribute(id, &attribute, at).map(Some)
    }

    fn join(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let wrong = || fail(at, EvalErrorKind::Usage(Function::Join));
        let Some([delimiter, items]) = argument.as_list() else { return Err(wrong()) };
        let delimiter = delimiter.as_text().ok_or_else(wrong)?;
        let items = self.value(items)?;
        let items = items.as_array().ok_or_else(wrong)?.iter().map(text).collect::<Option<Vec<_>>>();
        let items = items.ok_or_else(wrong)?;
        let between = delimiter.len().saturating_mul(items.len());
        self.spend(items.iter().fold(between, |sum, item| sum.saturating_add(item.len())), at)?;
        Ok(Some(items.join(delimiter).into()))
    }

    fn split(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let wrong = || fail(at, EvalErrorKind::Usage(Function::Split));
        let Some([delimiter, source]) = argument.as_list() else { return Err(wrong()) };
        let delimiter = delimiter.as_text().filter(|text| !text.is_empty()).ok_or_else(wrong)?;
        let source = self.text(source)?.ok_or_else(wrong)?;
        self.spend(source.len(), at)?;
        Ok(Some(source.split(delimiter).collect()))
    }

    fn cidr(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let wrong = || fail(at, EvalErrorKind::Usage(Function::Cidr));
        let (block, count, bits) = match argument.as_list() {
            Some([block, count]) => (block, count, None),
            Some([block, count, bits]) => (block, count, Some(bits)),
            _ => return Err(wrong()),
        };
        let number = |node| self.text(node)?.and_then(|text| text.trim().parse().ok()).ok_or_else(wrong);
        let block = self.text(block)?.ok_or_else(wrong)?;
        let default = if block.contains(':') { 64 } else { 8 };
        let bits = bits.map_or(Ok(default), number)?;
        let ranges = cidr::divide(&block, number(count)?, bits).map_err(|error| fail(at, error.into()))?;
        Ok(Some(ranges.into()))
    }

    fn choice(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let Some([condition, then, otherwise]) = argument.as_list() else {
            return Err(fail(at, EvalErrorKind::Usage(Function::If)));
        };
        self.eval(if self.truth(condition)? { then } else { otherwise })
    }

    fn zones(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let written = self.value(argument)?;
        let region = match text(&written) {
            None if written.is_null() => String::new(),
            None => return Err(fail(at, EvalErrorKind::Usage(Function::GetAzs))),
            Some(region) => region,
        };
        let region = match region {
            empty if empty.is_empty() => self.known(self.context.pseudo(Pseudo::Region), "AWS::Region", at)?,
            region => region.into(),
        };
        let region = text(&region).unwrap_or_default();
        self.known(self.context.zones(&region), &format!("Fn::GetAZs of {region}"), at).map(Some)
    }

    fn base64(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let text = self.text(argument)?.ok_or_else(|| fail(at, EvalErrorKind::Usage(Function::Base64)))?;
        if self.context.opaque(&text) {
            return Err(fail(at, EvalErrorKind::Unknown("Fn::Base64".to_owned())));
        }
        self.spend(text.len().saturating_mul(2), at)?;
        Ok(Some(base64::encode(text.as_bytes()).into()))
    }

    fn import(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let name = self.text(argument)?.ok_or_else(|| fail(at, EvalErrorKind::Usage(Function::ImportValue)))?;
        match self.context.export(&name) {
            Lookup::Missing => Err(fail(at, EvalErrorKind::NoExport(name))),
            lookup => self.known(lookup, &format!("the export {name}"), at).map(Some),
        }
    }

    fn length(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let value = self.value(argument)?;
        let items = value.as_array().ok_or_else(|| fail(at, EvalErrorKind::Usage(Function::Length)))?;
        Ok(Some(items.len().into()))
    }

    fn to_json_string(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let written = self.value(argument)?.to_string();
        self.spend(written.len(), at)?;
        Ok(Some(written.into()))
    }

    /// What `Ref` gives.
    fn reference(&self, name: &str, at: &Range<usize>) -> Outcome {
        let lookup = match Pseudo::named(name) {
            Some(Pseudo::NoValue) => return Ok(None),
            Some(pseudo) => self.context.pseudo(pseudo),
            None if self.document.parameters.contains_key(name) => self.context.parameter(name),
            None if self.document.resources.contains_key(name) => self.context.resource(name),
            None => Lookup::Missing,
        };
        self.known(lookup, name, at).map(Some)
    }

    fn attribute(&self, id: &str, attribute: &str, at: &Range<usize>) -> Result<Json, EvalError> {
        if !self.document.resources.contains_key(id) {
            return Err(fail(at, EvalErrorKind::Undefined(id.to_owned())));
        }
        match self.context.attribute(id, attribute) {
            Lookup::Missing => {
                let (resource, attribute) = (id.to_owned(), attribute.to_owned());
                Err(fail(at, EvalErrorKind::NoAttribute { resource, attribute }))
            }
            lookup => self.known(lookup, &format!("{id}.{attribute}"), at),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as one of the evaluator's steps")]
    fn known(&self, lookup: Lookup, what: &str, at: &Range<usize>) -> Result<Json, EvalError> {
        match lookup {
            Lookup::Known(value) => Ok(value),
            Lookup::Unknown => Err(fail(at, EvalErrorKind::Unknown(what.to_owned()))),
            Lookup::Missing => Err(fail(at, EvalErrorKind::Undefined(what.to_owned()))),
        }
    }

    fn sub(&self, argument: &Node, at: &Range<usize>) -> Result<String, EvalError> {
        let wrong = || fail(at, EvalErrorKind::Usage(Function::Sub));
        let (template, variables) = match argument.as_list() {
            Some([template, variables]) => (template, Some(variables.as_map().ok_or_else(wrong)?)),
            Some([template]) => (template, None),
            Some(_) => return Err(wrong()),
            None => (argument, None),
        };
        let template = template.as_text().ok_or_else(wrong)?;
        let mut rendered = String::with_capacity(template.len());
        // Each variable once: nested ones would otherwise be worked out twice as often at every level.
        let mut known: BTreeMap<&str, String> = BTreeMap::new();
        for piece in sub::pieces(template).map_err(|error| fail(at, error.into()))? {
            let name = match piece {
                Piece::Literal(text) => {
                    rendered.push_str(text);
                    continue;
                }
                Piece::Escaped(name) => {
                    rendered.extend(["${", name, "}"]);
                    continue;
                }
                Piece::Variable { name, .. } => name,
            };
            if let Some(value) = known.get(name) {
                self.spend(value.len(), at)?;
                rendered.push_str(value);
                continue;
            }
            let value = match (variables.and_then(|map| map.get(name)), name.split_once('.')) {
                (Some(entry), _) => self.value(&entry.node)?,
                (None, Some((id, attribute))) => self.attribute(id, attribute, at)?,
                // `AWS::NoValue` leaves nothing in a text.
                (None, None) => self.reference(name, at)?.unwrap_or_else(|| "".into()),
            };
            let value = text(&value).ok_or_else(wrong)?;
            self.spend(value.len() + 1, at)?;
            rendered.push_str(&value);
            known.insert(name, value);
        }
        Ok(rendered)
    }

    /// Only the item that is selected is worked out: the others may be unknown.
    fn select(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let wrong = || fail(at, EvalErrorKind::Usage(Function::Select));
        let Some([index, items]) = argument.as_list() else { return Err(wrong()) };
        let index = self.text(index)?.ok_or_else(wrong)?;
        let position: usize = index.trim().parse().map_err(|_| wrong())?;
        let missing = || fail(at, EvalErrorKind::NoItem(index.clone()));
        match items.as_list() {
            Some(items) => self.eval(items.get(position).ok_or_else(missing)?),
            None => match self.value(items)? {
                Json::Array(mut items) if position < items.len() => Ok(Some(items.swap_remove(position))),
                Json::Array(_) => Err(missing()),
                _ => Err(wrong()),
            },
        }
    }

    fn find_in_map(&self, argument: &Node, at: &Range<usize>) -> Outcome {
        let wrong = || fail(at, EvalErrorKind::Usage(Function::FindInMap));
        let (keys, default) = match argument.as_list() {
            Some([keys @ .., default]) if keys.len() == 3 => (keys, default.get("DefaultValue")),
            Some(keys) if keys.len() == 3 => (keys, None),
            _ => return Err(wrong()),
        };
        let keys: Vec<String> =
            keys.iter().map(|key| self.text(key)?.ok_or_else(wrong)).collect::<Result<_, EvalError>>()?;
        let found = self.document.mappings.get(&keys[0]).and_then(|mapping| mapping.get(&keys[1])?.get(&keys[2]));
        match (found, default) {
            // A mapping holds no calls, or it could lead back to itself.
            (Some(node), _) if node.is_literal() => Ok(Some(node.to_json())),
            (Some(node), _) => Err(fail(&node.at, EvalErrorKind::Unsupported("a function in Mappings".to_owned()))),
            (None, Some(node)) => self.eval(node),
            (None, None) => Err(fail(at, EvalErrorKind::NoMapping(keys.join("::")))),
        }
    }

    /// A condition: its name, `Condition: name`, or a condition function. What decides by itself hides what is unknown.
    fn truth(&self, node: &Node) -> Result<bool, EvalError> {
        self.spend(1, &node.at)?;
        self.deeper(&node.at, || self.decide(node))
    }

    fn decide(&self, node: &Node) -> Result<bool, EvalError> {
        if let Some(name) = node.as_text().or_else(|| node.get("Condition").and_then(Node::as_text)) {
            return self
                .condition(name)
                .map_err(|error| if error.at == (0..0) { fail(&node.at, error.kind) } else { error });
        }
        let Some(call) = node.call() else {
            return match &node.value {
                Value::Bool(truth) => Ok(*truth),
                _ => Err(fail(&node.at, EvalErrorKind::Usage(Function::If))),
            };
        };
        let wrong = || fail(&node.at, EvalErrorKind::Usage(call.function));
        let operands = call.argument.as_list();
        match (call.function, operands) {
            (Function::Equals, Some([left, right])) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                let same = left == right || text(&left).is_some_and(|left| text(&right) == Some(left));
                let is_opaque = |value: &Json| value.as_str().is_some_and(|text| self.context.opaque(text));
                let is_hidden = |value: &Json| value.as_str().is_some_and(|text| self.context.hidden(text));
                let is_empty = |value: &Json| value.as_str().is_some_and(str::is_empty);
                if is_hidden(&left) || is_hidden(&right) {
                    return Err(fail(&node.at, EvalErrorKind::Unknown("Fn::Equals".to_owned())));
                }
                if !self.context.knows_spelling() && is_one_decimal(&left, &right) {
                    return Err(fail(&node.at, EvalErrorKind::Unknown("Fn::Equals".to_owned())));
                }
                // What is not known yet is itself, and is something.
                if !same && (is_opaque(&left) || is_opaque(&right)) && !is_empty(&left) && !is_empty(&right) {
                    return Err(fail(&node.at, EvalErrorKind::Unknown("Fn::Equals".to_owned())));
                }
                Ok(same)
            }
            (Function::Not, Some([operand])) => Ok(!self.truth(operand)?),
            (Function::And, Some(operands)) if (2..=10).contains(&operands.len()) => {
                self.any(operands, false).map(|any| !any)
            }
            (Function::Or, Some(operands)) if (2..=10).contains(&operands.len()) => self.any(operands, true),
            (Function::Equals | Function::And | Function::Or | Function::Not, _) => Err(wrong()),
            _ => match self.value(node)? {
                Json::Bool(truth) => Ok(truth),
                Json::String(text) if text == "true" || text == "false" => Ok(text == "true"),
                _ => Err(wrong()),
            },
        }
    }

    /// Whether any operand is `wanted`; an unknown one matters only if no other decides.
    fn any(&self, operands: &[Node], wanted: bool) -> Result<bool, EvalError> {
        let mut unknown = None;
        for operand in operands {
            match self.truth(operand) {
                Ok(truth) if truth == wanted => return Ok(true),
                Ok(_) => {}
                Err(error) if error.is_unknown() => drop(unknown.get_or_insert(error)),
                Err(error) => return Err(error),
            }
        }
        unknown.map_or(Ok(false), Err)
    }
}

fn fail(at: &Range<usize>, kind: EvalErrorKind) -> EvalError {
    EvalError { at: at.clone(), kind }
}

/// Whether two values are the same number, and one of them is a decimal one without quotes.
fn is_one_decimal(left: &Json, right: &Json) -> bool {
    let number = |value: &Json| text(value).and_then(|text| text.trim().parse::<f64>().ok());
    (left.is_f64() || right.is_f64())
        && number(left).zip(number(right)).is_some_and(|(left, right)| left.total_cmp(&right).is_eq())
}

/// A scalar as CloudFormation writes it into a text.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
