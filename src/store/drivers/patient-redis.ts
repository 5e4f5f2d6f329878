/** A client of Redis that waits for an answer no longer than it is told to. */
import { type Command, Redis, type RedisOptions } from "ioredis";

type Sent = Parameters<Redis["sendCommand"]>;

/**
 * Gives a command up when its answer is late. What has come by then is read first (ioredis' own `commandTimeout` does not):
 * a process that did not run for a while would think that Redis is away, and let calls past their limits.
 */
export class PatientRedis extends Redis {
  readonly #commandMs: number;

  /** `commandMs`: how long an answer is waited for, in milliseconds. */
  constructor(
    url: string,
    commandMs: number,
    options: Omit<RedisOptions, "commandTimeout" | "replyMapping">,
  ) {
    super(url, options);
    this.#commandMs = commandMs;
  }

  override sendCommand(...[command, stream]: Sent): unknown {
    this.#giveUpLate(command);
    return super.sendCommand(command, stream);
  }

  #giveUpLate(command: Command): void {
    const giveUp = () => command.reject(new Error("Command timed out"));
    const timer = setTimeout(setImmediate, this.#commandMs, giveUp);
    const answered = () => clearTimeout(timer);
    command.promise.then(answered, answered);
  }
}
