//! How a list goes on: next links, cursors, page numbers and offsets.

use serde_json::Value;

use super::resource::list_of;
use crate::api::description::{Description, Operation, ParameterPlace};
use crate::api::exchange::ApiResponse;
use crate::api::generate::Flat;

/// How an operation pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paging {
    /// The parameter that sets the size of a page.
    pub(crate) size: Option<String>,
    /// The parameter that moves on.
    pub(crate) mover: Option<Mover>,
}

/// The parameter that moves on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mover {
    /// A page's number, that of the first one, and whether the description says so or it is only likely.
    Page(String, i64, bool),
    /// How many items are left out.
    Offset(String),
    /// A token from the answer before.
    Cursor(String),
}

/// Where the next page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// At this address.
    Address(String),
    /// Behind this token.
    Cursor(String),
    /// One page or so many items further.
    Count,
    /// There is none.
    End,
}

/// How an operation pages, by the names of its parameters.
pub(crate) fn paging(description: &Description, operation: &Operation) -> Paging {
    let mut paging = Paging { size: None, mover: None };
    for parameter in operation.parameters.iter().filter(|p| p.place == ParameterPlace::Query) {
        let kind = parameter.schema.as_ref().map_or("string", |s| Flat::of(description, std::slice::from_ref(s), 0).main_type());
        let counts = matches!(kind, "integer" | "number");
        // `page[number]` is called like `pageNumber`, and OData puts a `$` before.
        let plain: String = parameter.name.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
        let name = parameter.name.clone();
        match plain.as_str() {
            "limit" | "pagesize" | "perpage" | "size" | "top" | "count" | "maxresults" | "maxitems" | "pagelimit" if counts => {
                paging.size = Some(name);
            }
            "cursor" | "after" | "pagetoken" | "continuationtoken" | "nextcursor" | "startingafter" | "pagecursor" | "nexttoken" => {
                paging.mover = Some(Mover::Cursor(name));
            }
            "offset" | "skip" | "startindex" | "pageoffset" if counts && paging.mover.is_none() => paging.mover = Some(Mover::Offset(name)),
            "page" | "pagenumber" | "pageno" if counts && paging.mover.is_none() => {
                let first = parameter.schema.as_ref().and_then(|spot| {
                    let written = description.value(spot)?.get("default").and_then(Value::as_i64);
                    let least = || Flat::of(description, std::slice::from_ref(spot), 0).minimum.map(|(n, _)| n as i64);
                    written.or_else(least)
                });
                paging.mover = Some(Mover::Page(name, first.unwrap_or(1), first.is_some()));
            }
            _ => {}
        }
    }
    paging
}

/// Where the page after this answer is, given the size that was asked for.
pub(crate) fn next(paging: &Paging, size: Option<usize>, response: &ApiResponse) -> Next {
    for link in response.header_all("link") {
        if let Some(address) = link_relation(link, "next") {
            return Next::Address(address);
        }
    }
    let body = response.json().unwrap_or(Value::Null);
    let told = [
        "/next",
        "/links/next",
        "/links/next/href",
        "/_links/next/href",
        "/pagination/next",
        "/paging/next",
        "/meta/next",
        "/nextLink",
        "/next_link",
        "/@odata.nextLink",
    ];
    for pointer in told {
        match body.pointer(pointer) {
            Some(Value::String(text)) if text.contains('/') || text.starts_with('?') => return Next::Address(text.clone()),
            Some(Value::String(text)) if !text.is_empty() && matches!(paging.mover, Some(Mover::Cursor(_))) => {
                return Next::Cursor(text.clone());
            }
            _ => {}
        }
    }
    let tokens = [
        "/nextCursor",
        "/next_cursor",
        "/nextPageToken",
        "/next_page_token",
        "/nextToken",
        "/cursor",
        "/pagination/nextCursor",
        "/paging/nextCursor",
        "/meta/nextCursor",
        "/meta/next_cursor",
        "/pagination/next_cursor",
        "/continuationToken",
        "/cursors/after",
        "/paging/cursors/after",
    ];
    if let Some(Mover::Cursor(_)) = paging.mover {
        let token = tokens.iter().find_map(|p| body.pointer(p)).and_then(super::resource::id_text);
        return token.map_or(Next::End, Next::Cursor);
    }
    let count = list_of(&body).map_or(0, Vec::len);
    match (&paging.mover, size) {
        (Some(Mover::Page(..) | Mover::Offset(_)), Some(size)) if count >= size && count > 0 => Next::Count,
        _ => Next::End,
    }
}

/// The target of a relation in a Link header field (RFC 8288, section 3).
pub(crate) fn link_relation(header: &str, relation: &str) -> Option<String> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let after = rest.get(start + 1..)?;
        let end = after.find('>')?;
        let target = after.get(..end)?;
        let tail = after.get(end + 1..)?;
        // Up to the next link; a comma within quotes does not end one.
        let mut quoted = false;
        let stop = tail
            .char_indices()
            .find(|(_, c)| {
                if *c == '"' {
                    quoted = !quoted;
                }
                *c == ',' && !quoted
            })
            .map_or(tail.len(), |(at, _)| at);
        let parameters = tail.get(..stop)?;
        let found = parameters.split(';').any(|p| {
            p.trim().split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel")
                    && value.trim().trim_matches('"').split_ascii_whitespace().any(|r| r.eq_ignore_ascii_case(relation))
            })
        });
        if found {
            return Some(target.to_owned());
        }
        rest = tail.get(stop..)?;
    }
    None
}

/// Whether the first page that was asked for may be the second: nobody says whether pages count from 0
/// or 1, and it does not begin as the whole list does.
pub(crate) fn may_be_second(paging: &Paging, ids: &[String], whole: Option<&[String]>) -> bool {
    matches!(paging.mover, Some(Mover::Page(_, _, false))) && whole.is_none_or(|whole| !whole.starts_with(ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_header_and_body() {
        assert_eq!(
            link_relation(r#"</a?p=1>; rel="prev", </a?p=3,4>; title="x, y"; rel="last next""#, "next").as_deref(),
            Some("/a?p=3,4")
        );
        assert_eq!(link_relation("</a>; rel=first", "next"), None);
        let response = |body: &str| ApiResponse { status: 200, headers: vec![], body: body.as_bytes().to_vec() };
        let cursor = Paging { size: Some("limit".into()), mover: Some(Mover::Cursor("cursor".into())) };
        assert_eq!(next(&cursor, Some(2), &response(r#"{"items":[1],"nextCursor":"c"}"#)), Next::Cursor("c".into()));
        assert_eq!(next(&cursor, Some(2), &response(r#"{"items":[1],"nextCursor":null}"#)), Next::End);
        let offset = Paging { size: Some("limit".into()), mover: Some(Mover::Offset("offset".into())) };
        assert_eq!(next(&offset, Some(2), &response("[1,2]")), Next::Count);
        assert_eq!(next(&offset, Some(2), &response("[1]")), Next::End);
        assert_eq!(next(&offset, Some(2), &response(r#"{"items":[],"links":{"next":"/x?o=2"}}"#)), Next::Address("/x?o=2".into()));
    }
}
