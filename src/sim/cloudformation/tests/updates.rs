use super::{Bench, NET};

#[test]
fn an_update_that_changes_nothing_is_refused() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let same = [("StackName", "net"), ("TemplateBody", NET)];
    insta::assert_snapshot!(bench.refused("UpdateStack", &same), @"ValidationError: No updates are to be performed.");
    let reordered = NET.replace("Outputs:", "Description: new\nOutputs:");
    insta::assert_snapshot!(bench.refused("UpdateStack", &[("StackName", "net"), ("TemplateBody", &reordered)]), @"ValidationError: No updates are to be performed.");
    insta::assert_snapshot!(bench.refused("UpdateStack", &[("StackName", "no"), ("TemplateBody", NET)]), @"ValidationError: Stack [no] does not exist");
}

#[test]
fn a_change_in_place_leaves_the_resource_and_what_hangs_on_it_alone() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let (vpc, before) = (bench.id("net", "Vpc"), bench.stack("net").events.len());
    bench.updated("net", &NET.replace("{CidrBlock: !Ref Range}", "{CidrBlock: !Ref Range, EnableDnsHostnames: true}"));
    let story = bench.story("net");
    insta::assert_snapshot!(story.lines().skip(before).collect::<Vec<_>>().join("\n"), @"
    3.0 net UPDATE_IN_PROGRESS: User Initiated
    3.0 Vpc UPDATE_IN_PROGRESS
    4.0 Vpc UPDATE_COMPLETE
    4.0 net UPDATE_COMPLETE_CLEANUP_IN_PROGRESS
    4.0 net UPDATE_COMPLETE
    ");
    assert_eq!(bench.id("net", "Vpc"), vpc);
    assert!(bench.world.ec2(&bench.place).vpcs[&vpc].dns_hostnames);
}

#[test]
fn a_replacement_is_made_first_and_the_old_resource_cleaned_up_after_all_else() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let (old, before) = (bench.id("net", "Vpc"), bench.stack("net").events.len());
    let keep = [("Parameters.member.1.ParameterKey", "Part"), ("Parameters.member.1.UsePreviousValue", "true")];
    let range = [("Parameters.member.2.ParameterKey", "Range"), ("Parameters.member.2.ParameterValue", "10.0.0.0/20")];
    let base = [("StackName", "net"), ("UsePreviousTemplate", "true")];
    bench.ok("UpdateStack", &[base, keep, range].concat());
    bench.settle();
    let story = bench.story("net");
    insta::assert_snapshot!(story.lines().skip(before).collect::<Vec<_>>().join("\n"), @"
    3.0 net UPDATE_IN_PROGRESS: User Initiated
    3.0 Vpc UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.
    3.0 Vpc UPDATE_IN_PROGRESS: Resource creation Initiated
    4.0 Vpc UPDATE_COMPLETE
    4.0 Subnet UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.
    4.0 Subnet UPDATE_IN_PROGRESS: Resource creation Initiated
    4.0 Table UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.
    4.0 Table UPDATE_IN_PROGRESS: Resource creation Initiated
    5.0 Subnet UPDATE_COMPLETE
    5.0 Table UPDATE_COMPLETE
    5.0 Association UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.
    5.0 Association UPDATE_IN_PROGRESS: Resource creation Initiated
    6.0 Association UPDATE_COMPLETE
    6.0 net UPDATE_COMPLETE_CLEANUP_IN_PROGRESS
    6.0 Association DELETE_IN_PROGRESS
    7.0 Association DELETE_COMPLETE
    7.0 Subnet DELETE_IN_PROGRESS
    7.0 Table DELETE_IN_PROGRESS
    8.0 Subnet DELETE_COMPLETE
    8.0 Table DELETE_COMPLETE
    8.0 Vpc DELETE_IN_PROGRESS
    9.0 Vpc DELETE_COMPLETE
    9.0 net UPDATE_COMPLETE
    ");
    let ec2 = bench.world.ec2(&bench.place);
    assert_eq!((ec2.vpcs.len(), ec2.subnets.len(), ec2.vpcs.contains_key(&old)), (1, 1, false));
    assert_eq!(bench.output("net", "Range"), "10.0.0.0/20");
}

#[test]
fn resources_come_and_go_with_the_template() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let next = NET
        .replace("  Table:", "  Gateway: {Type: AWS::EC2::InternetGateway}\n  Other:")
        .replace("!Ref Table", "!Ref Other");
    bench.updated("net", &next);
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    assert_eq!(
        bench.stack("net").resources.keys().collect::<Vec<_>>(),
        ["Association", "Gateway", "Other", "Subnet", "Vpc"]
    );
    let ec2 = bench.world.ec2(&bench.place);
    assert_eq!((ec2.route_tables.len(), ec2.internet_gateways.len()), (2, 1), "the main table and the new one");
}

#[test]
fn a_failed_update_goes_back_to_what_was() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let (vpc, subnet, before) = (bench.id("net", "Vpc"), bench.id("net", "Subnet"), bench.stack("net").events.len());
    bench.fail("Late", "CREATE");
    let next = NET
        .replace("{CidrBlock: !Ref Range}", "{CidrBlock: !Ref Range, EnableDnsHostnames: true}")
        .replace("10.0.1.0/24", "10.0.2.0/24")
        .replace(
            "Outputs:",
            "  Late: {Type: AWS::EC2::RouteTable, DependsOn: Association, Properties: {VpcId: !Ref Vpc}}\nOutputs:",
        );
    bench.updated("net", &next);
    let story = bench.story("net");
    insta::assert_snapshot!(story.lines().skip(before).collect::<Vec<_>>().join("\n"), @"
    3.0 net UPDATE_IN_PROGRESS: User Initiated
    3.0 Vpc UPDATE_IN_PROGRESS
    4.0 Vpc UPDATE_COMPLETE
    4.0 Subnet UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.
    4.0 Subnet UPDATE_IN_PROGRESS: Resource creation Initiated
    5.0 Subnet UPDATE_COMPLETE
    5.0 Association UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.
    5.0 Association UPDATE_IN_PROGRESS: Resource creation Initiated
    6.0 Association UPDATE_COMPLETE
    6.0 Late CREATE_IN_PROGRESS
    7.0 Late CREATE_FAILED: Planned
    7.0 net UPDATE_ROLLBACK_IN_PROGRESS: The following resource(s) failed to update: [Late]. 
    7.0 Vpc UPDATE_IN_PROGRESS
    8.0 Vpc UPDATE_COMPLETE
    8.0 net UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS
    8.0 Association DELETE_IN_PROGRESS
    9.0 Association DELETE_COMPLETE
    9.0 Subnet DELETE_IN_PROGRESS
    10.0 Subnet DELETE_COMPLETE
    10.0 net UPDATE_ROLLBACK_COMPLETE
    ");
    assert_eq!((bench.id("net", "Vpc"), bench.id("net", "Subnet")), (vpc.clone(), subnet));
    let ec2 = bench.world.ec2(&bench.place);
    assert!(!ec2.vpcs[&vpc].dns_hostnames);
    assert_eq!((ec2.subnets.len(), ec2.route_tables.len()), (1, 2));
    bench.mend();
    bench.updated("net", &next);
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE");
}

#[test]
fn a_failed_update_stays_where_it_is_if_asked_to() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    bench.fail("Vpc", "UPDATE");
    let next = NET.replace("{CidrBlock: !Ref Range}", "{CidrBlock: !Ref Range, EnableDnsHostnames: true}");
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &next), ("DisableRollback", "true")]);
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_FAILED");
    bench.mend();
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &next), ("DisableRollback", "true")]);
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE");
}

#[test]
fn a_rollback_that_fails_can_be_continued() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let next = NET
        .replace("{CidrBlock: !Ref Range}", "{CidrBlock: !Ref Range, EnableDnsHostnames: true}")
        .replace("Outputs:", "  Late: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:");
    bench.fail("Late", "CREATE");
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &next)]);
    bench.wait(1500);
    bench.fail("Vpc", "UPDATE");
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_FAILED", "{}", bench.story("net"));
    let update = [("StackName", "net"), ("TemplateBody", NET)];
    assert!(
        bench.refused("UpdateStack", &update).contains("is in UPDATE_ROLLBACK_FAILED state and can not be updated.")
    );
    bench.ok("ContinueUpdateRollback", &[("StackName", "net")]);
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_FAILED", "the fault still stands");
    bench.ok("ContinueUpdateRollback", &[("StackName", "net"), ("ResourcesToSkip.member.1", "Vpc")]);
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn an_update_can_be_cancelled_while_it_runs_and_only_then() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    assert!(
        bench.refused("CancelUpdateStack", &[("StackName", "net")]).contains("current stack status CREATE_COMPLETE")
    );
    let next = NET.replace("10.0.1.0/24", "10.0.2.0/24");
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &next)]);
    let update = [("StackName", "net"), ("TemplateBody", NET)];
    assert!(bench.refused("UpdateStack", &update).contains("is in UPDATE_IN_PROGRESS state and can not be updated."));
    bench.wait(500);
    bench.ok("CancelUpdateStack", &[("StackName", "net")]);
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_COMPLETE", "{}", bench.story("net"));
    assert_eq!(bench.world.ec2(&bench.place).subnets.len(), 1);
}

#[test]
fn tags_alone_are_an_update() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let params =
        [("StackName", "net"), ("TemplateBody", NET), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")];
    bench.ok("UpdateStack", &params);
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE");
    assert_eq!(bench.world.ec2(&bench.place).vpcs[&bench.id("net", "Vpc")].tags["a"], "b");
}

#[test]
fn tags_stay_unless_a_list_is_given_and_an_empty_one_takes_them_away() {
    let mut bench = Bench::new();
    let (name, body) = (("StackName", "net"), ("TemplateBody", NET));
    bench.ok("CreateStack", &[name, body, ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]);
    bench.settle();
    assert!(bench.refused("UpdateStack", &[name, body]).contains("No updates are to be performed."));
    bench.ok("UpdateStack", &[name, body, ("Tags", "")]);
    bench.settle();
    assert!(!bench.world.ec2(&bench.place).vpcs[&bench.id("net", "Vpc")].tags.contains_key("a"));
}

#[test]
fn what_an_update_that_failed_has_left_behind_goes_with_the_one_that_follows_it() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let old = bench.id("net", "Subnet");
    bench.fail("Association", "UPDATE");
    let next = NET.replace("10.0.1.0/24", "10.0.2.0/24");
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &next), ("DisableRollback", "true")]);
    bench.settle();
    let new = bench.id("net", "Subnet");
    assert_eq!((bench.status("net"), bench.stack("net").garbage.len()), ("UPDATE_FAILED", 1));
    bench.mend();
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &next), ("DisableRollback", "true")]);
    bench.settle();
    assert_eq!(
        (bench.status("net"), bench.id("net", "Subnet")),
        ("UPDATE_COMPLETE", new.clone()),
        "{}",
        bench.story("net")
    );
    let subnets: Vec<_> = bench.world.ec2(&bench.place).subnets.keys().cloned().collect();
    assert_eq!(subnets, [new], "{old} went with the cleanup");
}

#[test]
fn a_resource_keeps_its_type() {
    let mut bench = Bench::new();
    bench.created("net", "Resources: {A: {Type: AWS::EC2::InternetGateway}}");
    let next = "Resources: {A: {Type: AWS::SNS::Topic}}";
    insta::assert_snapshot!(bench.refused("UpdateStack", &[("StackName", "net"), ("TemplateBody", next)]), @"ValidationError: Update of resource type is not permitted. The new template modifies resource type of the following resources: [A]");
}
