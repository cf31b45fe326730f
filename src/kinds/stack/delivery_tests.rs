//! Templates that no request holds.

use super::super::tests::{TEMPLATE, World};
use super::super::{Change, ChangeSets, Delivery, foresee};
use super::*;
use crate::kinds::tests::{DEV, HUB, at, calls_since, sessions};
use crate::preview::Action;
use crate::sim::s3::{Bucket, Object};
use crate::sim::world::Place;
use crate::sim::{Effect, Fault};

const BUCKET: &str = "acme-templates";

/// A text of a template that fits into no request, and is as well made.
fn large(template: &str) -> String {
    format!("{template}{}", "# so that it does not fit into a request\n".repeat(1500))
}

impl World {
    /// A bucket of an account's in a region, which large templates go to.
    fn with_bucket(mut self, account: &str, region: &str) -> Self {
        let place = Place { account: account.parse().unwrap(), region: region.into() };
        let make = |world: &mut crate::sim::World| {
            let bucket = Bucket { place, created: world.now };
            world.buckets.insert(BUCKET.to_owned(), bucket);
        };
        self.sim.change(make).unwrap();
        let (name, prefix) = (BUCKET.to_owned(), "orch/".to_owned());
        self.wanted.delivery = Delivery::Sent(Some(TemplateBucket { name, prefix, kms_key: None, owner: None }));
        self.wanted.template = large(TEMPLATE).into();
        self
    }

    /// Every object, by its key.
    fn objects(&self) -> Vec<(String, Object)> {
        let all = |world: &crate::sim::World| {
            world.objects.iter().map(|(key, object)| (key.clone(), object.clone())).collect()
        };
        self.sim.inspect(all).unwrap()
    }
}

fn told(failure: &Failure) -> String {
    let help: Vec<_> = failure.help.iter().map(|help| format!("\n  help: {help}")).collect();
    format!("{failure}{}", help.concat())
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_goes_by_the_bucket_once() {
    let mut world = World::new().await.with_bucket(DEV, "eu-west-1");
    let (done, calls) = world.calls().await;
    assert_eq!(done.change, Change::Created);
    // The first is told where the bucket is.
    assert_eq!(calls[..5], ["DescribeStacks", "PutObject", "PutObject", "ValidateTemplate", "CreateStack"]);
    let [(key, object)] = &world.objects()[..] else { panic!("{:?}", world.objects()) };
    assert_eq!((&*object.text, &*object.encryption.algorithm), (&*world.wanted.template, "AES256"));
    let name = key.strip_prefix("acme-templates/orch/").and_then(|key| key.strip_suffix(".template")).unwrap();
    assert_eq!((name.len(), name.chars().all(|c| c.is_ascii_hexdigit())), (64, true), "{key}");

    let (again, calls) = world.calls().await;
    assert_eq!((again.change, calls), (Change::Unchanged, vec!["DescribeStacks".to_owned(), "GetTemplate".to_owned()]));

    // The same text in another stack is there already, and CloudFormation has looked it over; and that no such stack stands is
    // known from the look at the first.
    world.wanted.name = "us-east-1-qa".to_owned();
    let (_, calls) = world.calls().await;
    assert_eq!(calls[0], "CreateStack");

    world.wanted.template = large(&TEMPLATE.replace("Default: net", "Default: network")).into();
    let (done, calls) = world.calls().await;
    assert_eq!(done.change, Change::Updated);
    assert_eq!(calls.iter().filter(|call| *call == "PutObject").count(), 1, "the bucket's region is known: {calls:?}");
    assert_eq!(world.objects().len(), 2);
    // A small one needs no bucket.
    world.wanted.template = TEMPLATE.into();
    let (_, calls) = world.calls().await;
    assert!(!calls.contains(&"PutObject".to_owned()), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn what_another_process_has_put_is_not_put_again() {
    let world = World::new().await.with_bucket(DEV, "us-east-1");
    world.converge().await.unwrap();
    let before = world.objects();
    let sessions = sessions(&world.sim).await;
    let spec = world.wanted.spec(&at(&sessions, "dev", "us-east-1"), None).await.unwrap();
    let key = &before[0].0[BUCKET.len() + 1..];
    assert_eq!(spec.template, Template::Url(format!("https://{BUCKET}.s3.us-east-1.amazonaws.com/{key}")));
    // What was learnt of the bucket holds for whoever asks from another region.
    let elsewhere = world.wanted.spec(&at(&sessions, "dev", "eu-west-1"), None).await.unwrap();
    assert_eq!(elsewhere.template, spec.template);
    assert_eq!(world.objects(), before, "it was not written anew");
}

#[tokio::test(start_paused = true)]
async fn a_preview_puts_a_template_only_where_a_change_set_needs_it() {
    let mut world = World::new().await.with_bucket(DEV, "us-east-1");
    let sets = ChangeSets::default();
    let action = |outlook: crate::kinds::Outlook| outlook.foreseen.action;
    assert_eq!(action(foresee(&world.dev(), &world.draft(), Some(&sets)).await.unwrap()), Action::Create);
    assert_eq!(world.objects(), []);
    world.converge().await.unwrap();
    world.wanted.template = large(&TEMPLATE.replace("Default: net", "Default: network")).into();
    let before = world.sim.calls().len();
    assert_eq!(action(foresee(&world.dev(), &world.draft(), None).await.unwrap()), Action::Update);
    // What differs is looked at again past what was listed.
    let looks = ["DescribeStacks", "GetTemplate", "DescribeStacks"];
    assert_eq!(calls_since(&world.sim, before), looks, "read-only");
    assert_eq!(action(foresee(&world.dev(), &world.draft(), Some(&sets)).await.unwrap()), Action::Update);
    assert_eq!(world.objects().len(), 2);
    sets.sweep().await;
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_missing_or_anothers_is_told_with_what_to_do() {
    let mut world = World::new().await.with_bucket(HUB, "us-east-1");
    let failure = world.converge().await.unwrap_err();
    insta::assert_snapshot!(told(&failure), @"
    the template cannot be put in bucket acme-templates: PutObject in account dev, us-east-1, was refused: Access Denied (AccessDenied)
      help: the policies of account dev's role must allow s3:PutObject and s3:GetObject on arn:aws:s3:::acme-templates/orch/*
      help: if the bucket is another account's, its policy must allow the same to arn:aws:iam::222222222222:root
    ");
    let Delivery::Sent(Some(bucket)) = &mut world.wanted.delivery else { panic!("{:?}", world.wanted.delivery) };
    "acme-nothing".clone_into(&mut bucket.name);
    let failure = world.converge().await.unwrap_err();
    insta::assert_snapshot!(told(&failure), @"
    the template cannot be put in bucket acme-nothing: PutObject in account dev, us-east-1, was refused: The specified bucket does not exist (NoSuchBucket)
      help: make it: aws s3 mb s3://acme-nothing --region us-east-1
      help: or correct `template_bucket`
    ");
    // It is there, and not whose the plan says that it is.
    let mut world = World::new().await.with_bucket(DEV, "us-east-1");
    let Delivery::Sent(Some(bucket)) = &mut world.wanted.delivery else { panic!("{:?}", world.wanted.delivery) };
    (bucket.owner, bucket.kms_key) = (Some(HUB.parse().unwrap()), Some("alias/templates".to_owned()));
    let failure = world.converge().await.unwrap_err();
    assert!(failure.cause.contains("AccessDenied"));
    assert_eq!(
        failure.help[2..],
        [
            "the bucket must belong to account 111111111111, as `owner` of `template_bucket` says",
            "and both kms:GenerateDataKey and kms:Decrypt with alias/templates",
        ]
    );
    assert_eq!(world.sim.mutations(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_the_bucket_is_asked_for_again() {
    let lost = Fault::new(Effect::LostAfter).on("PutObject").first(4);
    let world = World::faulty([lost]).await.with_bucket(DEV, "us-east-1");
    assert_eq!(world.converge().await.unwrap().change, Change::Created);
    assert_eq!(world.objects().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_bucket_what_does_not_fit_is_refused() {
    let mut world = World::new().await;
    world.wanted.template = format!("{TEMPLATE}{}", "#".repeat(MAX_INLINE_BYTES)).into();
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.summary, "template spoke.yaml is too large for CloudFormation");
    assert_eq!(failure.help[0], "name a bucket for large templates: template_bucket = \"…\"");
    assert_eq!(world.sim.mutations(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_template_is_larger_than_cloudformation_reads() {
    let mut world = World::new().await.with_bucket(DEV, "us-east-1");
    world.wanted.template = format!("{TEMPLATE}{}", "#".repeat(MAX_BYTES)).into();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.cause.ends_with("from a bucket CloudFormation takes 1048576"), "{failure}");
    assert_eq!(world.objects(), []);
}

impl World {
    /// A template in the bucket, which the stack is made of.
    fn with_template_at(mut self, account: &str, region: &str, text: &str) -> Self {
        self = self.with_bucket(account, region);
        self.publish(text);
        self.wanted.delivery = Delivery::At(self.url());
        self.wanted.template = TEMPLATE.into();
        self
    }

    fn url(&self) -> String {
        let region = |world: &crate::sim::World| world.buckets[BUCKET].place.region.clone();
        format!("https://{BUCKET}.s3.{}.amazonaws.com/net/spoke.yaml", self.sim.inspect(region).unwrap())
    }

    fn publish(&self, text: &str) {
        let text = text.to_owned();
        let put = |world: &mut crate::sim::World| {
            let encryption = crate::sim::s3::Encryption { algorithm: "AES256".to_owned(), kms_key: None };
            let object = Object { text, content_type: None, encryption, modified: world.now };
            world.objects.insert(format!("{BUCKET}/net/spoke.yaml"), object);
        };
        self.sim.change(put).unwrap();
    }

    async fn read(&self, url: &str) -> Result<String, String> {
        read_at(&self.dev(), url).await.map_err(|failure| told(&failure))
    }
}

#[tokio::test(start_paused = true)]
async fn a_template_at_a_url_is_read_there_by_cloudformation_and_compared_without_a_change_set() {
    let mut world = World::new().await.with_template_at(DEV, "eu-west-1", TEMPLATE);
    let url = world.url();
    world.wanted.template = world.read(&url).await.unwrap().into();
    let (done, calls) = world.calls().await;
    assert_eq!(done.change, Change::Created);
    // What CloudFormation has looked over is what is at the URL, not what a request holds.
    assert_eq!(calls[..3], ["DescribeStacks", "ValidateTemplate", "CreateStack"]);
    let (again, calls) = world.calls().await;
    assert_eq!((again.change, calls), (Change::Unchanged, vec!["DescribeStacks".to_owned(), "GetTemplate".to_owned()]));

    world.publish(&TEMPLATE.replace("Default: net", "Default: network"));
    world.wanted.template = world.read(&url).await.unwrap().into();
    let (done, calls) = world.calls().await;
    assert_eq!(done.change, Change::Updated);
    assert!(calls.contains(&"CreateChangeSet".to_owned()), "{calls:?}");
    let live = world.dev().stack(&world.wanted.name).await.unwrap().unwrap();
    assert_eq!(world.dev().template(&live.id).await.unwrap(), *world.wanted.template);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_at_a_url_says_why_and_what_to_do() {
    let world = World::new().await.with_template_at(DEV, "eu-west-1", &large(TEMPLATE));
    // The URL may leave the region out.
    for url in [format!("https://{BUCKET}.s3.amazonaws.com/net/spoke.yaml"), format!("{}?versionId=null", world.url())]
    {
        assert_eq!(world.read(&url).await.unwrap(), large(TEMPLATE), "{url}");
    }
    insta::assert_snapshot!(world.read(&format!("https://{BUCKET}.s3.amazonaws.com/none.yaml")).await.unwrap_err(), @"
    the template https://acme-templates.s3.amazonaws.com/none.yaml cannot be read: GetObject in account dev, us-east-1, was refused: The specified key does not exist. (NoSuchKey)
      help: put it there, or correct the URL
    ");
    // As the embedded CloudFormation does, which takes it of no other region than it names.
    let elsewhere = format!("https://s3.us-west-2.amazonaws.com/{BUCKET}/net/spoke.yaml");
    insta::assert_snapshot!(world.read(&elsewhere).await.unwrap_err(), @"
    the template https://s3.us-west-2.amazonaws.com/acme-templates/net/spoke.yaml cannot be read: it names us-west-2, and bucket acme-templates is in eu-west-1
      help: write s3.eu-west-1.amazonaws.com in it
    ");
    insta::assert_snapshot!(world.read(&format!("{}?versionId=1", world.url())).await.unwrap_err(), @"
    the template https://acme-templates.s3.eu-west-1.amazonaws.com/net/spoke.yaml?versionId=1 cannot be read: GetObject in account dev, us-east-1, was refused: The specified version does not exist. (NoSuchVersion)
      help: put it there, or correct the URL
    ");
    world.publish(&format!("{TEMPLATE}{}", "#".repeat(MAX_BYTES)));
    insta::assert_snapshot!(world.read(&world.url()).await.unwrap_err(), @"
    the template https://acme-templates.s3.eu-west-1.amazonaws.com/net/spoke.yaml cannot be read: it has 1048926 bytes; from a bucket CloudFormation takes 1048576
      help: split it into several stacks that pass outputs on
    ");
    let world = World::new().await.with_template_at(HUB, "us-east-1", TEMPLATE);
    insta::assert_snapshot!(world.read(&format!("{}?versionId=null", world.url())).await.unwrap_err(), @"
    the template https://acme-templates.s3.us-east-1.amazonaws.com/net/spoke.yaml?versionId=null cannot be read: GetObject in account dev, us-east-1, was refused: Access Denied (AccessDenied)
      help: the policies of account dev's role must allow s3:GetObjectVersion on arn:aws:s3:::acme-templates/net/spoke.yaml
      help: if the bucket is another account's, its policy must allow it too, and so must the policy of a key of KMS
      help: or nothing is there: S3 says so only to those who have s3:ListBucket
    ");
}
