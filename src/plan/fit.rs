//! Whether a value can stand where it stands, as far as that is certain before any call.

use ipnet::IpNet;
use serde_json::Value as Json;

use super::codes;
use super::problems::Problems;
use super::value::{Outline, Value, sort_of};
use crate::diag::Span;
use crate::expr::Shape;

/// A check of one value, which reports what it finds.
pub(super) type Fit = fn(&Value, &mut Problems);

/// What a parameter or a tag can be.
const PLAIN: &str = "a text, a number, true, false or a list of them is needed";

/// What the targets of a route begin with:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html>.
const TARGETS: [&str; 11] = ["pcx-", "tgw-", "nat-", "igw-", "vgw-", "eigw-", "eni-", "i-", "vpce-", "lgw-", "cagw-"];

const TARGET_HELP: &str = "write the target's id, or what gives it, such as {{ peerings.NAME.id }}; an id begins with \
    pcx-, tgw-, nat-, igw-, vgw-, eigw-, eni-, i-, vpce-, lgw- or cagw-";

/// A parameter or a tag: something plain, or a list of plain things. `what` names it.
pub(super) fn plain(value: &Value, what: &str, problems: &mut Problems) {
    let mut refuse = |span: &Span, is: &str| {
        let help =
            |_: &_| format!("{what} is given as text: name what is inside, as in PATH.KEY, or make a text with join");
        problems.error_with(codes::WRONG_TYPE, span, format!("this is {is}, but {PLAIN}"), help);
    };
    let inside = |value: &Json| match value {
        Json::Array(_) => Some("a list inside a list"),
        Json::Object(_) => Some("a table inside a list"),
        _ => None,
    };
    match value.outline() {
        Outline::Value(Json::Array(items)) => {
            if let Some(is) = items.iter().find_map(inside) {
                refuse(value.span(), is);
            }
        }
        Outline::Value(other) => {
            if other.is_object() || other.is_null() {
                refuse(value.span(), sort_of(other));
            }
        }
        Outline::Shape(_) | Outline::Lost => {}
        Outline::List(items) => {
            for item in items {
                match item.outline() {
                    Outline::Value(found) => {
                        if let Some(is) = inside(found) {
                            refuse(item.span(), is);
                        }
                    }
                    Outline::Shape(Shape::List) | Outline::List(_) => refuse(item.span(), "a list inside a list"),
                    Outline::Shape(_) | Outline::Lost => {}
                }
            }
        }
    }
}

/// The name of what holds a parameter's value.
pub(super) fn named(value: &Value, problems: &mut Problems) {
    let help = "write its name or ARN, or the output that has it: {{ stacks.NAME.outputs.OUTPUT }}";
    one_text(value, "the name or ARN of what holds the value", &|text| !text.trim().is_empty(), help, problems);
}

/// The id of a VPC.
pub(super) fn vpc(value: &Value, problems: &mut Problems) {
    let help = "write its id, which begins with vpc-, or the output that has it: {{ stacks.NAME.outputs.OUTPUT }}";
    let fits = |text: &str| after(text, "vpc-");
    one_text(value, "the id of a VPC", &fits, help, problems);
}

/// The destination of a route.
pub(super) fn destination(value: &Value, problems: &mut Problems) {
    let help = "write an IPv4 or IPv6 CIDR block such as 10.0.0.0/16, or a prefix list's id: pl-…";
    let fits = |text: &str| after(text, "pl-") || text.parse::<IpNet>().is_ok();
    one_text(value, "a destination of a route", &fits, help, problems);
}

/// The target of a route.
pub(super) fn target(value: &Value, problems: &mut Problems) {
    let fits = |text: &str| {
        let is_core_network = text.starts_with("arn:") && text.contains(":core-network/");
        is_core_network || TARGETS.iter().any(|prefix| after(text, prefix))
    };
    one_text(value, "something that a route can lead to", &fits, TARGET_HELP, problems);
}

/// The route tables of a route, of which each may be a list itself.
pub(super) fn tables(tables: &[Value], problems: &mut Problems) {
    let help = "write ids, which begin with rtb-, or outputs that have them: {{ stacks.NAME.outputs.OUTPUT }}";
    let fits = |text: &str| after(text, "rtb-");
    let mut any = false;
    for table in tables {
        let mut one = |value: &Value| {
            one_text(value, "the id of a route table", &fits, help, problems);
        };
        match table.outline() {
            Outline::Value(Json::Array(items)) => {
                any |= !items.is_empty();
                // Each stands at the place of the list: it has none of its own.
                for item in items {
                    one(&Value::known(table.span().clone(), item.clone().into()));
                }
            }
            Outline::List(items) => {
                any |= !items.is_empty();
                items.iter().for_each(one);
            }
            Outline::Shape(Shape::List) | Outline::Lost => any = true,
            Outline::Value(_) | Outline::Shape(_) => {
                any = true;
                one(table);
            }
        }
    }
    if let (Some(first), false) = (tables.first(), any) {
        let help = "name at least one route table, or take the route away";
        problems.error(codes::EMPTY, first.span(), "this gives no route table at all", help);
    }
}

/// The ARN of an alarm, or a list of such.
pub(super) fn alarm(value: &Value, problems: &mut Problems) {
    let help = "write its ARN, arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME, or the output that has it";
    arns(value, "the ARN of an alarm", ":alarm:", "cloudwatch", help, problems);
}

/// The ARN of a topic, or a list of such.
pub(super) fn topic(value: &Value, problems: &mut Problems) {
    let help = "write its ARN, arn:aws:sns:REGION:ACCOUNT:NAME, or the output that has it";
    arns(value, "the ARN of a topic", ":", "sns", help, problems);
}

/// The ARN of a role.
pub(super) fn service_role(value: &Value, problems: &mut Problems) {
    let help = "write its ARN, such as arn:aws:iam::{{ accounts.NAME.id }}:role/CloudFormation";
    one_text(value, "the ARN of a role", &|text| is_arn(text, "iam") && text.contains(":role/"), help, problems);
}

fn arns(value: &Value, wanted: &str, holds: &str, service: &str, help: &str, problems: &mut Problems) {
    let fits = |text: &str| is_arn(text, service) && text.contains(holds);
    match value.outline() {
        Outline::Value(Json::Array(items)) => {
            // Each stands at the place of the list: it has none of its own.
            for item in items {
                one_text(&Value::known(value.span().clone(), item.clone().into()), wanted, &fits, help, problems);
            }
        }
        Outline::List(items) => items.iter().for_each(|item| one_text(item, wanted, &fits, help, problems)),
        Outline::Shape(Shape::List) => {}
        _ => one_text(value, wanted, &fits, help, problems),
    }
}

/// Whether a text has the six parts of an ARN and is of a service.
fn is_arn(text: &str, service: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", partition, of, _, _, resource] if partition.starts_with("aws") && *of == service && !resource.is_empty())
}

/// Whether a text is a prefix with something after it.
fn after(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty())
}

/// A value that must be one text, which must fit where it is known.
fn one_text(value: &Value, wanted: &str, fits: &dyn Fn(&str) -> bool, help: &str, problems: &mut Problems) {
    let is = match value.outline() {
        Outline::Value(Json::String(text)) => {
            if !fits(text) {
                problems.error(codes::INVALID_VALUE, value.span(), format!("`{text}` is not {wanted}"), help);
            }
            return;
        }
        Outline::Shape(Shape::Text) | Outline::Lost => return,
        Outline::Value(other) => sort_of(other),
        Outline::Shape(Shape::List) | Outline::List(_) => "a list",
        Outline::Shape(Shape::Truth) => "true or false",
    };
    problems.error(codes::WRONG_TYPE, value.span(), format!("this is {is}, but {wanted} is needed"), help);
}
