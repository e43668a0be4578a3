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

    /// Why, as a clause.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::ContentType => "the content type makes LiteLLM read a form that is not `multipart/form-data`",
            Self::InvalidJson => "there is no body, or none that LiteLLM's parser reads",
            Self::BodyNotObject => "the body is JSON, but no object",
            Self::Model => {
                "`model` is no plain name of one model group, differs from the path's, or names a model that LiteLLM calls by another API"
            }
            Self::Document => "`document` is missing, or of a type that LiteLLM refuses",
            Self::BodyKey => {
                "the body has a key that LiteLLM's proxy or router acts on (`tags`, `api_key`, `mock_response` and many more)"
            }
            Self::RequestHeader => "a request header is one that LiteLLM's proxy acts on",
            Self::RequestFormat => "`req_format` is not LiteLLM's own",
            Self::RouterOption => {
                "`timeout` or `num_retries` have a shape that LiteLLM refuses or reads in its own way"
            }
            Self::MessageShape => {
                "`messages`, `max_tokens` or `metadata` have a shape that LiteLLM refuses or reads in its own way"
            }
            Self::Parameter => {
                "an option is one that LiteLLM refuses for this model, or translates from or to another API"
            }
            Self::HostedTool => "a tool or skill is one that LiteLLM runs itself",
            Self::ExtraHeaders => "`extra_headers` collide with LiteLLM's own or cannot be sent",
            Self::Upload => "a form has no usable `file`",
            Self::Unwritable => "a value cannot be written to the provider exactly (NaN, a lone surrogate)",
            Self::DeploymentParameter => "a parameter of the deployment has an effect that is not reproduced",
            Self::CustomPricing => "prices are not those of the price map",
            Self::Connection => "the deployment has no address or no key",
        }
    }
}
