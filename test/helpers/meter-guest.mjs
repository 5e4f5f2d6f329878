/**
 * An app with the meter library, for every runtime: makes the same calls in each and prints what was recorded of them.
 * Arguments: the library's address, the relay's, its key.
 */
import { ChatOpenAI } from "@langchain/openai";
import OpenAI from "openai";

const [library, relay, apiKey] = process.argv.slice(2);
const { createMeter } = await import(library);
const records = [];
const meter = createMeter({ upstream: "relay", app: "guest", onUsage: (record) => records.push(record) });
/** How much of a stream had come when it is left depends on a runtime's buffers: such a call is counted by itself. */
const left = [];
const leaving = createMeter({ upstream: "relay", app: "guest", onUsage: (record) => left.push(record) });
const baseURL = `${relay}/v1`;
const messages = [{ role: "user", content: "Who leads the flock? 领头羊" }];
const chat = { model: "gpt-4.1", messages };

const post = (body, more = {}) =>
  (more.meter ?? meter).fetch(`${baseURL}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json", ...more.headers },
    body: JSON.stringify(body),
    signal: more.signal,
  });

const openai = new OpenAI({ baseURL, apiKey, fetch: meter.fetch, maxRetries: 0 });
const model = new ChatOpenAI({
  model: "gpt-4.1",
  apiKey,
  maxRetries: 0,
  configuration: { baseURL, fetch: meter.fetch },
});

/** What the app gets, of each way to call. */
const calls = {
  json: async () => (await (await post(chat)).json()).choices[0].message.content,
  text: async () => JSON.parse(await (await post(chat)).text()).choices[0].message.content,
  compressed: async () => {
    const response = await post(chat, { headers: { "x-sandbox": "encoding=gzip; output=900" } });
    return (await response.json()).choices[0].message.content;
  },
  stream: async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const piece of (await post({ ...chat, stream: true })).body) {
      text += decoder.decode(piece, { stream: true });
    }
    return contentOf(text);
  },
  "whole stream": async () => contentOf(await (await post({ ...chat, stream: true })).text()),
  clone: async () => {
    const response = await post({ ...chat, stream: true });
    const copy = response.clone();
    return contentOf((await copy.text()) && (await response.text()));
  },
  fault: async () => {
    const response = await post(chat, { headers: { "x-sandbox": "status=429" } });
    return [response.status, JSON.parse(await response.text()).error.type];
  },
  abort: async () => {
    const app = new AbortController();
    const headers = { "x-sandbox": "tokensPerSecond=50; output=4000" };
    const more = { headers, signal: app.signal, meter: leaving };
    const response = await post({ ...chat, stream: true }, more);
    const reader = response.body.getReader();
    await reader.read();
    app.abort();
    return reader.read().then(
      () => "read on",
      (error) => error.name,
    );
  },
  "OpenAI's client": async () => (await openai.chat.completions.create(chat)).choices[0].message.content,
  "a stream of OpenAI's client": async () => {
    let text = "";
    for await (const chunk of await openai.chat.completions.create({ ...chat, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    return text;
  },
  LangChain: async () => (await model.invoke(messages)).content,
  "a stream of LangChain": async () => {
    let text = "";
    for await (const chunk of await model.stream(messages)) text += chunk.content;
    return text;
  },
};

/** What a stream's events say. */
function contentOf(events) {
  const data = [...events.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json));
  return data.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
}

const got = {};
for (const [name, call] of Object.entries(calls)) got[name] = await call();
const server = await meter.serve(0);
const page = await (await fetch(server.url)).text();
await server.close();
const plain = (_, value) => (typeof value === "bigint" ? String(value) : value);
process.stdout.write(JSON.stringify({ got, records, left, page }, plain));
