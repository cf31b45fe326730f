use super::{Bench, NET};
use crate::sim::ec2::{Tags, subnet};

#[test]
fn what_needs_others_goes_first() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let (id, before) = (bench.stack("net").id.clone(), bench.stack("net").events.len());
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    let story = bench.story(&id);
    insta::assert_snapshot!(story.lines().skip(before).collect::<Vec<_>>().join("\n"), @"
    3.0 net DELETE_IN_PROGRESS: User Initiated
    3.0 Association DELETE_IN_PROGRESS
    4.0 Association DELETE_COMPLETE
    4.0 Subnet DELETE_IN_PROGRESS
    4.0 Table DELETE_IN_PROGRESS
    5.0 Subnet DELETE_COMPLETE
    5.0 Table DELETE_COMPLETE
    5.0 Vpc DELETE_IN_PROGRESS
    6.0 Vpc DELETE_COMPLETE
    6.0 net DELETE_COMPLETE
    ");
    assert!(bench.world.is_empty());
    insta::assert_snapshot!(bench.refused("DescribeStacks", &[("StackName", "net")]), @"ValidationError: Stack with id net does not exist");
    assert!(bench.ok("DescribeStacks", &[("StackName", &id)]).contains("<StackStatus>DELETE_COMPLETE</StackStatus>"));
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.created("net", NET);
}

#[test]
fn what_is_still_needed_elsewhere_cannot_be_deleted() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let request = subnet::SubnetRequest {
        vpc: bench.id("net", "Vpc"),
        cidr_block: "10.0.9.0/24".to_owned(),
        tags: Tags::new(),
        ..subnet::SubnetRequest::default()
    };
    let foreign = subnet::create(&mut bench.world, &bench.place, request).unwrap();
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert_eq!(bench.status("net"), "DELETE_FAILED");
    assert_eq!(bench.stack("net").reason.as_deref(), Some("The following resource(s) failed to delete: [Vpc]. "));
    assert!(
        bench.stack("net").resources["Vpc"].reason.as_ref().unwrap().contains("has dependencies and cannot be deleted")
    );
    subnet::delete(&mut bench.world, &bench.place, &foreign).unwrap();
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert!(bench.world.is_empty());
}

#[test]
fn a_subnet_waits_a_while_for_what_another_stack_has_in_it() {
    for goes in [true, false] {
        let mut bench = Bench::new();
        bench.created("net", NET);
        let gateway = "Type: AWS::EC2::NatGateway, Properties: {ConnectivityType: private, SubnetId: ";
        bench.created("app", &format!("Resources: {{Nat: {{{gateway}{}}}}}}}", bench.id("net", "Subnet")));
        if goes {
            bench.ok("DeleteStack", &[("StackName", "app")]);
        }
        bench.ok("DeleteStack", &[("StackName", "net")]);
        bench.settle();
        if goes {
            assert!(bench.world.ec2(&bench.place).vpcs.is_empty(), "both are gone");
        } else {
            assert_eq!(bench.status("net"), "DELETE_FAILED");
            assert!(bench.stack("net").resources["Subnet"].reason.as_ref().unwrap().contains("has dependencies"));
        }
    }
}

#[test]
fn what_is_retained_stays() {
    let mut bench = Bench::new();
    bench.created("net", &NET.replace("Type: AWS::EC2::VPC,", "Type: AWS::EC2::VPC, DeletionPolicy: Retain,"));
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert_eq!(bench.world.ec2(&bench.place).vpcs.len(), 1);
    assert!(bench.world.ec2(&bench.place).subnets.is_empty());
}

#[test]
fn a_failed_deletion_can_leave_resources_behind() {
    for force in [false, true] {
        let mut bench = Bench::new();
        bench.created("net", NET);
        let id = bench.stack("net").id.clone();
        bench.fail("Subnet", "DELETE");
        let retain = [("StackName", "net"), ("RetainResources.member.1", "Subnet")];
        assert!(bench.refused("DeleteStack", &retain).contains("DELETE_FAILED"));
        bench.ok("DeleteStack", &[("StackName", "net")]);
        bench.settle();
        assert_eq!(bench.status("net"), "DELETE_FAILED");
        bench.mend();
        if force {
            bench.fail("Subnet", "DELETE");
            bench.fail("Vpc", "DELETE");
            bench.ok("DeleteStack", &[("StackName", "net"), ("DeletionMode", "FORCE_DELETE_STACK")]);
        } else {
            bench.ok(
                "DeleteStack",
                &[("StackName", "net"), ("RetainResources.member.1", "Subnet"), ("RetainResources.member.2", "Vpc")],
            );
        }
        bench.settle();
        assert_eq!(bench.status(&id), "DELETE_COMPLETE");
        let ec2 = bench.world.ec2(&bench.place);
        assert_eq!((ec2.vpcs.len(), ec2.subnets.len()), (1, 1));
    }
}

#[test]
fn a_protected_stack_is_not_deleted() {
    let mut bench = Bench::new();
    bench.ok("CreateStack", &[("StackName", "net"), ("TemplateBody", NET), ("EnableTerminationProtection", "true")]);
    bench.settle();
    insta::assert_snapshot!(bench.refused("DeleteStack", &[("StackName", "net")]), @"ValidationError: Stack [net] cannot be deleted while TerminationProtection is enabled");
    bench.ok("UpdateTerminationProtection", &[("StackName", "net"), ("EnableTerminationProtection", "false")]);
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert!(bench.world.is_empty());
}

#[test]
fn a_creation_can_be_broken_off_by_a_deletion_but_not_an_update() {
    let mut bench = Bench::new();
    bench.create("net", NET);
    bench.wait(1500);
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert!(bench.world.is_empty());
    bench.created("net", NET);
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &NET.replace("10.0.1.0", "10.0.2.0"))]);
    insta::assert_snapshot!(bench.refused("DeleteStack", &[("StackName", "net")]), @"ValidationError: Stack [net] cannot be deleted while in status UPDATE_IN_PROGRESS");
}

#[test]
fn a_hundred_deleted_stacks_are_remembered() {
    let mut bench = Bench::new();
    let gateway = "Resources: {G: {Type: AWS::EC2::InternetGateway}}";
    bench.created("kept", gateway);
    let mut ids = Vec::new();
    for _ in 0..102 {
        bench.created("net", gateway);
        ids.push(bench.stack("net").id.clone());
        bench.ok("DeleteStack", &[("StackName", "net")]);
        bench.settle();
    }
    let known = |id: &String| bench.world.at(&bench.place).cloudformation.find(id).is_some();
    assert_eq!(ids.iter().map(known).collect::<Vec<_>>(), [vec![false; 2], vec![true; 100]].concat());
    assert_eq!(bench.status("kept"), "CREATE_COMPLETE");
}

#[test]
fn resources_that_need_each_other_in_a_circle_are_deleted_all_the_same() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let (arn, place) = (bench.stack("net").id.clone(), bench.place.clone());
    let stack = bench.world.at_mut(&place).cloudformation.stacks.get_mut(&arn).unwrap();
    // As an update that has turned a dependency round may leave it behind.
    let mut old = stack.resources["Subnet"].clone();
    old.physical_id = Some("subnet-0".into());
    old.needs = ["Association".into()].into();
    stack.garbage.push(old);
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert_eq!(bench.status(&arn), "DELETE_COMPLETE", "{}", bench.story(&arn));
    assert!(bench.world.is_empty());
}
