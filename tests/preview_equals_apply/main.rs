//! What a preview shows is what a run does, event by event, in many pairs of a live world and a plan; and then there is
//! nothing left to do.

mod cases;
mod early;
mod files;
mod going;
mod house;
mod simulated;

use std::collections::BTreeMap;

use orch::event::{Change, Event};
use orch::preview::{Action, Effect, Foreseen, Preview};

use going::{Going, How};
use house::{House, Tried};

/// Whether a node ended as it was foreseen.
pub(crate) fn fits(foreseen: &Foreseen, told: &[Event]) -> Result<(), String> {
    let node = &foreseen.node;
    let ended = told.iter().find_map(|event| match event {
        Event::NodeDone { node: id, change, details, .. } if id == node => Some(Ok((*change, details))),
        Event::NodeFailed { node: id, error, .. } if id == node => Some(Err(error)),
        _ => None,
    });
    let may_replace = foreseen.resources.iter().any(|change| change.effect == Effect::MayReplace);
    match (foreseen.action, ended) {
        (Action::Nothing, Some(Ok((Change::Unchanged, _))))
        | (Action::Read, Some(Ok((Change::Read, _))))
        | (Action::Create, Some(Ok((Change::Created, _))))
        | (Action::Refused, Some(Err(_)))
        | (Action::Unknown, Some(Ok(_))) => Ok(()),
        (Action::Update, Some(Ok((Change::Updated, details))))
        | (Action::Replace, Some(Ok((Change::Replaced, details)))) => same_resources(foreseen, details),
        (Action::Replace, Some(Ok((Change::Updated, details)))) if may_replace => same_resources(foreseen, details),
        (Action::Skipped, None)
            if told.iter().any(|event| matches!(event, Event::NodeSkipped { node: id, .. } if id == node)) =>
        {
            Ok(())
        }
        (action, ended) => Err(format!("{node}: foreseen {action:?}, ended {ended:?}")),
    }
}

/// Whether the resources that a change set touched are those that were shown.
fn same_resources(foreseen: &Foreseen, details: &[String]) -> Result<(), String> {
    let adopted = |line: &&String| line.starts_with("adopted: ");
    if foreseen.notes.iter().any(|note| adopted(&note)) != details.iter().any(|line| adopted(&line)) {
        return Err(format!("{}: adopted in one place only: {foreseen:?} {details:?}", foreseen.node));
    }
    let details: Vec<&String> = details.iter().filter(|line| !adopted(line)).collect();
    for change in &foreseen.resources {
        let named = format!(" {} (", change.resource);
        if !details.iter().any(|line| line.contains(&named)) {
            return Err(format!("{}: {} was shown and not touched: {details:?}", foreseen.node, change.resource));
        }
    }
    // What CloudFormation fails to delete in the end no change set tells.
    let aside = ["left behind in the account", "protection from deletion: ", "stack policy: "];
    let touched = details.iter().filter(|line| !aside.iter().any(|aside| line.starts_with(aside))).count();
    if !foreseen.resources.is_empty() && touched != foreseen.resources.len() {
        return Err(format!("{}: other resources were shown: {details:?}", foreseen.node));
    }
    Ok(())
}

fn holds(case: &str, preview: &Preview, told: &[Event]) {
    let wrong: Vec<String> = preview.nodes.iter().filter_map(|node| fits(node, told).err()).collect();
    assert!(wrong.is_empty(), "{case}: {wrong:#?}");
}

pub(crate) fn tried(case: &cases::Case) -> Tried {
    Tried { edits: case.after, taking: case.taking, reverts_drift: case.reverts_drift }
}

/// Plays one case: the world is built, the preview drawn, applied as shown, and looked at again.
async fn play(case: &cases::Case) -> String {
    let house = House::build(case).await;
    let before = house.changes();
    let (preview, ahead) = house.preview(tried(case), false).await;
    assert_eq!(house.changes(), before, "{}: a preview changes nothing but change sets", case.name);
    let shown = House::shown(&preview);
    let made = house.change_sets().await;
    let seen = house.sim.calls().len();
    let told = house.apply(tried(case), ahead).await;
    if preview.is_nothing() && preview.nodes.iter().all(|node| node.action == Action::Nothing) {
        assert_eq!(house.sim.calls().len(), seen, "{}: what needs nothing is not looked at again", case.name);
    }
    for (stack, name) in made {
        // The token of what was executed is the change set's name.
        assert!(
            house.was_executed(&stack, &name).await,
            "{}: {name} of {stack:?} was shown and not executed",
            case.name
        );
    }
    holds(case.name, &preview, &told);
    let failed = told.iter().any(|event| matches!(event, Event::NodeFailed { .. }));
    assert_eq!(failed, case.fails, "{}: {told:#?}", case.name);
    house.assert_no_change_sets(case.name).await;
    if !failed {
        let (again, ahead) = house.preview(tried(case), false).await;
        ahead.sweep().await;
        assert!(again.is_nothing(), "{}: something is left to do:\n{}", case.name, House::shown(&again));
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_is_what_is_done() {
    let cases = cases::all();
    assert!(cases.len() >= 40, "{}", cases.len());
    for case in cases {
        let shown = play(&case).await;
        insta::with_settings!({ omit_expression => true, description => case.name }, {
            insta::assert_snapshot!(case.name.replace(' ', "-"), shown);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_preview_that_only_reads_makes_no_change_set_and_says_what_it_cannot_tell() {
    for case in cases::all() {
        let house = House::build(&case).await;
        let calls = house.sim.calls().len();
        let (preview, _) = house.preview(tried(&case), true).await;
        for call in &house.sim.calls()[calls..] {
            assert!(
                ["Describe", "Get", "Head", "List", "AssumeRole"].iter().any(|verb| call.operation.starts_with(verb)),
                "{}: {call:?}",
                case.name
            );
        }
        // What is certain without a change set is certain with one.
        let (asked, ahead) = house.preview(tried(&case), false).await;
        ahead.sweep().await;
        for (read, asked) in preview.nodes.iter().zip(&asked.nodes) {
            let agrees = match read.action {
                Action::Unknown => true,
                Action::Update => {
                    matches!(asked.action, Action::Update | Action::Replace | Action::Nothing | Action::Refused)
                }
                action => action == asked.action,
            };
            assert!(
                agrees,
                "{}: {} is {:?} by reading, {:?} by asking",
                case.name, read.node, read.action, asked.action
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_saved_still_holds_where_nothing_has_changed_and_is_what_is_done() {
    let mut done = 0;
    for case in cases::all() {
        let house = House::build(&case).await;
        let saved = house.save(tried(&case)).await;
        if saved.preview.is_refused() {
            continue;
        }
        let seen = house.sim.calls().len();
        let (changed, ahead) = house.again(&saved, tried(&case)).await;
        assert_eq!(changed, [], "{}", case.name);
        for call in &house.sim.calls()[seen..] {
            assert!(
                ["Describe", "Get", "Head", "List"].iter().any(|verb| call.operation.starts_with(verb)),
                "{call:?}"
            );
        }
        let told = house.apply(tried(&case), ahead).await;
        for waiting in &saved.change_sets {
            let place = if waiting.account.as_str() == "dev" { ("dev", "net-spoke") } else { ("master", "net-hub") };
            assert!(house.was_executed(&place, &waiting.name).await, "{}: {waiting:?}", case.name);
        }
        house.assert_no_change_sets(case.name).await;
        holds(case.name, &saved.preview, &told);
        done += 1;
    }
    assert!(done >= 40, "{done}");
}

#[tokio::test(start_paused = true)]
async fn another_text_at_a_url_is_told_of_before_anything_that_was_saved_is_done() {
    let cases = cases::all();
    let case = |name: &str| cases.iter().find(|case| case.name == name).unwrap();
    let (new, there) = (case("a new stack of a template at a URL"), case("a template at a URL"));
    let another = tried(case("another text at the URL"));
    for case in [new, there] {
        let house = House::build(case).await;
        let saved = house.save(tried(case)).await;
        let (changed, _) = house.again(&saved, another).await;
        let told = changed.iter().any(|changed| format!("{changed:?}").contains("template"));
        assert!(told, "{}: {changed:?}", case.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_set_that_vanishes_after_the_last_look_stops_its_node_and_no_other_is_made() {
    let mut broken = 0;
    for case in cases::all() {
        let house = House::build(&case).await;
        let saved = house.save(tried(&case)).await;
        if saved.preview.is_refused() || saved.change_sets.is_empty() {
            continue;
        }
        let (changed, ahead) = house.again(&saved, tried(&case)).await;
        assert_eq!(changed, [], "{}", case.name);
        house.delete_change_sets().await;
        let made = house.sim.calls().iter().filter(|call| call.operation == "CreateChangeSet").count();
        let told = house.apply(tried(&case), ahead).await;
        for waiting in &saved.change_sets {
            let failed = told.iter().any(|event| {
                matches!(event, Event::NodeFailed { node, error, .. }
                    if *node == waiting.node && error.summary.contains("cannot be executed any more"))
            });
            let skipped =
                told.iter().any(|event| matches!(event, Event::NodeSkipped { node, .. } if *node == waiting.node));
            assert!(failed || skipped, "{}: {told:#?}", case.name);
        }
        assert_eq!(made, house.sim.calls().iter().filter(|call| call.operation == "CreateChangeSet").count());
        broken += 1;
    }
    assert!(broken >= 10, "{broken}");
}

/// The nodes that things were deleted of, each as often as that was shown or told, and those that failed or were skipped.
fn ends(told: &[Event]) -> BTreeMap<String, Vec<Action>> {
    let mut ends: BTreeMap<String, Vec<Action>> = BTreeMap::new();
    for event in told {
        let (node, action) = match event {
            Event::NodeDone { node, change: Change::Deleted, .. } => (node, Action::Delete),
            Event::NodeFailed { node, .. } => (node, Action::Refused),
            Event::NodeSkipped { node, .. } => (node, Action::Skipped),
            _ => continue,
        };
        ends.entry(node.to_string()).or_default().push(action);
    }
    ends
}

/// Plays one case of what goes: the world is built, the preview drawn, everything done as shown, and looked at again.
async fn play_going(case: &Going) -> String {
    let house = House::build(&case.world()).await;
    let before = house.changes();
    let (preview, leaving) = house.preview_going(case).await;
    assert_eq!(house.changes(), before, "{}: a preview changes nothing but change sets", case.name);
    let told = house.go(case, leaving).await;
    let (of_nodes, of_left) = told;
    let shown = |nodes: &[Foreseen]| {
        let mut ends: BTreeMap<String, Vec<Action>> = BTreeMap::new();
        let counted = [Action::Delete, Action::Refused, Action::Skipped];
        for node in nodes.iter().filter(|node| counted.contains(&node.action)) {
            ends.entry(node.node.to_string()).or_default().push(node.action);
        }
        ends
    };
    if case.how == How::Prune {
        holds(case.name, &preview, &of_nodes);
        assert_eq!(shown(&preview.left), ends(&of_left), "{}: {of_left:#?}", case.name);
    } else {
        let all: Vec<Foreseen> = preview.nodes.iter().chain(&preview.left).cloned().collect();
        assert_eq!(shown(&all), ends(&of_nodes), "{}: {of_nodes:#?}", case.name);
    }
    let (again, leaving) = house.preview_going(case).await;
    leaving.sweep().await;
    assert_eq!(again.is_nothing(), !case.fails, "{}: something is left to do:\n{}", case.name, House::shown(&again));
    House::shown(&preview)
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_to_go_goes_and_nothing_else() {
    for case in going::all() {
        let shown = play_going(&case).await;
        insta::with_settings!({ omit_expression => true, description => case.name }, {
            insta::assert_snapshot!(case.name.replace(' ', "-"), shown);
        });
    }
}
