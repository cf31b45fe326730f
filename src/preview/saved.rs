//! A preview that was saved, to be applied exactly as it was shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::{Grounds, Preview};
use crate::ids::{AccountId, AccountName, NodeId, Region};
use crate::secret::{redact, redact_json};

/// The version of the file. Whatever another program could misread raises it.
const FORM: u64 = 1;

/// What tells the file from a plan and from any other JSON.
const FORMAT: &str = "orch saved preview";

/// The version of the program, which the file was made by: another one may decide otherwise.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// A preview with all that it stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// When it was saved, in milliseconds since the epoch.
    pub made: i64,
    /// The path of the plan, as it was given.
    pub plan: String,
    /// Whether it is for the embedded AWS.
    pub local: bool,
    /// How the nodes were chosen: `--only`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// How the nodes were chosen: `--skip`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
    /// What is passed over in a rollback: `--skip-resource`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip_resource: Vec<String>,
    /// The names of the variables that were given on the command line. Their values may be secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
    /// The accounts of the plan.
    pub accounts: BTreeMap<AccountName, AccountId>,
    /// What was shown.
    pub preview: Preview,
    /// What that stands on, for every node that takes part.
    pub grounds: BTreeMap<NodeId, Grounds>,
    /// The change sets that were shown and wait at AWS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub change_sets: Vec<Waiting>,
}

/// A change set that waits to be executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// The node.
    pub node: NodeId,
    /// The account that the stack is in.
    pub account: AccountName,
    /// The region that the stack is in.
    pub region: Region,
    /// The stack's ARN.
    pub stack: String,
    /// The change set's ARN.
    pub id: String,
    /// Its name, which is also the token of the call that executes it.
    pub name: String,
}

/// Why a file is no saved preview that can be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is cut off or broken.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// Its form is another one.
    #[error("it has form {0}, and this version of orch reads form {FORM}")]
    Form(u64),
    /// Another version of the program made it.
    #[error("orch {0} made it, and this is orch {PROGRAM}, which may decide otherwise")]
    Program(String),
    /// Its content is not what was written.
    #[error("it was changed since it was saved")]
    Edited,
}

/// The file.
#[derive(Serialize)]
struct File<'a> {
    format: &'a str,
    version: u64,
    orch: &'a str,
    digest: String,
    content: &'a Json,
}

/// The digest of a text, in hexadecimal digits.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut all, byte| {
        let _ = write!(all, "{byte:02x}");
        all
    })
}

impl Saved {
    /// Whether a text means to be a saved preview, be it damaged. A plan never does: TOML begins with no brace.
    pub fn is_one(text: &str) -> bool {
        let text = text.trim_start();
        text.starts_with('{') && text.chars().take(200).collect::<String>().contains(FORMAT)
    }

    /// The same without any secret in what was shown and in what it stands on, of which no file is to know: what is compared
    /// later is made so as well. What a node and its place are called is left as it is, be it a word that is also a secret, or
    /// nothing would be found again.
    ///
    /// # Errors
    /// Never: what says a text still says one.
    pub fn redacted(&self) -> Result<Self, serde_json::Error> {
        let mut preview = serde_json::to_value(&self.preview)?;
        redact_json(&mut preview);
        let named = serde_json::to_value(&self.preview)?;
        restore(&mut preview, &named);
        let mut redacted = Self { preview: serde_json::from_value(preview)?, ..self.clone() };
        // No file has this, and who compares asks for it.
        for (node, own) in redacted.preview.nodes.iter_mut().zip(&self.preview.nodes) {
            if let (Some(failure), Some(own)) = (&mut node.failure, &own.failure) {
                failure.of_a_call = own.of_a_call;
            }
        }
        for facts in redacted.grounds.values_mut().flat_map(|grounds| [&mut grounds.wanted, &mut grounds.live]) {
            for value in facts.values_mut() {
                *value = redact(value).into_owned();
            }
        }
        Ok(redacted)
    }

    /// The text of the file.
    ///
    /// # Panics
    ///
    /// Never: there is nothing in it that JSON cannot hold.
    pub fn text(&self) -> String {
        let content = serde_json::to_value(self).expect("text is always JSON");
        let digest = digest(&content.to_string());
        let file = File { format: FORMAT, version: FORM, orch: PROGRAM, digest, content: &content };
        let mut text = serde_json::to_string_pretty(&file).expect("text is always JSON");
        text.push('\n');
        text
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// It is damaged, was edited, or is of another version.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let damaged = |error: &dyn std::fmt::Display| Unreadable::Damaged(error.to_string());
        let mut file: Json = serde_json::from_str(text).map_err(|error| damaged(&error))?;
        if file["format"] != FORMAT {
            return Err(damaged(&"it does not say that it is one"));
        }
        match file["version"].as_u64() {
            Some(FORM) => {}
            Some(other) => return Err(Unreadable::Form(other)),
            None => return Err(damaged(&"it has no version")),
        }
        match file["orch"].as_str() {
            Some(PROGRAM) => {}
            Some(other) => return Err(Unreadable::Program(other.to_owned())),
            None => return Err(damaged(&"it does not say what made it")),
        }
        let content = file["content"].take();
        if file["digest"].as_str() != Some(&*digest(&content.to_string())) {
            return Err(Unreadable::Edited);
        }
        serde_json::from_value(content).map_err(|error| damaged(&error))
    }
}

/// Gives back what names something in a preview: nodes, accounts and regions, and whatever is no text.
fn restore(redacted: &mut Json, own: &Json) {
    const NAMES: [&str; 10] =
        ["node", "account", "region", "because", "action", "effect", "order", "plan", "recreates", "kind"];
    match (redacted, own) {
        (Json::Object(redacted), Json::Object(own)) => {
            for (name, value) in redacted.iter_mut() {
                match own.get(name) {
                    Some(own) if NAMES.contains(&name.as_str()) => value.clone_from(own),
                    Some(own) => restore(value, own),
                    None => {}
                }
            }
        }
        (Json::Array(redacted), Json::Array(own)) => {
            redacted.iter_mut().zip(own).for_each(|(redacted, own)| restore(redacted, own));
        }
        _ => {}
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::event::Failure;
    use crate::preview::{Action, Foreseen, Order};

    pub(in super::super) fn saved() -> Saved {
        let node: NodeId = "stacks.hub".parse().unwrap();
        let grounds = Grounds {
            wanted: BTreeMap::from([("parameter Range".to_owned(), "10.0.0.0/16".to_owned())]),
            live: BTreeMap::from([("status".to_owned(), "CREATE_COMPLETE".to_owned())]),
        };
        let foreseen = Foreseen::new(node.clone(), "master".into(), "us-east-1".into(), Action::Update);
        Saved {
            made: 1,
            plan: "plan.toml".to_owned(),
            local: true,
            only: Vec::new(),
            skip: Vec::new(),
            skip_resource: Vec::new(),
            variables: vec!["size".to_owned()],
            accounts: BTreeMap::from([("master".into(), "111111111111".parse().unwrap())]),
            preview: Preview::new("net".to_owned(), vec![foreseen], Order::default()),
            grounds: BTreeMap::from([(node.clone(), grounds)]),
            change_sets: vec![Waiting {
                node,
                account: "master".into(),
                region: "us-east-1".into(),
                stack: "arn:stack".to_owned(),
                id: "arn:set".to_owned(),
                name: "orch-saved-1-0".to_owned(),
            }],
        }
    }

    #[test]
    fn what_was_saved_is_read_back() {
        let text = saved().text();
        assert!(Saved::is_one(&text));
        assert_eq!(Saved::read(&text), Ok(saved()));
    }

    #[test]
    fn a_secret_is_in_no_part_of_it_and_nothing_else_is_lost() {
        crate::secret::keep("saved-canary-51f0");
        let mut with = saved();
        let failure = Failure { of_a_call: true, ..Failure::new("refused", "Value (saved-canary-51f0)") };
        with.preview.nodes[0].failure = Some(failure);
        with.grounds.values_mut().for_each(|grounds| {
            grounds.wanted.insert("tag Team".to_owned(), "a saved-canary-51f0 b".to_owned());
        });
        let redacted = with.redacted().unwrap();
        assert!(!redacted.text().contains("saved-canary") && redacted.text().contains("a **** b"));
        let failure = redacted.preview.nodes[0].failure.as_ref().unwrap();
        assert_eq!((failure.of_a_call, &*failure.cause), (true, "Value (****)"));
        // A secret may be a word that names something.
        crate::secret::keep("us-east-1");
        crate::secret::keep("plan.toml");
        let redacted = saved().redacted().unwrap();
        assert_eq!((&redacted, redacted.text().contains("****")), (&saved(), false));
    }

    #[test]
    fn a_file_that_is_damaged_edited_or_of_another_version_is_told_as_such() {
        let text = saved().text();
        let read = |text: &str| Saved::read(text).unwrap_err();
        assert!(matches!(read(&text[..text.len() / 2]), Unreadable::Damaged(_)));
        assert_eq!(read(&text.replace("10.0.0.0/16", "10.1.0.0/16")), Unreadable::Edited);
        assert_eq!(read(&text.replace("\"made\": 1", "\"made\": 2")), Unreadable::Edited);
        assert_eq!(read(&text.replace("\"version\": 1", "\"version\": 9")), Unreadable::Form(9));
        let other = format!("\"orch\": \"{PROGRAM}\"");
        assert_eq!(read(&text.replace(&other, "\"orch\": \"99.0.0\"")), Unreadable::Program("99.0.0".to_owned()));
        for lost in ["\"version\": 1,", &format!("{other},")] {
            assert!(matches!(read(&text.replace(lost, "")), Unreadable::Damaged(_)), "{lost}");
        }
        // Whoever makes the digest fit has still to keep to the form.
        let content = r#"{"made":1,"plan":"p","local":true,"accounts":{},"odd":1}"#;
        let forged = format!(
            r#"{{"format":"{FORMAT}","version":1,"orch":"{PROGRAM}","digest":"{}","content":{content}}}"#,
            digest(content)
        );
        assert!(matches!(read(&forged), Unreadable::Damaged(reason) if reason.contains("odd")));
    }

    #[test]
    fn it_is_told_from_a_plan_and_from_other_json_by_its_content() {
        for (text, expected) in [
            ("name = \"orch saved preview\"", false),
            ("{\"Resources\": {}}", false),
            (&*format!("{{\"format\": \"{FORMAT}\", \"vers"), true),
            ("", false),
        ] {
            assert_eq!(Saved::is_one(text), expected, "{text}");
        }
    }
}
