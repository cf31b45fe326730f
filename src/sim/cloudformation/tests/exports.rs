use super::Bench;

const GIVES: &str = "
Parameters: {Range: {Type: String, Default: 10.0.0.0/16}}
Resources: {Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}}
Outputs: {Id: {Value: !Ref Vpc, Export: {Name: !Sub '${AWS::StackName}-vpc'}}}
";

const TAKES: &str = "
Resources: {Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !ImportValue net-vpc}}}
";

#[test]
fn an_export_is_imported_and_cannot_go_while_it_is() {
    let mut bench = Bench::new();
    bench.created("net", GIVES);
    bench.created("app", TAKES);
    assert!(bench.ok("ListExports", &[]).contains("<Name>net-vpc</Name>"));
    assert!(bench.ok("ListImports", &[("ExportName", "net-vpc")]).contains("<member>app</member>"));
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert_eq!(bench.status("net"), "DELETE_FAILED");
    insta::assert_snapshot!(bench.stack("net").reason.clone().unwrap(), @"Delete canceled. Cannot delete export net-vpc as it is in use by app.");
    bench.ok("DeleteStack", &[("StackName", "app")]);
    bench.settle();
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert!(bench.world.is_empty());
}

#[test]
fn an_export_in_use_cannot_change() {
    let mut bench = Bench::new();
    bench.created("net", GIVES);
    bench.created("app", TAKES);
    let id = bench.id("net", "Vpc");
    bench.updated("net", &GIVES.replace("10.0.0.0/16", "10.1.0.0/16"));
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_COMPLETE", "{}", bench.story("net"));
    assert_eq!(bench.id("net", "Vpc"), id);
    assert!(bench.story("net").contains("Cannot update export net-vpc as it is in use by app"));
}

#[test]
fn a_name_is_exported_once() {
    let mut bench = Bench::new();
    let fixed = GIVES.replace("!Sub '${AWS::StackName}-vpc'", "shared");
    bench.created("one", &fixed);
    bench.create("two", &fixed);
    bench.settle();
    assert_eq!(bench.status("two"), "ROLLBACK_COMPLETE");
    assert!(bench.story("two").contains("Export with name shared is already exported by stack one"));
}

#[test]
fn an_import_of_nothing_fails_the_stack() {
    let mut bench = Bench::new();
    bench.create("app", TAKES);
    bench.settle();
    assert_eq!(bench.status("app"), "ROLLBACK_COMPLETE");
    assert!(bench.story("app").contains("Table CREATE_FAILED: No export named net-vpc found"));
}
