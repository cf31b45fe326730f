//! Whether macros have a hand in a template.

use crate::cfn::Document;

/// Whether a template needs macros, which only CloudFormation runs. `AWS::LanguageExtensions` alone, without its loops, adds
/// functions and no resources.
pub fn needs_macros(template: &str) -> bool {
    let Ok(document) = Document::shared(template) else { return false };
    let others = document.transforms.iter().any(|name| name != "AWS::LanguageExtensions");
    let called = ["Fn::Transform", "Fn::ForEach"].iter().any(|name| template.contains(name));
    others || (document.has_macros && (called || document.transforms.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_more_are_no_macros_and_loops_are() {
        for (template, expected) in [
            ("Resources: {}", false),
            ("Transform: AWS::LanguageExtensions\nResources: {}", false),
            ("Transform: AWS::Serverless-2016-10-31\nResources: {}", true),
            ("Transform: [AWS::LanguageExtensions, Mine]\nResources: {}", true),
            ("Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::X': [A, [b], {}]}", true),
            ("Resources: {A: {Type: 'A::B::C', Properties: {'Fn::Transform': {Name: Mine}}}}", true),
            ("Resources: [", false),
        ] {
            assert_eq!(needs_macros(template), expected, "{template}");
        }
    }
}
