//! Where the secrets of a stack may be seen in its resources.

use std::collections::BTreeSet;

use super::Wanted;
use super::compare::HIDDEN;
use crate::aws::Stack;
use crate::cfn::{Document, Node, Target, references};
use crate::secret;

/// Where secrets are kept that dynamic references name.
const KEPT: [&str; 2] = ["secretsmanager", "ssm-secure"];

/// Where values may be seen that a template keeps to itself: those of hidden parameters, and what it takes from Secrets
/// Manager or from a secure parameter of Systems Manager, by itself, by a parameter or by a mapping. CloudFormation does
/// not say that it hides them in what it tells of drift.
///
/// Ids are not followed: CloudFormation itself shows them everywhere, and warns of secrets in them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    /// Nowhere: there are none.
    None,
    /// In these properties: the resource's name in the template, and the property.
    In(BTreeSet<(String, String)>),
    /// The template cannot be followed: they may be anywhere.
    Anywhere,
}

impl Secrets {
    /// Those of a stack, by the template that it was made of.
    pub(super) fn of(stack: &Stack, template: &str) -> Self {
        Self::within(template, &live(stack))
    }

    /// The same where the plan says of some parameters that they are secret.
    pub(super) fn of_marked(stack: &Stack, template: &str, sensitive: &BTreeSet<String>) -> Self {
        Self::within(template, &live(stack).into_iter().chain(sensitive.iter().map(String::as_str)).collect())
    }

    /// Those of what a stack is to become: a value that it keeps may be a secret as well as one that it is given.
    pub(super) fn wanted(stack: &Stack, wanted: &Wanted) -> Self {
        let Ok(document) = Document::shared(&wanted.template) else { return Self::Anywhere };
        let given = wanted.parameters.iter().filter(|(_, value)| is_secure(value)).map(|(name, _)| name.as_str());
        let declared = document.parameters.iter().filter(|(_, parameter)| parameter.no_echo);
        let declared = declared.map(|(name, _)| name.as_str()).chain(wanted.sensitive.iter().map(String::as_str));
        Self::within(&wanted.template, &live(stack).into_iter().chain(given).chain(declared).collect())
    }

    /// Those in a template, of whose parameters these are secret whatever it declares.
    fn within(template: &str, secret: &BTreeSet<&str>) -> Self {
        if secret.is_empty() && !is_secure(template) {
            return Self::None;
        }
        let Some(document) = Document::shared(template).ok().filter(|document| !document.has_macros) else {
            return Self::Anywhere;
        };
        Self::In(Reach::follow(&document, secret).1)
    }

    /// Whether a secret may be seen in any property of a resource.
    pub(super) fn touch(&self, resource: &str) -> bool {
        match self {
            Self::None => false,
            Self::In(found) => found.iter().any(|(touched, _)| touched == resource),
            Self::Anywhere => true,
        }
    }

    /// Whether a secret may be seen in a property.
    pub(super) fn reach(&self, resource: &str, property: &str) -> bool {
        match self {
            Self::None => false,
            Self::In(found) => found.contains(&(resource.to_owned(), property.to_owned())),
            Self::Anywhere => true,
        }
    }
}

/// Where secrets come from in a template, for whatever refers to it.
struct Reach<'a> {
    /// Parameters.
    hidden: BTreeSet<&'a str>,
    /// Mappings.
    mappings: BTreeSet<&'a str>,
    /// Resources that were given a secret: an attribute of one may tell it.
    telling: BTreeSet<&'a str>,
}

impl<'a> Reach<'a> {
    /// Follows the values of some parameters, and what the template takes from where secrets are kept: with the properties that
    /// they reach.
    fn follow(document: &'a Document, secret: &BTreeSet<&'a str>) -> (Self, BTreeSet<(String, String)>) {
        let defaults =
            document.parameters.values().filter(|parameter| parameter.default.as_deref().is_some_and(is_secure));
        let hidden = secret.iter().copied().chain(defaults.map(|parameter| parameter.name.as_str())).collect();
        let mappings = document.mappings.iter().filter(|(_, mapping)| takes_a_secret(mapping));
        let mappings = mappings.map(|(name, _)| name.as_str()).collect();
        let mut reach = Self { hidden, mappings, telling: BTreeSet::new() };
        loop {
            let mut found = BTreeSet::new();
            for resource in document.resources.values() {
                let properties = resource.properties.as_deref().and_then(Node::as_map).into_iter().flatten();
                let reached = properties.filter(|(_, entry)| reach.reaches(&entry.node));
                found.extend(reached.map(|(name, _)| (resource.id.clone(), name.to_owned())));
            }
            let before = reach.telling.len();
            let ids: BTreeSet<&String> = found.iter().map(|(id, _)| id).collect();
            reach.telling.extend(document.resources.keys().filter(|id| ids.contains(id)).map(String::as_str));
            if reach.telling.len() == before {
                return (reach, found);
            }
        }
    }

    /// Whether a value may hold a secret.
    fn reaches(&self, node: &Node) -> bool {
        self.reaches_by(node, &|_, _| true)
    }

    /// The same where not every attribute of a resource that was given a secret may tell it, but those that `gives` says.
    fn reaches_by(&self, node: &Node, gives: &dyn Fn(&str, &str) -> bool) -> bool {
        let reached = references(node, &|_| None).into_iter().any(|found| match found.target {
            Target::Name(name) => self.hidden.contains(name),
            Target::Attribute { resource, attribute } => {
                self.telling.contains(resource) && attribute.is_none_or(|attribute| gives(resource, attribute))
            }
            Target::Mapping(name) => self.mappings.contains(name),
            // A condition over a secret tells it to whoever sees which way it went.
            Target::Condition(_) => false,
        });
        reached || takes_a_secret(node)
    }
}

/// The outputs of a template that may tell a secret: what it hides itself, or one of some parameters. CloudFormation hides no
/// output. What macros make of a template is not known; it is followed as it is written.
pub fn telling_outputs<'a>(template: &str, sensitive: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let sensitive: BTreeSet<&str> = sensitive.collect();
    // Most templates hide nothing, and those of a fleet are many.
    if sensitive.is_empty() && !template.contains("NoEcho") && !is_secure(template) {
        return BTreeSet::new();
    }
    let Ok(document) = Document::shared(template) else { return BTreeSet::new() };
    let declared = document.parameters.values().filter(|parameter| parameter.no_echo);
    let secret = declared.map(|parameter| parameter.name.as_str());
    let (reach, found) = Reach::follow(&document, &secret.chain(sensitive.iter().copied()).collect());
    // To hide the range of a VPC because a tag of it is a secret would help nobody.
    let gives = |resource: &str, attribute: &str| {
        let kind = document.resources.get(resource).map_or("", |resource| resource.type_name.as_str());
        let makes_any = kind.starts_with("Custom::") || kind.starts_with("AWS::CloudFormation::");
        makes_any || found.contains(&(resource.to_owned(), attribute.to_owned()))
    };
    let tells = |value: &Node| reach.reaches_by(value, &gives);
    let telling = document.outputs.values().filter(|output| output.value.as_deref().is_some_and(tells));
    telling.map(|output| output.name.clone()).collect()
}

/// Lets the values of those parameters be shown nowhere that a template hides, its own defaults too.
pub fn keep_hidden<'a>(template: &str, given: impl Iterator<Item = (&'a str, &'a str)>) {
    if !template.contains("NoEcho") {
        return;
    }
    let Ok(document) = Document::shared(template) else { return };
    let is_hidden = |name: &str| document.parameters.get(name).is_some_and(|parameter| parameter.no_echo);
    given.filter(|(name, _)| is_hidden(name)).for_each(|(_, value)| secret::keep(value));
    let hidden = document.parameters.values().filter(|parameter| parameter.no_echo);
    hidden.filter_map(|parameter| parameter.default.as_deref()).for_each(secret::keep);
}

/// The same of those that a stack has already: a change set tells what they were.
pub(super) fn keep_live(wanted: &Wanted, stack: &Stack) {
    let live = || stack.parameters.iter().filter(|(_, live)| live.value != HIDDEN);
    live().filter(|(name, _)| wanted.sensitive.contains(*name)).for_each(|(_, live)| secret::keep(&live.value));
    keep_hidden(&wanted.template, live().map(|(name, live)| (name.as_str(), live.value.as_str())));
}

/// The parameters of a stack whose values are secret.
fn live(stack: &Stack) -> BTreeSet<&str> {
    let secret = stack.parameters.iter().filter(|(_, parameter)| {
        parameter.value == HIDDEN || is_secure(&parameter.value) || parameter.resolved.as_deref().is_some_and(is_secure)
    });
    secret.map(|(name, _)| name.as_str()).collect()
}

/// Whether a value takes something from where secrets are kept.
fn takes_a_secret(node: &Node) -> bool {
    is_secure(&node.to_json().to_string())
}

/// Whether a text has a dynamic reference to what is kept secret elsewhere, or may have one once functions have put its
/// pieces together: only one that names a plain parameter of Systems Manager is certainly none.
fn is_secure(text: &str) -> bool {
    text.split("{{resolve").skip(1).any(|rest| !rest.starts_with(":ssm:"))
        || (text.contains("{{") && KEPT.iter().any(|place| text.contains(place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hidden_parameter_feeds_is_found_through_attributes_too() {
        let template = "
Parameters: {Secret: {Type: String, NoEcho: true}, Open: {Type: String}}
Resources:
  Kept: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Sub 'x-${Secret}'}}
  Shown: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Open, Tags: [{Key: a, Value: !GetAtt Kept.Value}]}}
  Named: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Open, Tags: [{Key: a, Value: !Ref Kept}]}}
";
        let secrets = Secrets::within(template, &["Secret"].into());
        let reached = |resource, property| secrets.reach(resource, property);
        assert!(reached("Kept", "Value") && reached("Shown", "Tags"));
        assert!(!reached("Kept", "Type") && !reached("Shown", "CidrBlock") && !reached("Named", "Tags"));
        assert_eq!(Secrets::within("Transform: My::Macro\nResources: {}", &["Secret"].into()), Secrets::Anywhere);
        assert_eq!(Secrets::within("{", &["Secret"].into()), Secrets::Anywhere);
        assert_eq!(Secrets::within(template, &BTreeSet::new()), Secrets::None);
    }

    #[test]
    fn an_output_that_tells_a_secret_is_known_as_such() {
        let template = "
Parameters: {Secret: {Type: String, NoEcho: true}, Open: {Type: String}, Other: {Type: String}}
Resources:
  Kept: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Sub 'x-${Secret}'}}
Outputs:
  Told: {Value: !Sub 'pw=${Secret}'}
  ByResource: {Value: !GetAtt Kept.Value}
  ByReference: {Value: '{{resolve:ssm-secure:a}}'}
  Open: {Value: !Ref Open}
  Other: {Value: !Ref Other}
  Name: {Value: !Ref Kept}
  Type: {Value: !GetAtt Kept.Type}
";
        let telling = |sensitive: &[&str]| telling_outputs(template, sensitive.iter().copied());
        assert_eq!(Vec::from_iter(telling(&[])), ["ByReference", "ByResource", "Told"]);
        assert_eq!(Vec::from_iter(telling(&["Other"])), ["ByReference", "ByResource", "Other", "Told"]);
        assert!(telling_outputs("Outputs: {A: {Value: b}}", std::iter::empty()).is_empty());
    }

    #[test]
    fn what_is_kept_secret_elsewhere_is_hidden_too() {
        let template = "
Resources:
  Base: {Type: 'AWS::RDS::DBInstance', Properties: {MasterUsername: admin, MasterUserPassword: '{{resolve:secretsmanager:base:SecretString}}'}}
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: '{{resolve:ssm:range}}', Tags: [{Key: a, Value: !Sub '{{resolve:ssm-secure:${AWS::Region}}}'}]}}
";
        let secrets = Secrets::within(template, &BTreeSet::new());
        let reached = |resource, property| secrets.reach(resource, property);
        assert!(reached("Base", "MasterUserPassword") && reached("Vpc", "Tags"));
        assert!(!reached("Base", "MasterUsername") && !reached("Vpc", "CidrBlock"));
    }

    #[test]
    fn a_secret_that_comes_by_a_parameter_a_mapping_or_in_pieces_is_hidden_too() {
        use super::super::decide::tests::{OURS, stack, wanted};
        let template = "
Parameters: {Given: {Type: String}, Usual: {Type: String, Default: '{{resolve:ssm-secure:usual:1}}'}, Open: {Type: String}}
Mappings: {Dark: {a: {b: '{{resolve:secretsmanager:dark}}'}}, Light: {a: {b: '{{resolve:ssm:light}}'}}}
Resources:
  A:
    Type: AWS::Lambda::Function
    Properties:
      Environment: {Variables: {PW: !Ref Given}}
      Description: !Ref Usual
      Handler: !FindInMap [Dark, a, b]
      Role: !Join [':', ['{{resolve:secretsmanager', 'db:SecretString}}']]
      Layers: [!Join ['', ['{{', 'resolve:ssm-secure:a}}']]]
      Runtime: !Sub '{{resolve:${Open}:a}}'
      MemorySize: !FindInMap [Light, a, b]
      Timeout: !Ref Open
";
        let hidden = |secrets: &Secrets| {
            let all = ["Environment", "Description", "Handler", "Role", "Layers", "Runtime", "MemorySize", "Timeout"];
            all.map(|property| secrets.reach("A", property))
        };
        let secret = "{{resolve:secretsmanager:db:SecretString:password}}";
        let mut made = stack("CREATE_COMPLETE", &OURS);
        made.parameters.clear();
        let open = [false, true, true, true, true, true, false, false];
        assert_eq!(hidden(&Secrets::of(&made, template)), open);
        let mut asked = wanted(template);
        asked.parameters.clear();
        assert_eq!(hidden(&Secrets::wanted(&made, &asked)), open);
        asked.parameters.insert("Given".to_owned(), secret.to_owned());
        assert_eq!(hidden(&Secrets::wanted(&made, &asked)), [true, true, true, true, true, true, false, false]);
        // A value that is kept is the live one.
        asked.parameters.clear();
        made.parameters.insert("Given".to_owned(), crate::aws::Parameter { value: secret.to_owned(), resolved: None });
        let all = [true, true, true, true, true, true, false, false];
        assert_eq!([hidden(&Secrets::of(&made, template)), hidden(&Secrets::wanted(&made, &asked))], [all, all]);
    }
}
