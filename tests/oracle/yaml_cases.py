"""Writes tests/corpus/config/yaml.json: YAML texts with what PyYAML's safe_load makes of them.

usage: yaml_cases.py OUTPUT            needs PyYAML; the texts are below, the answers are PyYAML's.
An answer is `repr()` of the value and, where it exists, `json.dumps()`; or null where safe_load raises.
"""

import json
import math
import random
import sys

import yaml

SCALARS = """
yes Yes YES yEs y no No NO n on On ON off Off OFF oN true True TRUE tRUE false False FALSE
null Null NULL nULL ~ 0 -0 +0 00 007 0777 08 09 0o17 0_ 0b101 0b1_0 -0b11 0b_ 0b2 0x1F 0X1F 0x_f 0x_ 0xg -0xff +0x10
1_000 1__0 _1 1_ 123456789012345678901234567890 -123456789012345678901234567890 9223372036854775807 9223372036854775808
-9223372036854775808 -9223372036854775809 0xFFFFFFFFFFFFFFFFFFFFFFFF 0777777777777777777777777777 +12 -12 --1 +-1 + - .
1:30 190:20:30 1:60 1:5 01:30 0:30 -1:30 1:30.5 190:20:30.15 1:30. 1:2:3:4 1:99
1.0 1. .5 -.5 +.5 1.5e3 1.5e+3 1.5E-3 1e3 1e+3 1.e+3 .5e+3 .5e3 1_000.5 1.5_5 1._ 6.8523015e+5 685.230_15e+03 685_230.15
.inf .Inf .INF -.inf +.inf .iNF inf .nan .NaN .NAN -.nan nan 1e400 1.0e+400 1.0e-400 -0.0 1e16 10000000000000000.0 1.0e+16 1.0e+15
123456789.123456789 0.1 0.0001 0.00001 1.0e-5 1.0e+22 12345678901234567.0 5.0e-324 0.30000000000000004
2024-10-21 2024-1-2 2024-13-01 2024-02-30 2023-02-29 2024-02-29 0000-01-01 24-10-21 2024-10-21T10:20:30 2024-10-21t10:20:30.5Z
2024-1-2T1:02:03 2024-10-21T10:20:30+05:30 2024-10-21T10:20:30-5 2024-10-21T10:20:30.1234567-00:30 2024-10-21T24:00:00 2024-10-21T10:20
2024-10-21T10:20:30+24:00 2024-10-21T10:20:30+00:00 2024-10-21T10:20:30.000001 2024-10-21T10:20:30-12:00 2024-10-21-preview 2024.10.21
<< = == <<< ! a:b a#b http://x/y os.environ/KEY gpt-4o "1" '1' "yes" 'null' "" '' "\\x41\\u00e9\\U0001F600" 'it''s' é 日本 "\\t\\n" %a @a `a a%b sk-1234 -a ?a :a
""".split()

TEXTS = [
    "", "   \n", "# only\n", "---\n", "--- 1\n", "---\na: 1\n...\n", "a: 1\n---\nb: 2\n", "%YAML 1.1\n---\nyes\n",
    "a: 2024-10-21 10:20:30\n", "a: 2024-10-21 10:20:30 Z\n", "a: 2024-10-21  10:20:30.25 +01:00\n", "a: 2024-10-21 10:20\n",
    "a:\n", "a: \n  b:\n", "- \n- a\n-\n", "a: [1, yes, , x]\n", "a: [1, yes, 'x', {b: no}]\n", "{a: 1, b: {c: [~]}}\n", "{a, b: }\n", "[a: 1, b]\n",
    "a: 1\na: 2\nb: 3\na: 4\n", "1: a\n1.0: b\ntrue: c\n", "yes: a\nno: b\n~: c\n2024-10-21: d\n", "0.5: a\n'0.5': b\n", "? [a]\n: b\n", "? {a: 1}\n: b\n", "? a\n: b\n? c\n",
    "a: &x {b: 1, c: 2}\nd: *x\n", "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n  e: 4\n", "d:\n  c: 3\n  <<: {b: 1, c: 2}\n",
    "a: &x {b: 1}\nc: &y {b: 2, z: 3}\nd:\n  <<: [*x, *y]\n  e: 5\n", "<<: {a: 1}\n", "a:\n  <<: 1\n", "a:\n  <<: [1]\n", "a:\n  '<<': {b: 1}\n", "a: <<\n", "a: =\n", "=: 1\n", "a:\n  <<: {b: 1}\n  <<: {c: 2}\n",
    "a: &x\n  <<: {q: 1}\n  r: 2\nb:\n  <<: *x\n  s: 3\n", "a: *missing\n", "a: &x [*x]\n", "- &a 1\n- *a\n- &a 2\n- *a\n",
    "a: !!str 5\n", "a: !!str yes\n", "a: !!int '5'\n", "a: !!int x\n", "a: !!float 5\n", "a: !!bool 'yes'\n", "a: !!bool maybe\n", "a: !!null x\n", "a: ! 5\n", "a: !foo 5\n", "a: !!python/object x\n", "a: !!seq [1]\n", "a: !!map {b: 1}\n", "a: !!seq {b: 1}\n",
    "a: !!binary aGVsbG8=\n", "a: !!timestamp '2024-10-21'\n", "a: !<tag:yaml.org,2002:str> 5\n", "a: !!str\n", "!!map\na: 1\n",
    "a: |\n  x\n  y\n\nb: >\n  x\n  y\n\n  z\n", "a: |-\n  x\nb: |+\n  x\n\nc: >-\n  x\n   y\n  z\n", "a: |2\n    x\n", "a: 'x\n\n  y'\n", 'a: "x\\\n   y\n  z"\n', "a: x\n  y\n  z\n", "a: x # c\n", "a: x#c\n", "a: 'x' # c\n",
    "a: b: c\n", "a: [1\n", "a: 'x\n", "\ta: 1\n", "a:\n\t- 1\n", "a: 1\n b: 2\n", "- a\nb: 1\n", "a: {b: 1\nc: 2}\n", "a: @x\n", "a: `x\n", "a: %x\n", "a: -\n", "a: - b\n", "a: ? b\n", "a: , b\n", "a: [a, b]c\n", "a: 'x'y\n",
    "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r", "\ufeffa: 1\n", "a: \x07\n", "a: \x85b\n", "a: \u2028b\n", 'a: "\\x07\\0\\e"\n', "a: 'é\u00a0\u200b\u3000x'\n", "a: \"\\ud83d\\ude00\"\n",
    "a: x: y\n", "a: x:y\n", "a: http://h:80/p?q=1#f\n", "a: {b: http://h:80/p}\n", "a: [http://h:80/p, x]\n", "a: {b:1}\n", 'a: {"b":1}\n', "a: {b: 'os.environ/K'}\n", "a: {b: *x}\n", "a: [&x 1, *x]\n",
    "model_list:\n- model_name: a\n  litellm_params: {model: mistral/x, api_key: os.environ/K}\n", "model_list:\n  - model_name: a\n    litellm_params:\n      model: mistral/x\n      extra: [1, 2.0, true, null, {k: 'it''s'}]\n",
    "a: \"it's\"\nb: ['it''s', 'say \"x\"', \"both ' and \\\"\"]\n", "a: [\"\\t\\n\\\\\", 'é', \"\\u00a0\", \"\\u200b\", \"\\ufeff\", \"\\U000e0001\"]\n",
    "a: {1: x, true: y, null: z, 1.5: w, 2024-10-21: v}\n", "a: {x: 2024-10-21, y: [.nan, .inf, -.inf, 1.0e+300]}\n", "a: {é: \"é\\u2028\\U0001F600\\x7f\"}\n",
]


def fuzz(count):
    """Random small documents from pieces that configurations consist of."""
    dice = random.Random(20261123)
    words = SCALARS + ["key: v", "a b", "x:", "- 1", "&a 1", "*a", "!!str 1", "# c", "'q'", '"d"', "[1, 2]", "{k: v}", "|", ">"]
    for _ in range(count):
        lines = []
        indent = 0
        for _ in range(dice.randint(1, 6)):
            kind = dice.random()
            pad = " " * indent
            if kind < 0.45:
                lines.append(f"{pad}k{dice.randint(0, 3)}: {dice.choice(words)}")
            elif kind < 0.65:
                lines.append(f"{pad}k{dice.randint(0, 9)}:")
                indent += dice.choice([2, 2, 2, 4])
            elif kind < 0.85:
                lines.append(f"{pad}- {dice.choice(words)}")
            else:
                lines.append(f"{pad}{dice.choice(words)}")
            if dice.random() < 0.2:
                indent = max(0, indent - 2)
        yield "\n".join(lines) + "\n"


def answer(text):
    try:
        value = yaml.safe_load(text.replace("\r\n", "\n").replace("\r", "\n"))
    except Exception:
        return None
    try:
        dumped = json.dumps(value, default=lambda value: f"{type(value).__module__}.{type(value).__qualname__}")
    except (TypeError, ValueError):
        dumped = None
    return {"repr": repr(value), "json": dumped}


def main():
    texts = [f"a: {scalar}\n" for scalar in SCALARS] + [f"[{scalar}]\n" for scalar in SCALARS] + TEXTS
    texts += list(fuzz(int(sys.argv[2]) if len(sys.argv) > 2 else 400))
    cases = [{"yaml": text, "python": answer(text)} for text in dict.fromkeys(texts)]
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write("[\n" + ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases) + "\n]\n")
    print(len(cases), "cases,", sum(case["python"] is None for case in cases), "of them errors")


main()
