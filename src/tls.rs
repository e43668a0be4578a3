//! One TLS client configuration for every connection that leaves this process.

use std::sync::{Arc, OnceLock};

/// Trusts the roots of the WebPKI and, when `SSL_CERT_FILE` or the system names others, those too.
///
/// Built on first use and shared: parsing the roots costs milliseconds and a megabyte.
pub fn client_config() -> rustls::ClientConfig {
    static CONFIG: OnceLock<Arc<rustls::ClientConfig>> = OnceLock::new();
    CONFIG.get_or_init(|| Arc::new(build())).as_ref().clone()
}

fn build() -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let native = rustls_native_certs::load_native_certs();
    for fault in &native.errors {
        tracing::warn!(%fault, "a system certificate could not be read");
    }
    roots.add_parsable_certificates(native.certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    match builder {
        Ok(builder) => builder.with_root_certificates(roots).with_no_client_auth(),
        // ring supports both default versions, so this cannot happen; a client without roots fails closed.
        Err(_) => {
            rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
        }
    }
}
