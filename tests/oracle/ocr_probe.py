"""Measures the probe that tells Python's OCR from LiteLLM's own Rust (src/agreement/probes.rs).

usage: ocr_probe.py PORT        LITELLM_BIN names the executable; starts LiteLLM three times
"""

import json
import sys
import tempfile

from real_litellm import RealLiteLlm

EXPECTED = {"false": (500, "Invalid MIME type: crossfade probe/x"), "true": (400, "Invalid model name"), None: (400, "Invalid model name")}
BODY = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="data:crossfade probe/x,y"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\nx\r\n--b--\r\n"
)
CONFIG = {
    "model_list": [
        {"model_name": "ocr", "litellm_params": {"model": "mistral/m", "api_base": "http://127.0.0.1:9/v1", "api_key": "k"}}
    ],
    "general_settings": {"master_key": "sk-1234"},
}

port = int(sys.argv[1])
with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as config:
    json.dump(CONFIG, config)
for offset, (rust, (status, message)) in enumerate(EXPECTED.items()):
    with RealLiteLlm(config.name, port + offset, {"LITELLM_RUST": rust}) as litellm:
        headers = {"content-type": "multipart/form-data; boundary=b"}
        found, _, body = litellm.send("POST", "/v1/ocr", BODY, headers)
        assert found == status and message in json.loads(body)["error"]["message"], (rust, found, body)
        refused, _, _ = litellm.send("POST", "/v1/ocr", BODY, headers, key=None)
        assert refused == 401, (rust, refused)
    print(f"LITELLM_RUST={rust}: {found}, and 401 without key")
