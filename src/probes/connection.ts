/** Opens a fresh connection to an upstream and takes the time of each step: look-up, connect, TLS. */
import { lookup } from "node:dns/promises";
import { isIP, connect as openSocket, type Socket } from "node:net";
import { connect as openTls, rootCertificates, type TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { type Connecting, ProbeFailure } from "./probe.ts";

/** What is opened: through an HTTP proxy the look-up and the connection are the proxy's. */
interface Target {
  readonly host: string;
  readonly port: number;
  /** Where the proxy is to lead: `host:port`; undefined without one. */
  readonly through: string | undefined;
  readonly authorization: string | undefined;
  readonly secure: boolean;
  /** The upstream's name, which its certificate has to carry. */
  readonly name: string;
}

/** @throws ProbeFailure when a step fails or `signal` ends it. */
export async function measureConnection(
  upstream: Upstream,
  clock: Clock,
  signal: AbortSignal,
): Promise<Connecting> {
  const target = targetOf(upstream);
  const began = clock.monotonic();
  const addresses = await lookUp(target.host, signal);
  const looked = clock.monotonic();
  const [address = target.host] = addresses;
  const socket = await open(address, target, signal);
  try {
    const connected = clock.monotonic();
    const steps = { dnsMs: looked - began, addresses, connectMs: connected - looked };
    if (!target.secure) {
      return { ...steps, tlsMs: undefined, certificateExpiresAt: undefined, protocol: undefined };
    }
    const secure = await handshake(socket, target.name, upstream.ca, signal);
    const { valid_to: validTo } = secure.getPeerCertificate();
    const expires = Date.parse(validTo ?? "");
    return {
      ...steps,
      tlsMs: clock.monotonic() - connected,
      certificateExpiresAt: Number.isNaN(expires) ? undefined : expires,
      protocol: secure.getProtocol() ?? undefined,
    };
  } finally {
    socket.destroy();
  }
}

/** The addresses of an upstream's host (of its proxy, where there is one). @throws ProbeFailure */
export async function resolveHost(upstream: Upstream, signal: AbortSignal): Promise<readonly string[]> {
  return lookUp(targetOf(upstream).host, signal);
}

function targetOf({ baseUrl, proxy }: Upstream): Target {
  const url = new URL(baseUrl);
  const secure = url.protocol === "https:";
  const name = bare(url.hostname);
  const port = Number(url.port) || (secure ? 443 : 80);
  if (proxy === undefined) {
    return { host: name, port, through: undefined, authorization: undefined, secure, name };
  }
  const { hostname, port: proxyPort, protocol, username, password } = new URL(proxy);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    host: bare(hostname),
    port: Number(proxyPort) || (protocol === "https:" ? 443 : 80),
    through: `${url.hostname}:${port}`,
    authorization: username === "" ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`,
    secure,
    name,
  };
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

async function lookUp(host: string, signal: AbortSignal): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    const found = await orAborted(lookup(host, { all: true }), signal);
    return found.map(({ address }) => address);
  } catch (error) {
    if (error instanceof ProbeFailure) throw error;
    throw new ProbeFailure("unreachable", `the name ${host} cannot be looked up (${codeOf(error)})`);
  }
}

async function open(address: string, target: Target, signal: AbortSignal): Promise<Socket> {
  const socket = openSocket({ host: address, port: target.port });
  try {
    await orAborted(event(socket, "connect"), signal);
    if (target.through !== undefined) await orAborted(tunnel(socket, target), signal);
    return socket;
  } catch (error) {
    socket.destroy();
    if (error instanceof ProbeFailure) throw error;
    throw new ProbeFailure(
      "unreachable",
      `${address}:${target.port} does not accept a connection (${codeOf(error)})`,
    );
  }
}

/** Asks the proxy for a connection; nothing else may follow its answer before we speak. */
async function tunnel(socket: Socket, { through = "", authorization }: Target): Promise<void> {
  const login = authorization === undefined ? "" : `proxy-authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${through} HTTP/1.1\r\nhost: ${through}\r\n${login}\r\n`);
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    await event(socket, "readable");
    head += String((socket.read() as Buffer | null) ?? "");
    if (socket.readableEnded) break;
  }
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status !== "200") throw new ProbeFailure("unreachable", `the proxy answered ${status ?? "nothing"}`);
}

async function handshake(
  socket: Socket,
  name: string,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const secure = openTls({
    socket,
    ...(isIP(name) === 0 ? { servername: name } : { host: name }),
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    ALPNProtocols: ["http/1.1"],
  });
  try {
    await orAborted(event(secure, "secureConnect"), signal);
    return secure;
  } catch (error) {
    secure.destroy();
    if (error instanceof ProbeFailure) throw error;
    throw new ProbeFailure("unreachable", `TLS with ${name} fails (${codeOf(error)})`);
  }
}

function event(socket: Socket, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (error?: Error): void => {
      socket.off(name, done).off("error", over).off("close", closed);
      // A later error, as when it is destroyed, is nobody's.
      socket.on("error", () => undefined);
      if (error === undefined) resolve();
      else reject(error);
    };
    const done = (): void => over();
    const closed = (): void => over(Object.assign(new Error("closed"), { code: "ECONNRESET" }));
    socket.once(name, done).once("error", over).once("close", closed);
  });
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new ProbeFailure("timeout", "no connection in time"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === "string" ? code : String(message);
}
