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

#[test]
fn an_import_is_given_back_when_it_is_used_no_longer() {
    let mut bench = Bench::new();
    bench.created("net", GIVES);
    let alone = "Resources: {Gateway: {Type: AWS::EC2::InternetGateway}}";
    let both = "
Resources:
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !ImportValue net-vpc}}
  Gateway: {Type: AWS::EC2::InternetGateway}
";
    bench.created("app", both);
    bench.updated("app", alone);
    assert!(bench.stack("app").imports.is_empty());

    bench.fail("Gateway", "UPDATE");
    let failing = both.replace(
        "{Type: AWS::EC2::InternetGateway}",
        "{Type: AWS::EC2::InternetGateway, DependsOn: Table, Properties: {Tags: [{Key: a, Value: b}]}}",
    );
    bench.updated("app", &failing);
    assert_eq!(bench.status("app"), "UPDATE_ROLLBACK_COMPLETE", "{}", bench.story("app"));
    assert!(bench.stack("app").imports.is_empty(), "the update that has failed has used it");
    bench.mend();

    bench.fail("Late", "CREATE");
    bench.create("new", &format!("{both}  Late: {{Type: AWS::EC2::InternetGateway, DependsOn: Table}}\n"));
    bench.settle();
    assert_eq!(bench.status("new"), "ROLLBACK_COMPLETE");
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert!(bench.world.at(&bench.place).cloudformation.find("net").is_none(), "nobody needs its export any more");
}

#[test]
fn an_update_that_is_taken_back_keeps_what_the_stack_has_imported() {
    let mut bench = Bench::new();
    bench.created("net", GIVES);
    let takes = "
Resources: {Gateway: {Type: AWS::EC2::InternetGateway}}
Outputs: {Vpc: {Value: !ImportValue net-vpc}}
";
    bench.created("app", takes);
    bench.fail("Gateway", "UPDATE");
    let next = takes.replace("!ImportValue net-vpc", "none").replace(
        "{Type: AWS::EC2::InternetGateway}",
        "{Type: AWS::EC2::InternetGateway, Properties: {Tags: [{Key: a, Value: b}]}}",
    );
    bench.updated("app", &next);
    assert_eq!(bench.status("app"), "UPDATE_ROLLBACK_COMPLETE", "{}", bench.story("app"));
    assert_eq!(bench.stack("app").imports.iter().collect::<Vec<_>>(), ["net-vpc"]);
}
