/**
 * Holding a connection back while a client is slow, by not reading on from its socket.
 *
 * Undici can pause an answer too, but an answer that ends with its connection (`Connection: close`) must not
 * end while it is paused: an assertion fails then that nothing catches, and the process ends. So undici is
 * never told. It reads its sockets with `read()`, synchronously before it hands out what was read; a held
 * socket has nothing for it.
 */
import { Socket } from "node:net";

const HELD = Symbol("held");

/** A connection that can be held. */
export type HoldableSocket = Socket & { [HELD]?: boolean };

let last: HoldableSocket | undefined;

/** Makes a new connection one that can be held. */
export function makeHoldable(socket: HoldableSocket): void {
  socket[HELD] = false;
  socket.read = readUnlessHeld;
}

/** The connection whose bytes are being parsed: meant for undici's handlers, which are not told. */
export function socketBeingRead(): HoldableSocket | undefined {
  return last;
}

/** Nothing more is read. What the system has received already waits: in this process at most 64 KiB. */
export function hold(socket: HoldableSocket): void {
  socket[HELD] = true;
}

export function release(socket: HoldableSocket): void {
  if (socket[HELD] !== true) return;
  socket[HELD] = false;
  // Not at once: the caller may stand in the midst of parsing.
  process.nextTick(readOn, socket);
}

function readOn(socket: HoldableSocket): void {
  if (!socket.destroyed && socket[HELD] === false) socket.emit("readable");
}

/** Stands in for `read` of the socket. Reading a number of bytes is what streams do internally. */
function readUnlessHeld(this: HoldableSocket, size?: number): Buffer | null {
  if (size === undefined) {
    if (this[HELD] === true) return null;
    last = this;
  }
  return Socket.prototype.read.call(this, size) as Buffer | null;
}
