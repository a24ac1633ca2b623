import type { BatchPlan, SignalName } from '../plan/types.ts';
import type { Chunk, Follower } from './follow.ts';
import { inWords } from './in-words.ts';
import type { Keep } from './keep.ts';
import { buildRequest, halveParts, type Part } from './request.ts';
import type { Segment, SpoolView } from './spool-view.ts';
import { emptyTally, type MutableTally } from './summary.ts';
import type { Batch, ExportOutcome, Exporter } from './types.ts';

export const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** An application that was told to end is given so long to do so: what it finishes meanwhile goes at once. */
export const HURRY_MS = 60_000;

export interface PipelineOptions {
  /** Number of this reader in the spool view. */
  readonly reader: number;
  readonly signal: SignalName;
  readonly view: SpoolView;
  readonly follower: Follower;
  readonly exporter: Exporter;
  /** Where undelivered batches go; null: they are dropped and counted. */
  readonly keep: Keep | null;
  /** Why there is no {@link PipelineOptions.keep}, where somebody would want to know. */
  readonly notKept: string | null;
  readonly batch: BatchPlan;
  /** With more than this in the spool and unread, the oldest is kept or dropped before it is sent, so that the writers find room. */
  readonly spillBytes: number;
  readonly drain: { readonly unreachedMs: number; readonly badMs: number };
  /** A destination that nobody configured is given up at the first refusal once the writers have ended. */
  readonly silent: boolean;
  /** Chunks of each segment that were settled before this pipeline began (the follower skips as many). */
  readonly settledBefore: Readonly<Record<string, number>>;
  /** A line for people, at most one a cause and minute; without a cause in any case: it says what is not said again. */
  notice(cause: string | null, line: string): void;
  /** Called after something was settled, with the chunks settled so far by segment (only of segments that changed). */
  settled(positions: Readonly<Record<string, number>>): void;
}

export interface Pipeline {
  readonly tally: MutableTally;
  /** What of its losses has been told while the run lasted, by reason. */
  readonly told: Readonly<Record<string, number>>;
  /** Why the last attempt failed, or null where it did not. */
  readonly failure: string | null;
  /** A batch has been accepted in this run. */
  readonly reached: boolean;
  /** Reads, closes batches and sends, as far as there is something to do. Never throws. */
  tick(): void;
  /** Takes items that an earlier run had left into its account as lost, to be told as its own losses are. */
  adoptLoss(count: number, reason: string): void;
  /** For a while from now on batches go at once. */
  flush(): void;
  /** Sends the rest until the deadline, which counts from the application's end (a time of day), then keeps or counts it. */
  drain(endedAt: number, deadlineMs: number): Promise<void>;
  /** Ends a drain at once: somebody does not want to wait. */
  cutShort(): void;
}

interface Outgoing {
  readonly parts: readonly Part[];
  readonly count: number;
  readonly bytes: number;
  body: Buffer | null;
  attempts: number;
  readonly settle: () => void;
}

type Health = 'unreached' | 'good' | 'bad';

const BUFFER_BYTES = 4 * 1024 * 1024;
const MOST_AT_ONCE = 4;
const BACK_OFF = { firstMs: 250, mostMs: 15_000 };
const LONGEST_RETRY_AFTER_MS = 60_000;
/** A failure is news only when it lasts: a backend that restarts is none, one that never answered soon is. */
const NEWS_AFTER_MS = 5000;
const FIRST_NEWS_AFTER_MS = 1000;
const MOST_REASONS = 12;
const LOST_NEWS_AFTER_MS = 1000;
const LOST_NEWS_EVERY_MS = 61_000;
/** An answer that is overdue by this much when the writers have ended makes a backend known to be bad. */
const OVERDUE_MS = 2000;
const FINISH_MS = 250;
/** Kept requests may be larger than batches: nobody waits for them. */
const KEPT_ITEMS = 8192;
/** Snapshots of metrics wait for their export as long as the spool has this little in it, of what makes it spill. */
const HELD_SHARE = 0.25;

export function createPipeline(options: PipelineOptions): Pipeline {
  const { reader, signal, view, follower, exporter, keep, notKept, batch: limits, spillBytes, drain: deadlines, silent } = options;
  const tally = emptyTally();
  /** Unsettled chunks of each segment in reading order, and how many before them are settled. */
  const pending = new Map<Segment, { chunks: { settled: boolean }[]; settledCount: number }>();
  const changed: Record<string, number> = {};
  /** What settles chunks that wait for the export that they go into. */
  let held: (() => void)[] = [];

  let gathering: { parts: Part[]; settles: (() => void)[]; count: number; bytes: number; since: number } | null = null;
  const queue: Outgoing[] = [];
  const inFlight = new Map<Outgoing, { abort: AbortController; since: number }>();
  let heldBytes = 0;
  const told: Record<string, number> = {};
  const untold = new Map<string, { since: number; notBefore: number; reason: string; count: number }>();

  let health: Health = 'unreached';
  let failure: string | null = null;
  let badSince = 0;
  let failures = 0;
  let retryAt = 0;
  let retryIsTheirWish = false;
  let lastSuccess = 0;
  let hurryUntil = 0;
  let draining: { since: number; mostMs: number; finish: () => void } | null = null;
  let over = false;

  const pipeline: Pipeline = {
    tally,
    told,
    get failure() {
      return failure;
    },
    get reached() {
      return lastSuccess > 0;
    },
    tick() {
      if (over) return;
      const now = performance.now();
      gather(now);
      if (gathering !== null && (draining !== null || now < hurryUntil || now - gathering.since >= limits.scheduleDelayMs)) closeGathering();
      spill();
      if (draining !== null && (isDone() || givesUp(now))) return finishDrain();
      send(now);
      settleSegments();
      tellLosses(now);
    },
    adoptLoss(count, reason) {
      tally.produced += count;
      lose(count, reason, reason);
      publish();
    },
    flush() {
      hurryUntil = performance.now() + HURRY_MS;
    },
    drain(endedAt, deadlineMs) {
      return new Promise((resolve) => {
        draining = { since: performance.now() - Math.max(0, Date.now() - endedAt), mostMs: deadlineMs, finish: resolve };
        if (!retryIsTheirWish) retryAt = 0;
        follower.finish?.();
        pipeline.tick();
      });
    },
    cutShort() {
      if (draining !== null) draining.mostMs = 0;
    },
  };
  return pipeline;

  function gather(now: number): void {
    while (heldBytes < BUFFER_BYTES) {
      const chunks = follower.read();
      if (chunks === null) return;
      const settleHeld = chunks[0]?.segment === null ? together(chunks.length) : null;
      for (const chunk of chunks) {
        const settleOne = expect(chunk);
        const settle = settleHeld ?? settleOne;
        if (chunk.held === true) {
          held.push(settle);
          continue;
        }
        if (chunk.part === null) {
          if (chunk.count > 0) drop(chunk.lost ?? 'lost', chunk.count);
          settle();
          continue;
        }
        const { part } = chunk;
        const bytes = part.items.length + part.resource.length + part.scope.length;
        if (gathering !== null && (gathering.count + part.count > limits.maxItems || gathering.bytes + bytes > MAX_BODY_BYTES)) closeGathering();
        gathering ??= { parts: [], settles: [], count: 0, bytes: 0, since: now };
        gathering.parts.push(part);
        gathering.settles.push(settle);
        gathering.count += part.count;
        gathering.bytes += bytes;
        heldBytes += bytes;
        if (gathering.count >= limits.maxItems) closeGathering();
      }
    }
  }

  /** To be called for each of so many parts of an export: with the last one, what is in them is settled. */
  function together(parts: number): () => void {
    const within = held;
    held = [];
    let left = parts;
    return () => {
      if (--left === 0) for (const settle of within) settle();
    };
  }

  /** They keep the segments that they stand in, with all else that is there. */
  function letGo(): void {
    for (const settle of held.splice(0)) settle();
  }

  /** Notes a chunk as read and returns what settles it. */
  function expect(chunk: Chunk): () => void {
    tally.produced += chunk.count;
    const { segment } = chunk;
    if (segment === null) return () => {};
    let state = pending.get(segment);
    if (state === undefined) pending.set(segment, (state = { chunks: [], settledCount: options.settledBefore[segment.name] ?? 0 }));
    const entry = { settled: false };
    state.chunks.push(entry);
    const { chunks } = state;
    return () => {
      entry.settled = true;
      while (chunks[0]?.settled === true) {
        chunks.shift();
        state.settledCount++;
      }
      changed[segment.name] = state.settledCount;
    };
  }

  function closeGathering(): void {
    if (gathering === null) return;
    const { parts, settles, count, bytes } = gathering;
    gathering = null;
    queue.push(outgoing(parts, count, bytes, () => settles.forEach((settle) => settle())));
  }

  function outgoing(parts: readonly Part[], count: number, bytes: number, settle: () => void): Outgoing {
    return {
      parts,
      count,
      bytes,
      body: null,
      attempts: 0,
      settle() {
        heldBytes -= bytes;
        settle();
      },
    };
  }

  function send(now: number): void {
    const atOnce = health === 'good' ? MOST_AT_ONCE : 1;
    while (queue.length > 0 && inFlight.size < atOnce && now >= retryAt) {
      const next = queue.shift()!;
      const abort = new AbortController();
      inFlight.set(next, { abort, since: now });
      next.attempts++;
      next.body ??= buildRequest(next.parts);
      exporter.export({ signal, count: next.count, body: next.body }, abort.signal).then(
        (outcome) => onOutcome(next, outcome),
        // An exporter never rejects; one that does has a bug, which must not cost more than its batch.
        (error: unknown) => onOutcome(next, { kind: 'refused', reason: error instanceof Error ? error.message : String(error) }),
      );
    }
  }

  function onOutcome(sent: Outgoing, outcome: ExportOutcome): void {
    if (over || !inFlight.delete(sent)) return; // kept meanwhile
    const now = performance.now();
    if (outcome.kind === 'retry') {
      if (health !== 'bad') badSince = now;
      health = 'bad';
      failures++;
      failure = outcome.reason;
      retryIsTheirWish = outcome.afterMs !== undefined;
      retryAt = now + (outcome.afterMs === undefined ? backOff(failures) : Math.min(outcome.afterMs, LONGEST_RETRY_AFTER_MS));
      queue.unshift(sent);
      if (draining === null && now - badSince >= (lastSuccess === 0 ? FIRST_NEWS_AFTER_MS : NEWS_AFTER_MS)) options.notice(`retry ${outcome.reason}`, `${exporter.name}: ${outcome.reason}; trying again${keep === null ? '' : ', what does not fit in the spool is kept'}`);
    } else {
      health = 'good';
      failures = 0;
      retryAt = 0;
      retryIsTheirWish = false;
      failure = null;
      if (outcome.kind === 'delivered') {
        lastSuccess = now;
        // What it says it has refused may be more than it was sent.
        const rejected = Math.min(outcome.rejected, sent.count);
        tally.delivered += sent.count - rejected;
        if (rejected > 0) lose(rejected, `refused by the backend${outcome.message === undefined || outcome.message === '' ? '' : `: ${outcome.message}`}`, 'partial success');
        else if (outcome.message !== undefined && outcome.message !== '') options.notice(`said ${outcome.message}`, `${exporter.name}: ${outcome.message}`);
        sent.settle();
      } else if (outcome.kind === 'refused') {
        failure = outcome.reason;
        lose(sent.count, outcome.reason, outcome.reason);
        sent.settle();
      } else halve(sent, outcome.reason);
    }
    publish();
    pipeline.tick();
  }

  function halve(sent: Outgoing, reason: string): void {
    const halves = halveParts(sent.parts);
    if (halves === null) {
      lose(sent.count, `too large for the backend: ${reason}`, 'too large');
      return sent.settle();
    }
    let left = 2;
    const settle = (): void => {
      if (--left === 0) sent.settle();
    };
    // The bytes stay accounted for with the whole, until both halves are settled.
    const pieces = halves.map((parts) => outgoing(parts, parts.reduce((sum, { count }) => sum + count, 0), 0, settle));
    queue.unshift(...pieces);
  }

  function lose(count: number, reason: string, cause: string): void {
    const counted = drop(reason, count);
    const key = counted === reason ? cause : counted;
    const news = untold.get(key) ?? { since: 0, notBefore: 0, reason: counted, count: 0 };
    if (news.count === 0) news.since = performance.now();
    news.count += count;
    news.reason = counted;
    untold.set(key, news);
  }

  /** Losses are told together, now and then, while there is somebody to read; what is left for the end is told there. */
  function tellLosses(now: number): void {
    if (silent || draining !== null) return;
    for (const news of untold.values()) {
      if (news.count === 0 || now < news.notBefore || now - news.since < LOST_NEWS_AFTER_MS) continue;
      options.notice(null, `${exporter.name}: ${news.reason}; ${inWords(news.count, signal)} lost`);
      told[news.reason] = (told[news.reason] ?? 0) + news.count;
      news.count = 0;
      news.notBefore = now + LOST_NEWS_EVERY_MS;
    }
  }

  /** The words under which it is counted: a backend could find new ones each time. */
  function drop(words: string, count: number): string {
    const reason = words in tally.dropped || Object.keys(tally.dropped).length < MOST_REASONS ? words : 'further reasons';
    tally.dropped[reason] = (tally.dropped[reason] ?? 0) + count;
    return reason;
  }

  function spill(): void {
    if (view.bytes > HELD_SHARE * spillBytes) letGo();
    if (view.bytes <= spillBytes || draining !== null) return;
    // A backend that takes what it is given catches up by itself, if it can at all.
    if (health === 'good' && (keep === null || view.bytes <= 1.5 * spillBytes)) return;
    if (follower.unread() + heldBytes <= spillBytes) return;
    let spilled = 0;
    while (queue.length > 0 && spilled < BUFFER_BYTES) {
      const oldest = queue.shift()!;
      spilled += oldest.bytes;
      store([oldest], silent ? 'not delivered' : 'spool full');
    }
    if (keep === null && !silent && spilled > 0) options.notice('spool full', `${exporter.name}: the spool is full, the oldest in it is lost${failure === null ? '' : `: ${failure}`}`);
    settleSegments();
    publish();
  }

  /** Keeps batches, as one request where they fit together; counts them where that cannot be. */
  function store(batches: readonly Outgoing[], reason: string): void {
    if (batches.length === 0) return;
    const count = batches.reduce((sum, batch) => sum + batch.count, 0);
    try {
      if (keep === null) drop(silent ? reason : [reason, ...(failure === null ? [] : [`: ${failure}`]), ...(notKept === null ? [] : [`; not kept: ${notKept}`])].join(''), count);
      else {
        const body = batches.length === 1 && batches[0]!.body !== null ? batches[0]!.body : buildRequest(batches.flatMap(({ parts }) => parts));
        const batch: Batch = { signal, count, body };
        for (const evicted of keep.put(batch)) onEvicted(evicted);
        tally.kept += count;
      }
    } catch (error) {
      drop(`could not be kept: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`, count);
    }
    for (const batch of batches) batch.settle();
  }

  function onEvicted(evicted: { count: number; own: boolean }): void {
    if (evicted.own) {
      tally.kept -= evicted.count;
      drop('kept telemetry is full', evicted.count);
    } else pipeline.adoptLoss(evicted.count, 'kept by an earlier run, and now too old, or in the way of what is newer');
  }

  function isDone(): boolean {
    return queue.length === 0 && inFlight.size === 0 && gathering === null && follower.unread() === 0;
  }

  function givesUp(now: number): boolean {
    const { since, mostMs } = draining!;
    const waits = inFlight.size === 0 && now < retryAt;
    if (health === 'bad' && silent && waits) return true;
    const overdue = [...inFlight.values()].some((flight) => since - flight.since > OVERDUE_MS);
    let until = since + lessFinish(health === 'bad' || overdue ? deadlines.badMs : deadlines.unreachedMs);
    // A backend that takes what it is given may go on, within reason.
    if (health === 'good') until = Math.min(Math.max(until, lastSuccess + deadlines.badMs), since + 5 * deadlines.unreachedMs);
    until = Math.min(until, since + mostMs);
    return now >= until || (waits && retryAt >= until);
  }

  function finishDrain(): void {
    over = true;
    for (const { abort } of inFlight.values()) abort.abort();
    const rest = [...inFlight.keys(), ...queue];
    if (inFlight.size > 0) failure ??= 'no answer';
    inFlight.clear();
    queue.length = 0;
    if (rest.length > 0 || gathering !== null) failure ??= 'there was no time left for it';
    const reason = 'not delivered before the end';
    follower.finish?.(true);
    for (;;) {
      closeGathering();
      rest.push(...queue.splice(0));
      while (rest.length > 0) {
        store(takeTogether(rest), reason);
        publish();
      }
      const before = tally.produced;
      gather(performance.now());
      if (tally.produced === before && gathering === null && queue.length === 0) break;
    }
    letGo();
    settleSegments();
    publish();
    draining?.finish();
  }

  function takeTogether(rest: Outgoing[]): Outgoing[] {
    let count = 0;
    let bytes = 0;
    const taken: Outgoing[] = [];
    while (rest.length > 0 && (taken.length === 0 || (count + rest[0]!.count <= KEPT_ITEMS && bytes + rest[0]!.bytes <= MAX_BODY_BYTES))) {
      const next = rest.shift()!;
      count += next.count;
      bytes += next.bytes;
      taken.push(next);
    }
    return taken;
  }

  /** Gives up segments of which everything has been read and settled. */
  function settleSegments(): void {
    for (const segment of [...view.segments.values()]) {
      if (!segment.unsettled.has(reader) || !follower.hasReadAll(segment)) continue;
      if ((pending.get(segment)?.chunks.length ?? 0) > 0) continue;
      pending.delete(segment);
      view.settle(segment, reader);
    }
  }

  function publish(): void {
    const positions = { ...changed };
    for (const name of Object.keys(changed)) delete changed[name];
    options.settled(positions);
  }
}

/** What remains of a promised time when the rest has to be kept and everything ended within it. */
function lessFinish(promisedMs: number): number {
  return promisedMs - Math.min(FINISH_MS, promisedMs / 4);
}

function backOff(failures: number): number {
  const full = Math.min(BACK_OFF.mostMs, BACK_OFF.firstMs * 2 ** (failures - 1));
  return full * (0.75 + Math.random() / 2);
}
