//! Formulas as trees (R4).
//!
//! From weakest to strongest: `if … then … else …`, `or`, `and`, `not`, comparisons (which do not
//! chain), `+ -`, `* /`, the sign. Apart from the checker so that grammar and meaning stay
//! separate: it does not know which names exist. It must end on any text, however long or deep:
//! [`DEPTH_MAX`] bounds every recursion over a formula, here and later.

use std::ops::Range;

use crate::measure::Decimal;
use crate::rate::Fault;
use crate::rate::lexer::{Lexeme, Token, lexemes};

/// A part of a formula and where it stands.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) kind: Kind,
    /// In bytes of the formula.
    pub(crate) at: Range<usize>,
    depth: usize,
}

/// What a part of a formula is.
#[derive(Debug)]
pub(crate) enum Kind {
    Number(Decimal),
    Word(Box<str>),
    Name(Box<str>),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    If(Box<Expression>, Box<Expression>, Box<Expression>),
    Call(Box<str>, Vec<Expression>),
}

/// What stands between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Different,
    And,
    Or,
}

/// The deepest nesting.
pub(crate) const DEPTH_MAX: usize = 100;
/// The deepest nesting of parentheses, calls, conditionals and signs: each costs the parser a few calls.
const NESTING_MAX: usize = 40;

/// Reads a whole formula.
pub(crate) fn parse(text: &str) -> Result<Expression, Fault> {
    let mut parser = Parser { lexemes: lexemes(text)?, place: 0, nesting: 0 };
    let expression = parser.expression()?;
    match parser.token() {
        Token::End => Ok(expression),
        Token::Number(_) | Token::Name(_) | Token::Word(_) | Token::Sign(_) | Token::Keyword(_) => {
            Err(parser.expected("an operator or the end of the formula"))
        }
    }
}

struct Parser {
    lexemes: Vec<Lexeme>,
    place: usize,
    nesting: usize,
}

impl Parser {
    fn token(&self) -> &Token {
        &self.lexemes[self.place].token
    }

    fn at(&self) -> Range<usize> {
        self.lexemes[self.place].at.clone()
    }

    /// Steps over a word; the end is never stepped over.
    fn step(&mut self) {
        if self.place + 1 < self.lexemes.len() {
            self.place += 1;
        }
    }

    fn takes(&mut self, wanted: &Token) -> bool {
        let found = self.token() == wanted;
        if found {
            self.step();
        }
        found
    }

    fn expected(&self, what: &str) -> Fault {
        let found = match self.token() {
            Token::Number(value) => format!("{value}"),
            Token::Name(name) => format!("{name:?}"),
            Token::Word(word) => format!("the word {word:?}"),
            Token::Sign(sign) => format!("{sign:?}"),
            Token::Keyword(keyword) => format!("{keyword:?}"),
            Token::End => "the end of the formula".to_owned(),
        };
        Fault::new(self.at(), format!("expected {what}, found {found}"))
    }

    fn requires(&mut self, wanted: &Token, what: &str) -> Result<(), Fault> {
        if self.takes(wanted) { Ok(()) } else { Err(self.expected(what)) }
    }

    fn expression(&mut self) -> Result<Expression, Fault> {
        let start = self.at().start;
        if !self.takes(&Token::Keyword("if")) {
            return self.alternative();
        }
        self.nested(|parser| {
            let condition = parser.expression()?;
            parser.requires(&Token::Keyword("then"), "\"then\"")?;
            let yes = parser.expression()?;
            parser.requires(&Token::Keyword("else"), "\"else\": a conditional says what holds otherwise")?;
            let no = parser.expression()?;
            let depth = condition.depth.max(yes.depth).max(no.depth);
            let at = start..no.at.end;
            node(Kind::If(Box::new(condition), Box::new(yes), Box::new(no)), at, depth)
        })
    }

    /// Runs one more level of nesting.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Parser) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.nesting >= NESTING_MAX {
            return Err(Fault::new(
                self.at(),
                format!("nested more than {NESTING_MAX} deep; name parts of it with let"),
            ));
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    fn alternative(&mut self) -> Result<Expression, Fault> {
        let mut left = self.conjunction()?;
        while self.takes(&Token::Keyword("or")) {
            left = binary(Operator::Or, left, self.conjunction()?)?;
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expression, Fault> {
        let mut left = self.negation()?;
        while self.takes(&Token::Keyword("and")) {
            left = binary(Operator::And, left, self.negation()?)?;
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expression, Fault> {
        let start = self.at().start;
        if !self.takes(&Token::Keyword("not")) {
            return self.comparison();
        }
        let inner = self.nested(Parser::negation)?;
        let (at, depth) = (start..inner.at.end, inner.depth);
        node(Kind::Not(Box::new(inner)), at, depth)
    }

    fn comparison(&mut self) -> Result<Expression, Fault> {
        let left = self.sum()?;
        let Some(operator) = self.comparison_sign() else { return Ok(left) };
        self.step();
        let compared = binary(operator, left, self.sum()?)?;
        match self.comparison_sign() {
            Some(_) => Err(Fault::new(self.at(), "comparisons do not chain; join two with and".to_owned())),
            None => Ok(compared),
        }
    }

    fn comparison_sign(&self) -> Option<Operator> {
        match self.token() {
            Token::Sign("<") => Some(Operator::Less),
            Token::Sign("<=") => Some(Operator::AtMost),
            Token::Sign(">") => Some(Operator::Greater),
            Token::Sign(">=") => Some(Operator::AtLeast),
            Token::Sign("==") => Some(Operator::Equal),
            Token::Sign("!=") => Some(Operator::Different),
            Token::Sign(_) | Token::Number(_) | Token::Name(_) | Token::Word(_) | Token::Keyword(_) | Token::End => {
                None
            }
        }
    }

    fn sum(&mut self) -> Result<Expression, Fault> {
        let mut left = self.product()?;
        loop {
            let operator = match self.token() {
                Token::Sign("+") => Operator::Add,
                Token::Sign("-") => Operator::Subtract,
                _ => return Ok(left),
            };
            self.step();
            left = binary(operator, left, self.product()?)?;
        }
    }

    fn product(&mut self) -> Result<Expression, Fault> {
        let mut left = self.signed()?;
        loop {
            let operator = match self.token() {
                Token::Sign("*") => Operator::Multiply,
                Token::Sign("/") => Operator::Divide,
                _ => return Ok(left),
            };
            self.step();
            left = binary(operator, left, self.signed()?)?;
        }
    }

    fn signed(&mut self) -> Result<Expression, Fault> {
        let start = self.at().start;
        if !self.takes(&Token::Sign("-")) {
            return self.primary();
        }
        let inner = self.nested(Parser::signed)?;
        let (at, depth) = (start..inner.at.end, inner.depth);
        node(Kind::Negative(Box::new(inner)), at, depth)
    }

    fn primary(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        match self.token().clone() {
            Token::Number(value) => {
                self.step();
                node(Kind::Number(value), at, 0)
            }
            Token::Word(word) => {
                self.step();
                node(Kind::Word(word), at, 0)
            }
            Token::Name(name) => {
                self.step();
                if self.takes(&Token::Sign("(")) { self.call(name, at.start) } else { node(Kind::Name(name), at, 0) }
            }
            Token::Sign("(") => {
                self.step();
                let inner = self.nested(Parser::expression)?;
                self.requires(&Token::Sign(")"), "\")\"")?;
                Ok(inner)
            }
            Token::Sign(_) | Token::Keyword(_) | Token::End => Err(self.expected("a number, a name or \"(\"")),
        }
    }

    fn call(&mut self, name: Box<str>, start: usize) -> Result<Expression, Fault> {
        self.nested(|parser| {
            let mut arguments = vec![parser.expression()?];
            while parser.takes(&Token::Sign(",")) {
                arguments.push(parser.expression()?);
            }
            let at = start..parser.at().end;
            parser.requires(&Token::Sign(")"), "\",\" or \")\"")?;
            // Folded two by two later, so the number of arguments counts as depth.
            let depth = arguments.iter().map(|argument| argument.depth).max().unwrap_or(0) + arguments.len();
            node(Kind::Call(name, arguments), at, depth)
        })
    }
}

fn binary(operator: Operator, left: Expression, right: Expression) -> Result<Expression, Fault> {
    let (at, depth) = (left.at.start..right.at.end, left.depth.max(right.depth));
    node(Kind::Binary(operator, Box::new(left), Box::new(right)), at, depth)
}

fn node(kind: Kind, at: Range<usize>, below: usize) -> Result<Expression, Fault> {
    match below < DEPTH_MAX {
        true => Ok(Expression { kind, at, depth: below + 1 }),
        false => Err(Fault::new(at, format!("more than {DEPTH_MAX} steps deep; name parts of it with let"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree in prefix form.
    fn shown(expression: &Expression) -> String {
        match &expression.kind {
            Kind::Number(value) => value.to_string(),
            Kind::Word(word) => format!("`{word}`"),
            Kind::Name(name) => name.to_string(),
            Kind::Negative(inner) => format!("(neg {})", shown(inner)),
            Kind::Not(inner) => format!("(not {})", shown(inner)),
            Kind::Binary(operator, left, right) => format!("({operator:?} {} {})", shown(left), shown(right)),
            Kind::If(condition, yes, no) => format!("(if {} {} {})", shown(condition), shown(yes), shown(no)),
            Kind::Call(name, arguments) => {
                format!("({name} {})", arguments.iter().map(shown).collect::<Vec<_>>().join(" "))
            }
        }
    }

    fn check(text: &str, expected: &str) {
        let found = match parse(text) {
            Ok(expression) => shown(&expression),
            Err(fault) => format!("{}: {}", fault.at.start, fault.message),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn operators_bind_as_on_paper() {
        check("2 + 10 * mp", "(Add 2 (Multiply 10 mp))");
        check("a - b - c", "(Subtract (Subtract a b) c)");
        check("a / b * c", "(Multiply (Divide a b) c)");
        check("-a * b", "(Multiply (neg a) b)");
        check("a < b and not c == 'd' or e > f", "(Or (And (Less a b) (not (Equal c `d`))) (Greater e f))");
        check("2 + (if u > 1 then 3 * u else 0)", "(Add 2 (if (Greater u 1) (Multiply 3 u) 0))");
        check("if a > 1 then 1 else if b > 1 then 2 else 3", "(if (Greater a 1) 1 (if (Greater b 1) 2 3))");
        check("min(a, max(b, 2), 3)", "(min a (max b 2) 3)");
    }

    #[test]
    fn other_texts_are_refused_where_they_go_wrong() {
        check("", "0: expected a number, a name or \"(\", found the end of the formula");
        check("2 + ", "4: expected a number, a name or \"(\", found the end of the formula");
        check("2 3", "2: expected an operator or the end of the formula, found 3");
        check("(2", "2: expected \")\", found the end of the formula");
        check("a < b < c", "6: comparisons do not chain; join two with and");
        check(
            "if a > 1 then 2",
            "15: expected \"else\": a conditional says what holds otherwise, found the end of the formula",
        );
        check("min()", "4: expected a number, a name or \"(\", found \")\"");
    }

    #[test]
    fn depth_is_an_error_and_never_a_crash() {
        for text in ["(".repeat(3_000), "-".repeat(3_000), "not ".repeat(900), "min(".repeat(900), "if ".repeat(1_000)]
        {
            assert!(parse(&text).is_err_and(|fault| fault.message.contains("nested more than")), "{text}");
        }
        let chain = vec!["1"; 1_000].join("+");
        assert!(parse(&chain).is_err_and(|fault| fault.message.contains("steps deep")));
    }
}
