//! Packets of MQTT, datagrams of CoAP and answers of SIP from bytes that a stranger chose.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::probe::mqtt::{Packet, Version};
use probity::probe::{coap, sip};

fuzz_target!(|data: &[u8]| {
    for version in [Version::V3, Version::V5] {
        let mut rest = data;
        while let Ok(Some((_, used))) = Packet::read(rest, version) {
            assert!(used > 0 && used <= rest.len());
            rest = &rest[used..];
        }
    }
    if let Ok(message) = coap::Message::read(data) {
        assert_eq!(coap::Message::read(&message.write()), Ok(message));
    }
    coap::interpret(data, 20, 1, &[1]);
    if let Some(response) = sip::Response::read(data) {
        response.challenges();
        response.content_length();
        assert!(response.body_at.is_none_or(|at| at <= data.len()));
    }
});
