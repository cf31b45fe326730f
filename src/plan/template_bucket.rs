//! `template_bucket`: where templates go that no request to CloudFormation holds.

use std::sync::Arc;

use indexmap::IndexMap;

use super::account::known;
use super::codes;
use super::document::{Data, Item, Table};
use super::fields::Fields;
use super::node::TemplateBucket;
use super::problems::Problems;
use super::scope::Scope;
use super::text::Text;
use super::world::World;
use crate::diag::{Sources, Span};
use crate::ids::AccountName;

/// The keys of a bucket that is written as a table.
pub(super) const KEYS: [&str; 4] = ["name", "prefix", "kms_key", "owner"];

/// What the keys of templates begin with if the plan does not say it.
const PREFIX: &str = "orch/";

/// The longest prefix: with a digest behind it, a key stays far below S3's 1,024 bytes and a URL below CloudFormation's.
const MAX_PREFIX: usize = 256;

/// A bucket as it is declared.
#[derive(Debug)]
pub(super) struct DeclaredBucket {
    span: Span,
    name: Option<Arc<Text>>,
    prefix: Option<Arc<Text>>,
    kms_key: Option<Arc<Text>>,
    owner: Option<Arc<Text>>,
}

/// The buckets that a plan declares: one for all, and those of single accounts, which win.
#[derive(Debug, Default)]
pub(super) struct DeclaredBuckets {
    plan: Option<DeclaredBucket>,
    accounts: IndexMap<AccountName, DeclaredBucket>,
}

impl DeclaredBuckets {
    /// Reads the bucket of the plan's table, and those of its accounts' tables with the defaults under them.
    pub(super) fn read(plan: &Table, accounts: &Table, sources: &Sources, problems: &mut Problems) -> Self {
        let mut one = |table: &Table| Some(bucket(&table.get("template_bucket")?.item, sources, problems));
        Self {
            plan: one(plan),
            accounts: accounts
                .iter()
                .filter_map(|(name, entry)| Some((AccountName::from(&**name), one(entry.item.table()?)?)))
                .collect(),
        }
    }

    /// The bucket of an account.
    pub(super) fn of(&self, account: Option<&AccountName>) -> Option<&DeclaredBucket> {
        account.and_then(|account| self.accounts.get(account)).or(self.plan.as_ref())
    }
}

fn bucket(item: &Item, sources: &Sources, problems: &mut Problems) -> DeclaredBucket {
    let mut declared = DeclaredBucket { span: item.span.clone(), name: None, prefix: None, kms_key: None, owner: None };
    match &item.data {
        Data::Text(text) => declared.name = Text::parse(text, &item.span, sources, problems).map(Arc::new),
        Data::Table(table) => {
            let mut fields = Fields::new(table, "a template bucket", &KEYS, item.span.clone(), sources, problems);
            declared = DeclaredBucket::read(&mut fields, &item.span);
            fields.finish();
        }
        _ => problems.wrong_type(
            item,
            "a bucket's name, or a table",
            "write template_bucket = \"NAME\", or template_bucket = { name = \"NAME\", kms_key = \"…\" }",
        ),
    }
    declared
}

impl DeclaredBucket {
    /// Reads the keys of a table that tell of a bucket.
    pub(super) fn read(fields: &mut Fields<'_>, span: &Span) -> Self {
        fields.require("name");
        Self {
            span: span.clone(),
            name: fields.text("name"),
            prefix: fields.text("prefix"),
            kms_key: fields.text("kms_key"),
            owner: fields.text("owner"),
        }
    }

    /// The bucket as one node sees it; `None` was reported.
    pub(super) fn bind(&self, scope: Scope<'_>, world: &World, problems: &mut Problems) -> Option<TemplateBucket> {
        let text = |text: &Option<Arc<Text>>, problems: &mut Problems| match text {
            Some(text) => scope.constant_text(text, problems).map(Some),
            None => Some(None),
        };
        let (written, prefix) = (self.name.as_ref()?, text(&self.prefix, problems));
        let (kms_key, owner) = (text(&self.kms_key, problems), text(&self.owner, problems));
        let name = scope.constant_text(written, problems)?;
        if !is_bucket_name(&name) {
            let help =
                "it has 3 to 63 small letters, digits, `-` and `.`, and begins and ends with a letter or a digit";
            problems.error(codes::INVALID_NAME, &written.span, format!("`{name}` is not a name for a bucket"), help);
            return None;
        }
        let prefix = prefix?.unwrap_or_else(|| PREFIX.to_owned());
        if !is_prefix(&prefix) {
            let help =
                "it has 256 characters at most: letters, digits, `/`, `-`, `_` and `.`, as in prefix = \"orch/\"";
            let span = self.prefix.as_ref().map_or(&self.span, |text| &text.span);
            problems.error(codes::INVALID_NAME, span, format!("`{prefix}` is not a prefix for templates"), help);
            return None;
        }
        let owner = match owner? {
            None => None,
            Some(owner) => {
                let span = self.owner.as_ref().map_or(&self.span, |text| &text.span);
                let name = known(&owner, span, world, problems)?;
                // One that is declared wrongly was reported.
                Some(world.accounts.get(&name)?.as_ref()?.id.clone())
            }
        };
        Some(TemplateBucket { name: name.into(), prefix: prefix.into(), kms_key: kms_key?.map(Into::into), owner })
    }
}

/// Whether S3 takes a text for a bucket's name:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
fn is_bucket_name(name: &str) -> bool {
    let is_outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(|c| is_outer(c) || "-.".contains(c))
        && name.starts_with(is_outer)
        && name.ends_with(is_outer)
        && !name.contains("..")
}

/// Whether keys can begin with a text and be written into a URL as they are.
fn is_prefix(prefix: &str) -> bool {
    prefix.len() <= MAX_PREFIX
        && !prefix.starts_with('/')
        && prefix.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c))
}
