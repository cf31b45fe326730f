use super::*;
use crate::sim::World;

#[tokio::test(start_paused = true)]
async fn a_world_goes_on_in_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local/world.json");
    let (id, ids) = {
        let sim = Sim::builder().seed(5).open(&path).unwrap();
        let (hub, spoke) = (sim.ec2(HUB, EAST), sim.ec2(SPOKE, EAST));
        let (one, two) = (vpc(&hub, "10.0.0.0/16").await, vpc(&spoke, "10.1.0.0/16").await);
        let asked = hub.create_vpc_peering_connection().vpc_id(&one).peer_vpc_id(&two).peer_owner_id(SPOKE);
        let asked = asked.send().await.unwrap();
        let id = asked.vpc_peering_connection().unwrap().vpc_peering_connection_id().unwrap().to_owned();
        (id, [one, two])
    };
    let sim = Sim::builder().open(&path).unwrap();
    sim.advance(Duration::from_secs(5));
    let spoke = sim.ec2(SPOKE, EAST);
    spoke.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
    assert!(!ids.contains(&vpc(&spoke, "10.2.0.0/16").await), "ids go on too");
    seconds(2).await;
    let status = sim.inspect(|world| world.peerings[&id].status).unwrap();
    assert_eq!(status, crate::sim::ec2::Status::Active);
}

#[tokio::test(start_paused = true)]
async fn two_processes_take_turns_at_one_world() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let (one, two) = (Sim::builder().open(&path).unwrap(), Sim::builder().open(&path).unwrap());
    for number in 0..3 {
        vpc(&one.ec2(HUB, EAST), &format!("10.{number}.0.0/16")).await;
        vpc(&two.ec2(HUB, EAST), &format!("10.1{number}.0.0/16")).await;
    }
    for sim in [one, two] {
        assert_eq!(sim.ec2(HUB, EAST).describe_vpcs().send().await.unwrap().vpcs().len(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_on_disk_before_it_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let sim = Sim::builder().open(&path).unwrap();
    let client = sim.ec2(HUB, EAST);
    sim.stop_after(1);
    tokio::select! {
        _ = vpc(&client, "10.0.0.0/16") => panic!("the client lives on"),
        () = sim.stopped() => {}
    }
    drop(sim);
    let next = Sim::builder().open(&path).unwrap();
    assert_eq!(next.ec2(HUB, EAST).describe_vpcs().send().await.unwrap().vpcs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_world_reads_back_as_it_was_written() {
    let sim = Sim::builder().build();
    let client = sim.ec2(HUB, EAST);
    let id = vpc(&client, "10.0.0.0/16").await;
    let other = vpc(&sim.ec2(SPOKE, WEST), "10.1.0.0/16").await;
    let ask = client.create_vpc_peering_connection().vpc_id(id).peer_vpc_id(other);
    ask.peer_owner_id(SPOKE).peer_region(WEST).send().await.unwrap();
    sim.inspect(|world| {
        let text = serde_json::to_string(world).unwrap();
        let read: World = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    })
    .unwrap();
}
