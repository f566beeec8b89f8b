//! Country codes of ISO 3166-1, and the form of subdivision codes of ISO 3166-2.

/// The 249 officially assigned codes: alpha-2 and alpha-3 of each country, joined.
const ASSIGNED: &str = "ADAND AEARE AFAFG AGATG AIAIA ALALB AMARM AOAGO AQATA ARARG ASASM ATAUT AUAUS AWABW AXALA AZAZE BABIH BBBRB BDBGD BEBEL BFBFA \
    BGBGR BHBHR BIBDI BJBEN BLBLM BMBMU BNBRN BOBOL BQBES BRBRA BSBHS BTBTN BVBVT BWBWA BYBLR BZBLZ CACAN CCCCK CDCOD CFCAF CGCOG \
    CHCHE CICIV CKCOK CLCHL CMCMR CNCHN COCOL CRCRI CUCUB CVCPV CWCUW CXCXR CYCYP CZCZE DEDEU DJDJI DKDNK DMDMA DODOM DZDZA ECECU \
    EEEST EGEGY EHESH ERERI ESESP ETETH FIFIN FJFJI FKFLK FMFSM FOFRO FRFRA GAGAB GBGBR GDGRD GEGEO GFGUF GGGGY GHGHA GIGIB GLGRL \
    GMGMB GNGIN GPGLP GQGNQ GRGRC GSSGS GTGTM GUGUM GWGNB GYGUY HKHKG HMHMD HNHND HRHRV HTHTI HUHUN IDIDN IEIRL ILISR IMIMN ININD \
    IOIOT IQIRQ IRIRN ISISL ITITA JEJEY JMJAM JOJOR JPJPN KEKEN KGKGZ KHKHM KIKIR KMCOM KNKNA KPPRK KRKOR KWKWT KYCYM KZKAZ LALAO \
    LBLBN LCLCA LILIE LKLKA LRLBR LSLSO LTLTU LULUX LVLVA LYLBY MAMAR MCMCO MDMDA MEMNE MFMAF MGMDG MHMHL MKMKD MLMLI MMMMR MNMNG \
    MOMAC MPMNP MQMTQ MRMRT MSMSR MTMLT MUMUS MVMDV MWMWI MXMEX MYMYS MZMOZ NANAM NCNCL NENER NFNFK NGNGA NINIC NLNLD NONOR NPNPL \
    NRNRU NUNIU NZNZL OMOMN PAPAN PEPER PFPYF PGPNG PHPHL PKPAK PLPOL PMSPM PNPCN PRPRI PSPSE PTPRT PWPLW PYPRY QAQAT REREU ROROU \
    RSSRB RURUS RWRWA SASAU SBSLB SCSYC SDSDN SESWE SGSGP SHSHN SISVN SJSJM SKSVK SLSLE SMSMR SNSEN SOSOM SRSUR SSSSD STSTP SVSLV \
    SXSXM SYSYR SZSWZ TCTCA TDTCD TFATF TGTGO THTHA TJTJK TKTKL TLTLS TMTKM TNTUN TOTON TRTUR TTTTO TVTUV TWTWN TZTZA UAUKR UGUGA \
    UMUMI USUSA UYURY UZUZB VAVAT VCVCT VEVEN VGVGB VIVIR VNVNM VUVUT WFWLF WSWSM YEYEM YTMYT ZAZAF ZMZMB ZWZWE";

fn assigned() -> impl Iterator<Item = (&'static str, &'static str)> {
    ASSIGNED.split_ascii_whitespace().filter_map(|pair| pair.split_at_checked(2))
}

/// Whether the text is an assigned alpha-2 code, in capitals.
pub fn is_alpha_2(code: &str) -> bool {
    assigned().any(|(two, _)| two == code)
}

/// Whether the text is an assigned alpha-3 code, in capitals.
pub fn is_alpha_3(code: &str) -> bool {
    assigned().any(|(_, three)| three == code)
}

/// Whether the alpha-2 code is one of those left to users (ISO 3166-1, clause 8.1.3): AA, QM to QZ,
/// XA to XZ, ZZ. `XK` is in wide use for Kosovo.
pub fn is_user_assigned(code: &str) -> bool {
    matches!(code.as_bytes(), [b'A', b'A'] | [b'Q', b'M'..=b'Z'] | [b'X', b'A'..=b'Z'] | [b'Z', b'Z'])
}

/// Whether the text has the form of a subdivision code: a country, a hyphen, one to three capitals or
/// digits. The list of subdivisions is not part of this program.
pub fn is_subdivision_form(code: &str) -> bool {
    code.split_once('-').is_some_and(|(country, part)| {
        is_alpha_2(country) && (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        assert_eq!(assigned().count(), 249);
        assert!(is_alpha_2("DE") && is_alpha_2("PL") && is_alpha_2("GB"));
        assert!(!is_alpha_2("UK") && !is_alpha_2("de") && !is_alpha_2("XX") && !is_alpha_2("") && !is_alpha_2("DEU"));
        assert!(is_alpha_3("DEU") && !is_alpha_3("GER") && !is_alpha_3("DE"));
        assert!(is_user_assigned("XK") && !is_user_assigned("QA"));
        assert!(
            is_subdivision_form("AT-9")
                && is_subdivision_form("GB-ENG")
                && !is_subdivision_form("GB-England")
                && !is_subdivision_form("DE")
        );
    }
}
