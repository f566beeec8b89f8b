//! XHTML of a narrative: well formed, in its namespace, and nothing in it that acts.
//!
//! FHIR R4, Narrative, rules txt-1 and txt-2: the elements of chapters 7 to 11 (without 9.4) and 15 of
//! HTML 4.0, links, images and style attributes. Named HTML entities are not XML and not allowed.

use roxmltree::{Document, Node, ParsingOptions};

/// The namespace of XHTML.
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Most nodes of one narrative.
const MAX_NODES: u32 = 1_000_000;

const ELEMENTS: [&str; 61] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "area",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "map",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "del",
    "ins",
    "label",
];

const ATTRIBUTES: [&str; 60] = [
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "bgcolor",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "clear",
    "color",
    "colspan",
    "compact",
    "coords",
    "dir",
    "face",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "hspace",
    "id",
    "lang",
    "longdesc",
    "name",
    "noshade",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "size",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "target",
    "title",
    "type",
    "usemap",
    "valign",
    "value",
    "vspace",
    "width",
    "wrap",
    "xml:lang",
    "xml:space",
    "role",
];

/// One thing that is wrong: the rule and a sentence.
pub(super) type Fault = (&'static str, String);

/// What is wrong with a narrative's `div`. Stops at the first fault of each kind.
pub(super) fn faults(text: &str) -> Vec<Fault> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(text.trim(), options) {
        Ok(document) => document,
        Err(error) => return vec![("narrative-xml", format!("The narrative is not well-formed XML: {error}"))],
    };
    let root = document.root_element();
    let mut out = Vec::new();
    if root.tag_name().name() != "div" {
        out.push(("narrative-div", format!("The narrative begins with <{}>, not with <div>", root.tag_name().name())));
    }
    if root.tag_name().namespace() != Some(XHTML) {
        out.push(("narrative-namespace", "The narrative's <div> is not in the XHTML namespace".to_owned()));
    }
    let mut text_seen = false;
    for node in document.descendants() {
        text_seen |= node.is_text() && node.text().is_some_and(|t| !t.trim().is_empty());
        if node.is_element() {
            text_seen |= node.tag_name().name() == "img";
            if let Some(fault) = element(node).filter(|_| !out.iter().any(|(rule, _)| *rule == "txt-1")) {
                out.push(("txt-1", fault));
            }
        }
    }
    if !text_seen {
        out.push(("txt-2", "The narrative has no content".to_owned()));
    }
    out
}

fn element(node: Node<'_, '_>) -> Option<String> {
    let name = node.tag_name().name();
    if !ELEMENTS.contains(&name) {
        return Some(format!("The narrative has an element <{name}>, which is not allowed in it"));
    }
    for attribute in node.attributes() {
        let local = attribute.name();
        let known = match attribute.namespace() {
            None => ATTRIBUTES.contains(&local) || local.starts_with("data-") || local.starts_with("aria-"),
            Some("http://www.w3.org/XML/1998/namespace") => matches!(local, "lang" | "space" | "id" | "base"),
            Some(_) => false,
        };
        if !known {
            return Some(format!("The narrative has an attribute {local} on <{name}>, which is not allowed in it"));
        }
        let value: String = attribute.value().chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
        let value = value.to_ascii_lowercase();
        if matches!(local, "href" | "src" | "cite" | "longdesc")
            && (value.starts_with("javascript:") || value.starts_with("vbscript:") || value.starts_with("data:text/html"))
        {
            return Some(format!("The narrative has a {local} on <{name}> that runs a script"));
        }
        if local == "style" && (value.contains("expression(") || value.contains("javascript:")) {
            return Some(format!("The narrative has a style on <{name}> that runs a script"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        faults(text).into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn narratives_are_judged_by_their_own_rule() {
        let ns = "xmlns=\"http://www.w3.org/1999/xhtml\"";
        assert!(rules(&format!("<div {ns}><p style=\"color: red\">a<br/><a href=\"#x\">b</a></p></div>")).is_empty());
        assert!(rules(&format!("<div {ns}><img src=\"#i\" alt=\"\"/></div>")).is_empty());
        assert_eq!(rules("<div>text</div>"), ["narrative-namespace"]);
        assert_eq!(rules(&format!("<div {ns}><p>text</div>")), ["narrative-xml"]);
        assert_eq!(rules(&format!("<div {ns}>a&nbsp;b</div>")), ["narrative-xml"]);
        assert_eq!(rules(&format!("<p {ns}>text</p>")), ["narrative-div"]);
        assert_eq!(rules(&format!("<div {ns}> \n </div>")), ["txt-2"]);
        for bad in
            ["<script>x</script>", "<p onclick=\"x()\">a</p>", "<a href=\" java\nscript:x\">a</a>", "<form>a</form>", "<iframe>a</iframe>"]
        {
            assert_eq!(rules(&format!("<div {ns}>{bad}</div>")), ["txt-1"], "{bad}");
        }
        assert_eq!(rules("<!DOCTYPE d [<!ENTITY a \"b\">]><div>&a;</div>"), ["narrative-xml"]);
    }
}
