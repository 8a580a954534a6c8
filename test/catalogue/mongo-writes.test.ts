// The catalogue's writes to MongoDB when they are seen twice, or much too late, and when the process dies between any
// two of them.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Db } from 'mongodb';
import { pino } from 'pino';
import type { Catalogue, Folder, GuestLink } from '../../src/catalogue/catalogue.ts';
import { openMongoCatalogue } from '../../src/catalogue/mongo/mongo-catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { isAppError } from '../../src/errors.ts';
import { catalogueLinks } from '../contracts/catalogue-links.ts';
import { catalogueProperties } from '../contracts/catalogue-property.ts';
import { arrival, newVideo } from '../contracts/catalogue-samples.ts';
import { catalogueTasks } from '../contracts/catalogue-tasks.ts';
import { dyingAt, remembered, seenTwice } from '../helpers/mongo/faulty-database.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';

const log = pino({ level: 'silent' });

async function open(t: TestContext, db: Db): Promise<Catalogue> {
  const catalogue = await openMongoCatalogue({ db, clock: systemClock, log });
  t.after(() => catalogue.close());
  return catalogue;
}

const ends: (() => unknown)[] = [];
let missing: string | undefined;
const shared = await openTestDatabase({
  skip: (reason) => {
    missing = reason ?? '';
  },
  after: (end: () => unknown) => ends.push(end),
} as Parameters<typeof openTestDatabase>[0]);

const owners = ['household', 'anna', 'bert', 'cora'];

async function empty(catalogue: Catalogue): Promise<void> {
  for await (const { id } of catalogue.streamVideos({ query: '', inBin: 'both' }))
    await catalogue.forgetVideo(id);
  for (const { id } of await catalogue.ownFolders(owners)) await catalogue.removeFolder(id);
  for (const { id } of await catalogue.listLinks({})) await catalogue.removeLink(id);
  for (const { id } of await catalogue.listCameras()) await catalogue.removeCamera(id);
}

function folder(id: string, rest: Partial<Folder> = {}): Folder {
  return { id, ownerId: 'anna', parentId: null, name: id, createdAtMs: 1, ...rest };
}

const link: GuestLink = {
  ...{ id: 'link', secretHash: 'secret', subject: 'video', subjectId: 'film', startSeconds: null },
  ...{ endSeconds: null, createdBy: 'bert', createdAtMs: 1, note: '', expiresAtMs: null },
  ...{ passwordHash: null, maxVisits: 3, visits: 0, allowsDownload: false },
};

/** Folders within folders, shared, with a film in each, and what bert remembers. */
async function furnish(catalogue: Catalogue): Promise<void> {
  await catalogue.addFolder(folder('outer'));
  await catalogue.addFolder(folder('inner', { parentId: 'outer' }));
  await catalogue.addFolder(folder('other'));
  await catalogue.setAudiences('folder', 'outer', ['bert']);
  await catalogue.setAudiences('folder', 'inner', ['cora']);
  await catalogue.beginUpload(newVideo('film', { id: 'film', ownerId: 'anna', folderId: 'inner' }));
  await catalogue.beginUpload(newVideo('second', { id: 'second', ownerId: 'anna', audiences: ['bert'] }));
  await catalogue.finishUpload('film', arrival);
  await catalogue.setProgress('bert', 'film', { positionMs: 5, updatedAtMs: 5 });
  await catalogue.setAudiences('camera', 'door', ['bert']);
  await catalogue.addLink(link);
}

/** Resolves to what puts all documents back as they are now. */
async function keep(db: Db): Promise<() => Promise<void>> {
  const names = (await db.collections()).map(({ collectionName }) => collectionName);
  const kept = await Promise.all(
    names.map(async (name) => ({ name, documents: await db.collection(name).find().toArray() })),
  );
  return async () => {
    await Promise.all(
      kept.map(async ({ name, documents }) => {
        await db.collection(name).deleteMany({});
        if (documents.length > 0) await db.collection(name).insertMany(documents);
      }),
    );
  };
}

/** All that anybody is told, by which two catalogues are compared. */
async function told(catalogue: Catalogue): Promise<unknown> {
  const seen = async (audience: string) => {
    const sight = { ownerIds: [], audiences: [audience] };
    const { items } = await catalogue.listVideos({ limit: 100, after: null, query: '', sight });
    const folders = await catalogue.listFolders(sight, null);
    return [items.map(({ id }) => id), folders.map(({ id }) => id)];
  };
  const videos = [];
  for await (const { addedAtMs: _, blobId: __, ...video } of catalogue.streamVideos({
    query: '',
    inBin: 'both',
  }))
    videos.push([video, await catalogue.getSharing('video', video.id)]);
  const folders = (await catalogue.ownFolders(owners)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return {
    videos,
    folders: await Promise.all(
      folders.map(async (each) => [each, await catalogue.getSharing('folder', each.id)]),
    ),
    seen: [await seen('bert'), await seen('cora'), await seen('household')],
    links: await catalogue.listLinks({}),
    usage: await Promise.all(owners.map((owner) => catalogue.getUsage(owner))),
    progress: [...(await catalogue.getProgress('bert', ['film', 'second']))],
    marks: [...(await catalogue.getMarks('bert', ['film', 'second']))],
    begun: (await catalogue.listBegun('bert', { ownerIds: owners, audiences: [] }, 9)).map(({ id }) => id),
    camera: await catalogue.getAudiences('camera', 'door'),
    cameras: await catalogue.listCameras(),
    tasks: await catalogue.listTasks(9),
  };
}

const camera = { id: 'door', name: 'Door', driver: 'test', options: { $where: 1, 'a.b': 2 }, addedAtMs: 1 };

/** What is done to a furnished catalogue. */
const acts: Record<string, (catalogue: Catalogue) => Promise<unknown>> = {
  'a video begins in a folder': (catalogue) =>
    catalogue.beginUpload(newVideo('new', { id: 'new', ownerId: 'anna', folderId: 'inner' })),
  'a video is finished': (catalogue) => catalogue.finishUpload('second', arrival),
  'a video moves': (catalogue) => catalogue.moveVideo('film', 'other'),
  'a video is binned': (catalogue) => catalogue.setBinned('film', 7),
  'a video goes': (catalogue) => catalogue.forgetVideo('film'),
  'a folder is added': (catalogue) => catalogue.addFolder(folder('new', { parentId: 'inner' })),
  'a folder is renamed': (catalogue) => catalogue.renameFolder('inner', 'Keller'),
  'a folder moves': (catalogue) => catalogue.moveFolder('inner', 'other'),
  'a folder goes': (catalogue) => catalogue.removeFolder('inner'),
  'a folder is shared': (catalogue) => catalogue.setAudiences('folder', 'other', ['household']),
  'all is given': (catalogue) => catalogue.giveVideos('anna', 'cora'),
  'somebody is forgotten': (catalogue) => catalogue.forgetPerson('bert'),
  'a film is marked': (catalogue) =>
    catalogue.setMarks('bert', 'film', { isWatched: true, isFavourite: true }),
  'progress is noted': (catalogue) =>
    catalogue.setProgress('bert', 'second', { positionMs: 1, updatedAtMs: 9 }),
  'a link ends': (catalogue) => catalogue.removeLink('link'),
  'a camera is added': (catalogue) => catalogue.addCamera(camera),
  'a task is added': (catalogue) =>
    catalogue.addTask({ id: 'task', kind: 'scan', videoId: 'second', addedAtMs: 1 }),
};

describe('Writes that MongoDB sees twice', () => {
  it('do what they do once, whatever it is', async (t) => {
    const [plain, double] = [await openTestDatabase(t), await openTestDatabase(t)];
    if (!plain || !double) return;
    const databases = [plain.db, seenTwice(double.db)];
    let [once, twice] = [await open(t, plain.db), await open(t, seenTwice(double.db))];
    await Promise.all([furnish(once), furnish(twice)]);
    const restores = [await keep(plain.db), await keep(double.db)];
    for (const [name, act] of Object.entries(acts)) {
      await Promise.all([once.close(), twice.close(), ...restores.map((restore) => restore())]);
      [once, twice] = (await Promise.all(databases.map((db) => open(t, db)))) as [Catalogue, Catalogue];
      await Promise.all([act(once), act(twice)]);
      assert.deepEqual(await told(twice), await told(once), name);
      assert.deepEqual(await twice.inspect({ repair: false }), [], name);
    }
    await Promise.all([empty(once), empty(twice)]);
    for (const catalogue of [once, twice]) {
      await catalogue.addCamera(camera);
      await assert.rejects(catalogue.addCamera({ ...camera, name: 'Gate' }), (error) =>
        isAppError(error, 'conflict'),
      );
      assert.equal(await catalogue.removeCamera('door'), true);
      assert.equal(await catalogue.removeCamera('door'), false);
    }
  });

  describe('keep the contract about what is done once', { skip: missing }, () => {
    let catalogue: Catalogue;
    const get = () => catalogue;
    before(async () => {
      if (shared) catalogue = await openMongoCatalogue({ db: seenTwice(shared.db), clock: systemClock, log });
    });
    beforeEach(() => empty(catalogue));
    after(async () => {
      await catalogue?.close();
      for (const end of ends.reverse()) await end();
    });
    catalogueTasks(get, async () => catalogue);
    catalogueLinks(get, async () => catalogue);
    catalogueProperties(get, () => empty(catalogue), 4);
  });
});

describe('Writes that MongoDB sees once more, much later', () => {
  it('change nothing of folders, of where videos lie and of whom things are shared with', async (t) => {
    const opened = await openTestDatabase(t);
    if (!opened) return;
    const { db, written } = remembered(opened.db);
    const catalogue = await open(t, db);
    await furnish(catalogue);
    await catalogue.moveFolder('inner', 'other');
    await catalogue.setAudiences('folder', 'inner', ['household']);
    await catalogue.setAudiences('video', 'film', ['cora']);
    await catalogue.setAudiences('video', 'film', []);
    await catalogue.moveVideo('film', 'outer');
    await catalogue.moveVideo('second', 'outer');
    await catalogue.renameFolder('inner', 'Keller');
    await catalogue.removeFolder('outer');
    await catalogue.giveVideos('anna', 'cora');
    await catalogue.addFolder(folder('later'));
    await catalogue.setAudiences('folder', 'inner', []);
    await catalogue.moveFolder('inner', null);
    const before = await told(catalogue);
    const late = written.filter(
      ({ collection, method }) =>
        ['folders', 'folderTree', 'videos', 'shares'].includes(collection) && method !== 'insertOne',
    );
    assert.ok(late.length > 40);
    for (const { run } of late) await run();
    assert.deepEqual(await told(catalogue), before);
    const fresh = await open(t, opened.db);
    assert.deepEqual(await told(fresh), before);
    assert.deepEqual(await fresh.inspect({ repair: false }), []);
  });
});

describe('A process that dies between two writes', () => {
  it('leaves what the next one ends or can do again, at whichever write it was', async (t) => {
    const opened = await openTestDatabase(t);
    if (!opened) return;
    const sound = await open(t, opened.db);
    let deaths = 0;
    for (const [name, act] of Object.entries(acts)) {
      // One document, done or not.
      if (/finished|binned|renamed|progress|camera|task/.test(name)) continue;
      await empty(sound);
      await furnish(sound);
      const before = await told(sound);
      await act(sound);
      const after = await told(sound);
      await empty(sound);
      await furnish(sound);
      const restore = await keep(opened.db);
      // Before its first write, before its second, and so on; at last not at all.
      for (let number = 1, isEnd = false; !isEnd; number++) {
        await restore();
        const dying = dyingAt(opened.db, number);
        const victim = await openMongoCatalogue({ db: dying.db, clock: systemClock, log }).catch(() => null);
        await (victim && act(victim).catch(() => {}));
        await victim?.close().catch(() => {});
        isEnd = !dying.isDead();
        deaths++;
        const next = await openMongoCatalogue({ db: opened.db, clock: systemClock, log });
        const what = `${name}, dead before write ${number}`;
        // Between folders and videos, things of two owners lie together.
        const wrong = /given/.test(name) ? [] : await next.inspect({ repair: true });
        // A folder without anything in it, which nobody sees.
        assert.ok(
          wrong.every(({ message }) => /never added|is of a video that is not there/.test(message)),
          `${what}: ${JSON.stringify(wrong)}`,
        );
        // It was done or not; only what goes in pieces may be in between.
        if (!/forgotten|given|goes|marked/.test(name)) {
          const now = await told(next);
          assert.deepEqual(now, isDeepStrictEqual(now, after) ? after : before, what);
        }
        await act(next);
        assert.deepEqual(await told(next), after, what);
        await next.close();
      }
    }
    assert.ok(deaths > 50, `${deaths}`);
  });
});
