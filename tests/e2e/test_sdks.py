"""The official Python SDKs see no difference."""
import anthropic
import openai
import pydantic
import pytest

import chat_cases
import messages_cases
from harness.http import MASTER_KEY

QUESTION = [{"role": "user", "content": "What does the tide do?"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]


@pytest.fixture(params=["direct", "gateway"])
def base(request, python, gateway) -> str:
    return python.url if request.param == "direct" else gateway


@pytest.fixture
def openai_client(base):
    with openai.OpenAI(base_url=f"{base}/v1", api_key=MASTER_KEY, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture(params=["direct", "gateway", "native"])
def native_base(request, python, gateway, native) -> str:
    """Of routes that the native leg serves too."""
    return {"direct": python.url, "gateway": gateway, "native": native}[request.param]


@pytest.fixture
def chat_client(native_base):
    with openai.OpenAI(base_url=f"{native_base}/v1", api_key=MASTER_KEY, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def anthropic_client(native_base):
    with anthropic.Anthropic(base_url=native_base, api_key=MASTER_KEY, max_retries=0, timeout=60) as client:
        yield client


def test_chat(chat_client):
    answer = chat_client.chat.completions.create(model="chat", messages=QUESTION)
    assert answer.choices[0].message.content.startswith("The tide turns") and answer.usage.total_tokens == 18


def test_chat_stream(chat_client):
    chunks = list(chat_client.chat.completions.create(model="chat", messages=QUESTION, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("The tide turns at six, über") and chunks[-1].usage is not None


def test_chat_tools(chat_client):
    answer = chat_client.chat.completions.create(model="chat", messages=QUESTION, tools=TOOLS)
    assert answer.choices[0].message.tool_calls[0].function.arguments == '{"city":"Bern"}'


def test_chat_tools_stream(chat_client):
    chunks = chat_client.chat.completions.create(model="chat", messages=QUESTION, tools=TOOLS, stream=True)
    calls = [call for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or []]
    assert "".join(call.function.arguments or "" for call in calls) == '{"city":"Bern"}'


def test_chat_parallel_tools_stream(chat_client, mock, slot):
    """The SDK puts two calls together from their pieces."""
    mock.script(f"slot-{slot}", chat_cases.streamed(*chat_cases.PARALLEL))
    with chat_client.chat.completions.stream(model=f"chat-slot-{slot}", messages=QUESTION, tools=[chat_cases.TOOL]) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert [(call.id, call.function.parsed_arguments) for call in calls] == [("call_1", {"city": "Bern"}), ("call_2", {"city": "Köln"})]


class Place(pydantic.BaseModel):
    city: str


def test_chat_structured_output(chat_client, mock, slot):
    mock.script(f"slot-{slot}", chat_cases.answered(chat_cases.choice(content='{"city":"Köln"}')))
    answer = chat_client.chat.completions.parse(model=f"chat-slot-{slot}", messages=QUESTION, response_format=Place)
    assert answer.choices[0].message.parsed == Place(city="Köln")


def test_chat_structured_stream(chat_client, mock, slot):
    mock.script(f"slot-{slot}", chat_cases.streamed(*chat_cases.STRUCTURED))
    with chat_client.chat.completions.stream(model=f"chat-slot-{slot}", messages=QUESTION, response_format=Place) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Place(city="Köln")


CHAT_RAISED = {
    400: openai.BadRequestError, 401: openai.AuthenticationError, 404: openai.NotFoundError, 422: openai.UnprocessableEntityError,
    429: openai.RateLimitError, 500: openai.InternalServerError,
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", CHAT_RAISED)
def test_chat_typed_errors(chat_client, mock, slot, status, stream):
    mock.script(f"slot-{slot}", chat_cases.refused(status))
    with pytest.raises(CHAT_RAISED[status], match="no é") as raised:
        chat_client.chat.completions.create(model=f"chat-slot-{slot}", messages=QUESTION, stream=stream, extra_body={"num_retries": 0})
    assert raised.value.status_code == status


def test_chat_error_in_the_stream(chat_client, mock, slot):
    mock.script(f"slot-{slot}", chat_cases.streamed(*chat_cases.WHOLE[:4], chat_cases.error_event()))
    with pytest.raises(openai.APIError, match="boom"):
        list(chat_client.chat.completions.create(model=f"chat-slot-{slot}", messages=QUESTION, stream=True))


def test_chat_abort(chat_client, mock, slot):
    """Who leaves a stream ends the provider's work."""
    case = f"slot-{slot}"
    mock.script(case, {"headers": chat_cases.SSE_HEADERS, "steps": [{"send": "".join(chat_cases.WHOLE[:5])}, {"gate": "never"}]})
    with chat_client.chat.completions.create(model=f"chat-slot-{slot}", messages=QUESTION, stream=True) as stream:
        texts = (chunk.choices[0].delta.content for chunk in stream)
        assert next(text for text in texts if text) == chat_cases.WORDS[0]
    assert mock.seen(case, at_least=1, ended=1, seconds=20)[0]["progress"] == "aborted"


def test_openai_embeddings_and_models(openai_client):
    assert len(openai_client.embeddings.create(model="embed", input=["a", "b"], encoding_format="float").data) == 2
    assert "chat" in [model.id for model in openai_client.models.list()]


def test_openai_responses(openai_client):
    answer = openai_client.responses.create(model="chat", input="hello")
    assert answer.output_text.startswith("The tide")
    kinds = [event.type for event in openai_client.responses.create(model="chat", input="hello", stream=True)]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"


def test_openai_errors(base, mock, slot):
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0).models.list(extra_headers={"Authorization": openai.Omit()})
    client = openai.OpenAI(base_url=f"{base}/v1", api_key=MASTER_KEY, max_retries=0)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="nobody-has-this", messages=QUESTION)
    mock.script(f"slot-{slot}", {"status": 400, "body": {"error": {"message": "too odd", "type": "invalid_request_error", "param": "messages", "code": "odd"}}})
    with pytest.raises(openai.BadRequestError, match="too odd"):
        client.chat.completions.create(model=f"chat-slot-{slot}", messages=QUESTION)


def test_anthropic_messages(anthropic_client):
    answer = anthropic_client.messages.create(model="claude", max_tokens=50, messages=QUESTION)
    assert answer.content[0].text.startswith("The tide") and answer.usage.output_tokens == 7


def test_anthropic_stream(anthropic_client):
    with anthropic_client.messages.stream(model="claude", max_tokens=50, messages=QUESTION) as stream:
        assert "".join(stream.text_stream).startswith("The tide turns at six, über")
        assert stream.get_final_message().stop_reason == "end_turn"


def test_anthropic_tools(anthropic_client):
    answer = anthropic_client.messages.create(model="claude", max_tokens=50, messages=QUESTION, tools=[{"name": "weather", "input_schema": {"type": "object"}}])
    assert answer.content[0].input == {"city": "Bern"}


def test_anthropic_events(anthropic_client):
    kinds = [event.type for event in anthropic_client.messages.create(model="claude", max_tokens=50, messages=QUESTION, stream=True)]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop") and kinds.count("content_block_delta") > 3


def test_anthropic_tools_stream(anthropic_client, mock, slot):
    mock.script(f"slot-{slot}", messages_cases.streamed(*messages_cases.TOOL_USE))
    with anthropic_client.messages.stream(model=f"claude-slot-{slot}", max_tokens=50, messages=QUESTION, tools=[messages_cases.TOOL]) as stream:
        final = stream.get_final_message()
    assert final.content[0].input == {"city": "Bern"} and final.stop_reason == "tool_use"


def test_anthropic_thinking_stream(anthropic_client, mock, slot):
    mock.script(f"slot-{slot}", messages_cases.streamed(*messages_cases.THINKING))
    thinking = {"type": "enabled", "budget_tokens": 1024}
    with anthropic_client.messages.stream(model=f"claude-slot-{slot}", max_tokens=2000, messages=QUESTION, thinking=thinking) as stream:
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"] and final.content[0].signature == "c2ln"


# What LiteLLM makes of the provider's status, as the SDK types it.
RAISED = {400: anthropic.BadRequestError, 401: anthropic.AuthenticationError, 429: anthropic.RateLimitError, 500: anthropic.InternalServerError}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", RAISED)
def test_anthropic_typed_errors(anthropic_client, mock, slot, status, stream):
    mock.script(f"slot-{slot}", messages_cases.refused(status))
    with pytest.raises(RAISED[status]) as raised:
        anthropic_client.messages.create(model=f"claude-slot-{slot}", max_tokens=5, messages=QUESTION, stream=stream, extra_body={"num_retries": 0})
    assert raised.value.status_code == status


def test_anthropic_abort(anthropic_client, mock, slot):
    """Who leaves a stream ends the provider's work."""
    case = f"slot-{slot}"
    mock.script(case, {"headers": messages_cases.SSE_HEADERS, "steps": [{"send": "".join(messages_cases.WHOLE[:5])}, {"gate": "never"}]})
    with anthropic_client.messages.stream(model=f"claude-slot-{slot}", max_tokens=50, messages=QUESTION) as stream:
        assert next(iter(stream.text_stream)) == messages_cases.WORDS[0]
    assert mock.seen(case, at_least=1, ended=1, seconds=20)[0]["progress"] == "aborted"


def test_anthropic_errors(native_base):
    client = anthropic.Anthropic(base_url=native_base, api_key=MASTER_KEY, max_retries=0)
    with pytest.raises(anthropic.APIStatusError) as raised:
        client.messages.create(model="nobody-has-this", max_tokens=5, messages=QUESTION)
    assert raised.value.status_code == 400


@pytest.mark.parametrize("leg", ["pass-through", "native"])
def test_mistral_ocr(leg, gateway, native):
    """The Mistral SDK asks `/v1/ocr`, which is LiteLLM's path too."""
    from mistralai.client import Mistral

    with Mistral(server_url=gateway if leg == "pass-through" else native, api_key=MASTER_KEY) as client:
        answer = client.ocr.process(model="ocr", document={"type": "document_url", "document_url": "https://example.org/a.pdf"}, pages=[0], include_image_base64=True)
    assert answer.pages and answer.usage_info.pages_processed >= 1
