//! When a requirement applies: an expression in the Common Expression Language over a target's facts.
//!
//! Every name in an expression is checked when the profile is read, so an unknown fact is a mistake
//! with its place and never silently false. A fact that the target does not state leaves the
//! question open; it is not false either.

use std::collections::BTreeMap;

use cel::{Context, Program, Value};

use crate::document::{Mistake, Node};
use crate::target::{Fact, Target};

use super::{FactKind, FactType};

/// Names that every profile may use, besides its facts: lists of words taken from the target file.
const BUILT_IN: [&str; 4] = ["claims", "credentials", "documents", "serves"];

/// A compiled expression with the names that it asks for.
#[derive(Clone)]
pub struct Expression {
    text: String,
    names: Vec<String>,
    program: std::sync::Arc<Program>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expression({})", self.text)
    }
}

/// Whether a requirement applies to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applicability {
    /// It applies.
    Applies,
    /// It does not, and this expression says so.
    DoesNot(String),
    /// The target does not state these facts, so it cannot be told.
    Open(Vec<String>),
    /// The expression cannot be evaluated with these facts.
    Error(String),
}

impl Expression {
    /// Compiles an expression and checks each name in it against the facts.
    ///
    /// # Errors
    /// Not an expression, or a name that is no fact; at its place in `file`.
    pub fn compile(file: &str, node: &Node, facts: &BTreeMap<String, FactKind>) -> Result<Self, Mistake> {
        let text = node.as_text().unwrap_or_default();
        let position = node.position();
        let program = Program::compile(text).map_err(|e| {
            Mistake::at(file, position, format!("applies: not an expression: {}", first_line(&e.to_string())))
                .help("expressions are CEL: https://cel.dev")
        })?;
        let mut names: Vec<String> = program.references().variables().iter().map(|name| (*name).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        for name in &names {
            if !facts.contains_key(name) && !BUILT_IN.contains(&name.as_str()) {
                let known = facts.keys().map(String::as_str).chain(BUILT_IN).collect::<Vec<_>>().join(", ");
                let mut position = position;
                if !text.contains('\n') {
                    let offset = text.find(name.as_str()).map_or(0, |i| text.get(..i).map_or(0, |s| s.chars().count()));
                    position.column = position.column.saturating_add(u32::try_from(offset).unwrap_or(0));
                }
                return Err(Mistake::at(file, position, format!("applies: unknown fact `{name}`, expected one of {known}"))
                    .help("facts are declared under `facts` in the profile"));
            }
        }
        let expression = Self { text: text.to_owned(), names, program: std::sync::Arc::new(program) };
        expression.try_types(facts).map_err(|why| Mistake::at(file, position, format!("applies: {why}")))?;
        if let Some(word) = expression.stranger(facts) {
            let known = expression
                .names
                .iter()
                .filter_map(|n| facts.get(n))
                .flat_map(|f| f.choices.iter().map(String::as_str))
                .collect::<Vec<_>>()
                .join(", ");
            let known = if known.is_empty() { "no word at all".to_owned() } else { format!("one of {known}") };
            return Err(Mistake::at(file, position, format!("applies: no fact can be `{word}`, expected {known}"))
                .help("a word that no fact can be would make this silently false"));
        }
        Ok(expression)
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it applies to this target.
    pub fn applies(&self, target: &Target) -> Applicability {
        let mut context = Context::default();
        let mut open = Vec::new();
        for name in &self.names {
            match value_of(target, name) {
                Some(value) => context.add_variable_from_value(name.as_str(), value),
                None => open.push(name.clone()),
            }
        }
        if !open.is_empty() {
            return Applicability::Open(open);
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(true)) => Applicability::Applies,
            Ok(Value::Bool(false)) => Applicability::DoesNot(self.text.clone()),
            Ok(other) => Applicability::Error(format!("`{}` gives {other:?}, not true or false", self.text)),
            Err(error) => Applicability::Error(format!("`{}`: {error}", self.text)),
        }
    }

    /// A word in the expression that none of its facts can ever be. Lists of the target file may hold any word.
    fn stranger(&self, facts: &BTreeMap<String, FactKind>) -> Option<String> {
        if self.names.iter().any(|name| !facts.contains_key(name)) {
            return None;
        }
        let known = |word: &String| self.names.iter().filter_map(|n| facts.get(n)).any(|f| f.choices.contains(word));
        words(&self.text).into_iter().find(|word| !known(word))
    }

    /// Evaluates once with a sample of each type, so that a comparison of a flag with a word is found
    /// when the profile is read and not when somebody's product is tested.
    fn try_types(&self, facts: &BTreeMap<String, FactKind>) -> Result<(), String> {
        let mut context = Context::default();
        for name in &self.names {
            let sample = match facts.get(name).map(|f| (f.kind, f.choices.first().cloned().unwrap_or_default())) {
                Some((FactType::Flag, _)) => Value::Bool(true),
                Some((FactType::Number, _)) => Value::Int(1),
                Some((FactType::Choice, word)) => Value::from(word),
                Some((FactType::List, word)) => list(std::slice::from_ref(&word)),
                None => list(&[]),
            };
            context.add_variable_from_value(name.as_str(), sample);
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(_)) => Ok(()),
            Ok(_) => Err(format!("`{}` does not give true or false", self.text)),
            Err(error) => Err(format!("`{}` does not fit the facts' types: {error}", self.text)),
        }
    }
}

/// The texts in quotes in an expression that compiles.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\'' || c == '"' {
            words.push(rest.by_ref().take_while(|d| *d != c).collect());
        }
    }
    words
}

fn list(words: &[String]) -> Value {
    Value::from(words.iter().map(|w| Value::from(w.clone())).collect::<Vec<Value>>())
}

fn value_of(target: &Target, name: &str) -> Option<Value> {
    match target.facts.get(name) {
        Some(Fact::Flag(b)) => Some(Value::Bool(*b)),
        Some(Fact::Number(n)) => Some(Value::Int(*n)),
        Some(Fact::Text(s)) => Some(Value::from(s.clone())),
        Some(Fact::List(words)) => Some(list(words)),
        None => match name {
            "claims" => Some(list(&target.claims.iter().map(|c| c.specification.clone()).collect::<Vec<_>>())),
            "credentials" => Some(list(&target.credentials.keys().cloned().collect::<Vec<_>>())),
            "documents" => Some(list(&target.documents.keys().cloned().collect::<Vec<_>>())),
            "serves" => {
                let roles =
                    target.endpoints.iter().flat_map(|(name, e)| if e.serves.is_empty() { vec![name.clone()] } else { e.serves.clone() });
                Some(list(&roles.collect::<Vec<_>>()))
            }
            _ => None,
        },
    }
}

fn first_line(text: &str) -> &str {
    text.lines().find(|l| !l.trim().is_empty()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{NodeKind, Position};

    fn facts() -> BTreeMap<String, FactKind> {
        let kind = |kind| FactKind { ask: "?".into(), kind, choices: vec!["api".into(), "hub".into()] };
        BTreeMap::from([("kind".into(), kind(FactType::Choice)), ("voice".into(), kind(FactType::Flag))])
    }
    fn compile(text: &str) -> Result<Expression, Mistake> {
        let node = Node::new(NodeKind::Scalar { text: text.into(), plain: false }, Position { line: 3, column: 12 });
        Expression::compile("p.yaml", &node, &facts())
    }
    fn target(facts: &str) -> Target {
        let text = format!(
            "target: 1\nproduct: {{name: a, version: 1, vendor: {{name: v}}}}\nendpoints:\n  api: {{url: 'https://a.test/'}}\nfacts: {facts}\n"
        );
        Target::parse("t.yaml", &text).unwrap()
    }

    #[test]
    fn expressions_are_judged_by_the_facts() {
        let expression = compile("kind in ['api', 'hub'] && !voice").unwrap();
        assert_eq!(expression.applies(&target("{kind: api, voice: false}")), Applicability::Applies);
        assert!(matches!(expression.applies(&target("{kind: api, voice: true}")), Applicability::DoesNot(_)));
        assert_eq!(expression.applies(&target("{kind: api}")), Applicability::Open(vec!["voice".into()]));
        assert_eq!(compile("'api' in serves").unwrap().applies(&target("{}")), Applicability::Applies);
    }

    #[test]
    fn unknown_facts_and_wrong_types_are_mistakes_with_their_place() {
        let mistake = compile("voice || radio").unwrap_err();
        assert!(mistake.message.contains("unknown fact `radio`"), "{mistake}");
        assert_eq!(mistake.position.unwrap().to_string(), "3:21");
        assert!(compile("voice &&").is_err());
        assert!(compile("kind == 'ap'").unwrap_err().message.contains("no fact can be `ap`"));
        assert!(compile("voice == 'yes'").is_err());
        assert!(compile("kind == \"api\" || 'anything' in claims").is_ok());
        assert!(compile("kind").unwrap_err().message.contains("true or false"));
    }
}
