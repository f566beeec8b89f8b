//! FHIRPath: the language of FHIR's invariants and slices.
//!
//! Our own evaluator of FHIRPath N1 over borrowed JSON: an expression is parsed once and evaluated
//! without copying the resource. The engine knows it by [`Invariants`] alone, so another evaluator
//! can take its place.
//!
//! An invariant that cannot be evaluated (an unknown function, a terminology server wanted, more
//! steps than the limit) is [`Answer::NotEvaluable`] and never a broken rule. An empty answer breaks
//! no rule either: it says that the data leaves the question open.

mod decimal;
mod eval;
mod functions;
mod node;
mod parse;

pub(super) use decimal::Decimal;
pub(super) use eval::{Env, Surroundings};
pub(super) use node::{Field, NOTHING, Node, beside_of};

/// What a rule says of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Holds,
    Broken,
    /// The expression has no answer for this element.
    Empty,
    NotEvaluable,
}

/// A parsed expression.
#[derive(Debug)]
pub(super) struct Compiled(parse::Expr);

impl Compiled {
    /// Reads an expression; the error says what this engine does not understand.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text).map(Self)
    }
}

/// Whatever can say if a rule holds.
pub(super) trait Invariants<'a> {
    /// Evaluates a rule on an element.
    fn test(&self, rule: &'a Compiled, focus: Node<'a>) -> Answer;
    /// The elements that a path leads to; `None` when that cannot be told.
    fn nodes(&self, path: &'a Compiled, focus: Node<'a>) -> Option<Vec<Node<'a>>>;
}
