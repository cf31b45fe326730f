//! Conditions of a statement: an operator, a key of the request, and the values that it is held against.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use serde_json::{Map, Value as Json};

use super::decide::{Keys, matches_arn};
use super::policy::{PolicyError, list, refused, texts};
use crate::cfn::matches_wildcards;

/// How a value of the request is held against one of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// They are the same.
    StringEquals,
    /// They are not.
    StringNotEquals,
    /// They are the same but for small and large letters.
    StringEqualsIgnoreCase,
    /// The policy's is a pattern that matches.
    StringLike,
    /// It does not match.
    StringNotLike,
    /// The same, part by part of an ARN.
    ArnLike,
    /// It does not.
    ArnNotLike,
    /// The truth is the same.
    Bool,
    /// Whether the request lacks the key.
    Null,
}

impl Operator {
    const ALL: [(&'static str, Self); 11] = [
        ("StringEquals", Self::StringEquals),
        ("StringNotEquals", Self::StringNotEquals),
        ("StringEqualsIgnoreCase", Self::StringEqualsIgnoreCase),
        ("StringLike", Self::StringLike),
        ("StringNotLike", Self::StringNotLike),
        ("ArnLike", Self::ArnLike),
        ("ArnNotLike", Self::ArnNotLike),
        ("Bool", Self::Bool),
        ("Null", Self::Null),
        // The two do the same, whatever they are called.
        ("ArnEquals", Self::ArnLike),
        ("ArnNotEquals", Self::ArnNotLike),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, operator)| *operator == self).map_or("", |(name, _)| name)
    }

    fn is_negated(self) -> bool {
        matches!(self, Self::StringNotEquals | Self::StringNotLike | Self::ArnNotLike)
    }

    /// Whether a value of the request goes with a value of the policy, as if nothing was negated.
    fn goes_with(self, pattern: &str, value: &str) -> bool {
        match self {
            Self::StringEquals | Self::StringNotEquals => pattern == value,
            Self::StringEqualsIgnoreCase | Self::Bool => pattern.eq_ignore_ascii_case(value),
            Self::StringLike | Self::StringNotLike => matches_wildcards(pattern, value),
            Self::ArnLike | Self::ArnNotLike => matches_arn(pattern, value),
            Self::Null => false,
        }
    }
}

/// How many of a request's values must go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// All, of which there may be none.
    ForAllValues,
    /// One.
    ForAnyValue,
}

/// An operator with what may stand around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// The operator.
    pub operator: Operator,
    /// How many values must go, of a key with several.
    pub quantifier: Option<Quantifier>,
    /// Whether it holds of a request that lacks the key.
    pub if_exists: bool,
}

impl Test {
    fn read(text: &str) -> Result<Self, PolicyError> {
        let (quantifier, rest) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some((other, _)) => {
                return Err(refused(&format!("there is no `{other}:`: there are ForAllValues: and ForAnyValue:")));
            }
            None => (None, text),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let found = Operator::ALL.iter().find(|(own, _)| *own == name).map(|(_, operator)| *operator);
        let operator = found.ok_or_else(|| {
            let known: Vec<&str> = Operator::ALL.iter().map(|(name, _)| *name).collect();
            refused(&format!("the operator `{name}` is not known here: {} are", known.join(", ")))
        })?;
        Ok(Self { operator, quantifier, if_exists })
    }

    fn name(self) -> String {
        let quantifier = match self.quantifier {
            Some(Quantifier::ForAllValues) => "ForAllValues:",
            Some(Quantifier::ForAnyValue) => "ForAnyValue:",
            None => "",
        };
        format!("{quantifier}{}{}", self.operator.name(), if self.if_exists { "IfExists" } else { "" })
    }
}

/// One condition. All of a statement's must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The operator.
    pub test: Test,
    /// The key of the request.
    pub key: String,
    /// The values, of which one must go; of a negated operator, none.
    pub values: Vec<String>,
}

impl Condition {
    /// A condition without anything around its operator.
    pub fn new(operator: Operator, key: &str, values: Vec<String>) -> Self {
        Self { test: Test { operator, quantifier: None, if_exists: false }, key: key.to_owned(), values }
    }

    pub(super) fn read_all(json: &Json) -> Result<Vec<Self>, PolicyError> {
        let by_operator = json.as_object().ok_or_else(|| refused("`Condition` is a JSON object"))?;
        let mut conditions = Vec::new();
        for (operator, keys) in by_operator {
            let test = Test::read(operator)?;
            let keys = keys.as_object().ok_or_else(|| refused(&format!("`{operator}` is a JSON object")))?;
            for (key, values) in keys {
                let has_several = key.eq_ignore_ascii_case("aws:TagKeys") && test.operator != Operator::Null;
                if has_several && test.quantifier.is_none() {
                    return Err(refused(
                        "`aws:TagKeys` has several values: write ForAllValues: or ForAnyValue: before the operator",
                    ));
                }
                let values = texts(values)?;
                if values.iter().any(|value| value.contains("${")) {
                    return Err(refused("variables (`${…}`) are not known here"));
                }
                conditions.push(Self { test, key: key.clone(), values });
            }
        }
        Ok(conditions)
    }

    pub(super) fn write_all(conditions: &[Self]) -> Json {
        let mut by_operator: Map<String, Json> = Map::new();
        for condition in conditions {
            let keys = by_operator.entry(condition.test.name()).or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(keys) = keys {
                keys.insert(condition.key.clone(), list(&condition.values));
            }
        }
        Json::Object(by_operator)
    }

    /// Whether it holds of a request.
    pub(super) fn holds(&self, keys: &Keys) -> bool {
        let Test { operator, quantifier, if_exists } = self.test;
        let found = keys.get(&self.key);
        if operator == Operator::Null {
            return self.values.iter().any(|value| value.eq_ignore_ascii_case("true") == found.is_empty());
        }
        if found.is_empty() {
            // Nothing is among nothing, and what is not there is not the same.
            return quantifier != Some(Quantifier::ForAnyValue)
                && (if_exists || operator.is_negated() || quantifier == Some(Quantifier::ForAllValues));
        }
        let goes = |value: &String| {
            let any = self.values.iter().any(|pattern| operator.goes_with(pattern, value));
            any != operator.is_negated()
        };
        match quantifier {
            Some(Quantifier::ForAnyValue) => found.iter().any(goes),
            // Without a quantifier a key has one value.
            Some(Quantifier::ForAllValues) | None => found.iter().all(goes),
        }
    }
}
