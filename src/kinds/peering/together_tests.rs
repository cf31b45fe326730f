//! Many peerings at once, over the embedded AWS.

use std::time::Duration;

use super::super::Firm;
use super::super::tests::{DEV, HUB, at, calls_since, ec2, owner, sessions, unseen, vpc};
use super::*;
use crate::sim::{Sim, Timing};

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
        // A listing of each side, and the looks of five seconds; the first spoke may have been waited for by itself.
        assert!(looks <= 21 + 12 + 10, "{looks}");
    }
}
