//! Choosing a part of a plan: `--only` and `--skip`.
//!
//! | pattern | chooses |
//! |---|---|
//! | `stacks.spoke[dev]` | that node |
//! | `stacks.spoke` | that node, or the whole group |
//! | `stacks.spoke[*]`, `*[dev]` | `*` stands for any characters, also none |
//! | `stacks`, `kind:stack` | all nodes of that kind |
//! | `account:dev` | all nodes that touch the account; a peering touches that of its requester and that of its accepter |
//!
//! A node is chosen if any `--only` matches it, or there is none, and no `--skip` does.

use std::collections::BTreeSet;
use std::fmt;

use crate::ids::{AccountName, Kind, NodeId};
use crate::plan::nearest;

/// The patterns of one command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    only: Vec<Pattern>,
    skip: Vec<Pattern>,
}

/// The option that a pattern was given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `--only`
    Only,
    /// `--skip`
    Skip,
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Only => "--only",
            Self::Skip => "--skip",
        })
    }
}

/// A pattern that cannot match anything in any plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{flag} `{pattern}` is not a pattern: write a node (stacks.spoke[dev]), a group (stacks.spoke), a kind (stacks), \
     account:NAME or kind:stack, kind:peering, kind:route"
)]
pub struct BadPattern {
    /// The option.
    pub flag: Flag,
    /// The pattern as it was given.
    pub pattern: String,
}

/// A pattern that matches no node of this plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{flag} `{pattern}` matches no node of this plan{}", remedy(nearest.as_deref()))]
pub struct NoMatch {
    /// The option.
    pub flag: Flag,
    /// The pattern as it was given.
    pub pattern: String,
    /// A pattern that does match something and looks most like it.
    pub nearest: Option<String>,
}

fn remedy(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => "; `orch graph` lists the nodes".to_owned(),
    }
}

/// One pattern with what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    flag: Flag,
    text: String,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// A glob over the node's name, or over its name without the key.
    Node,
    Kind(Kind),
    /// A glob over the names of the accounts that the node touches.
    Account(String),
}

impl Selection {
    /// Reads the values of `--only` and `--skip`.
    ///
    /// # Errors
    /// Every value that is not a pattern.
    pub fn parse(only: &[String], skip: &[String]) -> Result<Self, Vec<BadPattern>> {
        let mut bad = Vec::new();
        let mut read = |flag, texts: &[String]| -> Vec<Pattern> {
            let patterns = texts.iter().map(|text| Pattern::parse(flag, text));
            patterns.filter_map(|pattern| pattern.map_err(|error| bad.push(error)).ok()).collect()
        };
        let selection = Self { only: read(Flag::Only, only), skip: read(Flag::Skip, skip) };
        if bad.is_empty() { Ok(selection) } else { Err(bad) }
    }

    /// Whether nothing is left out, since no pattern was given.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    /// For every node, in the order given, whether it is chosen. With each node come the accounts that it touches.
    ///
    /// # Errors
    /// Every pattern that matches no node: it is more likely a slip than a wish.
    pub fn choose<'a>(
        &self,
        nodes: impl Iterator<Item = (&'a NodeId, &'a [AccountName])>,
    ) -> Result<Vec<bool>, Vec<NoMatch>> {
        let nodes: Vec<_> = nodes.collect();
        let mut missed = Vec::new();
        let mut any = |patterns: &[Pattern]| {
            let mut chosen = vec![false; nodes.len()];
            for pattern in patterns {
                let mut hit = false;
                for ((id, accounts), chosen) in nodes.iter().zip(&mut chosen) {
                    let matches = pattern.matches(id, accounts);
                    hit |= matches;
                    *chosen |= matches;
                }
                if !hit {
                    missed.push(pattern.missed(&nodes));
                }
            }
            chosen
        };
        let only = any(&self.only);
        let skip = any(&self.skip);
        if !missed.is_empty() {
            return Err(missed);
        }
        let all = self.only.is_empty();
        Ok(only.into_iter().zip(skip).map(|(only, skip)| (all || only) && !skip).collect())
    }
}

impl Pattern {
    fn parse(flag: Flag, text: &str) -> Result<Self, BadPattern> {
        let bad = || BadPattern { flag, pattern: text.to_owned() };
        let wanted = match text.split_once(':') {
            Some(("account", "")) => return Err(bad()),
            Some(("account", name)) => Wanted::Account(name.to_owned()),
            Some(("kind", name)) => Wanted::Kind(kind(name).ok_or_else(bad)?),
            Some(_) => return Err(bad()),
            None if text.is_empty() => return Err(bad()),
            None => Kind::from_table(text).map_or(Wanted::Node, Wanted::Kind),
        };
        Ok(Self { flag, text: text.to_owned(), wanted })
    }

    fn matches(&self, id: &NodeId, accounts: &[AccountName]) -> bool {
        match &self.wanted {
            Wanted::Kind(kind) => id.kind == *kind,
            Wanted::Account(name) => accounts.iter().any(|account| glob(name, account.as_str())),
            Wanted::Node => {
                let name = id.to_string();
                glob(&self.text, &name) || name.split_once('[').is_some_and(|(group, _)| glob(&self.text, group))
            }
        }
    }

    /// The error for a pattern that matched nothing. The nearest name is sought among names of the same sort.
    fn missed(&self, nodes: &[(&NodeId, &[AccountName])]) -> NoMatch {
        let mut names = BTreeSet::new();
        for (id, accounts) in nodes {
            match self.wanted {
                Wanted::Account(_) => names.extend(accounts.iter().map(|account| format!("account:{account}"))),
                Wanted::Kind(_) => {}
                Wanted::Node => {
                    let name = id.to_string();
                    if let Some((group, _)) = name.split_once('[') {
                        names.insert(group.to_owned());
                    }
                    names.insert(name);
                }
            }
        }
        let nearest = nearest(&self.text, names.iter().map(String::as_str)).map(str::to_owned);
        NoMatch { flag: self.flag, pattern: self.text.clone(), nearest }
    }
}

/// A kind by its noun or by the name of its table.
fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| [kind.noun(), kind.table()].contains(&name))
}

/// Whether `text` matches `pattern`, in which `*` stands for any characters. Both are short; the search goes back to
/// the last `*` only, which is enough and never exponential.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star_p, star_t)) = star {
            p = star_p + 1;
            t = star_t + 1;
            star = Some((star_p, t));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A hub, two spokes, their peerings with the hub and a route.
    fn nodes() -> Vec<(NodeId, Vec<AccountName>)> {
        [
            ("stacks.master", vec!["master"]),
            ("stacks.spoke[dev]", vec!["dev"]),
            ("stacks.spoke[qa]", vec!["qa"]),
            ("peerings.spoke[dev]", vec!["dev", "master"]),
            ("peerings.spoke[qa]", vec!["qa", "master"]),
            ("routes.spoke-to-hub[dev]", vec!["dev"]),
        ]
        .into_iter()
        .map(|(id, accounts)| (id.parse().unwrap(), accounts.into_iter().map(AccountName::from).collect()))
        .collect()
    }

    fn texts(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(|pattern| (*pattern).to_owned()).collect()
    }

    fn choose(only: &[&str], skip: &[&str]) -> Result<Vec<String>, Vec<NoMatch>> {
        let selection = Selection::parse(&texts(only), &texts(skip)).unwrap();
        let nodes = nodes();
        let chosen = selection.choose(nodes.iter().map(|(id, accounts)| (id, accounts.as_slice())))?;
        Ok(nodes.iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|((id, _), _)| id.to_string()).collect())
    }

    #[test]
    fn without_patterns_everything_is_chosen() {
        assert_eq!(choose(&[], &[]).unwrap().len(), nodes().len());
        assert!(Selection::default().is_everything());
    }

    #[test]
    fn a_node_a_group_a_kind_and_a_star() {
        assert_eq!(choose(&["stacks.spoke[dev]"], &[]).unwrap(), ["stacks.spoke[dev]"]);
        assert_eq!(choose(&["stacks.spoke"], &[]).unwrap(), ["stacks.spoke[dev]", "stacks.spoke[qa]"]);
        assert_eq!(choose(&["stacks.spoke[*]"], &[]).unwrap(), ["stacks.spoke[dev]", "stacks.spoke[qa]"]);
        assert_eq!(choose(&["stacks.master"], &[]).unwrap(), ["stacks.master"]);
        assert_eq!(choose(&["stacks.*"], &[]).unwrap().len(), 3);
        assert_eq!(choose(&["stacks"], &[]).unwrap().len(), 3);
        assert_eq!(choose(&["kind:peering"], &[]).unwrap(), ["peerings.spoke[dev]", "peerings.spoke[qa]"]);
        assert_eq!(choose(&["kind:peerings"], &[]).unwrap().len(), 2);
        assert_eq!(
            choose(&["*[dev]"], &[]).unwrap(),
            ["stacks.spoke[dev]", "peerings.spoke[dev]", "routes.spoke-to-hub[dev]"]
        );
    }

    #[test]
    fn a_peering_touches_the_accounts_of_both_sides() {
        assert_eq!(
            choose(&["account:master"], &[]).unwrap(),
            ["stacks.master", "peerings.spoke[dev]", "peerings.spoke[qa]"]
        );
        assert_eq!(choose(&["account:q*"], &[]).unwrap(), ["stacks.spoke[qa]", "peerings.spoke[qa]"]);
    }

    #[test]
    fn patterns_add_up_and_skip_wins() {
        assert_eq!(
            choose(&["stacks.master", "account:dev"], &["peerings"]).unwrap(),
            ["stacks.master", "stacks.spoke[dev]", "routes.spoke-to-hub[dev]"]
        );
        assert_eq!(choose(&[], &["peerings", "routes"]).unwrap().len(), 3);
    }

    #[test]
    fn a_pattern_that_matches_nothing_names_the_nearest_one() {
        let missed = choose(&["stacks.spoke[dve]", "account:mster"], &["stack.spoke", "nonsense"]).unwrap_err();
        let told: Vec<_> = missed.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "--only `stacks.spoke[dve]` matches no node of this plan; did you mean `stacks.spoke[dev]`?",
                "--only `account:mster` matches no node of this plan; did you mean `account:master`?",
                "--skip `stack.spoke` matches no node of this plan; did you mean `stacks.spoke`?",
                "--skip `nonsense` matches no node of this plan; `orch graph` lists the nodes",
            ]
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused_all_at_once() {
        let bad =
            Selection::parse(&texts(&["", "account:", "stacks"]), &texts(&["kind:subnet", "region:eu"])).unwrap_err();
        let told: Vec<_> = bad.iter().map(|bad| (bad.flag, bad.pattern.as_str())).collect();
        assert_eq!(
            told,
            [(Flag::Only, ""), (Flag::Only, "account:"), (Flag::Skip, "kind:subnet"), (Flag::Skip, "region:eu")]
        );
    }

    #[test]
    fn a_star_is_never_exponential() {
        assert!(!glob(&"*a".repeat(50), &"b".repeat(10_000)));
        assert!(glob("**", ""));
        assert!(glob("a*c*e", "abcde"));
        assert!(!glob("a*c*e", "abcd"));
    }

    proptest! {
        #[test]
        fn a_glob_agrees_with_the_plain_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
            fn plain(pattern: &[u8], text: &[u8]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some((b'*', rest)) => (0..=text.len()).any(|skip| plain(rest, &text[skip..])),
                    Some((byte, rest)) => text.first() == Some(byte) && plain(rest, &text[1..]),
                }
            }
            prop_assert_eq!(glob(&pattern, &text), plain(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
