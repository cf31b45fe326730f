//! Pages of a long list.

use std::fmt::Display;

use crate::sim::cloudformation::config::invalid;
use crate::sim::wire::{ApiError, Params, Xml};

/// How many elements a page has.
const SIZE: usize = 100;

/// The page that a request asks for, and the token of the next one.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    next: Option<String>,
}

/// Cuts a page out of a list.
///
/// # Errors
///
/// `ValidationError` for a token that none of these lists gave.
pub(super) fn page<T>(params: &Params, items: impl IntoIterator<Item = T>) -> Result<Page<T>, ApiError> {
    let start: usize = match params.get("NextToken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| invalid("NextToken is invalid"))?,
    };
    let mut items = items.into_iter().skip(start);
    let page: Vec<T> = items.by_ref().take(SIZE).collect();
    let next = items.next().map(|_| (start + SIZE).to_string());
    Ok(Page { items: page, next })
}

impl<T> Page<T> {
    /// Writes a list of texts and the token of the next page.
    pub(super) fn write_texts(self, xml: &mut Xml, name: &str)
    where
        T: Display,
    {
        texts(xml, name, self.items);
        xml.maybe("NextToken", self.next);
    }

    /// Writes the list and the token of the next page.
    pub(super) fn write(self, xml: &mut Xml, name: &str, each: impl FnMut(&mut Xml, T)) {
        xml.list(name, "member", self.items, each);
        xml.maybe("NextToken", self.next);
    }
}

/// A list of texts.
pub(super) fn texts<T: Display>(xml: &mut Xml, name: &str, texts: impl IntoIterator<Item = T>) {
    xml.within(name, |xml| {
        for text in texts {
            xml.text("member", text);
        }
    });
}
