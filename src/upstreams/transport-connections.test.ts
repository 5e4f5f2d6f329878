/** Which connections a transport keeps and uses again. */
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { begin, call, OK, serverThat, transport, upstreamAt } from "../../test/helpers/transport-calls.ts";
import { until } from "../../test/helpers/until.ts";

describe("the transport keeps connections", () => {
  const answer = `${OK}content-length: 2\r\n\r\nok`;

  it("and uses one again", async () => {
    const { server, url } = await serverThat(answer);
    const through = transport();
    const upstream = upstreamAt(url);
    for (let at = 0; at < 20; at++) expect((await call(through, upstream)).body).toBe("ok");
    expect(server.opened).toBe(1);
  });

  it("of many calls at a time apart", async () => {
    const { server, url } = await serverThat(async (socket, count) => {
      await pause(count % 7);
      socket.write(`${OK}content-length: 2\r\n\r\nok`);
    });
    const through = transport();
    const upstream = upstreamAt(url);
    for (let round = 0; round < 3; round++) {
      const sinks = await Promise.all(Array.from({ length: 100 }, () => call(through, upstream)));
      for (const { body, events } of sinks) expect([body, ...events]).toEqual(["ok", "200 OK", "end"]);
    }
    expect(server.requests.length).toBe(300);
    expect(server.opened).toBeLessThanOrEqual(200);
  });

  it.each([
    ["that says it closes", `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok`],
    ["whose patience is short", `${OK}keep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok`],
  ])("but not one %s", async (_, wire) => {
    const { server, url } = await serverThat(wire);
    const through = transport();
    const upstream = upstreamAt(url);
    for (let at = 0; at < 2; at++) {
      expect((await call(through, upstream)).body).toBe("ok");
      await until(() => server.open.size, 0);
    }
    expect(server.opened).toBe(2);
  });

  it("but not one with more bytes than the answer has", async () => {
    const { server, url } = await serverThat(`${answer}HTTP/1.1 200 Evil\r\ncontent-length: 0\r\n\r\n`);
    const through = transport();
    const upstream = upstreamAt(url);
    for (let at = 0; at < 2; at++) {
      const { sink } = begin(through, upstream);
      await until(() => sink.ends, 1);
      expect(sink.events[0]).toBe("200 OK");
      await until(() => server.open.size, 0);
    }
    expect(server.opened).toBe(2);
  });

  it("but not one that says something unasked", async () => {
    const { server, url } = await serverThat((socket) => {
      socket.write(answer);
      setTimeout(() => socket.write("HTTP/1.1 200 Evil\r\ncontent-length: 0\r\n\r\n"), 30);
    });
    const through = transport();
    const upstream = upstreamAt(url);
    await call(through, upstream);
    await until(() => server.open.size, 0);
    expect((await call(through, upstream)).events).toEqual(["200 OK", "end"]);
  });

  it("but not one that the server has closed", async () => {
    const { server, url } = await serverThat((socket) => {
      socket.write(answer);
      setTimeout(() => socket.destroy(), 30);
    });
    const through = transport();
    const upstream = upstreamAt(url);
    await call(through, upstream);
    await until(() => server.open.size, 0);
    await pause(20);
    expect((await call(through, upstream)).events).toEqual(["200 OK", "end"]);
    expect(server.opened).toBe(2);
  });

  it("of upstreams in use; those of others are closed once their calls are over", async () => {
    const { server, url } = await serverThat((socket, count) => {
      if (count > 1) socket.write(answer);
    });
    const through = transport();
    const upstream = upstreamAt(url);
    const { sink } = begin(through, upstream);
    await until(() => server.requests.length, 1);
    through.retain([]);
    server.latest?.write(answer);
    await sink.over;
    expect(sink.events).toEqual(["200 OK", "end"]);
    await until(() => server.open.size, 0);
    through.retain([upstream]);
    expect((await call(through, upstream)).body).toBe("ok");
    through.retain([upstream]);
    expect(server.open.size).toBe(1);
  });

  it("until it is closed, which waits for calls in flight", async () => {
    const { server, url } = await serverThat((socket, count) => {
      if (count === 1) socket.write(answer);
    });
    const through = transport();
    const upstream = upstreamAt(url);
    await call(through, upstream);
    const { sink } = begin(through, upstream);
    await until(() => server.requests.length, 2);
    const closed = through.close().then(() => sink.events.slice());
    server.latest?.write(answer);
    expect(await closed).toEqual(["200 OK", "end"]);
    await until(() => server.open.size, 0);
  });
});
