// The library over several processes: uploads that move between them, holders that pause or die, and what has to be done
// once.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, type TestContext, test } from 'node:test';
import type { Video } from '../../src/catalogue/catalogue.ts';
import { isAppError } from '../../src/errors.ts';
import type { ArrivingVideo } from '../../src/library/library.ts';
import type { Probe } from '../../src/workers/probe.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { until } from '../helpers/until.ts';
import { openReplicas, type Replica } from './replicas.ts';
import { add, byForm, byTus, film, kind, readOriginal, writeAll } from './rig.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const slow = { timeoutMs: 30_000 };
let filmBytes: Buffer;
const theFilm = async () => {
  filmBytes ??= await readFile(await makeMedia(film));
  return filmBytes;
};

const list = async ({ library }: Replica) =>
  (await library.listVideos({ limit: 100, after: null, query: '' })).items;
async function blobIds({ blobs }: Replica): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of blobs.list()) ids.push(id);
  return ids;
}
/** One that some of has come of, by tus. */
function begin(
  replica: Replica,
  bytes: Buffer,
  part: Parameters<typeof byTus>[2] = {},
): Promise<ArrivingVideo> {
  return replica.library.beginArrival(byTus('film.mkv', bytes.length, part));
}
async function replicas(t: TestContext, ...options: object[]) {
  const house = await openReplicas(t);
  return house ? Promise.all(options.map((each) => house.open(each))) : null;
}

test('an upload whose every piece comes to another replica is the same file, scanned once at its end', async (t) => {
  const all = await replicas(t, {}, {}, {});
  if (!all) return;
  const bytes = await readFile(await makeMedia({ ...film, video: { codec: 'h264', seconds: 20 } }));
  assert.ok(bytes.length > 400_000, 'most pieces come past what is read again');
  let [arrival, at] = [await begin(all[0]!, bytes), 0];
  const { id } = arrival;
  await arrival.suspend();
  const pieceBytes = Math.ceil(bytes.length / 7);
  let finished: Video | null = null;
  for (let piece = 0; at < bytes.length; piece += 1) {
    const { library } = all[(piece + 1) % 3]!;
    arrival = await library.resumeArrival(id, null);
    assert.equal(arrival.receivedBytes, at);
    const end = Math.min(bytes.length, at + pieceBytes);
    await writeAll(arrival, bytes.subarray(at, end));
    await arrival.sync();
    at = end;
    if (at < bytes.length) await arrival.suspend();
    else finished = await arrival.finish();
    for (const { library: each } of all) assert.equal((await each.getVideo(id)).receivedBytes, at);
  }
  assert.equal(finished?.status, 'ready');
  for (const { library } of all) assert.equal(sha256(await readOriginal(library, id)), sha256(bytes));
  const view = await all[2]!.library.openView(id, null);
  assert.equal(view.contentType, finished?.playback.viewType);
  view.release();
});

test('what is no video is refused with its first bytes, also where they came to two replicas', async (t) => {
  const all = await replicas(t, {}, {});
  if (!all) return;
  const [a, b] = all as [Replica, Replica];
  const text = Buffer.from('This is a letter and no film. '.repeat(20_000));
  const first = await begin(a, text);
  await first.write(text.subarray(0, 2));
  await first.suspend();
  const next = await b.library.resumeArrival(first.id, null);
  await assert.rejects(writeAll(next, text.subarray(2)), kind('unsupported-media'));
  assert.ok(next.receivedBytes <= 128 * 1024, 'long before its end');
  for (const replica of all) assert.deepEqual(await list(replica), []);
  assert.deepEqual(await blobIds(a), []);
});

test('the newest request has the upload: one that waits for bytes in another replica is told to leave', async (t) => {
  const all = await replicas(t, {}, {});
  if (!all) return;
  const [a, b] = all as [Replica, Replica];
  const bytes = await theFilm();
  const old = await begin(a, bytes);
  await old.write(bytes.subarray(0, 50_000));
  const seen = await until(async () => (await list(b))[0]?.receivedBytes === 50_000, slow);
  assert.ok(seen, 'how far it is shows in lists of other replicas while it goes on');
  await b.library.untilArrivalLeft(old.id);
  await assert.rejects(old.write(bytes.subarray(50_000)), kind('unavailable'));
  const taken = await b.library.resumeArrival(old.id, null);
  assert.equal(taken.receivedBytes, 50_000, 'what it had in hand was made safe');
  await writeAll(taken, bytes.subarray(50_000));
  assert.equal((await taken.finish()).status, 'ready');
  await old.cancel();
  assert.equal(sha256(await readOriginal(a.library, old.id)), sha256(bytes));
});

test('an upload is given up from another replica than the one it comes to', async (t) => {
  const all = await replicas(t, {}, {});
  if (!all) return;
  const [a, b] = all as [Replica, Replica];
  const bytes = await theFilm();
  for (const arrival of [await begin(a, bytes), await a.library.beginArrival(byForm('film.mkv'))] as const) {
    await arrival.write(bytes.subarray(0, 50_000));
    await b.library.cancelArrival(arrival.id);
    await assert.rejects(arrival.write(bytes.subarray(50_000)), (error) => isAppError(error));
    await arrival.cancel();
    await assert.rejects(b.library.cancelArrival(arrival.id), kind('not-found'));
  }
  assert.deepEqual(await list(a), []);
  assert.deepEqual(await blobIds(a), []);
});

// Leases run out in real time: three are waited for at once, each over a database of its own.
describe('holders that pause or die', { concurrency: 3 }, () => {
  test('what a killed replica leaves is taken up by a worker that ran all the time: forms go, whole ones are finished, parts stay', async (t) => {
    const all = await replicas(t, {}, { isWorker: true }, { isWorker: true });
    if (!all) return;
    const [a, worker] = all as [Replica, Replica];
    const bytes = await theFilm();
    const form = await a.library.beginArrival(byForm('form.mkv'));
    const part = await begin(a, bytes);
    const whole = await begin(a, bytes);
    for (const arrival of [form, part]) await arrival.write(bytes.subarray(0, 50_000));
    await writeAll(whole, bytes);
    for (const arrival of [form, part, whole]) await arrival.sync();
    // Twice as long as a lease: nobody takes up what goes on.
    await worker.clock.sleep(20_000);
    assert.equal((await list(worker)).length, 3);
    a.stop();
    const finished = await until(async () => {
      const video = await worker.library.getVideo(whole.id);
      return video.status === 'ready' ? video : null;
    }, slow);
    assert.equal(sha256(await readOriginal(worker.library, finished.id)), sha256(bytes));
    await until(async () => (await worker.catalogue.getVideo(form.id)) === null, slow);
    const next = await worker.library.resumeArrival(part.id, null);
    assert.equal(next.receivedBytes, 50_000);
    await writeAll(next, bytes.subarray(50_000));
    assert.equal((await next.finish()).status, 'ready');
  });

  test('a replica that was stopped past its lease does nothing on waking that another has taken over', async (t) => {
    const all = await replicas(t, {}, { isWorker: true });
    if (!all) return;
    const [a, worker] = all as [Replica, Replica];
    const bytes = await theFilm();
    const half = Math.floor(bytes.length / 2);
    const form = await a.library.beginArrival(byForm('form.mkv'));
    const whole = await begin(a, bytes);
    const moved = await begin(a, bytes);
    for (const arrival of [form, whole]) await writeAll(arrival, bytes);
    await moved.write(bytes.subarray(0, half));
    for (const arrival of [form, whole, moved]) await arrival.sync();
    await until(async () => (await list(worker)).filter((each) => each.receivedBytes > 0).length === 3, slow);
    a.stop();
    // In the middle of its work: what it was about to do is done when it wakes.
    const woken = Promise.allSettled([
      form.finish(),
      whole.finish(),
      moved.write(bytes.subarray(half, half + 1000)).then(() => moved.sync()),
    ]);
    await until(async () => (await worker.catalogue.getVideo(form.id)) === null, slow);
    await until(async () => (await worker.library.getVideo(whole.id)).status === 'ready', slow);
    const next = await worker.library.resumeArrival(moved.id, null);
    await writeAll(next, bytes.subarray(half));
    await next.sync();
    a.wake();
    for (const outcome of await woken) {
      assert.equal(outcome.status, 'rejected');
      assert.ok(isAppError(outcome.reason), String(outcome.reason));
    }
    await Promise.all([form, whole, moved].map((arrival) => arrival.cancel()));
    assert.equal((await next.finish()).status, 'ready');
    assert.equal((await list(worker)).length, 2);
    for (const { id } of [whole, moved])
      assert.equal(sha256(await readOriginal(worker.library, id)), sha256(bytes));
    assert.equal(await worker.catalogue.getVideo(form.id), null);
  });

  test('a quota holds however many replicas take its owner’s uploads at once', async (t) => {
    const all = await replicas(t, {}, {}, {});
    if (!all) return;
    const bytes = await theFilm();
    const quotaBytes = Math.floor(bytes.length * 2.5);
    const announced = await Promise.allSettled(
      [0, 1, 2, 3, 4, 5].map((number) => begin(all[number % 3]!, bytes, { quotaBytes })),
    );
    const taken = announced.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
    assert.equal(taken.length, 2);
    for (const outcome of announced)
      if (outcome.status === 'rejected') assert.ok(isAppError(outcome.reason, 'no-room'));
    for (const arrival of taken) await arrival.cancel();
    // Of unknown size: what one is granted counts for the others before it has come.
    const forms = await Promise.all(
      all.map(({ library }) => library.beginArrival(byForm('film.mkv', { quotaBytes }))),
    );
    const grown = await Promise.allSettled(forms.map((arrival) => writeAll(arrival, bytes)));
    const whole = grown.filter(({ status }) => status === 'fulfilled').length;
    assert.ok(whole <= 2, `${whole} of 3 fit into two and a half`);
    await Promise.all(forms.map((arrival) => arrival.cancel()));
    const alone = await all[1]!.library.beginArrival(byForm('film.mkv', { quotaBytes }));
    await writeAll(alone, bytes);
    assert.equal((await alone.finish()).status, 'ready');
    assert.equal((await all[2]!.library.getUsage('anna')).bytes, bytes.length);
  });

  test('what was taken out of the bin stays, also where a worker had seen it in the bin before it was stopped', async (t) => {
    const all = await replicas(t, {}, {});
    if (!all) return;
    const [a, b] = all as [Replica, Replica];
    const { id } = await add(a.library, await theFilm());
    await a.library.binVideo(id);
    const removing = a.library.removeVideo(id);
    a.stop();
    // Whichever step it stands before: either it had begun, and is then refused here, or it never does.
    const restored = await b.library.restoreVideo(id).catch((error) => {
      assert.ok(isAppError(error, 'gone'));
      return null;
    });
    a.wake();
    await removing;
    // Asked for by a person, it goes however often somebody takes it out meanwhile.
    assert.equal(await b.catalogue.getVideo(id), null, String(restored));
    assert.deepEqual(await blobIds(b), []);
  });

  test('of many who renew an index at once one does, and one index is left', async (t) => {
    const all = await replicas(t, {}, {}, {});
    if (!all) return;
    const video = await add(all[0]!.library, await theFilm());
    await all[0]!.blobs.remove(video.indexId!);
    const views = await Promise.all(all.map(({ library }) => library.openView(video.id, null)));
    assert.equal(new Set(views.map(({ etag }) => etag)).size, 1);
    for (const view of views) view.release();
    assert.equal((await blobIds(all[0]!)).length, 2);
  });

  /** Counts who looks into files; `isStuck` never ends. */
  function countingProbe(looks: string[], name: string, isStuck = false): Probe {
    const closing = Promise.withResolvers<never>();
    closing.promise.catch(() => undefined);
    return {
      async describe() {
        looks.push(name);
        if (isStuck) await closing.promise;
        return { durationMs: 1234, tracks: [] };
      },
      async close() {
        closing.reject(new Error('closed'));
      },
    };
  }

  test('a file is looked into once, by a worker, and by another where that one is killed in the middle', async (t) => {
    const looks: string[] = [];
    const house = await openReplicas(t);
    if (!house) return;
    const web = await house.open();
    const bytes = await readFile(
      await makeMedia({ container: 'avi', video: { codec: 'mpeg4', seconds: 2 } }),
    );
    const { id } = await add(web.library, bytes, 'film.avi');
    assert.equal((await web.library.getVideo(id)).durationMs, null);
    const stuck = await house.open({ isWorker: true, probe: countingProbe(looks, 'stuck', true) });
    await until(() => looks.length === 1, slow);
    stuck.stop();
    await house.open({ isWorker: true, probe: countingProbe(looks, 'second') });
    await house.open({ isWorker: true, probe: countingProbe(looks, 'third') });
    await until(async () => (await web.library.getVideo(id)).durationMs === 1234, slow);
    assert.equal(looks.length, 2);
    assert.deepEqual(await web.catalogue.listTasks(10), []);
    const more = await Promise.all(Array.from({ length: 6 }, () => add(web.library, bytes, 'another.avi')));
    await until(async () => (await web.catalogue.listTasks(10)).length === 0, slow);
    assert.equal(looks.length, 8, looks.join());
    for (const video of more) assert.equal((await web.library.getVideo(video.id)).durationMs, 1234);
  });

  test('one worker tidies, and another where that one is killed', async (t) => {
    const house = await openReplicas(t);
    if (!house) return;
    const web = await house.open();
    const bin = async () => {
      const { id } = await add(web.library, await theFilm());
      await web.library.binVideo(id);
      return id;
    };
    const first = await bin();
    const worker = await house.open({ isWorker: true, binMs: 0 });
    await until(async () => (await web.catalogue.getVideo(first)) === null, slow);
    const other = await house.open({ isWorker: true, binMs: 0 });
    const second = await bin();
    assert.equal(await other.leases.take('tidy', { lengthMs: 10_000 }), null);
    worker.stop();
    await until(async () => (await web.catalogue.getVideo(second)) === null, { timeoutMs: 60_000 });
    worker.wake();
  });
});
