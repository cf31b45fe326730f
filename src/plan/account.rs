//! The plan's accounts and how they are reached.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::codes;
use super::document::{Data, Item, Table};
use super::fields::Fields;
use super::problems::Problems;
use super::scope::Scope;
use super::world::World;
use crate::diag::{Sources, Span};
use crate::ids::{AccountId, AccountName};

/// The keys of an account.
pub(super) const KEYS: [&str; 10] = [
    "id",
    "role",
    "external_id",
    "session_name",
    "duration",
    "session_tags",
    "mfa_serial",
    "profile",
    "through",
    // Read apart: it says nothing about how an account is reached.
    "template_bucket",
];

/// The shortest and the longest session that STS gives, in seconds:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
const DURATIONS: std::ops::RangeInclusive<u32> = 900..=43_200;

/// The longest session of a role that was assumed from another role, in seconds (same page).
const CHAINED_DURATION: u32 = 3_600;

/// The keys that say how a role is assumed.
const ASSUME_KEYS: [&str; 6] = ["external_id", "session_name", "duration", "session_tags", "mfa_serial", "through"];

/// An account and how its credentials are had:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
///
/// Without a role, everything that says how one is assumed is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The twelve digits that `GetCallerIdentity` must give.
    pub id: AccountId,
    /// The role to assume; `None` if the first credentials are the account's own.
    pub role: Option<Role>,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The name of the session in `CloudTrail`.
    pub session_name: Option<String>,
    /// How long a session lasts, in seconds.
    pub duration: Option<u32>,
    /// Tags of the session.
    pub session_tags: IndexMap<String, String>,
    /// The device whose code is asked for.
    pub mfa_serial: Option<String>,
    /// The profile of the AWS configuration to begin with, instead of the default chain.
    pub profile: Option<String>,
    /// The account whose session assumes the role, instead of the first credentials.
    pub through: Option<AccountName>,
    /// The header of the account's table.
    pub span: Span,
    /// Where the id stands.
    pub id_span: Span,
    /// Where the role stands, be it in the defaults; `None` without one.
    pub role_span: Option<Span>,
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A name, with its path if it has one, in the account itself.
    Name(String),
    /// A whole ARN.
    Arn(String),
}

/// Reads every account, given with the defaults under it; `own` is the table without them. What is wrong with one
/// account does not hide the others.
pub(super) fn read(
    accounts: &Table,
    own: &Table,
    world: &World,
    sources: &Sources,
    problems: &mut Problems,
) -> IndexMap<AccountName, Option<Account>> {
    let (mut read, mut links) = (IndexMap::new(), IndexMap::new());
    for (name, entry) in accounts {
        let header = entry.header(sources);
        let (account, link) = if let Some(table) = entry.item.table() {
            let fields = Fields::new(table, "an account", &KEYS, header, sources, problems);
            let own = own.get(name).and_then(|entry| entry.item.table());
            Reader { fields, scope: Scope::plan(world) }.account(own)
        } else {
            problems.wrong_type(&entry.item, "a table", &format!("write {name} = {{ id = \"…\" }}"));
            (None, Link::default())
        };
        let name = AccountName::from(&**name);
        links.insert(name.clone(), link);
        read.insert(name, account);
    }
    if !world.lost.has("accounts") {
        check_through(accounts, &links, problems);
    }
    read
}

/// How an account is reached, which is known of one whose id or role is wrong, too.
#[derive(Default)]
struct Link {
    through: Option<AccountName>,
    duration: Option<u32>,
    assumes: bool,
}

struct Reader<'a> {
    fields: Fields<'a>,
    scope: Scope<'a>,
}

impl Reader<'_> {
    /// Reads one account; `own` is its table without the defaults.
    fn account(mut self, own: Option<&Table>) -> (Option<Account>, Link) {
        self.fields.require("id");
        let id = self.text("id").and_then(|(text, span)| self.id(&text, &span));
        let has_role = self.fields.item("role").is_some_and(|item| !matches!(item.data, Data::Boolean(false)));
        if !has_role {
            self.refuse_assume_keys(own);
        }
        let role = if has_role {
            self.text("role").and_then(|(text, span)| self.role(text, &span, id.as_ref()))
        } else {
            None
        };
        let mut profile = self.text("profile").map(|found| found.0);
        let external_id = self.text("external_id").map(|found| found.0);
        let session_name = self.text("session_name").and_then(|(text, span)| self.session_name(text, &span));
        let duration = self.duration();
        let session_tags = self.session_tags();
        let mut mfa_serial = self.text("mfa_serial").map(|found| found.0);
        let mut through = self.text("through").map(|found| found.0.into());
        for (key, value) in [("profile", &mut profile), ("mfa_serial", &mut mfa_serial)] {
            if has_role && through.is_some() && value.is_some() {
                match self.one_of("through", key, own) {
                    Some("through") => *value = None,
                    Some(_) => through = None,
                    None => {}
                }
            }
        }
        let span = self.fields.header.clone();
        let place = |key: &str| self.fields.table.get(key).map(|entry| entry.item.span.clone());
        let (id_span, role_span) = (place("id").unwrap_or_else(|| span.clone()), place("role"));
        self.fields.finish();
        let link = if has_role { Link { through: through.clone(), duration, assumes: true } } else { Link::default() };
        let Some(id) = id else { return (None, link) };
        let plain = Account {
            id,
            role: None,
            external_id: None,
            session_name: None,
            duration: None,
            session_tags: IndexMap::new(),
            mfa_serial: None,
            profile,
            through: None,
            span,
            id_span,
            role_span: None,
        };
        let account = match role {
            Some(_) => Account {
                role,
                external_id,
                session_name,
                duration,
                session_tags,
                mfa_serial,
                through,
                role_span,
                ..plain
            },
            None => plain,
        };
        (Some(account), link)
    }

    /// A default that finds no role to apply to is no mistake; a key in the account's own table is.
    fn refuse_assume_keys(&mut self, own: Option<&Table>) {
        // The role may be what could not be read of the defaults.
        if self.scope.world.lost.has_defaults("accounts") {
            return;
        }
        for key in ASSUME_KEYS {
            if let Some(entry) = own.and_then(|own| own.get(key)) {
                let message = format!("`{key}` has no effect without a role");
                self.fields.problems.error(codes::ROLE, &entry.key, message, "name the role to assume: role = \"…\"");
            }
        }
    }

    /// Which of two keys that exclude each other counts: the one of the account's own table before that of the defaults.
    /// Two of one table are reported.
    fn one_of(&mut self, through: &'static str, key: &'static str, own: Option<&Table>) -> Option<&'static str> {
        let is_own = |key: &str| own.is_some_and(|own| own.contains_key(key));
        match (is_own(through), is_own(key)) {
            (true, false) => return Some(through),
            (false, true) => return Some(key),
            _ => {}
        }
        let (at, other) = (self.fields.table.get(key)?, self.fields.table.get(through)?);
        let message = format!("`{key}` and `{through}` contradict each other");
        self.fields.problems.add(codes::CONTRADICTION, &at.key, message, |problem| {
            problem
                .related(other.key.clone(), "the session of this account assumes the role")
                .help(format!("take one of them away; `{key}` may belong to the account that `{through}` names"))
        });
        None
    }

    fn text(&mut self, key: &str) -> Option<(String, Span)> {
        let text = self.fields.text(key)?;
        let value = self.scope.constant_text(&text, self.fields.problems)?;
        Some((value, text.span.clone()))
    }

    fn id(&mut self, text: &str, span: &Span) -> Option<AccountId> {
        let id = text.parse();
        id.map_err(|error: crate::ids::NotAnAccountId| {
            self.fields.problems.error(
                codes::ACCOUNT_ID,
                span,
                error.to_string(),
                "copy it from the account's page in the console, without dashes",
            );
        })
        .ok()
    }

    fn role(&mut self, text: String, span: &Span, id: Option<&AccountId>) -> Option<Role> {
        if text.starts_with("arn:") {
            let parts: Vec<&str> = text.splitn(6, ':').collect();
            if let ["arn", partition, "iam", "", account, resource] = parts.as_slice()
                && resource.strip_prefix("role/").is_some_and(is_role_name)
            {
                // Of a region of a new form nobody knows here which partition it is of.
                let own = self.scope.world.region.as_ref().and_then(crate::ids::Region::known_partition);
                if let Some(own) = own.filter(|own| own != partition) {
                    let message =
                        format!("this role is of the partition {partition}, but the plan's region is of {own}");
                    let world = self.scope.world;
                    self.fields.problems.add(codes::PARTITION, span, message, |problem| {
                        let help = format!("write arn:{own}:iam::…, or the role's name alone");
                        world.beside_region(problem.help(help))
                    });
                    return None;
                }
                if id.is_some_and(|id| id.as_str() != *account) {
                    let message = format!("this role belongs to the account {account}");
                    self.fields.problems.add(codes::ROLE, span, message, |problem| {
                        let problem = problem.help("a role is assumed in the account that it belongs to");
                        match self.fields.table.get("id") {
                            Some(entry) => problem.related(entry.item.span.clone(), "but this is the account's id"),
                            None => problem,
                        }
                    });
                    return None;
                }
                return Some(Role::Arn(text));
            }
        } else if is_role_name(&text) {
            return Some(Role::Name(text));
        }
        let message = format!("`{text}` is not a role");
        self.fields.problems.error(
            codes::ROLE,
            span,
            message,
            "write its name of 64 characters at most, or its ARN: arn:aws:iam::111111111111:role/NAME",
        );
        None
    }

    fn session_name(&mut self, text: String, span: &Span) -> Option<String> {
        if (2..=64).contains(&text.len()) && text.chars().all(is_name_char) {
            return Some(text);
        }
        let help = "it has 2 to 64 letters, digits or any of +=,.@_-";
        self.fields.problems.error(codes::INVALID_NAME, span, format!("`{text}` is not a session name"), help);
        None
    }

    fn duration(&mut self) -> Option<u32> {
        let item = self.fields.item("duration")?;
        let seconds = match &item.data {
            Data::Integer(seconds) => u32::try_from(*seconds).ok(),
            Data::Text(_) => {
                let text = self.fields.text("duration")?;
                match self.scope.constant(&text, self.fields.problems)? {
                    Json::String(text) => seconds(&text),
                    value => value.as_u64().and_then(|seconds| u32::try_from(seconds).ok()),
                }
            }
            _ => {
                let help = "write duration = 3600, or duration = \"1h\"";
                self.fields.problems.wrong_type(item, "seconds or a text such as \"1h\"", help);
                return None;
            }
        };
        let valid = seconds.filter(|seconds| DURATIONS.contains(seconds));
        if valid.is_none() {
            let message = "a session lasts from 15 minutes to 12 hours";
            self.fields.problems.error(
                codes::DURATION,
                &item.span,
                message,
                "write seconds, or a text such as \"90m\" or \"1h\"",
            );
        }
        valid
    }

    fn session_tags(&mut self) -> IndexMap<String, String> {
        let Some(table) = self.fields.table("session_tags") else { return IndexMap::new() };
        self.fields.check_plain_keys(table);
        let mut tags = IndexMap::new();
        for (key, entry) in table {
            let text = self.fields.parse(&entry.item, "a text");
            if let Some(value) = text.and_then(|text| self.scope.constant_text(&text, self.fields.problems)) {
                tags.insert(key.to_string(), value);
            }
        }
        tags
    }
}

/// `3600`, `3600s`, `60m` or `1h` in seconds.
fn seconds(text: &str) -> Option<u32> {
    let (digits, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(digits) => (digits, &text[digits.len()..]),
        None => (text, "s"),
    };
    let factor = match unit {
        "h" => 3_600,
        "m" => 60,
        _ => 1,
    };
    if digits.starts_with('+') { None } else { digits.parse::<u32>().ok()?.checked_mul(factor) }
}

/// The characters of names in IAM and STS.
fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+=,.@_-".contains(c)
}

/// A role's name, with its path before it if it has one:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
fn is_role_name(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or(text);
    name.len() <= 64
        && text.len() <= 512
        && text.split('/').all(|part| !part.is_empty() && part.chars().all(is_name_char))
}

/// Reports accounts that are reached through nobody, through each other, or for longer than a chain allows.
fn check_through(accounts: &Table, links: &IndexMap<AccountName, Link>, problems: &mut Problems) {
    let place = |name: &AccountName| -> Option<&Item> {
        Some(&accounts.get(name.as_str())?.item.table()?.get("through")?.item)
    };
    for (name, link) in links {
        let (Some(through), Some(item)) = (&link.through, place(name)) else { continue };
        match links.get(through) {
            None => {
                let message = format!("there is no account `{through}`");
                problems.error_with(codes::THROUGH, &item.span, message, |search| {
                    let names = links.keys().map(AccountName::as_str);
                    search.or_known(through.as_str(), "the accounts are", names, "")
                });
            }
            Some(Link { assumes: true, .. }) if link.duration > Some(CHAINED_DURATION) => {
                let place = |name: &AccountName, key: &str| -> Option<&Span> {
                    Some(&accounts.get(name.as_str())?.item.table()?.get(key)?.item.span)
                };
                let message = format!("a session through `{through}` lasts an hour at most: that is role chaining");
                problems.add(codes::DURATION, place(name, "duration").unwrap_or(&item.span), message, |problem| {
                    let problem = problem.help("write duration = \"1h\"; sessions are renewed as needed");
                    let problem = problem.related(item.span.clone(), "the role is assumed with this account's session");
                    match place(through, "role") {
                        Some(role) => problem.related(role.clone(), "and that session is of a role already"),
                        None => problem,
                    }
                });
            }
            Some(_) => {}
        }
    }
    for circle in circles(links) {
        let Some(item) = circle.first().and_then(place) else { continue };
        let names = circle.iter().chain(circle.first()).map(AccountName::as_str).collect::<Vec<_>>().join(" → ");
        let message = format!("these accounts are only reached through each other: {names}");
        problems.add(codes::THROUGH, &item.span, message, |problem| {
            let problem = problem.help("let one of them be reached without `through`");
            circle
                .iter()
                .skip(1)
                .filter_map(place)
                .fold(problem, |problem, item| problem.related(item.span.clone(), ""))
        });
    }
}

/// Every circle of `through`, once.
fn circles(links: &IndexMap<AccountName, Link>) -> Vec<Vec<AccountName>> {
    let through = |index: usize| -> Option<usize> { links.get_index_of(links.get_index(index)?.1.through.as_ref()?) };
    let mut circles = Vec::new();
    // 0: not seen; else one more than the account whose walk came by.
    let mut seen = vec![0_usize; links.len()];
    for start in 0..links.len() {
        let mut walk = Vec::new();
        let mut current = Some(start);
        while let Some(index) = current.filter(|index| seen[*index] == 0) {
            seen[index] = start + 1;
            walk.push(index);
            current = through(index);
        }
        if let Some(end) = current.filter(|index| seen[*index] == start + 1)
            && let Some(first) = walk.iter().position(|index| *index == end)
        {
            circles.push(walk[first..].iter().filter_map(|index| Some(links.get_index(*index)?.0.clone())).collect());
        }
    }
    circles
}

/// The account of a name that a node gives, or a report with the nearest.
pub(super) fn known(name: &str, span: &Span, world: &World, problems: &mut Problems) -> Option<AccountName> {
    if let Some((known, _)) = world.accounts.get_key_value(name) {
        return Some(known.clone());
    }
    if world.lost.has("accounts") || world.accounts.is_empty() && problems.any_errors() {
        // Without any account, every name is unknown: that was reported once.
        return None;
    }
    problems.error_with(codes::UNKNOWN_ACCOUNT, span, format!("there is no account `{name}`"), |search| {
        let names = world.accounts.keys().map(AccountName::as_str);
        let declare = format!("declare it: {name} = {{ id = \"…\" }} below [accounts]");
        search.or_known(name, "the accounts are", names, &declare)
    });
    None
}
