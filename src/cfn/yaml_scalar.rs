//! What a plain YAML scalar means. CloudFormation reads YAML 1.1, where `yes` and `off` are truth values.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>.

use std::borrow::Cow;

use serde_json::Number;

use super::node::Value;

/// The value of a plain scalar. Numbers in another base (`0755`, `0x1F`, `12:30`) and too long ones stay texts: every
/// property that could take one would take the text as well, and an account's id keeps its leading zeros.
pub(super) fn resolve(text: Cow<'_, str>) -> Value {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Value::Bool(false),
        other => match number(other) {
            Some(number) => Value::Number(number),
            None => Value::Text(text.into_owned()),
        },
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let padded = digits.len() > 1 && digits.starts_with('0');
        return if padded { None } else { text.parse::<i64>().ok().map(Number::from) };
    }
    let (whole, rest) = digits.split_once('.')?;
    let fraction = rest.split_once(['e', 'E']).map_or(rest, |(fraction, _)| fraction);
    let decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if decimal(whole) && decimal(fraction) { text.parse().ok().and_then(Number::from_f64) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        super::super::Node::new(0..0, resolve(text.into())).to_json().to_string()
    }

    #[test]
    fn plain_scalars_are_read_as_yaml_1_1_does() {
        for (text, value) in [
            ("", "null"),
            ("~", "null"),
            ("yes", "true"),
            ("Off", "false"),
            ("12", "12"),
            ("-3", "-3"),
            ("1.50", "1.5"),
            ("0", "0"),
            ("2010-09-09", r#""2010-09-09""#),
            ("1.2.3", r#""1.2.3""#),
            ("10.0.0.0/16", r#""10.0.0.0/16""#),
            ("012345678901", r#""012345678901""#),
            ("0x1F", r#""0x1F""#),
            ("12:30", r#""12:30""#),
            ("1e3", r#""1e3""#),
            ("99999999999999999999", r#""99999999999999999999""#),
            (".inf", r#"".inf""#),
        ] {
            assert_eq!(shown(text), value, "{text}");
        }
    }
}
