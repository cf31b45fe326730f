//! Stacks in stacks.

use super::{ACCOUNT, Bench};
use crate::sim::s3::{Bucket, Encryption, Object};

/// A stack with another one in it, which makes a VPC.
const ROOT: &str = "
Parameters:
  Range: {Type: String, Default: 10.0.0.0/16}
Resources:
  Net:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://t.s3.us-east-1.amazonaws.com/net.yaml
      Parameters: {Range: !Ref Range}
      Tags: [{Key: Layer, Value: net}]
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !GetAtt Net.Outputs.VpcId}}
Outputs:
  Net: {Value: !Ref Net}
  VpcId: {Value: !GetAtt Net.Outputs.VpcId}
";

const CHILD: &str = "
Parameters:
  Range: {Type: String}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}
  Gate: {Type: AWS::EC2::InternetGateway, DependsOn: Vpc}
Outputs:
  VpcId: {Value: !Ref Vpc}
";

impl Bench {
    fn put(&mut self, key: &str, text: &str) {
        let bucket = Bucket { place: self.place.clone(), created: self.world.now };
        self.world.buckets.insert("t".to_owned(), bucket);
        let encryption = Encryption { algorithm: "AES256".to_owned(), kms_key: None };
        let object = Object { text: text.to_owned(), content_type: None, encryption, modified: self.world.now };
        self.world.objects.insert(format!("t/{key}"), object);
    }

    /// A world with the two templates, and the stack made of them.
    fn with_nested() -> Self {
        let mut bench = Self::new();
        bench.put("net.yaml", CHILD);
        bench.created("root", ROOT);
        bench
    }

    /// The name of the stack that is nested in a stack.
    fn child(&self, parent: &str, logical_id: &str) -> String {
        self.id(parent, logical_id)
    }

    /// A story in which ids are left out.
    fn told(&self, name: &str) -> String {
        let ids: Vec<(String, &str)> = self
            .world
            .at(&self.place)
            .cloudformation
            .stacks
            .values()
            .flat_map(|stack| [(stack.id.clone(), "ARN"), (stack.name.clone(), "CHILD")])
            .filter(|(text, _)| text != "root")
            .collect();
        let story = ids.iter().fold(self.story(name), |story, (id, word)| story.replace(id, word));
        story.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    fn vpcs(&self) -> Vec<String> {
        self.world.ec2(&self.place).vpcs.keys().map(ToString::to_string).collect()
    }

    fn change_set(&mut self, template: &str, nested: bool) -> String {
        let nested = if nested { "true" } else { "false" };
        let asked = [
            ("StackName", "root"),
            ("ChangeSetName", "c"),
            ("TemplateBody", template),
            ("IncludeNestedStacks", nested),
        ];
        self.ok("CreateChangeSet", &asked);
        self.wait(2000);
        self.ok("DescribeChangeSet", &[("StackName", "root"), ("ChangeSetName", "c")])
    }
}

fn between<'a>(text: &'a str, tag: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    text.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect()
}

#[test]
fn a_nested_stack_is_made_with_its_parent_and_gives_it_its_outputs() {
    let bench = Bench::with_nested();
    let child = bench.stack(&bench.child("root", "Net"));
    assert!(child.name.starts_with("root-Net-") && child.name.len() == "root-Net-".len() + 12, "{}", child.name);
    assert_eq!(bench.output("root", "VpcId"), bench.output(&child.id, "VpcId"));
    assert_eq!(bench.output("root", "Net"), child.id);
    let config = child.config.as_ref().unwrap();
    assert_eq!((config.tags["Layer"].as_str(), config.parameters["Range"].value.as_str()), ("net", "10.0.0.0/16"));
    insta::assert_snapshot!(bench.told("root"), @"
    0.0 root CREATE_IN_PROGRESS: User Initiated
    0.0 Net CREATE_IN_PROGRESS
    0.0 Net CREATE_IN_PROGRESS: Resource creation Initiated
    2.0 Net CREATE_COMPLETE
    2.0 Table CREATE_IN_PROGRESS
    2.0 Table CREATE_IN_PROGRESS: Resource creation Initiated
    3.0 Table CREATE_COMPLETE
    3.0 root CREATE_COMPLETE
    ");
    insta::assert_snapshot!(bench.told(&child.id), @"
    0.0 CHILD CREATE_IN_PROGRESS: User Initiated
    0.0 Vpc CREATE_IN_PROGRESS
    0.0 Vpc CREATE_IN_PROGRESS: Resource creation Initiated
    1.0 Vpc CREATE_COMPLETE
    1.0 Gate CREATE_IN_PROGRESS
    1.0 Gate CREATE_IN_PROGRESS: Resource creation Initiated
    2.0 Gate CREATE_COMPLETE
    2.0 CHILD CREATE_COMPLETE
    ");
}

#[test]
fn a_nested_stack_names_those_above_it_and_is_as_protected() {
    let mut bench = Bench::new();
    bench.put("net.yaml", CHILD);
    bench.put("middle.yaml", ROOT);
    let top = "Resources: {Middle: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://t.s3.us-east-1.amazonaws.com/middle.yaml'}}}\n";
    bench.created("root", top);
    let (root, middle) = (bench.stack("root").id.clone(), bench.child("root", "Middle"));
    let bottom = bench.child(&middle, "Net");
    let told = bench.ok("DescribeStacks", &[("StackName", &bottom)]);
    assert_eq!((between(&told, "ParentId"), between(&told, "RootId")), (vec![&*middle], vec![&*root]));
    let protect = |name| [("StackName", name), ("EnableTerminationProtection", "true")];
    let refused = bench.refused("UpdateTerminationProtection", &protect(&bottom));
    assert!(refused.contains("root stack"), "{refused}");
    bench.ok("UpdateTerminationProtection", &protect("root"));
    let told = bench.ok("DescribeStacks", &[("StackName", &bottom)]);
    assert_eq!(between(&told, "EnableTerminationProtection"), ["true"]);
    let refused = bench.refused("DeleteStack", &[("StackName", &bottom)]);
    assert!(refused.contains("TerminationProtection"), "{refused}");
}

#[test]
fn what_fails_in_a_nested_stack_takes_its_parent_back() {
    let mut bench = Bench::new();
    bench.put("net.yaml", CHILD);
    bench.fail("Gate", "CREATE");
    bench.create("root", ROOT);
    bench.settle();
    insta::assert_snapshot!(bench.told("root"), @"
    0.0 root CREATE_IN_PROGRESS: User Initiated
    0.0 Net CREATE_IN_PROGRESS
    0.0 Net CREATE_IN_PROGRESS: Resource creation Initiated
    2.0 Net CREATE_FAILED: Embedded stack ARN was not successfully created: The following resource(s) failed to create: [Gate].
    2.0 root ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [Net]. Rollback requested by user.
    2.0 Net DELETE_IN_PROGRESS
    3.2 Net DELETE_COMPLETE
    3.2 root ROLLBACK_COMPLETE
    ");
    assert!(bench.vpcs().is_empty());
    let child = bench.world.at(&bench.place).cloudformation.stacks.values().find(|stack| stack.name != "root").unwrap();
    insta::assert_snapshot!(bench.told(&child.id.clone()), @"
    0.0 CHILD CREATE_IN_PROGRESS: User Initiated
    0.0 Vpc CREATE_IN_PROGRESS
    0.0 Vpc CREATE_IN_PROGRESS: Resource creation Initiated
    1.0 Vpc CREATE_COMPLETE
    1.0 Gate CREATE_IN_PROGRESS
    2.0 Gate CREATE_FAILED: Planned
    2.0 CHILD ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [Gate]. Rollback requested by user.
    2.0 Vpc DELETE_IN_PROGRESS
    3.0 Vpc DELETE_COMPLETE
    3.0 CHILD ROLLBACK_COMPLETE
    3.0 CHILD DELETE_IN_PROGRESS: User Initiated
    3.0 CHILD DELETE_COMPLETE
    ");
}

#[test]
fn a_template_that_cannot_be_read_or_may_not_do_what_it_does_fails_its_resource() {
    let mut bench = Bench::new();
    bench.create("root", ROOT);
    bench.settle();
    assert!(bench.told("root").contains("Net CREATE_FAILED: S3 error: The specified bucket does not exist"));
    bench.put("net.yaml", "Resources: {Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}\n");
    bench.create("other", &ROOT.replace("      Parameters: {Range: !Ref Range}\n", ""));
    bench.settle();
    assert!(bench.told("other").contains("Net CREATE_FAILED: Requires capabilities : [CAPABILITY_IAM]"));
    let itself = "Resources: {S: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://t.s3.us-east-1.amazonaws.com/loop.yaml'}}}\n";
    bench.put("loop.yaml", itself);
    bench.create("loop", itself);
    bench.settle();
    assert_eq!(bench.status("loop"), "ROLLBACK_COMPLETE");
}

#[test]
fn an_update_goes_through_nested_stacks_and_what_they_replace_goes_at_the_end() {
    let mut bench = Bench::with_nested();
    let child = bench.child("root", "Net");
    let before = bench.vpcs();
    bench.updated("root", &ROOT.replace("10.0.0.0/16", "10.1.0.0/16"));
    assert_eq!((bench.status("root"), bench.status(&child)), ("UPDATE_COMPLETE", "UPDATE_COMPLETE"));
    assert_eq!((bench.vpcs().len(), bench.vpcs() == before), (1, false));
    assert_eq!(bench.output("root", "VpcId"), bench.vpcs()[0]);
    // Another text at the same URL is found by an update that says nothing new.
    bench.put("net.yaml", &CHILD.replace("Outputs:", "  Second: {Type: AWS::EC2::InternetGateway}\nOutputs:"));
    bench.updated("root", &ROOT.replace("10.0.0.0/16", "10.1.0.0/16"));
    assert!(bench.stack(&child).resources.contains_key("Second"));
}

#[test]
fn an_update_that_fails_behind_a_nested_stack_takes_that_back_too() {
    let mut bench = Bench::with_nested();
    let child = bench.child("root", "Net");
    let before = bench.vpcs();
    bench.fail("Table", "UPDATE");
    bench.updated("root", &ROOT.replace("10.0.0.0/16", "10.1.0.0/16"));
    assert_eq!((bench.status("root"), bench.status(&child)), ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"));
    assert_eq!(bench.vpcs(), before, "what was replaced had not gone yet");
    assert_eq!(bench.output("root", "VpcId"), before[0]);
    insta::assert_snapshot!(bench.told(&child).split_once("UPDATE_IN_PROGRESS").unwrap().1, @"
    : User Initiated
    3.0 Vpc UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.
    3.0 Vpc UPDATE_IN_PROGRESS: Resource creation Initiated
    4.0 Vpc UPDATE_COMPLETE
    4.0 CHILD UPDATE_COMPLETE_CLEANUP_IN_PROGRESS
    5.2 CHILD UPDATE_ROLLBACK_IN_PROGRESS
    5.2 CHILD UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS
    5.2 Vpc DELETE_IN_PROGRESS
    6.2 Vpc DELETE_COMPLETE
    6.2 CHILD UPDATE_ROLLBACK_COMPLETE
    ");
    bench.mend();
    bench.updated("root", &ROOT.replace("10.0.0.0/16", "10.1.0.0/16"));
    assert_eq!(bench.status("root"), "UPDATE_COMPLETE");
}

#[test]
fn an_update_that_fails_in_a_nested_stack_says_so_above() {
    let mut bench = Bench::with_nested();
    let child = bench.child("root", "Net");
    bench.put("net.yaml", &CHILD.replace("Outputs:", "  Second: {Type: AWS::EC2::InternetGateway}\nOutputs:"));
    bench.fail("Second", "CREATE");
    bench.updated("root", ROOT);
    let story = bench.told("root");
    assert!(
        story.contains("Net UPDATE_FAILED: Embedded stack ARN was not successfully updated. Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: The following resource(s) failed to update: [Second]"),
        "{story}"
    );
    assert_eq!((bench.status("root"), bench.status(&child)), ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"));
}

#[test]
fn a_nested_stack_goes_with_its_parent_and_holds_it_up_where_it_cannot() {
    let mut bench = Bench::with_nested();
    let child = bench.child("root", "Net");
    bench.fail("Vpc", "DELETE");
    bench.ok("DeleteStack", &[("StackName", "root")]);
    bench.settle();
    assert_eq!((bench.status("root"), bench.status(&child)), ("DELETE_FAILED", "DELETE_FAILED"));
    let told = bench.told("root");
    let why = "Net DELETE_FAILED: Embedded stack ARN was not successfully deleted: The following resource(s) failed to delete: [Vpc].";
    assert!(told.contains(why), "{told}");
    bench.mend();
    let root = bench.stack("root").id.clone();
    bench.ok("DeleteStack", &[("StackName", "root")]);
    bench.settle();
    assert_eq!((bench.status(&root), bench.status(&child)), ("DELETE_COMPLETE", "DELETE_COMPLETE"));
    assert!(bench.world.at(&bench.place).cloudformation.is_empty());
}

#[test]
fn a_change_set_shows_a_nested_stack_from_outside_or_by_a_change_set_of_its_own() {
    let mut bench = Bench::with_nested();
    let child = bench.child("root", "Net");
    let wider = ROOT.replace("10.0.0.0/16", "10.1.0.0/16");
    // From outside nobody knows whether anything in it changes.
    let outside = bench.change_set(ROOT, false);
    assert_eq!(between(&outside, "ChangeSource"), ["Automatic", "ResourceAttribute"]);
    assert_eq!(between(&outside, "Status"), ["CREATE_COMPLETE"]);
    bench.ok("DeleteChangeSet", &[("StackName", "root"), ("ChangeSetName", "c")]);
    let inside = bench.change_set(ROOT, true);
    assert_eq!(between(&inside, "Status"), ["FAILED"], "there is nothing to change: {inside}");
    bench.ok("DeleteChangeSet", &[("StackName", "root"), ("ChangeSetName", "c")]);

    let told = bench.change_set(&wider, true);
    assert_eq!(between(&told, "IncludeNestedStacks"), ["true"]);
    let (root, nested) = (between(&told, "ChangeSetId")[0].to_owned(), between(&told, "ChangeSetId")[1].to_owned());
    let below = bench.ok("DescribeChangeSet", &[("ChangeSetName", &nested)]);
    assert_eq!(
        (between(&below, "ParentChangeSetId"), between(&below, "RootChangeSetId")),
        (vec![&*root], vec![&*root])
    );
    assert_eq!((between(&below, "LogicalResourceId"), between(&below, "Replacement")), (vec!["Vpc"], vec!["True"]));
    for operation in ["ExecuteChangeSet", "DeleteChangeSet"] {
        let refused = bench.refused(operation, &[("ChangeSetName", &nested)]);
        assert!(refused.contains("only from the root change set"), "{refused}");
    }
    bench.ok("ExecuteChangeSet", &[("ChangeSetName", &root)]);
    bench.settle();
    assert_eq!((bench.status("root"), bench.status(&child)), ("UPDATE_COMPLETE", "UPDATE_COMPLETE"));
    let executed = bench.ok("DescribeChangeSet", &[("ChangeSetName", &nested)]);
    assert_eq!(between(&executed, "ExecutionStatus"), ["EXECUTE_COMPLETE"]);
}

#[test]
fn a_nested_stack_that_a_change_set_would_make_is_in_review_until_then() {
    let mut bench = Bench::new();
    bench.put("net.yaml", CHILD);
    bench.created("root", "Resources: {Gate: {Type: AWS::EC2::InternetGateway}}\n");
    let stacks = |bench: &Bench| bench.world.at(&bench.place).cloudformation.live().count();
    let told = bench.change_set(ROOT, true);
    assert_eq!((between(&told, "Status"), stacks(&bench)), (vec!["CREATE_COMPLETE"], 2));
    bench.ok("DeleteChangeSet", &[("StackName", "root"), ("ChangeSetName", "c")]);
    assert_eq!(stacks(&bench), 1);
    bench.change_set(ROOT, true);
    let review = bench.world.at(&bench.place).cloudformation.live().find(|stack| stack.name != "root").unwrap();
    let review = (review.id.clone(), review.status.as_str());
    assert_eq!(review.1, "REVIEW_IN_PROGRESS");
    bench.ok("ExecuteChangeSet", &[("StackName", "root"), ("ChangeSetName", "c")]);
    bench.settle();
    assert_eq!((bench.status("root"), bench.child("root", "Net")), ("UPDATE_COMPLETE", review.0));
    assert_eq!(bench.stack("root").id.split(':').nth(4), Some(ACCOUNT));
}
