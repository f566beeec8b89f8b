//! Names by which parts are looked up: package URLs (ECMA-427) and CPE (NIST IR 7695).

/// A package URL, taken apart and decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageUrl {
    /// The kind of package, in lower case: `npm`, `maven`, `deb`.
    pub kind: String,
    /// The group, owner or vendor, parts between `/`.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The version.
    pub version: Option<String>,
    /// Qualifiers by name, in lower case.
    pub qualifiers: Vec<(String, String)>,
}

impl PackageUrl {
    /// Reads `pkg:type/namespace/name@version?qualifiers#subpath`.
    ///
    /// # Errors
    /// The first rule that is broken, in one sentence.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("a package URL holds a blank");
        }
        let Some((scheme, rest)) = text.split_once(':') else { return Err("a package URL does not begin with pkg:") };
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err("a package URL does not begin with pkg:");
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let rest = rest.trim_start_matches('/');
        let Some((kind, path)) = rest.split_once('/') else { return Err("a package URL has no name behind its type") };
        let valid_kind =
            kind.starts_with(|c: char| c.is_ascii_alphabetic()) && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b".-+".contains(&b));
        if !valid_kind {
            return Err("a package URL has no valid type");
        }
        let path = path.trim_matches('/');
        // The version begins at the last `@` behind the last `/`; a scope's own `@` must be escaped,
        // and is tolerated in front.
        let (path, version) = match path.rfind('@') {
            Some(at) if at > path.rfind('/').map_or(0, |slash| slash + 1) => (path.get(..at).unwrap_or_default(), path.get(at + 1..)),
            Some(at) if at > 0 && path.get(at..).is_some_and(|v| v.contains('/')) && !path.get(..at).is_some_and(|p| p.ends_with('/')) => {
                (path.get(..at).unwrap_or_default(), path.get(at + 1..))
            }
            _ => (path, None),
        };
        let (namespace, name) = match path.rsplit_once('/') {
            Some((namespace, name)) => (
                Some(
                    namespace
                        .split('/')
                        .filter(|s| !s.is_empty())
                        .map(decode)
                        .collect::<Option<Vec<_>>>()
                        .ok_or("a package URL holds a broken escape")?
                        .join("/"),
                ),
                name,
            ),
            None => (None, path),
        };
        let name = decode(name).ok_or("a package URL holds a broken escape")?;
        if name.is_empty() {
            return Err("a package URL has no name");
        }
        let version = version.map(|v| decode(v).ok_or("a package URL holds a broken escape")).transpose()?.filter(|v| !v.is_empty());
        let mut qualifiers: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let Some((key, value)) = pair.split_once('=') else { return Err("a qualifier of a package URL has no value") };
            let key = key.to_ascii_lowercase();
            if !key.starts_with(|c: char| c.is_ascii_alphabetic()) || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
            {
                return Err("a qualifier of a package URL has no valid name");
            }
            if qualifiers.iter().any(|(k, _)| *k == key) {
                return Err("a qualifier of a package URL stands twice");
            }
            qualifiers.push((key, decode(value).ok_or("a package URL holds a broken escape")?));
        }
        let kind = kind.to_ascii_lowercase();
        let namespace = namespace.filter(|n| !n.is_empty());
        if namespace.is_none()
            && matches!(kind.as_str(), "maven" | "github" | "bitbucket" | "swift" | "composer" | "deb" | "rpm" | "apk" | "alpm")
        {
            // `pkg:deb/name` names no distribution: look-ups by it fail.
            return Err("a package URL of this type needs a namespace");
        }
        Ok(Self { kind, namespace, name, version, qualifiers })
    }
}

/// Undoes percent escapes. `None`: an escape is broken or not UTF-8.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let hex = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
            out.push(u8::from_str_radix(hex, 16).ok()?);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8(out).ok()
}

/// A CPE name: its part, vendor, product and version, still escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpe {
    /// `a` application, `o` operating system, `h` hardware.
    pub part: char,
    /// Who makes it.
    pub vendor: String,
    /// What it is.
    pub product: String,
    /// The version; `*` any, `-` none.
    pub version: String,
}

impl Cpe {
    /// Reads a name in the form of 2.3 (`cpe:2.3:a:…`, eleven fields) or 2.2 (`cpe:/a:…`).
    ///
    /// # Errors
    /// The first rule that is broken, in one sentence.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let (fields, formatted) = match text.strip_prefix("cpe:2.3:") {
            Some(rest) => (split_unescaped(rest), true),
            None => match text.strip_prefix("cpe:/") {
                Some(rest) => (rest.split(':').map(str::to_owned).collect(), false),
                None => return Err("a CPE name does not begin with cpe:2.3: or cpe:/"),
            },
        };
        if formatted && fields.len() != 11 {
            return Err("a CPE name of 2.3 has not eleven fields");
        }
        if !formatted && fields.len() > 7 {
            return Err("a CPE name of 2.2 has more than seven fields");
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
            return Err("a CPE name holds a blank or a character that is not ASCII");
        }
        if formatted && fields.iter().any(String::is_empty) {
            return Err("a field of a CPE name of 2.3 is empty");
        }
        let field = |i: usize| fields.get(i).cloned().unwrap_or_else(|| "*".into());
        let part = match field(0).as_str() {
            "a" => 'a',
            "o" => 'o',
            "h" => 'h',
            "*" if formatted => '*',
            _ => return Err("the part of a CPE name is none of a, o and h"),
        };
        let (vendor, product) = (field(1), field(2));
        if matches!(product.as_str(), "" | "*" | "-") || matches!(vendor.as_str(), "" | "-") {
            return Err("a CPE name has no vendor or product");
        }
        Ok(Self { part, vendor, product, version: field(3) })
    }
}

fn split_unescaped(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == ':' && !escaped {
            fields.push(String::new());
            continue;
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = fields.last_mut() {
            last.push(c);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_are_taken_apart() {
        let url = PackageUrl::read("pkg:npm/%40angular/animation@12.3.1?os=linux#src/x").unwrap();
        assert_eq!(
            (url.kind.as_str(), url.namespace.as_deref(), url.name.as_str(), url.version.as_deref()),
            ("npm", Some("@angular"), "animation", Some("12.3.1"))
        );
        assert_eq!(PackageUrl::read("pkg:npm/@angular/core@1.0").unwrap().name, "core");
        assert_eq!(PackageUrl::read("pkg:npm/@angular/core").unwrap().version, None);
        assert_eq!(PackageUrl::read("pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie").unwrap().qualifiers.len(), 2);
        assert_eq!(
            PackageUrl::read("pkg:golang/google.golang.org/genproto@v1.2#x").unwrap().namespace.as_deref(),
            Some("google.golang.org")
        );
        assert_eq!(PackageUrl::read("pkg:generic/openssl@3.0.1%2Bfips").unwrap().version.as_deref(), Some("3.0.1+fips"));
        assert_eq!(PackageUrl::read("pkg://cargo/serde@1.0.1").unwrap().name, "serde");
    }

    #[test]
    fn broken_package_urls_say_why() {
        for text in [
            "",
            "npm/x@1",
            "pkg:npm",
            "pkg:npm/",
            "pkg:/x",
            "pkg:n m/x",
            "pkg:npm/x y@1",
            "pkg:npm/%zz@1",
            "pkg:npm/x?a",
            "pkg:npm/x?a=1&A=2",
            "pkg:maven/guava@1",
            "pkg:1npm/x@1",
            "http://example.org",
        ] {
            assert!(PackageUrl::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cpe_names_of_both_forms() {
        let cpe = Cpe::read(r"cpe:2.3:a:busybox:busy\:box:1.36.1:*:*:*:*:*:*:*").unwrap();
        assert_eq!((cpe.part, cpe.product.as_str(), cpe.version.as_str()), ('a', r"busy\:box", "1.36.1"));
        assert_eq!(Cpe::read("cpe:/o:linux:linux_kernel:5.10").unwrap().vendor, "linux");
        for text in [
            "cpe:2.3:a:busybox:busybox:1.36.1",
            "cpe:2.3:x:b:b:1:*:*:*:*:*:*:*",
            "cpe:/a",
            "busybox",
            "cpe:2.3:a:b b:c:1:*:*:*:*:*:*:*",
            "cpe:2.3:a::c:1:*:*:*:*:*:*:*",
        ] {
            assert!(Cpe::read(text).is_err(), "{text}");
        }
    }
}
