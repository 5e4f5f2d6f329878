/** Refuses settings that would run an open relay by accident. */
import { isIPv4, isIPv6 } from "node:net";
import type { Loaded } from "./load.ts";
import { ConfigError, type Problem, problemAt } from "./problems.ts";

/**
 * Checks who may call. To be called when host and port are final: the command line may have changed them.
 * @throws ConfigError when anybody on the network could spend the upstreams' money, or nobody could call.
 */
export function checkSafety({ config, locate }: Pick<Loaded, "config" | "locate">): void {
  const problems = safetyProblems({ config, locate });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** The same as a list. */
export function safetyProblems({ config, locate }: Pick<Loaded, "config" | "locate">): Problem[] {
  const { host, auth } = config.server;
  if (auth === "none" && !isLoopback(host)) {
    return [
      problemAt(
        locate,
        ["server", "host"],
        `listening on ${host} without authentication would let anybody who reaches it use your upstream keys`,
        "Do one of three: set `server.auth: keys` and list the apps' keys under `apps`; set `server.auth: passthrough`, so that clients send their own upstream key; or listen on 127.0.0.1.",
      ),
    ];
  }
  if (auth === "keys" && config.apps.length === 0) {
    return [
      problemAt(
        locate,
        ["server", "auth"],
        "`keys` needs at least one app with a key, else nobody can call",
        'Add one under `apps`: - { name: shop, keys: ["sha256:…"] }. The hash: printf %s "$KEY" | sha256sum.',
      ),
    ];
  }
  return [];
}

/** 127.0.0.0/8, ::1 (also mapped) and localhost. */
export function isLoopback(host: string): boolean {
  const address = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (address === "localhost") return true;
  const mapped = address.replace(/^::ffff:(?=\d+\.)/, "");
  if (isIPv4(mapped)) return mapped.startsWith("127.");
  return isIPv6(address) && /^(0{0,4}:){2,7}0{0,3}1$/.test(address);
}
