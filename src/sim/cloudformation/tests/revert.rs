use super::drift::{HAND, by_hand, drifts, made};
use super::{Bench, NET};
use crate::sim::ec2::{tagging, vpc};

/// Makes a change set that takes drift back, and gives what it would do, one line for each change and each detail.
fn prepared(bench: &mut Bench, name: &str, template: &str) -> String {
    let ask =
        [("StackName", name), ("ChangeSetName", "c"), ("TemplateBody", template), ("DeploymentMode", "REVERT_DRIFT")];
    bench.ok("CreateChangeSet", &ask);
    bench.wait(1000);
    let set = bench.stack(name).change_sets.last().unwrap();
    let mut lines = vec![format!("{} {} {}", set.status, set.drift.unwrap(), set.reason.clone().unwrap_or_default())];
    for change in &set.changes {
        let drift = change.drift.map(|drift| format!(" ({drift})")).unwrap_or_default();
        lines.push(format!("{} {}{drift}", change.action, change.logical_id));
        for detail in &change.details {
            let name = detail.name.as_deref().unwrap_or(&detail.attribute);
            let drift = detail.drift.as_ref().map(|drift| format!(" was {:?}", drift.previous)).unwrap_or_default();
            lines.push(format!("  {name} {:?} -> {:?}{drift}", detail.before, detail.after));
        }
    }
    lines.join("\n")
}

fn executed(bench: &mut Bench, name: &str) {
    bench.ok("ExecuteChangeSet", &[("StackName", name), ("ChangeSetName", "c")]);
    bench.settle();
}

/// Looks for drift and gives what was found.
fn found(bench: &mut Bench, name: &str) -> String {
    bench.ok("DetectStackDrift", &[("StackName", name)]);
    bench.wait(3000);
    let drifts = drifts(bench, name);
    drifts.lines().filter(|line| !line.ends_with("IN_SYNC")).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_was_done_by_hand_is_taken_back_and_what_is_gone_made_again() {
    let mut bench = Bench::new();
    made(&mut bench);
    let subnet = bench.id("net", "Subnet");
    by_hand(&mut bench, "net");
    let prepared = prepared(&mut bench, "net", HAND);
    assert!(!prepared.contains("hunter2"), "{prepared}");
    insta::assert_snapshot!(prepared, @r#"
    CREATE_COMPLETE DRIFTED 
    Modify Vpc (MODIFIED)
      EnableDnsHostnames Some("false") -> Some("true") was Some("true")
      Tags Some("{\"Name\":\"my hub\",\"Purpose\":\"network\",\"Secret\":\"****\",\"aws:cloudformation:logical-id\":\"Vpc\",\"aws:cloudformation:stack-id\":\"arn:aws:cloudformation:us-east-1:111111111111:stack/net/910a2dec-8902-4cc1-beeb-8da1658eec67\",\"aws:cloudformation:stack-name\":\"net\"}") -> Some("{\"Name\":\"hub\",\"Purpose\":\"network\",\"Secret\":\"****\",\"aws:cloudformation:logical-id\":\"Vpc\",\"aws:cloudformation:stack-id\":\"arn:aws:cloudformation:us-east-1:111111111111:stack/net/910a2dec-8902-4cc1-beeb-8da1658eec67\",\"aws:cloudformation:stack-name\":\"net\"}") was Some("[{\"Key\":\"Name\",\"Value\":\"hub\"},{\"Key\":\"Purpose\",\"Value\":\"network\"},{\"Key\":\"Secret\",\"Value\":\"****\"}]")
    Add Subnet (DELETED)
    Modify Table (MODIFIED)
      Tags Some("{\"aws:cloudformation:logical-id\":\"Table\",\"aws:cloudformation:stack-id\":\"arn:aws:cloudformation:us-east-1:111111111111:stack/net/910a2dec-8902-4cc1-beeb-8da1658eec67\",\"aws:cloudformation:stack-name\":\"net\"}") -> Some("{\"Purpose\":\"network\",\"aws:cloudformation:logical-id\":\"Table\",\"aws:cloudformation:stack-id\":\"arn:aws:cloudformation:us-east-1:111111111111:stack/net/910a2dec-8902-4cc1-beeb-8da1658eec67\",\"aws:cloudformation:stack-name\":\"net\"}") was Some("[{\"Key\":\"Purpose\",\"Value\":\"network\"}]")
    Modify Gateway (MODIFIED)
      Tags Some("{\"aws:cloudformation:logical-id\":\"Gateway\",\"aws:cloudformation:stack-id\":\"arn:aws:cloudformation:us-east-1:111111111111:stack/net/910a2dec-8902-4cc1-beeb-8da1658eec67\",\"aws:cloudformation:stack-name\":\"net\"}") -> Some("{\"Purpose\":\"network\",\"aws:cloudformation:logical-id\":\"Gateway\",\"aws:cloudformation:stack-id\":\"arn:aws:cloudformation:us-east-1:111111111111:stack/net/910a2dec-8902-4cc1-beeb-8da1658eec67\",\"aws:cloudformation:stack-name\":\"net\"}") was Some("[{\"Key\":\"Purpose\",\"Value\":\"network\"}]")
    Modify Group (MODIFIED)
      SecurityGroupIngress Some("[{\"CidrIp\":\"0.0.0.0/0\",\"IpProtocol\":\"tcp\",\"FromPort\":443,\"ToPort\":443},{\"CidrIp\":\"192.0.2.0/24\",\"IpProtocol\":\"tcp\",\"FromPort\":22,\"ToPort\":22,\"Description\":\"for now\"}]") -> Some("[{\"IpProtocol\":\"tcp\",\"FromPort\":\"443\",\"ToPort\":443,\"CidrIp\":\"0.0.0.0/0\"}]") was Some("[{\"CidrIp\":\"0.0.0.0/0\",\"IpProtocol\":\"tcp\",\"FromPort\":443,\"ToPort\":443}]")
    Modify Rule (IN_SYNC)
      GroupId Some("sg-07ef1fd0ed1548fcd") -> Some("{{changeSet:KNOWN_AFTER_APPLY}}")
    "#);
    let told = bench
        .ok("DescribeChangeSet", &[("StackName", "net"), ("ChangeSetName", "c"), ("IncludePropertyValues", "true")]);
    assert!(
        told.contains("<DeploymentMode>REVERT_DRIFT</DeploymentMode>") && told.contains("<StackDriftStatus>DRIFTED<")
    );
    let vpc = told.split("<member><Type>").find(|one| one.contains(">Vpc<")).unwrap();
    let from = vpc.find("<Path>").unwrap();
    insta::assert_snapshot!(vpc[from..].split("</Target>").next().unwrap().replace("><", ">\n<"), @"
    <Path>/Properties/EnableDnsHostnames</Path>
    <BeforeValue>false</BeforeValue>
    <AfterValue>true</AfterValue>
    <BeforeValueFrom>ACTUAL_STATE</BeforeValueFrom>
    <AfterValueFrom>TEMPLATE</AfterValueFrom>
    <Drift>
    <PreviousValue>true</PreviousValue>
    <ActualValue>false</ActualValue>
    <DriftDetectionTimestamp>2026-01-01T00:00:04.000Z</DriftDetectionTimestamp>
    </Drift>
    <AttributeChangeType>Modify</AttributeChangeType>
    ");
    executed(&mut bench, "net");
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    assert_ne!(bench.id("net", "Subnet"), subnet);
    assert_eq!(bench.output("net", "SubnetId"), bench.id("net", "Subnet"));
    // A tag of somebody else's is left alone, and is still told of.
    insta::assert_snapshot!(found(&mut bench, "net"), @r#"
    Vpc MODIFIED
      ADD /Tags/0 null -> {"Key":"Mine","Value":"1"}
    "#);
}

#[test]
fn a_stack_that_has_not_drifted_gives_an_empty_change_set() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    insta::assert_snapshot!(prepared(&mut bench, "net", NET), @"FAILED IN_SYNC The submitted information didn't contain changes. Submit different information to create a change set.");
    let refused = bench.refused(
        "CreateChangeSet",
        &[
            ("StackName", "new"),
            ("ChangeSetName", "c"),
            ("ChangeSetType", "CREATE"),
            ("TemplateBody", NET),
            ("DeploymentMode", "REVERT_DRIFT"),
        ],
    );
    insta::assert_snapshot!(refused, @"ValidationError: DeploymentMode REVERT_DRIFT can only be used to update a stack");
}

#[test]
fn a_template_that_follows_what_is_there_changes_nothing_but_what_is_expected() {
    let mut bench = Bench::new();
    bench.created("net", &NET.replace("{CidrBlock: !Ref Range}", "{CidrBlock: !Ref Range, EnableDnsHostnames: false}"));
    let (place, own) = (bench.place.clone(), bench.id("net", "Vpc"));
    vpc::get_mut(&mut bench.world, &place, &own).unwrap().dns_hostnames = true;
    let follows = NET.replace("{CidrBlock: !Ref Range}", "{CidrBlock: !Ref Range, EnableDnsHostnames: true}");
    insta::assert_snapshot!(prepared(&mut bench, "net", &follows), @r#"
    CREATE_COMPLETE DRIFTED 
    SyncWithActual Vpc (MODIFIED)
      EnableDnsHostnames Some("false") -> Some("true") was Some("false")
    "#);
    let before = bench.stack("net").events.len();
    executed(&mut bench, "net");
    let story = bench.story("net");
    assert!(!story.lines().skip(before).any(|line| line.contains("Vpc")), "{story}");
    assert_eq!(found(&mut bench, "net"), "");
}

#[test]
fn a_property_that_is_followed_is_only_noted_where_another_is_taken_back() {
    let mut bench = Bench::new();
    let with = |names: bool| {
        let properties = format!("{{CidrBlock: !Ref Range, EnableDnsHostnames: {names}, EnableDnsSupport: true}}");
        NET.replace("{CidrBlock: !Ref Range}", &properties)
    };
    bench.created("net", &with(false));
    let (place, own) = (bench.place.clone(), bench.id("net", "Vpc"));
    let vpc = vpc::get_mut(&mut bench.world, &place, &own).unwrap();
    (vpc.dns_hostnames, vpc.dns_support) = (true, false);
    insta::assert_snapshot!(prepared(&mut bench, "net", &with(true)), @r#"
    CREATE_COMPLETE DRIFTED 
    Modify Vpc (MODIFIED)
      EnableDnsSupport Some("false") -> Some("true") was Some("true")
      EnableDnsHostnames Some("false") -> Some("true") was Some("false")
    "#);
    let told = bench
        .ok("DescribeChangeSet", &[("StackName", "net"), ("ChangeSetName", "c"), ("IncludePropertyValues", "true")]);
    let of = |name: &str| {
        let from = told.find(&format!("/Properties/{name}<")).unwrap();
        told[from..].split("</Target>").next().unwrap().to_owned()
    };
    let (followed, back) = (of("EnableDnsHostnames"), of("EnableDnsSupport"));
    assert!(followed.contains(">SyncWithActual<") && followed.contains(">PREVIOUS_DEPLOYMENT_STATE<"), "{followed}");
    assert!(back.contains(">Modify<") && back.contains(">ACTUAL_STATE<"), "{back}");
    executed(&mut bench, "net");
    assert_eq!(found(&mut bench, "net"), "");
    let vpc = &bench.world.ec2(&bench.place).vpcs[&own];
    assert!(vpc.dns_hostnames && vpc.dns_support);
}

#[test]
fn a_revert_that_fails_goes_back_to_what_was_really_there() {
    let mut bench = Bench::new();
    made(&mut bench);
    let (own, subnet) = (bench.id("net", "Vpc"), bench.id("net", "Subnet"));
    by_hand(&mut bench, "net");
    let before = found(&mut bench, "net");
    prepared(&mut bench, "net", HAND);
    bench.fail("Group", "UPDATE");
    executed(&mut bench, "net");
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_COMPLETE", "{}", bench.story("net"));
    assert!(!bench.world.ec2(&bench.place).vpcs[&own].dns_hostnames);
    assert_eq!(bench.id("net", "Subnet"), subnet);
    bench.mend();
    assert_eq!(found(&mut bench, "net"), before);
    bench.ok("DeleteChangeSet", &[("StackName", "net"), ("ChangeSetName", "c")]);
    prepared(&mut bench, "net", HAND);
    executed(&mut bench, "net");
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    assert!(bench.world.ec2(&bench.place).vpcs[&own].dns_hostnames);
}

#[test]
fn what_drifts_after_the_change_set_was_made_is_left() {
    let mut bench = Bench::new();
    made(&mut bench);
    let (place, own, table) = (bench.place.clone(), bench.id("net", "Vpc"), bench.id("net", "Table"));
    vpc::get_mut(&mut bench.world, &place, &own).unwrap().dns_hostnames = false;
    prepared(&mut bench, "net", HAND);
    tagging::delete(&mut bench.world, &place, &[&table], &[("Purpose".to_owned(), None)]).unwrap();
    executed(&mut bench, "net");
    insta::assert_snapshot!(found(&mut bench, "net"), @r#"
    Table MODIFIED
      REMOVE /Tags/0 {"Key":"Purpose","Value":"network"} -> null
    "#);
}
