//! What a text's value is, once the values of its paths are known.

use std::borrow::Cow;
use std::ops::Range;

use handlebars::JsonTruthy;
use serde_json::Value as Json;

use super::expression::{Part, Term};
use super::helper::{MAX_TEXT, plain};
use super::{Expression, Helper};

/// Why a text has no value although all its paths have one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluateError {
    /// The bytes of the text that are to blame.
    pub range: Range<usize>,
    /// One sentence, lower case at the start, without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl EvaluateError {
    /// A helper that cannot work with what it is given.
    pub(super) fn of_helper(range: Range<usize>, message: String, helper: Helper) -> Self {
        let more = match helper {
            Helper::Join | Helper::Select => "; an output is a text, of which (split PATH) makes a list",
            _ => "",
        };
        Self { range, message, help: format!("it is called as {}{more}", helper.usage()) }
    }
}

/// The error of a value that has no one way to be written in the middle of a text.
pub(super) fn in_text(range: Range<usize>, value: &Json) -> EvaluateError {
    let help = match value {
        Json::Object(_) => "go on to what is inside it, with a dot: PATH.KEY",
        _ => "make one text of it: join LIST [SEPARATOR]",
    };
    let message = format!("{} cannot stand in the middle of a text", sort(value));
    EvaluateError { range, message, help: help.to_owned() }
}

/// The value of an expression.
pub(super) fn evaluate(expression: &Expression, values: &[Json]) -> Result<Json, EvaluateError> {
    let evaluator = Evaluator { expression, values };
    if let [Part::Value(term)] = expression.parts.as_slice() {
        return evaluator.term(term).map(Cow::into_owned);
    }
    let mut text = String::new();
    evaluator.write(&expression.parts, &mut text)?;
    Ok(text.into())
}

struct Evaluator<'a> {
    expression: &'a Expression,
    values: &'a [Json],
}

impl<'a> Evaluator<'a> {
    fn write(&self, parts: &'a [Part], text: &mut String) -> Result<(), EvaluateError> {
        for part in parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Value(term) => {
                    let value = self.term(term)?;
                    let written = plain(&value).ok_or_else(|| in_text(self.expression.range(term), &value))?;
                    if text.len() + written.len() > MAX_TEXT {
                        let message = format!("the text grows beyond {MAX_TEXT} bytes here");
                        let help = "AWS takes far shorter ones: divide it into several values".to_owned();
                        return Err(EvaluateError { range: self.expression.range(term), message, help });
                    }
                    text.push_str(&written);
                }
                Part::If { condition, negated, then, otherwise } => {
                    let holds = self.term(condition)?.is_truthy(false) != *negated;
                    self.write(if holds { then } else { otherwise }, text)?;
                }
            }
        }
        Ok(())
    }

    fn term(&self, term: &'a Term) -> Result<Cow<'a, Json>, EvaluateError> {
        match term {
            Term::Reference(index) => Ok(Cow::Borrowed(&self.values[*index])),
            Term::Literal(value) => Ok(Cow::Borrowed(value)),
            Term::Call { helper, arguments, range } => {
                let arguments = arguments.iter().map(|argument| self.term(argument).map(Cow::into_owned));
                let value = helper.call(&arguments.collect::<Result<Vec<_>, _>>()?);
                value.map(Cow::Owned).map_err(|message| EvaluateError::of_helper(range.clone(), message, *helper))
            }
        }
    }
}

fn sort(value: &Json) -> &'static str {
    match value {
        Json::Array(_) => "a list",
        Json::Object(_) => "a table",
        _ => "nothing",
    }
}

#[cfg(test)]
mod tests {
    use handlebars::{Handlebars, no_escape};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value(text: &str, values: &[Json]) -> Json {
        Expression::parse(text).unwrap().evaluate(values).unwrap()
    }

    #[test]
    fn one_path_keeps_its_type_and_everything_else_is_text() {
        assert_eq!(value("{{ vars.a }}", &[json!(["x"])]), json!(["x"]));
        assert_eq!(value("{{ vars.a }}", &[json!(3)]), json!(3));
        assert_eq!(value("{{ vars.a }}!", &[json!(3)]), json!("3!"));
        assert_eq!(value("{{split vars.a}}", &[json!("x,y")]), json!(["x", "y"]));
        assert_eq!(value("{{join (split vars.a) '-'}}", &[json!("x,y")]), json!("x-y"));
    }

    #[test]
    fn nothing_is_escaped() {
        assert_eq!(value("a={{ vars.a }}", &[json!("<1&'2\"=")]), json!("a=<1&'2\"="));
    }

    #[test]
    fn conditions_choose_a_branch() {
        let text = "{{#if vars.a}}yes{{else if vars.b}}maybe{{else}}no{{/if}}";
        assert_eq!(value(text, &[json!(true), json!(true)]), json!("yes"));
        assert_eq!(value(text, &[json!(""), json!(true)]), json!("maybe"));
        assert_eq!(value(text, &[json!(false), json!(0)]), json!("no"));
        assert_eq!(value("{{#unless (eq vars.a 'x')}}other{{/unless}}", &[json!("y")]), json!("other"));
    }

    #[test]
    fn dynamic_references_pass_through() {
        for text in [
            "{{resolve:ssm:/a/b:1}}",
            "{{resolve:secretsmanager:arn:aws:x+y=@z:SecretString:p}}",
            "a{{resolve:ssm:b}}c",
        ] {
            assert_eq!(value(text, &[]), json!(text));
        }
        let text = "{{resolve:ssm:/{{ vars.a }}/b}} {{ vars.a }}";
        assert_eq!(value(text, &[json!("x"), json!("x")]), json!("{{resolve:ssm:/x/b}} x"));
    }

    #[test]
    fn a_list_in_the_middle_of_a_text_is_refused_at_its_path() {
        let text = "a {{ vars.list }}";
        let error = Expression::parse(text).unwrap().evaluate(&[json!([])]).unwrap_err();
        assert_eq!(
            (&text[error.range], error.message.as_str()),
            ("vars.list", "a list cannot stand in the middle of a text")
        );
    }

    #[test]
    fn a_helper_says_what_it_needs() {
        let text = "x{{ split vars.a }}";
        let error = Expression::parse(text).unwrap().evaluate(&[json!(1)]).unwrap_err();
        assert_eq!((&text[error.range], error.message.as_str()), ("split", "`split` needs a text"));
        assert_eq!(error.help, "it is called as split TEXT [SEPARATOR]");
    }

    /// Pieces of templates that are valid wherever they stand.
    fn template() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[ a-z\n<&]{0,6}",
            Just("\\{{ x }}".to_owned()),
            Just("{{ vars.a }}".to_owned()),
            Just("{{~ vars.b ~}}".to_owned()),
            Just("\n  {{vars.c}}\n".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(|parts| parts.concat()),
                (inner.clone(), inner.clone())
                    .prop_map(|(a, b)| format!("{{{{#if vars.a}}}}{a}{{{{else}}}}{b}{{{{/if}}}}")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!(
                    "\n{{{{#unless vars.b}}}}\n{a}{{{{else if vars.c}}}}{b}{{{{~/unless}}}}\n"
                )),
                (inner.clone(), inner)
                    .prop_map(|(a, b)| format!("{{{{#if vars.c ~}}}} {a} {{{{~else~}}}} {b} {{{{/if}}}}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_text_is_what_handlebars_writes(text in template(), a in "[a-z<]{0,2}", b in any::<bool>(), c in 0..3_u8) {
            let vars = json!({ "a": a, "b": b, "c": c });
            let mut handlebars = Handlebars::new();
            handlebars.set_strict_mode(true);
            handlebars.register_escape_fn(no_escape);
            let expected = handlebars.render_template(&text, &json!({ "vars": vars })).unwrap();
            let expression = Expression::parse(&text).unwrap();
            let values = expression.references().iter().map(|reference| vars[&*reference.path[1]].clone());
            let ours = expression.evaluate(&values.collect::<Vec<_>>()).unwrap();
            prop_assert_eq!(plain(&ours).unwrap(), expected);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "([{}#/~>*^&!()\\[\\]\"'\\\\ .@=|a]|if|else|unless|\\{\\{|\\}\\}|vars\\.a|é){0,24}") {
            drop(Expression::parse(&text));
        }
    }
}
