"""Writes tests/corpus/config/ids/expected.json: the deployments that the real LiteLLM makes of config.yaml there.

usage: model_ids.py FOLDER PORT        LITELLM_BIN names the executable
"""

import json
import os
import sys

from real_litellm import RealLiteLlm

folder, port = sys.argv[1], int(sys.argv[2])
with open(os.path.join(folder, "environment.json"), encoding="utf-8") as file:
    environment = json.load(file)
with RealLiteLlm(os.path.join(folder, "config.yaml"), port, environment) as litellm:
    status, _, body = litellm.get("/v1/model/info")
    assert status == 200, body
    found = [[entry["model_name"], entry["model_info"]["id"]] for entry in json.loads(body)["data"]]
    print("log", litellm.log.name)
with open(os.path.join(folder, "expected.json"), "w", encoding="utf-8") as out:
    out.write("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in found) + "\n]\n")
print(len(found), "deployments")
