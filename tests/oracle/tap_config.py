"""Proves `crossfade tap --config`: the real LiteLLM starts with what it prints, and shows the same model ids.

usage: tap_config.py CONFIG EXPECTED_IDS ENVIRONMENT PORT      LITELLM_BIN and CROSSFADE_BIN name the executables
"""

import json
import os
import subprocess
import sys
import tempfile

from real_litellm import RealLiteLlm

config, expected, environment, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
with open(environment, encoding="utf-8") as file:
    variables = json.load(file)
tap_url = "http://127.0.0.1:1"
command = [os.environ.get("CROSSFADE_BIN", "crossfade"), "tap", "--config", config, "--tap-url", tap_url]
printed = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **variables})
print(printed.stderr, end="")
assert variables["IDS_KEY"] not in printed.stdout, "a secret was printed"
with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False, encoding="utf-8") as tapped:
    tapped.write(printed.stdout)
with RealLiteLlm(tapped.name, port, variables) as litellm:
    status, _, body = litellm.get("/v1/model/info")
    assert status == 200, body
    rows = json.loads(body)["data"]
found = sorted([row["model_name"], row["model_info"]["id"]] for row in rows)
with open(expected, encoding="utf-8") as file:
    wanted = sorted(json.load(file))
assert found == wanted, ([row for row in wanted if row not in found], [row for row in found if row not in wanted])
bases = [row["litellm_params"].get("api_base", "") for row in rows]
print(len(found), "ids equal,", sum(base.startswith(tap_url) for base in bases), "rows led through the tap")
