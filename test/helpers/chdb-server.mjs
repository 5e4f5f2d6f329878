/**
 * Modern ClickHouse (npm's chdb: the engine in a process) behind as much of ClickHouse's HTTP interface as the ledger's
 * driver uses. `node chdb-server.mjs <folder of the package> <data folder> <port> <user> <password>`
 */
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [home, data, port, user, password] = process.argv.slice(2);
const { Session } = createRequire(`${home}/package.json`)("chdb");
const session = new Session(data);

/** @param {string} text */
function answer(text, parameters, headers) {
  const [name, word] = headers.authorization?.startsWith("Basic ")
    ? Buffer.from(headers.authorization.slice(6), "base64").toString().split(":")
    : [
        headers["x-clickhouse-user"] ?? parameters.get("user"),
        headers["x-clickhouse-key"] ?? parameters.get("password"),
      ];
  if (name !== user || word !== password) {
    throw new Error(`Code: 516. DB::Exception: ${name}: Authentication failed. (AUTHENTICATION_FAILED)`);
  }
  session.query(`USE \`${parameters.get("database") ?? "default"}\``);
  return session.query(text, "TabSeparated") ?? "";
}

createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    if (url.pathname === "/ping") return response.end("Ok.\n");
    try {
      response.end(answer(Buffer.concat(pieces).toString(), url.searchParams, request.headers));
    } catch (error) {
      const [, code = "1000"] = /Code: (\d+)/.exec(String(error?.message)) ?? [];
      response.writeHead(500, { "x-clickhouse-exception-code": code });
      response.end(String(error?.message));
    }
  });
}).listen(Number(port), "127.0.0.1");
