//! A JSON Pointer that is only written out when a finding needs it.

use std::fmt;

use crate::document::push_token;

/// One step of a walk through a JSON value, linked to the step before it. It lives on the stack, so
/// a sound document pays nothing for its paths.
#[derive(Debug, Clone, Copy)]
pub struct Pointer<'a> {
    parent: Option<&'a Pointer<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Name(&'a str),
    Index(usize),
}

impl<'a> Pointer<'a> {
    /// The whole document.
    pub const ROOT: Pointer<'static> = Pointer { parent: None, step: Step::Root };

    /// The member of this object with that name.
    #[must_use]
    pub fn name(&'a self, name: &'a str) -> Pointer<'a> {
        Pointer { parent: Some(self), step: Step::Name(name) }
    }
    /// The item of this array with that index.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Pointer<'a> {
        Pointer { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Name(name) => {
                let mut token = String::with_capacity(name.len() + 1);
                push_token(&mut token, name);
                f.write_str(&token)
            }
            Step::Index(index) => write!(f, "/{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_written_as_rfc_6901_says() {
        let root = Pointer::ROOT;
        assert_eq!(root.to_string(), "");
        let a = root.name("a/b");
        let b = a.index(3);
        let c = b.name("~");
        assert_eq!(c.to_string(), "/a~1b/3/~0");
    }
}
