//! An inventory that is kept in a bucket, for all who run the plan.

use std::time::Duration;

use crate::aws::{Bucket, CallError, Class, Environment, Regional, Revision};
use crate::event::Failure;
use crate::inventory::{Inventory, News};
use crate::plan::{Plan, SharedBucket};

use super::inventory::Read;
use super::shared_bucket::{bucket_of, way};
use super::terminal;

/// How often a run gives way to others that write at the same time.
const ATTEMPTS: u32 = 12;

/// The object of an inventory.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// The way there, or why there is none.
    regional: Result<Regional, Failure>,
    bucket: Bucket,
    key: String,
}

impl Object {
    /// Where a plan's inventory is, with a session of its own: by what it says, sessions for others are opened.
    pub(super) async fn of(plan: &Plan, kept: &SharedBucket, environment: &Environment) -> Self {
        let SharedBucket { bucket, .. } = kept;
        let regional = way(plan, kept, environment).await;
        let key = format!("{}inventory/{}.json", bucket.prefix, plan.name);
        let bucket = bucket_of(kept);
        Self { regional, bucket, key }
    }

    /// How it is named to people.
    pub(super) fn shown(&self) -> String {
        format!("s3://{}/{}", self.bucket.name, self.key)
    }

    /// What is there, and the mark of it.
    ///
    /// # Errors
    ///
    /// It cannot be read: says why and which rights are needed.
    pub(super) async fn read(&self, plan: &str) -> Result<(Read, Option<Revision>), Failure> {
        let regional = self.regional.as_ref().map_err(Clone::clone)?;
        let found = regional.revision(&self.bucket, &self.key).await.map_err(|error| self.refused(error.into()))?;
        let read = found.as_ref().map_or(Read::Nothing, |revision| Read::of(plan, &revision.bytes));
        Ok((read, found))
    }

    /// Adds what a run has to tell to what is there by now. It is written only if nobody else has done so meanwhile; else
    /// it is read again.
    ///
    /// # Errors
    ///
    /// As for [`Object::read`]; or others write it time and again.
    pub(super) async fn add(&self, plan: &str, inventory: &mut Inventory, news: News) -> Result<(), Failure> {
        let regional = self.regional.as_ref().map_err(Clone::clone)?;
        let mut sent: Option<String> = None;
        for attempt in 0..ATTEMPTS {
            let (read, found) = self.read(plan).await?;
            // What a call of ours has written that was repeated, or whose answer was lost, is not added once more.
            if found.as_ref().zip(sent.as_ref()).is_some_and(|(found, sent)| found.bytes == sent.as_bytes()) {
                return Ok(());
            }
            match read {
                Read::Found(latest) => *inventory = latest,
                Read::Nothing => {}
                Read::Damaged(_) => {
                    let text = found.as_ref().map(|found| String::from_utf8_lossy(&found.bytes)).unwrap_or_default();
                    self.set_aside(regional, &text).await?;
                    *inventory = Inventory::empty(plan);
                }
            }
            let before = inventory.written();
            inventory.take_in(news.clone());
            let after = inventory.written();
            if before == after && found.is_some() {
                return Ok(());
            }
            match regional.revise(&self.bucket, &self.key, &after, found.as_ref()).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // Whether it was written will be seen.
                Err(error) if error.class == Class::Lost && attempt + 1 < ATTEMPTS => {}
                Err(error) => return Err(self.refused(error.into())),
            }
            sent = Some(after);
            tokio::time::sleep(Duration::from_millis(u64::from(50 * (attempt + 1)))).await;
        }
        Err(Failure::new("others write it time and again", ""))
    }

    /// Keeps a damaged document under another name, of which each has one of its own: nothing is lost for good.
    async fn set_aside(&self, regional: &Regional, text: &str) -> Result<(), Failure> {
        for number in 1..=ATTEMPTS {
            let aside = format!("{}.damaged-{number}", self.key);
            let put = regional.revise(&self.bucket, &aside, text, None).await;
            if put.map_err(|error: CallError| self.refused(error.into()))? {
                let bucket = &self.bucket.name;
                terminal::line(&format!("the damaged inventory was set aside as s3://{bucket}/{aside}"));
                return Ok(());
            }
        }
        let cause = format!("it is damaged, and there are {ATTEMPTS} such beside it");
        Err(Failure::new("it cannot be set aside", cause).help("see what damages it, and delete those"))
    }

    /// A refusal with what must be so that it is none.
    fn refused(&self, failure: Failure) -> Failure {
        let Bucket { name, kms_key, .. } = &self.bucket;
        let key =
            kms_key.as_ref().map(|_| ", and kms:GenerateDataKey and kms:Decrypt with its key").unwrap_or_default();
        failure.help(format!(
            "bucket {name} must exist, and the role must have s3:ListBucket on it, and s3:GetObject and s3:PutObject on {}*{key}",
            self.shown()
        ))
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::aws::{AccountSpec, Sessions};
    use crate::inventory::Account;
    use crate::sim::s3::Bucket as Made;
    use crate::sim::{Place, Sim};

    const HUB: &str = "111111111111";
    const KEY: &str = "orch/inventory/net.json";

    /// An embedded AWS with a bucket, perhaps, and the object in it.
    async fn object(bucket: bool) -> (Sim, Object) {
        let sim = Sim::builder().build();
        if bucket {
            let place = Place { account: HUB.parse().unwrap(), region: "eu-west-1".into() };
            let make = |world: &mut crate::sim::World| {
                world.buckets.insert("acme-orch".to_owned(), Made { place, created: world.now });
            };
            sim.change(make).unwrap();
        }
        let keys = sim.clone();
        let environment =
            Environment::given(sim.http_client(), sim.time_source(), move |_| Some(keys.credentials(HUB)));
        let specs = IndexMap::from([("hub".into(), AccountSpec::new(HUB.parse().unwrap(), "us-east-1".into()))]);
        let sessions = Sessions::open(&specs, &environment).await.unwrap();
        let regional = sessions.region(&"hub".into(), &"us-east-1".into()).unwrap();
        let bucket = Bucket { name: "acme-orch".to_owned(), owner: Some(HUB.parse().unwrap()), kms_key: None };
        (sim, Object { regional: Ok(regional), bucket, key: KEY.to_owned() })
    }

    fn news(account: &str) -> News {
        let id = account.parse().unwrap();
        News { accounts: vec![(id, Account::new("dev".into()))], ..News::default() }
    }

    async fn found(object: &Object) -> Inventory {
        match object.read("net").await.unwrap().0 {
            Read::Found(inventory) => inventory,
            other => panic!("{other:?}"),
        }
    }

    fn text(sim: &Sim, key: &str) -> Option<String> {
        let at = format!("acme-orch/{key}");
        sim.inspect(|world| world.objects.get(&at).map(|object| object.text.clone())).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn runs_that_write_at_the_same_time_all_add_what_they_have_to_tell() {
        let (sim, object) = object(true).await;
        let add = |account: &'static str| {
            let object = &object;
            async move { object.add("net", &mut Inventory::empty("net"), news(account)).await.unwrap() }
        };
        tokio::join!(add("111111111111"), add("222222222222"), add("333333333333"));
        assert_eq!(found(&object).await.accounts.len(), 3);
        let puts = sim.calls().iter().filter(|call| call.operation == "PutObject").count();
        assert!(puts > 3, "none was in another's way: {puts}");
        // What is known already is not written again.
        add("111111111111").await;
        assert_eq!(sim.calls().iter().filter(|call| call.operation == "PutObject").count(), puts);
    }

    #[tokio::test(start_paused = true)]
    async fn a_damaged_one_is_set_aside_and_the_next_begins_anew() {
        let (sim, object) = object(true).await;
        let regional = object.regional.clone().unwrap();
        assert!(regional.revise(&object.bucket, KEY, "{ half", None).await.unwrap());
        object.add("net", &mut Inventory::empty("net"), news("111111111111")).await.unwrap();
        assert_eq!(found(&object).await.accounts.len(), 1);
        assert_eq!(text(&sim, "orch/inventory/net.json.damaged-1").as_deref(), Some("{ half"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_deleted_while_it_is_read_is_written_again() {
        let (sim, object) = object(true).await;
        object.add("net", &mut Inventory::empty("net"), news("111111111111")).await.unwrap();
        let (_, read) = object.read("net").await.unwrap();
        let at = format!("acme-orch/{KEY}");
        sim.change(|world| drop(world.objects.remove(&at))).unwrap();
        let regional = object.regional.clone().unwrap();
        assert!(!regional.revise(&object.bucket, KEY, "{}", read.as_ref()).await.unwrap());
        object.add("net", &mut Inventory::empty("net"), news("111111111111")).await.unwrap();
        assert_eq!(found(&object).await.accounts.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_that_is_not_there_is_told_with_what_must_be() {
        let (_sim, object) = object(false).await;
        let failure = object.read("net").await.unwrap_err();
        assert!(failure.to_string().contains("NoSuchBucket"), "{failure}");
        let help = failure.help.last().unwrap();
        assert!(help.starts_with("bucket acme-orch must exist") && help.contains("s3:PutObject"), "{help}");
    }
}
