//! Why a path leads nowhere.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use super::codes;
use super::nearest::Search;
use super::problems::Problems;
use super::text::Text;
use crate::diag::{Code, Span};

/// Why a path leads nowhere.
pub(super) enum Miss<'a> {
    /// What it leads to was reported as wrong already.
    Reported,
    /// It has a reason of its own.
    Because {
        code: Code,
        message: String,
        /// The remedy may take a search, so it is only worked out when it is shown.
        help: Box<dyn FnOnce(&Search) -> String + 'a>,
    },
}

impl<'a> Miss<'a> {
    /// The plan has nothing of that name.
    pub(super) fn unknown(message: impl Into<String>, help: impl FnOnce(&Search) -> String + 'a) -> Self {
        Self::Because { code: codes::UNKNOWN_REFERENCE, message: message.into(), help: Box::new(help) }
    }

    /// The same with a remedy that is a fixed sentence.
    pub(super) fn unknown_because(message: impl Into<String>, help: &'a str) -> Self {
        Self::unknown(message, |_| help.to_owned())
    }

    /// It exists, but is not known at this point.
    pub(super) fn not_yet(message: impl Into<String>) -> Self {
        let help = |_: &Search| NOT_YET_HELP.to_owned();
        Self::Because { code: codes::NOT_KNOWN_YET, message: message.into(), help: Box::new(help) }
    }

    /// There is no such part of a table, a list or a plain value.
    pub(super) fn inside(value: &'a Json, name: &str, part: &'a str) -> Self {
        match value {
            Json::Object(table) => Self::unknown(format!("`{name}` has no `{part}`"), move |search| {
                search.or_known(part, "it has", table.keys().map(String::as_str), "put it in")
            }),
            Json::Array(list) => Self::unknown(format!("`{name}` has no element `{part}`"), |_| {
                format!("it has {} elements, counted from 0", list.len())
            }),
            _ => {
                let help = format!("write {name}");
                Self::unknown(format!("`{name}` is a plain value: there is no `{part}` in it"), move |_| help)
            }
        }
    }

    /// Something has no such attribute.
    pub(super) fn attribute(what: &'a str, path: &'a [Arc<str>], attributes: &'static [&'static str]) -> Self {
        let message = match path {
            [] => format!("{what} alone is no value"),
            _ => format!("{what} has no `{}`", path.join(".")),
        };
        Self::unknown(message, move |search| {
            let near = search.did_you_mean(path.first().map_or("", |part| part), attributes.iter().copied());
            if near.is_empty() { format!("{what} has {}", attributes.join(", ")) } else { near }
        })
    }

    /// Reports it at a place, unless it was.
    pub(super) fn report(self, span: &Span, problems: &mut Problems) {
        if let Self::Because { code, message, help } = self {
            problems.error_with(code, span, message, help);
        }
    }

    /// Reports it at a part of a text, unless it was.
    pub(super) fn report_in(self, text: &Text, range: &Range<usize>, problems: &mut Problems) {
        self.report(&text.place(range), problems);
    }
}

const NOT_YET_HELP: &str = "account, region, name, template and for_each must be known before the first call: \
    use vars, each.key, each.value or each.account";
