//! The templates that a template nests by their paths, as `aws cloudformation package` has them.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html>.

use std::ops::Range;

use super::document::Document;

/// The type of a nested stack.
pub const NESTED_STACK: &str = "AWS::CloudFormation::Stack";

/// A template that a nested stack names by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTemplate {
    /// The nested stack's name.
    pub resource: String,
    /// The path, as it is written.
    pub path: String,
    /// Where it is written.
    pub at: Range<usize>,
    /// Whether nothing else stands there: neither an escape, nor an anchor, nor a block of lines. Only then can another text
    /// be put in its place and leave the rest as it is.
    pub is_plain: bool,
}

impl Document {
    /// The templates that its nested stacks name by their paths, in the order of the text: a `TemplateURL` that is a text
    /// and no URL. `text` is what the document was read from.
    pub fn local_templates(&self, text: &str) -> Vec<LocalTemplate> {
        let nested = self.resources.values().filter(|resource| resource.type_name == NESTED_STACK);
        let mut found: Vec<LocalTemplate> = nested
            .filter_map(|resource| {
                let node = resource.properties.as_deref()?.get("TemplateURL")?;
                let path = node.as_text().filter(|text| !text.contains("://"))?;
                let start = node.at.start;
                let rest = text.get(start..).unwrap_or_default();
                // The place of a value may go on to what follows it.
                let forms = [path.to_owned(), format!("'{path}'"), format!("\"{path}\"")];
                let written = forms.iter().find(|form| !path.is_empty() && rest.starts_with(*form));
                let written = written.filter(|_| !is_block(text.get(..start).unwrap_or_default()));
                Some(LocalTemplate {
                    resource: resource.id.clone(),
                    path: path.to_owned(),
                    at: written.map_or_else(|| node.at.clone(), |written| start..start + written.len()),
                    is_plain: written.is_some(),
                })
            })
            .collect();
        found.sort_by_key(|local| local.at.start);
        found
    }
}

/// Whether what follows a text is a block of lines (`|`, `>-`), in which quotes would be quotes.
fn is_block(before: &str) -> bool {
    let header = before.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || "+-".contains(c));
    header.ends_with(['|', '>'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String, bool)> {
        let all = Document::read(text).unwrap().local_templates(text);
        all.into_iter().map(|local| (local.path, text[local.at].to_owned(), local.is_plain)).collect()
    }

    fn one(path: &str, written: &str, is_plain: bool) -> Vec<(String, String, bool)> {
        vec![(path.to_owned(), written.to_owned(), is_plain)]
    }

    #[test]
    fn a_path_is_found_with_its_place_however_it_is_quoted() {
        for written in ["./a.yaml", "'a b.yaml'", "\"sub/a.yaml\""] {
            let yaml = format!(
                "Resources:\n  Ä:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: {written} # here\n"
            );
            assert_eq!(found(&yaml), one(written.trim_matches(['"', '\'']), written, true), "{written}");
        }
        let flow = "Resources: {A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: a.yaml, Tags: []}}}\n";
        assert_eq!(found(flow), one("a.yaml", "a.yaml", true));
        let json =
            r#"{"Resources": {"A": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "a.json"}}}}"#;
        assert_eq!(found(json), one("a.json", "\"a.json\"", true));
    }

    #[test]
    fn what_cannot_be_replaced_where_it_stands_is_told_apart() {
        let json = r#"{"Resources": {"A": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "a\u002ejson"}}}}"#;
        assert_eq!(found(json), one("a.json", "\"a\\u002ejson\"", false));
        let block = "Resources:\n  A:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: >-\n        a.yaml\n";
        assert!(!found(block)[0].2, "{:?}", found(block));
    }

    #[test]
    fn urls_functions_and_other_types_are_none() {
        for properties in
            ["TemplateURL: https://x/a.yaml", "TemplateURL: !Sub '${A}.yaml'", "TemplateURL: !Ref A", "Other: a.yaml"]
        {
            let yaml = format!("Resources:\n  A: {{Type: AWS::CloudFormation::Stack, Properties: {{{properties}}}}}\n");
            assert_eq!(found(&yaml), [], "{properties}");
        }
        assert_eq!(found("Resources: {A: {Type: Own::Kind::Of, Properties: {TemplateURL: a.yaml}}}\n"), []);
    }
}
