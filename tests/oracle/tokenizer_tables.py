"""Writes crates/transform/tokenizers/: the vocabularies LiteLLM counts with, and its engines' character classes.

    /path/to/venv-with-litellm/bin/python tests/oracle/tokenizer_tables.py

A vocabulary file is made to be searched where it lies, without a table in memory: the length of the longest token (u32), how
many tokens there are of 1, 2, … bytes (u32 each), the bytes of all tokens in that order and sorted within a length, their ranks in the same order (3 bytes
each), and for Anthropic's the length of the left part each was merged from (2 bytes each). A class file is a sorted list of
u32: where a run of code points begins << 3 | its class. The classes are asked of the engines themselves, code point by code
point: which Unicode release they were built with is nowhere written. All integers are little-endian.
"""

import base64
import json
import os
import struct

from litellm.litellm_core_utils.default_encoding import cl100k_base_rank_file, o200k_base_rank_file
from litellm.litellm_core_utils.default_encoding import filename as tokenizers
import tiktoken
from tokenizers import Tokenizer

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "crates", "transform", "tokenizers")
CODE_POINTS = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
OTHER, SPACE, NUMBER, UPPER, LOWER, CASELESS, MARK = range(7)


def vocabulary(ranks, splits=None):
    tokens = sorted(ranks, key=lambda token: (len(token), token))
    longest = len(tokens[-1])
    assert tokens[0]
    counts = [0] * longest
    for token in tokens:
        counts[len(token) - 1] += 1
    parts = [struct.pack(f"<I{longest}I", longest, *counts), b"".join(tokens)]
    parts.append(b"".join(ranks[token].to_bytes(3, "little") for token in tokens))
    if splits is not None:
        parts.append(b"".join(splits.get(token, 0).to_bytes(2, "little") for token in tokens))
    return b"".join(parts)


def tiktoken_ranks(rank_file):
    lines = (line.split() for line in rank_file.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in lines}


def byte_level():
    """How a tokenizer file of Hugging Face spells bytes: printable characters for all 256."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}


def anthropic():
    with open(os.path.join(tokenizers, "anthropic_tokenizer.json"), encoding="utf-8") as file:
        data = json.load(file)
    spelled = byte_level()
    raw = lambda token: bytes(spelled[character] for character in token)  # noqa: E731
    special = {token["content"] for token in data["added_tokens"]}
    model = data["model"]
    ids = {raw(token): number for token, number in model["vocab"].items() if token not in special}
    splits = {}
    for place, (left, right) in enumerate(merge.split(" ") for merge in model["merges"]):
        token = raw(left) + raw(right)
        assert token not in splits, "a token is merged in two ways"
        splits[token] = len(raw(left))
        assert ids[token] == 261 + place, "ids are not in the order of the merges"
    assert len(splits) + 256 == len(ids)
    merges = Tokenizer.from_str(json.dumps(data)).model
    assert all(len(merges.tokenize(token)) == 1 for token in model["vocab"] if token not in special), "a token that is never made"
    return vocabulary(ids, splits)


def classes(of):
    runs, last = [], None
    for point in CODE_POINTS:
        found = of(point)
        if found != last:
            runs.append(point << 3 | found)
            last = found
    return struct.pack(f"<{len(runs)}I", *runs)


def tiktoken_classes():
    ranks = {bytes([byte]): byte for byte in range(256)}
    engines = [
        (found, tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={}))
        for found, name, pattern in [
            (SPACE, "space", r"\s"), (NUMBER, "number", r"\p{N}"), (UPPER, "upper", r"[\p{Lu}\p{Lt}]"),
            (LOWER, "lower", r"\p{Ll}"), (CASELESS, "caseless", r"[\p{Lm}\p{Lo}]"), (MARK, "mark", r"\p{M}"),
        ]
    ]

    def of(point):
        found = [kind for kind, engine in engines if engine.encode_ordinary(chr(point))]
        assert len(found) < 2
        return found[0] if found else OTHER

    return classes(of)


def anthropic_classes():
    splitter = Tokenizer.from_file(os.path.join(tokenizers, "anthropic_tokenizer.json")).pre_tokenizer
    whole = lambda text: len(splitter.pre_tokenize_str(text)) == 1  # noqa: E731

    def of(point):
        character = chr(point)
        for around, found in [("x", LOWER), ("1", NUMBER), ("!", OTHER)]:
            if whole(around + character + around):
                return found
        return SPACE

    return classes(of)


def write(name, content):
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(content)
    print(name, len(content))


if __name__ == "__main__":
    write("cl100k_base.vocabulary", vocabulary(tiktoken_ranks(cl100k_base_rank_file())))
    write("o200k_base.vocabulary", vocabulary(tiktoken_ranks(o200k_base_rank_file())))
    write("anthropic.vocabulary", anthropic())
    write("tiktoken.classes", tiktoken_classes())
    write("anthropic.classes", anthropic_classes())
