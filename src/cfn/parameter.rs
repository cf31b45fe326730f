//! Parameters: their declaration and the values they take.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>.

use std::ops::Range;
use std::sync::OnceLock;

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value as Json;

use super::node::{Map, Node, Value};

/// The longest value that CloudFormation takes for a parameter, in bytes.
pub const MAX_PARAMETER: usize = 4_096;

/// Parts of patterns that Java reads and Rust reads as something else, or may come to: classes within classes, sets of
/// letters less others, marks and bounds of words, sorts of blanks and line breaks, ends, quotations, and named classes.
/// Quantifiers that give nothing back (`a*+`) are none: Java matches less by them than Rust does, which refuses nothing.
const READ_OTHERWISE: [&str; 20] = [
    "[[", "&&", "--", "~~", "\\<", "\\>", "\\b", "\\B", "\\v", "\\V", "\\h", "\\H", "\\R", "\\X", "\\Z", "\\G", "\\Q",
    "\\N", "\\p", "\\P",
];

/// The flags that Java and Rust read alike. To Java, `U` and `u` are about letters beyond ASCII, and `d` about ends of
/// lines; blanks count otherwise after `x`.
const COMMON_FLAGS: &str = "ims-";

/// The largest pattern that is tried, in bytes once it is compiled: a match takes the product of it and the text.
const MAX_PATTERN: usize = 1024 * 1024;

/// A parameter as a template declares it.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub at: Range<usize>,
    /// `String`, `List<Number>`, `AWS::EC2::VPC::Id`, …
    pub type_name: String,
    /// The value it has when none is given, as text: a list's items are joined by commas.
    pub default: Option<String>,
    /// Whether the default is a decimal number without quotes: it may be another text to CloudFormation, which does not
    /// say how it writes `1.10`.
    pub is_default_decimal: bool,
    /// The only values it takes; empty for no such constraint.
    pub allowed_values: Vec<String>,
    /// Those of them that are decimal numbers without quotes.
    allowed_decimals: Vec<f64>,
    /// The (Java) regular expression that the whole value must match.
    pub allowed_pattern: Option<String>,
    /// The fewest characters of a `String`.
    pub min_length: Option<u64>,
    /// The most characters of a `String`.
    pub max_length: Option<u64>,
    /// The smallest `Number`.
    pub min_value: Option<f64>,
    /// The largest `Number`.
    pub max_value: Option<f64>,
    /// Whether CloudFormation shows `****` instead of the value.
    pub no_echo: bool,
    /// What it is for.
    pub description: Option<String>,
    /// What CloudFormation says when a constraint is not met.
    pub constraint_description: Option<String>,
    /// The pattern as it was compiled for the first value, if it can be: thousands of stacks may follow.
    compiled: OnceLock<Option<Regex>>,
}

/// The pattern for a whole value, unless Java and Rust may read it differently.
fn compile(pattern: &str) -> Option<Regex> {
    let is_flag = |c: char| c.is_ascii_alphabetic() || c == '-';
    let has_flags = |rest: &str| {
        let end = rest.find(|c| !is_flag(c)).unwrap_or(rest.len());
        rest[end..].starts_with([')', ':']) && rest[..end].contains(|c| !COMMON_FLAGS.contains(c))
    };
    if READ_OTHERWISE.iter().any(|part| pattern.contains(part)) || pattern.split("(?").skip(1).any(has_flags) {
        return None;
    }
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(MAX_PATTERN).build().ok()
}

/// Why a parameter does not take a value. The text is CloudFormation's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Not a number.
    #[error("Parameter '{name}' must be a number")]
    NotANumber {
        /// The parameter.
        name: String,
    },
    /// Not one of the allowed values.
    #[error("Parameter '{name}' must be one of AllowedValues: [{}]", .allowed.join(", "))]
    NotAllowed {
        /// The parameter.
        name: String,
        /// What is allowed.
        allowed: Vec<String>,
    },
    /// Does not match the pattern.
    #[error("Parameter {name} failed to satisfy constraint: {constraint}")]
    Pattern {
        /// The parameter.
        name: String,
        /// What the template says of it, or the pattern.
        constraint: String,
    },
    /// Too short or too long.
    #[error("Parameter '{name}' must contain at {} {bound} characters", if *.at_least { "least" } else { "most" })]
    Length {
        /// The parameter.
        name: String,
        /// Whether the value is too short (or else too long).
        at_least: bool,
        /// The bound.
        bound: u64,
    },
    /// Too small or too large.
    #[error("Parameter '{name}' must be a number not {} than {bound}", if *.at_least { "less" } else { "greater" })]
    Range {
        /// The parameter.
        name: String,
        /// Whether the value is too small (or else too large).
        at_least: bool,
        /// The bound.
        bound: f64,
    },
}

impl Refusal {
    /// Whether another text for the same number might be taken.
    pub(super) fn is_about_spelling(&self) -> bool {
        matches!(self, Self::NotAllowed { .. } | Self::Pattern { .. } | Self::Length { .. })
    }
}

impl Parameter {
    /// Reads a declaration. What is missing or of a wrong form reads as absent.
    pub(super) fn read(name: &str, at: Range<usize>, node: &Node) -> Self {
        let empty = Map::new();
        let map = node.as_map().unwrap_or(&empty);
        let text = |key: &str| map.get(key).and_then(|entry| entry.node.scalar());
        let number = |key: &str| text(key).and_then(|text| text.trim().parse().ok());
        let length = |key: &str| text(key).and_then(|text| text.trim().parse().ok());
        let allowed = map.get("AllowedValues").and_then(|entry| entry.node.as_list());
        Self {
            name: name.to_owned(),
            at,
            type_name: text("Type").unwrap_or_default(),
            default: map.get("Default").and_then(|entry| default(&entry.node)),
            is_default_decimal: map.get("Default").is_some_and(|entry| {
                entry
                    .node
                    .as_list()
                    .unwrap_or(std::slice::from_ref(&entry.node))
                    .iter()
                    .any(|node| decimal(node).is_some())
            }),
            allowed_values: allowed.into_iter().flatten().filter_map(Node::scalar).collect(),
            allowed_decimals: allowed.into_iter().flatten().filter_map(decimal).collect(),
            allowed_pattern: text("AllowedPattern"),
            min_length: length("MinLength"),
            max_length: length("MaxLength"),
            min_value: number("MinValue"),
            max_value: number("MaxValue"),
            no_echo: text("NoEcho").is_some_and(|text| text.eq_ignore_ascii_case("true")),
            description: text("Description"),
            constraint_description: text("ConstraintDescription"),
            compiled: OnceLock::new(),
        }
    }

    /// Whether its value is a list.
    pub fn is_list(&self) -> bool {
        let inner = self.ssm_type().unwrap_or(&self.type_name);
        inner == "CommaDelimitedList" || inner.starts_with("List<")
    }

    /// Whether its value names a parameter of Systems Manager, whose value CloudFormation reads by itself.
    pub fn is_ssm(&self) -> bool {
        self.ssm_type().is_some()
    }

    fn ssm_type(&self) -> Option<&str> {
        self.type_name.strip_prefix("AWS::SSM::Parameter::Value<")?.strip_suffix('>')
    }

    /// Whether its items are numbers.
    fn is_number(&self) -> bool {
        matches!(self.type_name.as_str(), "Number" | "List<Number>")
    }

    /// The value that `Ref` gives for a text: a list for list types, a text for all others.
    ///
    /// # Errors
    ///
    /// The first constraint that the text does not meet. A pattern that only Java understands is not held against it,
    /// and of an SSM type nothing is: its constraints apply to the key, its type to a value that is not here.
    pub fn accept(&self, text: &str) -> Result<Json, Refusal> {
        if self.is_list() && !self.is_ssm() {
            let items: Vec<&str> = text.split(',').map(str::trim).collect();
            let items: &[&str] = if text.trim().is_empty() { &[] } else { &items };
            let checked = items.iter().try_for_each(|item| self.check(item));
            // Whether an allowed value with a comma in it is one item or all of them, CloudFormation does not say.
            let is_allowed = self.allowed_values.iter().any(|allowed| allowed == text);
            checked.or_else(|refusal| match refusal {
                Refusal::NotAllowed { .. } if is_allowed => Ok(()),
                refusal => Err(refusal),
            })?;
            Ok(items.iter().map(|item| Json::from(*item)).collect())
        } else {
            self.check(text)?;
            Ok(Json::from(text))
        }
    }

    fn check(&self, text: &str) -> Result<(), Refusal> {
        let name = || self.name.clone();
        if self.is_number() {
            self.check_number(text)?;
        }
        // Whether `1.0` is the allowed number `1`, CloudFormation does not say.
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|_| self.is_number());
        let is_allowed =
            |allowed: &String| allowed == text || number(allowed).is_some_and(|it| number(text) == Some(it));
        // Nor how it writes the allowed number `1.10`, which a text may give in any way then.
        let is_decimal = || {
            let number = text.trim().parse::<f64>().ok();
            self.allowed_decimals.iter().any(|allowed| number.is_some_and(|it| it.total_cmp(allowed).is_eq()))
        };
        if !self.allowed_values.is_empty() && !self.allowed_values.iter().any(is_allowed) && !is_decimal() {
            return Err(Refusal::NotAllowed { name: name(), allowed: self.allowed_values.clone() });
        }
        if let Some(pattern) = &self.allowed_pattern
            && !self.is_number()
            && text.len() <= MAX_PARAMETER
            && self.compiled.get_or_init(|| compile(pattern)).as_ref().is_some_and(|regex| !regex.is_match(text))
        {
            let constraint =
                self.constraint_description.clone().unwrap_or_else(|| format!("must match pattern {pattern}"));
            return Err(Refusal::Pattern { name: name(), constraint });
        }
        // CloudFormation documents bounds of lengths for texts alone.
        if self.is_list() || self.is_number() {
            return Ok(());
        }
        // Whether a character beyond the basic plane is one or two, it does not say.
        let (least, most) = (text.chars().count() as u64, text.encode_utf16().count() as u64);
        match (self.min_length, self.max_length) {
            (Some(bound), _) if most < bound => Err(Refusal::Length { name: name(), at_least: true, bound }),
            (_, Some(bound)) if least > bound => Err(Refusal::Length { name: name(), at_least: false, bound }),
            _ => Ok(()),
        }
    }

    fn check_number(&self, text: &str) -> Result<(), Refusal> {
        let name = || self.name.clone();
        // Rust reads `inf` and `NaN` too, which are no numbers to CloudFormation.
        let Some(number) = text.trim().parse::<f64>().ok().filter(|number| number.is_finite()) else {
            if is_yaml_number(text.trim()) {
                return Ok(());
            }
            return Err(Refusal::NotANumber { name: name() });
        };
        match (self.min_value, self.max_value) {
            (Some(bound), _) if number < bound => Err(Refusal::Range { name: name(), at_least: true, bound }),
            (_, Some(bound)) if number > bound => Err(Refusal::Range { name: name(), at_least: false, bound }),
            _ => Ok(()),
        }
    }
}

/// Whether YAML 1.1 reads a number where Rust reads none: `0x10`, `1_000`, `1:30`. Whether CloudFormation does, it does
/// not say.
fn is_yaml_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    match digits.strip_prefix("0x") {
        Some(hexadecimal) => !hexadecimal.is_empty() && hexadecimal.chars().all(|c| c.is_ascii_hexdigit() || c == '_'),
        None => {
            digits.starts_with(|c: char| c.is_ascii_digit())
                && digits.chars().all(|c| c.is_ascii_digit() || "_:.".contains(c))
                && digits.matches('.').count() <= 1
        }
    }
}

/// The number, if it is a decimal one without quotes.
fn decimal(node: &Node) -> Option<f64> {
    match &node.value {
        Value::Number(number) if number.is_f64() => number.as_f64(),
        _ => None,
    }
}

/// A default as text. Defaults of list types may be written as lists.
fn default(node: &Node) -> Option<String> {
    match node.as_list() {
        Some(items) => Some(items.iter().filter_map(Node::scalar).collect::<Vec<_>>().join(",")),
        None => node.scalar(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(declaration: &str) -> Parameter {
        let (_, node) = super::super::tree(&format!("P: {declaration}")).unwrap();
        Parameter::read("P", 0..0, node.get("P").unwrap())
    }

    fn refused(declaration: &str, text: &str) -> String {
        parameter(declaration).accept(text).unwrap_err().to_string()
    }

    #[test]
    fn lists_are_split_and_trimmed() {
        assert_eq!(parameter("{Type: CommaDelimitedList}").accept("a, b,c").unwrap().to_string(), r#"["a","b","c"]"#);
        assert_eq!(parameter("{Type: List<AWS::EC2::Subnet::Id>}").accept("").unwrap().to_string(), "[]");
        assert_eq!(parameter("{Type: String}").accept("a, b").unwrap().to_string(), r#""a, b""#);
        assert_eq!(parameter("{Type: List<Number>, Default: [1, 2]}").default.as_deref(), Some("1,2"));
    }

    #[test]
    fn constraints_are_held() {
        insta::assert_snapshot!(refused("{Type: Number}", "x"), @"Parameter 'P' must be a number");
        insta::assert_snapshot!(refused("{Type: Number}", "NaN"), @"Parameter 'P' must be a number");
        insta::assert_snapshot!(refused("{Type: Number}", "-inf"), @"Parameter 'P' must be a number");
        insta::assert_snapshot!(refused("{Type: List<Number>}", "1,x"), @"Parameter 'P' must be a number");
        insta::assert_snapshot!(refused("{Type: String, AllowedValues: [a, 1]}", "b"), @"Parameter 'P' must be one of AllowedValues: [a, 1]");
        insta::assert_snapshot!(refused("{Type: CommaDelimitedList, AllowedValues: [a]}", "a,b"), @"Parameter 'P' must be one of AllowedValues: [a]");
        insta::assert_snapshot!(refused("{Type: String, AllowedPattern: '[a-z]+'}", "ab1"), @"Parameter P failed to satisfy constraint: must match pattern [a-z]+");
        insta::assert_snapshot!(refused("{Type: String, AllowedPattern: 'a|b', ConstraintDescription: a or b}", "ac"), @"Parameter P failed to satisfy constraint: a or b");
        insta::assert_snapshot!(refused("{Type: String, MinLength: 2}", "ä"), @"Parameter 'P' must contain at least 2 characters");
        insta::assert_snapshot!(refused("{Type: String, MaxLength: '2'}", "abc"), @"Parameter 'P' must contain at most 2 characters");
        insta::assert_snapshot!(refused("{Type: Number, MinValue: 2}", "1"), @"Parameter 'P' must be a number not less than 2");
        insta::assert_snapshot!(refused("{Type: Number, MaxValue: 2.5}", "3"), @"Parameter 'P' must be a number not greater than 2.5");
    }

    #[test]
    fn what_cloudformation_does_not_say_decides_nothing() {
        for (declaration, text) in [
            ("{Type: CommaDelimitedList, MinLength: 3}", "a,b"),
            ("{Type: Number, AllowedPattern: '[0-9]+'}", "-5"),
            ("{Type: Number}", "0x10"),
            ("{Type: Number}", "1_000"),
            ("{Type: String, AllowedPattern: '[[:alpha:]]*'}", "a:"),
            ("{Type: String, AllowedPattern: '[a-z&&[^b]]+'}", "b"),
            ("{Type: String, MinLength: 2}", "😀"),
            ("{Type: String, AllowedPattern: 'a\\vb'}", "a\nb"),
            ("{Type: String, AllowedPattern: 'a\\hb'}", "a b"),
            ("{Type: String, AllowedPattern: 'a\\Rb'}", "a\r\nb"),
            ("{Type: String, AllowedPattern: 'a\\Z'}", "a"),
            ("{Type: String, AllowedPattern: '\\Ga'}", "a"),
            ("{Type: String, AllowedPattern: '\\Qa.b\\E'}", "a.b"),
            ("{Type: String, AllowedPattern: '(?U)\\w'}", "é"),
            ("{Type: String, AllowedPattern: '(?iU:\\w)'}", "é"),
            ("{Type: String, AllowedPattern: '(?iu)É'}", "é"),
            ("{Type: String, AllowedPattern: '(?x)a b'}", "a b"),
            ("{Type: String, AllowedPattern: 'a*+b'}", "aab"),
            ("{Type: String, AllowedPattern: '\\p{javaLowerCase}'}", "é"),
            ("{Type: String, AllowedPattern: '\\p{Alpha}+'}", "ab"),
            ("{Type: String, AllowedPattern: '\\P{L}'}", "1"),
            ("{Type: String, AllowedPattern: 'a\\b.'}", "aé"),
        ] {
            assert!(parameter(declaration).accept(text).is_ok(), "{declaration} {text}");
        }
        assert!(parameter("{Type: Number}").accept("-x").is_err());
        for (pattern, text) in [("(?i)a|b", "c"), ("(?<x>a)", "b"), ("a{2}+", "b"), ("(?s-i:a)", "b")] {
            assert!(parameter(&format!("{{Type: String, AllowedPattern: '{pattern}'}}")).accept(text).is_err());
        }
        for text in ["10.0.0.0/8", "10.0.0.0", "2024-01-01", "0x", "1e", ""] {
            assert!(parameter("{Type: Number}").accept(text).is_err(), "{text}");
        }
    }

    #[test]
    fn how_a_decimal_number_without_quotes_is_written_decides_nothing() {
        let version = parameter("{Type: String, AllowedValues: [5.7, 8.0, 10.10, '1.20', 3]}");
        for taken in ["5.7", "5.70", "8.0", "8", "10.10", "10.1", "1.20", "3"] {
            assert!(version.accept(taken).is_ok(), "{taken}");
        }
        for refused in ["5.8", "1.2", "3.0", "", "x"] {
            assert!(version.accept(refused).is_err(), "{refused}");
        }
        assert!(parameter("{Type: String, Default: 1.10}").is_default_decimal);
        assert!(!parameter("{Type: String, Default: '1.10'}").is_default_decimal);
    }

    #[test]
    fn what_meets_the_constraints_is_taken() {
        let number = parameter("{Type: Number, MinValue: 1, MaxValue: 2, AllowedValues: [1, 2]}");
        assert_eq!(number.accept("2").unwrap(), "2");
        assert_eq!(number.accept("2.0").unwrap(), "2.0", "the same number");
        let text = parameter("{Type: String, AllowedPattern: '(?<!x)a', MinLength: 1, MaxLength: 1}");
        assert_eq!(text.accept("a").unwrap(), "a", "a pattern that only Java understands decides nothing");
    }

    #[test]
    fn ssm_types_name_a_key() {
        let list = parameter("{Type: AWS::SSM::Parameter::Value<List<String>>}");
        assert!(list.is_ssm() && list.is_list());
        assert_eq!(list.accept("/a,b").unwrap(), "/a,b");
    }
}
