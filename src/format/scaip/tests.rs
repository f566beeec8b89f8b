use proptest::prelude::*;

use super::{Kind, judge_answer, read};
use crate::verdict::{Finding, Severity};

const ALARM: &str = "<mrq><ref>T0000001</ref><ver>01.00</ver><sco>0</sco><cha>0</cha><mty>ME</mty><cid>900001</cid><dty>0003</dty>\
    <did>00000001</did><dco>002</dco><dte>Pendant</dte><crd>sip:900001@device.test</crd><crd>tel:+440000000000</crd><stc>0010</stc>\
    <pri>0</pri><lco>043</lco><lge><geo>51.5,-0.12</geo><tim>2026-11-22T07:00:00+00</tim></lge><lte>Bedroom</lte><ame>0</ame></mrq>";
const ANSWER: &str = "<mrs><ref>T0000001</ref><snu>0</snu><mre>1</mre><cre>62</cre><tnu>sip:operator@arc.test</tnu></mrs>";

fn judged(text: &str) -> Vec<Finding> {
    read(text.as_bytes()).1
}

#[test]
fn sound_messages_are_silent_and_read() {
    assert_eq!(judged(ALARM), []);
    assert_eq!(judged(ANSWER), []);
    let (alarm, answer) = (read(ALARM.as_bytes()).0.unwrap(), read(ANSWER.as_bytes()).0.unwrap());
    assert_eq!((alarm.kind, answer.kind), (Kind::Request, Kind::Answer));
    assert_eq!(alarm.all("crd").len(), 2);
    assert!(alarm.meaning("stc").unwrap().contains("manual"));
    assert_eq!(judge_answer(&alarm, &answer), []);
    let other = read(ANSWER.replace("T0000001", "T2").as_bytes()).0.unwrap();
    assert_eq!(judge_answer(&alarm, &other)[0].rule, "ref-echo");
}

#[test]
fn each_fault_has_its_own_rule() {
    let error = Severity::Error;
    let warning = Severity::Warning;
    for (from, to, severity, rule, path) in [
        ("<ref>T0000001</ref>", "", error, "compulsory", "/mrq"),
        ("<cid>900001</cid>", "", error, "compulsory", "/mrq"),
        ("<dty>0003</dty>", "", error, "compulsory", "/mrq"),
        ("<dty>0003</dty>", "<dty/>", error, "compulsory", "/mrq/dty"),
        ("<mty>ME</mty>", "<mty>XX</mty>", error, "value", "/mrq/mty"),
        ("<mty>ME</mty>", "<mty>ME</mty><mty>ME</mty>", error, "repeated", "/mrq/mty"),
        ("<sco>0</sco>", "<sco>4</sco>", error, "value", "/mrq/sco"),
        ("<dty>0003</dty>", "<dty>abc</dty>", error, "code", "/mrq/dty"),
        ("<dty>0003</dty>", "<dty>9999</dty>", Severity::Open, "code-unknown", "/mrq/dty"),
        ("<dty>0003</dty>", "<dty>3</dty>", warning, "padding", "/mrq/dty"),
        ("<stc>0010</stc>", "<stc>010</stc>", warning, "padding", "/mrq/stc"),
        ("<cid>900001</cid>", "<cid> 900001</cid>", warning, "blanks", "/mrq/cid"),
        ("<cid>900001</cid>", "<cid>+900001</cid>", warning, "pattern", "/mrq/cid"),
        ("<ref>T0000001</ref>", "<ref>T-1</ref>", warning, "pattern", "/mrq/ref"),
        ("<ref>T0000001</ref>", "<ref>T<b/></ref>", error, "nested", "/mrq/ref"),
        ("<ver>01.00</ver>", "<ver>1.0</ver>", warning, "pattern", "/mrq/ver"),
        ("<crd>tel:+440000000000</crd>", "<crd>gsm:+</crd>", warning, "address-bare", "/mrq/crd"),
        ("<crd>tel:+440000000000</crd>", "<crd>0440</crd>", warning, "address", "/mrq/crd"),
        ("<pri>0</pri>", "<prio>0</prio>", error, "element", "/mrq/prio"),
        ("<pri>0</pri>", "<snu>0</snu>", error, "element", "/mrq/snu"),
        ("<pri>0</pri>", "<mreq>4</mreq>", warning, "extension", "/mrq/mreq"),
        ("<pri>0</pri>", "<pri a='1'>0</pri>", warning, "attribute", "/mrq/pri"),
        ("<pri>0</pri>", "<pri>0</pri>stray", warning, "text", "/mrq"),
        ("<geo>51.5,-0.12</geo>", "<geo>151.5,-0.12</geo>", error, "position", "/mrq/lge/geo"),
        ("<geo>51.5,-0.12</geo>", "<geo>here</geo>", warning, "pattern", "/mrq/lge/geo"),
        ("<tim>2026-11-22T07:00:00+00</tim>", "<tim>yesterday</tim>", warning, "pattern", "/mrq/lge/tim"),
        ("<geo>51.5,-0.12</geo>", "<gps>51.5,-0.12</gps>", error, "element", "/mrq/lge/gps"),
        ("<dte>Pendant</dte>", "<dte>A pendant with a very long description</dte>", warning, "length", "/mrq/dte"),
        ("<mrq>", "<mrq xmlns='urn:x'>", warning, "namespace", "/mrq"),
    ] {
        assert!(ALARM.contains(from));
        let findings = judged(&ALARM.replace(from, to));
        let [only] = findings.as_slice() else { panic!("{to}: {findings:#?}") };
        assert_eq!((only.rule.as_str(), only.severity, only.path.as_str()), (rule, severity, path), "{to}");
        assert!(only.position.is_some());
    }
    for (text, rule) in [
        ("<scaip><ref>1</ref></scaip>", "root"),
        ("<MRQ/>", "root"),
        ("<mrq><ref>1</ref>", "syntax"),
        ("<!DOCTYPE mrq [<!ENTITY a 'b'>]><mrq/>", "doctype"),
        ("<mrs><ref>1</ref></mrs>", "compulsory"),
        ("<mrs><ref>1</ref><snu>x</snu></mrs>", "code"),
        ("<mrs><ref>1</ref><snu>0</snu><mre>7</mre></mrs>", "value"),
        ("<mrs><ref>1</ref><snu>0</snu><cre>62</cre></mrs>", "number-missing"),
        ("<mrs><ref>1</ref><snu>0</snu><dty>0001</dty></mrs>", "element"),
    ] {
        let findings = judged(text);
        assert_eq!(
            findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.rule.as_str()).collect::<Vec<_>>(),
            [rule],
            "{text}"
        );
    }
}

#[test]
fn who_and_where_is_never_shown() {
    let text = ALARM
        .replace("900001</cid>", "19121212A1212</cid>")
        .replace("tel:+440000000000", "0440123456")
        .replace("51.5,-0.12", "151.511,-0.1212")
        .replace("<dte>Pendant</dte>", "<dte>Anna Kowalska, second floor on the left</dte>");
    let findings = judged(&text);
    assert!(findings.len() >= 4);
    let shown = serde_json::to_string(&findings).unwrap();
    for secret in ["19121212", "0440123456", "151.511", "Kowalska"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

proptest! {
    #[test]
    fn a_value_that_is_none_is_named_at_its_element(pick in 0usize..10_000) {
        let bound = ["ref", "ver", "sco", "cha", "mty", "cid", "dty", "dco", "stc", "pri", "lco", "ame"];
        let name = bound[pick % bound.len()];
        let (before, rest) = ALARM.split_once(&format!("<{name}>")).unwrap();
        let (_, after) = rest.split_once(&format!("</{name}>")).unwrap();
        let findings = judged(&format!("{before}<{name}>?</{name}>{after}"));
        prop_assert!(findings.len() == 1 && findings[0].path == format!("/mrq/{name}"), "{name}: {findings:#?}");
    }

    #[test]
    fn no_text_makes_it_panic(text in "[<>/a-z0-9 &;\"=!\\[\\]-]{0,200}") {
        read(text.as_bytes());
        read(format!("<mrq>{text}</mrq>").as_bytes());
    }
}

#[test]
fn what_elements_say_together_is_judged() {
    let rules = |text: &str| -> Vec<String> { read(text.as_bytes()).1.into_iter().map(|f| f.rule).collect() };
    let request = |more: &str| format!("<mrq><ref>T1</ref><cid>900001</cid><dty>0002</dty>{more}</mrq>");
    assert_eq!(rules(&request("<crd>gsm:+4312345</crd><crd>sip:a@b.example</crd>")), [""; 0]);
    assert_eq!(rules(&request("<crd>gsm:+4312345</crd><crd>gsm:+4312346</crd>")), ["address-twice"]);
    assert_eq!(rules(&request("<crd>gsm:+4312345</crd><crd>no-voice:</crd>")), ["address-contradiction"]);
    assert_eq!(rules(&request("<lva>12</lva>")), ["location-value-alone"]);
    assert_eq!(rules(&request("<lco>012</lco><lva>12</lva>")), [""; 0]);

    let pair = |more: &str, answer: &str| -> Vec<String> {
        let read = |text: &str| read(text.as_bytes()).0.unwrap();
        let answer = read(&format!("<mrs><ref>T1</ref><snu>0</snu>{answer}</mrs>"));
        judge_answer(&read(&request(more)), &answer).into_iter().map(|f| f.rule).collect()
    };
    assert_eq!(pair("<crd>gsm:+4312345</crd>", "<mre>1</mre><cre>61</cre>"), [""; 0]);
    assert_eq!(pair("<crd>no-voice:</crd>", "<mre>1</mre>"), ["call-without-voice"]);
    assert_eq!(pair("<mty>PI</mty>", "<mre>1</mre>"), ["call-after-heartbeat"]);
    assert_eq!(pair("", "<hbi>60</hbi>"), ["heartbeat-fixed"]);
    assert_eq!(pair("<hbo>001</hbo>", "<hbi>60</hbi>"), [""; 0]);
}
