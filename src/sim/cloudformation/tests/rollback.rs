use super::{Bench, NET};

/// The network with DNS host names switched on, which is a change in place.
fn named() -> String {
    NET.replace("{CidrBlock: !Ref Range}", "{CidrBlock: !Ref Range, EnableDnsHostnames: true}")
}

/// The same with a table more, whose creation the tests let fail.
fn late() -> String {
    named().replace("Outputs:", "  Late: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:")
}

#[test]
fn a_failed_update_that_was_left_goes_back_to_the_last_stable_state() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let (vpc, outputs) = (bench.id("net", "Vpc"), bench.stack("net").outputs.clone());
    bench.fail("Late", "CREATE");
    // Twice over: what is stable is what was before the first of them.
    for _ in 0..2 {
        bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &late()), ("DisableRollback", "true")]);
        bench.settle();
        assert_eq!(bench.status("net"), "UPDATE_FAILED");
        assert!(bench.world.ec2(&bench.place).vpcs[&vpc].dns_hostnames);
    }
    let before = bench.stack("net").events.len();
    let answer = bench.ok("RollbackStack", &[("StackName", "net"), ("ClientRequestToken", "a")]);
    assert!(answer.contains("<OperationId>"), "{answer}");
    assert_eq!(bench.ok("RollbackStack", &[("StackName", "net"), ("ClientRequestToken", "a")]), answer);
    bench.settle();
    let story = bench.story("net");
    let statuses: Vec<&str> = story.lines().skip(before).filter(|line| line.contains(" net ")).collect();
    insta::assert_snapshot!(statuses.join("\n"), @"
    6.0 net UPDATE_ROLLBACK_IN_PROGRESS: User Initiated
    7.0 net UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS
    7.0 net UPDATE_ROLLBACK_COMPLETE
    ");
    assert!(!bench.world.ec2(&bench.place).vpcs[&vpc].dns_hostnames);
    assert_eq!((bench.id("net", "Vpc"), &bench.stack("net").outputs), (vpc, &outputs));
    bench.mend();
    bench.updated("net", &late());
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE");
}

#[test]
fn a_stack_that_never_was_complete_is_deleted_by_a_rollback() {
    for updated in [false, true] {
        let mut bench = Bench::new();
        bench.fail("Subnet", "CREATE");
        bench.ok("CreateStack", &[("StackName", "net"), ("TemplateBody", NET), ("OnFailure", "DO_NOTHING")]);
        bench.settle();
        assert_eq!(bench.status("net"), "CREATE_FAILED");
        if updated {
            bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", NET), ("DisableRollback", "true")]);
            bench.settle();
            assert_eq!(bench.status("net"), "UPDATE_FAILED");
        }
        bench.ok("RollbackStack", &[("StackName", "net")]);
        bench.settle();
        assert!(bench.world.is_empty(), "updated: {updated}");
    }
}

#[test]
fn only_what_a_failure_has_left_can_be_rolled_back() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let refused = bench.refused("RollbackStack", &[("StackName", "net")]);
    assert!(refused.contains("is in CREATE_COMPLETE state and can not be rolled back."), "{refused}");
    assert!(bench.refused("RollbackStack", &[("StackName", "no")]).contains("does not exist"));
}

#[test]
fn a_creation_that_failed_can_be_tried_again_with_the_same_template() {
    let mut bench = Bench::new();
    bench.fail("Subnet", "CREATE");
    bench.ok("CreateStack", &[("StackName", "net"), ("TemplateBody", NET), ("OnFailure", "DO_NOTHING")]);
    bench.settle();
    let vpc = bench.id("net", "Vpc");
    bench.mend();
    bench.ok("UpdateStack", &[("StackName", "net"), ("UsePreviousTemplate", "true"), ("DisableRollback", "true")]);
    bench.settle();
    assert_eq!((bench.status("net"), bench.id("net", "Vpc")), ("UPDATE_COMPLETE", vpc), "{}", bench.story("net"));
}

#[test]
fn what_a_failure_has_left_as_it_was_is_updated_with_rollback_switched_off_only() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    bench.fail("Late", "CREATE");
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &late()), ("DisableRollback", "true")]);
    bench.settle();
    bench.mend();
    let refused = bench.refused("UpdateStack", &[("StackName", "net"), ("TemplateBody", NET)]);
    assert!(refused.contains("non-terminal [UPDATE_FAILED] state"), "{refused}");
    bench.ok("RollbackStack", &[("StackName", "net")]);
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn only_resources_whose_rollback_has_failed_can_be_passed_over() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    bench.fail("Late", "CREATE");
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &late())]);
    bench.wait(1500);
    bench.fail("Vpc", "UPDATE");
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_FAILED");
    for resource in ["Subnet", "Nobody"] {
        let params = [("StackName", "net"), ("ResourcesToSkip.member.1", resource)];
        let refused = bench.refused("ContinueUpdateRollback", &params);
        assert!(refused.contains(&format!("and {resource} is not")), "{refused}");
    }
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_FAILED");
}

#[test]
fn a_cancellation_is_done_once_for_its_token() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    bench.ok("UpdateStack", &[("StackName", "net"), ("TemplateBody", &named())]);
    bench.wait(500);
    let cancel = [("StackName", "net"), ("ClientRequestToken", "a")];
    bench.ok("CancelUpdateStack", &cancel);
    bench.ok("CancelUpdateStack", &cancel);
    assert!(bench.refused("CancelUpdateStack", &[("StackName", "net")]).contains("UPDATE_ROLLBACK_IN_PROGRESS"));
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn a_deletion_is_forced_only_after_it_has_failed() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let forced = [("StackName", "net"), ("DeletionMode", "FORCE_DELETE_STACK")];
    assert!(bench.refused("DeleteStack", &forced).contains("DELETE_FAILED"));
    assert!(bench.refused("DeleteStack", &[("StackName", "net"), ("DeletionMode", "SOFTLY")]).contains("SOFTLY"));
    bench.ok("DeleteStack", &[("StackName", "net"), ("DeletionMode", "STANDARD")]);
    bench.settle();
    assert!(bench.world.is_empty());
}
