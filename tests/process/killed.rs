//! SIGKILL, at any moment.
#![expect(clippy::disallowed_methods, reason = "another process keeps the real time")]

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use orch::event::{Change, Event, Record};
use orch::ids::Kind;
use orch::sim::Sim;

use crate::orch::{Orch, QUICK};
use crate::server::Served;
use crate::{PLAN, journal_files, journals, world};

/// How often a process is killed.
const KILLS: usize = 50;

/// The most lines after which it is: more than a whole run says.
const LINES: u64 = 90;

/// Somebody else's, in an account and a region of the plan.
const FOREIGN: &str = r#"
name = "foreign"
region = "us-east-1"
[accounts]
dev = { id = "222222222222", role = "MasterAcctRole" }
[stacks.theirs]
account = "dev"
template = "templates/theirs.yaml"
name = "theirs"
"#;

const THEIR_TEMPLATE: &str = "Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: 10.99.0.0/20
";

/// Numbers by chance, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }
}

/// Everything that is known of the foreign stack, its resources and its events.
fn foreign(orch: &Orch) -> String {
    let sim = Sim::builder().open(orch.path(".orch/local/world.json")).unwrap();
    let look = |world: &orch::sim::World| {
        let stacks = world.places().flat_map(|(_, place)| place.cloudformation.stacks.values());
        let theirs: Vec<_> = stacks.filter(|stack| stack.name == "theirs").collect();
        assert_eq!(theirs.len(), 1);
        serde_json::to_string(&theirs).unwrap()
    };
    sim.inspect(look).unwrap()
}

/// Holds that what a journal says to be done is so at AWS: of stacks and peerings, which bear their nodes' names.
fn is_true_of(look: &world::Look, written: &[Record]) {
    let standing = look.names();
    for record in written {
        let Event::NodeDone { node, change, .. } = &record.event else { continue };
        if node.kind != Kind::Route {
            let is_gone = matches!(change, Change::Deleted | Change::Absent);
            assert_eq!(standing.contains(&node.tag()), !is_gone, "{node} is {change}, and {standing:?} stand");
        }
    }
}

/// The same seed kills at the same lines; what the processes have done by then is up to the machine.
#[test]
fn a_process_that_is_killed_at_fifty_moments_is_made_good_by_the_next_one() {
    let given = std::env::var("ORCH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    println!("ORCH_SEED={seed} cargo test --test process killed");
    let mut chance = Chance(seed);
    let (aws, orch) = (Orch::with_shipped_plans(), Orch::with_shipped_plans());
    let served = Served::start(&aws, QUICK, &[]);
    aws.write("plans/foreign.toml", FOREIGN).write("plans/templates/theirs.yaml", THEIR_TEMPLATE);
    served.run(&aws, &["apply", "plans/foreign.toml", "--yes"]).code(0);
    let before = foreign(&aws);
    let (mut kills, mut whole, mut command) = (0, 0, "apply");
    while kills < KILLS {
        let journals_before = journal_files::files(&orch);
        let args = ["-v", "--log-format", "json", command, PLAN, "--yes"];
        let mut running = Orch::started(served.command(&orch, &args));
        running.says_lines(usize::try_from(chance.below(LINES)).unwrap());
        std::thread::sleep(Duration::from_millis(chance.below(30)));
        let (code, said) = running.killed();
        let said = journals::said(&said);
        match journals::left_by(&orch, &journals_before) {
            Some(journal) => {
                let written = journals::records(&journal);
                let lost: Vec<&Record> = said.iter().filter(|record| !written.contains(record)).collect();
                assert!(lost.is_empty(), "seed {seed}: this was said and is not in {}: {lost:#?}", journal.display());
                is_true_of(&world::of(&aws), &written);
            }
            None => assert_eq!(said, [], "seed {seed}: there is no journal of it"),
        }
        match code {
            None => kills += 1,
            // It was faster: then it has done all of it, whatever those before it have left.
            Some(code) => {
                assert_eq!(code, 0, "seed {seed}: {command} after {kills} kills");
                command = if command == "apply" { "destroy" } else { "apply" };
                whole += 1;
            }
        }
        assert!(whole < KILLS, "seed {seed}: hardly any is met alive");
    }
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0);
    let look = world::of(&aws);
    look.is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
    assert_eq!((look.peerings(), look.whole_stacks()), (4, 6), "nothing twice, and theirs beside it");
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0).prints(&["Nothing changed"]);
    assert_eq!(foreign(&aws), before, "seed {seed}: what is somebody else's was touched");
    let closed = journals::all(&orch).iter().filter(|(replay, _)| replay.closing.is_some()).count();
    assert!(closed > whole, "{closed} journals have an end, of {whole} runs that came to one");
    orch.run(&["runs", "--format", "json"]).code(0).prints(&["\"killed\""]);
}
