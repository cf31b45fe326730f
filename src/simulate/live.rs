//! What is live, read as the seeds of a simulation, by calls that only look.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::aws::{self, Class, Regional, Sessions, joined};
use crate::diag::Sources;
use crate::event::Failure;
use crate::ids::AccountId;
use crate::plan::Spec;
use crate::run::{Job, Task};
use crate::sim::seed::{self, Seed};
use crate::sim::{Place, ec2};

/// What is read in one place.
struct Wanted {
    regional: Regional,
    /// The names of stacks, each with whether the job manages it: of one that it only reads, its outputs are enough.
    stacks: BTreeMap<String, bool>,
    /// Whether templates ask for what other stacks export.
    imports: bool,
}

/// Reads everything that a job touches, in all accounts at once.
///
/// # Errors
/// A call was refused or did not come through.
pub async fn read(job: &Job, sessions: &Sessions, sources: &Sources) -> Result<Vec<Seed>, Failure> {
    let mut tasks = JoinSet::new();
    for (place, wanted) in places(job, sessions, sources) {
        tasks.spawn(async move { Box::pin(of_place(place, wanted)).await });
    }
    let mut seeds = joined(tasks).await.into_iter().collect::<Result<Vec<Seed>, Failure>>()?;
    seeds.sort_by(|one, other| one.place.cmp(&other.place));
    Ok(seeds)
}

/// The places that a job touches.
fn places(job: &Job, sessions: &Sessions, sources: &Sources) -> BTreeMap<Place, Wanted> {
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
            let wanted = || Wanted { regional, stacks: BTreeMap::new(), imports: false };
            let wanted = places.entry(place).or_insert_with(wanted);
            if let Spec::Stack(stack) = &node.spec {
                wanted.stacks.insert(stack.name.to_string(), job.task(ix) == Task::Converge);
                let template = stack.template.as_ref().map(|template| &sources.get(template.file).text);
                wanted.imports |= template.is_some_and(|text| asks_for_exports(text));
            }
        }
    }
    places
}

fn asks_for_exports(template: &str) -> bool {
    template.contains("ImportValue")
}

async fn of_place(place: Place, wanted: Wanted) -> Result<Seed, Failure> {
    let Wanted { regional, stacks, imports } = wanted;
    let reading = stacks.into_iter().map(|(name, managed)| {
        let regional = regional.clone();
        async move { Box::pin(self::stack(&regional, &name, managed)).await }
    });
    let mut tasks = JoinSet::new();
    reading.for_each(|stack| drop(tasks.spawn(stack)));
    let (vpcs, tables, peerings, read) =
        tokio::join!(regional.vpcs(), regional.every_route_table(), regional.every_peering(), joined(tasks));
    let read = read.into_iter().collect::<Result<Vec<Option<seed::Stack>>, Failure>>()?;
    let mut stacks: Vec<seed::Stack> = read.into_iter().flatten().collect();
    stacks.sort_by(|one, other| one.name.cmp(&other.name));
    let imports = imports || stacks.iter().any(|stack| asks_for_exports(&stack.template));
    let exports = if imports { regional.exports().await? } else { Vec::new() };
    Ok(Seed {
        vpcs: vpcs?.into_iter().map(vpc).collect(),
        route_tables: tables?.into_iter().map(route_table).collect(),
        peerings: peerings?.into_iter().filter_map(|live| peering(&place, live)).collect(),
        exports: exports.into_iter().map(export).collect(),
        stacks,
        place,
    })
}

/// A stack that stands; `None` if there is none.
async fn stack(regional: &Regional, name: &str, managed: bool) -> Result<Option<seed::Stack>, Failure> {
    let Some(live) = regional.stack(name).await? else { return Ok(None) };
    let (template, resources) = tokio::join!(regional.template(&live.id), regional.stack_resources(&live.id));
    // Somebody else's may be known by its outputs alone, and one that is in review has no template.
    let bearable = |error: &aws::CallError| !managed && error.class == Class::Denied || error.class == Class::NotFound;
    let template = match template {
        Err(error) if bearable(&error) => String::new(),
        template => template?,
    };
    let resources = match resources {
        Err(error) if bearable(&error) => Vec::new(),
        resources => resources?,
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
        id: live.id,
        name: live.name,
    }))
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
fn peering(home: &Place, live: aws::Peering) -> Option<seed::Peering> {
    let side = |side: aws::PeeringSide| {
        let account: AccountId = side.account.parse().ok()?;
        let region = if side.region.is_empty() { home.region.clone() } else { side.region.as_str().into() };
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
