//! Least privilege: the shipped plan is applied, changed, led out of failures, pruned and destroyed under exactly the policies
//! that `orch iam` prints; and with each single action taken away, some command says which one is missing.
#![expect(unreachable_pub, reason = "the modules of this binary share their helpers, and nobody else can")]

mod bootstrap;
mod house;
mod policies;
mod sources;
mod story;

use std::collections::{BTreeMap, BTreeSet};

use orch::grants::{Grant, Holder, Purpose, Wanted};
use orch::iam::Policy;
use orch::ids::{AccountId, AccountName};
use orch::plan::{Plan, Spec};

use house::{House, Step, may_be_asked};
use story::{SHORT, WHOLE, story, strict_story};

fn usual(strict: bool) -> Wanted {
    Wanted { purposes: Purpose::USUAL.into(), strict, for_templates: false }
}

/// The same policies without one action of one account.
fn without(grants: &[Grant], account: &AccountName, action: &str) -> Vec<Grant> {
    let mut grants = grants.to_vec();
    for grant in &mut grants {
        if matches!(&grant.holder, Holder::Account(name) if name == account) {
            grant.policy = grant.policy.without(action);
        }
    }
    grants
}

/// Goes through the story under the policies of each step's plan, and holds that nothing is missing.
async fn holds(house: &House, steps: &[Step], wanted: &Wanted) {
    for step in steps {
        let ready = step.ready();
        house.enforce(&ready.grants(wanted));
        house.prepare(step);
        let told = house.take(step, &ready).await;
        let denied: Vec<&String> = told.iter().filter(|text| text.contains("not authorized")).collect();
        assert!(denied.is_empty(), "{}: {denied:#?}", step.name);
        assert_eq!(told.failed, step.fails, "{}: {told:#?}", step.name);
        house.looks_like(step);
    }
}

#[tokio::test(start_paused = true)]
async fn the_shipped_plan_lives_under_exactly_its_policies() {
    holds(&House::new(), &story(WHOLE), &usual(false)).await;
}

#[tokio::test(start_paused = true)]
async fn it_lives_by_the_names_of_its_stacks_alone() {
    // What left the plan is not found, and stays; all of the plan goes.
    let steps: Vec<Step> = strict_story();
    let wanted = usual(true);
    let names = steps[0].ready().grants(&wanted);
    let listing = |policy: &Policy| policy.actions().iter().any(|action| action == "cloudformation:ListStacks");
    assert!(!names.iter().any(|grant| listing(&grant.policy)));
    for step in &steps {
        for statement in step.ready().grants(&wanted).iter().flat_map(|grant| &grant.policy.statements) {
            if statement.names("cloudformation:DescribeStacks") {
                assert!(
                    statement.resources.patterns().iter().all(|on| on.contains(":stack/us-east-1-")),
                    "{statement:?}"
                );
            }
        }
    }
    let house = House::new();
    let mut told = BTreeSet::new();
    for step in &steps {
        let ready = step.ready();
        house.enforce(&ready.grants(&wanted));
        house.prepare(step);
        let said = house.take(step, &ready).await;
        assert_eq!(said.failed, step.fails, "{}: {said:#?}", step.name);
        house.looks_like(step);
        told.extend(said.iter().filter(|text| text.contains("not authorized")).cloned());
    }
    // That nobody could look for what left the plan is said, and nothing else is refused.
    assert!(!told.is_empty());
    for text in told {
        assert!(text.starts_with("what left the plan:"), "{text}");
        let names = ["DescribeStacks", "DescribeVpcPeeringConnections", "DescribeRouteTables", "ListStacks"];
        assert!(names.iter().any(|name| text.contains(name)), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_action_is_superfluous_and_each_that_is_missing_is_named_with_its_account_and_what_to_do() {
    let (house, wanted, steps) = (House::new(), usual(false), story(SHORT));
    // The story once, to know where each step begins, what it calls and where it leads.
    let mut marks = Vec::new();
    for step in &steps {
        let ready = step.ready();
        house.enforce(&ready.grants(&wanted));
        house.prepare(step);
        let mark = house.mark();
        let told = house.take(step, &ready).await;
        assert_eq!(told.failed, step.fails, "{}: {told:#?}", step.name);
        marks.push((mark, house.calls_since(marks.len())));
    }
    // Every action that a policy has, by the account's part in the plan, with the accounts and steps whose policy has it.
    let mut actions: BTreeMap<(Part, String), Vec<(AccountName, usize)>> = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        let ready = step.ready();
        for grant in ready.grants(&wanted) {
            let Holder::Account(name) = &grant.holder else { continue };
            for action in grant.policy.actions() {
                actions.entry((Part::of(&ready.plan, name), action)).or_default().push((name.clone(), at));
            }
        }
    }
    assert!(actions.len() > 40, "{actions:?}");
    let mut superfluous = Vec::new();
    for ((part, action), having) in &actions {
        let mut noticed = false;
        for (account, at) in having {
            let (step, ready) = (&steps[*at], steps[*at].ready());
            let (mark, calls) = &marks[*at];
            if !may_be_asked(calls, account, action, &ready) {
                continue;
            }
            house.restore(mark);
            let grants = ready.grants(&wanted);
            house.enforce(&without(&grants, account, action));
            house.prepare(step);
            let told = house.take(step, &ready).await;
            let id = &ready.plan.accounts[account].id;
            if !told.iter().any(|text| is_named(text, account, id, action)) {
                continue;
            }
            noticed = true;
            // Nothing is half done beyond that: with the action back, the same command comes to the same end.
            if step.leads_somewhere() {
                house.enforce(&grants);
                house.take(step, &ready).await;
                let again = house.take(step, &ready).await;
                assert!(step.fails || !again.failed, "{} without {action} of {account}: {again:#?}", step.name);
                house.looks_like(step);
            }
            break;
        }
        if !noticed {
            superfluous.push(format!("{part:?}: {action}"));
        }
    }
    assert!(superfluous.is_empty(), "nobody has noticed that these were missing: {superfluous:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_templates_need_is_estimated_and_what_is_missing_of_it_is_named() {
    let wanted = Wanted { for_templates: true, ..usual(false) };
    let steps = story(SHORT);
    let creation = steps.iter().find(|step| step.name == "the creation").unwrap();
    let ready = creation.ready();
    let grants = ready.grants(&wanted);
    for grant in &grants {
        let unknown = grant.estimate.as_ref().map(|estimate| estimate.unknown.len());
        assert_eq!(unknown, Some(0), "{:?}", grant.holder);
    }
    // With the estimate it is enough for all of the story.
    let house = House::new();
    for step in &steps {
        let ready = step.ready();
        let mut own = ready.grants(&wanted);
        // What left the plan is in none of its templates: what that needs, the plan before has told.
        for grant in own.iter_mut().filter(|_| step.needs_listings) {
            let before = grants.iter().find(|before| before.holder == grant.holder);
            grant.estimate = before.and_then(|before| before.estimate.clone());
        }
        house.enforce_all(&own);
        house.prepare(step);
        let told = house.take(step, &ready).await;
        assert_eq!(told.failed, step.fails, "{}: {told:#?}", step.name);
        house.looks_like(step);
    }
    for action in ["ec2:CreateSubnet", "ec2:CreateVpc", "ec2:CreateRouteTable"] {
        let house = House::new();
        let mut grants = grants.clone();
        for grant in grants.iter_mut().filter(|grant| grant.holder == Holder::Account("dev".into())) {
            let estimate = grant.estimate.as_mut().unwrap();
            estimate.policy = estimate.policy.without(action);
        }
        house.enforce_all(&grants);
        house.prepare(creation);
        let told = house.take(creation, &ready).await;
        assert!(told.failed, "{action}");
        let account = "dev".into();
        let id = &ready.plan.accounts[&account].id;
        assert!(told.iter().any(|text| is_named(text, &account, id, action)), "{action}: {told:#?}");
    }
}

/// An account's part in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// It accepts peerings.
    Hub,
    /// It asks for one.
    Spoke,
    /// The plan has nothing in it.
    Bare,
}

impl Part {
    fn of(plan: &Plan, account: &AccountName) -> Self {
        let peerings = || {
            plan.nodes.iter().filter_map(|node| match &node.spec {
                Spec::Peering(peering) => Some(peering),
                Spec::Stack(_) | Spec::Route(_) => None,
            })
        };
        if peerings().any(|peering| peering.accepter.account == *account) {
            Self::Hub
        } else if peerings().any(|peering| peering.requester.account == *account) {
            Self::Spoke
        } else {
            Self::Bare
        }
    }
}

/// Whether a text names an action, the account and what to do.
fn is_named(text: &str, account: &AccountName, id: &AccountId, action: &str) -> bool {
    let names = text.contains(account.as_str()) || text.contains(id.as_str());
    // One action's name may begin another's.
    let is_action = text
        .match_indices(action)
        .any(|(at, _)| !text[at + action.len()..].starts_with(|next: char| next.is_ascii_alphanumeric()));
    is_action && names && (text.contains("allow ") || text.contains("must allow"))
}
