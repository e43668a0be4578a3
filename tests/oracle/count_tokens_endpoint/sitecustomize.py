"""Put on the path of a LiteLLM that is recorded: it counts tokens at COUNT_TOKENS_ENDPOINT.

LiteLLM asks Anthropic itself, whatever a deployment's `api_base` says, and no setting changes that.
"""

import os

if os.environ.get("COUNT_TOKENS_ENDPOINT"):
    from litellm.llms.anthropic.count_tokens.transformation import AnthropicCountTokensConfig

    AnthropicCountTokensConfig.get_anthropic_count_tokens_endpoint = lambda self: os.environ["COUNT_TOKENS_ENDPOINT"]
