//! Designs that mean harm: bounded work, and no stack that grows with the plan.

use std::fmt::Write as _;

use super::*;

/// The problems of `stacks` stacks in a row, each with a parameter that is the output of the one before.
fn row(stacks: usize, template: &str) -> Vec<Problem> {
    let mut text = String::from(
        "--- plan.toml\nname = \"row\"\nregion = \"us-east-1\"\n[accounts]\nmaster = { id = \"111111111111\" }\n\
         [stacks.s0]\naccount = \"master\"\ntemplate = \"t.yaml\"\nparameters = { P = \"xx\" }\n",
    );
    for stack in 1..stacks {
        let _ = write!(
            text,
            "[stacks.s{stack}]\naccount = \"master\"\ntemplate = \"t.yaml\"\nparameters = {{ P = \"{{{{ stacks.s{}.outputs.O }}}}\" }}\n",
            stack - 1
        );
    }
    problems(&Example::read(&format!("{text}--- t.yaml\n{template}\n"))).0
}

/// Runs a test on a stack a quarter of what the system gives to a thread.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 * 1024).spawn(test).unwrap().join().unwrap();
}

#[test]
fn ten_thousand_stacks_in_a_row_are_worked_out_one_after_the_other() {
    on_a_small_stack(|| {
        let template = "Parameters: {P: {Type: String, AllowedValues: [xx]}}\nResources: {T: {Type: 'AWS::SNS::Topic'}}\n\
                        Outputs: {O: {Value: !Ref P}}";
        assert_eq!(row(10_000, template), []);
    });
    // The control: values do go all the way, here one letter longer in every stack.
    let longer = "Parameters: {P: {Type: String, MaxLength: 10}}\nResources: {T: {Type: 'AWS::SNS::Topic'}}\n\
                  Outputs: {O: {Value: !Sub '${P}x'}}";
    assert_eq!((row(9, longer).len(), row(10, longer).len()), (0, 1));
}

#[test]
fn outputs_that_double_from_stack_to_stack_become_unknown() {
    let template = "Parameters: {P: {Type: String}}\nResources: {T: {Type: 'AWS::SNS::Topic'}}\n\
                    Outputs: {O: {Value: !Sub '${P}${P}'}}";
    // The first that is too long is told, with its length; what would follow from it is not worked out.
    let found = row(100, template);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.starts_with("a text of 8192 characters"), "{found:#?}");
}

#[test]
fn attributes_that_name_others_many_times_are_worked_out_once() {
    let mut template = String::from("Parameters: {P: {Type: String}}\nResources:\n");
    for vpc in 0..60 {
        let range = format!("${{V{}.CidrBlock}}", vpc + 1).repeat(30);
        let _ = writeln!(template, "  V{vpc}: {{Type: 'AWS::EC2::VPC', Properties: {{CidrBlock: !Sub '{range}'}}}}");
    }
    template.push_str("  V60: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}\nOutputs: {O: {Value: !GetAtt V0.CidrBlock}}");
    let found = row(2, &template);
    assert!(found.iter().all(|problem| problem.severity != Severity::Error), "{found:#?}");
}
