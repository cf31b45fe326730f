//! What has changed since a preview was saved.

use std::collections::{BTreeMap, HashMap};

use super::{Foreseen, Grounds, Preview, Saved, Until};
use crate::ids::{AccountId, AccountName, NodeId};

/// One thing that is other than it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The node that it is about; `None` for the whole plan.
    pub node: Option<NodeId>,
    /// Where it was seen.
    pub place: Place,
    /// What it is: `parameter CidrBlock`, `status`.
    pub what: String,
    /// What it was; `None` if it was not there.
    pub before: Option<String>,
    /// What it is now; `None` if it is not there any more.
    pub after: Option<String>,
}

/// Where a change was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the plan, its variables or its templates.
    Plan,
    /// At AWS.
    Aws,
    /// In what follows from both.
    Preview,
    /// Nowhere: it could not be looked at.
    Unseen,
}

/// What a change of the action itself is about.
const DONE: &str = "what is done";

/// Compares the accounts of a saved preview with those of the plan: nothing is asked of AWS in another account.
pub fn changed_accounts(saved: &Saved, now: &BTreeMap<AccountName, AccountId>) -> Vec<Changed> {
    let text = |accounts: &BTreeMap<AccountName, AccountId>| {
        accounts.iter().map(|(name, id)| (format!("account {name}"), id.to_string())).collect()
    };
    facts(None, Place::Plan, &text(&saved.accounts), &text(now))
}

/// Compares a saved preview with what is foreseen now and what that stands on. Empty if nothing has changed.
///
/// A node that stands on something else is told by that; what follows from it would only say it again.
pub fn changed<'a>(saved: &'a Saved, now: &'a Preview, grounds: &BTreeMap<NodeId, Grounds>) -> Vec<Changed> {
    let mut found = Vec::new();
    let about = |node: Option<&NodeId>, what: &str, before: Option<&str>, after: Option<&str>| Changed {
        node: node.cloned(),
        place: if node.is_none() { Place::Plan } else { Place::Preview },
        what: what.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    if saved.preview.plan != now.plan {
        found.push(about(None, "the plan's name", Some(&saved.preview.plan), Some(&now.plan)));
    }
    let none = Grounds::default();
    let by_node = |preview: &'a Preview| preview.nodes.iter().map(|node| (&node.node, node)).collect::<HashMap<_, _>>();
    let (were, are) = (by_node(&saved.preview), by_node(now));
    for before in &saved.preview.nodes {
        let id = &before.node;
        let Some(after) = are.get(id) else {
            found.push(Changed { place: Place::Plan, ..about(Some(id), "the node", Some("takes part"), None) });
            continue;
        };
        if after.failing().is_some() {
            // What it stands on was not looked at any further.
            let why = after.failure.as_ref().map(|failure| format!(": {failure}")).unwrap_or_default();
            let fails = format!("{}{why}", after.action.words());
            let cause = after.failing().and_then(|id| are.get(id)).and_then(|node| node.failure.as_ref());
            let unseen = cause.is_some_and(|failure| failure.of_a_call);
            let place = if unseen { Place::Unseen } else { Place::Preview };
            found.push(Changed { place, ..about(Some(id), DONE, Some(before.action.words()), Some(&fails)) });
            continue;
        }
        let was = saved.grounds.get(id).unwrap_or(&none);
        let is = grounds.get(id).unwrap_or(&none);
        let own = found.len();
        found.extend(facts(Some(id), Place::Plan, &was.wanted, &is.wanted));
        found.extend(facts(Some(id), Place::Aws, &was.live, &is.live));
        if found.len() == own {
            let otherwise = foreseen(before, after);
            found.extend(otherwise.map(|(what, was, is)| about(Some(id), what, was.as_deref(), is.as_deref())));
        }
    }
    for after in &now.nodes {
        if !were.contains_key(&after.node) {
            let new = about(Some(&after.node), "the node", None, Some("takes part"));
            found.push(Changed { place: Place::Plan, ..new });
        }
    }
    found.extend(roll_outs(&saved.preview, now));
    // The longest chain follows from what earlier runs took, and says nothing of what is done.
    if found.is_empty() && saved.preview.order.steps != now.order.steps {
        found.push(about(None, "the order of the nodes", None, None));
    }
    found
}

/// The groups that go in other waves.
fn roll_outs(saved: &Preview, now: &Preview) -> Vec<Changed> {
    let told = |group: &str, what: &str, before: Option<String>, after: Option<String>| Changed {
        node: None,
        place: Place::Plan,
        what: format!("{what} of {group}"),
        before,
        after,
    };
    let mut found = Vec::new();
    let (were, are) = (&saved.order.roll_outs, &now.order.roll_outs);
    for was in were {
        match are.iter().find(|is| is.group == was.group) {
            Some(is) => {
                let differences = was.differences(is);
                found
                    .extend(differences.map(|(what, before, after)| told(&was.group, what, Some(before), Some(after))));
            }
            None => found.push(told(&was.group, "the waves", Some(was.to_string()), None)),
        }
    }
    let new = are.iter().filter(|is| were.iter().all(|was| was.group != is.group));
    found.extend(new.map(|is| told(&is.group, "the waves", None, Some(is.to_string()))));
    found
}

/// The facts that differ.
fn facts(
    node: Option<&NodeId>,
    place: Place,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<Changed> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let changed = differing.map(|name| Changed {
        node: node.cloned(),
        place,
        what: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    });
    changed.collect()
}

/// What is foreseen otherwise, with what it was and what it is where that can be said in a word.
fn foreseen(before: &Foreseen, after: &Foreseen) -> Option<(&'static str, Option<String>, Option<String>)> {
    let words = |what, before: String, after: String| Some((what, Some(before), Some(after)));
    if before.action != after.action {
        return words(DONE, before.action.words().to_owned(), after.action.words().to_owned());
    }
    let place = |one: &Foreseen| format!("{} in {}, {}", one.name, one.account, one.region);
    if place(before) != place(after) {
        return words("where it is", place(before), place(after));
    }
    // The places of references move with every line that is written above them.
    let until = |foreseen: &Foreseen| -> Vec<Until> {
        foreseen.until.iter().map(|until| Until { place: String::new(), ..until.clone() }).collect()
    };
    let aspects = [
        ("its parameters", before.parameters == after.parameters),
        ("its tags", before.tags == after.tags),
        ("its settings", before.settings == after.settings),
        ("its resources", before.resources == after.resources),
        ("what it waits for", until(before) == until(after)),
        ("why it is not done", before.failure == after.failure && before.because == after.because),
    ];
    if let Some((what, _)) = aspects.into_iter().find(|(_, same)| !same) {
        return Some((what, None, None));
    }
    if before.notes == after.notes {
        return None;
    }
    words("what there is to say of it", before.notes.join("; "), after.notes.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::saved::tests::saved;
    use super::super::{Action, Order, RollOut};
    use super::*;

    /// What has changed, a line each, after the present was made other than it was.
    fn after(change: impl Fn(&mut Preview, &mut BTreeMap<NodeId, Grounds>)) -> Vec<String> {
        let saved = saved();
        let (mut preview, mut grounds) = (saved.preview.clone(), saved.grounds.clone());
        change(&mut preview, &mut grounds);
        let line = |one: Changed| {
            format!("{:?} {}: {:?} → {:?}", one.place, one.what, one.before.as_deref(), one.after.as_deref())
        };
        changed(&saved, &preview, &grounds).into_iter().map(line).collect()
    }

    fn only(grounds: &mut BTreeMap<NodeId, Grounds>) -> &mut Grounds {
        grounds.values_mut().next().unwrap()
    }

    #[test]
    fn nothing_has_changed_where_everything_is_the_same_but_the_line_of_a_reference() {
        assert_eq!(after(|_, _| {}), [""; 0]);
        let moved = |preview: &mut Preview, place: &str| {
            let until = Until {
                node: "stacks.other".parse().unwrap(),
                value: "stacks.other.id".to_owned(),
                expression: "stacks.other.id".to_owned(),
                place: place.to_owned(),
                early: false,
            };
            preview.nodes[0].until = vec![until];
        };
        let mut saved = saved();
        moved(&mut saved.preview, "plan.toml:3:1");
        let mut now = saved.preview.clone();
        moved(&mut now, "plan.toml:4:1");
        assert_eq!(changed(&saved, &now, &saved.grounds), []);
        now.nodes[0].until.clear();
        assert_eq!(changed(&saved, &now, &saved.grounds)[0].what, "what it waits for");
    }

    #[test]
    fn each_fact_is_told_with_what_it_was_and_where_it_was_seen() {
        let plan = after(|_, grounds| drop(only(grounds).wanted.insert("parameter Range".to_owned(), "x".to_owned())));
        assert_eq!(plan, [r#"Plan parameter Range: Some("10.0.0.0/16") → Some("x")"#]);
        let gone = after(|_, grounds| only(grounds).live.clear());
        assert_eq!(gone, [r#"Aws status: Some("CREATE_COMPLETE") → None"#]);
        let new = after(|_, grounds| drop(only(grounds).live.insert("stack".to_owned(), "arn".to_owned())));
        assert_eq!(new, [r#"Aws stack: None → Some("arn")"#]);
    }

    #[test]
    fn what_follows_is_told_only_where_its_own_grounds_are_the_same() {
        let follows = after(|preview, _| preview.nodes[0].action = Action::Replace);
        assert_eq!(follows, [r#"Preview what is done: Some("to update") → Some("to replace")"#]);
        let both = after(|preview, grounds| {
            preview.nodes[0].action = Action::Replace;
            only(grounds).live.clear();
        });
        assert_eq!(both.len(), 1, "{both:?}");
        let noted = after(|preview, _| preview.nodes[0].notes.push("a word".to_owned()));
        assert_eq!(noted, [r#"Preview what there is to say of it: Some("") → Some("a word")"#]);
        let moved = after(|preview, _| preview.nodes[0].region = "us-west-2".into());
        assert!(moved[0].starts_with("Preview where it is"), "{moved:?}");
    }

    #[test]
    fn a_node_that_would_fail_now_is_told_with_the_reason_and_not_with_what_was_not_looked_at() {
        let fails = after(|preview, grounds| {
            preview.nodes[0].action = Action::Refused;
            preview.nodes[0].failure = Some(crate::event::Failure::new("it is theirs", ""));
            grounds.clear();
        });
        assert_eq!(fails, [r#"Preview what is done: Some("to update") → Some("to fail: it is theirs")"#]);
    }

    #[test]
    fn other_nodes_another_plan_and_another_order_are_told() {
        let node = || "stacks.new".parse::<NodeId>().unwrap();
        let new = after(|preview, _| {
            preview.nodes.push(Foreseen::new(node(), "master".into(), "us-east-1".into(), Action::Create));
        });
        assert_eq!(new, [r#"Plan the node: None → Some("takes part")"#]);
        assert_eq!(after(|preview, _| preview.nodes.clear()), [r#"Plan the node: Some("takes part") → None"#]);
        let named = after(|preview, _| preview.plan = "other".to_owned());
        assert_eq!(named, [r#"Plan the plan's name: Some("net") → Some("other")"#]);
        let order = after(|preview, _| preview.order = Order { steps: vec![vec![node()]], ..Order::default() });
        assert_eq!(order, ["Plan the order of the nodes: None → None"]);
    }

    #[test]
    fn other_waves_are_told() {
        let one = RollOut {
            group: "stacks.app".to_owned(),
            canary: vec!["a".to_owned()],
            absent: vec![],
            others: 9,
            batch: 3,
            tolerate: 0,
        };
        let order = |roll_outs| Order { roll_outs, ..Order::default() };
        let told = |was: Vec<RollOut>, is: Vec<RollOut>| {
            let of = |roll_outs| Preview::new("net".to_owned(), Vec::new(), order(roll_outs));
            let line = |one: Changed| format!("{}: {:?} → {:?}", one.what, one.before, one.after);
            roll_outs(&of(was), &of(is)).into_iter().map(line).collect::<Vec<_>>()
        };
        let whole = "first a, which must end well, then 9 others, 3 at a time; none may fail";
        assert_eq!(told(vec![], vec![one.clone()]), [format!("the waves of stacks.app: None → Some({whole:?})")]);
        assert_eq!(told(vec![one.clone()], vec![]), [format!("the waves of stacks.app: Some({whole:?}) → None")]);
        assert_eq!(told(vec![one.clone()], vec![one.clone()]), [""; 0]);
        let other = RollOut { tolerate: 2, ..one.clone() };
        assert_eq!(told(vec![one], vec![other]), [r#"how many may fail of stacks.app: Some("0") → Some("2")"#]);
    }

    #[test]
    fn an_account_with_another_id_is_told() {
        let saved = saved();
        assert_eq!(changed_accounts(&saved, &saved.accounts), []);
        let other = BTreeMap::from([("master".into(), "999999999999".parse().unwrap())]);
        let changed = changed_accounts(&saved, &other);
        assert_eq!((changed.len(), changed[0].after.as_deref()), (1, Some("999999999999")));
    }
}
