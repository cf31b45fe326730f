//! `DescribeStackEvents` and `DescribeEvents`.

use super::super::config::invalid;
use super::super::event::Event;
use super::super::stack::Stack;
use super::request::{required, stack_name};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

/// How many events a page has.
const PAGE: usize = 100;

/// An event of a stack, and how many there are before it.
type Numbered<'a> = (usize, &'a Event);

/// A page of a stack's events, newest first. Tokens count from the oldest, so that new events move no page.
fn page<'a>(
    xml: &mut Xml,
    name: &str,
    params: &Params,
    events: &[Numbered<'a>],
    each: impl FnMut(&mut Xml, Numbered<'a>),
) -> Result<(), ApiError> {
    let end = match params.get("NextToken") {
        None => events.len(),
        Some(token) => token.parse::<usize>().map_err(|_| invalid("NextToken is invalid"))?.min(events.len()),
    };
    let start = end.saturating_sub(PAGE);
    xml.list(name, "member", events[start..end].iter().rev().copied(), each);
    xml.maybe("NextToken", (start > 0).then_some(start));
    Ok(())
}

pub(super) fn describe_stack_events(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let name = stack_name(params)?;
    let Some(stack) = world.at(place).cloudformation.find(name) else {
        return Err(invalid(format!("Stack [{name}] does not exist")));
    };
    let mut xml = Xml::new();
    let events: Vec<Numbered<'_>> = stack.events.iter().enumerate().collect();
    page(&mut xml, "StackEvents", params, &events, |xml, (number, event)| {
        xml.text("StackId", &stack.id).text("EventId", event.id(number)).text("StackName", &stack.name);
        xml.text("OperationId", &event.operation);
        details(xml, event);
    })?;
    Ok(xml)
}

fn details(xml: &mut Xml, event: &Event) {
    xml.text("LogicalResourceId", &event.logical_id).maybe("PhysicalResourceId", event.physical_id.as_ref());
    xml.text("ResourceType", &event.resource_type).time("Timestamp", event.at);
    xml.text("ResourceStatus", &event.status).maybe("ResourceStatusReason", event.reason.as_ref());
    let properties = event.properties.as_deref().and_then(|properties| serde_json::to_string(properties).ok());
    xml.maybe("ResourceProperties", properties);
    xml.maybe("ClientRequestToken", event.token.as_ref());
}

/// See <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html>.
pub(super) fn describe_events(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let service = &world.at(place).cloudformation;
    let (operation, filters) = (params.get("OperationId"), params.structure("Filters"));
    let stack: &Stack = if let (None, Some(operation)) = (params.get("StackName"), operation) {
        let known = |stack: &&Stack| stack.events.iter().any(|event| event.operation == operation);
        let missing = || invalid(format!("Operation [{operation}] does not exist"));
        service.all().find(known).ok_or_else(missing)?
    } else {
        let name = required(params, "StackName", "stackName")?;
        service.find(name).ok_or_else(|| invalid(format!("Stack [{name}] does not exist")))?
    };
    let failed_only = filters.flag("FailedEvents");
    let wanted = |(_, event): &Numbered<'_>| {
        operation.is_none_or(|operation| event.operation == operation)
            && (!failed_only || event.status.ends_with("_FAILED"))
    };
    let events: Vec<Numbered<'_>> = stack.events.iter().enumerate().filter(wanted).collect();
    let mut xml = Xml::new();
    page(&mut xml, "OperationEvents", params, &events, |xml, (number, event)| {
        xml.text("EventId", event.id(number)).text("StackId", &stack.id).text("OperationId", &event.operation);
        let of_stack = event.physical_id.as_deref() == Some(stack.id.as_str());
        let failed = event.status.ends_with("_FAILED");
        xml.text(
            "EventType",
            if of_stack {
                "STACK_EVENT"
            } else if failed {
                "PROVISIONING_ERROR"
            } else {
                "PROGRESS_EVENT"
            },
        );
        details(xml, event);
    })?;
    Ok(xml)
}
