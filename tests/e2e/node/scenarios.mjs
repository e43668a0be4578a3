// The official Node SDKs at work: a line of JSON with a scenario in, a line of JSON with what came of it out.
import { createInterface } from "node:readline";

import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const SERVED_BY = "x-crossfade-served-by";
const MESSAGES = [{ role: "user", content: "What does the tide do?" }];
const Place = z.object({ city: z.string() });
const CITY = { type: "object", properties: { city: { type: "string" } } };
const FUNCTIONS = [{ type: "function", function: { name: "weather", description: "tells", parameters: CITY } }];
const TOOLS = [{ name: "weather", description: "tells", input_schema: CITY }];

/** Who served the last answer; every scenario's is told. */
let served = null;

async function noting(...request) {
  const response = await fetch(...request);
  served = response.headers.get(SERVED_BY);
  return response;
}

const chat = (asked) => new OpenAI({ baseURL: `${asked.base}/v1`, apiKey: asked.key, maxRetries: 0, fetch: noting }).chat.completions;
const messages = (asked) => new Anthropic({ baseURL: asked.base, apiKey: asked.key, maxRetries: 0, fetch: noting }).messages;
// LiteLLM tries again on its own unless it is told not to.
const ONCE = { num_retries: 0 };
const completion = (asked, options) => ({ model: asked.model, messages: MESSAGES, ...options });
const message = (asked, options) => ({ model: asked.model, messages: MESSAGES, max_tokens: 50, ...options });

/** How an SDK types a refusal. */
async function raised(call) {
  try {
    await call();
  } catch (error) {
    return { raised: error.constructor.name, status: error.status ?? null, said: error.message };
  }
  return { raised: null };
}

async function drained(stream) {
  for await (const _ of stream);
}

const SCENARIOS = {
  openai: {
    async whole(asked) {
      const data = await chat(asked).create(completion(asked));
      return { text: data.choices[0].message.content, total: data.usage.total_tokens };
    },
    async stream(asked) {
      const options = { stream: true, stream_options: { include_usage: true } };
      const data = await chat(asked).create(completion(asked, options));
      let [text, total, finish] = ["", null, null];
      for await (const chunk of data) {
        text += chunk.choices[0]?.delta.content ?? "";
        finish = chunk.choices[0]?.finish_reason ?? finish;
        total = chunk.usage?.total_tokens ?? total;
      }
      return { text, total, finish };
    },
    async tools(asked) {
      const data = await chat(asked).create(completion(asked, { tools: FUNCTIONS }));
      return { calls: data.choices[0].message.tool_calls.map((call) => JSON.parse(call.function.arguments)) };
    },
    async toolStream(asked) {
      const runner = chat(asked).stream(completion(asked, { tools: FUNCTIONS }));
      const { choices } = await runner.finalChatCompletion();
      const calls = choices[0].message.tool_calls.map((call) => [call.id, JSON.parse(call.function.arguments)]);
      return { calls, finish: choices[0].finish_reason };
    },
    async structured(asked) {
      const options = { response_format: zodResponseFormat(Place, "place") };
      const data = await chat(asked).parse(completion(asked, options));
      return { parsed: data.choices[0].message.parsed };
    },
    failed: (asked) => raised(() => chat(asked).create(completion(asked, ONCE))),
    failedStream: (asked) => raised(() => chat(asked).create(completion(asked, { stream: true, ...ONCE }))),
    failedInTheStream: (asked) => raised(async () => drained(await chat(asked).create(completion(asked, { stream: true })))),
    async abort(asked) {
      const stream = await chat(asked).create(completion(asked, { stream: true }));
      for await (const chunk of stream) {
        const text = chunk.choices[0]?.delta.content;
        if (text) {
          stream.controller.abort();
          return { text };
        }
      }
      return { text: null };
    },
  },
  anthropic: {
    async whole(asked) {
      const data = await messages(asked).create(message(asked));
      return { text: data.content[0].text, total: data.usage.output_tokens };
    },
    async stream(asked) {
      const stream = messages(asked).stream(message(asked));
      let text = "";
      stream.on("text", (piece) => (text += piece));
      const final = await stream.finalMessage();
      return { text, total: final.usage.output_tokens, finish: final.stop_reason };
    },
    async tools(asked) {
      const data = await messages(asked).create(message(asked, { tools: TOOLS }));
      return { calls: data.content.map((block) => block.input) };
    },
    async toolStream(asked) {
      const final = await messages(asked).stream(message(asked, { tools: TOOLS })).finalMessage();
      return { calls: final.content.map((block) => [block.id, block.input]), finish: final.stop_reason };
    },
    async structured(asked) {
      const options = { output_config: { format: zodOutputFormat(Place) } };
      const data = await messages(asked).parse(message(asked, options));
      return { parsed: data.parsed_output };
    },
    failed: (asked) => raised(() => messages(asked).create(message(asked, ONCE))),
    failedStream: (asked) => raised(() => messages(asked).create(message(asked, { stream: true, ...ONCE }))),
    failedInTheStream: (asked) => raised(async () => drained(await messages(asked).create(message(asked, { stream: true })))),
    async abort(asked) {
      const stream = await messages(asked).create(message(asked, { stream: true }));
      for await (const event of stream) {
        const text = event.delta?.text;
        if (text) {
          stream.controller.abort();
          return { text };
        }
      }
      return { text: null };
    },
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let told;
  try {
    told = await SCENARIOS[asked.sdk][asked.scenario](asked);
    told.served = served;
  } catch (error) {
    told = { crashed: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
