//! Drift that is brought back, over the embedded AWS.

use super::super::tests::{DEV, ec2};
use super::tests::World;
use super::*;

#[tokio::test(start_paused = true)]
async fn what_was_changed_by_hand_is_brought_back_when_asked_for_and_left_otherwise() {
    let mut world = World::new().await;
    let done = world.converge().await.unwrap();
    let client = ec2(&world.sim, DEV, "us-east-1");
    let (vpc, table) = (&done.outputs["VPCId"], &done.outputs["RouteTableId"]);
    let renamed = aws_sdk_ec2::types::Tag::builder().key("Name").value("mine").build();
    client.create_tags().resources(vpc).tags(renamed).send().await.unwrap();
    client.delete_route_table().route_table_id(table).send().await.unwrap();
    let (left, calls) = world.calls().await;
    assert_eq!((left.change, calls.iter().any(|call| call == "CreateChangeSet")), (Change::Unchanged, false));
    world.wanted.reverts_drift = true;
    let back = world.converge().await.unwrap();
    assert_eq!(back.change, Change::Updated);
    assert_eq!(back.details, ["Modify Vpc (AWS::EC2::VPC)", "Add Table (AWS::EC2::RouteTable)"]);
    assert_eq!(&back.outputs["VPCId"], vpc);
    assert_ne!(&back.outputs["RouteTableId"], table);
    // Then there is nothing left to bring back, which only a change set can tell: it is deleted.
    let (again, calls) = world.calls().await;
    assert_eq!((again.change, calls.last().map(String::as_str)), (Change::Unchanged, Some("DeleteChangeSet")));
}
