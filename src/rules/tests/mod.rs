//! Every rule's examples do what the rule says, to the letter.

mod case;
mod cases;
mod drafts;
mod hostile;

use std::path::Path;

use super::example::{Example, PLAN};
use super::*;
use crate::diag::Severity;
use crate::plan::{Given, load};

/// Everything that is found in an example, each as its code, its file and the text it points at.
fn found(example: &Example) -> Vec<(String, String, String)> {
    let (problems, sources) = problems(example);
    let told = |problem: &Problem| {
        let path = sources.get(problem.at.span.file).path.display().to_string();
        (problem.code.to_string(), path, format!("{:?}", problem.at.span.range))
    };
    problems.iter().map(told).collect()
}

fn problems(example: &Example) -> (Vec<Problem>, Sources) {
    let loaded = load(Path::new(PLAN), &example.files, &Given { vars: &[], env: &|_| None });
    let mut problems = loaded.problems.clone();
    if let Some(plan) = loaded.readable() {
        problems.extend(check(plan, &loaded.sources).problems);
        in_order(&mut problems);
    }
    (problems, loaded.sources)
}

#[test]
fn the_wrong_example_breaks_its_rule_at_the_marked_place_and_no_other_rule() {
    let mut wrong = Vec::new();
    for rule in ALL {
        // Its example would be 51,200 bytes long; it has a test of its own.
        if rule.name == "template-too-large" {
            continue;
        }
        // Only AWS can say what is wrong there: `remote::tests` does in its place.
        if remote::ASK.contains(&rule.code) {
            continue;
        }
        let example = Example::read(rule.wrong);
        let Some((path, range)) = example.marked.clone() else {
            wrong.push(format!("{}: nothing is marked", rule.name));
            continue;
        };
        let expected = (rule.code.to_string(), path.display().to_string(), format!("{range:?}"));
        let found = found(&example);
        if found != [expected.clone()] {
            wrong.push(format!("{} {}:\n  expected {expected:?}\n  found    {found:?}", rule.code, rule.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_right_example_breaks_nothing() {
    for rule in ALL.iter().filter(|rule| !rule.right.is_empty()) {
        let (problems, _) = problems(&Example::read(rule.right));
        assert!(problems.is_empty(), "{}: {problems:#?}", rule.name);
    }
}

#[test]
fn what_is_found_is_as_bad_as_the_rule_says_and_has_a_remedy() {
    for rule in ALL.iter().filter(|rule| !rule.wrong.is_empty()) {
        let (problems, _) = problems(&Example::read(rule.wrong));
        for problem in problems {
            assert_eq!(problem.severity, rule.severity, "{}", rule.name);
            assert!(!problem.help.is_empty(), "{} says nothing about what to do: {problem:?}", rule.name);
        }
    }
}

#[test]
fn every_rule_has_a_number_and_a_name_of_its_own_and_they_are_in_order() {
    let numbers: Vec<u16> = ALL.iter().map(|rule| rule.code.0).collect();
    assert!(numbers.is_sorted_by(|one, other| one < other), "{numbers:?}");
    let mut names: Vec<&str> = ALL.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
    for rule in ALL {
        assert!(!rule.summary.ends_with('.') && !rule.explanation.is_empty(), "{}", rule.name);
        assert!(rule.explanation.ends_with(['.', '>']), "{}: {}", rule.name, rule.explanation);
    }
    assert!(ALL.iter().any(|rule| rule.severity == Severity::Hint));
}

#[test]
fn a_template_that_no_request_holds_is_reported_where_the_plan_names_it() {
    let mut example = Example::read(templates::not_a_template::RULE.right);
    let template = example.files.0.get_mut(Path::new("topic.yaml")).unwrap();
    template.push_str(&"# filler\n".repeat(51_200 / 9 + 1));
    let (problems, sources) = problems(&example);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].code, templates::too_large::RULE.code);
    assert_eq!(sources.slice(&problems[0].at.span), "\"topic.yaml\"");
    assert!(problems[0].message.contains("51200 at most"), "{}", problems[0].message);
}

#[test]
fn an_excuse_needs_a_number_and_a_reason() {
    let allowing = |allow: &str| {
        let text = network::double_table::RULE.wrong.replace("via ", &format!("allow = {{ {allow} }}\nvia "));
        found(&Example::read(&text)).into_iter().map(|found| found.0).collect::<Vec<_>>()
    };
    assert_eq!(allowing("ORCH065 = \"that is how it was\""), [""; 0]);
    assert_eq!(allowing("ORCH065 = \" \""), ["ORCH008"]);
    assert_eq!(allowing("ORCH065 = true"), ["ORCH007"]);
    assert_eq!(allowing("double-table = \"x\""), ["ORCH065", "ORCH008"]);
    assert_eq!(allowing("ORCH061 = \"of another rule\""), ["ORCH065", "ORCH030"]);
}

#[test]
fn instances_in_the_same_trouble_are_told_once() {
    let text = templates::unknown_parameter::RULE
        .wrong
        .replace("account    =", "for_each = [\"a\", \"b\", \"c\"]\naccount    =");
    let (problems, _) = problems(&Example::read(&text));
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].help.iter().any(|help| help.contains("`stacks.hub[b]`, `stacks.hub[c]`")), "{problems:#?}");
}

/// What a plan of two stacks says when nothing is wrong with it: `more` are lines of the plan, `resources` of the first
/// stack's template.
fn silent(first: &str, second: &str, more: &str) {
    let text = format!(
        "--- plan.toml\nname = \"network\"\nregion = \"us-east-1\"\n[accounts]\nmaster = {{ id = \"111111111111\" }}\n\
         [stacks.one]\naccount = \"master\"\ntemplate = \"one.yaml\"\ncapabilities = [\"CAPABILITY_NAMED_IAM\"]\n\
         [stacks.two]\naccount = \"master\"\ntemplate = \"two.yaml\"\n{more}\n\
         --- one.yaml\n{first}\n--- two.yaml\n{second}\n"
    );
    let (problems, _) = problems(&Example::read(&text));
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn a_name_that_a_template_chooses_is_not_taken_for_an_id() {
    silent(
        "Resources: {Role: {Type: 'AWS::IAM::Role', Properties: {RoleName: admin, AssumeRolePolicyDocument: {}}}}\n\
         Outputs: {Role: {Value: !Ref Role}}",
        "Parameters: {Role: {Type: String}, Size: {Type: String, AllowedValues: [large]}}\n\
         Conditions: {IsAdmin: !Equals [!Ref Role, admin]}\n\
         Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n\
         Outputs: {Name: {Value: !Ref Topic, Condition: IsAdmin}}",
        "parameters = { Role = \"{{ stacks.one.outputs.Role }}\", \
         Size = '{{#if (eq stacks.one.outputs.Role \"admin\")}}large{{else}}other{{/if}}' }\n\
         [stacks.three]\naccount = \"master\"\ntemplate = \"one.yaml\"\ncapabilities = [\"CAPABILITY_NAMED_IAM\"]\n\
         tags = { Name = \"{{ stacks.two.outputs.Name }}\" }",
    );
}

#[test]
fn what_looks_at_the_letters_of_an_id_is_unknown() {
    let vpc = "Resources: {VPC: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}}\n\
               Outputs: {VPCId: {Value: !Ref VPC}}";
    silent(
        vpc,
        "Parameters: {Vpc: {Type: String}, Kind: {Type: String, AllowedValues: [vpc]}}\n\
         Conditions:\n  IsVpc: !Equals [!Select [0, !Split ['-', !Ref Vpc]], vpc]\n  \
         IsEncoded: !Equals [!Base64 {Ref: Vpc}, 'dnBj']\n\
         Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n\
         Outputs: {A: {Value: x, Condition: IsVpc}, B: {Value: x, Condition: IsEncoded}}",
        "parameters = { Vpc = \"{{ stacks.one.outputs.VPCId }}\", \
         Kind = '{{ select (split stacks.one.outputs.VPCId \"-\") 0 }}' }\n\
         [stacks.three]\naccount = \"master\"\ntemplate = \"one.yaml\"\n\
         tags = { A = \"{{ stacks.two.outputs.A }}{{ stacks.two.outputs.B }}\" }",
    );
}

#[test]
fn ranges_that_another_stack_adds_count() {
    let example = network::foreign_range::RULE.right.replace("\"10.0.0.0/20\"\nvia", "\"100.64.0.0/20\"\nvia");
    let more = "[stacks.more]\naccount = \"master\"\ntemplate = \"more.yaml\"\n\
                parameters = { Vpc = \"{{ stacks.hub.outputs.VPCId }}\" }\n--- vpc.yaml";
    let template = "--- more.yaml\nParameters: {Vpc: {Type: 'AWS::EC2::VPC::Id'}}\nResources:\n  \
                    More: {Type: 'AWS::EC2::VPCCidrBlock', Properties: {VpcId: !Ref Vpc, CidrBlock: 100.64.0.0/20}}\n";
    assert_eq!(found(&Example::read(&example))[0].0, "ORCH062", "the control: without the other stack it is foreign");
    let with_more = format!("{}{template}", example.replace("--- vpc.yaml", more));
    assert_eq!(found(&Example::read(&with_more)), []);
}

#[test]
fn modules_versions_and_circles_that_conditions_break_are_no_faults() {
    silent(
        "Conditions: {C: !Equals [!Ref 'AWS::Region', us-east-1]}\n\
         Resources:\n  \
         Thing: {Type: 'Custom::Thing', Version: '1.0', Properties: {ServiceToken: arn}}\n  \
         Topic: {Type: 'AWS::SNS::Topic', Description: for people, Properties: {DisplayName: !If [C, !GetAtt Queue.Arn, x]}}\n  \
         Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !If [C, x, !GetAtt Topic.TopicName]}}",
        "Resources:\n  Net: {Type: 'My::Own::Net::MODULE'}\n  \
         Topic: {Type: 'AWS::SNS::Topic', Properties: {DisplayName: !Ref Net.Bucket, TopicName: !Ref NetBucket}}",
        "",
    );
}

#[test]
fn a_template_that_ten_thousand_stacks_use_is_read_and_parsed_once() {
    use std::cell::Cell;
    use std::io;

    use crate::plan::samples::Disk;

    struct Counted(Disk, Cell<usize>);

    impl crate::plan::Files for Counted {
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            self.1.set(self.1.get() + usize::from(path == Path::new("hub.yaml")));
            self.0.read(path)
        }
    }

    let keys: Vec<_> = (0..10_000).map(|key| format!("\"k{key}\"")).collect();
    let text = templates::refused_value::RULE
        .right
        .replace("account    =", &format!("for_each   = [{}]\naccount    =", keys.join(", ")));
    let files = Counted(Example::read(&text).files, Cell::new(0));
    let loaded = load(Path::new(PLAN), &files, &Given { vars: &[], env: &|_| None });
    let plan = loaded.plan.unwrap();
    assert_eq!((plan.nodes.len(), files.1.get()), (10_000, 1));
    let mut report = Report::default();
    let documents = documents::read(&plan, &loaded.sources, &mut report);
    let parsed: Vec<_> = documents.values().map(|used| used.nodes.len()).collect();
    assert_eq!(parsed, [10_000], "one document for all of them");
}
