/** Opens connections to an upstream for its pool: directly, or through an HTTP proxy. */
import type { Socket } from "node:net";
import { rootCertificates } from "node:tls";
import { buildConnector, Pool } from "undici";
import { makeHoldable } from "./holding.ts";
import type { Upstream } from "./upstream.ts";

type Connector = buildConnector.connector;

/** The code that a reset gets once a connection is open; see `failOnReset`. */
const RESET = "UPSTREAM_RESET";

export function connectorTo({ timeouts, ca, proxy }: Upstream): Connector {
  const trust = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
  const connect =
    proxy === undefined
      ? buildConnector({ ...trust, timeout: timeouts.connect })
      : tunnel(proxy, timeouts.connect, buildConnector({ ...trust, timeout: timeouts.connect }));
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      socket.on("error", failOnReset);
      makeHoldable(socket);
      callback(null, socket);
    });
}

/**
 * Runs before undici hears of the error. Of an answer that ends with its connection undici takes a reset
 * (ECONNRESET) for the end, so that half an answer would look whole.
 */
function failOnReset(error: Error & { code?: string }): void {
  if (error.code === "ECONNRESET") error.code = RESET;
}

/**
 * Connects through an HTTP proxy (CONNECT), also to plain HTTP upstreams. Undici's own proxy agent would
 * make one of headers that occur twice.
 */
function tunnel(proxy: string, timeout: number, secure: Connector): Connector {
  const { origin, username, password } = new URL(proxy);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = { "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` };
  const headers = username === "" ? {} : authorization;
  const pool = new Pool(origin, { connect: { timeout }, headersTimeout: timeout });
  return (options, callback) => {
    const path = `${options.hostname}:${options.port || (options.protocol === "https:" ? 443 : 80)}`;
    pool.connect({ path, headers: { ...headers, host: path } }).then(
      ({ statusCode, socket }) => {
        if (statusCode !== 200) {
          socket.on("error", () => undefined).destroy();
          callback(new Error(`the proxy answered ${statusCode}`), null);
        } else if (options.protocol === "https:")
          secure({ ...options, httpSocket: socket as Socket }, callback);
        else callback(null, socket as Socket);
      },
      (error: Error) => callback(error, null),
    );
  };
}
