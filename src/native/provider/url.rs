//! URLs as LiteLLM's HTTP client holds them: read, normalised and joined, so that a redirect leads where it leads there.
//!
//! Recorded: tests/corpus/redirects, made by tests/oracle/redirects.py.
//! Source: httpx 0.28 `_urlparse.py`, `_urls.py`; CPython 3.11 `urllib.parse.urljoin`

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use transform::python::string_repr;

/// Longer texts are refused.
const LENGTH_MAX: usize = 65_536;

/// What a URL says besides its fragment, which nobody sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Lower-case, or empty.
    pub scheme: String,
    /// `user:password`, escaped, or empty.
    pub userinfo: String,
    /// Without brackets.
    pub host: String,
    /// Not a scheme's own; any integer.
    pub port: Option<i128>,
    path: String,
    query: Option<String>,
}

impl Url {
    /// Errors  what httpx says of a text that is no URL to it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > LENGTH_MAX {
            return Err("URL too long".to_owned());
        }
        let unprintable = |character: &char| character.is_ascii_control();
        if let Some((place, character)) = text.chars().enumerate().find(|(_, character)| unprintable(character)) {
            let shown = string_repr(&character.to_string());
            return Err(format!("Invalid non-printable ASCII character in URL, {shown} at position {place}."));
        }
        let (scheme, rest) = split_scheme(text);
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, rest) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())),
            None => ("", rest),
        };
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let (userinfo, host, port) = split_authority(authority);
        Self::build(scheme, userinfo, host, port, path, query)
    }

    fn build(
        scheme: &str,
        userinfo: &str,
        host: &str,
        port: Option<&str>,
        path: &str,
        query: Option<&str>,
    ) -> Result<Self, String> {
        let userinfo = quote(userinfo, |byte| !b" \"#<>?`{}/;=@[\\]^|".contains(&byte));
        let host = encode_host(host)?;
        let port = normalize_port(port, scheme)?;
        let has_authority = !userinfo.is_empty() || !host.is_empty() || port.is_some();
        check_path(path, !scheme.is_empty(), has_authority)?;
        let path = if scheme.is_empty() && !has_authority { path.to_owned() } else { normalize_path(path) };
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            userinfo,
            host,
            port,
            path: quote(&path, |byte| !b" \"#<>?`{}".contains(&byte)),
            query: query.map(|query| quote(query, |byte| !b" \"#<>".contains(&byte))),
        })
    }

    /// The same with another host.
    ///
    /// Errors  what httpx says where the path then has no place.
    pub fn with_host(&self, host: &str) -> Result<Self, String> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let port = self.port.map(|port| port.to_string());
        Self::build(&self.scheme, &self.userinfo, &host, port.as_deref(), &self.path, self.query.as_deref())
    }

    /// Whether it names no address of its own.
    pub fn is_relative(&self) -> bool {
        self.scheme.is_empty() || self.host.is_empty()
    }

    /// This one, seen from `base`, which names an address.
    ///
    /// Errors  what httpx says of the result.
    pub fn join_to(&self, base: &Self) -> Result<Self, String> {
        Self::parse(&join(base, &self.to_string()))
    }

    /// The port in use, if the scheme has one.
    pub fn port_or_default(&self) -> Option<i128> {
        self.port.or(match self.scheme.as_str() {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        })
    }

    /// Host and port, as a `host` header has them.
    pub fn netloc(&self) -> String {
        let mut netloc = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if let Some(port) = self.port {
            // Writing to a String cannot fail.
            let _ = write!(netloc, ":{port}");
        }
        netloc
    }

    fn authority(&self) -> String {
        match self.userinfo.as_str() {
            "" => self.netloc(),
            userinfo => format!("{userinfo}@{}", self.netloc()),
        }
    }

    /// What is asked for there: an empty query is not sent.
    pub fn target(&self) -> String {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        match self.query.as_deref() {
            None | Some("") => path.to_owned(),
            Some(query) => format!("{path}?{query}"),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(out, "{}:", self.scheme)?;
        }
        let authority = self.authority();
        if !authority.is_empty() {
            write!(out, "//{authority}")?;
        }
        out.write_str(&self.path)?;
        self.query.as_deref().map_or(Ok(()), |query| write!(out, "?{query}"))
    }
}

/// An empty scheme may stand before the colon, which is gone then.
fn split_scheme(text: &str) -> (&str, &str) {
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
    match text.split_once(':') {
        Some(("", rest)) => ("", rest),
        Some((scheme, rest)) if scheme.as_bytes()[0].is_ascii_alphabetic() && scheme.bytes().all(is_of_scheme) => {
            (scheme, rest)
        }
        _ => ("", text),
    }
}

/// User, host and port; a bracket that is not closed is a host of its own.
fn split_authority(authority: &str) -> (&str, &str, Option<&str>) {
    let (userinfo, rest) = authority.rsplit_once('@').unwrap_or(("", authority));
    let end = match rest.rfind(']') {
        Some(end) if rest.starts_with('[') => end + 1,
        _ => rest.find(':').unwrap_or(rest.len()),
    };
    let (host, rest) = rest.split_at(end);
    (userinfo, host, Some(rest.strip_prefix(':').unwrap_or(rest)))
}

fn encode_host(host: &str) -> Result<String, String> {
    let parts: Vec<&str> = host.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() == 4 && parts.iter().all(is_number) {
        let known = host.parse::<Ipv4Addr>().map(|_| host.to_owned());
        return known.map_err(|_| format!("Invalid IPv4 address: {}", string_repr(host)));
    }
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let (address, zone) = inner.split_once('%').map_or((inner, None), |(address, zone)| (address, Some(zone)));
        let is_known =
            address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(|zone| !zone.is_empty() && !zone.contains('%'));
        return if is_known {
            Ok(inner.to_owned())
        } else {
            Err(format!("Invalid IPv6 address: {}", string_repr(host)))
        };
    }
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=\"`{}%|\\".contains(&byte);
    Ok(quote(&host.to_lowercase(), is_safe))
}

/// As Python's `int` reads it. The scheme's spelling counts.
fn normalize_port(port: Option<&str>, scheme: &str) -> Result<Option<i128>, String> {
    let Some(written) = port.filter(|port| !port.is_empty()) else { return Ok(None) };
    let trimmed = written.trim();
    let (sign, digits) = match trimmed.as_bytes() {
        [b'-', ..] => (-1, &trimmed[1..]),
        [b'+', ..] => (1, &trimmed[1..]),
        _ => (1, trimmed),
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.split('_').all(is_number) {
        return Err(format!("Invalid port: {}", string_repr(written)));
    }
    // Whatever is that large is out of every range.
    let number = sign * digits.replace('_', "").parse::<i128>().unwrap_or(i128::MAX);
    let own = match scheme {
        "ftp" => 21,
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        _ => -1,
    };
    Ok(Some(number).filter(|number| *number != own))
}

fn check_path(path: &str, has_scheme: bool, has_authority: bool) -> Result<(), String> {
    let said = if has_authority && !path.is_empty() && !path.starts_with('/') {
        "For absolute URLs, path must be empty or begin with '/'"
    } else if has_scheme || has_authority {
        return Ok(());
    } else if path.starts_with("//") {
        "Relative URLs cannot have a path starting with '//'"
    } else if path.starts_with(':') {
        "Relative URLs cannot have a path starting with ':'"
    } else {
        return Ok(());
    };
    Err(said.to_owned())
}

fn normalize_path(path: &str) -> String {
    if !path.split('/').any(|part| matches!(part, "." | "..")) {
        return path.to_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if kept.is_empty() || kept == [""] => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    kept.join("/")
}

/// Escapes what is not safe, and leaves escapes as they are.
fn quote(text: &str, is_safe: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let mut escape_ends = 0;
    for (at, byte) in bytes.iter().copied().enumerate() {
        if byte == b'%' && is_digit(at + 1) && is_digit(at + 2) && at >= escape_ends {
            escape_ends = at + 3;
        }
        if at < escape_ends || ((b' '..0x7f).contains(&byte) && is_safe(byte)) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Python's `urljoin`, both without fragments. Empty queries and parameters get lost on the way.
fn join(base: &Url, relative: &str) -> String {
    if relative.is_empty() {
        return base.to_string();
    }
    let (scheme, rest) = match split_scheme(relative) {
        ("", _) => (base.scheme.as_str(), relative),
        (scheme, rest) => (scheme, rest),
    };
    if !scheme.eq_ignore_ascii_case(&base.scheme) {
        return relative.to_owned();
    }
    let unsplit = |netloc: &str, path: &str, parameters: &str, query: &str| {
        let mut path = path.to_owned();
        for (before, part) in [(';', parameters), ('?', query)] {
            if !part.is_empty() {
                path.push(before);
                path.push_str(part);
            }
        }
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        format!("{}://{netloc}{slash}{path}", base.scheme)
    };
    let (netloc, rest) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (path, parameters) = split_parameters(path);
    if !netloc.is_empty() {
        return unsplit(netloc, path, parameters, query);
    }
    let netloc = base.authority();
    let (base_path, base_parameters) = split_parameters(&base.path);
    if path.is_empty() && parameters.is_empty() {
        let query = if query.is_empty() { base.query.as_deref().unwrap_or_default() } else { query };
        return unsplit(&netloc, base_path, base_parameters, query);
    }
    unsplit(&netloc, &join_paths(base_path, path), parameters, query)
}

fn join_paths(base: &str, path: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').collect();
    if !path.starts_with('/') {
        let mut whole: Vec<&str> = base.split('/').collect();
        if whole.last().is_some_and(|last| !last.is_empty()) {
            whole.pop();
        }
        whole.append(&mut segments);
        let last = whole.len() - 1;
        let is_kept = |(at, part): &(usize, &str)| *at == 0 || *at == last || !part.is_empty();
        segments = whole.into_iter().enumerate().filter(is_kept).map(|(_, part)| part).collect();
    }
    let mut resolved: Vec<&str> = Vec::new();
    for segment in &segments {
        match *segment {
            ".." => drop(resolved.pop()),
            "." => {}
            segment => resolved.push(segment),
        }
    }
    if matches!(segments.last(), Some(&("." | ".."))) {
        resolved.push("");
    }
    match resolved.join("/") {
        joined if joined.is_empty() => "/".to_owned(),
        joined => joined,
    }
}

/// The last segment's parameters, behind its first semicolon.
fn split_parameters(path: &str) -> (&str, &str) {
    let last = path.rfind('/').unwrap_or(0);
    match path[last..].find(';') {
        Some(at) => (&path[..last + at], &path[last + at + 1..]),
        None => (path, ""),
    }
}
