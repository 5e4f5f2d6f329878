/**
 * THE main path: the life of one call, from its head to its settlement.
 *
 *   recognise → authenticate → body → facts → plan → limits → record start → send → answer → settle
 *
 * A step that fails ends in `refuse` while nothing has been sent to the client, in `breakOff` when the
 * answer has begun. Both lead to `settle`, which happens exactly once for every call.
 */
import { BellwetherError } from "../core/errors.ts";
import type { Admission, Downgrade } from "../limits/limiter.ts";
import type { UpstreamExchange } from "../upstreams/exchange.ts";
import type { Operation } from "../usage/dialect.ts";
import { recognise } from "../usage/dialects/index.ts";
import { errorEvent } from "../usage/error-shape.ts";
import { fromLatin1, parseBody } from "../usage/request-body.ts";
import { type App, anonymousApp, authenticate, authorise } from "./access.ts";
import { admit } from "./admit.ts";
import { Answer, type AnswerOutput } from "./answer.ts";
import { type Attempts, attemptsFor, type Failure, type NextAttempt } from "./attempts.ts";
import { CallRecord } from "./call-record.ts";
import { Drain } from "./drain.ts";
import { type RacingCall, raced } from "./hedge.ts";
import type { Place, Target } from "./places.ts";
import type { ClientExchange, ClientListener } from "./ports.ts";
import { climbs, noHost, type ReadRequest, splitTarget } from "./read-request.ts";
import { answerRefusal, answerSelf, familyOf, rejectionReason, toBellwetherError } from "./refusal.ts";
import { AnswerHead, RequestHead } from "./request-head.ts";
import { planCall } from "./route.ts";
import { attemptAt, type Sent, tellStatus, type Way } from "./send.ts";
import type { Settings, Surroundings } from "./state.ts";
import { modelEntry } from "./virtual-models.ts";

/** Handles one client request. `settings` stay the same for the call, whatever is reloaded meanwhile. */
export function handle(client: ClientExchange, settings: Settings, around: Surroundings): void {
  new CallInFlight(client, settings, around).begin();
}

interface Repeat {
  readonly request: ReadRequest;
  readonly forward: readonly string[];
}

class CallInFlight implements ClientListener, RacingCall, AnswerOutput {
  readonly #client: ClientExchange;
  readonly #settings: Settings;
  readonly #around: Surroundings;
  readonly #record: CallRecord;
  readonly #path: string;
  readonly #query: string;
  #head: RequestHead | undefined;
  #app: App = anonymousApp;
  #operation: Operation | undefined;
  /** The attempt that was sent last. */
  #sent: Sent | undefined;
  #exchange: UpstreamExchange | undefined;
  #attempts: Attempts | undefined;
  /** What a further attempt needs; dropped when the answer begins. */
  #repeat: Repeat | undefined;
  /** Between two attempts. */
  #waiting: NodeJS.Timeout | undefined;
  #answer: Answer | undefined;
  #trailers: string[] | undefined;
  /** Why the answer is not complete, when it is not. */
  #error: BellwetherError | undefined;
  #clientGone = false;
  #clientDone = false;
  #drain: Drain | undefined;

  constructor(client: ClientExchange, settings: Settings, around: Surroundings) {
    this.#client = client;
    this.#settings = settings;
    this.#around = around;
    const { path, query } = splitTarget(client.target);
    this.#path = path;
    this.#query = query;
    this.#record = new CallRecord(around, settings, client.method, path);
  }

  begin(): void {
    try {
      this.#operation = recognise(this.#client.method, this.#path);
      if (this.#operation !== undefined) this.#record.endpoint = this.#operation.endpoint;
      const { http10 } = this.#client;
      this.#head = new RequestHead(this.#client.rawHeaders, http10);
      if (!this.#head.hasHost && !http10) throw noHost();
      this.#record.traceparent = this.#head.traceparent;
      this.#app = authenticate(this.#settings.access, this.#head, this.#query, this.#record.startedAt);
      this.#record.app = this.#app.name;
      this.#record.team = this.#app.team;
      if (this.#operation === undefined || climbs(this.#path)) {
        throw new BellwetherError("unknown_path", { method: this.#client.method, path: this.#path });
      }
      this.#record.pause();
      this.#client.readBody(this.#settings.bodyLimit, this);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onBody(body: Uint8Array | undefined): void {
    this.#record.resume();
    const operation = this.#operation as Operation;
    const head = this.#head as RequestHead;
    try {
      const parsed = parseBody(body, head.contentType);
      const facts = operation.dialect.facts(operation, parsed);
      const asked = fromLatin1(facts.model);
      const family = familyOf(operation, head, this.#path);
      authorise(this.#app, operation.endpoint, asked, operation.billable);
      if (operation.endpoint === "models") {
        const entry = modelEntry(this.#settings.ownModels, { ...this.#way, operation, family });
        if (entry !== undefined) return this.#answerSelf(entry);
      }
      const refusal = this.#around.refusal?.();
      if (refusal !== undefined) throw refusal;
      this.#admit({ operation, head, body, parsed, facts, asked, family }, asked);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** What was asked for only Bellwether knows. */
  #answerSelf(json: string): void {
    this.#clientDone = true;
    this.#record.bytesOut += answerSelf(this.#client, 200, json, this.#record);
    this.#record.settle({ error: undefined, clientGone: false, status: 200 });
  }

  /** Plans the call for a model and asks the limits; the counters may answer later. */
  #admit(request: ReadRequest, wanted: string, downgrade?: Downgrade): void {
    const [record, settings, around] = [this.#record, this.#settings, this.#around];
    const target = planCall(request, wanted, this.#path, record, settings, around, downgrade);
    const occasion = downgrade === undefined ? "first" : "downgraded";
    const admission = admit(record, request, target, occasion, settings, around);
    if (!(admission instanceof Promise)) return this.#admitted(request, target, admission);
    this.#record.pause();
    admission
      .then((admitted) => {
        this.#record.resume();
        this.#admitted(request, target, admitted);
      })
      .catch((error: unknown) => this.#refuse(error));
  }

  #admitted(request: ReadRequest, target: Target, admission: Admission | undefined): void {
    // While the counters were asked the client may have left.
    if (this.#clientGone) return admission?.release();
    if (admission?.downgrade !== undefined) {
      admission.release();
      return this.#admit(request, admission.downgrade.model, admission.downgrade);
    }
    if (admission !== undefined) this.#record.admit(admission);
    const { upstream, model } = target;
    const { operation, facts, body, asked } = request;
    this.#record.start({ operation, facts, body, asked, upstream, model });
    this.#attempts = attemptsFor(target, this.#around);
    if (this.#attempts !== undefined) this.#repeat = { request, forward: [...request.head.forward] };
    this.#send(target, request, undefined);
  }

  #send(place: Place, request: ReadRequest, deadline: number | undefined): void {
    const sent = attemptAt(place, request, this.#way, deadline, this.#settings, this.#around);
    this.#sent = sent;
    this.#record.sent();
    const hedged = place.upstream.hedge === undefined ? undefined : this.#race(sent, request);
    this.#exchange = hedged ?? this.#around.transport.send(place.upstream, sent.request, this);
    this.#record.pause();
  }

  get #way(): Way {
    return { method: this.#client.method, path: this.#path, query: this.#query, app: this.#app };
  }

  // A second attempt beside the first.

  #race(sent: Sent, request: ReadRequest): UpstreamExchange | undefined {
    const attempts = this.#attempts;
    if (attempts === undefined) return undefined;
    const from = { way: this.#way, record: this.#record, settings: this.#settings, around: this.#around };
    return raced(sent, { ...from, call: this, request, attempts });
  }

  get gone(): boolean {
    return this.#clientGone;
  }

  ready(place: Place): Sent {
    const { request, forward } = this.#repeat as Repeat;
    request.head.forward.splice(0, Infinity, ...forward);
    const { deadline } = this.#attempts as Attempts;
    return attemptAt(place, request, this.#way, deadline, this.#settings, this.#around);
  }

  goOnWith(sent: Sent): void {
    this.#sent = sent;
  }

  /** After a failure before the answer began: begins the next attempt, if there is to be one. */
  #again(failure: Failure): boolean {
    const { clock } = this.#around;
    const next = this.#clientGone
      ? undefined
      : this.#attempts?.next(failure, clock.monotonic(), Math.random());
    if (next === undefined) return false;
    this.#exchange?.abort();
    this.#record.pause();
    this.#waiting = setTimeout(() => {
      this.#waiting = undefined;
      this.#exchange = undefined;
      this.#attempt(next);
    }, next.waitMs);
    return true;
  }

  #attempt({ place, reason }: NextAttempt): void {
    const repeat = this.#repeat;
    if (repeat === undefined || this.#clientGone) return;
    this.#record.resume();
    const { request, forward } = repeat;
    const begin = (admission?: Admission): void => {
      if (this.#clientGone) return admission?.release();
      if (admission !== undefined) this.#record.admit(admission);
      this.#record.again(place, reason);
      request.head.forward.splice(0, Infinity, ...forward);
      this.#send(place, request, this.#attempts?.deadline);
    };
    try {
      const { place: before } = this.#sent as Sent;
      if (place.upstream === before.upstream && place.model === before.model) return begin();
      const occasion = { attempt: "fallback", from: before.model } as const;
      const admission = admit(this.#record, request, place, occasion, this.#settings, this.#around);
      if (!(admission instanceof Promise)) return begin(admission);
      admission.then(begin).catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      this.#refuse(error);
    }
  }

  onBodyFailed(error: BellwetherError): void {
    this.#record.resume();
    this.#refuse(error);
  }

  // The answer comes.

  onInformation(status: number, headers: string[]): void {
    if (!this.#clientGone) this.#client.inform(status, new AnswerHead(headers).headers);
  }

  onHead(status: number, statusText: string, rawHeaders: string[]): boolean {
    this.#record.resume();
    const { place, usageInjected: dropUsageChunk, addition } = this.#sent as Sent;
    const verdict = tellStatus(this.#sent as Sent, status, rawHeaders, this.#around);
    if (status >= 400 && this.#again({ status, ...verdict })) return true;
    this.#repeat = undefined;
    try {
      const head = new AnswerHead(rawHeaders);
      const operation = this.#operation as Operation;
      const { monotonic: now } = this.#around.clock;
      const answer = new Answer(status, head, { operation, now, dropUsageChunk, addition }, this);
      if (!this.#clientGone) {
        if (head.requestId === "") head.headers.push("x-request-id", this.#record.id);
        head.headers.push("server-timing", this.#record.serverTiming());
        this.#record.addRoute(head.headers);
        this.#client.head(status, statusText, head.headers);
      }
      this.#answer = answer;
      this.#record.answerBegan(answer, head);
    } catch (error) {
      // A head that cannot be passed on; nothing has been sent yet.
      const why = error instanceof Error ? error.message : String(error);
      const { name: upstream } = place.upstream;
      this.#refuse(new BellwetherError("upstream_malformed", { upstream, why }, error));
    }
    this.#record.pause();
    return true;
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#drain?.exceededBy(chunk.length) === true) {
      this.#exchange?.abort();
      this.#finishAnswer();
      return true;
    }
    return this.#answer === undefined || this.#answer.push(chunk);
  }

  output(bytes: Uint8Array): boolean {
    if (this.#clientGone || bytes.length === 0) return true;
    this.#record.bytesOut += bytes.length;
    return this.#client.write(bytes);
  }

  onEnd(trailers: string[]): void {
    this.#trailers = trailers;
    // The client does not wait for the meter to read what was passed on as it came.
    if (this.#answer?.edited === false) this.#endClient();
    this.#finishAnswer();
  }

  onFail(error: BellwetherError): void {
    this.#sent?.ticket?.tell(error.type);
    if (this.#answer === undefined && !this.#clientGone) {
      if (!this.#again({ error })) this.#refuse(error);
      return;
    }
    this.#error = error;
    this.#finishAnswer();
  }

  more(): void {
    this.#exchange?.resume();
  }

  undecodable(): void {
    this.#exchange?.abort();
    const why = "its body is not in its `content-encoding`";
    const upstream = this.#sent?.place.upstream.name ?? "";
    this.onFail(new BellwetherError("upstream_malformed", { upstream, why }));
  }

  answerRead(): void {
    this.#endClient();
    this.#settle();
  }

  // The client.

  onDrain(): void {
    this.#answer?.drained();
  }

  onGone(): void {
    if (this.#clientDone || this.#clientGone) return;
    this.#clientGone = true;
    this.#record.left = true;
    this.#around.limiter?.leave(this.#record.id);
    this.#sent?.ticket?.left();
    if (this.#waiting !== undefined) {
      clearTimeout(this.#waiting);
      return this.#settle();
    }
    const upstream = this.#sent?.place.upstream;
    if (this.#exchange === undefined || upstream === undefined) return this.#settle();
    if (upstream.onClientGone === "drain") {
      this.#drain = new Drain(upstream.drain, () => {
        this.#exchange?.abort();
        this.#finishAnswer();
      });
      this.#answer?.drained();
      return;
    }
    this.#exchange.abort();
    this.#answer?.drained();
    this.#finishAnswer();
  }

  // The end.

  #finishAnswer(): void {
    if (this.#answer === undefined) this.#settle();
    else this.#answer.finish();
  }

  /** Ends the answer towards the client as the upstream ended it: cleanly, or visibly cut. */
  #endClient(): void {
    if (this.#clientGone || this.#clientDone) return;
    this.#clientDone = true;
    if (this.#error === undefined) return this.#client.end(this.#trailers);
    if (this.#error.status === 504 && this.#answer?.appendable === true) {
      // Our own patience ended, not the upstream's connection: say so in the stream.
      const { family } = (this.#operation as Operation).dialect;
      const event = errorEvent(family, this.#error, this.#record.id);
      this.#client.write(Buffer.from(this.#answer.meter.endedAmidEvent ? `\n\n${event}` : event));
      return this.#client.end();
    }
    this.#client.cut();
  }

  #refuse(cause: unknown): void {
    const error = toBellwetherError(cause, this.#around.log, this.#record.id);
    this.#error = error;
    const reason = rejectionReason(error);
    if (reason !== undefined) this.#around.metrics.rejected(this.#record.app, reason);
    this.#exchange?.abort();
    if (!this.#clientGone && !this.#clientDone) {
      this.#clientDone = true;
      const family = familyOf(this.#operation, this.#head, this.#path);
      if (error.code === "malformed_request") this.#client.distrust();
      this.#record.bytesOut += answerRefusal(this.#client, family, error, this.#record);
    }
    this.#settle();
  }

  #settle(): void {
    this.#drain?.over();
    this.#record.settle({ error: this.#error, clientGone: this.#clientGone && !this.#clientDone });
  }
}
