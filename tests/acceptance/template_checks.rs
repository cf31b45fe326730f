//! Templates are looked over once, and before the turn of their stacks.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use orch::plan::Files;
use orch::sim::{Call, Sim, Timing};

use crate::in_process::{Ready, read};

const HUB: &str = "\
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/24}}
Outputs:
  VPCId: {Value: !Ref Vpc}
";

/// A type that nobody has.
const UNHEARD: &str = "Resources: {Vpc: {Type: 'AWS::Queue'}}";

/// A plan whose spokes wait for the hub.
struct Waiting {
    plan: String,
    spoke: &'static str,
}

impl Files for Waiting {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let text = match path.file_name().and_then(|name| name.to_str()) {
            Some("hub.yaml") => HUB,
            Some("spoke.yaml") => self.spoke,
            _ => &self.plan,
        };
        Ok(text.as_bytes().to_vec())
    }
}

fn plan(spokes: usize, spoke: &'static str) -> Ready {
    let mut plan = "name = \"waiting\"\nregion = \"us-east-1\"\n\n[vars.spokes]\n".to_owned();
    for n in 0..spokes {
        let _ = writeln!(plan, "a{n:03} = \"10.1.{n}.0/24\"");
    }
    plan.push_str("\n[accounts]\nmaster = { id = \"111111111111\" }\n");
    for n in 0..spokes {
        let _ = writeln!(plan, "a{n:03} = {{ id = \"{:012}\", role = \"Deploy\" }}", 200_000_000_000 + n);
    }
    plan.push_str(
        "\n[stacks.hub]\naccount = \"master\"\ntemplate = \"hub.yaml\"\n\n[stacks.spoke]\nfor_each = \"vars.spokes\"\n\
         account = \"{{ each.key }}\"\ntemplate = \"spoke.yaml\"\ndepends_on = [\"stacks.hub\"]\n",
    );
    read("waiting.toml", &Waiting { plan, spoke })
}

/// A hub of a minute.
fn sim() -> Sim {
    let mut timing = Timing::default();
    timing.stacks.insert("waiting-hub".to_owned(), Duration::from_mins(1));
    Sim::builder().timing(timing).build()
}

fn of<'c>(calls: &'c [Call], operation: &str) -> Vec<&'c Call> {
    calls.iter().filter(|call| call.operation == operation).collect()
}

#[tokio::test(start_paused = true)]
async fn a_template_is_looked_over_once_and_while_the_first_stack_runs() {
    let sim = sim();
    let (_, tally) = plan(20, HUB).preview(&sim, true).await;
    assert_eq!((tally.done, tally.failed), (21, 0));
    let calls = sim.calls();
    assert_eq!(of(&calls, "ValidateTemplate").len(), 1, "two files of one text, in twenty-one accounts");

    let sim = self::sim();
    let (_, tally) = plan(20, "Resources: {Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.1.0.0/24}}}")
        .preview(&sim, true)
        .await;
    assert_eq!((tally.done, tally.failed), (21, 0));
    let calls = sim.calls();
    let (checks, made) = (of(&calls, "ValidateTemplate"), of(&calls, "CreateStack"));
    assert_eq!((checks.len(), made.len()), (2, 21));
    assert!(checks.iter().all(|check| check.at <= made[0].at), "{checks:?} before {:?}", made[0]);
}

#[tokio::test(start_paused = true)]
async fn many_templates_of_one_account_crowd_out_nothing() {
    let mut plan = "name = \"waiting\"\nregion = \"us-east-1\"\n[accounts]\nmaster = { id = \"111111111111\" }\n\n\
                    [stacks.hub]\naccount = \"master\"\ntemplate = \"hub.yaml\"\n"
        .to_owned();
    for n in 0..40 {
        let _ = write!(
            plan,
            "[stacks.s{n}]\naccount = \"master\"\ntemplate = \"{n}.yaml\"\ndepends_on = [\"stacks.hub\"]\n"
        );
    }
    let mut timing = Timing { latency: Duration::from_millis(100), ..Timing::default() };
    timing.stacks.insert("waiting-hub".to_owned(), Duration::from_mins(1));
    let sim = Sim::builder().timing(timing).build();
    let (_, tally) = read("waiting.toml", &Many { plan }).preview(&sim, true).await;
    assert_eq!((tally.done, tally.failed), (41, 0));
    let calls = sim.calls();
    let (checks, made) = (of(&calls, "ValidateTemplate"), of(&calls, "CreateStack"));
    assert_eq!((checks.len(), made.len()), (41, 41));
    // One after the other, all of them while the hub runs.
    let spread = checks.iter().filter(|check| check.at == checks[0].at).count();
    assert!(spread <= 2, "{spread} at once");
    assert!(checks.iter().all(|check| check.at < made[1].at));
}

/// A plan whose stacks each have a template of their own.
struct Many {
    plan: String,
}

impl Files for Many {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let text = match name.strip_suffix(".yaml") {
            Some(own) => format!("{HUB}# {own}\n"),
            None => self.plan.clone(),
        };
        Ok(text.into_bytes())
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_whose_template_is_refused_fails_before_anything_of_it_is_done() {
    let sim = sim();
    let (_, tally) = plan(3, UNHEARD).preview(&sim, true).await;
    assert_eq!((tally.done, tally.failed), (1, 3));
    let calls = sim.calls();
    assert_eq!(of(&calls, "CreateStack").len(), 1, "the hub's");
    // One account asks while the hub runs, and each in its turn: a type may be one's own, or registered by then.
    let checks = of(&calls, "ValidateTemplate");
    assert_eq!(checks.len(), 1 + 1 + 3);
    let turn = calls.iter().rev().find(|call| call.operation == "DescribeStacks").unwrap().at;
    assert_eq!(checks.iter().filter(|check| check.at >= turn).count(), 3);
}
