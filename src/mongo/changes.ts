// Tells every process that something changed in another: a counter for each topic, counted up after the write. Read by
// a change stream where the database has them, else asked for again and again while somebody wants to know. Memory:
// one small record for each topic.
import type { ChangeStream, Db } from 'mongodb';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { isDuplicate, withFailures } from './failure.ts';

export type Changes = {
  /** To be called after the write. It moves the revision here also where it throws (`unavailable`). */
  bump(topic: string): Promise<void>;
  /**
   * Another number whenever something of the topic may have changed: at once where it was here, within 2 s where it was
   * in another process. Since a process may die between its write and its bump, it moves every 10 s by itself. While
   * the database is away it stays for 5 minutes: nothing could be asked anew.
   */
  revision(topic: string): number;
  /** Called after every move of the topic's revision, also those by itself. The answer ends it. */
  on(topic: string, listener: () => void): () => void;
  /** Idempotent. Revisions stay what they are. */
  close(): Promise<void>;
};

type Counter = { readonly _id: string; readonly count: number };

type Topic = {
  moves: number;
  /** What the counter was last; null where it was never read. */
  count: number | null;
  /** Up to when all of other processes is known, monotonic. */
  knownAtMs: number;
  movedAtMs: number;
  readonly listeners: Set<() => void>;
  /** The bump that is being counted, and the one after it, which has not begun. */
  counting: Promise<void> | null;
  next: Promise<void> | null;
};

/** With the answer of the database itself below the promised 2 s. */
const [quickMs, slowMs, slower] = [500, 1000, 1.5];
/** What is older is no knowledge. */
const staleMs = 2000;
const byItselfMs = 10_000;
/** Nobody asked for so long: nobody wants to know. */
const askedMs = 10_000;
/** As long as accounts in another process are taken for what they last were (`mayBeOld`). */
const awayMs = 5 * 60_000;
/** A stream that ended is tried again after so long. */
const streamAgainMs = 60_000;
const attempts = 5;

export function createChanges({
  db,
  clock,
  log,
}: {
  db: Db;
  clock: Clock;
  log: Pick<Logger, 'debug'>;
}): Changes {
  const counters = db.collection<Counter>('changes');
  const topics = new Map<string, Topic>();
  const closing = new AbortController();
  let askedAtMs = Number.NEGATIVE_INFINITY;
  /** Since when the database did not answer; null where it did. */
  let awaySinceMs: number | null = null;
  let looking: Promise<void> | null = null;
  let stream: ChangeStream | null = null;
  let streamTriedAtMs = Number.NEGATIVE_INFINITY;
  /** Ends the wait between two looks. */
  let hurry = new AbortController();

  const topicOf = (name: string): Topic => {
    let topic = topics.get(name);
    if (!topic) {
      const never = Number.NEGATIVE_INFINITY;
      const nothing = { listeners: new Set<() => void>(), counting: null, next: null };
      topic = { moves: 1, count: null, knownAtMs: never, movedAtMs: never, ...nothing };
      topics.set(name, topic);
    }
    return topic;
  };

  const move = (topic: Topic): void => {
    topic.moves++;
    topic.movedAtMs = clock.monotonicMs();
    for (const listener of [...topic.listeners]) listener();
  };

  /** What cannot be known, or was not told, may be anything. */
  const moveByItself = (topic: Topic): void => {
    const nowMs = clock.monotonicMs();
    const isAway = awaySinceMs !== null && nowMs - awaySinceMs < awayMs;
    if (isAway || closing.signal.aborted) return;
    const stillMs = nowMs - topic.movedAtMs;
    if (stillMs >= byItselfMs || (stillMs >= staleMs && nowMs - topic.knownAtMs > staleMs)) move(topic);
  };

  /** @returns whether anything moved */
  const look = async (): Promise<boolean> => {
    const startedAtMs = clock.monotonicMs();
    let rows: Counter[];
    try {
      rows = await counters.find({}).toArray();
      awaySinceMs = null;
    } catch (error) {
      awaySinceMs ??= startedAtMs;
      log.debug({ err: error }, 'what changed elsewhere cannot be read');
      return false;
    }
    const counts = new Map(rows.map(({ _id, count }) => [_id, count]));
    let isAnyMoved = false;
    for (const [name, topic] of topics) {
      const count = counts.get(name) ?? 0;
      topic.knownAtMs = Math.max(topic.knownAtMs, startedAtMs);
      if (topic.count !== null && count <= topic.count) {
        moveByItself(topic);
        continue;
      }
      topic.count = count;
      isAnyMoved = true;
      move(topic);
    }
    return isAnyMoved;
  };

  const isWanted = () =>
    clock.monotonicMs() - askedAtMs < askedMs ||
    [...topics.values()].some(({ listeners }) => listeners.size > 0);

  /** A stream only makes it quicker: it may break without a word, so the counters are read all the same. */
  const openStream = (): void => {
    if (stream || clock.monotonicMs() - streamTriedAtMs < streamAgainMs) return;
    streamTriedAtMs = clock.monotonicMs();
    const opened = counters.watch([], { maxAwaitTimeMS: 10_000 });
    const forget = () => {
      if (stream === opened) stream = null;
      void opened.close().catch(() => {});
    };
    opened.on('change', () => hurry.abort());
    opened.on('error', forget);
    opened.on('close', forget);
    stream = opened;
  };

  const lookOn = async (): Promise<void> => {
    let waitMs = quickMs;
    while (!closing.signal.aborted && isWanted()) {
      hurry = new AbortController();
      openStream();
      waitMs = (await look()) ? quickMs : Math.min(slowMs, waitMs * slower);
      await clock.sleep(waitMs, AbortSignal.any([hurry.signal, closing.signal])).catch(() => {});
    }
    await stream?.close().catch(() => {});
    stream = null;
  };

  const startLooking = (): void => {
    if (looking || closing.signal.aborted) return;
    looking = lookOn().finally(() => {
      looking = null;
    });
  };

  return {
    bump(name) {
      const topic = topicOf(name);
      // Those that come while one is counted share the next one.
      topic.next ??= (async () => {
        await topic.counting?.catch(() => {});
        topic.counting = topic.next;
        topic.next = null;
        await count(name, topic);
      })();
      return topic.next;
    },
    revision(name) {
      const topic = topicOf(name);
      askedAtMs = clock.monotonicMs();
      startLooking();
      moveByItself(topic);
      return topic.moves;
    },
    on(name, listener) {
      const topic = topicOf(name);
      // One entry for each call, also of the same function.
      const entry = () => listener();
      topic.listeners.add(entry);
      startLooking();
      return () => void topic.listeners.delete(entry);
    },
    async close() {
      closing.abort();
      await looking;
    },
  };

  async function count(name: string, topic: Topic): Promise<void> {
    const startedAtMs = clock.monotonicMs();
    try {
      const counted = await withFailures(() => countUp(name));
      // Counted from what was known: nobody else did meanwhile.
      if (topic.count !== null && counted === topic.count + 1)
        topic.knownAtMs = Math.max(topic.knownAtMs, startedAtMs);
      topic.count = Math.max(topic.count ?? 0, counted);
    } finally {
      move(topic);
    }
  }

  /** Counted twice (a write that was seen twice) does no harm. */
  async function countUp(name: string): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        const counted = await counters.findOneAndUpdate(
          { _id: name },
          { $inc: { count: 1 } },
          { upsert: true, returnDocument: 'after' },
        );
        return counted?.count ?? 0;
      } catch (error) {
        // Two made the counter at once.
        if (!isDuplicate(error) || attempt === attempts) throw error;
      }
    }
  }
}
