//! YAML as PyYAML's `SafeLoader` reads it, on top of an event parser that knows no types.
//!
//! Two steps, as in PyYAML: compose a graph in which aliases share their node, then construct values from it.
//! Sets, ordered maps and pair lists (`!!set`, `!!omap`, `!!pairs`) are refused: no configuration has them.
//!
//! Source: PyYAML yaml/composer.py, yaml/constructor.py `SafeConstructor.flatten_mapping`

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::scalar::{ScalarTag, construct, implicit_tag};
use crate::config::python::{Dict, Node, Place, Value};

/// Deeper nesting is refused: recursion here, in Python and in the engine stays far from any stack's end.
pub const DEPTH_MAX: usize = 100;
/// Values after aliases are expanded; a file of aliases to aliases would otherwise grow without bound.
pub const VALUES_MAX: usize = 200_000;

/// Why a text is no YAML document, or none that PyYAML would load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// Counted from 1.
    pub line: u32,
    pub problem: String,
}

/// Reads one document; an empty text is `None`.
///
/// `file` goes into every [`Place`].
pub fn load(text: &str, file: u16) -> Result<Node, YamlError> {
    // Python reads text files with universal newlines.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if let Some((line, _)) =
        text.lines().enumerate().find(|(_, line)| line.chars().any(|character| !is_yaml_character(character)))
    {
        return Err(error(line + 1, "special characters are not allowed"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let Some(root) = Composer::new(text).document()? else {
        return Ok(Node::new(Value::None, Place { file, line: 1 }));
    };
    let mut constructor = Constructor { file, values: 0 };
    constructor.node(&root, 0)
}

/// Source: PyYAML yaml/reader.py `NON_PRINTABLE`
fn is_yaml_character(character: char) -> bool {
    // U+0085, U+2028 and U+2029 end a line in YAML 1.1 and not in 1.2: refused, so that nobody has to guess.
    matches!(character, '\t' | '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(character, '\u{2028}' | '\u{2029}')
}

fn error(line: usize, problem: impl Into<String>) -> YamlError {
    YamlError { line: u32::try_from(line).unwrap_or(u32::MAX), problem: problem.into() }
}

enum Kind {
    Scalar { text: String, plain: bool },
    Sequence(Vec<Rc<Composed>>),
    Mapping(Vec<(Rc<Composed>, Rc<Composed>)>),
}

struct Composed {
    kind: Kind,
    /// The full tag as written, `tag:yaml.org,2002:int`.
    tag: Option<String>,
    line: usize,
    /// Unique in the document; aliases share it.
    object: u32,
}

struct Composer<'input> {
    parser: Parser<'input, saphyr_parser::StrInput<'input>>,
    /// None while the anchored node is still being read.
    anchors: HashMap<usize, Option<Rc<Composed>>>,
    objects: u32,
}

impl<'input> Composer<'input> {
    fn new(text: &'input str) -> Self {
        Self { parser: Parser::new_from_str(text), anchors: HashMap::new(), objects: 0 }
    }

    fn next(&mut self) -> Result<(Event<'input>, usize), YamlError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(scan)) => Err(error(scan.marker().line(), scan.info())),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn document(&mut self) -> Result<Option<Rc<Composed>>, YamlError> {
        let mut root = None;
        loop {
            let (event, line) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(error(line, "expected a single document, but found another"));
                }
                Event::DocumentStart(_) => {
                    let (first, line) = self.next()?;
                    root = Some(self.node(first, line, 0)?);
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'input>, line: usize, depth: usize) -> Result<Rc<Composed>, YamlError> {
        if depth > DEPTH_MAX {
            return Err(error(line, format!("nested more than {DEPTH_MAX} levels deep")));
        }
        match event {
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(Some(node)) => Ok(Rc::clone(node)),
                Some(None) => Err(error(line, "an alias inside its own anchor")),
                None => Err(error(line, "an alias without anchor")),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let kind = Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                Ok(self.finish(kind, anchor, tag.as_deref(), line))
            }
            Event::SequenceStart(anchor, tag) => {
                self.anchors.insert(anchor, None);
                let mut items = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(event, line, depth + 1)?);
                }
                Ok(self.finish(Kind::Sequence(items), anchor, tag.as_deref(), line))
            }
            Event::MappingStart(anchor, tag) => {
                self.anchors.insert(anchor, None);
                let mut pairs = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        break;
                    }
                    let key = self.node(event, line, depth + 1)?;
                    let (event, line) = self.next()?;
                    pairs.push((key, self.node(event, line, depth + 1)?));
                }
                Ok(self.finish(Kind::Mapping(pairs), anchor, tag.as_deref(), line))
            }
            _ => Err(error(line, "a value is missing")),
        }
    }

    fn finish(&mut self, kind: Kind, anchor: usize, tag: Option<&Tag>, line: usize) -> Rc<Composed> {
        self.objects += 1;
        // PyYAML reads the non-specific tag `!` as no tag.
        let tag =
            tag.map(|tag| format!("{}{}", tag.handle, tag.suffix)).filter(|tag| !matches!(tag.as_str(), "!" | ""));
        let node = Rc::new(Composed { kind, tag, line, object: self.objects });
        if anchor != 0 {
            self.anchors.insert(anchor, Some(Rc::clone(&node)));
        }
        node
    }
}

const CORE: &str = "tag:yaml.org,2002:";

impl Composed {
    /// The type of a scalar; None for collections.
    fn scalar_tag(&self) -> Result<Option<ScalarTag>, YamlError> {
        let Kind::Scalar { text, plain } = &self.kind else {
            return Ok(None);
        };
        let Some(tag) = &self.tag else {
            return Ok(Some(if *plain { implicit_tag(text) } else { ScalarTag::Text }));
        };
        let known = match tag.strip_prefix(CORE) {
            Some("str") => ScalarTag::Text,
            Some("null") => ScalarTag::Null,
            Some("bool") => ScalarTag::Bool,
            Some("int") => ScalarTag::Int,
            Some("float") => ScalarTag::Float,
            Some("timestamp") => ScalarTag::Timestamp,
            Some("binary") => ScalarTag::Binary,
            Some("merge") => ScalarTag::Merge,
            _ => return Err(self.unknown_tag(tag)),
        };
        Ok(Some(known))
    }

    fn unknown_tag(&self, tag: &str) -> YamlError {
        error(self.line, format!("the tag `{tag}` is not supported here"))
    }

    fn check_collection_tag(&self, expected: &str) -> Result<(), YamlError> {
        match &self.tag {
            Some(tag) if tag.strip_prefix(CORE) != Some(expected) => Err(self.unknown_tag(tag)),
            _ => Ok(()),
        }
    }
}

struct Constructor {
    file: u16,
    values: usize,
}

type Pairs = Vec<(Rc<Composed>, Rc<Composed>)>;

impl Constructor {
    fn count(&mut self, node: &Composed) -> Result<(), YamlError> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(error(node.line, format!("aliases expand to more than {VALUES_MAX} values")));
        }
        Ok(())
    }

    fn node(&mut self, node: &Composed, depth: usize) -> Result<Node, YamlError> {
        self.count(node)?;
        if depth > DEPTH_MAX {
            return Err(error(node.line, format!("nested more than {DEPTH_MAX} levels deep")));
        }
        let value = match &node.kind {
            Kind::Scalar { text, .. } => {
                let tag = node.scalar_tag()?.unwrap_or(ScalarTag::Text);
                construct(tag, text).map_err(|problem| error(node.line, problem))?
            }
            Kind::Sequence(items) => {
                node.check_collection_tag("seq")?;
                Value::List(items.iter().map(|item| self.node(item, depth + 1)).collect::<Result<_, _>>()?)
            }
            Kind::Mapping(pairs) => {
                node.check_collection_tag("map")?;
                Value::Dict(self.dict(pairs, depth)?)
            }
        };
        let line = u32::try_from(node.line).unwrap_or(u32::MAX);
        Ok(Node {
            value,
            place: Place { file: self.file, line },
            object: (u64::from(self.file) << 32) | u64::from(node.object),
        })
    }

    fn dict(&mut self, pairs: &Pairs, depth: usize) -> Result<Dict, YamlError> {
        let mut dict = Dict::default();
        for (key, value) in self.flatten(pairs, depth)? {
            let key_value = if key.scalar_tag()? == Some(ScalarTag::Default) {
                Value::Text("=".to_owned())
            } else {
                self.node(&key, depth + 1)?.value
            };
            if matches!(key_value, Value::List(_) | Value::Dict(_)) {
                return Err(error(key.line, "found unhashable key"));
            }
            let node = self.node(&value, depth + 1)?;
            dict.insert(key_value, node);
        }
        Ok(dict)
    }

    /// Merged entries first, so that the mapping's own win by coming later.
    fn flatten(&mut self, pairs: &Pairs, depth: usize) -> Result<Pairs, YamlError> {
        let mut merged = Vec::new();
        let mut own = Vec::new();
        for (key, value) in pairs {
            if key.scalar_tag()? != Some(ScalarTag::Merge) {
                own.push((Rc::clone(key), Rc::clone(value)));
                continue;
            }
            self.count(value)?;
            if depth > DEPTH_MAX {
                return Err(error(value.line, format!("nested more than {DEPTH_MAX} levels deep")));
            }
            match &value.kind {
                Kind::Mapping(inner) => merged.extend(self.flatten(inner, depth + 1)?),
                Kind::Sequence(items) => {
                    // Earlier mappings win over later ones, so they go last.
                    for item in items.iter().rev() {
                        let Kind::Mapping(inner) = &item.kind else {
                            return Err(error(item.line, "expected a mapping for merging"));
                        };
                        merged.extend(self.flatten(inner, depth + 1)?);
                    }
                }
                Kind::Scalar { .. } => {
                    return Err(error(value.line, "expected a mapping or list of mappings for merging"));
                }
            }
        }
        merged.extend(own);
        if self.values + merged.len() > VALUES_MAX {
            return Err(error(0, format!("aliases expand to more than {VALUES_MAX} values")));
        }
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::python::{json_dumps, repr};

    #[derive(serde::Deserialize)]
    struct Case {
        yaml: String,
        /// None: PyYAML refuses the text.
        python: Option<Answer>,
    }

    #[derive(serde::Deserialize)]
    struct Answer {
        repr: String,
        json: Option<String>,
    }

    /// Where the event parser follows YAML 1.2. The first five read what PyYAML refuses, and LiteLLM does not start
    /// with such a file; of the others none is a configuration anybody writes.
    const KNOWN_DIFFERENCES: [&str; 9] = [
        "[!]\n",
        "[:a]\n",
        "- &a 1\n- *a\n- &a 2\n- *a\n",
        "\ta: 1\n",
        "|\nk1: 123456789012345678901234567890\n0777777777777777777777777777\n- 9223372036854775808\n",
        "[-]\n",
        "[?a]\n",
        "a: &x [*x]\n",
        "a: \"\\ud83d\\ude00\"\n",
    ];

    fn check(case: &Case) -> Result<(), String> {
        match (load(&case.yaml, 0), &case.python) {
            (Err(_), None) => Ok(()),
            (Ok(node), Some(answer)) => {
                let found = (repr(&node.value), json_dumps(&node.value).ok());
                if found == (answer.repr.clone(), answer.json.clone()) {
                    Ok(())
                } else {
                    Err(format!("{:?}\n  Python {:?}\n  ours   {:?}", case.yaml, (&answer.repr, &answer.json), found))
                }
            }
            (Ok(node), None) => Err(format!("{:?}\n  Python refuses it\n  ours   {}", case.yaml, repr(&node.value))),
            (Err(problem), Some(answer)) => {
                Err(format!("{:?}\n  Python {}\n  ours   {problem:?}", case.yaml, answer.repr))
            }
        }
    }

    #[test]
    fn reads_as_pyyaml_reads() {
        let corpus = include_str!("../../../tests/corpus/config/yaml.json");
        let cases: Vec<Case> = serde_json::from_str(corpus).expect("the corpus is JSON");
        let (known, rest): (Vec<&Case>, Vec<&Case>) =
            cases.iter().partition(|case| KNOWN_DIFFERENCES.contains(&case.yaml.as_str()));
        for case in known {
            assert!(check(case).is_err(), "no longer a difference: {:?}", case.yaml);
        }
        let wrong: Vec<String> = rest.iter().filter_map(|case| check(case).err()).collect();
        assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }

    #[test]
    fn nesting_and_aliases_have_limits() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(load(&nested(DEPTH_MAX + 1), 0).is_ok());
        assert!(load(&nested(DEPTH_MAX + 2), 0).is_err());
        let items = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        assert!(load(&items(VALUES_MAX - 1), 0).is_ok());
        assert!(load(&items(VALUES_MAX), 0).is_err());
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let alias = format!("*a{}, ", level - 1).repeat(10);
            laughs += &format!("a{level}: &a{level} [{alias}]\n");
        }
        let problem = load(&laughs, 0).expect_err("a billion values");
        assert!(problem.problem.contains("aliases expand"), "{problem:?}");
    }

    #[test]
    fn a_mistake_has_its_line() {
        for (text, line) in
            [("a: 1\nb: [\n", 3), ("a: 1\nb: 0x_\n", 2), ("a: 1\n\nb: *x\n", 3), ("a: 1\nb: \u{7}\n", 2)]
        {
            assert_eq!(load(text, 0).expect_err(text).line, line, "{text:?}");
        }
    }
}
