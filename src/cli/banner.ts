/** What `serve` says when it is ready: where it listens, where calls go, and what to try. */

import { isLoopback } from "../config/safety.ts";
import type { Running } from "../main.ts";
import { styler } from "./style.ts";

interface Terminal {
  readonly isTTY?: boolean;
}

export function banner(running: Running, terminal: Terminal): string {
  const { url, inForce, sandbox } = running;
  const style = styler(terminal);
  const bold = (text: string): string => style("bold", text);
  const lines = [`${bold("Bellwether")} listens on ${bold(url)}`];
  const { file } = inForce.loaded;
  if (sandbox !== undefined && inForce.upstreams.includes(sandbox.upstream)) {
    const missing =
      file === undefined ? "No key and no configuration" : `${file} names no upstream, and no key is set`;
    lines.push(
      "",
      bold(`${missing}: calls go to the built-in sandbox relay.`),
      "Its answers are simulated, and nothing leaves this machine.",
      "",
      `  ${bold(`${url}/`)}    the page, in a browser`,
      `  node bin/bellwether.js demo    in another terminal: traffic to look at`,
      "",
      "Or try:",
      "",
      `  curl ${url}/v1/chat/completions -H 'content-type: application/json' \\`,
      `    -d '{"model":"gpt-4.1","messages":[{"role":"user","content":"Hello"}]}'`,
      "",
      `  new OpenAI({ baseURL: "${url}/v1", apiKey: "anything" })    # the OpenAI SDK`,
      "",
      `  curl ${url}/metrics`,
      "",
      "For real traffic set HOLYSHEEP_API_KEY (or OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY,",
      `DEEPSEEK_API_KEY, OPENROUTER_API_KEY), or ${file === undefined ? "write a bellwether.yaml" : "add `upstreams` to the file"}.`,
    );
  } else {
    for (const { name, baseUrl } of inForce.upstreams) lines.push(`  ${name} → ${baseUrl}`);
    lines.push(
      `  configuration: ${file ?? "the environment"}`,
      `  page: ${url}/${pageNote(running)}`,
      `  metrics: ${url}/metrics`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Who may see the page, where not everybody on this machine may. */
function pageNote({ inForce }: Running): string {
  const { adminToken, host } = inForce.loaded.config.server;
  if (adminToken !== undefined) return " (log in with server.adminToken)";
  return isLoopback(host) ? "" : " (from this machine only: no server.adminToken is configured)";
}
