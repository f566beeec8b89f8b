//! A web page as its markup alone shows it: names of images and controls, headings, language, text.
//!
//! Nothing is run, styled or fetched, so content that scripts build is not seen; a page that is built
//! by scripts alone says so ([`Page::is_scripted`]). The tokens are those of the WHATWG standard; the
//! tree is approximated by the open elements, which is enough for the questions asked of it.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use crate::document::Position;

/// The deepest nesting that is followed; deeper elements belong to the last one that is.
const MAX_OPEN: usize = 256;
/// The most visible text that is kept, in bytes.
const MAX_TEXT: usize = 512 * 1024;
/// The most elements of one sort that are looked at.
const MAX_ELEMENTS: usize = 5_000;

/// What a page's markup shows.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The attribute `lang` of `html`.
    pub(super) lang: Option<String>,
    /// The text of the first `title` outside of pictures.
    pub(super) title: Option<String>,
    /// The visible text, blanks collapsed.
    pub(super) text: String,
    /// The contents of each `meta name=viewport`.
    pub(super) viewports: Vec<(String, Position)>,
    /// Images, controls, buttons and links, with what names them.
    pub(super) elements: Vec<Element>,
    /// The headings: level and text.
    pub(super) headings: Vec<(u8, String, Position)>,
    /// How many `main` landmarks there are.
    pub(super) mains: usize,
    scripts: usize,
    labels: Vec<(Option<String>, String)>,
}

/// An element that needs a name.
#[derive(Debug)]
pub(super) struct Element {
    /// What sort of element it is.
    pub(super) sort: Sort,
    /// The element as a short selector.
    pub(super) selector: String,
    /// Where it begins.
    pub(super) position: Position,
    /// The text that names it.
    pub(super) name: String,
    /// Only a placeholder or a tooltip names it.
    pub(super) weakly: bool,
    /// An image with an empty `alt`: decoration.
    pub(super) decorative: bool,
    id: Option<String>,
    label: Option<usize>,
}

/// The sorts of elements that need a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// `img`, `area`, `input type=image`.
    Image,
    /// `input`, `select`, `textarea`.
    Field,
    /// `button` and what acts as one.
    Button,
    /// `a` with `href`.
    Link,
}

/// An element that is open while its content is read.
struct Open {
    tag: String,
    hidden: bool,
    collects: Option<Collects>,
}

/// Where the text of an open element goes.
#[derive(Clone, Copy)]
enum Collects {
    Title,
    Heading(usize),
    Element(usize),
    Label(usize),
}

impl Page {
    /// Reads a page.
    pub(super) fn read(text: &str) -> Self {
        let mut emitter = DefaultEmitter::<usize>::new_with_span();
        emitter.naively_switch_states(true);
        let mut reader = Reader { page: Self::default(), open: Vec::new(), lines: Lines { text, at: 0, line: 1, column: 1 }, blank: true };
        for token in Tokenizer::new_with_emitter(text, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => reader.start(&tag),
                Token::EndTag(tag) => reader.end(&String::from_utf8_lossy(&tag.name)),
                Token::String(string) => reader.text(&String::from_utf8_lossy(&string.value)),
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        reader.finish()
    }

    /// Whether scripts build the page: there are some, and hardly any text without them.
    pub(super) fn is_scripted(&self) -> bool {
        const HARDLY_ANY: usize = 40;
        self.scripts > 0 && self.text.chars().filter(|c| !c.is_whitespace()).take(HARDLY_ANY).count() < HARDLY_ANY
    }
    /// The first subtag of the page's language, in lower case.
    pub(super) fn language(&self) -> Option<String> {
        let lang = self.lang.as_deref()?.trim();
        oxilangtag::LanguageTag::parse(lang).ok().map(|tag| tag.primary_language().to_ascii_lowercase())
    }
}

struct Reader<'a> {
    page: Page,
    open: Vec<Open>,
    lines: Lines<'a>,
    blank: bool,
}

impl Reader<'_> {
    fn start(&mut self, tag: &StartTag<usize>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        let get = |attribute: &str| tag.attributes.get(attribute.as_bytes()).map(|v| String::from_utf8_lossy(&v.value).trim().to_owned());
        let position = self.lines.position(tag.span.start);
        let hidden = self.is_hidden()
            || get("hidden").is_some()
            || get("aria-hidden").as_deref() == Some("true")
            || get("style").is_some_and(|s| s.replace(' ', "").to_ascii_lowercase().contains("display:none"));
        let mut collects = None;
        match name.as_str() {
            "html" if self.page.lang.is_none() => self.page.lang = get("lang"),
            "title" if self.page.title.is_none() && !self.open.iter().any(|o| o.tag == "svg") => {
                self.page.title = Some(String::new());
                collects = Some(Collects::Title);
            }
            "meta" if get("name").is_some_and(|n| n.eq_ignore_ascii_case("viewport")) => {
                self.page.viewports.push((get("content").unwrap_or_default().to_ascii_lowercase(), position));
            }
            "script" => self.page.scripts += 1,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if !hidden && self.page.headings.len() < MAX_ELEMENTS => {
                let level = name.as_bytes().get(1).map_or(1, |b| b.saturating_sub(b'0'));
                let label = get("aria-label").unwrap_or_default();
                self.page.headings.push((level, label, position));
                collects = Some(Collects::Heading(self.page.headings.len() - 1));
            }
            "label" if self.page.labels.len() < MAX_ELEMENTS => {
                self.page.labels.push((get("for"), String::new()));
                collects = Some(Collects::Label(self.page.labels.len() - 1));
            }
            _ => {}
        }
        if (name == "main" || get("role").as_deref() == Some("main")) && !hidden {
            self.page.mains += 1;
        }
        if !hidden
            && self.page.elements.len() < MAX_ELEMENTS
            && let Some(element) = self.element(&name, &get, position)
        {
            // An image names what it stands in.
            if element.sort == Sort::Image && !element.name.is_empty() {
                let name = element.name.clone();
                self.collect(&name);
            }
            let filled_by_content = matches!(element.sort, Sort::Button | Sort::Link) && name != "input";
            self.page.elements.push(element);
            if filled_by_content {
                collects = Some(Collects::Element(self.page.elements.len() - 1));
            }
        }
        if !tag.self_closing && !VOID.contains(&name.as_str()) && self.open.len() < MAX_OPEN {
            self.open.push(Open { tag: name, hidden, collects });
        }
        self.blank = true;
    }

    fn element(&self, tag: &str, get: &impl Fn(&str) -> Option<String>, position: Position) -> Option<Element> {
        let kind = get("type").unwrap_or_default().to_ascii_lowercase();
        let role = get("role").unwrap_or_default();
        let (sort, own) = match tag {
            "img" | "area" if tag == "img" || get("href").is_some() => (Sort::Image, get("alt")),
            "input" => match kind.as_str() {
                "hidden" => return None,
                // These have a name of their own where nothing is said.
                "submit" | "reset" => (Sort::Button, Some(get("value").unwrap_or(kind.clone()))),
                "button" => (Sort::Button, get("value")),
                "image" => (Sort::Image, get("alt")),
                _ => (Sort::Field, None),
            },
            "select" | "textarea" => (Sort::Field, None),
            "button" => (Sort::Button, None),
            "a" if get("href").is_some() => (if role == "button" { Sort::Button } else { Sort::Link }, None),
            _ => return None,
        };
        let decorative = sort == Sort::Image && (own.as_deref() == Some("") || matches!(role.as_str(), "presentation" | "none"));
        let named = |attribute: &str| get(attribute).filter(|v| !v.is_empty());
        // What `aria-labelledby` points to is not followed: that it points is taken for a name.
        let strong = named("aria-label").or_else(|| named("aria-labelledby")).or(own.filter(|v| !v.is_empty()));
        let weak = named("title").or_else(|| named("placeholder"));
        let weakly = strong.is_none() && weak.is_some();
        let selector = match (named("id"), named("name"), named("src"), named("href")) {
            (Some(id), ..) => format!("{tag}#{id}"),
            (_, Some(name), ..) => format!("{tag}[name={name}]"),
            (.., Some(src), _) => format!("{tag}[src={src}]"),
            (.., Some(href)) => format!("{tag}[href={href}]"),
            _ => tag.to_owned(),
        };
        let label = self.open.iter().rev().find_map(|o| match o.collects {
            Some(Collects::Label(index)) => Some(index),
            Some(Collects::Title | Collects::Heading(_) | Collects::Element(_)) | None => None,
        });
        Some(Element { sort, selector, position, name: strong.or(weak).unwrap_or_default(), weakly, decorative, id: get("id"), label })
    }

    fn end(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|o| o.tag == name) {
            self.open.truncate(at);
        }
        self.blank = true;
    }

    fn text(&mut self, text: &str) {
        if self.open.last().is_some_and(|o| matches!(o.tag.as_str(), "script" | "style" | "template" | "noscript")) {
            return;
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            self.blank = true;
            return;
        }
        self.collect(&text);
        if !self.is_hidden() && !self.open.iter().any(|o| o.tag == "head") && self.page.text.len() < MAX_TEXT {
            if self.blank && !self.page.text.is_empty() {
                self.page.text.push(' ');
            }
            self.page.text.push_str(&text);
            self.blank = false;
        }
    }

    /// Adds text to everything open that it names.
    fn collect(&mut self, text: &str) {
        const MAX_NAME: usize = 1_000;
        if self.is_hidden() {
            return;
        }
        for open in &self.open {
            let name = match open.collects {
                None => continue,
                Some(Collects::Title) => self.page.title.as_mut(),
                Some(Collects::Heading(index)) => self.page.headings.get_mut(index).map(|(_, name, _)| name),
                Some(Collects::Label(index)) => self.page.labels.get_mut(index).map(|(_, name)| name),
                Some(Collects::Element(index)) => self.page.elements.get_mut(index).map(|element| {
                    element.weakly = false;
                    &mut element.name
                }),
            };
            if let Some(name) = name.filter(|name| name.len() < MAX_NAME) {
                name.push_str(text);
            }
        }
    }

    fn is_hidden(&self) -> bool {
        self.open.last().is_some_and(|o| o.hidden)
    }

    /// Gives each field the text of its label.
    fn finish(self) -> Page {
        let Page { labels, elements, .. } = &self.page;
        let named: std::collections::BTreeMap<&str, &str> =
            labels.iter().filter_map(|(id, text)| Some((id.as_deref()?, text.as_str()))).filter(|(_, text)| !text.is_empty()).collect();
        let found: Vec<Option<String>> = elements
            .iter()
            .map(|element| {
                let by_id = element.id.as_deref().and_then(|id| named.get(id)).map(|text| (*text).to_owned());
                by_id.or_else(|| labels.get(element.label?).map(|(_, text)| text.clone())).filter(|text| !text.is_empty())
            })
            .collect();
        let mut page = self.page;
        for (element, label) in page.elements.iter_mut().zip(found) {
            if let Some(label) = label
                && (element.name.is_empty() || element.weakly)
                && element.sort != Sort::Link
            {
                element.name = label;
                element.weakly = false;
            }
        }
        page
    }
}

/// Elements without an end tag (WHATWG HTML, section 13.1.2).
const VOID: [&str; 14] = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// Line and column of growing offsets, found in one pass.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

impl Lines<'_> {
    fn position(&mut self, offset: usize) -> Position {
        for c in self.text.get(self.at..offset).unwrap_or_default().chars() {
            if c == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
        self.at = self.at.max(offset);
        Position { line: self.line, column: self.column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(html: &str) -> Vec<(String, String)> {
        Page::read(html).elements.into_iter().map(|e| (e.selector, e.name)).collect()
    }
    fn name(html: &str) -> String {
        names(html).pop().unwrap().1
    }

    #[test]
    fn names_come_from_labels_content_and_attributes() {
        assert_eq!(name("<label for=a>Street</label><input id=a>"), "Street");
        assert_eq!(name("<input id=a><label for=a>Street</label>"), "Street");
        assert_eq!(name("<label>Town <input></label>"), "Town");
        assert_eq!(name("<input aria-label=Post>"), "Post");
        assert_eq!(name("<button><img src=x alt=Search></button>").as_str(), "Search");
        assert_eq!(name("<a href=/x><span>Go <b>on</b></span></a>"), "Goon");
        assert_eq!(name("<input type=submit>"), "submit");
        assert_eq!(name("<a href=/x><span hidden>Go</span></a>"), "");
        assert_eq!(name("<button></button>"), "");
        assert_eq!(name("<label for=b>Street</label><input id=a>"), "");
        assert!(names("<input type=hidden><a name=x>no link</a><div aria-hidden=true><img src=x></div>").is_empty());
        assert!(Page::read("<input placeholder=Street>").elements[0].weakly);
        assert!(Page::read("<img alt=''>").elements[0].decorative);
    }

    #[test]
    fn language_title_headings_and_text() {
        let page = Page::read(
            "<!doctype html><html lang=de-AT><head><title> Bell \n Care</title><script>var x='<h1>no</h1>'</script></head><body><main><h1>A <i>b</i></h1>\n<h2 aria-label=c></h2><svg><title>no</title></svg><p>Some&nbsp;text</p></main>",
        );
        assert_eq!(page.language().as_deref(), Some("de"));
        assert_eq!(page.title.as_deref(), Some("Bell Care"));
        assert_eq!(page.headings.iter().map(|(l, t, p)| (*l, t.as_str(), p.line)).collect::<Vec<_>>(), [(1, "Ab", 2), (2, "c", 3)]);
        assert_eq!(page.mains, 1);
        assert!(page.text.contains("A b") && page.text.contains("Some") && !page.text.contains("var x"), "{}", page.text);
        assert!(Page::read("<html lang='x y'>").language().is_none());
    }

    #[test]
    fn scripted_pages_are_known() {
        assert!(Page::read("<html lang=en><title>App</title><div id=root></div><script src=a.js></script>").is_scripted());
        assert!(!Page::read(&format!("<p>{}</p><script></script>", "word ".repeat(20))).is_scripted());
        assert!(!Page::read("<p>short").is_scripted());
    }

    #[test]
    fn hostile_markup_ends() {
        let deep = "<div>".repeat(100_000);
        Page::read(&deep);
        let many = "<label>x<button>".repeat(50_000);
        Page::read(&many);
        Page::read("<a href=\"<><<!--<title><![CDATA[</a \u{0}\u{ffff}&#xFFFFFFFF;&amp");
    }
}
