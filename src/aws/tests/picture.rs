//! What the picture of an account costs, and when it counts no longer.

use super::*;

const STACK: &str = "Resources: {Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/24}}}";

async fn hub(sim: &Sim) -> (Sessions, Regional) {
    let sessions = Sessions::open(&plan([("hub", spec(HUB))]), &environment(sim)).await.unwrap();
    let hub = sessions.region(&"hub".into(), &"us-east-1".into()).unwrap();
    (sessions, hub)
}

fn named(name: &str) -> StackSpec {
    StackSpec {
        name: name.to_owned(),
        template: crate::aws::Template::Text(STACK.into()),
        parameters: IndexMap::new(),
        kept: Vec::new(),
        tags: IndexMap::new(),
        capabilities: Vec::new(),
        settings: crate::aws::Settings::default(),
    }
}

/// Creates a stack as somebody does of whom this session does not know.
async fn by_others(sim: &Sim, name: &str) {
    let (_, theirs) = hub(sim).await;
    let stack = theirs.create_stack(&named(name), name).await.unwrap().stack;
    theirs
        .settled(&Operation { stack, id: None, token: None, before: None, forecast: None, deletes: false }, &|_| {})
        .await
        .unwrap();
}

/// How often stacks were asked for, one by one or all.
fn asked(sim: &Sim) -> usize {
    counts(sim).get("DescribeStacks").copied().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_at_once_cost_one_listing() {
    let sim = Sim::builder().build();
    by_others(&sim, "one").await;
    let (_sessions, hub) = hub(&sim).await;
    let before = asked(&sim);
    let asking: Vec<_> = (0..50)
        .map(|n| {
            let hub = hub.clone();
            let name = if n == 0 { "one" } else { "none" };
            tokio::spawn(async move { hub.pictured_stack(name).await.unwrap().is_some() })
        })
        .collect();
    let mut found = 0;
    for task in asking {
        found += usize::from(task.await.unwrap());
    }
    assert_eq!((found, asked(&sim) - before), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_is_refused_is_not_asked_for_again_and_each_stack_is_asked_for_by_itself() {
    let sim = Sim::builder().faults(Faults::of([Fault::new(Effect::AccessDenied).on("DescribeStacks").nth(1)])).build();
    let (_sessions, hub) = hub(&sim).await;
    for _ in 0..3 {
        assert_eq!(hub.pictured_stack("one").await.unwrap(), None);
    }
    assert_eq!(asked(&sim), 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_outlasted_once_for_all_who_wait() {
    let sim = Sim::builder().faults(Faults::of([Fault::new(Effect::Refused).on("DescribeRouteTables")])).build();
    let (_sessions, hub) = hub(&sim).await;
    let began = tokio::time::Instant::now();
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let hub = hub.clone();
            tokio::spawn(async move { hub.pictured_route_tables().await })
        })
        .collect();
    for task in asking {
        assert_eq!(task.await.unwrap().unwrap_err().class, Class::Transient);
    }
    assert!(began.elapsed() < Duration::from_mins(7), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_picture_counts_for_minutes_or_until_it_is_to_be_taken_anew() {
    let sim = Sim::builder().build();
    let (sessions, hub) = hub(&sim).await;
    assert_eq!(hub.pictured_stack("one").await.unwrap(), None);
    by_others(&sim, "one").await;
    assert_eq!(hub.pictured_stack("one").await.unwrap(), None, "the picture is from before");
    sessions.look_anew();
    assert!(hub.pictured_stack("one").await.unwrap().is_some());
    by_others(&sim, "two").await;
    assert_eq!(hub.pictured_stack("two").await.unwrap(), None);
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert!(hub.pictured_stack("two").await.unwrap().is_some(), "it is too old");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_asked_for_by_itself_and_the_rest_is_known() {
    for effect in [None, Some(Effect::LostAfter)] {
        let faults = effect.map(|effect| Fault::new(effect).on("CreateStack"));
        let sim = Sim::builder().build();
        by_others(&sim, "one").await;
        sim.set_faults(Faults::of(faults));
        let (_sessions, hub) = hub(&sim).await;
        assert_eq!(hub.pictured_stack("new").await.unwrap(), None);
        let created = hub.create_stack(&named("new"), "token").await;
        assert_eq!(created.is_err(), effect.is_some());
        let before = asked(&sim);
        assert!(hub.pictured_stack("new").await.unwrap().is_some(), "{effect:?}");
        assert_eq!(asked(&sim) - before, 1);
        assert!(hub.pictured_stack("one").await.unwrap().is_some());
        assert_eq!(asked(&sim) - before, 1, "nobody has written that one");
    }
}

#[tokio::test(start_paused = true)]
async fn a_template_is_asked_for_once_until_the_stack_is_updated() {
    let sim = Sim::builder().build();
    by_others(&sim, "one").await;
    let (_sessions, hub) = hub(&sim).await;
    let mut stack = hub.pictured_stack("one").await.unwrap().unwrap();
    for _ in 0..3 {
        assert_eq!(&*hub.known_template(&stack).await.unwrap(), STACK);
    }
    assert_eq!(counts(&sim)["GetTemplate"], 1);
    stack.updated = Some(1);
    hub.known_template(&stack).await.unwrap();
    assert_eq!(counts(&sim)["GetTemplate"], 2);
}

/// A route table of the stack `name`, which is made for it.
async fn table(sim: &Sim, name: &str) -> String {
    by_others(sim, name).await;
    let tables = hub(sim).await.1.every_route_table().await.unwrap();
    tables[0].id.clone()
}

#[tokio::test(start_paused = true)]
async fn many_who_want_routes_in_a_table_while_a_stack_moves_there_share_what_is_read() {
    let sim = Sim::builder().build();
    let table = table(&sim, "one").await;
    let (_sessions, hub) = hub(&sim).await;
    hub.create_stack(&named("slow"), "token").await.unwrap();
    let before = counts(&sim).get("DescribeRouteTables").copied().unwrap_or_default();
    let asking: Vec<_> = (0..50)
        .map(|n| {
            let (hub, ids) = (hub.clone(), [table.clone()]);
            tokio::spawn(async move { hub.pictured_routes(&ids, &format!("10.9.{n}.0/24")).await.unwrap().len() })
        })
        .collect();
    for task in asking {
        assert_eq!(task.await.unwrap(), 1);
    }
    // The listing, whoever came first, and one for all who came meanwhile.
    assert!(counts(&sim)["DescribeRouteTables"] - before <= 3, "{:?}", counts(&sim));
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_stops_nothing_that_another_one_has_moved() {
    let sim = Sim::builder().build();
    let table = table(&sim, "one").await;
    let (_sessions, hub) = hub(&sim).await;
    let stack = hub.create_stack(&named("slow"), "token").await.unwrap().stack;
    hub.cancel_update(&stack, "other").await.unwrap_err();
    let asked = || counts(&sim).get("DescribeRouteTables").copied().unwrap_or_default();
    hub.pictured_routes(std::slice::from_ref(&table), "10.9.0.0/24").await.unwrap();
    let before = asked();
    hub.pictured_routes(std::slice::from_ref(&table), "10.9.0.0/24").await.unwrap();
    assert_eq!(asked() - before, 1, "what was read while the stack moves is not believed");
    hub.settled(&Operation { stack, id: None, token: None, before: None, forecast: None, deletes: false }, &|_| {})
        .await
        .unwrap();
    hub.pictured_routes(std::slice::from_ref(&table), "10.9.0.0/24").await.unwrap();
    let before = asked();
    hub.pictured_routes(&[table], "10.9.0.0/24").await.unwrap();
    assert_eq!(asked(), before);
}
