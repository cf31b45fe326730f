//! How often CloudFormation is asked about a template, and whose answer counts for whom.

use tokio::time::Instant;

use super::*;
use crate::aws::Template;
use crate::sim::s3::{Bucket, Encryption, Object};
use crate::sim::world::Place;

fn template(text: &str) -> Template {
    Template::Text(text.into())
}

const GOOD: &str = "Resources: {Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/24}}}";
const BAD: &str = "Resources: {Vpc: {Type: 'AWS::Queue'}}";

/// The three accounts in a region.
async fn regionals(sim: &Sim) -> Vec<Regional> {
    let accounts = plan([("master", spec(HUB)), ("dev", role(DEV)), ("qa", role(QA))]);
    let sessions = Sessions::open(&accounts, &environment(sim)).await.unwrap();
    let names = ["master", "dev", "qa"].map(AccountName::from);
    names.iter().map(|name| sessions.region(name, &"us-east-1".into()).unwrap()).collect()
}

fn asked(sim: &Sim) -> usize {
    counts(sim).get("ValidateTemplate").copied().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_about_one_text_cost_one_call_in_whatever_accounts_they_are() {
    let sim = Sim::builder().build();
    let regionals = regionals(&sim).await;
    let asking: Vec<_> = (0..60)
        .map(|n| {
            let regional = regionals[n % 3].clone();
            tokio::spawn(async move { regional.check_template(&template(GOOD)).await })
        })
        .collect();
    for answer in asking {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(asked(&sim), 1);
    regionals[1].check_template(&template(&format!("{GOOD}\n"))).await.unwrap();
    assert_eq!(asked(&sim), 2, "another text");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_each_account_s_own_and_of_now() {
    let sim = Sim::builder().build();
    let regionals = regionals(&sim).await;
    for (regional, expected) in [(0, 1), (0, 2), (1, 3), (2, 4)] {
        let error = regionals[regional].check_template(&template(BAD)).await.unwrap_err();
        assert!(error.is("ValidationError"), "{error}");
        assert_eq!(&error.account, regionals[regional].account());
        assert_eq!(asked(&sim), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_may_not_ask_holds_up_no_other() {
    let denied = Fault::new(Effect::AccessDenied).on("ValidateTemplate").by(HUB);
    let slow = Fault::slow(Duration::from_secs(1)).on("ValidateTemplate");
    let sim = Sim::builder().faults(Faults::of([denied, slow])).build();
    let regionals = regionals(&sim).await;
    let began = Instant::now();
    let asking: Vec<_> = regionals
        .iter()
        .map(|regional| {
            let regional = regional.clone();
            tokio::spawn(async move { regional.check_template(&template(GOOD)).await })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in asking {
        answers.push(answer.await.unwrap().map_err(|error| error.class));
    }
    assert_eq!(answers, [Err(Class::Denied), Ok(()), Ok(())]);
    assert_eq!(began.elapsed().as_secs(), 2, "the others ask at once, after the first was refused");
    assert!(regionals[0].check_template(&template(GOOD)).await.is_ok(), "another account's answer is enough");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_and_then_made_right_is_taken() {
    let sim = Sim::builder().build();
    let regional = regionals(&sim).await.remove(0);
    let at = Template::Url("https://acme-templates.s3.us-east-1.amazonaws.com/net.yaml".to_owned());
    publish(&sim, BAD);
    assert!(regional.check_template(&at).await.unwrap_err().is("ValidationError"));
    publish(&sim, GOOD);
    regional.check_template(&at).await.unwrap();
    regional.check_template(&at).await.unwrap();
    assert_eq!(asked(&sim), 2);
}

/// Puts a template where the hub's account has its own.
fn publish(sim: &Sim, text: &str) {
    let text = text.to_owned();
    sim.change(|world| {
        let place = Place { account: HUB.parse().unwrap(), region: "us-east-1".into() };
        world.buckets.insert("acme-templates".to_owned(), Bucket { place, created: world.now });
        let encryption = Encryption { algorithm: "AES256".to_owned(), kms_key: None };
        let object = Object { text, content_type: None, encryption, modified: world.now };
        world.objects.insert("acme-templates/net.yaml".to_owned(), object);
    })
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_throttled_holds_up_no_other() {
    let throttled = Fault::new(Effect::Throttle).on("ValidateTemplate").by(HUB);
    let sim = Sim::builder().faults(Faults::of([throttled])).build();
    let regionals = regionals(&sim).await;
    let first = regionals[0].clone();
    let began = Instant::now();
    let hub = tokio::spawn(async move { first.check_template(&template(GOOD)).await });
    tokio::time::sleep(Duration::from_millis(1)).await;
    for regional in &regionals[1..] {
        regional.check_template(&template(GOOD)).await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(!hub.is_finished());
    hub.abort();
}

#[tokio::test(start_paused = true)]
async fn an_account_s_own_answer_is_not_another_s() {
    let denied = Fault::new(Effect::AccessDenied).on("ValidateTemplate").by(DEV);
    let sim = Sim::builder().faults(Faults::of([denied])).build();
    let regionals = regionals(&sim).await;
    regionals[0].check_template(&template(GOOD)).await.unwrap();
    regionals[1].check_template(&template(GOOD)).await.unwrap();
    let refused = regionals[1].check_template_itself(&template(GOOD)).await.unwrap_err();
    assert_eq!(refused.class, Class::Denied);
    assert_eq!(asked(&sim), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_leaves_the_question_to_the_next() {
    let sim = Sim::builder().faults(Faults::of([Fault::slow(Duration::from_secs(5)).nth(4)])).build();
    let regionals = regionals(&sim).await;
    let (first, text) = (regionals[0].clone(), template(GOOD));
    assert!(tokio::time::timeout(Duration::from_secs(1), first.check_template(&text)).await.is_err());
    regionals[1].check_template(&text).await.unwrap();
}
