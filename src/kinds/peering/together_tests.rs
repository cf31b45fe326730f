//! Many peerings at once, over the embedded AWS.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::super::Firm;
use super::super::tests::{DEV, HUB, at, calls_since, ec2, owner, sessions, unseen, vpc};
use super::*;
use crate::aws::ARRIVES;
use crate::sim::{Effect, Fault, Faults, Sim, Timing};

const EAST: &str = "us-east-1";

#[tokio::test(start_paused = true)]
async fn many_peerings_of_one_account_are_waited_for_together_whichever_side_it_is() {
    for hub_asks in [false, true] {
        let timing = Timing { peering_accept: Duration::from_secs(4), ..Timing::default() };
        let sim = Sim::builder().timing(timing).build();
        let client = ec2(&sim, DEV, EAST);
        let (hub, mut spokes) = (vpc(&ec2(&sim, HUB, EAST), "10.0.0.0/20").await, Vec::new());
        for n in 1..=20 {
            spokes.push(vpc(&client, &format!("10.{n}.0.0/20")).await);
        }
        // Each spoke in a session of its own, as if it were another account; the hub's is one.
        let shared = sessions(&sim).await;
        let before = sim.calls().len();
        let mut waiting = Vec::new();
        for (n, spoke) in spokes.into_iter().enumerate() {
            let own = sessions(&sim).await;
            let (dev, at_hub, hub) = (at(&own, "dev", EAST), at(&shared, "hub", EAST), hub.clone());
            dev.expect_peerings(1);
            at_hub.expect_peerings(20);
            // In one run one of them looks for the first, and no other.
            dev.is_first_from(&EAST.into());
            waiting.push(tokio::spawn(async move {
                let side = |vpc: String| Side { vpc, dns: None };
                let (requester, accepter) = if hub_asks { (hub, spoke) } else { (spoke, hub) };
                let wanted = Wanted {
                    requester: side(requester),
                    accepter: side(accepter),
                    tags: IndexMap::new(),
                    owner: owner(&format!("peerings.spoke[s{n}]")),
                    adopt: Adopt::Never,
                };
                let (one, other) = if hub_asks { (&at_hub, &dev) } else { (&dev, &at_hub) };
                converge(one, other, &wanted, Firm::default().course(), &unseen).await.unwrap();
            }));
        }
        for task in waiting {
            task.await.unwrap();
        }
        let looks = calls_since(&sim, before).iter().filter(|call| *call == "DescribeVpcPeeringConnections").count();
        // A listing of each side, looks before the requests, and looks for six seconds.
        assert!(looks <= 21 + 2 + 2 * 13, "{looks}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_accepted_without_a_look_unless_the_last_one_was_slow_to_arrive() {
    const SLOW: Duration = Duration::from_secs(2);
    const QUICK: Duration = Duration::from_millis(300);
    let seen = (false, 1);
    let (blind, in_vain, seen_in_vain) = ((true, 1), (true, 2), (false, 2));
    for (arrives, known, expected) in [
        (Duration::ZERO, None, [seen, blind, blind]),
        (QUICK, None, [seen, blind, blind]),
        // What is known before does not matter in the end, be it wrong.
        (QUICK, Some(ARRIVES), [seen, blind, blind]),
        (SLOW, None, [seen_in_vain, seen, seen]),
        (SLOW, Some(Duration::ZERO), [in_vain, seen, seen]),
    ] {
        let (peering_request, peering_visible) = (Duration::ZERO, arrives);
        let timing = Timing { peering_request, peering_visible, ..Timing::default() };
        let sim = Sim::builder().timing(timing).build();
        let sessions = sessions(&sim).await;
        let (dev, at_hub) = (at(&sessions, "dev", EAST), at(&sessions, "hub", EAST));
        let (client, hub) = (ec2(&sim, DEV, EAST), vpc(&ec2(&sim, HUB, EAST), "10.0.0.0/20").await);
        if let Some(waited) = known {
            at_hub.note_too_early(&EAST.into(), waited);
        }
        let mut accepted = Vec::new();
        for n in 1..=3 {
            let spoke = vpc(&client, &format!("10.{n}.0.0/20")).await;
            let before = sim.calls().len();
            let side = |vpc: &str| Side { vpc: vpc.to_owned(), dns: None };
            let wanted = Wanted {
                requester: side(&spoke),
                accepter: side(&hub),
                tags: IndexMap::new(),
                owner: owner(&format!("peerings.spoke[s{n}]")),
                adopt: Adopt::Never,
            };
            converge(&dev, &at_hub, &wanted, Firm::default().course(), &unseen).await.unwrap();
            let calls = calls_since(&sim, before);
            let asked = calls.iter().position(|call| call.starts_with("Create")).unwrap();
            let is_blind = calls[asked + 1].starts_with("Accept");
            accepted.push((is_blind, calls.iter().filter(|call| call.starts_with("Accept")).count()));
        }
        assert_eq!(accepted, expected, "{arrives:?}, {known:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_that_is_held_back_holds_back_no_routes_and_tells_nothing_of_when_requests_arrive() {
    let faults = Faults::of([Fault::new(Effect::Throttle).on("AcceptVpcPeeringConnection").first(20)]);
    let sim = Sim::builder().faults(faults).build();
    let sessions = sessions(&sim).await;
    let (dev, at_hub) = (at(&sessions, "dev", EAST), at(&sessions, "hub", EAST));
    let hub = vpc(&ec2(&sim, HUB, EAST), "10.0.0.0/20").await;
    let spoke = vpc(&ec2(&sim, DEV, EAST), "10.1.0.0/20").await;
    let side = |vpc: String| Side { vpc, dns: None };
    let wanted = Wanted {
        requester: side(spoke),
        accepter: side(hub),
        tags: IndexMap::new(),
        owner: owner("peerings.spoke[dev]"),
        adopt: Adopt::Never,
    };
    let (firm, began) = (Firm::default(), Instant::now());
    let released = Mutex::new(Vec::new());
    let release = |id: &str| released.lock().unwrap().push((id.to_owned(), began.elapsed()));
    let course = Course { release: &release, ..firm.course() };
    let done = converge(&dev, &at_hub, &wanted, course, &unseen).await.unwrap();
    assert!(began.elapsed() > Duration::from_secs(10), "{:?}", began.elapsed());
    let released = released.into_inner().unwrap();
    assert_eq!(released.len(), 1, "{released:?}");
    assert_eq!(Some(&released[0].0), done.id.as_ref());
    assert!(released[0].1 < Duration::from_secs(3), "{released:?}");
    assert_ne!(at_hub.accepted_after(&EAST.into()), None);
}
