//! Language tags: well-formed by BCP 47 (RFC 5646, section 2.1), and the primary language known.

use oxilangtag::LanguageTag;

/// The two-letter languages of ISO 639-1, all registered in the IANA language subtag registry.
const TWO_LETTERS: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee \
    el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik in io is it iu iw ja ji jv jw \
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt my na nb nd ne ng nl nn no nr \
    nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl \
    tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// Whether the tag is well-formed by BCP 47.
///
/// # Errors
/// Says what is wrong with it.
pub fn well_formed(tag: &str) -> Result<(), String> {
    LanguageTag::parse(tag).map(|_| ()).map_err(|error| error.to_string())
}

/// Whether the tag's primary language, if it has two letters, is one that ISO 639-1 knows.
/// Longer codes are not looked up, because the registry is not part of this program.
pub fn is_known(tag: &str) -> bool {
    match tag.split('-').next() {
        Some(primary) if primary.len() == 2 => {
            let primary = primary.to_ascii_lowercase();
            TWO_LETTERS.split_ascii_whitespace().any(|known| known == primary)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for tag in ["en", "de-AT", "gsw-CH", "zh-Hans", "zh-Hant-HK", "sl-nedis", "az-Latn", "x-private", "i-klingon", "en-u-ca-gregory"] {
            assert!(well_formed(tag).is_ok(), "{tag}");
            assert!(is_known(tag), "{tag}");
        }
        for tag in ["", "en_GB", "e", "english language", "en--GB", "de-", "-de", "123"] {
            assert!(well_formed(tag).is_err(), "{tag}");
        }
        assert!(!is_known("xx"));
        assert!(!is_known("uk2".get(..2).map(|_| "qq").unwrap()));
    }
}
