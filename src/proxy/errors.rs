//! Pingora's errors as answers that a client of LiteLLM understands.

use pingora::{Error, ErrorSource, ErrorType};

use crate::python::envelope::Unavailable;

/// What a failed forward means for the client; `None` when the client itself is gone or at fault.
pub fn unavailable(error: &Error) -> Option<Unavailable> {
    match (error.esource(), error.etype()) {
        (ErrorSource::Downstream, _) => None,
        (
            _,
            ErrorType::ConnectTimedout
            | ErrorType::ConnectRefused
            | ErrorType::ConnectNoRoute
            | ErrorType::ConnectError
            | ErrorType::SocketError
            | ErrorType::BindError
            | ErrorType::TLSHandshakeFailure
            | ErrorType::TLSHandshakeTimedout
            | ErrorType::InvalidCert,
        ) => Some(Unavailable::Unreachable),
        (_, ErrorType::ReadTimedout | ErrorType::WriteTimedout) => Some(Unavailable::Slow),
        (ErrorSource::Upstream, _) => Some(Unavailable::Broken),
        (ErrorSource::Internal | ErrorSource::Unset, _) => Some(Unavailable::Internal),
    }
}
