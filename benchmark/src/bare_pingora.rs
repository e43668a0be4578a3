//! The least that a proxy on Pingora does: the measure for what Crossfade's pass-through adds.

use std::sync::Arc;

use async_trait::async_trait;
use clap::Parser;
use pingora::Result;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::Server;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;

/// Forward everything to one upstream.
#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: String,
    #[arg(long, default_value = "127.0.0.1:4000")]
    upstream: String,
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

struct Forward {
    upstream: Arc<str>,
}

#[async_trait]
impl ProxyHttp for Forward {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _session: &mut Session, _context: &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(&*self.upstream, false, String::new())))
    }
}

fn main() {
    let arguments = Arguments::parse();
    let configuration = ServerConf { threads: arguments.threads, work_stealing: false, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, configuration);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Forward { upstream: arguments.upstream.into() });
    service.add_tcp(&arguments.listen);
    server.add_service(service);
    server.run_forever();
}
