// Several programs on one catalogue in MongoDB at once: what two want at the same moment, what one sees of another, an
// older beside a newer one, the first start of many, and the database going away.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Db, MongoClient } from 'mongodb';
import { pino } from 'pino';
import type { Catalogue, Folder, Video } from '../../src/catalogue/catalogue.ts';
import { openMongoCatalogue } from '../../src/catalogue/mongo/mongo-catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { connectMongo } from '../../src/mongo/connect.ts';
import { arrival, newVideo } from '../contracts/catalogue-samples.ts';
import { freePort } from '../helpers/free-port.ts';
import { throughHands } from '../helpers/mongo/faulty-database.ts';
import { openTestDatabase, startMongo, withDatabase } from '../helpers/mongo/test-database.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const log = pino({ level: 'silent' });

async function open(t: TestContext, db: Db): Promise<Catalogue> {
  const catalogue = await openMongoCatalogue({ db, clock: systemClock, log });
  t.after(() => catalogue.close());
  return catalogue;
}

async function openTwo(t: TestContext): Promise<{ db: Db; here: Catalogue; there: Catalogue } | null> {
  const opened = await openTestDatabase(t);
  return opened && { db: opened.db, here: await open(t, opened.db), there: await open(t, opened.db) };
}

async function addFolder(catalogue: Catalogue, rest: Partial<Folder> = {}): Promise<string> {
  const folder = { id: createId(), ownerId: 'anna', parentId: null, name: 'f', createdAtMs: 1, ...rest };
  await catalogue.addFolder(folder);
  return folder.id;
}

const outcome = async (calls: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).map((result) =>
    result.status === 'fulfilled' ? 'done' : (result.reason as { kind?: string }).kind,
  );

describe('Two programs that want something at the same moment', () => {
  it('begin one upload, claim a task by the later token, and begin one removal', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    const both = [two.here, two.there];
    for (let round = 0; round < 5; round++) {
      const folderId = await addFolder(two.here);
      const video = newVideo('x', { ownerId: 'anna', folderId });
      assert.deepEqual(await outcome(both.map((each) => each.beginUpload(video))), ['done', 'done']);
      assert.equal((await two.here.getUsage('anna')).videos, round + 1);

      const task = { id: createId(), kind: 'scan', videoId: video.id, addedAtMs: 1 };
      await Promise.all(both.map((each) => each.addTask(task)));
      assert.equal((await two.there.listTasks(9)).length, 1);
      await Promise.all(both.map((each, i) => each.claimTask(task.id, i + 1)));
      const ended = await Promise.all(both.map((each, i) => each.finishTask(task.id, i + 1, arrival)));
      assert.deepEqual(ended, [false, true]);

      await two.here.setBinned(video.id, 5);
      const begun = await Promise.all(both.map((each) => each.startRemoval(video.id, 5)));
      assert.equal(begun.filter(Boolean).length, 1);
      await two.there.setBinned(video.id, null);
      assert.equal((await two.here.getVideo(video.id))?.binnedAtMs, 0);
    }
  });

  it('never put folders into each other', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    for (let round = 0; round < 5; round++) {
      const [a, b] = [await addFolder(two.here), await addFolder(two.there)];
      const moves = await outcome([two.here.moveFolder(a, b), two.there.moveFolder(b, a)]);
      assert.deepEqual(moves.toSorted(), ['conflict', 'done']);
    }
    const ids = (await two.here.ownFolders(['anna'])).map(({ id }) => id);
    const any = () => ids[Math.floor(Math.random() * ids.length)]!;
    await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) => (i % 2 ? two.here : two.there).moveFolder(any(), any())),
    );
    assert.deepEqual(await two.here.inspect({ repair: false }), []);
    const listed = await two.there.ownFolders(['anna']);
    assert.equal(listed.length, 10);
    assert.deepEqual(
      new Set((await two.here.ownFolders(['anna'])).map((each) => JSON.stringify(each))),
      new Set(listed.map((each) => JSON.stringify(each))),
    );
  });

  it('lose nothing that goes into a folder while it is removed, or given away', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    for (let round = 0; round < 8; round++) {
      const outer = await addFolder(two.here);
      const inner = await addFolder(two.here, { parentId: outer });
      const video = newVideo('moves', { ownerId: 'anna' });
      await two.here.beginUpload(video);
      const begun = newVideo('begins', { ownerId: 'anna', folderId: inner });
      const calls = [
        two.there.moveVideo(video.id, inner),
        two.there.beginUpload(begun),
        addFolder(two.there, { id: `within ${round}`, parentId: inner }),
        round % 2 ? two.here.removeFolder(inner) : two.here.removeFolder(outer),
      ];
      const [moved, started] = await outcome(calls);
      const stored: Video | null = await two.here.getVideo(video.id);
      const place: string | null = stored?.folderId ?? null;
      if (moved === 'done') assert.ok([outer, inner, null].includes(place));
      else assert.deepEqual([moved, place], ['not-found', null]);
      assert.equal((await two.there.getVideo(begun.id)) !== null, started === 'done');
      assert.deepEqual(
        (await two.there.inspect({ repair: false })).filter(({ message }) => !/never added/.test(message)),
        [],
      );
    }
  });

  it('say that it went in where the removal of the folder took it along', async (t) => {
    const opened = await openTestDatabase(t);
    if (!opened) return;
    const gates = () => ({ tree: Promise.withResolvers<void>(), taking: Promise.withResolvers<void>() });
    let { tree, taking } = gates();
    let removal: Promise<void> | null = null;
    // The folder is out of the tree, and its videos are not taken along yet: so far it comes right after the video has
    // gone in, and no further until the video is about to be taken out again.
    const here = await open(t, opened.db);
    const remover = await open(
      t,
      throughHands(opened.db, async ({ collection, method, run }) => {
        if (collection === 'videos' && method === 'updateMany') {
          tree.resolve();
          await taking.promise;
        }
        return run();
      }),
    );
    const slow = await open(
      t,
      throughHands(opened.db, async ({ collection, run }) => {
        if (collection !== 'videos') return run();
        if (removal === null) {
          const written = await run();
          removal = remover.removeFolder(inner);
          await Promise.race([tree.promise, removal]);
          return written;
        }
        taking.resolve();
        await removal;
        return run();
      }),
    );
    const outer = await addFolder(here);
    let inner = await addFolder(here, { parentId: outer });
    const video = newVideo('moves', { ownerId: 'anna' });
    await here.beginUpload(video);
    assert.equal((await slow.moveVideo(video.id, inner))?.folderId, outer);
    assert.equal((await here.getVideo(video.id))?.folderId, outer);

    removal = null;
    ({ tree, taking } = gates());
    inner = await addFolder(here, { parentId: outer });
    const begun = newVideo('begins', { ownerId: 'anna', folderId: inner });
    await slow.beginUpload(begun);
    assert.equal((await here.getVideo(begun.id))?.folderId, outer);
    assert.deepEqual(await here.inspect({ repair: false }), []);
  });

  it('let in by a link as many as it says, each once', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    const link = {
      ...{ id: createId(), secretHash: createId(), subject: 'video' as const, subjectId: 'x' },
      ...{ startSeconds: null, endSeconds: null, createdBy: 'anna', createdAtMs: 1, note: '' },
      ...{ expiresAtMs: null, passwordHash: null, visits: 0, allowsDownload: false, maxVisits: 5 },
    };
    await two.here.addLink(link);
    const visits = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          Promise.all([two.here, two.there].map((each) => each.countVisit(link.id, `visitor ${i}`))),
        ),
      );
    const told = await visits(9);
    assert.ok(told.every(([here, there]) => here === there));
    assert.equal(told.filter((each) => each.every(Boolean)).length, 5);
    assert.equal((await two.here.getLink(link.id))?.visits, 5);
  });

  it('number what is added by both in one order, and show it in one', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    const videos = Array.from({ length: 40 }, (_, i) => newVideo(`v ${i}`));
    await Promise.all(videos.map((video, i) => (i % 2 ? two.here : two.there).beginUpload(video)));
    const listed = async (catalogue: Catalogue) => {
      const ids: string[] = [];
      let after: string | null = null;
      do {
        const page: Awaited<ReturnType<Catalogue['listVideos']>> = await catalogue.listVideos({
          limit: 7,
          after,
          query: '',
        });
        ids.push(...page.items.map(({ id }) => id));
        after = page.next;
      } while (after !== null);
      return ids;
    };
    const ids = await listed(two.here);
    assert.deepEqual(ids, await listed(two.there));
    assert.deepEqual(new Set(ids), new Set(videos.map(({ id }) => id)));
  });
});

describe('What one program writes', () => {
  it('another sees with its next question: shares, folders, what came so far', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    const { here, there } = two;
    const sight = { ownerIds: [], audiences: ['bert'] };
    const listed = async () =>
      (await there.listVideos({ limit: 9, after: null, query: 'film', sight })).items.length;
    const outer = await addFolder(here);
    const inner = await addFolder(here, { parentId: outer });
    const video = newVideo('Film', { ownerId: 'anna', folderId: inner });
    await here.beginUpload(video);
    assert.equal(await listed(), 0);
    for (let round = 0; round < 3; round++) {
      await here.setAudiences('folder', outer, ['bert']);
      assert.equal(await listed(), 1);
      assert.deepEqual((await there.getSharing('video', video.id))?.audiences, ['bert']);
      await here.setAudiences('folder', outer, []);
      assert.equal(await listed(), 0);
      assert.deepEqual(await there.getSharing('folder', inner), { ownerId: 'anna', audiences: [] });
    }
    await here.noteReceived(video.id, 99);
    assert.equal((await here.getVideo(video.id))?.receivedBytes, 99);
    await until(async () => (await there.getVideo(video.id))?.receivedBytes === 99);
  });

  it('moves the revision of another within 2 s, and again only when something else changes', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    const { here, there } = two;
    const video = newVideo('x', { ownerId: 'anna' });
    await here.beginUpload(video);
    for (const audiences of [['bert'], []]) {
      const before = there.accessRevision();
      const startMs = performance.now();
      await here.setAudiences('video', video.id, audiences);
      await until(() => there.accessRevision() !== before);
      assert.ok(performance.now() - startMs < 4000, 'on a machine that is busy');
    }
  });
});

describe('An older program beside a newer one', () => {
  it('leaves what it does not know as it is, whatever it changes', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    const { db, here } = two;
    const folder = await addFolder(here);
    const video = newVideo('x', { ownerId: 'anna', folderId: folder });
    await here.beginUpload(video);
    await here.addCamera({ id: 'door', name: 'd', driver: 'test', options: {}, addedAtMs: 1 });
    await here.setAudiences('camera', 'door', ['bert']);
    await here.setProgress('bert', video.id, { positionMs: 1, updatedAtMs: 1 });
    const names = ['videos', 'folders', 'folderTree', 'shares', 'cameras', 'progress'];
    for (const name of names) await db.collection(name).updateMany({}, { $set: { later: { kept: 1 } } });
    await here.finishUpload(video.id, arrival);
    await here.renameVideo(video.id, 'y');
    await here.setMarks('bert', video.id, { isWatched: true });
    await here.setProgress('bert', video.id, { positionMs: 2, updatedAtMs: 2 });
    await here.setBinned(video.id, 5);
    await here.renameFolder(folder, 'g');
    await here.setAudiences('folder', folder, ['cora']);
    await here.giveVideos('anna', 'dora');
    await here.updateCamera({ id: 'door', name: 'e', driver: 'test', options: {} });
    await here.setAudiences('camera', 'door', []);
    for (const name of names) {
      for (const doc of await db.collection(name).find({}).toArray())
        assert.deepEqual(doc.later, { kept: 1 }, name);
    }
    assert.equal((await here.getFolder(folder))?.name, 'g');
  });

  it('changes no folders while a change that only the newer knows is half done, and reads them all the same', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    const { db, here } = two;
    const folder = await addFolder(here);
    await db
      .collection('folderTree')
      .updateOne({}, { $set: { pending: { kind: 'fold', id: folder } }, $inc: { revision: 1 } });
    assert.equal((await here.getFolder(folder))?.name, 'f');
    await assert.rejects(here.renameFolder(folder, 'g'), (error) => isAppError(error, 'unavailable'));
    await db.collection('folderTree').updateOne({}, { $set: { pending: null } });
    assert.equal((await here.renameFolder(folder, 'g'))?.name, 'g');
  });
});

describe('A first start', () => {
  it('of eight at once makes the indexes and the first folder, once', async (t) => {
    const opened = await openTestDatabase(t);
    if (!opened) return;
    const all = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = new MongoClient(opened.url);
        t.after(() => client.close());
        return open(t, client.db());
      }),
    );
    const folders = Array.from({ length: 8 }, (_, i) => ({
      ...{ id: `folder ${i}`, ownerId: 'anna', parentId: null, name: 'f', createdAtMs: 1 },
    }));
    await Promise.all(all.map((catalogue, i) => catalogue.addFolder(folders[i]!)));
    for (const catalogue of all) assert.equal((await catalogue.ownFolders(['anna'])).length, 8);
    const indexes = await opened.db.collection('links').listIndexes().toArray();
    assert.deepEqual(indexes.map(({ name }) => name).sort(), ['_id_', 'person', 'secret', 'subject']);
  });
});

describe('A catalogue that was damaged from outside', () => {
  const damages: [what: string, collection: string, id: string, fields: object, told: RegExp][] = [
    ['a folder that is not there', 'videos', 'film', { folderId: 'gone' }, /^video film: lies in a folder/],
    ['a folder of another', 'videos', 'film', { folderId: 'berts' }, /^video film: lies in a folder/],
    ['a parent that is not there', 'folders', 'inner', { parentId: 'gone' }, /^folder inner: lies in one/],
    ['a folder within itself', 'folders', 'inner', { parentId: 'inner' }, /^folder inner: lies within/],
    ['shares that are no list', 'videos', 'film', { audiences: 'x' }, /^video film: whom/],
    ['a title in the wrong place', 'videos', 'film', { titleKey: 'zzz' }, /^video film: .*place/],
    ['words that are missing', 'videos', 'film', { beginnings: [] }, /^video film: is not found/],
    ['the wrong shelf', 'videos', 'film', { inBin: true }, /^video film: is not listed/],
    ['wrong bytes', 'videos', 'film', { storedBytes: 1 }, /^video film: what its owner/],
    ['a link to nothing', 'links', 'link', { subjectId: 'gone' }, /^link link: leads to a video/],
  ];
  it('is told for what it is, and put right where that is asked', async (t) => {
    const two = await openTwo(t);
    if (!two) return;
    const { db, here, there } = two;
    await addFolder(here, { id: 'outer' });
    await addFolder(here, { id: 'inner', parentId: 'outer' });
    await addFolder(here, { id: 'berts', ownerId: 'bert' });
    await here.beginUpload(newVideo('Film', { id: 'film', ownerId: 'anna', folderId: 'inner' }));
    await here.finishUpload('film', arrival);
    await here.addLink({
      ...{ id: 'link', secretHash: 's', subject: 'video', subjectId: 'film', startSeconds: null },
      ...{ endSeconds: null, createdBy: 'anna', createdAtMs: 1, note: '', expiresAtMs: null },
      ...{ passwordHash: null, maxVisits: null, visits: 0, allowsDownload: false },
    });
    assert.deepEqual(await there.inspect({ repair: true }), []);
    for (const [what, collection, id, fields, told] of damages) {
      await db.collection<{ _id: string }>(collection).updateOne({ _id: id }, { $set: fields });
      for (const repair of [false, true]) {
        const found = await here.inspect({ repair });
        assert.ok(found.length >= 1 && found.every(({ isRepaired }) => isRepaired === repair), what);
        for (const { subject, message } of found) assert.match(`${subject}: ${message}`, told);
      }
      assert.deepEqual(await there.inspect({ repair: false }), [], what);
    }
    const folders = (await there.ownFolders(['anna'])).map(({ parentId }) => parentId);
    assert.deepEqual(folders, [null, null], 'what was put right is seen elsewhere');
  });
});

describe('A database that goes away', () => {
  it('is told as unavailable within seconds by everything, and all is well by itself when it is back', async (t) => {
    const folder = await temporaryFolder();
    const port = await freePort();
    const engine = await startMongo(t, { folder, port });
    if (!engine) return;
    const mongo = await connectMongo(withDatabase(engine.url, 'kinora_test'), { log });
    t.after(() => mongo.close());
    const catalogue = await open(t, mongo.db);
    const video = newVideo('kept', { ownerId: 'anna' });
    await catalogue.beginUpload(video);
    const inner = await addFolder(catalogue);
    const revision = catalogue.accessRevision();
    await engine.stop();
    const startMs = performance.now();
    const calls = [
      ...[catalogue.getVideo(video.id), catalogue.listVideos({ limit: 1, after: null, query: '' })],
      ...[catalogue.beginUpload(newVideo('x')), catalogue.renameVideo(video.id, 'y'), catalogue.ping()],
      ...Array.from({ length: 5 }, (_, i) => catalogue.renameFolder(inner, `${i}`)),
      ...[catalogue.giveVideos('anna', 'bert'), catalogue.getUsage('anna'), catalogue.listTasks(1)],
    ];
    assert.deepEqual(new Set(await outcome(calls)), new Set(['unavailable']));
    const seconds = (performance.now() - startMs) / 1000;
    assert.ok(seconds < 12, `${seconds.toFixed(1)} s`);
    await catalogue.noteReceived(video.id, 7);
    assert.equal(typeof catalogue.accessRevision(), 'number');
    const again = await startMongo(t, { folder, port });
    if (!again) return;
    await until(async () => (await catalogue.getVideo(video.id))?.title === 'kept', { timeoutMs: 20_000 });
    await catalogue.setAudiences('video', video.id, ['bert']);
    assert.notEqual(catalogue.accessRevision(), revision);
    assert.equal((await catalogue.renameFolder(inner, 'g'))?.name, 'g');
    await catalogue.close();
    await mongo.close();
  });
});
