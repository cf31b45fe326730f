//! A small writer for XML answers.

use std::fmt::{Display, Write};

use jiff::Timestamp;

/// XML elements under construction. Names are ours and need no escaping; texts are escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Xml(String);

impl Xml {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// `<name>text</name>`.
    pub(crate) fn text(&mut self, name: &str, text: impl Display) -> &mut Self {
        self.within(name, |xml| {
            // Writing to a `String` cannot fail.
            let _ = write!(Escape(&mut xml.0), "{text}");
        })
    }

    /// `<name>text</name>`, or nothing.
    pub(crate) fn maybe(&mut self, name: &str, text: Option<impl Display>) -> &mut Self {
        if let Some(text) = text {
            self.text(name, text);
        }
        self
    }

    /// A point in time, to the millisecond.
    pub(crate) fn time(&mut self, name: &str, time: Timestamp) -> &mut Self {
        self.text(name, iso(time))
    }

    /// `<name>…</name>` around what `inner` writes.
    pub(crate) fn within(&mut self, name: &str, inner: impl FnOnce(&mut Self)) -> &mut Self {
        let _ = write!(self.0, "<{name}>");
        inner(self);
        let _ = write!(self.0, "</{name}>");
        self
    }

    /// A list whose elements are called `item` (EC2) or `member` (the other services).
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        element: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.within(name, |xml| {
            for item in items {
                xml.within(element, |xml| each(xml, item));
            }
        })
    }

    /// EC2's lists: elements are called `item`.
    pub(crate) fn items<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.list(name, "item", items, each)
    }

    /// What was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What was written, to be kept.
    pub(crate) fn into_string(self) -> String {
        self.0
    }

    /// Takes over elements that were written before, as they are.
    pub(crate) fn raw(&mut self, xml: &str) -> &mut Self {
        self.0.push_str(xml);
        self
    }
}

/// A point in time as the services write it: `2026-01-01T00:00:00.000Z`.
pub(crate) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Escapes what is written through it.
struct Escape<'a>(&'a mut String);

impl Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        // Most texts are ids and numbers.
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-./: ".contains(&byte)) {
            self.0.push_str(text);
            return Ok(());
        }
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#13;"),
                // XML 1.0 has no way to write the other control characters.
                c if c.is_control() && c != '\n' && c != '\t' => self.0.push('?'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_lists_named() {
        let mut xml = Xml::new();
        xml.text("a", "x<&>\"\r\u{1}").maybe("none", None::<&str>);
        xml.items("set", [1, 2], |xml, n| {
            xml.text("n", n);
        });
        assert_eq!(
            xml.as_str(),
            "<a>x&lt;&amp;&gt;&quot;&#13;?</a><set><item><n>1</n></item><item><n>2</n></item></set>"
        );
    }

    #[test]
    fn times_carry_milliseconds() {
        assert_eq!(iso(Timestamp::from_millisecond(1_767_225_600_050).unwrap()), "2026-01-01T00:00:00.050Z");
    }
}
