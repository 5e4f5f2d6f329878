/**
 * Two attempts at one call. When the first has not begun to answer in time, a second one is made at another place; the
 * first of them to begin is the call's answer, and the other is cancelled. To the call this is one exchange.
 *
 * The second attempt is a call of its own in the books, so that what it costs is counted where it costs it. If it wins,
 * the two change places there: the attempt that was given up is always the other one.
 */
import { BellwetherError, errorTypeOfStatus } from "../core/errors.ts";
import { LimitRefusal } from "../limits/limit-refusal.ts";
import type { Admission } from "../limits/limiter.ts";
import type { AnswerSink, UpstreamExchange } from "../upstreams/exchange.ts";
import type { HedgeSettings } from "../upstreams/upstream.ts";
import type { HedgeOutcome } from "../usage/traffic-metrics.ts";
import { admit } from "./admit.ts";
import type { Attempts } from "./attempts.ts";
import { CallRecord } from "./call-record.ts";
import { CommentReader } from "./event-comments.ts";
import { mayBeHedged } from "./hedge-policy.ts";
import type { Paces } from "./paces.ts";
import type { Place } from "./places.ts";
import type { ReadRequest } from "./read-request.ts";
import { AnswerHead } from "./request-head.ts";
import { type Sent, tellStatus, type Way } from "./send.ts";
import type { Settings, Surroundings } from "./state.ts";

/** The call that the attempts are for. */
export interface RacingCall extends AnswerSink {
  /** Its client has left. */
  readonly gone: boolean;
  /** Makes ready another attempt. */
  ready(place: Place): Sent;
  /** From here on this attempt is the call's. */
  goOnWith(sent: Sent): void;
}

export interface RaceParts {
  readonly call: RacingCall;
  readonly request: ReadRequest;
  readonly way: Way;
  readonly record: CallRecord;
  readonly attempts: Attempts;
  readonly settings: Settings;
  readonly around: Surroundings;
}

/** Comments are held back up to so many bytes; more of them are an answer too. */
const MOST_HELD_BYTES = 64 * 1024;

/** Sends the attempt, and may make a second one; undefined where this call is not to be hedged. */
export function raced(sent: Sent, parts: RaceParts): UpstreamExchange | undefined {
  const { hedge } = sent.place.upstream;
  const { paces } = parts.around;
  if (hedge === undefined || paces === undefined || !mayBeHedged(parts.request, parts.settings))
    return undefined;
  return new Race(sent, hedge, paces, parts);
}

class Race implements UpstreamExchange {
  readonly parts: RaceParts;
  readonly #paces: Paces;
  readonly #first: Runner;
  #second: { readonly runner: Runner; readonly record: CallRecord } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #chosen: Runner | undefined;
  #aborted = false;

  constructor(sent: Sent, hedge: HedgeSettings, paces: Paces, parts: RaceParts) {
    this.parts = parts;
    this.#paces = paces;
    this.#first = new Runner(this, sent, parts.around.clock.monotonic());
    const patience = parts.attempts.mayHedge ? paces.patience(sent.place, this.#streaming, hedge) : undefined;
    if (patience === undefined) this.#chosen = this.#first;
    // What has come by then is read first: a process that did not run for a while has no late upstream.
    else this.#timer = setTimeout(() => setImmediate(() => this.#hedge()), patience);
    this.#first.exchange = parts.around.transport.send(sent.place.upstream, sent.request, this.#first);
  }

  // The call's side.

  resume(): void {
    this.#chosen?.exchange?.resume();
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#stopWaiting();
    if (this.#chosen !== undefined) {
      this.#chosen.alive = false;
      return this.#chosen.exchange?.abort();
    }
    this.#first.exchange?.abort();
    if (this.#second === undefined) return;
    this.#giveUp(this.#second.runner);
    this.#closeBooks("gone", true);
  }

  // The attempts' side.

  /** It is the one whose answer the call gets. */
  isChosen(runner: Runner): boolean {
    return this.#chosen === runner;
  }

  /** Its answer begins. */
  begins(runner: Runner): void {
    this.noteStart(runner);
    this.#stopWaiting();
    const other = this.#other(runner);
    const cancelled = other?.alive === true;
    if (other !== undefined && cancelled) {
      this.noteStart(other);
      this.#giveUp(other);
    }
    this.#choose(runner, runner === this.#first ? "lost" : "won", cancelled);
    runner.relay();
  }

  /** It failed. True when the call goes on with the other one. */
  drops(runner: Runner, tell: () => void): boolean {
    runner.alive = false;
    this.#stopWaiting();
    const second = this.#second;
    if (second === undefined || this.#other(runner)?.alive !== true) {
      this.#choose(runner, "failed", false);
      return false;
    }
    tell();
    if (runner === this.#first) return true;
    // The call goes on as if there had been no second attempt.
    this.#closeBooks("failed", false);
    this.#choose(this.#first, "failed", false);
    this.#first.relay();
    return true;
  }

  noteStart(runner: Runner): void {
    const ms = this.parts.around.clock.monotonic() - runner.beganAt;
    this.#paces.note(runner.sent.place, this.#streaming, ms);
  }

  get #streaming(): boolean {
    return this.parts.request.facts.streaming;
  }

  #other(runner: Runner): Runner | undefined {
    return runner === this.#first ? this.#second?.runner : this.#first;
  }

  /** No second attempt will be made any more. */
  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #giveUp(runner: Runner): void {
    runner.alive = false;
    runner.exchange?.abort();
    runner.sent.ticket?.left();
  }

  /** The call goes on with this one; the second attempt's books are closed, under the place that was given up. */
  #choose(runner: Runner, outcome: HedgeOutcome, cancelled: boolean): void {
    this.#chosen = runner;
    const second = this.#second;
    if (second === undefined) return;
    if (runner === second.runner) {
      this.parts.record.trade(second.record);
      this.parts.attempts.goesOnAt(runner.sent.place);
      this.parts.call.goOnWith(runner.sent);
    }
    this.#closeBooks(outcome, cancelled);
  }

  /** `cancelled`: it was given up while it was worked on, and what it was asked may have to be paid for. */
  #closeBooks(outcome: HedgeOutcome, cancelled: boolean): void {
    const second = this.#second;
    if (second === undefined) return;
    this.#second = undefined;
    const [from, to] = [this.#first, second.runner].map(({ sent }) => sent.place.upstream.name);
    this.parts.around.metrics.hedged(from ?? "", to ?? "", outcome);
    const error = new BellwetherError("hedge_lost");
    second.record.settle({ error, clientGone: false, ...(cancelled ? {} : { sent: false }) });
  }

  /** The first attempt is late: makes the second one, if there may be one. */
  #hedge(): void {
    if (this.#timer === undefined) return;
    this.#timer = undefined;
    const { call, attempts, around, settings, record: main, request, way } = this.parts;
    const place = call.gone ? undefined : attempts.beside(around.clock.monotonic());
    if (place === undefined) return this.#alone();
    const record = new CallRecord(around, settings, way.method, way.path);
    record.app = main.app;
    record.team = main.team;
    record.traceparent = main.traceparent;
    try {
      const admission = admit(record, request, place, { attempt: "hedge" }, settings, around);
      if (!(admission instanceof Promise)) return this.#begin(place, record, admission);
      admission.then(
        (admitted) => this.#begin(place, record, admitted),
        (error: unknown) => this.#refused(error),
      );
    } catch (error) {
      this.#refused(error);
    }
  }

  #begin(place: Place, record: CallRecord, admission: Admission | undefined): void {
    // While the counters were asked the first attempt has begun, or failed, or the client has left.
    if (this.#chosen !== undefined || this.#aborted || !this.#first.alive) return admission?.release();
    const { call, request, around } = this.parts;
    const { operation, facts, body, asked } = request;
    if (admission !== undefined) record.admit(admission);
    record.start({ operation, facts, body, asked, ...place });
    this.parts.record.retries++;
    const sent = call.ready(place);
    record.sent();
    const runner = new Runner(this, sent, around.clock.monotonic());
    this.#second = { runner, record };
    runner.exchange = around.transport.send(place.upstream, sent.request, runner);
    record.pause();
  }

  /** Its limits have no room for a second attempt. */
  #refused(error: unknown): void {
    if (!(error instanceof LimitRefusal))
      this.parts.around.log.error({ err: error }, "a call was not hedged");
    this.#alone();
  }

  /** There will be no second attempt: what the first has held back goes on. */
  #alone(): void {
    if (this.#chosen !== undefined || this.#aborted || !this.#first.alive) return;
    this.#chosen = this.#first;
    this.#first.relay();
  }
}

/** One of the attempts: holds its answer back until it is chosen, and passes everything on from then on. */
class Runner implements AnswerSink {
  readonly #race: Race;
  readonly sent: Sent;
  readonly beganAt: number;
  exchange: UpstreamExchange | undefined;
  /** Neither failed nor given up. */
  alive = true;
  #head: { readonly status: number; readonly text: string; readonly headers: string[] } | undefined;
  #comments: CommentReader | undefined;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #noted = false;

  constructor(race: Race, sent: Sent, beganAt: number) {
    this.#race = race;
    this.sent = sent;
    this.beganAt = beganAt;
  }

  get #call(): RacingCall {
    return this.#race.parts.call;
  }

  /** It has been chosen: what was held back goes on. */
  relay(): void {
    const head = this.#head;
    if (head === undefined) return;
    let wanted = this.#call.onHead(head.status, head.text, head.headers);
    for (const chunk of this.#held.splice(0)) if (this.alive) wanted = this.#call.onData(chunk);
    this.#wanted = wanted;
  }

  /** What the call last said to more. */
  #wanted = true;

  onInformation(status: number, headers: string[]): void {
    if (this.#race.isChosen(this)) this.#call.onInformation(status, headers);
  }

  onHead(status: number, text: string, headers: string[]): boolean {
    this.#comments = status < 400 ? new CommentReader(new AnswerHead([...headers])) : undefined;
    if (this.#race.isChosen(this)) return this.#call.onHead(status, text, headers);
    this.#head = { status, text, headers };
    if (status < 400) return true;
    const dropped = this.#race.drops(this, () => {
      tellStatus(this.sent, status, headers, this.#race.parts.around);
      this.#race.parts.record.attemptFailed(errorTypeOfStatus(status) ?? "upstream_5xx", this.sent.place);
      this.exchange?.abort();
    });
    if (dropped) return true;
    this.alive = true;
    return this.#call.onHead(status, text, headers);
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#race.isChosen(this)) {
      if (!this.#noted && this.#comments?.onlyComments(chunk) === false) {
        this.#noted = true;
        this.#race.noteStart(this);
      }
      return this.#call.onData(chunk);
    }
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#comments?.onlyComments(chunk) === true && this.#heldBytes < MOST_HELD_BYTES) return true;
    this.#noted = true;
    this.#race.begins(this);
    return this.#wanted;
  }

  onEnd(trailers: string[]): void {
    if (!this.#race.isChosen(this)) this.#race.begins(this);
    this.#call.onEnd(trailers);
  }

  onFail(error: BellwetherError): void {
    if (this.#race.isChosen(this)) return this.#call.onFail(error);
    const dropped = this.#race.drops(this, () => {
      this.sent.ticket?.tell(error.type);
      this.#race.parts.record.attemptFailed(error.type, this.sent.place);
    });
    if (!dropped) this.#call.onFail(error);
  }
}
