"""More cases of `chat_goldens.py`: what decides about a cost besides the tokens, and what an answer tells that no client is told.
All made up here."""

import json

from chat_cases import ASKS_USAGE, DONE, JSON, ROLE, SSE, STOP, answered, case, choice, chunk, completion, event, raw, stream

COUNTS = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
COUNT = chunk(None, usage=COUNTS)
CITATION = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "url": "u", "title": "t"}}


def themes():
    return {
        "searches": searches(), "told_costs": told_costs(), "generalized_models": generalized_models(), "costs_in_usages": costs_in_usages(),
        "odd_extras": odd_extras(), "errors_in_answers": errors_in_answers(),
    }


def of_model(model, *pieces):
    return [piece.replace("gpt-4o-2024-08-06", model) for piece in pieces]


def searches():
    said = chunk({"content": "a"})
    cited = chunk({"annotations": [CITATION]})
    streams = {
        "first": [chunk({"role": "assistant", "content": "a", "annotations": [CITATION]}), STOP, COUNT],
        "between": [ROLE, cited, said, STOP, COUNT],
        "with words": [ROLE, chunk({"content": "a", "annotations": [CITATION]}), STOP, COUNT],
        "at the end": [ROLE, said, chunk({"annotations": [CITATION]}, "stop"), COUNT],
        "with the usage": [ROLE, said, chunk({"annotations": [CITATION]}, "stop", usage=COUNTS)],
        "behind the end": [ROLE, said, STOP, cited, COUNT],
        "of another choice": [ROLE, chunk(None, choices=[{"index": index, "delta": {"content": "a", **more}, "finish_reason": None}
                                                        for index, more in [(0, {}), (1, {"annotations": [CITATION]})]]), STOP, COUNT],
        "of another choice alone": [ROLE, chunk({"content": "a", "annotations": [CITATION]}, index=1), STOP, COUNT],
        "none": [ROLE, said, chunk({"annotations": []}), STOP, COUNT],
        "of a file": [ROLE, chunk({"content": "a", "annotations": [{**CITATION, "type": "file_citation"}]}), STOP, COUNT],
        "of no type": [ROLE, chunk({"content": "a", "annotations": [{}]}), STOP, COUNT],
        "as a text": [ROLE, chunk({"content": "a", "annotations": "url_citation"}), STOP, COUNT],
        "as an object": [ROLE, chunk({"content": "a", "annotations": CITATION}), STOP, COUNT],
        "behind null": [ROLE, chunk({"content": "a", "annotations": [None, CITATION]}), STOP, COUNT],
        "before null": [ROLE, chunk({"content": "a", "annotations": [CITATION, None]}), STOP, COUNT],
        "without a usage": [ROLE, chunk({"content": "a", "annotations": [CITATION]}), STOP],
    }
    models = {"search": "gpt-4o-search-preview", "gpt-5": "gpt-5", "gpt": "gpt-4o"}
    return [
        stream(f"{name}, {group}", *of_model(models[group], *pieces), DONE, group=group, **ASKS_USAGE)
        for name, pieces in streams.items() for group in (models if name in ("first", "at the end") else ["search"])
    ] + [
        stream("of a small context", *of_model("gpt-4o-search-preview", *streams["first"]), DONE, group="search",
               web_search_options={"search_context_size": "low"}, **ASKS_USAGE),
        stream("of a large context", *of_model("gpt-4o-search-preview", *streams["first"]), DONE, group="search",
               web_search_options={"search_context_size": "high"}, **ASKS_USAGE),
        case("not streamed, of a small context", answered(completion(choice(annotations=[CITATION]), model="gpt-4o-search-preview")), "search",
             web_search_options={"search_context_size": "low"}),
        case("not streamed, of a large context", answered(completion(choice(annotations=[CITATION]), model="gpt-4o-search-preview")), "search",
             web_search_options={"search_context_size": "high"}),
        *(case(f"{name}, {group}", answered(completion(model=models[group], usage={**COUNTS, "prompt_tokens_details": {"web_search_requests": count}})), group)
          for group in models for name, count in [("no requests counted", 0), ("one request counted", 1), ("null requests", None)]),
        *(stream(f"stream, {name}", *of_model("gpt-5", ROLE, chunk({"content": "a"}), STOP,
                 chunk(None, usage={**COUNTS, "prompt_tokens_details": {"web_search_requests": count}})), DONE, group="gpt-5", **ASKS_USAGE)
          for name, count in [("no requests counted", 0), ("one request counted", 1), ("null requests", None)]),
        case("tools of a server", answered(completion(model="gpt-5", usage={**COUNTS, "server_tool_use": {"web_search_requests": 2}})), "gpt-5"),
        case("tools of a server, no requests", answered(completion(model="gpt-5", usage={**COUNTS, "server_tool_use": {"web_search_requests": 0}})), "gpt-5"),
        case("calls of a search, as another provider counts", answered(completion(model="gpt-5", usage={
             **COUNTS, "server_side_tool_usage_details": {"web_search_calls": 1}})), "gpt-5"),
    ]


VALUES = ("0.5", "0", "abc", "", "-1", "1e-7", "nan", "inf", "1_0")
HEADERS = ("x-litellm-response-cost", "llm_provider-x-litellm-response-cost")


def told_costs():
    """The provider is a LiteLLM itself, which tells a cost."""
    said = [ROLE, chunk({"content": "a"}), STOP]
    cases = []
    for header in HEADERS:
        for value in VALUES if header == HEADERS[0] else VALUES[:3]:
            told = [header, value]
            cases += [
                case(f"{header} {value!r}", raw(json.dumps(completion()), headers=[*JSON, told])),
                stream(f"stream, {header} {value!r}", *said, COUNT, DONE, headers=[*SSE, told], **ASKS_USAGE),
            ]
    told = [HEADERS[0], "0.5"]
    return cases + [
        case("unknown model", raw(json.dumps(completion(model="unknown")), headers=[*JSON, told]), "ours"),
        case("both names", raw(json.dumps(completion()), headers=[*JSON, told, [HEADERS[1], "0.25"]])),
        case("both names, the other first", raw(json.dumps(completion()), headers=[*JSON, [HEADERS[1], "0.25"], told])),
        case("twice", raw(json.dumps(completion()), headers=[*JSON, told, [HEADERS[0], "0.25"]])),
        case("beside a cost in the usage", raw(json.dumps(completion(usage={**COUNTS, "cost": 0.125})), headers=[*JSON, told])),
        stream("stream, beside a cost in the usage", *said, chunk(None, usage={**COUNTS, "cost": 0.125}), DONE, headers=[*SSE, told], **ASKS_USAGE),
        stream("stream, no usage asked for", *said, COUNT, DONE, headers=[*SSE, told]),
        stream("stream without a usage", *said, DONE, headers=[*SSE, told], **ASKS_USAGE),
        stream("stream, both names", *said, COUNT, DONE, headers=[*SSE, told, [HEADERS[1], "0.25"]], **ASKS_USAGE),
    ]


def generalized_models():
    served = {
        "gpt-5.2": ["gpt-5.2-2026-08-06", "GPT-5.2-2026-08-06", "openai/gpt-5.2-2026-08-06", "other/gpt-5.2-x", "ft:gpt-5.2:org::id", "gpt-5.2.1", "gpt-5.2x"],
        "o1": ["o1-2099-01-01", "o1", "o1x", "o12-mini"],
        "o3-mini": ["o3-2099-01-01", "o4-mini-2099-01-01", "o0-x"],
        "gpt-5": ["gpt-5-mini-2099-01-01", "gpt-50", "gpt-5-search-api-2099", "gpt-5 é", "unknown", "x gpt-5-2099"],
        "gpt": ["gpt-5-2099-01-01", "gpt-4o-2099-01-01", "unknown", "codex-2", "gpt-6-codexes", "gpt-4.1-x-deep-research", "my-deep-research",
                "gpt-9-a-chat-latest-x", "gpt-10", "gpt-9.10", "gpt-6-\nx", "o\u017f", "o1\u017f", "ft:gpt-4o:org::id", "ft:gpt-5:org::", "gpt-5\nsearch-api", "gpt-5-SEARCH-api"],
        "ours": ["gpt-5-2099-01-01", "unknown", "codex"],
    }
    cases = []
    for group, models in served.items():
        for model in models:
            said = [piece.replace('"gpt-4o-2024-08-06"', json.dumps(model)) for piece in (ROLE, chunk({"content": "a"}), STOP, COUNT)]
            cases += [
                case(f"{group} as {model}", answered(completion(model=model, usage=COUNTS)), group),
                stream(f"{group} as {model}, streamed", *said, DONE, group=group, **ASKS_USAGE),
            ]
    cited = completion(choice(annotations=[CITATION]), model="gpt-5-2099-01-01", usage=COUNTS)
    return [*cases, case("a search of a generalized model", answered(cited), "gpt-5")]


def costs_in_usages():
    said = [ROLE, chunk({"content": "a"}), STOP]
    cases = []
    for cost in (0, 1, 0.0, 0.5, True, False, -1, 10**20, "1", {"total_cost": 1}, {"total_cost": "x"}):
        usage = {**COUNTS, "cost": cost}
        cases += [
            case(f"cost {json.dumps(cost)}", answered(completion(usage=usage))),
            stream(f"stream, cost {json.dumps(cost)}", *said, chunk(None, usage=usage), DONE, **ASKS_USAGE),
            stream(f"stream, cost {json.dumps(cost)} with a choice", *said[:-1], chunk({}, "stop", usage=usage), DONE, **ASKS_USAGE),
        ]
    details = {"video in": {"prompt_tokens_details": {"video_tokens": 2}}, "all video in": {"prompt_tokens_details": {"video_tokens": 11}},
               "video and sound in": {"prompt_tokens_details": {"video_tokens": 2, "audio_tokens": 3, "cached_tokens": 5}},
               "video out": {"completion_tokens_details": {"video_tokens": 2}}, "video and text out": {"completion_tokens_details": {"video_tokens": 2, "text_tokens": 5}}}
    for name, more in details.items():
        cases += [case(f"{name}, {group}", answered(completion(usage={**COUNTS, **more}, model=model)), group)
                  for group, model in [("gpt", "gpt-4o"), ("gpt-5", "gpt-5"), ("audio", "gpt-4o-audio-preview")]]
        cases += [stream(f"stream, {name}", *said, chunk(None, usage={**COUNTS, **more}), DONE, **ASKS_USAGE)]
    return cases


PRIVATE = ("__verbose", "_x", "_", "__class__", "__x__", "_response_headers")
ATTRIBUTES = ("json", "dict", "copy", "schema", "model_config", "model_fields", "model_extra", "model_fields_set", "construct",
              "set_provider_response_headers")
FIELDS = ("keys", "model_x")


def odd_extras():
    said = [ROLE, chunk({"content": "a"}), STOP]
    cases = []
    for key in PRIVATE + ATTRIBUTES + FIELDS:
        cases += [
            case(key, answered(completion(**{key: {"a": 1}}))), case(f"{key} in the usage", answered(completion(usage={**COUNTS, key: "x"}))),
            case(f"{key} in the details", answered(completion(usage={**COUNTS, "prompt_tokens_details": {key: 1}, "completion_tokens_details": {key: 1}}))),
            case(f"{key} in a choice", answered(completion({**choice(), key: {"a": 1}}))),
            case(f"{key} in a message", answered(completion(choice(**{key: {"a": 1}})))),
            stream(f"stream, {key}", *said[:-1], chunk({"content": "b"}, **{key: {"a": 1}}), STOP, COUNT, DONE, **ASKS_USAGE),
            stream(f"stream, {key} at the end", *said[:-1], chunk({}, "stop", **{key: 1}), COUNT, DONE, **ASKS_USAGE),
            stream(f"stream, {key} in the usage", *said, chunk(None, usage={**COUNTS, key: {"a": 1}}), DONE, **ASKS_USAGE),
        ]
    return cases


def errors_in_answers():
    errors = {
        "code as a text": {"message": "no", "code": "rate_limit_exceeded"}, "digits": {"message": "no", "code": "429"}, "429": {"message": "no", "code": 429},
        "null": {"message": "no", "code": None}, "true": {"message": "no", "code": True}, "false": {"message": "no", "code": False},
        "float": {"message": "no", "code": 502.0}, "broken float": {"message": "no", "code": 502.5}, "low float": {"message": "no", "code": 200.0},
        "list": {"message": "no", "code": [1]}, "object": {"message": "no", "code": {"a": 1}},
        "no code": {"message": "no"}, "600": {"message": "no", "code": 600}, "200": {"message": "no", "code": 200}, "99999": {"message": "no", "code": 99999},
        "400": {"message": "no", "code": 400}, "minus": {"message": "no", "code": -1}, "zero": {"message": "no", "code": 0},
        "empty text": {"message": "no", "code": ""},
        "message as an object": {"message": {"a": ["é", None, 1.0]}, "code": 400}, "message as a list": {"message": ["a"], "code": 400},
        "message as a number": {"message": 5, "code": 400}, "message as truth": {"message": True, "code": 400}, "no message": {"code": 400},
        "null message": {"message": None, "code": 400}, "empty message": {"message": "", "code": 400},
        "message as an object without a code": {"message": {"a": 1}}, "message as an object with a text": {"message": {"a": 1}, "code": "c"},
        "words of a rate limit": {"message": "Rate limit reached", "code": "rate_limit_exceeded"},
        "words of a rate limit with null": {"message": "Rate limit reached", "code": None},
    }
    words = {"context": "This model's maximum context length is 9 tokens", "policy": "content_policy_violation", "time": "Request timed out",
             "invalid request": "invalid_request_error", "not found": "invalid_request_error model_not_found", "server": "Request too large",
             "key": "Mistral API raised a streaming error", "429": "a 429 came", "fault": "The server had an error processing your request."}
    codes = {"text": "c", "null": None, "true": True, "502.5": 502.5, "600": 600, "digits": "429"}
    errors |= {f"words of {name}, {kind}": {"message": message, "code": code} for name, message in words.items() for kind, code in codes.items()}
    cases = [case(name, answered({"error": error})) for name, error in errors.items()]
    return cases + [case(f"{name} beside choices", answered(completion(error=errors[name]))) for name in ("code as a text", "null", "no code", "float")] + [
        stream(f"stream, {name}", event({"error": errors[name]})) for name in ("code as a text", "null", "float", "message as an object")]
