/** Preloaded into a contender that would listen on every interface: keeps it on 127.0.0.1. */
import { Server } from "node:net";

const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== "number") return listen.call(this, port, ...rest);
  const callback = rest.find((argument) => typeof argument === "function");
  return listen.call(this, port, "127.0.0.1", callback);
};
