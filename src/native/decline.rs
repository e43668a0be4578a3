//! Why a request is left to Python.

/// Every reason the native leg can give, before any effect. Closed: [`Decline::reason`] labels a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decline {
    /// No header carries a key.
    NoKey,
    /// A virtual key, or a wrong one: Python knows.
    NotTheMasterKey,
    /// There is no master key, and no probe has shown that LiteLLM runs open.
    AuthenticationUnknown,
    /// A browser's request from another origin with cookies, to which LiteLLM answers with other CORS headers.
    CrossOriginCookie,
    /// A request header in a form that LiteLLM refuses or reads in its own way.
    RequestOption,
    /// A multipart form that parsers read differently.
    Form,
    /// The route has no native leg in this build.
    NoNativeLeg,
    /// No group, alias or deployment by exactly this name.
    UnknownModel,
    /// A deployment in reach has a reason for this route.
    Deployment,
    /// The whole configuration has a reason for this route.
    Configuration,
    /// More retries than are held open natively.
    TooManyRetries,
    /// A timeout that LiteLLM reads in its own way.
    Timeout,
    /// The transformation is not exact for this request.
    Transform(transform::Decline),
}

impl Decline {
    /// The metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::NotTheMasterKey => "not_the_master_key",
            Self::AuthenticationUnknown => "authentication_unknown",
            Self::CrossOriginCookie => "cross_origin_cookie",
            Self::RequestOption => "request_option",
            Self::Form => "form",
            Self::NoNativeLeg => "no_native_leg",
            Self::UnknownModel => "unknown_model",
            Self::Deployment => "deployment",
            Self::Configuration => "configuration",
            Self::TooManyRetries => "too_many_retries",
            Self::Timeout => "timeout",
            Self::Transform(decline) => decline.reason(),
        }
    }

    /// Why, as a clause.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::NoKey => "no header carries a key",
            Self::NotTheMasterKey => "the key is a virtual one, or a wrong one: Python knows",
            Self::AuthenticationUnknown => "there is no master key, and no probe has shown that LiteLLM runs open",
            Self::CrossOriginCookie => {
                "a browser asks from another origin with cookies, which changes the CORS headers"
            }
            Self::RequestOption => {
                "a request header, path or query has a form that LiteLLM refuses or reads in its own way"
            }
            Self::Form => "parsers read the multipart form differently",
            Self::NoNativeLeg => "the route has no native leg in this build",
            Self::UnknownModel => "no group, alias or deployment has exactly this name",
            Self::Deployment => "a deployment in reach is left to Python, see `crossfade check`",
            Self::Configuration => "the whole configuration is left to Python, see `crossfade check`",
            Self::TooManyRetries => "more than 16 retries are asked for",
            Self::Timeout => "LiteLLM reads the time limit in a way of its own",
            Self::Transform(decline) => decline.meaning(),
        }
    }

    /// Every one of them.
    pub fn all() -> impl Iterator<Item = Self> {
        const OWN: [Decline; 12] = [
            Decline::NoKey,
            Decline::NotTheMasterKey,
            Decline::AuthenticationUnknown,
            Decline::CrossOriginCookie,
            Decline::RequestOption,
            Decline::Form,
            Decline::NoNativeLeg,
            Decline::UnknownModel,
            Decline::Deployment,
            Decline::Configuration,
            Decline::TooManyRetries,
            Decline::Timeout,
        ];
        OWN.into_iter().chain(transform::Decline::ALL.into_iter().map(Self::Transform))
    }
}

impl From<transform::Decline> for Decline {
    fn from(decline: transform::Decline) -> Self {
        Self::Transform(decline)
    }
}
