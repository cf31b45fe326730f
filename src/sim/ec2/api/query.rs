//! What all Describe operations share: ids, filters and pages.
//!
//! See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html>.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Tags;
use crate::sim::pattern;
use crate::sim::wire::{ApiError, Params, Request, Xml};

/// How one kind of resource answers to a Describe operation.
pub(super) struct Query<'a, T> {
    /// The parameter that lists ids.
    pub(super) ids: &'static str,
    /// What is said about an id that is nobody's.
    pub(super) not_found: fn(&str) -> ApiError,
    /// Its id.
    pub(super) id: fn(&T) -> &str,
    /// Its tags, as the caller sees them.
    pub(super) tags: &'a dyn Fn(&T) -> Tags,
    /// Its values for a filter.
    pub(super) field: &'a dyn Fn(&T, &str) -> Values,
}

/// A resource's values for a filter; `None` for a filter that it does not have.
pub(super) type Values = Option<Vec<String>>;

/// The fewest that a page may be asked to hold.
const SMALLEST_PAGE: usize = 5;

/// The most that one page holds.
const LARGEST_PAGE: usize = 1000;

impl<T> Query<'_, T> {
    /// Selects what a request asks for, and writes it as a list, with the token of the next page.
    pub(super) fn answer<'t>(
        &self,
        request: &Request,
        all: impl IntoIterator<Item = &'t T>,
        list: &str,
        mut write: impl FnMut(&mut Xml, &T),
    ) -> Result<Xml, ApiError>
    where
        T: 't,
    {
        let (page, next) = self.select(&request.params, all)?;
        let mut xml = Xml::new();
        xml.items(list, page, |xml, item| write(xml, item));
        xml.maybe("nextToken", next);
        Ok(xml)
    }

    fn select<'t>(
        &self,
        params: &Params,
        all: impl IntoIterator<Item = &'t T>,
    ) -> Result<(Vec<&'t T>, Option<String>), ApiError>
    where
        T: 't,
    {
        let mut found: BTreeMap<&str, &T> = all.into_iter().map(|item| ((self.id)(item), item)).collect();
        let ids = params.list(self.ids);
        if let Some(nobody) = ids.iter().find(|id| !found.contains_key(*id)) {
            return Err((self.not_found)(nobody));
        }
        let size: Option<usize> = params.parsed("MaxResults")?;
        if let Some(size) = size.filter(|size| *size < SMALLEST_PAGE) {
            return Err(ApiError::invalid(format!(
                "Value ( {size} ) for parameter maxResults is invalid. Expecting a value greater than or equal to {SMALLEST_PAGE}."
            )));
        }
        if !ids.is_empty() {
            if size.is_some() {
                let message = format!("The parameter {} cannot be used with the parameter maxResults", self.ids);
                return Err(ApiError::new("InvalidParameterCombination", message));
            }
            found.retain(|id, _| ids.contains(id));
        }
        let filters = params.structures("Filter");
        let mut selected = Vec::new();
        let from = params.get("NextToken").map(Token::read).transpose()?;
        for (id, item) in found {
            if from.as_deref().is_none_or(|from| id >= from) && self.passes(item, &filters)? {
                selected.push(item);
            }
        }
        let size = size.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
        let next = selected.get(size).map(|item| Token::write((self.id)(item)));
        selected.truncate(size);
        Ok((selected, next))
    }

    /// Whether an item passes all filters: of each, one value must match.
    fn passes(&self, item: &T, filters: &[Params]) -> Result<bool, ApiError> {
        for filter in filters {
            let name = filter.require("Name")?;
            let Some(own) = self.values(item, name) else {
                return Err(ApiError::invalid(format!("The filter '{name}' is invalid")));
            };
            let wanted = filter.list("Value");
            if !own.iter().any(|own| wanted.iter().any(|wanted| pattern::matches(wanted, own))) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn values(&self, item: &T, name: &str) -> Values {
        let tags = || (self.tags)(item);
        if let Some(key) = name.strip_prefix("tag:") {
            Some(tags().get(key).map(ToString::to_string).into_iter().collect())
        } else if name == "tag-key" {
            Some(tags().keys().map(ToString::to_string).collect())
        } else {
            (self.field)(item, name)
        }
    }
}

/// The token of a page: the id that it begins with, not to be read by callers.
pub(super) struct Token;

impl Token {
    pub(super) fn write(id: &str) -> String {
        let mut token = String::with_capacity(2 * id.len());
        for byte in id.bytes() {
            // Writing to a `String` cannot fail.
            let _ = write!(token, "{byte:02x}");
        }
        token
    }

    pub(super) fn read(token: &str) -> Result<String, ApiError> {
        let digits = token
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
        let bytes: Option<Vec<u8>> = digits.collect();
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
            ApiError::new("InvalidPaginationToken", "The specified pagination token is not valid or is expired.")
        })
    }
}

/// A value for a filter.
pub(super) fn one(value: &(impl ToString + ?Sized)) -> Values {
    many([value.to_string()])
}

/// Any number of values for a filter.
#[expect(clippy::unnecessary_wraps, reason = "it stands beside `None` in the tables of filters")]
pub(super) fn many<V: ToString>(values: impl IntoIterator<Item = V>) -> Values {
    Some(values.into_iter().map(|value| value.to_string()).collect())
}
