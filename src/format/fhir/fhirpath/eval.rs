//! Evaluation of a parsed expression over a resource.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever an operation is not defined for is one and the same error")]

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

use super::decimal::Decimal;
use super::node::Node;
use super::parse::{Expr, Function, Operator, TypeName};
use super::values::{alike, arithmetic, compare, same, text_of, value_of};
use super::{Answer, Compiled, Invariants};
use crate::format::fhir::definitions::Definitions;
use crate::format::fhir::temporal::{Sort, Temporal};

/// Most steps of one evaluation. The costliest rule of a 35 MB Bundle stays below it.
const MAX_STEPS: u32 = 20_000_000;
/// Most steps of all evaluations on one resource together. The official Bundle of 35 MB needs a tenth.
pub(in crate::format::fhir) const MAX_STEPS_IN_ALL: u64 = 400_000_000;
/// Deepest recursion through an expression and its arguments.
const MAX_DEPTH: u32 = 200;

/// What an expression reaches for outside of its element.
pub(in crate::format::fhir) trait Surroundings<'a> {
    /// The resource that a reference in `root` leads to, when it is at hand.
    fn resolve(&self, root: Node<'a>, reference: &str) -> Option<Node<'a>>;
    /// The type that a reference's address names, for a resource that is not at hand.
    fn type_named(&self, reference: &str) -> Option<String>;
    /// Whether an element conforms to a profile; `None` when the profile is not at hand.
    fn conforms(&self, node: Node<'a>, profile: &str) -> Option<bool>;
    /// Whether a coded element is in a value set; `None` when that cannot be told.
    fn member_of(&self, node: Node<'a>, value_set: &str) -> Option<bool>;
}

/// Where an expression is evaluated.
pub(in crate::format::fhir) struct Env<'a, 's> {
    pub(in crate::format::fhir) definitions: &'a Definitions,
    /// The resource that the element is in: `%resource`.
    pub(in crate::format::fhir) resource: Node<'a>,
    /// The resource that is not contained in another: `%rootResource`.
    pub(in crate::format::fhir) root: Node<'a>,
    pub(in crate::format::fhir) around: &'s dyn Surroundings<'a>,
    /// Steps spent on this resource so far.
    pub(in crate::format::fhir) spent: &'s Cell<u64>,
}

/// One value on the way.
#[derive(Debug, Clone)]
pub(super) enum Item<'a> {
    Node(Node<'a>),
    Bool(bool),
    Int(i64),
    Decimal(Decimal),
    Text(Cow<'a, str>),
    Temporal(Temporal),
    Quantity(Decimal, Cow<'a, str>),
    /// The answer of `type()`: namespace and name.
    Type(&'static str, Cow<'a, str>),
}

pub(super) type Items<'a> = Vec<Item<'a>>;

/// Evaluation stopped without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stop;

pub(super) type Result<'a> = std::result::Result<Items<'a>, Stop>;

/// `$this`, `$index` and `$total`.
#[derive(Clone, Copy)]
pub(super) struct Scope<'i, 'a> {
    pub(super) focus: &'i [Item<'a>],
    pub(super) index: Option<i64>,
    pub(super) total: Option<&'i [Item<'a>]>,
}

/// One evaluation.
pub(super) struct Run<'e, 'a, 's> {
    pub(super) env: &'e Env<'a, 's>,
    pub(super) context: Node<'a>,
    steps: Cell<u32>,
    depth: Cell<u32>,
    /// Whether a comparison had no answer although both sides were there.
    undecided: Cell<bool>,
}

impl<'a> Invariants<'a> for Env<'a, '_> {
    fn test(&self, rule: &'a Compiled, focus: Node<'a>) -> Answer {
        let (answer, undecided) = self.run_telling(rule, focus);
        match answer {
            Err(Stop) => Answer::NotEvaluable,
            Ok(items) => match truth(&items) {
                // Two dates are there, but not precise enough to show that the rule is kept. R4's rules
                // must come out true; R5 asks for the boundaries where it means to allow this.
                Ok(None) if undecided => Answer::Broken,
                Ok(Some(true)) => Answer::Holds,
                Ok(Some(false)) => Answer::Broken,
                Ok(None) => Answer::Empty,
                Err(Stop) => Answer::NotEvaluable,
            },
        }
    }

    fn nodes(&self, path: &'a Compiled, focus: Node<'a>) -> Option<Vec<Node<'a>>> {
        let items = self.run(path, focus).ok()?;
        Some(items.into_iter().filter_map(|i| if let Item::Node(n) = i { Some(n) } else { None }).collect())
    }
}

impl<'a> Env<'a, '_> {
    pub(super) fn run(&self, rule: &'a Compiled, focus: Node<'a>) -> Result<'a> {
        self.run_telling(rule, focus).0
    }

    /// The answer, and whether two values were compared that precision or units leave open.
    fn run_telling(&self, rule: &'a Compiled, focus: Node<'a>) -> (Result<'a>, bool) {
        if self.spent.get() > MAX_STEPS_IN_ALL {
            return (Err(Stop), false);
        }
        let run = Run { env: self, context: focus, steps: Cell::new(0), depth: Cell::new(0), undecided: Cell::new(false) };
        let start = [Item::Node(focus)];
        let out = run.eval(&rule.0, &start, Scope { focus: &start, index: None, total: None });
        self.spent.set(self.spent.get() + u64::from(run.steps.get()));
        (out, run.undecided.get())
    }
}

/// The truth of a collection: `None` when it is empty.
pub(super) fn truth(items: &[Item<'_>]) -> std::result::Result<Option<bool>, Stop> {
    match items {
        [] => Ok(None),
        [one] => Ok(Some(match value_of(one) {
            Item::Bool(b) => b,
            _ => true,
        })),
        _ => Err(Stop),
    }
}

impl<'a> Run<'_, 'a, '_> {
    /// Counts work, so that no resource can keep an evaluation busy without end.
    pub(super) fn step(&self, cost: usize) -> std::result::Result<(), Stop> {
        let steps = self.steps.get().saturating_add(u32::try_from(cost).unwrap_or(u32::MAX));
        self.steps.set(steps);
        if steps > MAX_STEPS { Err(Stop) } else { Ok(()) }
    }

    pub(super) fn eval<'i>(&self, expr: &'a Expr, focus: &'i [Item<'a>], scope: Scope<'i, 'a>) -> Result<'a> {
        self.step(1 + focus.len())?;
        let depth = self.depth.get() + 1;
        if depth > MAX_DEPTH {
            return Err(Stop);
        }
        self.depth.set(depth);
        let out = self.eval_inner(expr, focus, scope);
        self.depth.set(depth - 1);
        out
    }

    fn eval_inner<'i>(&self, expr: &'a Expr, focus: &'i [Item<'a>], scope: Scope<'i, 'a>) -> Result<'a> {
        Ok(match expr {
            Expr::Empty => Vec::new(),
            Expr::Bool(b) => vec![Item::Bool(*b)],
            Expr::Int(n) => vec![Item::Int(*n)],
            Expr::Decimal(n) => vec![Item::Decimal(*n)],
            Expr::Text(text) => vec![Item::Text(Cow::Borrowed(text))],
            Expr::Temporal(t) => vec![Item::Temporal(*t)],
            Expr::Quantity(value, unit) => vec![Item::Quantity(*value, Cow::Borrowed(unit))],
            Expr::This => scope.focus.to_vec(),
            Expr::Index => scope.index.map(Item::Int).into_iter().collect(),
            Expr::Total => scope.total.unwrap_or_default().to_vec(),
            Expr::Variable(name) => self.variable(name)?,
            Expr::Member(name, first) => self.member(name, *first, focus)?,
            Expr::Path(left, right) => {
                let inner = self.eval(left, focus, scope)?;
                if inner.is_empty() && matches!(**right, Expr::Member(..)) {
                    return Ok(inner);
                }
                self.eval_with(right, &inner, scope)?
            }
            Expr::Call(function, arguments, pattern) => self.call(*function, arguments, pattern, focus, scope)?,
            Expr::At(list, index) => {
                let items = self.eval(list, focus, scope)?;
                match self.eval(index, scope.focus, scope)?.as_slice() {
                    [] => Vec::new(),
                    [index] => match value_of(index) {
                        Item::Int(n) => usize::try_from(n).ok().and_then(|n| items.into_iter().nth(n)).into_iter().collect(),
                        _ => return Err(Stop),
                    },
                    _ => return Err(Stop),
                }
            }
            Expr::Negate(inner) => match self.eval(inner, focus, scope)?.as_slice() {
                [] => Vec::new(),
                [one] => vec![match value_of(one) {
                    Item::Int(n) => Item::Int(n.checked_neg().ok_or(Stop)?),
                    Item::Decimal(d) => Item::Decimal(d.negate()),
                    Item::Quantity(d, unit) => Item::Quantity(d.negate(), unit),
                    _ => return Err(Stop),
                }],
                _ => return Err(Stop),
            },
            Expr::Is(inner, name) => {
                match self.eval(inner, focus, scope).or_else(|stop| self.type_asked(inner, focus, scope).ok_or(stop))?.as_slice() {
                    [] => Vec::new(),
                    [Item::Type(_, of)] => vec![Item::Bool(self.env.definitions.is_a(of, &name.name))],
                    [one] => vec![Item::Bool(self.is_type(one, name)?)],
                    _ => return Err(Stop),
                }
            }
            Expr::As(inner, name) => {
                let items = self.eval(inner, focus, scope)?;
                self.only(items, name)?
            }
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right, focus, scope)?,
        })
    }

    /// Of `….resolve() is Type` for a resource that is not at hand: the type that its address names, which
    /// is all that was asked for (FHIR, FHIRPath, `resolve()`).
    fn type_asked<'i>(&self, expr: &'a Expr, focus: &'i [Item<'a>], scope: Scope<'i, 'a>) -> Option<Items<'a>> {
        let Expr::Path(left, right) = expr else { return None };
        if !matches!(**right, Expr::Call(Function::Resolve, ..)) {
            return None;
        }
        let items = self.eval(left, focus, scope).ok()?;
        let [one] = items.as_slice() else { return None };
        let reference = reference_of(one)?;
        Some(vec![Item::Type("FHIR", Cow::Owned(self.env.around.type_named(&reference)?))])
    }

    /// Evaluates a step of a path on its own focus.
    fn eval_with<'i>(&self, expr: &'a Expr, focus: &[Item<'a>], scope: Scope<'i, 'a>) -> Result<'a> {
        self.step(1 + focus.len())?;
        match expr {
            Expr::Member(name, first) => self.member(name, *first, focus),
            Expr::Call(function, arguments, pattern) => {
                let depth = self.depth.get() + 1;
                if depth > MAX_DEPTH {
                    return Err(Stop);
                }
                self.depth.set(depth);
                let out = self.call(*function, arguments, pattern, focus, scope);
                self.depth.set(depth - 1);
                out
            }
            Expr::This => Ok(focus.to_vec()),
            _ => Err(Stop),
        }
    }

    fn variable(&self, name: &str) -> Result<'a> {
        let text = |text: &'static str| vec![Item::Text(Cow::Borrowed(text))];
        Ok(match name {
            "resource" => vec![Item::Node(self.env.resource)],
            "rootResource" => vec![Item::Node(self.env.root)],
            "context" => vec![Item::Node(self.context)],
            "ucum" => text("http://unitsofmeasure.org"),
            "sct" => text("http://snomed.info/sct"),
            "loinc" => text("http://loinc.org"),
            _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
                (Some(set), _) => vec![Item::Text(Cow::Owned(format!("http://hl7.org/fhir/ValueSet/{set}")))],
                (_, Some(extension)) => vec![Item::Text(Cow::Owned(format!("http://hl7.org/fhir/StructureDefinition/{extension}")))],
                _ => return Err(Stop),
            },
        })
    }

    fn member(&self, name: &'a str, first: bool, focus: &[Item<'a>]) -> Result<'a> {
        let mut out = Vec::new();
        let mut found = Vec::new();
        for item in focus {
            match item {
                Item::Node(node) => {
                    if first && name.starts_with(|c: char| c.is_ascii_uppercase()) && self.env.definitions.is_a(node.of, name) {
                        out.push(item.clone());
                        continue;
                    }
                    node.children(self.env.definitions, name, &mut found);
                    out.extend(found.drain(..).map(Item::Node));
                }
                Item::Type(space, _) if name == "namespace" => out.push(Item::Text(Cow::Borrowed(space))),
                Item::Type(_, of) if name == "name" => out.push(Item::Text(of.clone())),
                _ => {}
            }
        }
        self.step(out.len())?;
        Ok(out)
    }

    fn binary<'i>(&self, operator: Operator, left: &'a Expr, right: &'a Expr, focus: &'i [Item<'a>], scope: Scope<'i, 'a>) -> Result<'a> {
        let bool_of = |b: Option<bool>| b.map(Item::Bool).into_iter().collect::<Vec<_>>();
        let logic = |expr: &'a Expr| -> std::result::Result<Option<bool>, Stop> { truth(&self.eval(expr, focus, scope)?) };
        // Three-valued logic; a side that cannot be evaluated matters only if the other does not decide.
        match operator {
            Operator::And | Operator::Or | Operator::Implies => {
                let decides = operator == Operator::Or;
                let a = logic(left).map(|a| if operator == Operator::Implies { a.map(|a| !a) } else { a });
                let decides = decides || operator == Operator::Implies;
                if a == Ok(Some(decides)) {
                    return Ok(vec![Item::Bool(decides)]);
                }
                let b = logic(right);
                if b == Ok(Some(decides)) {
                    return Ok(vec![Item::Bool(decides)]);
                }
                return Ok(bool_of(match (a?, b?) {
                    (Some(_), Some(_)) => Some(!decides),
                    _ => None,
                }));
            }
            Operator::Xor => {
                return Ok(bool_of(match (logic(left)?, logic(right)?) {
                    (Some(a), Some(b)) => Some(a != b),
                    _ => None,
                }));
            }
            _ => {}
        }
        let a = self.eval(left, focus, scope)?;
        let b = self.eval(right, focus, scope)?;
        Ok(match operator {
            Operator::Union => self.distinct(a.into_iter().chain(b))?,
            Operator::Equal => bool_of(self.equal(&a, &b)?),
            Operator::NotEqual => bool_of(self.equal(&a, &b)?.map(|e| !e)),
            Operator::Equivalent => bool_of(Some(self.equivalent(&a, &b)?)),
            Operator::NotEquivalent => bool_of(Some(!self.equivalent(&a, &b)?)),
            Operator::In => membership(self, &a, &b)?,
            Operator::Contains => membership(self, &b, &a)?,
            Operator::Join => {
                let text = |items: &[Item<'a>]| match items {
                    [] => Ok(String::new()),
                    [one] => text_of(one).map(Cow::into_owned).ok_or(Stop),
                    _ => Err(Stop),
                };
                vec![Item::Text(Cow::Owned(text(&a)? + &text(&b)?))]
            }
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => match (a.as_slice(), b.as_slice()) {
                ([], _) | (_, []) => Vec::new(),
                ([a], [b]) => {
                    let order = compare(&value_of(a), &value_of(b))?;
                    if order.is_none() {
                        self.undecided.set(true);
                    }
                    bool_of(order.map(|order| match operator {
                        Operator::Less => order == Ordering::Less,
                        Operator::LessEqual => order != Ordering::Greater,
                        Operator::Greater => order == Ordering::Greater,
                        _ => order != Ordering::Less,
                    }))
                }
                _ => return Err(Stop),
            },
            Operator::Plus | Operator::Minus | Operator::Times | Operator::Over | Operator::Div | Operator::Mod => {
                match (a.as_slice(), b.as_slice()) {
                    ([], _) | (_, []) => Vec::new(),
                    ([a], [b]) => arithmetic(operator, value_of(a), value_of(b))?.into_iter().collect(),
                    _ => return Err(Stop),
                }
            }
            Operator::And | Operator::Or | Operator::Xor | Operator::Implies => return Err(Stop),
        })
    }

    /// Equality of collections: `None` when a side is empty or precision leaves it open.
    pub(super) fn equal(&self, a: &[Item<'a>], b: &[Item<'a>]) -> std::result::Result<Option<bool>, Stop> {
        if a.is_empty() || b.is_empty() {
            return Ok(None);
        }
        if a.len() != b.len() {
            return Ok(Some(false));
        }
        self.step(a.len())?;
        let mut open = false;
        for (a, b) in a.iter().zip(b) {
            match same(a, b) {
                Some(true) => {}
                Some(false) => return Ok(Some(false)),
                None => open = true,
            }
        }
        Ok(if open { None } else { Some(true) })
    }

    fn equivalent(&self, a: &[Item<'a>], b: &[Item<'a>]) -> std::result::Result<bool, Stop> {
        if a.len() != b.len() {
            return Ok(false);
        }
        self.step(a.len() * b.len())?;
        let mut left: Vec<&Item<'a>> = b.iter().collect();
        for item in a {
            match left.iter().position(|other| alike(item, other)) {
                Some(found) => {
                    left.swap_remove(found);
                }
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Without repetition, in the order of first appearance. Plain values are told apart by hash, so
    /// that ten thousand of them cost no hundred million comparisons.
    pub(super) fn distinct(&self, items: impl Iterator<Item = Item<'a>>) -> Result<'a> {
        let mut out: Items<'a> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut others: Vec<usize> = Vec::new();
        for item in items {
            self.step(1)?;
            match value_of(&item) {
                Item::Text(text) => {
                    if seen.insert(text.into_owned()) {
                        out.push(item);
                    }
                }
                value => {
                    self.step(others.len())?;
                    if !others.iter().filter_map(|n| out.get(*n)).any(|o| same(o, &value) == Some(true)) {
                        others.push(out.len());
                        out.push(item);
                    }
                }
            }
        }
        Ok(out)
    }

    /// The items of a type.
    pub(super) fn only(&self, items: Items<'a>, name: &TypeName) -> Result<'a> {
        let mut out = Vec::new();
        for item in items {
            // A code is a string, but not one that is picked out as a string.
            let exact = match &item {
                Item::Node(node) => !node.is_primitive() || node.of == &*name.name || name.space.as_deref() == Some("System"),
                _ => true,
            };
            if self.is_type(&item, name)? && exact {
                out.push(item);
            }
        }
        Ok(out)
    }

    pub(super) fn is_type(&self, item: &Item<'a>, name: &TypeName) -> std::result::Result<bool, Stop> {
        let space = name.space.as_deref();
        if !matches!(space, None | Some("System" | "FHIR")) {
            return Err(Stop);
        }
        let definitions = self.env.definitions;
        Ok(match item {
            Item::Node(node) => {
                if space == Some("System") {
                    return Ok(false);
                }
                if definitions.by_type(&name.name).is_none() && !is_system(&name.name) {
                    return Err(Stop);
                }
                definitions.is_a(node.of, &name.name)
            }
            other => space != Some("FHIR") && system_type(other) == &*name.name,
        })
    }
}

fn is_system(name: &str) -> bool {
    matches!(name, "Boolean" | "String" | "Integer" | "Long" | "Decimal" | "Date" | "DateTime" | "Time" | "Quantity" | "Any")
}

pub(super) fn system_type(item: &Item<'_>) -> &'static str {
    match item {
        Item::Node(_) => "Any",
        Item::Bool(_) => "Boolean",
        Item::Int(_) => "Integer",
        Item::Decimal(_) => "Decimal",
        Item::Text(_) => "String",
        Item::Temporal(t) => match t.sort {
            Sort::Date => "Date",
            Sort::DateTime => "DateTime",
            Sort::Time => "Time",
        },
        Item::Quantity(..) => "Quantity",
        Item::Type(..) => "TypeInfo",
    }
}

/// The address that a reference, a canonical or a text leads to.
pub(super) fn reference_of<'a>(item: &Item<'a>) -> Option<Cow<'a, str>> {
    match item {
        Item::Node(node) if node.value.is_object() => node.text("reference").map(Cow::Borrowed),
        Item::Node(node) => node.value.as_str().map(Cow::Borrowed),
        Item::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn membership<'a>(run: &Run<'_, 'a, '_>, one: &[Item<'a>], list: &[Item<'a>]) -> Result<'a> {
    match one {
        [] => Ok(Vec::new()),
        [one] => {
            run.step(list.len())?;
            Ok(vec![Item::Bool(list.iter().any(|other| same(one, other) == Some(true)))])
        }
        _ => Err(Stop),
    }
}
