//! Stacks that nest others: what fails in them, and templates that are nested by their paths.

use super::super::course::Provisional;
use super::super::tests::{DEV, calls_since, unseen};
use super::tests::World;
use super::*;
use crate::sim::s3::Bucket;
use crate::sim::world::Place;
use crate::sim::{Fault, Faults, ResourceFault, Sim};

const BUCKET: &str = "acme-templates";

const TOP: &str = "\
Resources:
  Net:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./net.yaml
Outputs:
  VPCId: {Value: !GetAtt Net.Outputs.VpcId}
";

const MIDDLE: &str = "\
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: 'inner.yaml'}
Outputs:
  VpcId: {Value: !GetAtt Inner.Outputs.VpcId}
";

const INNER: &str = "\
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Gate: {Type: AWS::EC2::InternetGateway, DependsOn: Vpc}
Outputs:
  VpcId: {Value: !Ref Vpc}
";

fn at(text: &str, part: &str) -> std::ops::Range<usize> {
    let start = text.find(part).unwrap();
    start..start + part.len()
}

/// The three templates, each in the one before.
fn nesting(inner: &str) -> Nesting {
    let template = |text: &str, path: &str, nested| Nesting { text: text.into(), path: path.into(), nested };
    let middle =
        template(MIDDLE, "net.yaml", vec![(at(MIDDLE, "'inner.yaml'"), template(inner, "inner.yaml", vec![]))]);
    template(TOP, "top.yaml", vec![(at(TOP, "./net.yaml"), middle)])
}

fn bucket() -> TemplateBucket {
    TemplateBucket { name: BUCKET.to_owned(), prefix: "orch/".to_owned(), kms_key: None, owner: None }
}

fn make_bucket(sim: &Sim, account: &str, region: &str) {
    let place = Place { account: account.parse().unwrap(), region: region.into() };
    let make = |world: &mut crate::sim::World| {
        world.buckets.insert(BUCKET.to_owned(), Bucket { place, created: world.now });
    };
    sim.change(make).unwrap();
}

impl World {
    async fn nests(&mut self, inner: &str) {
        let bucket = bucket();
        let Packed { text, nested } = nesting(inner).packed(&self.dev(), Some(&bucket)).await.unwrap();
        (self.wanted.template, self.wanted.nested) = (text, nested);
        self.wanted.delivery = Delivery::Sent(Some(bucket));
        self.wanted.parameters.clear();
    }
}

#[tokio::test(start_paused = true)]
async fn nested_files_are_put_in_the_bucket_before_the_stack_is_made_of_them() {
    let mut world = World::new().await;
    make_bucket(&world.sim, DEV, "eu-west-1");
    world.nests(INNER).await;
    // The bucket's region is asked for once, of S3 itself, and nothing is put there to know a text.
    assert_eq!(calls_since(&world.sim, 0).iter().filter(|call| *call == "HeadBucket").count(), 2);
    let start = format!("      TemplateURL: \"https://{BUCKET}.s3.eu-west-1.amazonaws.com/orch/");
    assert!(world.wanted.template.contains(&start), "{}", world.wanted.template);
    assert_eq!(world.sim.inspect(|world| world.objects.len()).unwrap(), 0);
    let (done, calls) = world.calls().await;
    assert_eq!(done.change, Change::Created);
    assert!(done.outputs["VPCId"].starts_with("vpc-"), "{:?}", done.outputs);
    assert_eq!(calls.iter().filter(|call| *call == "PutObject").count(), 2);

    let before = world.wanted.template.clone();
    world.nests(INNER).await;
    assert_eq!(world.wanted.template, before, "the same files give the same text");
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
    world
        .nests(
            &INNER
                .replace("Outputs:", "  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:"),
        )
        .await;
    assert_ne!(world.wanted.template, before);
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_look_at_a_bucket_is_told_its_region_all_the_same_and_then_may_not_put_anything() {
    let mut world = World::new().await;
    make_bucket(&world.sim, super::super::tests::HUB, "eu-west-1");
    world.nests(INNER).await;
    assert!(world.wanted.template.contains(".s3.eu-west-1."), "{}", world.wanted.template);
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.summary, "the template cannot be put in bucket acme-templates");
    assert_eq!(world.sim.mutations(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_there_fails_what_needs_it_and_no_preview() {
    let mut world = World::new().await;
    world.nests(INNER).await;
    let outlook = foresee(&world.dev(), &world.draft(), None).await.unwrap();
    assert_eq!(outlook.foreseen.action, crate::preview::Action::Create);
    let failure = world.converge().await.unwrap_err();
    assert!(failure.cause.contains("NoSuchBucket"), "{failure}");
    let failure = nesting(INNER).packed(&world.dev(), None).await.unwrap_err();
    assert_eq!(failure.help, ["name a bucket for them: template_bucket = \"…\""]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_first_deep_inside_is_the_cause() {
    let fault = ResourceFault {
        logical_id: Some("Gate".to_owned()),
        action: Some("CREATE".to_owned()),
        reason: "Planned".to_owned(),
        ..ResourceFault::default()
    };
    let faults = Faults { resources: vec![fault], ..Faults::of([] as [Fault; 0]) };
    let mut world = World::of(Sim::builder().faults(faults)).await;
    make_bucket(&world.sim, DEV, "us-east-1");
    world.nests(INNER).await;
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.cause, "Net.Inner.Gate (AWS::EC2::InternetGateway): Planned");
    // The next look at it says the same, though the nested stacks were deleted with what had failed.
    let live = world.dev().stack(&world.wanted.name).await.unwrap();
    assert_eq!(live.as_ref().map(|stack| stack.status.to_string()).as_deref(), Some("ROLLBACK_COMPLETE"));
    let claim = Claim { owner: &world.wanted.owner, adopt: Adopt::Never };
    let standing = standing(&world.dev(), live.as_ref(), Some(claim), &std::collections::BTreeSet::new()).await;
    assert_eq!(standing.cause.as_deref(), Some("Net.Inner.Gate (AWS::EC2::InternetGateway): Planned"));
}

#[tokio::test(start_paused = true)]
async fn what_a_nested_stack_has_left_behind_is_named_when_the_whole_is_taken_back() {
    let mut world = World::new().await;
    make_bucket(&world.sim, DEV, "eu-west-1");
    world.nests(&INNER.replace("{Type: AWS::EC2::VPC,", "{Type: AWS::EC2::VPC, DeletionPolicy: Retain,")).await;
    let ground = Provisional::default();
    world.converge_on(ground.course(), &Allowed::default(), &unseen).await.unwrap();
    let (owner, made) = (&world.wanted.owner, ground.trace.made());
    let back = take_back(&world.dev(), owner, &made, &Forecasts::default(), &unseen).await.unwrap();
    assert!(
        back.stays && back.details[1].starts_with("left behind in the account: Vpc (AWS::EC2::VPC) vpc-"),
        "{back:?}"
    );
}
