//! FHIRPath text to a tree. Grammar: FHIRPath N1, appendix A.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever a rule of the grammar does not name is one and the same error")]

use std::sync::OnceLock;

use regex::Regex;

use super::decimal::Decimal;
use crate::format::fhir::temporal::Temporal;

/// Deepest nesting of an expression.
const MAX_DEPTH: usize = 60;

#[derive(Debug)]
pub(super) enum Expr {
    Empty,
    Bool(bool),
    Int(i64),
    Decimal(Decimal),
    Text(Box<str>),
    Temporal(Temporal),
    Quantity(Decimal, Box<str>),
    This,
    Index,
    Total,
    /// `%name`.
    Variable(Box<str>),
    /// A name; the first of a path may be the type of the focus.
    Member(Box<str>, bool),
    Path(Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>, OnceLock<Option<Regex>>),
    At(Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `is` and `as`.
    Is(Box<Expr>, TypeName),
    As(Box<Expr>, TypeName),
}

/// A type as an expression names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeName {
    pub(super) space: Option<Box<str>>,
    pub(super) name: Box<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Times,
    Over,
    Div,
    Mod,
    Plus,
    Minus,
    Join,
    Union,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    Equivalent,
    NotEqual,
    NotEquivalent,
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}

macro_rules! functions {
    ($($variant:ident $name:literal $least:literal $most:literal,)*) => {
        /// The functions that this engine knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function { $($variant,)* }
        impl Function {
            /// Function, least and greatest number of arguments.
            fn find(name: &str) -> Option<(Self, usize, usize)> {
                match name { $($name => Some((Self::$variant, $least, $most)),)* _ => None }
            }
        }
    };
}

functions! {
    Empty "empty" 0 0, Exists "exists" 0 1, All "all" 1 1, AllTrue "allTrue" 0 0, AnyTrue "anyTrue" 0 0,
    AllFalse "allFalse" 0 0, AnyFalse "anyFalse" 0 0, SubsetOf "subsetOf" 1 1, SupersetOf "supersetOf" 1 1,
    Count "count" 0 0, Distinct "distinct" 0 0, IsDistinct "isDistinct" 0 0, Where "where" 1 1, Select "select" 1 1,
    Repeat "repeat" 1 1, RepeatAll "repeatAll" 1 1, OfType "ofType" 1 1, Is "is" 1 1, As "as" 1 1, Single "single" 0 0, First "first" 0 0,
    Last "last" 0 0, Tail "tail" 0 0, Skip "skip" 1 1, Take "take" 1 1, Intersect "intersect" 1 1, Exclude "exclude" 1 1,
    Union "union" 1 1, Combine "combine" 1 1, Coalesce "coalesce" 1 9, Iif "iif" 2 3, ToBoolean "toBoolean" 0 0,
    ConvertsToBoolean "convertsToBoolean" 0 0, ToInteger "toInteger" 0 0, ConvertsToInteger "convertsToInteger" 0 0,
    ToLong "toLong" 0 0, ConvertsToLong "convertsToLong" 0 0,
    ToDate "toDate" 0 0, ConvertsToDate "convertsToDate" 0 0, ToDateTime "toDateTime" 0 0,
    ConvertsToDateTime "convertsToDateTime" 0 0, ToDecimal "toDecimal" 0 0, ConvertsToDecimal "convertsToDecimal" 0 0,
    ToQuantity "toQuantity" 0 1, ConvertsToQuantity "convertsToQuantity" 0 1, ToText "toString" 0 0,
    ConvertsToText "convertsToString" 0 0, ToTime "toTime" 0 0, ConvertsToTime "convertsToTime" 0 0, IndexOf "indexOf" 1 1,
    LastIndexOf "lastIndexOf" 1 1,
    Substring "substring" 1 2, StartsWith "startsWith" 1 1, EndsWith "endsWith" 1 1, Contains "contains" 1 1,
    Upper "upper" 0 0, Lower "lower" 0 0, Replace "replace" 2 2, Matches "matches" 1 2, MatchesFull "matchesFull" 1 2,
    ReplaceMatches "replaceMatches" 2 3, Length "length" 0 0, ToChars "toChars" 0 0, Trim "trim" 0 0, Split "split" 1 1,
    Join "join" 0 1, Encode "encode" 1 1, Decode "decode" 1 1, Escape "escape" 1 1, Unescape "unescape" 1 1,
    Abs "abs" 0 0, Ceiling "ceiling" 0 0, Exp "exp" 0 0, Floor "floor" 0 0, Ln "ln" 0 0, Log "log" 1 1, Power "power" 1 1,
    Round "round" 0 1, Sqrt "sqrt" 0 0, Truncate "truncate" 0 0, Children "children" 0 0, Descendants "descendants" 0 0,
    Trace "trace" 1 2, Now "now" 0 0, Today "today" 0 0, TimeOfDay "timeOfDay" 0 0, Not "not" 0 0, Type "type" 0 0,
    Extension "extension" 1 1, HasValue "hasValue" 0 0, GetValue "getValue" 0 0, Resolve "resolve" 0 0,
    MemberOf "memberOf" 1 1, ConformsTo "conformsTo" 1 1, HtmlChecks "htmlChecks" 0 0, ElementDefinition "elementDefinition" 0 0,
    Slice "slice" 2 2, CheckModifiers "checkModifiers" 0 9, Subsumes "subsumes" 1 1, SubsumedBy "subsumedBy" 1 1,
    LowBoundary "lowBoundary" 0 1, HighBoundary "highBoundary" 0 1, Comparable "comparable" 1 1, Aggregate "aggregate" 1 2,
    Precision "precision" 0 0, Sort "sort" 0 9,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    /// A name in backquotes, which is never a keyword.
    Quoted(String),
    Text(String),
    Number(String),
    Temporal(Temporal),
    Variable(String),
    Dollar(String),
    Sign(&'static str),
}

fn scan(text: &str) -> Result<Vec<Token>, String> {
    const SIGNS: [&str; 21] = ["!=", "!~", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "|", "&", "<", ">", "="];
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        if c.is_whitespace() {
            rest = after;
        } else if rest.starts_with("//") {
            rest = rest.find('\n').and_then(|n| rest.get(n..)).unwrap_or_default();
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").ok_or("a comment is not closed")?;
            rest = rest.get(end + 2..).unwrap_or_default();
        } else if c == '\'' || c == '`' {
            let (value, left) = quoted(after, c)?;
            out.push(if c == '`' { Token::Quoted(value) } else { Token::Text(value) });
            rest = left;
        } else if c == '%' {
            if let Some(quote) = after.chars().next().filter(|q| matches!(q, '`' | '\'' | '"')) {
                let (value, left) = quoted(after.get(1..).unwrap_or_default(), quote)?;
                out.push(Token::Variable(value));
                rest = left;
            } else {
                let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(after.len());
                out.push(Token::Variable(after.get(..end).unwrap_or_default().to_owned()));
                rest = after.get(end..).unwrap_or_default();
            }
        } else if c == '$' {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
            out.push(Token::Dollar(after.get(..end).unwrap_or_default().to_owned()));
            rest = after.get(end..).unwrap_or_default();
        } else if c == '@' {
            let mut end =
                after.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | ':' | 'T' | 'Z' | '.' | '+'))).unwrap_or(after.len());
            // A point that is followed by a name is a path, not a fraction.
            let literal = after.get(..end).unwrap_or_default();
            let trimmed = literal.trim_end_matches('.');
            end = trimmed.len();
            out.push(Token::Temporal(Temporal::literal(trimmed).ok_or_else(|| format!("@{trimmed} is no date or time"))?));
            rest = after.get(end..).unwrap_or_default();
        } else if c.is_ascii_digit() {
            let whole = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let fraction =
                rest.get(whole..).and_then(|r| r.strip_prefix('.')).map_or(0, |r| r.find(|c: char| !c.is_ascii_digit()).unwrap_or(r.len()));
            let mut end = if fraction > 0 { whole + 1 + fraction } else { whole };
            out.push(Token::Number(rest.get(..end).unwrap_or_default().to_owned()));
            // A long is written with an L.
            if rest.get(end..).is_some_and(|r| r.starts_with('L')) {
                end += 1;
            }
            rest = rest.get(end..).unwrap_or_default();
        } else if c.is_ascii_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            out.push(Token::Name(rest.get(..end).unwrap_or_default().to_owned()));
            rest = rest.get(end..).unwrap_or_default();
        } else if c == '~' {
            out.push(Token::Sign("~"));
            rest = after;
        } else if let Some(sign) = SIGNS.iter().find(|s| rest.starts_with(**s)) {
            out.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else {
            return Err(format!("unexpected character {c:?}"));
        }
    }
    Ok(out)
}

fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((out, text.get(at + 1..).unwrap_or_default()));
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next().map(|(_, c)| c) {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let code: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                out.push(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32).ok_or("a bad \\u escape")?);
            }
            // An escape that is not one of the list stands for its character.
            Some(other) => out.push(other),
            None => break,
        }
    }
    Err("a string is not closed".to_owned())
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: scan(text)?, at: 0, depth: 0 };
    let expr = parser.expression(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(format!("unexpected {token:?}")),
    }
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(found);
        found
    }
    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("expected {sign}, found {:?}", self.peek())) }
    }

    fn operator(&self) -> Option<(u8, Operator)> {
        use Operator::{
            And, Contains, Div, Equal, Equivalent, Greater, GreaterEqual, Implies, In, Join, Less, LessEqual, Minus, Mod, NotEqual,
            NotEquivalent, Or, Over, Plus, Times, Union, Xor,
        };
        Some(match self.peek()? {
            Token::Sign(sign) => match *sign {
                "*" => (10, Times),
                "/" => (10, Over),
                "+" => (9, Plus),
                "-" => (9, Minus),
                "&" => (9, Join),
                "|" => (7, Union),
                "<" => (6, Less),
                "<=" => (6, LessEqual),
                ">" => (6, Greater),
                ">=" => (6, GreaterEqual),
                "=" => (5, Equal),
                "~" => (5, Equivalent),
                "!=" => (5, NotEqual),
                "!~" => (5, NotEquivalent),
                _ => return None,
            },
            Token::Name(name) => match name.as_str() {
                "div" => (10, Div),
                "mod" => (10, Mod),
                "in" => (4, In),
                "contains" => (4, Contains),
                "and" => (3, And),
                "or" => (2, Or),
                "xor" => (2, Xor),
                "implies" => (1, Implies),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn expression(&mut self, least: u8) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("nested too deep".to_owned());
        }
        let mut left = self.unary()?;
        loop {
            if let Some(Token::Name(word)) = self.peek()
                && matches!(word.as_str(), "is" | "as")
                && 8 >= least
            {
                let is = word == "is";
                self.at += 1;
                let name = self.type_name()?;
                left = if is { Expr::Is(Box::new(left), name) } else { Expr::As(Box::new(left), name) };
                continue;
            }
            let Some((rank, operator)) = self.operator().filter(|(rank, _)| *rank >= least) else { break };
            self.at += 1;
            let right = self.expression(rank + 1)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.sign("-") {
            return Ok(Expr::Negate(Box::new(self.unary()?)));
        }
        if self.sign("+") {
            return self.unary();
        }
        let mut left = self.term()?;
        loop {
            if self.sign(".") {
                let step = self.invocation(false)?;
                left = Expr::Path(Box::new(left), Box::new(step));
            } else if self.sign("[") {
                let index = self.expression(0)?;
                self.expect("]")?;
                left = Expr::At(Box::new(left), Box::new(index));
            } else {
                return Ok(left);
            }
        }
    }

    fn term(&mut self) -> Result<Expr, String> {
        match self.peek().cloned() {
            Some(Token::Sign("(")) => {
                self.at += 1;
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Token::Sign("{")) => {
                self.at += 1;
                self.expect("}")?;
                Ok(Expr::Empty)
            }
            Some(Token::Text(text)) => {
                self.at += 1;
                Ok(Expr::Text(text.into()))
            }
            Some(Token::Temporal(temporal)) => {
                self.at += 1;
                Ok(Expr::Temporal(temporal))
            }
            Some(Token::Variable(name)) => {
                self.at += 1;
                Ok(Expr::Variable(name.into()))
            }
            Some(Token::Number(number)) => {
                self.at += 1;
                let unit = match self.peek() {
                    Some(Token::Text(unit)) => Some(unit.clone()),
                    Some(Token::Name(word)) if is_calendar_word(word) => Some(word.clone()),
                    _ => None,
                };
                let value = Decimal::parse(&number).ok_or("a number is too long")?;
                if let Some(unit) = unit {
                    self.at += 1;
                    return Ok(Expr::Quantity(value, unit.into()));
                }
                if number.contains('.') {
                    Ok(Expr::Decimal(value))
                } else {
                    Ok(Expr::Int(number.parse().map_err(|_| "a number is too large")?))
                }
            }
            Some(Token::Name(word)) if word == "true" || word == "false" => {
                self.at += 1;
                Ok(Expr::Bool(word == "true"))
            }
            Some(_) => self.invocation(true),
            None => Err("the expression ends too early".to_owned()),
        }
    }

    fn invocation(&mut self, first: bool) -> Result<Expr, String> {
        let name = match self.next() {
            Some(Token::Name(name)) => name,
            Some(Token::Quoted(name)) => return Ok(Expr::Member(name.into(), first)),
            Some(Token::Dollar(name)) => {
                return match name.as_str() {
                    "this" => Ok(Expr::This),
                    "index" => Ok(Expr::Index),
                    "total" => Ok(Expr::Total),
                    _ => Err(format!("${name} is not known")),
                };
            }
            other => return Err(format!("expected a name, found {other:?}")),
        };
        if !self.sign("(") {
            return Ok(Expr::Member(name.into(), first));
        }
        let (function, least, most) = Function::find(&name).ok_or_else(|| format!("{name}() is not known"))?;
        let mut arguments = Vec::new();
        if !self.sign(")") {
            loop {
                arguments.push(self.expression(0)?);
                if self.sign(")") {
                    break;
                }
                // Only sort() has directions, and its answer does not matter to an invariant.
                self.expect(",")?;
            }
        }
        if arguments.len() < least || arguments.len() > most {
            return Err(format!("{name}() does not take {} arguments", arguments.len()));
        }
        Ok(Expr::Call(function, arguments, OnceLock::new()))
    }

    fn type_name(&mut self) -> Result<TypeName, String> {
        let name = |token: Option<Token>| match token {
            Some(Token::Name(name) | Token::Quoted(name)) => Ok(name),
            other => Err(format!("expected a type, found {other:?}")),
        };
        let first = name(self.next())?;
        // `is System.Boolean`, but `(x is Patient).not()` has its bracket before the point.
        if matches!(first.as_str(), "System" | "FHIR") && self.sign(".") {
            let second = name(self.next())?;
            return Ok(TypeName { space: Some(first.into()), name: second.into() });
        }
        Ok(TypeName { space: None, name: first.into() })
    }
}

fn is_calendar_word(word: &str) -> bool {
    let word = word.strip_suffix('s').unwrap_or(word);
    matches!(word, "year" | "month" | "week" | "day" | "hour" | "minute" | "second" | "millisecond")
}

/// The type that an argument such as `Patient` or `System.String` names.
pub(super) fn type_of(expr: &Expr) -> Option<TypeName> {
    match expr {
        Expr::Member(name, _) => Some(TypeName { space: None, name: name.clone() }),
        Expr::Path(left, right) => match (&**left, &**right) {
            (Expr::Member(space, _), Expr::Member(name, _)) => Some(TypeName { space: Some(space.clone()), name: name.clone() }),
            _ => None,
        },
        _ => None,
    }
}
