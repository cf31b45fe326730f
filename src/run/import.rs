//! Asks AWS what stands in the accounts of a plan, for a first plan of it: everything at once, by calls that only look.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::accounts::every;
use super::turns::Turns;
use crate::aws::{self, AccountSpec, CallError, Phase, Regional, Sessions, joined};
use crate::event::Failure;
use crate::ids::{AccountName, Region};
use crate::import::{Facts, Peering, Side, Stack, Table};
use crate::plan::Plan;

/// What one question brought.
enum Fact {
    Stacks(Vec<Stack>, BTreeSet<String>),
    /// By whom they were seen, and where.
    Peerings(String, Region, Vec<aws::Peering>),
    Tables(Vec<Table>),
}

type Asking = Pin<Box<dyn Future<Output = Result<Fact, CallError>> + Send>>;

/// How to reach every account of a plan.
pub fn every_account(plan: &Plan) -> indexmap::IndexMap<AccountName, AccountSpec> {
    every(plan)
}

/// What stands in all accounts of a plan, in some regions.
///
/// # Errors
///
/// Something was not told, each refusal once: a plan of half of what stands would be taken for one of all of it.
pub async fn gather(plan: &Plan, sessions: &Sessions, regions: &[Region]) -> Result<Facts, Vec<Failure>> {
    let mut turns = Turns::default();
    let mut tasks = JoinSet::new();
    for account in plan.accounts.keys() {
        for region in regions {
            let Some(regional) = sessions.region(account, region) else { continue };
            let turn = turns.at(&regional);
            for ask in questions(&regional, turn) {
                tasks.spawn(ask);
            }
        }
    }
    let (mut facts, mut peerings, mut failures) = (Facts::default(), BTreeMap::new(), Vec::new());
    for fact in joined(tasks).await {
        match fact {
            Ok(Fact::Stacks(stacks, of_templates)) => {
                facts.stacks.extend(stacks);
                facts.of_templates.extend(of_templates);
            }
            Ok(Fact::Peerings(account, region, found)) => {
                for one in found {
                    see(plan, one, (&account, &region), &mut peerings);
                }
            }
            Ok(Fact::Tables(tables)) => facts.tables.extend(tables),
            Err(error) => {
                let failure = Failure { request_id: None, ..Failure::from(error) };
                if !failures.contains(&failure) {
                    failures.push(failure);
                }
            }
        }
    }
    if !failures.is_empty() {
        failures.sort_by(|one, other| one.summary.cmp(&other.summary));
        return Err(failures);
    }
    let order = |account: &AccountName| plan.accounts.get_index_of(account);
    let place = |region: &Region| regions.iter().position(|one| one == region);
    facts.stacks.sort_by(|one, other| {
        let key = |stack: &Stack| (place(&stack.region), order(&stack.account), stack.name.clone());
        key(one).cmp(&key(other))
    });
    facts.peerings = peerings.into_values().collect();
    Ok(facts)
}

fn questions(regional: &Regional, turn: Arc<Semaphore>) -> [Asking; 3] {
    let one = regional.clone();
    let (two, three) = (one.clone(), one.clone());
    [
        Box::pin(async move { stacks(&one, &turn).await }),
        Box::pin(async move {
            let (account, region) = (two.account_id().to_string(), two.region().clone());
            Ok(Fact::Peerings(account, region, two.every_peering().await?))
        }),
        Box::pin(async move { tables(&three).await }),
    ]
}

/// The stacks of one place with their templates, and what these have made of peerings and routes. Nested ones are their
/// parents', and so is what they have made.
async fn stacks(regional: &Regional, turn: &Arc<Semaphore>) -> Result<Fact, CallError> {
    let mut stacks = Vec::new();
    let mut of_templates = BTreeSet::new();
    let found = regional.every_stack().await?;
    let mut tasks = JoinSet::new();
    for stack in found {
        let (regional, turn) = (regional.clone(), Arc::clone(turn));
        tasks.spawn(async move {
            let _turn = turn.acquire().await.ok();
            // What was never made has no template, and has made nothing.
            if stack.status.phase() == Phase::Review {
                return Ok((stack, String::new(), Vec::new()));
            }
            let template = regional.template(&stack.id).await?;
            let mut made = Vec::new();
            if ["AWS::EC2::VPCPeeringConnection", "AWS::EC2::Route"].iter().any(|kind| template.contains(kind)) {
                made = regional.stack_resources(&stack.id).await?.into_iter().map(|resource| resource.id).collect();
            }
            Ok::<_, CallError>((stack, template, made))
        });
    }
    for looked in joined(tasks).await {
        let (stack, template, made) = looked?;
        of_templates.extend(made);
        if stack.root.is_some() {
            continue;
        }
        stacks.push(Stack {
            account: regional.account().clone(),
            region: regional.region().clone(),
            name: stack.name,
            status: stack.status.to_string(),
            stands: stack.status.stands(),
            template,
            parameters: stack.parameters.into_iter().map(|(name, own)| (name, own.value)).collect(),
            tags: stack.tags,
            capabilities: stack.capabilities,
            outputs: stack.outputs,
        });
    }
    Ok(Fact::Stacks(stacks, of_templates))
}

/// The route tables that lead into peerings.
async fn tables(regional: &Regional) -> Result<Fact, CallError> {
    let (account, region) = (regional.account().clone(), regional.region().clone());
    let found = regional.every_route_table().await?.into_iter().filter_map(|table| {
        let routes = table.routes.into_iter().filter(|route| !route.propagated);
        let into = routes.filter_map(|route| {
            let peering = route.targets.into_iter().find(|target| target.starts_with("pcx-"))?;
            Some((route.destination, peering))
        });
        let routes: Vec<_> = into.collect();
        let (account, region) = (account.clone(), region.clone());
        (!routes.is_empty()).then_some(Table { account, region, id: table.id, routes })
    });
    Ok(Fact::Tables(found.collect()))
}

/// Keeps a live peering, which each of its two sides sees with tags of its own: those of the requester's tell.
fn see(plan: &Plan, peering: aws::Peering, (account, region): (&str, &Region), seen: &mut BTreeMap<String, Peering>) {
    if !peering.state.is_live() {
        return;
    }
    let side = |side: &aws::PeeringSide| Side {
        account_id: side.account.clone(),
        account: plan.accounts.iter().find(|(_, own)| own.id.as_str() == side.account).map(|(name, _)| name.clone()),
        region: side.region.as_str().into(),
        vpc: side.vpc.clone(),
        dns: side.dns.unwrap_or_default(),
    };
    let known = seen.entry(peering.id.clone()).or_insert_with(|| Peering {
        id: peering.id.clone(),
        state: peering.state.to_string(),
        requester: side(&peering.requester),
        accepter: side(&peering.accepter),
        tags: None,
    });
    known.requester.dns |= peering.requester.dns.unwrap_or_default();
    known.accepter.dns |= peering.accepter.dns.unwrap_or_default();
    if peering.requester.account == account && peering.requester.region == region.as_str() {
        known.tags = Some(peering.tags);
    }
}
