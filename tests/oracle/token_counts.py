"""Records what the real LiteLLM counts into tests/corpus/token_counts/.

    /path/to/venv-with-litellm/bin/python tests/oracle/token_counts.py [--texts N --seed N --out FOLDER]

The texts are drawn with a seed, the messages are made up here; the numbers are LiteLLM's. A text is written as a string, or as
a list of [string, how often]; a number is null where LiteLLM raises. With --texts and --out a longer list goes elsewhere, for
`TOKEN_COUNTS=FOLDER cargo test -p crossfade-transform --test token_counts`.
"""

import argparse
import base64
import json
import os
import random
import struct
import zlib

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm  # noqa: E402
from litellm.litellm_core_utils.token_counter import _get_exact_count_function  # noqa: E402

CORPUS = os.path.join(os.path.dirname(__file__), "..", "corpus", "token_counts")
MODELS = ["gpt-4", "gpt-4o", "claude-sonnet-4-5"]
BLOCK = 1024
ATOMS = [
    "a", "b", "Z", "the", "The", "THE", "quick", "Fox", "jumps", "don't", "IT'S", "we'll", "WE'LL", "they'Ve", "'re", "'S", "'ſ", "'\u212a", "''", "x's",
    " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\u00a0", "\u2003", "\u3000", "\u0085", "\u2028", "\u200b", "\x0b", "\x0c", "\x1c", "\x1f", "\x00", "\x7f",
    "0", "1", "12", "123", "1234", "12345678", "٣", "½", "Ⅷ", "²", "๕", "3.14", "1,000",
    ".", ",", "!", "?", "...", "—", "“", "”", "(", ")", "[]", "{}", "/", "//", "\\", "_", "__", "#", "##", "=>", "!=", "::", "<", ">", "|", "~", "@", "$", "%", "^&*",
    "é", "É", "e\u0301", "ß", "ẞ", "ǅ", "ﬁ", "ﬀ", "ﬅ", "Å", "K", "İ", "ı", "ſ", "œ", "ñ", "Привет", "мир", "МИР", "γειά", "ΣΑΣ", "שלום", "مرحبا", "لا", "नमस्ते", "हिन्दी", "ไทย", "ภาษา",
    "你好", "世界", "日本語", "カタカナ", "ｶﾀｶﾅ", "ﾞ", "ひらがな", "한국어", "각", "ㄱ", "ᄀ", "ᅡ", "ᆨ", "ༀ", "ཀྵ", "𐍈", "𝒳", "𝟘", "Ａ", "１", "①", "㍿", "ﷺ", "ͅ", "̈", "̧", "\u0327\u0301", "\u0301\u0327", "\u20dd", "ʰ", "ˈ", "ゝ", "々", "ªº",
    "😀", "👨‍👩‍👧", "🏳️‍🌈", "🇩🇪", "✅", "❤️", "\ufe0f", "\u200d", "\ufeff", "\ufffd", "\ue000", "\U0010ffff", "\u0378", "\U0001fae8", "\U0002ebf0", "\u1c89", "\u0897", "\U00010d40", "\U00011bf0",
    "<|endoftext|>", "<|im_start|>", "<|fim_prefix|>", "<|endofprompt|>", "<EOT>", "<META>", "<META_START>", "<META_END>", "<SOS>", "<EOT", "<<EOT>>", "</s>", "<s>",
    "camelCase", "snake_case", "XMLHttpRequest", "HTTPServer", "iPhone15Pro", "fn main() {\n    println!(\"hi\");\n}", "def f(x):\n\treturn x\n", "{\"a\": [1, 2.5e-3, null]}", "https://example.com/a?b=c&d=%20",
    "supercalifragilistic", "Donaudampfschiff", "aaaaaaaa", "zzzzzzz", "AAAA", "--------", "========", "........", "\\u00e9", "x" * 40, " " * 17, "\n" * 9, "-" * 33,
]
LONG = [
    [["a", 5000]], [["A", 3000]], [[" ", 4100]], [["\n", 3000]], [["0", 2500]], [["-", 2600]], [["=", 1025]], [["ab", 2000]], [["é", 1500]], [["😀", 1500]], [["你", 3000]], [["你好", 1200]],
    [["\t", 1030]], [["\r\n", 1030]], [[" \n", 1030]], [["a ", 2000]], [["the ", 3000]], [["1", 1023]], [["1", 1024]], [["1", 1025]], [["x", 1022], ["'s", 2]], [["x", 1023], ["'s", 2]],
    [["é", 1023], ["\u0301", 3]], [["a", 1023], ["👨‍👩‍👧", 5]], [["\x00", 1500]], [["\u200b", 1300]], [["aB", 1400]], [["AbC1", 900]], [["lorem ipsum dolor sit amet, ", 200]], [["<EOT>", 300]], [["<|endoftext|>", 120]],
    [["क्ष", 800]], [["\u0301", 1200]], [["カ", 1111]], [["(", 1024], [")", 1024]], [["\U0010ffff", 1100]], [[" ", 1024], ["a", 1]], [[" ", 1023], ["a", 1]], [["!", 1023], ["\n", 7]], [["deadbeef", 700]],
]
SURROGATES = ["\ud800", "a\udc00b", "\ude00\ud83d", "é\udfff", [["x\ud800\ud800", 1], ["\udc00y", 1]], [["\ud83d", 1024], ["\ude00", 3]]]
HUGE = [[["word ", 800_001]], [["a1- é", 800_003]]]


def spelled(text):
    return text if isinstance(text, str) else "".join(part * times for part, times in text)


def drawn(dice):
    kind = dice.random()
    if kind < 0.6:
        return "".join(dice.choice(ATOMS) for _ in range(dice.randint(1, 14)))
    if kind < 0.75:
        few = dice.sample(ATOMS, 4)
        return "".join(dice.choice(few) for _ in range(dice.randint(2, 25)))
    if kind < 0.85:
        return "".join(chr(dice.choice([dice.randint(0, 0x7F), dice.randint(0x80, 0x24FF), dice.randint(0x2E80, 0xD7FF),
                                        dice.randint(0xE000, 0x1FFFF), dice.randint(0x20000, 0x10FFFF)]))
                       for _ in range(dice.randint(1, 12)))
    if kind < 0.95:
        return "".join(chr(dice.randint(0, 0x24F)) for _ in range(dice.randint(1, 20)))
    return "".join(dice.choice(" \n\r\t'/aA1é!\u0301") for _ in range(dice.randint(1, 30)))


def count(**arguments):
    try:
        return litellm.token_counter(**arguments)
    except Exception:  # noqa: BLE001
        return None


def texts(how_many, seed):
    dice = random.Random(seed)
    wanted = [*ATOMS, *LONG, *SURROGATES, *HUGE, *(drawn(dice) for _ in range(how_many))]
    return [[text, *(count(model=model, text=spelled(text)) for model in MODELS)] for text in wanted]


def characters():
    """For every block of code points, what a text counts that has each of them three times."""
    counters = [_get_exact_count_function(model) for model in MODELS]
    counts = []
    for start in range(0, 0x110000, BLOCK):
        around = [f"a{chr(point)}1{chr(point)} {chr(point)}\n" for point in range(start, start + BLOCK) if not 0xD800 <= point <= 0xDFFF]
        counts.append([counter("".join(around)) for counter in counters])
    return counts


def png(width, height):
    data = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">L", len(data)) + b"IHDR" + data + struct.pack(">L", zlib.crc32(b"IHDR" + data))
    return b"\x89PNG\r\n\x1a\n" + chunk


def pictures():
    gif = lambda w, h: b"GIF89a" + struct.pack("<HH", w, h) + b"\0"  # noqa: E731
    jpeg = lambda w, h: b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2\x00\x0b\x08" + struct.pack(">HH", h, w) + b"\0"  # noqa: E731
    lossy = lambda w, h: b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 10 + struct.pack("<HH", w, h)  # noqa: E731
    lossless = lambda w, h: b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0/" + struct.pack("<I", (w - 1) | (h - 1) << 14)  # noqa: E731
    extended = lambda w, h: b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + struct.pack("<I", w - 1)[:3] + struct.pack("<I", h - 1)[:3]  # noqa: E731
    made = [kind(*size) for kind in (png, gif, jpeg, lossy, lossless, extended)
            for size in [(100, 100), (769, 768), (768, 2000), (3000, 400), (401, 5003), (1, 9000), (2001, 2001)]]
    made += [png(0, 1000), png(5, 5)[:20], gif(1, 1)[:8], jpeg(1, 1)[:9], b"nothing", b"", b"\0\0\0\0ftypheic"]
    return [f"data:image/x;base64,{base64.b64encode(picture).decode()}" for picture in made] + ["no comma", "a,!!", "a,YQ"]


def image(url, detail=None):
    part = {"url": url} | ({"detail": detail} if detail else {})
    return {"type": "image_url", "image_url": part}


def user(content, **more):
    return {"role": "user", "content": content, **more}


CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Köln\"}"}}
SCHEMA = {"type": "object", "required": ["city"], "properties": {
    "city": {"type": "string", "description": "Where, and 'why'?"}, "unit": {"type": "string", "enum": ["c", "f"]}, "days": {"type": "integer"},
    "level": {"type": "number", "enum": [1, 2.5]}, "deep": {"type": "object", "description": "more", "required": [], "properties": {
        "a": {"type": "array", "items": {"type": "boolean", "description": "x"}}, "b": {"type": "null"}, "c": {"type": "object"}, "d": {}}},
    "any": {"type": ["string", "null"]}}}
TOOL = {"type": "function", "function": {"name": "weather", "description": "tells the weather", "parameters": SCHEMA}}
CLAUDES = {"name": "weather", "description": "tells", "input_schema": SCHEMA}


def histories():
    plain = [user("hi")]
    blocks = [
        {"type": "text", "text": "hello there"}, {"type": "text"}, {"type": "text", "text": None}, {"type": "text", "text": 5}, "a bare text", image("https://example.com/a.png"),
        image("https://example.com/a.png", "low"), image("x", "odd"), image(""), {"type": "image_url", "image_url": "https://a"}, {"type": "image_url", "image_url": " \n"}, {"type": "image_url"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "YQ=="}}, {"type": "image", "source": {"type": "url", "url": "u"}}, {"type": "image"}, {"type": "image", "source": {}},
        {"type": "document", "source": {"type": "text", "data": "some text"}, "title": "A title", "context": "ctx"}, {"type": "document", "source": {"type": "base64", "data": "YQ=="}}, {"type": "document"},
        {"type": "document", "source": {"type": "content", "content": "plain"}}, {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "in a list"}]}}, {"type": "document", "source": {"type": "text"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,YQ=="}}, {"type": "file", "file": {"file_id": "f"}}, {"type": "file"}, {"type": "file", "file": {"filename": ""}},
        {"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Köln", "n": [1, 2.0, None, True], "q": "it's"}}, {"type": "tool_use"}, {"type": "tool_use", "name": "n", "caller": {"type": "direct"}}, {"type": "tool_use", "name": "n", "input": {}},
        {"type": "tool_result", "tool_use_id": "t", "content": "sunny"}, {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "sunny"}, image("u"), "x"]}, {"type": "tool_result", "content": "no id"},
        {"type": "tool_result", "tool_use_id": "t"}, {"type": "tool_result", "tool_use_id": "t", "content": None, "is_error": True}, {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "odd"}]},
        {"type": "thinking", "thinking": "let me see", "signature": "abc"}, {"type": "thinking"}, {"type": "tool_reference", "tool_name": "weather"}, {"type": "tool_reference"}, {"type": "odd"}, {}, 5, None,
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, {"type": "redacted_thinking", "data": "x"},
    ]
    made = [{"messages": [user([block])]} for block in blocks]
    made += [{"messages": [user([{"type": "text", "text": "see"}, image(picture, "high")])]} for picture in pictures()]
    made += [{"messages": messages} for messages in [
        [], plain, [user("")], [user("hi", name="bob")], [{"role": "system", "content": "be brief"}, *plain], [{"role": "system", "content": "s", "name": "n"}, user("é 😀", name="<b>")],
        [*plain, {"role": "assistant", "content": None, "tool_calls": [CALL, CALL]}, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}],
        [{"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "n"}}]}], [{"role": "assistant", "tool_calls": [{"id": "c"}]}], [{"role": "assistant", "tool_calls": {}}],
        [{"role": "assistant", "tool_calls": [{"function": {"name": "n", "arguments": {"a": 1}}}]}], [{"role": "assistant", "tool_calls": []}], [{"role": "assistant", "tool_calls": None, "content": "a"}],
        [{"role": "assistant", "function_call": {"name": "n", "arguments": "{}"}}], [{"role": "assistant", "function_call": "x"}], [{"role": "assistant", "function_call": None}], [{"role": "assistant", "function_call": {"arguments": None}}],
        [user("a", foreign="text", number=5, nested={"a": "b"}, listed=["x"], flag=True)], [user({"type": "text"})], [user(5)], [{}], ["text"], [None],
        [{"role": "developer", "content": "d"}, user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), {"role": "assistant", "content": [{"type": "text", "text": "c"}], "refusal": "no", "reasoning_content": "why"}],
        [{"role": "assistant", "content": "x", "thinking_blocks": [{"type": "thinking", "thinking": "t"}]}],
    ]]
    tools = [
        [TOOL], [CLAUDES], [TOOL, CLAUDES], [], None, [{}], ["x"], [{"type": "web_search_20250305", "name": "web_search"}], [{"name": ""}], [{"name": "n", "input_schema": "x"}], [{"name": "n", "parameters": {"properties": {"a": {}}}}],
        [{"type": "function", "function": {"name": "n"}}], [{"type": "function", "function": {"name": "n", "parameters": None}}], [{"type": "function", "function": {"name": "n", "description": 5, "parameters": {"properties": {"a": {"type": "array"}}}}}],
        [{"type": "function", "function": {"name": "n", "parameters": {"properties": []}}}], [{"type": "function", "function": {"name": "n", "parameters": {"properties": {"a": "x"}}}}], [{"type": "function", "function": {"name": 7}}],
        [{"type": "function", "function": {"name": "n", "parameters": {"properties": {"a": {"type": "string"}, "ab": {"type": "string", "enum": "xyz"}}, "required": "ab"}}}],
        [{"type": "function", "function": {"name": "n", "parameters": {"properties": {"a": {"type": "string", "enum": {"k": 1}}}, "required": {"a": 1}}}}], [{"type": "function", "function": {"name": "n", "parameters": {"properties": {"a": {"type": "string", "enum": None}}}}}],
        [{"type": "function", "function": {"name": "n", "parameters": {"properties": {"a": {"type": "string"}}, "required": 5}}}], [{"name": "n", "input_schema": {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {"b": {"type": "array", "items": {"type": "string"}}}}}}}}],
    ]
    system = [{"role": "system", "content": "s"}, *plain]
    made += [{"messages": messages, "tools": tool} for tool in tools for messages in (plain, system)]
    return made


def messages(dice):
    models = [*MODELS, "gpt-3.5-turbo-0301", "our-own-model"]
    made = [{"model": model, **history} for history in histories() for model in (models[:3] if len(str(history)) < 9000 else models[1:2])]
    names = ["", "gpt-4o", "gpt-4o-mini", "gpt-4o-2024-08-06", "openai/gpt-4o", "gpt-4", "gpt-4-turbo", "gpt-4.1", "gpt-4.1-mini", "gpt-4.5-preview", "gpt-5", "gpt-5.1", "gpt-5-mini", "gpt-5-2025-08-07", "o1", "o1-mini", "o1-preview", "o3", "o3-mini", "o4-mini",
             "chatgpt-4o-latest", "gpt-3.5-turbo", "gpt-3.5-turbo-0301", "gpt-35-turbo", "gpt-35-turbo-16k", "azure/gpt-41", "azure/gpt-4o", "ft:gpt-4o-2024-08-06", "ft:gpt-4o-2024-08-06:o::i", "ft:gpt-3.5-turbo", "gpt-oss-120b", "our-gpt-4o", "gpt-4o-custom", "codex-mini-latest", "computer-use-preview",
             "text-davinci-003", "davinci-002", "text-embedding-3-small", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-3-5-sonnet-20241022", "claude-2.1", "claude-opus-4-1", "claude-haiku-4-5", "anthropic/claude-sonnet-4-5", "claude-unknown", "GPT-4O", "mistral-ocr-latest", "gemini-2.5-pro", "dall-e-3", "whisper-1"]
    words = user("Grüße, 世界! Supercalifragilistic the'Ll 12345", name="bob")
    made += [{"model": name, "messages": [words]} for name in names]
    for _ in range(300):
        told = [user(drawn(dice)) | dice.choice([{}, {"name": drawn(dice)}, {"role": dice.choice(["system", "assistant", "tool"])}]) for _ in range(dice.randint(1, 4))]
        made.append({"model": dice.choice(models), "messages": told, "tools": dice.choice([None, [TOOL]])})
    recorded = [{**case, "count": count(**{key: case[key] for key in ("model", "messages", "tools") if key in case})} for case in made]
    known = {case["model"] for case in made} & litellm.model_cost.keys()
    return {"price_map": {name: {"litellm_provider": litellm.model_cost[name].get("litellm_provider")} for name in sorted(known)}, "cases": recorded}


def write(folder, name, rows):
    with open(os.path.join(folder, f"{name}.json"), "w", encoding="ascii") as file:
        if isinstance(rows, dict):
            file.write('{"price_map": ' + json.dumps(rows["price_map"]) + ',\n"cases": [\n' + ",\n".join(map(json.dumps, rows["cases"])) + "\n]}\n")
        else:
            file.write("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    print(name, len(rows["cases"]) if isinstance(rows, dict) else len(rows))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--texts", type=int, default=2500)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", default=CORPUS)
    arguments = arguments.parse_args()
    write(arguments.out, "texts", texts(arguments.texts, arguments.seed))
    if arguments.out == CORPUS:
        write(arguments.out, "messages", messages(random.Random(arguments.seed)))
        write(arguments.out, "characters", characters())


if __name__ == "__main__":
    main()
