/** A meter that parses few events reads all that one would that parses each. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { Reading } from "./dialect.ts";
import { dialects, recognise } from "./dialects/index.ts";
import { AnswerMeter } from "./meter.ts";
import { TextSample } from "./text-sample.ts";

const root = join(import.meta.dirname, "../../test/fixtures/wire");

interface Event {
  readonly name: string;
  readonly data: string;
}

/** The recorded streams of all dialects: their path, and their events. */
const streams = dialects.flatMap(({ name }) =>
  readdirSync(join(root, name))
    .filter((file) => file.endsWith(".sse"))
    .map((file) => {
      const expected = readFileSync(join(root, name, file.replace(".sse", ".expected.json")), "utf8");
      const { path } = JSON.parse(expected) as { path: string };
      return { path, events: eventsOf(readFileSync(join(root, name, file), "utf8")) };
    }),
);

function eventsOf(wire: string): Event[] {
  return wire.split(/\r?\n\r?\n/).flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, "m").exec(block)?.[1]?.trimEnd();
    const data = field("data");
    return data === undefined || data === "" ? [] : [{ name: field("event") ?? "", data }];
  });
}

const bytesOf = ({ name, data }: Event): Buffer =>
  Buffer.from(`${name === "" ? "" : `event: ${name}\n`}data: ${data}\n\n`);

function operationOf(path: string) {
  const operation = recognise("POST", path);
  if (operation === undefined) throw new Error(`${path} is not recognised`);
  return operation;
}

function metered(path: string, events: readonly Event[]) {
  const options = { contentType: "text/event-stream", dropUsageChunk: true, now: () => 1 };
  const meter = new AnswerMeter({ operation: operationOf(path), ...options });
  const relayed = events.map((event) => Buffer.from(meter.push(bytesOf(event))).toString());
  meter.finish();
  return { ...told(meter.reading, meter.text), malformed: meter.malformed, relayed };
}

/** The same by parsing every event. */
function parsed(path: string, events: readonly Event[]) {
  const { dialect } = operationOf(path);
  const text = new TextSample();
  const blank = { quantities: {}, reported: false, model: "", serviceTier: "" };
  const reading: Reading = { ...blank, outputSeen: false, complete: false, failed: false, text };
  let malformed = false;
  const relayed = events.map((event) => {
    const wire = bytesOf(event).toString();
    if (event.data === "[DONE]") {
      reading.complete = true;
      return wire;
    }
    try {
      const data = JSON.parse(event.data);
      dialect.readEvent(event.name, data, reading);
      const { choices, usage } = data ?? {};
      const caused = Array.isArray(choices) && choices.length === 0 && typeof usage === "object" && usage;
      return caused ? "" : wire;
    } catch {
      malformed = true;
      return wire;
    }
  });
  return { ...told(reading, text), malformed, relayed };
}

function told({ text: _, ...reading }: Reading, text: TextSample) {
  return { ...reading, said: text.text, characters: text.totalCharacters };
}

/** Texts of which many look alike, and some like the structure around them. */
const text = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom(
    "",
    " word",
    "\\",
    '"',
    ":",
    ",",
    "}",
    "null",
    "error",
    "content",
    "text",
    "type",
    "[DONE]",
  ),
  fc.constantFrom("\u0001", "\u2028", "\ud83d", "é漢🐑", "message_stop", "stop", "a\nb", "\x7f", "0", "-1"),
);
/** One event of a stream, again and again, each time with another text in one place. */
const run = fc.record({
  event: fc.nat(1000),
  leaf: fc.nat(1000),
  texts: fc.array(text, { minLength: 1, maxLength: 6 }),
  unread: fc.option(
    fc.record(
      { obfuscation: text, sequence_number: fc.oneof(fc.integer(), fc.double()) },
      { requiredKeys: [] },
    ),
  ),
  unreadFirst: fc.boolean(),
  raw: fc.option(fc.constantFrom("[DONE]", "{", '{"a":"\u0001"}'), { freq: 5 }),
});

/** A copy of `value` whose string number `leaf` is `text`. */
function replaced(value: unknown, leaf: number, text: string): unknown {
  const count = { left: -1 };
  const strings = (each: unknown): number =>
    typeof each === "string"
      ? 1
      : typeof each === "object" && each !== null
        ? Object.values(each).reduce((sum: number, next) => sum + strings(next), 0)
        : 0;
  count.left = leaf % Math.max(1, strings(value));
  const copy = (each: unknown): unknown => {
    if (typeof each === "string") return count.left-- === 0 ? text : each;
    if (Array.isArray(each)) return each.map(copy);
    if (typeof each !== "object" || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([name, next]) => [name, copy(next)]));
  };
  return copy(value);
}

describe("a stream of similar events", () => {
  it("is read as if each were parsed, whatever differs, in every dialect", () => {
    expect(new Set(streams.map(({ path }) => operationOf(path).dialect.name)).size).toBeGreaterThan(5);
    fc.assert(
      fc.property(fc.nat(1000), fc.array(run, { maxLength: 12 }), (stream, runs) => {
        const { path, events } = streams[stream % streams.length] ?? { path: "", events: [] };
        const sent = runs.flatMap(({ event, leaf, texts, unread, unreadFirst, raw }): Event[] => {
          const { name, data } = events[event % events.length] ?? { name: "", data: "" };
          if (data === "[DONE]" || data[0] !== "{") return [{ name, data }];
          const whole = JSON.parse(data) as object;
          return [
            ...texts.map((each) => {
              const changed = replaced(whole, leaf, each) as object;
              return {
                name,
                data: JSON.stringify(unreadFirst ? { ...unread, ...changed } : { ...changed, ...unread }),
              };
            }),
            ...(raw === null ? [] : [{ name, data: raw }]),
          ];
        });
        expect(metered(path, sent)).toEqual(parsed(path, sent));
      }),
      { numRuns: 500 },
    );
  });

  const delta = (more: object) =>
    JSON.stringify({ choices: [{ index: 0, delta: more, finish_reason: null }] });
  const says = (content: string) => delta({ content });
  const CHAT = "/v1/chat/completions";
  const numbered = (number: string) => `{"type":"x.delta","sequence_number":${number},"delta":"a"}`;

  it.each<[string, string, readonly (string | Event)[]]>([
    ["its end was said before", CHAT, [says("a"), says("b"), "[DONE]", says("c")]],
    ["it was finished", CHAT, [says("a"), says("b"), says("c").replace("null", '"stop"')]],
    ["another place says the same", CHAT, ["a", "b"].map((id) => `{"id":"${id}",${says("a").slice(1)}`)],
    [
      "the other of two texts counts",
      CHAT,
      ["a", ""].map((each) => delta({ reasoning_content: each, reasoning: "b" })),
    ],
    ["a text has escapes", CHAT, [says("a"), says('"'), says("\\"), says("\n"), says("\ud83d")]],
    [
      "a text is none",
      CHAT,
      [says("a"), says("a").replace('"a"', '"\u0001"'), says("b").replace('"b"', '"\\x"')],
    ],
    ["a number is none", "/v1/responses", ["0", "10", "01", "-1", "1.5", "", "1e3"].map(numbered)],
    [
      "its name differs",
      "/v1/messages",
      ["content_block_delta", "content_block_delta", "ping"].map((name) => ({
        name,
        data: '{"delta":{"text":"a"}}',
      })),
    ],
  ])("is parsed where %s", (_, path, sent) => {
    // What an event does is known once it was seen to do no more: from its second time on.
    const events = [...sent.slice(0, 1), ...sent].map((event) =>
      typeof event === "string" ? { name: "", data: event } : event,
    );
    expect(metered(path, events)).toEqual(parsed(path, events));
  });

  it("is parsed where an event did more than add a text", () => {
    const operation = operationOf(CHAT);
    const readEvent = (_: string, data: unknown, reading: Reading) => {
      if (reading.model === "") reading.text.add((data as { text: string }).text);
      reading.model = "seen";
    };
    const odd = { ...operation, dialect: { ...operation.dialect, readEvent } };
    const options = { contentType: "text/event-stream", dropUsageChunk: false, now: () => 1 };
    const meter = new AnswerMeter({ operation: odd, ...options });
    for (const each of ["a", "b"]) meter.push(bytesOf({ name: "", data: `{"text":"${each}"}` }));
    expect(meter.text.text).toBe("a");
  });

  it.each([
    [
      "chat",
      "/v1/chat/completions",
      (at: number) => ({ choices: [{ index: 0, delta: { content: ` w${at}` } }] }),
    ],
    [
      "messages",
      "/v1/messages",
      (at: number) => ({ type: "content_block_delta", index: 0, delta: { text: `w${at}` } }),
    ],
    [
      "responses",
      "/v1/responses",
      (at: number) => ({
        type: "response.output_text.delta",
        sequence_number: at,
        delta: "a",
        obfuscation: `x${at}`,
      }),
    ],
  ])("is hardly parsed: %s", (_, path, event) => {
    const events = Array.from({ length: 500 }, (_, at) => ({ name: "", data: JSON.stringify(event(at)) }));
    const expected = parsed(path, events);
    const parse = vi.spyOn(JSON, "parse");
    const read = metered(path, events);
    expect(parse.mock.calls.length).toBeLessThan(5);
    parse.mockRestore();
    expect(read).toEqual(expected);
    expect(read.outputSeen).toBe(true);
  });
});
