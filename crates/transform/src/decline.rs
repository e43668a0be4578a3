//! Why a request is left to Python.

/// A closed set: every variant is a label of a metric and a line in `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decline {
    /// The content type makes LiteLLM read a form that isn't `multipart/form-data`.
    ContentType,
    /// No body, or not JSON to orjson.
    InvalidJson,
    /// JSON, but not an object.
    BodyNotObject,
    /// `model` isn't a plain string naming one model group.
    Model,
    /// `document` is missing, isn't an object, or has a type LiteLLM refuses.
    Document,
    /// A key of the body that LiteLLM's proxy or router acts on.
    BodyKey,
    /// A request header that LiteLLM's proxy acts on.
    RequestHeader,
    /// `req_format` other than LiteLLM's own.
    RequestFormat,
    /// `timeout` or `num_retries` in a shape LiteLLM refuses or reads in its own way.
    RouterOption,
    /// `messages`, `max_tokens` or `metadata` of a shape LiteLLM refuses or reads in its own way.
    MessageShape,
    /// An option that LiteLLM refuses for this model, or translates from another API.
    Parameter,
    /// Tools or skills that LiteLLM runs itself.
    HostedTool,
    /// Client `extra_headers` that collide with LiteLLM's own or can't be sent.
    ExtraHeaders,
    /// A multipart form without a usable `file` part.
    Upload,
    /// A value that can't be written to the provider exactly (NaN, a lone surrogate).
    Unwritable,
    /// A deployment parameter whose effect on OCR isn't reproduced.
    DeploymentParameter,
    /// Prices set on the deployment instead of the price map.
    CustomPricing,
    /// A deployment without `api_base` or `api_key`.
    Connection,
}

impl Decline {
    pub const ALL: [Self; 18] = [
        Self::ContentType,
        Self::InvalidJson,
        Self::BodyNotObject,
        Self::Model,
        Self::Document,
        Self::BodyKey,
        Self::RequestHeader,
        Self::RequestFormat,
        Self::RouterOption,
        Self::MessageShape,
        Self::Parameter,
        Self::HostedTool,
        Self::ExtraHeaders,
        Self::Upload,
        Self::Unwritable,
        Self::DeploymentParameter,
        Self::CustomPricing,
        Self::Connection,
    ];

    /// The metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ContentType => "content_type",
            Self::InvalidJson => "invalid_json",
            Self::BodyNotObject => "body_not_object",
            Self::Model => "model",
            Self::Document => "document",
            Self::BodyKey => "body_key",
            Self::RequestHeader => "request_header",
            Self::RequestFormat => "request_format",
            Self::RouterOption => "router_option",
            Self::MessageShape => "message_shape",
            Self::Parameter => "parameter",
            Self::HostedTool => "hosted_tool",
            Self::ExtraHeaders => "extra_headers",
            Self::Upload => "upload",
            Self::Unwritable => "unwritable_value",
            Self::DeploymentParameter => "deployment_parameter",
            Self::CustomPricing => "custom_pricing",
            Self::Connection => "deployment_connection",
        }
    }
}
