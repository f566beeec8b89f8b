//! Serves the sample API on loopback, with seeded faults by name: `sample_api [FAULT…]`. Prints its address.
//! For comparing testers; `sample_api --list` names the faults.

#![expect(clippy::print_stdout, reason = "its address and its list are what it is started for")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use probity::api::exchange::ApiRequest;
use probity::api::sample::{QUIRKS, SampleApi, description};

fn main() -> std::io::Result<()> {
    let faults: Vec<String> = std::env::args().skip(1).collect();
    if faults.iter().any(|f| f == "--list") {
        QUIRKS.iter().for_each(|(name, what)| println!("{name}\t{what}"));
        return Ok(());
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("http://{}/v1", listener.local_addr()?);
    std::io::stdout().flush()?;
    let mut api = SampleApi::new(faults.iter().map(String::as_str));
    let mut requests = 0u64;
    for stream in listener.incoming() {
        // A peer that goes away is the peer's business; one at a time is enough.
        let _ = converse(&stream?, &mut api, &mut requests);
    }
    Ok(())
}

fn converse(stream: &TcpStream, api: &mut SampleApi, requests: &mut u64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(std::time::Duration::from_millis(200)))?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let (method, url) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let (mut headers, mut length, mut chunked, mut last) = (Vec::new(), 0usize, false, false);
        loop {
            let mut field = String::new();
            if reader.read_line(&mut field)? == 0 || field.trim_end().is_empty() {
                break;
            }
            let Some((name, value)) = field.trim_end().split_once(':') else { continue };
            let value = value.trim();
            length = if name.eq_ignore_ascii_case("content-length") { value.parse().unwrap_or(0) } else { length };
            chunked |= name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked");
            last |= name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close");
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        while chunked {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let count = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
            let mut chunk = vec![0; count + 2];
            reader.read_exact(&mut chunk)?;
            chunk.truncate(count);
            body.extend(chunk);
            chunked = count > 0;
        }
        let (status, fields, content) = match url.as_str() {
            "/openapi.yaml" => (200, vec![("Content-Type".to_owned(), "application/yaml".to_owned())], description().as_bytes().to_vec()),
            "/requests" => (200, vec![("Content-Type".to_owned(), "text/plain".to_owned())], requests.to_string().into_bytes()),
            _ => {
                *requests += 1;
                let answer = api.respond(&ApiRequest { method: method.clone(), url, headers, body });
                (answer.status, answer.headers, answer.body)
            }
        };
        let mut answer = format!("HTTP/1.1 {status} -\r\n");
        fields.iter().for_each(|(name, value)| answer.push_str(&format!("{name}: {value}\r\n")));
        if status != 204 {
            answer.push_str(&format!("Content-Length: {}\r\n", content.len()));
        }
        answer.push_str("\r\n");
        let mut bytes = answer.into_bytes();
        if method != "HEAD" && status != 204 {
            bytes.extend(content);
        }
        let mut out = stream;
        out.write_all(&bytes)?;
        if last {
            return Ok(());
        }
    }
}
