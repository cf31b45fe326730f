//! `DescribeStackEvents` and `DescribeEvents`.

use super::super::config::invalid;
use super::super::event::Event;
use super::super::past::Seen;
use super::super::stack::Stack;
use super::request::{required, stack_name};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

/// How many events a page has.
const PAGE: usize = 100;

/// An event of a stack, and how many there are before it.
type Numbered<'a> = (usize, &'a Event);

/// A page of a stack's events, newest first. Tokens count from the oldest, so that new events move no page.
fn page<T: Copy>(
    xml: &mut Xml,
    name: &str,
    params: &Params,
    events: &[T],
    each: impl FnMut(&mut Xml, T),
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
    let Some(stack) = Seen::of(world, place).find(name) else {
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

/// What `DescribeEvents` tells of.
#[derive(Clone, Copy)]
enum Told<'a> {
    /// An event of a resource, or of the stack as one.
    Of(Numbered<'a>),
    /// Where an operation is, as of this event: `IN_PROGRESS` at its first, `SUCCEEDED` or `FAILED` at its end.
    Operation(Numbered<'a>, &'static str),
}

impl Told<'_> {
    fn operation(&self) -> &str {
        let (Self::Of((_, event)) | Self::Operation((_, event), _)) = self;
        &event.operation
    }

    fn has_failed(&self) -> bool {
        match self {
            Self::Of((_, event)) => event.status.ends_with("_FAILED"),
            Self::Operation(_, status) => *status == "FAILED",
        }
    }
}

/// All that is told of a stack, oldest first. What takes back a failed operation is an operation of its own.
fn told(stack: &Stack) -> Vec<Told<'_>> {
    let mut told = Vec::new();
    let of_stack = |event: &Event| event.physical_id.as_deref() == Some(stack.id.as_str());
    let mut events = stack.events.iter().enumerate().peekable();
    let mut current: Option<&Event> = None;
    while let Some((number, event)) = events.next() {
        if current.is_none_or(|current| current.operation != event.operation) {
            told.push(Told::Operation((number, event), "IN_PROGRESS"));
            current = Some(event);
        }
        told.push(Told::Of((number, event)));
        let is_last = events.peek().is_none_or(|(_, next)| next.operation != event.operation);
        let end = match &*event.status {
            status if of_stack(event) && status.ends_with("_COMPLETE") => Some("SUCCEEDED"),
            status if of_stack(event) && status.ends_with("_FAILED") => Some("FAILED"),
            // Another operation goes on from here.
            "REVIEW_IN_PROGRESS" => events.peek().map(|_| "SUCCEEDED"),
            _ => events.peek().map(|_| "FAILED"),
        };
        told.extend(end.filter(|_| is_last).map(|end| Told::Operation((number, event), end)));
    }
    told
}

/// The sort of an operation, by the status that it begins with.
fn sort(first: &Event) -> &'static str {
    match &*first.status {
        "CREATE_IN_PROGRESS" => "CREATE_STACK",
        "UPDATE_IN_PROGRESS" => "UPDATE_STACK",
        "DELETE_IN_PROGRESS" => "DELETE_STACK",
        "REVIEW_IN_PROGRESS" => "CREATE_CHANGESET",
        _ => "ROLLBACK",
    }
}

/// See <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html>.
pub(super) fn describe_events(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let service = Seen::of(world, place);
    let (operation, filters) = (params.get("OperationId"), params.structure("Filters"));
    let stack: &Stack = if let (None, Some(operation)) = (params.get("StackName"), operation) {
        let known = |stack: &&Stack| stack.events.iter().any(|event| event.operation == operation);
        let missing = || invalid(format!("Operation [{operation}] does not exist"));
        service.all().into_iter().find(known).ok_or_else(missing)?
    } else {
        let name = required(params, "StackName", "stackName")?;
        service.find(name).ok_or_else(|| invalid(format!("Stack [{name}] does not exist")))?
    };
    let failed_only = filters.flag("FailedEvents");
    let wanted = |told: &Told<'_>| {
        operation.is_none_or(|operation| told.operation() == operation) && (!failed_only || told.has_failed())
    };
    let events: Vec<Told<'_>> = told(stack).into_iter().filter(wanted).collect();
    let mut xml = Xml::new();
    page(&mut xml, "OperationEvents", params, &events, |xml, told| match told {
        Told::Operation((number, event), status) => {
            let first = stack.events.iter().find(|first| first.operation == event.operation).unwrap_or(event);
            xml.text("EventId", format!("{}-{status}-{number}", event.operation)).text("StackId", &stack.id);
            xml.text("OperationId", &event.operation).text("OperationType", sort(first));
            xml.text("OperationStatus", status).text("EventType", "STACK_EVENT").time("Timestamp", event.at);
            xml.maybe("ClientRequestToken", event.token.as_ref());
        }
        Told::Of((number, event)) => {
            xml.text("EventId", event.id(number)).text("StackId", &stack.id).text("OperationId", &event.operation);
            let failed = event.status.ends_with("_FAILED") && event.physical_id.as_deref() != Some(stack.id.as_str());
            xml.text("EventType", if failed { "PROVISIONING_ERROR" } else { "PROGRESS_EVENT" });
            details(xml, event);
        }
    })?;
    Ok(xml)
}
