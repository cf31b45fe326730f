use super::{Bench, NET};

fn make(bench: &mut Bench, stack: &str, name: &str, template: &str, more: &[(&str, &str)]) {
    let params: Vec<_> = [("StackName", stack), ("ChangeSetName", name), ("TemplateBody", template)]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    bench.ok("CreateChangeSet", &params);
    bench.wait(1000);
}

/// The changes of a stack's first change set, one a line.
fn changes(bench: &Bench, stack: &str) -> String {
    let set = &bench.stack(stack).change_sets[0];
    let mut lines = vec![format!("{} {} {}", set.status, set.execution, set.reason.clone().unwrap_or_default())];
    for change in &set.changes {
        let replacement = change.replacement.map(|replacement| format!(" {replacement}")).unwrap_or_default();
        lines.push(format!("{} {}{replacement}", change.action, change.logical_id));
        for detail in &change.details {
            let name = detail.name.clone().unwrap_or_default();
            let cause = detail.cause.clone().unwrap_or_default();
            let source = detail.source.clone().unwrap_or_default();
            lines.push(format!("  {} {name} {} {source} {cause}", detail.attribute, detail.evaluation));
        }
    }
    lines.join("\n")
}

#[test]
fn what_would_change_is_told_with_what_hangs_on_it() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let next = NET
        .replace("  Table:", "  Other: {Type: AWS::EC2::InternetGateway}\n  Table:")
        .replace("!Select [0", "!Select [1");
    let range = [("Parameters.member.1.ParameterKey", "Range"), ("Parameters.member.1.ParameterValue", "10.0.0.0/20")];
    make(&mut bench, "net", "c", &next, &range);
    insta::assert_snapshot!(changes(&bench, "net"), @"
    CREATE_COMPLETE AVAILABLE 
    Modify Vpc True
      Properties CidrBlock Static ParameterReference Range
    Modify Subnet True
      Properties VpcId Dynamic ResourceReference Vpc
      Properties AvailabilityZone Static DirectModification 
    Add Other
    Modify Table Conditional
      Properties VpcId Dynamic ResourceReference Vpc
    Modify Association Conditional
      Properties SubnetId Dynamic ResourceReference Subnet
      Properties RouteTableId Dynamic ResourceReference Table
    ");
    assert_eq!(bench.status("net"), "CREATE_COMPLETE", "nothing has happened yet");
    let xml = bench
        .ok("DescribeChangeSet", &[("StackName", "net"), ("ChangeSetName", "c"), ("IncludePropertyValues", "true")]);
    assert!(xml.contains("<BeforeValue>us-east-1a</BeforeValue><AfterValue>us-east-1b</AfterValue>"), "{xml}");
    bench.ok("ExecuteChangeSet", &[("StackName", "net"), ("ChangeSetName", "c")]);
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE");
    assert_eq!(bench.stack("net").change_sets[0].execution.as_str(), "EXECUTE_COMPLETE");
    assert_eq!(bench.world.ec2(&bench.place).subnets[&bench.id("net", "Subnet")].zone, "us-east-1b");
}

#[test]
fn removals_come_last_and_say_what_becomes_of_the_resource() {
    let mut bench = Bench::new();
    bench.created("net", "Resources:\n  A: {Type: AWS::EC2::InternetGateway}\n  B: {Type: AWS::EC2::InternetGateway, DeletionPolicy: Retain}\n  C: {Type: AWS::EC2::InternetGateway}");
    make(&mut bench, "net", "c", "Resources:\n  A: {Type: AWS::EC2::InternetGateway, DeletionPolicy: Retain}", &[]);
    insta::assert_snapshot!(changes(&bench, "net"), @"
    CREATE_COMPLETE AVAILABLE 
    Modify A False
      DeletionPolicy  Static DirectModification 
    Remove B
    Remove C
    ");
    let policies: Vec<_> =
        bench.stack("net").change_sets[0].changes.iter().map(|change| change.policy_action.clone()).collect();
    assert_eq!(policies, [None, Some("Retain".to_owned()), Some("Delete".to_owned())]);
}

#[test]
fn a_change_set_without_changes_fails() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    make(&mut bench, "net", "c", NET, &[]);
    insta::assert_snapshot!(changes(&bench, "net"), @"FAILED UNAVAILABLE The submitted information didn't contain changes. Submit different information to create a change set.");
    let message = bench.refused("ExecuteChangeSet", &[("StackName", "net"), ("ChangeSetName", "c")]);
    assert!(
        message.starts_with(
            "InvalidChangeSetStatus: ChangeSet [arn:aws:cloudformation:us-east-1:111111111111:changeSet/c/"
        )
    );
    bench.ok("DeleteChangeSet", &[("StackName", "net"), ("ChangeSetName", "c")]);
    assert!(bench.stack("net").change_sets.is_empty());
}

#[test]
fn a_change_set_can_create_a_stack() {
    let mut bench = Bench::new();
    make(&mut bench, "net", "c", NET, &[("ChangeSetType", "CREATE"), ("OnStackFailure", "DELETE")]);
    assert_eq!(bench.status("net"), "REVIEW_IN_PROGRESS");
    insta::assert_snapshot!(changes(&bench, "net"), @"
    CREATE_COMPLETE AVAILABLE 
    Add Vpc
    Add Subnet
    Add Table
    Add Association
    ");
    bench.ok("ExecuteChangeSet", &[("StackName", "net"), ("ChangeSetName", "c")]);
    bench.settle();
    assert_eq!(bench.status("net"), "CREATE_COMPLETE");
}

#[test]
fn a_stack_that_was_never_created_can_be_deleted() {
    let mut bench = Bench::new();
    make(&mut bench, "net", "c", NET, &[("ChangeSetType", "CREATE")]);
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert!(bench.world.is_empty());
}

#[test]
fn an_update_makes_change_sets_obsolete_and_an_execution_deletes_them() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let next = NET.replace("10.0.1.0", "10.0.2.0");
    make(&mut bench, "net", "a", &next, &[]);
    bench.updated("net", &NET.replace("10.0.1.0", "10.0.3.0"));
    assert!(bench.refused("ExecuteChangeSet", &[("StackName", "net"), ("ChangeSetName", "a")]).contains("[OBSOLETE]"));
    make(&mut bench, "net", "b", &next, &[]);
    bench.ok("ExecuteChangeSet", &[("StackName", "net"), ("ChangeSetName", "b")]);
    bench.settle();
    assert_eq!(bench.stack("net").change_sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn change_sets_are_found_by_name_or_arn_or_not_at_all() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    make(&mut bench, "net", "c", &NET.replace("10.0.1.0", "10.0.2.0"), &[]);
    let arn = bench.stack("net").change_sets[0].id.clone();
    bench.ok("DescribeChangeSet", &[("ChangeSetName", &arn)]);
    assert!(bench.ok("ListChangeSets", &[("StackName", "net")]).contains(&arn));
    insta::assert_snapshot!(bench.refused("DescribeChangeSet", &[("StackName", "net"), ("ChangeSetName", "d")]), @"ChangeSetNotFound: ChangeSet [d] does not exist");
    insta::assert_snapshot!(bench.refused("CreateChangeSet", &[("StackName", "net"), ("ChangeSetName", "c"), ("TemplateBody", NET)]), @"AlreadyExistsException: ChangeSet [c] already exists");
    insta::assert_snapshot!(bench.refused("CreateChangeSet", &[("StackName", "no"), ("ChangeSetName", "c"), ("TemplateBody", NET)]), @"ValidationError: Stack [no] does not exist");
    insta::assert_snapshot!(bench.refused("CreateChangeSet", &[("StackName", "net"), ("ChangeSetName", "x"), ("ChangeSetType", "CREATE"), ("TemplateBody", NET)]), @"ValidationError: Stack [net] already exists and cannot be created again with the changeSet [x].");
}
