"""The one deployment that every gateway of LiteLLM's kind runs, and what a LiteLLM that runs it says of itself.

A model group is a kind and the words of a profile: `claude.events50.every5` is Anthropic's deployment whose provider sends 50
events 5 ms apart (benchmark/src/fast_provider/answers.rs). A relay without a configuration passes the group's name on in the
body, where the fast provider finds the same words; for the others they stand in the deployment's address.
"""
import json
from pathlib import Path

MASTER_KEY = "sk-benchmark-master"
KINDS = {  # kind: LiteLLM's model, what follows the host in its api_base, and the client's path
    "chat": ("openai/gpt-4o", "/v1", "/v1/chat/completions"),
    "claude": ("anthropic/claude-sonnet-4-5-20250929", "", "/v1/messages"),
    "scan": ("mistral/mistral-ocr-latest", "/v1", "/v1/ocr"),
}
PRICES = {
    "gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05},
    "claude-sonnet-4-5-20250929": {"litellm_provider": "anthropic", "mode": "chat", "max_tokens": 64000, "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
                                   "cache_creation_input_token_cost": 3.75e-06, "cache_read_input_token_cost": 3e-07},
    "mistral/mistral-ocr-latest": {"litellm_provider": "mistral", "mode": "ocr", "ocr_cost_per_page": 0.004, "annotation_cost_per_page": 0.005},
}
PINNED = 'route: "*"\nstage: full\nhold: true\nholdout: 0\n'


def mirrored(share: float) -> str:
    """A rule under which Python serves and a share is compared; nothing rises while it is measured."""
    return f'route: "*"\nstage: shadow\nhold: true\nmirror: {share}\ngate: {{ caller_hourly_max: 100000000 }}\n'


def kind(group: str) -> str:
    return group.split(".")[0]


def path(group: str) -> str:
    return KINDS[kind(group)][2]


def provider(group: str) -> str:
    """Whose API the group's kind speaks, by LiteLLM's name for it."""
    return KINDS[kind(group)][0].split("/")[0]


def body(group: str, size: int = 600, stream: bool = False) -> bytes:
    """A client's request of about `size` bytes."""
    text = ("The quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:max(size - 100, 16)]
    if group.startswith("scan"):
        content = {"document": {"type": "document_url", "document_url": "https://example.org/" + text.replace(" ", "-")}}
    else:
        content = {"messages": [{"role": "user", "content": text}]}
    if group.startswith("claude"):
        content = {"max_tokens": 256, **content}
    return json.dumps({"model": group, **content, **({"stream": True} if stream else {})}).encode()


def litellm(groups: list[str], provider: str, encrypted: str | None = None) -> str:
    """config.yaml (JSON is YAML). A group with the word `tls` reaches the provider at `encrypted`."""
    models = []
    for group in groups:
        kind, *words = group.split(".")
        base = f"https://{encrypted}" if "tls" in words else f"http://{provider}"
        words = ".".join(word for word in words if word != "tls")
        models.append({
            "model_name": group,
            "litellm_params": {"model": KINDS[kind][0], "api_base": base + (f"/profile/{words}" if words else "") + KINDS[kind][1], "api_key": "sk-provider"},
            "model_info": {"id": f"id-{group}"},
        })
    return json.dumps({"model_list": models, "general_settings": {"master_key": MASTER_KEY}}, indent=1)


def recording(groups: list[str], prices: Path | None = None, relayed: dict | None = None) -> dict:
    """What `fast-control` needs to pass for LiteLLM 1.102.4 on this configuration (Crossfade asks: src/agreement/probes.rs)."""
    callbacks = ["sync_deployment_callback_on_success", "_PROXY_MaxBudgetLimiter", "_PROXY_MaxParallelRequestsHandler_v3", "_PROXY_CacheControlCheck", "ServiceLogging"]
    settings = {"routing_strategy_args": {}, "routing_strategy": "simple-shuffle", "allowed_fails": 3, "cooldown_time": 5, "num_retries": 2, "timeout": 6000, "retry_after": 0,
                "fallbacks": [], "context_window_fallbacks": [], "model_group_retry_policy": {}, "retry_policy": None, "model_group_alias": {}, "enable_weighted_failover": False,
                "enable_tag_filtering": False, "routing_groups": []}

    def answer(value, status: int = 200) -> dict:
        text = value if isinstance(value, str) else json.dumps(value)
        return {"status": status, "headers": [["content-type", "application/json"], ["x-litellm-version", "1.102.4"]], "body": text}

    def error(message: str, kind: str, status: int) -> dict:
        return answer({"error": {"message": message, "type": kind, "param": None, "code": str(status)}}, status)

    return {
        "answers": {
            "GET /health/liveliness": answer("\"I'm alive!\""),
            "GET /health/readiness": answer({"status": "healthy"}),
            "GET /health/readiness/details": answer({"status": "healthy", "db": "Not connected", "cache": None, "litellm_version": "1.102.4", "success_callbacks": callbacks}),
            "GET /v1/model/info": answer({"data": [{"model_name": group, "model_info": {"id": f"id-{group}"}} for group in groups]}),
            "GET /get/config/callbacks": answer({"status": "success", "router_settings": settings}),
            "GET /public/litellm_model_cost_map": answer(prices.read_text() if prices and prices.exists() else PRICES),
            "POST /v1/ocr": error("Invalid MIME type: crossfade probe/x", "internal_server_error", 500),
            "POST /v1/ocr without key": error("Authentication Error, No api key passed in.", "auth_error", 401),
        },
        "relayed": relayed or {},
    }
