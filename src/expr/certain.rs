//! What is certain of a text's value before all of its paths have one.
//!
//! What nodes give, outputs and ids, is always text. So `{{ join stacks.s.outputs.L }}` can never have a value, whatever
//! AWS answers, and that is told before the first call.

use std::borrow::Cow;

use handlebars::JsonTruthy;
use serde_json::Value as Json;

use super::evaluate::in_text;
use super::expression::{Part, Term};
use super::helper::plain;
use super::{EvaluateError, Expression, Helper};

/// The type of a value that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Some text.
    Text,
    /// Some list of plain values.
    List,
    /// `true` or `false`.
    Truth,
}

/// What is certain of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Certain<'a> {
    /// All of it.
    Value(Cow<'a, Json>),
    /// Its type.
    Shape(Shape),
}

/// What is certain of an expression's value.
pub(super) fn certain<'a>(expression: &'a Expression, paths: &[Certain<'a>]) -> Result<Certain<'a>, EvaluateError> {
    let checker = Checker { expression, paths };
    if let [Part::Value(term)] = expression.parts.as_slice() {
        return checker.term(term);
    }
    checker.parts(&expression.parts)?;
    Ok(Certain::Shape(Shape::Text))
}

struct Checker<'a, 'p> {
    expression: &'a Expression,
    paths: &'p [Certain<'a>],
}

impl<'a> Checker<'a, '_> {
    fn parts(&self, parts: &'a [Part]) -> Result<(), EvaluateError> {
        for part in parts {
            match part {
                Part::Text(_) => {}
                Part::Value(term) => match self.term(term)? {
                    Certain::Value(value) if plain(&value).is_none() => {
                        return Err(in_text(self.expression.range(term), &value));
                    }
                    Certain::Shape(Shape::List) => {
                        return Err(in_text(self.expression.range(term), &Json::Array(Vec::new())));
                    }
                    Certain::Value(_) | Certain::Shape(_) => {}
                },
                Part::If { condition, negated, then, otherwise } => match self.term(condition)? {
                    // A branch that is never taken may hold what it likes.
                    Certain::Value(value) => {
                        self.parts(if value.is_truthy(false) == *negated { otherwise } else { then })?;
                    }
                    Certain::Shape(_) => {
                        self.parts(then)?;
                        self.parts(otherwise)?;
                    }
                },
            }
        }
        Ok(())
    }

    fn term(&self, term: &'a Term) -> Result<Certain<'a>, EvaluateError> {
        match term {
            Term::Reference(index) => Ok(self.paths[*index].clone()),
            Term::Literal(value) => Ok(Certain::Value(Cow::Borrowed(value))),
            Term::Call { helper, arguments, range } => {
                let arguments: Vec<_> =
                    arguments.iter().map(|argument| self.term(argument)).collect::<Result<_, _>>()?;
                let values: Option<Vec<Json>> = arguments
                    .iter()
                    .map(|argument| match argument {
                        Certain::Value(value) => Some(Json::clone(value)),
                        Certain::Shape(_) => None,
                    })
                    .collect();
                let result = match values {
                    Some(values) => helper.call(&values).map(|value| Certain::Value(Cow::Owned(value))),
                    None => shape(*helper, &arguments).map(Certain::Shape),
                };
                result.map_err(|message| EvaluateError::of_helper(range.clone(), message, *helper))
            }
        }
    }
}

/// What a helper gives for arguments that are not all known, or why it can give nothing.
fn shape(helper: Helper, arguments: &[Certain<'_>]) -> Result<Shape, String> {
    let is_text = |index: usize| match arguments.get(index) {
        Some(Certain::Value(value)) => value.is_string(),
        Some(Certain::Shape(shape)) => *shape == Shape::Text,
        None => true,
    };
    let is_list = || match arguments.first() {
        Some(Certain::Value(value)) => value.is_array(),
        Some(Certain::Shape(shape)) => *shape == Shape::List,
        None => false,
    };
    // Nothing that a node gives is a number.
    let is_number = |index: usize| matches!(arguments.get(index), Some(Certain::Value(value)) if value.is_u64());
    match helper {
        Helper::Split if !is_text(0) || !is_text(1) => Err(helper.needs("a text")),
        Helper::Join | Helper::Select if !is_list() => Err(helper.needs("a list")),
        Helper::Join if !is_text(1) => Err(helper.needs("a text")),
        Helper::Select if !is_number(1) => Err(helper.needs("an index from zero upwards")),
        Helper::Lower | Helper::Upper | Helper::Subnet if !is_text(0) => Err(helper.needs("a text")),
        Helper::Subnet if !is_number(1) || !is_number(2) => Err(helper.needs("whole numbers")),
        Helper::Split => Ok(Shape::List),
        Helper::Join | Helper::Select | Helper::Lower | Helper::Upper | Helper::Subnet => Ok(Shape::Text),
        Helper::Eq => Ok(Shape::Truth),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is certain when `vars.…` are these values and everything else is some text.
    fn certain_of(text: &str, vars: &Json) -> Result<String, String> {
        let expression = Expression::parse(text).unwrap();
        let paths: Vec<_> = expression
            .references()
            .iter()
            .map(|reference| match &*reference.path[0] {
                "vars" => Certain::Value(Cow::Borrowed(&vars[&*reference.path[1]])),
                _ => Certain::Shape(Shape::Text),
            })
            .collect();
        match expression.certain(&paths) {
            Ok(Certain::Value(value)) => Ok(value.to_string()),
            Ok(Certain::Shape(shape)) => Ok(format!("{shape:?}")),
            Err(error) => Err(format!("{}: {}", &text[error.range], error.message)),
        }
    }

    #[test]
    fn the_type_of_what_comes_later_is_known() {
        let vars = json!({ "a": "x", "l": ["x"], "n": 1 });
        for (text, expected) in [
            ("{{ stacks.s.id }}", "Text"),
            ("{{ split stacks.s.id }}", "List"),
            ("{{ split stacks.s.id vars.a }}", "List"),
            ("{{ select (split stacks.s.id) vars.n }}", "Text"),
            ("{{ join (split stacks.s.id) '-' }}", "Text"),
            ("{{ join vars.l stacks.s.id }}", "Text"),
            ("{{ subnet stacks.s.id 24 vars.n }}", "Text"),
            ("{{ eq stacks.s.id 'x' }}", "Truth"),
            ("{{ lower stacks.s.id }}{{#if stacks.s.id}}a{{/if}}", "Text"),
            ("{{ upper vars.a }}", "\"X\""),
            // The branch that would fail is not taken.
            ("{{#if vars.n}}{{ stacks.s.id }}{{else}}{{ vars.l }}{{/if}}", "Text"),
        ] {
            assert_eq!(certain_of(text, &vars).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_can_never_have_a_value_is_told() {
        let vars = json!({ "a": "x", "l": ["x"], "t": {} });
        for (text, expected) in [
            ("x {{ split stacks.s.id }}", "split: a list cannot stand in the middle of a text"),
            ("{{ stacks.s.id }} {{ vars.t }}", "vars.t: a table cannot stand in the middle of a text"),
            ("{{#if stacks.s.id}}{{ vars.l }}{{/if}}", "vars.l: a list cannot stand in the middle of a text"),
            ("{{ join stacks.s.id }}", "join: `join` needs a list"),
            ("{{ select stacks.s.id 0 }}", "select: `select` needs a list"),
            ("{{ select vars.l stacks.s.id }}", "select: `select` needs an index from zero upwards"),
            ("{{ lower (split stacks.s.id) }}", "lower: `lower` needs a text"),
            ("{{ split (eq stacks.s.id 1) }}", "split: `split` needs a text"),
            ("{{ subnet vars.a stacks.s.id 0 }}", "subnet: `subnet` needs whole numbers"),
            ("{{ stacks.s.id }}{{ upper vars.l }}", "upper: `upper` needs a text"),
        ] {
            assert_eq!(certain_of(text, &vars).unwrap_err(), expected, "{text}");
        }
    }
}
