//! The text of `Fn::Sub`: literal parts and `${…}`.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html>.

use std::ops::Range;

/// A part of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stands for itself.
    Literal(&'a str),
    /// `${Name}` or `${Resource.Attribute}`.
    Variable {
        /// What stands between the braces.
        name: &'a str,
        /// Where the name stands, in bytes of the text.
        at: Range<usize>,
    },
    /// `${!Name}`, which gives `${Name}`.
    Escaped(&'a str),
}

/// A `${…}` that CloudFormation refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons, not `{name}`"
)]
pub struct BadVariable {
    /// What stands between the braces.
    pub name: String,
}

/// Takes the text apart. A `${` that is never closed stands for itself.
///
/// # Errors
///
/// A name with characters that no reference can have, such as the shell's `${A:-b}`.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, BadVariable> {
    let mut pieces = Vec::new();
    let mut rest = 0;
    while let Some(start) = text[rest..].find("${").map(|offset| rest + offset) {
        let Some(end) = text[start..].find('}').map(|offset| start + offset) else { break };
        if start > rest {
            pieces.push(Piece::Literal(&text[rest..start]));
        }
        let inner = &text[start + 2..end];
        pieces.push(match inner.strip_prefix('!') {
            Some(literal) => Piece::Escaped(literal),
            None => variable(inner, start + 2)?,
        });
        rest = end + 1;
    }
    if rest < text.len() {
        pieces.push(Piece::Literal(&text[rest..]));
    }
    Ok(pieces)
}

fn variable(inner: &str, start: usize) -> Result<Piece<'_>, BadVariable> {
    let name = inner.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(BadVariable { name: inner.to_owned() });
    }
    let start = start + (inner.len() - inner.trim_start().len());
    Ok(Piece::Variable { name, at: start..start + name.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_variables_and_escapes_are_told_apart() {
        let text = "a-${B}${C.D.E}-${!F} ${ AWS::Region } $ {x} ${open";
        assert_eq!(
            pieces(text).unwrap(),
            [
                Piece::Literal("a-"),
                Piece::Variable { name: "B", at: 4..5 },
                Piece::Variable { name: "C.D.E", at: 8..13 },
                Piece::Literal("-"),
                Piece::Escaped("F"),
                Piece::Literal(" "),
                Piece::Variable { name: "AWS::Region", at: 24..35 },
                Piece::Literal(" $ {x} ${open"),
            ]
        );
    }

    #[test]
    fn names_of_the_shell_are_refused() {
        assert_eq!(pieces("${A:-b}").unwrap_err().name, "A:-b");
        assert!(pieces("${}").is_err());
    }
}
