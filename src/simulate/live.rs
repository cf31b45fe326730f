//! What is live, read as the seeds of a simulation, by calls that only look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Live;
use crate::aws::{self, Class, Regional, joined};
use crate::cfn::S3Url;
use crate::event::Failure;
use crate::ids::AccountId;
use crate::kinds::stack::read_at;
use crate::plan::{Origin, Spec};
use crate::run::{Job, Task, Turns};
use crate::sim::cloudformation::{RollbackTriggers, Trigger};
use crate::sim::seed::{self, Seed};
use crate::sim::{Place, ec2};

/// What is read in one place.
struct Wanted {
    regional: Regional,
    /// The names of stacks, each with what is wanted of it.
    stacks: BTreeMap<String, Depth>,
    /// Where templates are that the run makes something of.
    urls: BTreeSet<String>,
    /// Whether templates ask for what other stacks export.
    imports: bool,
}

/// How much of a stack is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// Its outputs are enough, if there is no more to be had: the job only reads it.
    Outputs,
    /// Its template and resources too.
    Resources,
    /// And what its updates are held against, since the run changes it.
    Policy,
}

/// Reads everything that a job touches, in all accounts at once. What the preview has listed is not listed again.
///
/// # Errors
/// A call was refused or did not come through.
pub async fn read(job: &Job, live: &Live) -> Result<Vec<Seed>, Failure> {
    let mut tasks = JoinSet::new();
    let mut turns = Turns::default();
    for (place, wanted) in places(job, live) {
        let turn = turns.at(&wanted.regional);
        tasks.spawn(async move { Box::pin(of_place(place, wanted, turn)).await });
    }
    let mut seeds = joined(tasks).await.into_iter().collect::<Result<Vec<Seed>, Failure>>()?;
    seeds.sort_by(|one, other| one.place.cmp(&other.place));
    Ok(seeds)
}

/// The places that a job touches.
fn places(job: &Job, live: &Live) -> BTreeMap<Place, Wanted> {
    let Live { sessions, sources, outlooks } = live;
    let plan = job.plan();
    let mut places: BTreeMap<Place, Wanted> = BTreeMap::new();
    for ix in job.taking_part() {
        let node = &plan.nodes[ix.index()];
        let mut touched = vec![(&node.account, &node.region)];
        if let Spec::Peering(peering) = &node.spec {
            touched.push((&peering.accepter.account, &peering.accepter.region));
        }
        for (account, region) in touched {
            let (Some(own), Some(regional)) = (plan.accounts.get(account), sessions.region(account, region)) else {
                continue;
            };
            let place = Place { account: own.id.clone(), region: region.clone() };
            let wanted = || Wanted { regional, stacks: BTreeMap::new(), urls: BTreeSet::new(), imports: false };
            let wanted = places.entry(place).or_insert_with(wanted);
            if let Spec::Stack(stack) = &node.spec {
                let depth = match job.task(ix) {
                    Task::Converge if outlooks.is_settled(&node.id) => Depth::Resources,
                    Task::Converge => Depth::Policy,
                    _ => Depth::Outputs,
                };
                wanted.stacks.insert(stack.name.to_string(), depth);
                match &stack.template {
                    Some(Origin::File(template)) => {
                        wanted.imports |= asks_for_exports(&sources.get(template.file).text);
                    }
                    // What cannot be read there the preview has told already.
                    Some(Origin::Url(template)) if depth == Depth::Policy && !outlooks.is_failing(&node.id) => {
                        wanted.urls.insert(template.url.to_string());
                    }
                    Some(Origin::Url(_)) | None => {}
                }
            }
        }
    }
    places
}

fn asks_for_exports(template: &str) -> bool {
    template.contains("ImportValue")
}

async fn of_place(place: Place, wanted: Wanted, turn: Arc<Semaphore>) -> Result<Seed, Failure> {
    let Wanted { regional, stacks, urls, imports } = wanted;
    let mut tasks = JoinSet::new();
    for (name, depth) in stacks {
        let (regional, turn) = (regional.clone(), Arc::clone(&turn));
        tasks.spawn(async move {
            let _turn = turn.acquire().await.ok();
            Box::pin(self::stack(&regional, &name, depth)).await
        });
    }
    let (vpcs, tables, peerings, read) =
        tokio::join!(regional.vpcs(), regional.pictured_route_tables(), regional.pictured_peerings(), joined(tasks));
    let read = read.into_iter().collect::<Result<Vec<Option<seed::Stack>>, Failure>>()?;
    let mut stacks: Vec<seed::Stack> = read.into_iter().flatten().collect();
    stacks.sort_by(|one, other| one.name.cmp(&other.name));
    let mut objects = Vec::new();
    for url in urls {
        objects.extend(Box::pin(object(&regional, &url)).await?);
    }
    let imports = imports || objects.iter().any(|object| asks_for_exports(&object.text));
    let imports = imports || stacks.iter().any(|stack| asks_for_exports(&stack.template));
    let exports = if imports { regional.exports().await? } else { Vec::new() };
    Ok(Seed {
        vpcs: vpcs?.into_iter().map(vpc).collect(),
        route_tables: tables?.into_iter().map(route_table).collect(),
        peerings: peerings?.into_iter().filter_map(peering).collect(),
        exports: exports.into_iter().map(export).collect(),
        objects,
        stacks,
        place,
    })
}

/// A template at a URL.
async fn object(regional: &Regional, url: &str) -> Result<Option<seed::Object>, Failure> {
    let Some(S3Url { bucket, key, region, version, .. }) = S3Url::parse(url) else { return Ok(None) };
    let text = read_at(regional, url).await?;
    Ok(Some(seed::Object { bucket, key, version, region: region.map(Into::into), text }))
}

/// A stack that stands; `None` if there is none.
async fn stack(regional: &Regional, name: &str, depth: Depth) -> Result<Option<seed::Stack>, Failure> {
    let Some(live) = regional.pictured_stack(name).await? else { return Ok(None) };
    // Somebody else's may be known by its outputs alone, and one that is in review has no template.
    let bearable = |error: &aws::CallError| {
        error.class == Class::NotFound || (depth == Depth::Outputs && error.class == Class::Denied)
    };
    let template = match regional.known_template(&live).await {
        Err(error) if bearable(&error) => String::new(),
        template => template?.to_string(),
    };
    let resources = match regional.stack_resources(&live.id).await {
        Err(error) if bearable(&error) => Vec::new(),
        resources => resources?,
    };
    let policy = if depth == Depth::Policy { regional.stack_policy(&live.id).await } else { Ok(None) };
    let policy = match policy {
        // A role that may not read it may still update.
        Err(error) if error.class == Class::Denied => seed::Policy::Unread,
        Err(error) if error.class == Class::NotFound => seed::Policy::None,
        policy => policy?.map_or(seed::Policy::None, seed::Policy::Text),
    };
    let time = |millis: Option<i64>| millis.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let parameter =
        |parameter: aws::Parameter| seed::Parameter { value: parameter.value, resolved: parameter.resolved };
    let resource = |live: aws::StackResource| {
        let reason = Some(live.reason).filter(|reason| !reason.is_empty());
        (live.name, seed::Resource { id: live.id, type_name: live.kind, status: live.status, reason })
    };
    Ok(Some(seed::Stack {
        status: live.status.to_string(),
        reason: live.reason,
        template,
        parameters: live.parameters.into_iter().map(|(name, own)| (name, parameter(own))).collect(),
        tags: live.tags.into_iter().collect(),
        outputs: live.outputs,
        resources: resources.into_iter().map(resource).collect(),
        created: time(live.created),
        updated: time(live.updated),
        termination_protection: live.termination_protection,
        policy,
        capabilities: live.capabilities,
        rollback: live.settings.rollback_triggers.map(rollback).unwrap_or_default(),
        notification_arns: live.settings.notification_arns.unwrap_or_default(),
        role_arn: live.settings.service_role,
        timeout_minutes: live.settings.timeout_minutes,
        express: live.settings.express,
        id: live.id,
        name: live.name,
    }))
}

fn rollback(live: aws::RollbackTriggers) -> RollbackTriggers {
    let trigger = |arn, kind: &str| Trigger { arn, kind: kind.to_owned() };
    let alarms = live.alarms.into_iter().map(|arn| trigger(arn, "AWS::CloudWatch::Alarm"));
    let composite = live.composite_alarms.into_iter().map(|arn| trigger(arn, "AWS::CloudWatch::CompositeAlarm"));
    RollbackTriggers { triggers: alarms.chain(composite).collect(), minutes: live.minutes }
}

fn vpc(live: aws::Vpc) -> seed::Vpc {
    let aws::Vpc { id, ranges, associations, tags } = live;
    let range = |range: String| (associations.get(&range).cloned().unwrap_or_default(), range);
    seed::Vpc { id, ranges: ranges.into_iter().map(range).collect(), tags: tags.into_iter().collect() }
}

fn route_table(live: aws::RouteTable) -> seed::RouteTable {
    // What was learnt from a gateway does not count for a decision.
    let routes = live.routes.into_iter().filter(|route| !route.propagated);
    // An instance's route has its interface's id as well.
    let route = |route: aws::Route| Some((route.destination, route.targets.into_iter().next()?));
    let association = |(id, subnet)| seed::Association { id, subnet };
    seed::RouteTable {
        id: live.id,
        vpc: live.vpc,
        routes: routes.filter_map(route).collect(),
        associations: live.associations.into_iter().map(association).collect(),
        tags: live.tags.into_iter().collect(),
    }
}

/// A peering; `None` if AWS does not say whose its sides are.
fn peering(live: aws::Peering) -> Option<seed::Peering> {
    let side = |side: aws::PeeringSide| {
        let account: AccountId = side.account.parse().ok()?;
        let region = side.region.as_str().into();
        Some(seed::Side { place: Place { account, region }, vpc: side.vpc, dns: side.dns.unwrap_or_default() })
    };
    Some(seed::Peering {
        id: live.id,
        status: live.state.to_string(),
        message: live.message,
        requester: side(live.requester)?,
        accepter: side(live.accepter)?,
        tags: live.tags.into_iter().collect::<ec2::Tags>(),
    })
}

fn export(live: aws::Export) -> seed::Export {
    let aws::Export { name, value, stack } = live;
    seed::Export { name, value, stack }
}
