/**
 * Learns when a `fetch` has its connection. No platform's `fetch` tells; Node.js publishes it on diagnostics
 * channels, which this listens to from the first call that has a connect limit on. Elsewhere nothing is
 * known, and the limit on the first byte covers connecting.
 */

interface Watched {
  readonly connected: () => void;
  sent: boolean;
}

interface Store<T> {
  run<R>(value: T, callback: () => R): R;
  getStore(): T | undefined;
}

interface NodeModules {
  readonly "node:async_hooks": { AsyncLocalStorage: new <T>() => Store<T> };
  readonly "node:diagnostics_channel": {
    subscribe(name: string, listener: (message: unknown) => void): void;
  };
}

/** A module of Node.js, without an import that other platforms would stumble over. */
type GetBuiltin = <K extends keyof NodeModules>(name: K) => NodeModules[K] | undefined;

let store: Store<Watched> | undefined;
let known = false;

/**
 * Runs `send`. `connecting` is called first where the platform tells about connections, and `connected` when
 * the request is written to one; elsewhere neither is.
 */
export function afterConnecting<T>(connecting: () => void, connected: () => void, send: () => T): T {
  if (!known) {
    known = true;
    store = listen();
  }
  if (store === undefined) return send();
  connecting();
  return store.run({ connected, sent: false }, send);
}

/**
 * Requests are created in the context of the call that makes them, but written in that of the connection.
 * Source: https://github.com/nodejs/undici/blob/main/docs/docs/api/DiagnosticsChannel.md
 */
function listen(): Store<Watched> | undefined {
  // Node.js has its own `fetch` on these channels; other runtimes that have the modules do not publish there.
  if (globalThis.process?.versions?.undici === undefined) return undefined;
  const get = globalThis.process.getBuiltinModule as unknown as GetBuiltin | undefined;
  const hooks = get?.("node:async_hooks");
  const channels = get?.("node:diagnostics_channel");
  if (hooks === undefined || channels === undefined) return undefined;
  const calls = new hooks.AsyncLocalStorage<Watched>();
  const requests = new WeakMap<object, Watched>();
  channels.subscribe("undici:request:create", (message) => {
    const call = calls.getStore();
    if (call !== undefined) requests.set((message as { request: object }).request, call);
  });
  channels.subscribe("undici:client:sendHeaders", (message) => {
    const call = requests.get((message as { request: object }).request);
    if (call === undefined || call.sent) return;
    call.sent = true;
    call.connected();
  });
  return calls;
}
