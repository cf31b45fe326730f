use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::{BehaviorVersion, Region};
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{
    Capability, ChangeSetStatus, ChangeSetType, EventFilter, EventType, Parameter, Replacement, ResourceStatus,
    StackStatus, Tag,
};

use super::{ACCOUNT, NET};
use crate::sim::Sim;

fn client(sim: &Sim, account: &str) -> Client {
    Client::from_conf(
        aws_sdk_cloudformation::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(sim.http_client())
            .time_source(sim.time_source())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .credentials_provider(sim.credentials(account))
            .region(Region::new("us-east-1"))
            .build(),
    )
}

async fn status(client: &Client, name: &str) -> StackStatus {
    let stacks = client.describe_stacks().stack_name(name).send().await.unwrap();
    stacks.stacks()[0].stack_status().unwrap().clone()
}

async fn settled(client: &Client, name: &str) -> StackStatus {
    loop {
        let status = status(client, name).await;
        if !status.as_str().ends_with("_IN_PROGRESS") {
            return status;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_lives_its_life_under_the_real_client() {
    let sim = Sim::builder().build();
    let client = client(&sim, ACCOUNT);
    let created = client
        .create_stack()
        .stack_name("net")
        .template_body(NET)
        .parameters(Parameter::builder().parameter_key("Part").parameter_value("10.0.7.0/24").build())
        .tags(Tag::builder().key("Purpose").value("Infrastructure").build())
        .capabilities(Capability::CapabilityIam)
        .client_request_token("token")
        .send()
        .await
        .unwrap();
    let arn = created.stack_id().unwrap();
    assert!(arn.starts_with("arn:aws:cloudformation:us-east-1:111111111111:stack/net/"));
    assert_eq!(status(&client, "net").await, StackStatus::CreateInProgress);
    assert_eq!(settled(&client, "net").await, StackStatus::CreateComplete);
    let stacks = client.describe_stacks().stack_name(arn).send().await.unwrap();
    let stack = &stacks.stacks()[0];
    let part = stack.parameters().iter().find(|parameter| parameter.parameter_key() == Some("Part")).unwrap();
    assert_eq!(part.parameter_value(), Some("10.0.7.0/24"));
    assert_eq!(stack.tags()[0].value(), Some("Infrastructure"));
    let range = stack.outputs().iter().find(|output| output.output_key() == Some("Range")).unwrap();
    assert_eq!(range.output_value(), Some("10.0.0.0/16"));
    let events = client.describe_stack_events().stack_name("net").send().await.unwrap();
    let newest = &events.stack_events()[0];
    assert_eq!(newest.resource_status(), Some(&ResourceStatus::CreateComplete));
    assert_eq!((newest.logical_resource_id(), newest.client_request_token()), (Some("net"), Some("token")));
    let resources = client.list_stack_resources().stack_name("net").send().await.unwrap();
    assert_eq!(resources.stack_resource_summaries().len(), 4);
    let all = client.describe_stack_resources().stack_name("net").send().await.unwrap();
    assert_eq!(all.stack_resources().len(), 4);
    let template = client.get_template().stack_name("net").send().await.unwrap();
    assert_eq!(template.template_body(), Some(NET));
    client.delete_stack().stack_name("net").send().await.unwrap();
    assert_eq!(settled(&client, arn).await, StackStatus::DeleteComplete);
    let gone = client.describe_stacks().stack_name("net").send().await.unwrap_err();
    assert_eq!(gone.message(), Some("Stack with id net does not exist"));
    assert!(sim.is_empty().unwrap());
    let listed = client.list_stacks().stack_status_filter(StackStatus::DeleteComplete).send().await.unwrap();
    assert_eq!(listed.stack_summaries()[0].stack_name(), Some("net"));
}

#[tokio::test(start_paused = true)]
async fn a_change_set_is_made_read_and_executed() {
    let sim = Sim::builder().build();
    let client = client(&sim, ACCOUNT);
    client.create_stack().stack_name("net").template_body(NET).send().await.unwrap();
    settled(&client, "net").await;
    let next = NET.replace("10.0.1.0/24", "10.0.2.0/24");
    let made =
        client.create_change_set().stack_name("net").change_set_name("c").template_body(next).send().await.unwrap();
    let described = loop {
        let described = client
            .describe_change_set()
            .change_set_name(made.id().unwrap())
            .include_property_values(true)
            .send()
            .await
            .unwrap();
        if described.status() != Some(&ChangeSetStatus::CreateInProgress) {
            break described;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    assert_eq!(described.status(), Some(&ChangeSetStatus::CreateComplete));
    let change = described.changes()[0].resource_change().unwrap();
    assert_eq!((change.logical_resource_id(), change.replacement()), (Some("Subnet"), Some(&Replacement::True)));
    let target = change.details()[0].target().unwrap();
    assert_eq!((target.name(), target.after_value()), (Some("CidrBlock"), Some("10.0.2.0/24")));
    client.execute_change_set().change_set_name("c").stack_name("net").send().await.unwrap();
    assert_eq!(settled(&client, "net").await, StackStatus::UpdateComplete);
    let unknown = client.describe_change_set().change_set_name("x").stack_name("net").send().await.unwrap_err();
    assert!(unknown.into_service_error().is_change_set_not_found_exception());
    let again = client.create_stack().stack_name("net").template_body(NET).send().await.unwrap_err();
    assert!(again.into_service_error().is_already_exists_exception());
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_is_found_by_the_operation() {
    let sim = Sim::builder().build();
    let client = client(&sim, ACCOUNT);
    let template = NET.replace("Default: 10.0.1.0/24", "Default: 10.9.1.0/24");
    let created = client.create_stack().stack_name("net").template_body(template).send().await.unwrap();
    assert_eq!(settled(&client, "net").await, StackStatus::RollbackComplete);
    let events = client
        .describe_events()
        .operation_id(created.operation_id().unwrap())
        .filters(EventFilter::builder().failed_events(true).build())
        .send()
        .await
        .unwrap();
    let first = events.operation_events().last().unwrap();
    assert_eq!(first.logical_resource_id(), Some("Subnet"));
    assert!(first.resource_status_reason().unwrap().contains("The CIDR '10.9.1.0/24' is invalid."));
}

#[tokio::test(start_paused = true)]
async fn a_change_set_that_has_created_a_stack_is_an_operation_that_did_not_fail() {
    let sim = Sim::builder().build();
    let client = client(&sim, ACCOUNT);
    let make = client.create_change_set().stack_name("net").change_set_name("c").template_body(NET);
    make.change_set_type(ChangeSetType::Create).send().await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    client.execute_change_set().change_set_name("c").stack_name("net").send().await.unwrap();
    assert_eq!(settled(&client, "net").await, StackStatus::CreateComplete);
    let events = client.describe_events().stack_name("net").send().await.unwrap();
    let said = events.operation_events().iter().filter_map(|event| {
        let status = event.operation_status()?;
        Some(format!("{}: {}", event.operation_type()?.as_str(), status.as_str()))
    });
    let said: Vec<String> = said.collect();
    let [create, change_set] =
        ["CREATE_STACK", "CREATE_CHANGESET"].map(|kind| [format!("{kind}: SUCCEEDED"), format!("{kind}: IN_PROGRESS")]);
    assert_eq!(said, [create, change_set].concat());
}

#[tokio::test(start_paused = true)]
async fn what_takes_back_a_failed_operation_is_an_operation_of_its_own_with_the_same_token() {
    let sim = Sim::builder().build();
    let client = client(&sim, ACCOUNT);
    let template = NET.replace("Default: 10.0.1.0/24", "Default: 10.9.1.0/24");
    let create = client.create_stack().stack_name("net").template_body(template).client_request_token("ours");
    let created = create.send().await.unwrap().operation_id.unwrap();
    assert_eq!(settled(&client, "net").await, StackStatus::RollbackComplete);
    let stacks = client.describe_stacks().stack_name("net").send().await.unwrap();
    let operations: Vec<(&str, &str)> = stacks.stacks()[0]
        .last_operations()
        .iter()
        .map(|operation| (operation.operation_type().unwrap().as_str(), operation.operation_id().unwrap()))
        .collect();
    assert_eq!((operations[0].0, operations[1]), ("ROLLBACK", ("CREATE_STACK", created.as_str())));
    let mut told = Vec::new();
    for (_, id) in &operations {
        let events = client.describe_events().operation_id(*id).send().await.unwrap();
        let events = events.operation_events();
        assert!(events.iter().all(|event| event.client_request_token() == Some("ours")));
        let of_stack = events.iter().filter(|event| event.logical_resource_id().is_none_or(|id| id == "net"));
        let said = of_stack.map(|event| match event.event_type().unwrap() {
            EventType::StackEvent => {
                assert!(event.resource_status().is_none());
                let kind = event.operation_type().unwrap();
                format!("{}: {}", kind.as_str(), event.operation_status().unwrap().as_str())
            }
            kind => format!("{} {}", kind.as_str(), event.resource_status().unwrap().as_str()),
        });
        told.push(said.collect::<Vec<_>>().join(", "));
    }
    // The newest first.
    assert_eq!(
        told,
        [
            "ROLLBACK: SUCCEEDED, PROGRESS_EVENT ROLLBACK_COMPLETE, PROGRESS_EVENT ROLLBACK_IN_PROGRESS, ROLLBACK: IN_PROGRESS",
            "CREATE_STACK: FAILED, PROGRESS_EVENT CREATE_IN_PROGRESS, CREATE_STACK: IN_PROGRESS",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn long_lists_come_in_pages_and_accounts_apart() {
    let sim = Sim::builder().build();
    let here = client(&sim, ACCOUNT);
    let template = "Resources: {G: {Type: AWS::EC2::InternetGateway}}";
    for number in 0..120 {
        here.create_stack().stack_name(format!("s{number:03}")).template_body(template).send().await.unwrap();
    }
    let mut pages = here.describe_stacks().into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().stacks().len());
    }
    assert_eq!(sizes, [100, 20]);
    let there = client(&sim, "222222222222");
    assert!(there.describe_stacks().send().await.unwrap().stacks().is_empty());
    let gateways: Vec<String> =
        (0..60).map(|number| format!("G{number}: {{Type: AWS::EC2::InternetGateway}}")).collect();
    let template = format!("Resources:\n  {}", gateways.join("\n  "));
    here.create_stack().stack_name("many").template_body(template).send().await.unwrap();
    settled(&here, "many").await;
    let mut pages = here.describe_stack_events().stack_name("many").into_paginator().send();
    let mut events = Vec::new();
    while let Some(page) = pages.next().await {
        events.extend(page.unwrap().stack_events().iter().map(|event| event.event_id().unwrap().to_owned()));
    }
    let count = events.len();
    events.sort();
    events.dedup();
    assert_eq!((count, events.len()), (182, 182));
}
