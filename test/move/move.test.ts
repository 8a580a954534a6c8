// A whole library with its people from the data folder into a database and back, and what was stopped on the way.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import type { Video } from '../../src/catalogue/catalogue.ts';
import { systemClock as clock } from '../../src/clock.ts';
import type { Config } from '../../src/config.ts';
import { isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { type MoveSide, move } from '../../src/move/move.ts';
import { readSettings } from '../../src/settings.ts';
import { openClusterStores } from '../../src/stores/cluster-stores.ts';
import { openLocalStores } from '../../src/stores/local-stores.ts';
import { arrival, newVideo } from '../contracts/catalogue-samples.ts';
import { smallFilm } from '../helpers/media/small-film.ts';
import { testDatabase } from '../helpers/mongo/test-database.ts';
import { seedPeople, startHouse } from '../helpers/people.ts';
import { plainEnvironment, startProgram } from '../helpers/program.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const log = pino({ level: 'silent' });

function settingsOf(folder: string, mongoUrl?: string): Config {
  const named = { KINORA_DATA: folder, KINORA_CONFIG: '', KINORA_RESERVE_BYTES: '1' };
  return readSettings({ ...named, ...(mongoUrl && { MONGODB_URL: mongoUrl }) }, folder, false);
}

async function openFolder(t: TestContext, folder: string): Promise<MoveSide> {
  const stores = openLocalStores(settingsOf(folder), { clock });
  t.after(() => stores.close());
  const { keys, accounts } = stores;
  return { keys, accounts, catalogue: await stores.openCatalogue(), blobs: await stores.openBlobs() };
}

async function openDatabase(t: TestContext, folder: string, mongoUrl: string): Promise<MoveSide> {
  const config = settingsOf(folder, mongoUrl);
  const stores = await openClusterStores(
    { ...config, cluster: { ...config.cluster, mongoUrl } },
    { clock, log },
  );
  t.after(() => stores.close());
  const { keys, accounts } = stores;
  return { keys, accounts, catalogue: await stores.openCatalogue(), blobs: await stores.openBlobs() };
}

const videoCount = 7;
const people = ['household', 'anna'];

/** Something of everything. */
async function fill({ catalogue, blobs, keys }: MoveSide): Promise<void> {
  const [outer, inner] = [createId(), createId()];
  const folder = { ownerId: 'anna', createdAtMs: 5 };
  await catalogue.addFolder({ ...folder, id: outer, parentId: null, name: 'Trips' });
  await catalogue.addFolder({ ...folder, id: inner, parentId: outer, name: 'Norway' });
  await catalogue.setAudiences('folder', outer, ['household']);
  for (let number = 0; number < videoCount; number += 1) {
    const video = newVideo(`Film ${number}`, {
      ownerId: number % 2 ? 'anna' : 'household',
      folderId: number === 3 ? inner : null,
      audiences: number === 5 ? ['household', 'ben'] : [],
    });
    const bytes = randomBytes(number === 0 ? 2_500_000 : 1000 + number);
    const indexId = createId();
    await blobs.put(video.blobId, bytes);
    await blobs.put(indexId, randomBytes(500));
    await catalogue.beginUpload(video);
    await catalogue.finishUpload(video.id, { ...arrival, sizeBytes: bytes.length, indexId });
    if (number === 1) await catalogue.setMarks('anna', video.id, { isFavourite: true, isWatched: true });
    if (number === 2) await catalogue.setProgress('anna', video.id, { positionMs: 1234.5, updatedAtMs: 77 });
    if (number === 6) await catalogue.setBinned(video.id, 99_000);
    if (number === 4)
      await catalogue.addLink({
        ...{ id: createId(), secretHash: 'a'.repeat(64), subject: 'video', subjectId: video.id },
        ...{ startSeconds: 1, endSeconds: 2.5, createdBy: 'anna', createdAtMs: 8, note: 'for Ida' },
        ...{ expiresAtMs: null, passwordHash: null, maxVisits: 9, visits: 3, allowsDownload: true },
      });
  }
  const arriving = newVideo('Half a film', { sizeBytes: 3000, uploadMetadata: 'filename aGFsZg==' });
  await catalogue.beginUpload(arriving);
  const writer = await blobs.append(arriving.blobId);
  await writer.write(randomBytes(1700));
  await writer.close();
  const camera = {
    id: 'porch',
    name: 'Porch',
    driver: 'mjpeg',
    options: { url: 'http://porch/' },
    addedAtMs: 3,
  };
  await catalogue.addCamera(camera);
  await catalogue.setAudiences('camera', 'porch', ['ben']);
  for (let number = 0; number < 3; number += 1)
    await catalogue.noteAudit({
      ...{ id: createId(), atMs: 1000 + number, personId: null, personName: '' },
      ...{ action: 'link-made', subject: 'Film', address: '::1' },
    });
  await keys.get('camera', 'cameras');
}

async function digestOf(blobs: BlobStore, id: string): Promise<string> {
  const reader = await blobs.open(id).catch((error: unknown) => {
    if (isAppError(error, 'not-found')) return blobs.openUnfinished(id);
    throw error;
  });
  const bytes = new Uint8Array(reader.sizeBytes);
  for (let at = 0; at < bytes.length; ) at += await reader.read(bytes.subarray(at), at);
  await reader.close();
  return createHash('sha256').update(bytes).digest('hex');
}

/** Everything that is there, in a form that can be compared. */
async function everything({ catalogue, blobs, keys }: MoveSide): Promise<unknown> {
  const videos: Video[] = [];
  for (const inBin of [false, true])
    videos.push(...(await catalogue.listVideos({ limit: 1000, after: null, query: '', inBin })).items);
  const arriving = await catalogue.listArriving();
  const ids = videos.map(({ id }) => id);
  const described = [];
  for (const video of [...videos, ...arriving]) {
    const audiences = await catalogue.getAudiences('video', video.id);
    const index = video.indexId === null ? null : await digestOf(blobs, video.indexId);
    described.push({
      ...video,
      receivedBytes: 0,
      audiences,
      digest: await digestOf(blobs, video.blobId),
      index,
    });
  }
  const folders = (await catalogue.ownFolders(people)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return {
    videos: described,
    folders: await Promise.all(
      folders.map(async (one) => [one, await catalogue.getAudiences('folder', one.id)]),
    ),
    marks: await Promise.all(people.map(async (id) => [...(await catalogue.getMarks(id, ids))].toSorted())),
    progress: await Promise.all(
      people.map(async (id) => [...(await catalogue.getProgress(id, ids))].toSorted()),
    ),
    links: await catalogue.listLinks({}),
    cameras: await catalogue.listCameras(),
    shares: await catalogue.getAudiences('camera', 'porch'),
    audit: await catalogue.listAudit(1e15, 100),
    usage: await Promise.all(people.map((id) => catalogue.getUsage(id))),
    keys: await Promise.all((['auth', 'links', 'camera'] as const).map(async (name) => keys.peek(name))),
  };
}

test('a library goes into the database and back, and is the same', async (t) => {
  const database = await testDatabase(t);
  if (!database) return;
  const [first, second] = [await temporaryFolder(), await temporaryFolder()];
  const seeded = await seedPeople(first);
  const from = await openFolder(t, first);
  await fill(from);
  const there = await openDatabase(t, second, database.url);
  const lines: string[] = [];
  const tools = { clock, log, cameraIds: ['default'], out: (line: string) => void lines.push(line) };
  const moved = await move(from, there, tools);
  assert.equal(moved.people, seeded.length);
  assert.equal(moved.videos, videoCount + 1);
  assert.equal(lines.length, videoCount + 1);
  assert.deepEqual(await everything(there), await everything(from));
  const again = await move(from, there, tools);
  assert.equal(again.videos, 1, 'of what is there only the unfinished one is looked at again');
  assert.deepEqual(await everything(there), await everything(from));

  const back = await openFolder(t, second);
  await move(there, back, tools);
  assert.deepEqual(await everything(back), await everything(from));

  const other = await openFolder(t, await temporaryFolder());
  const video = newVideo('Somebody else’s');
  await other.catalogue.beginUpload(video);
  await other.blobs.put(video.blobId, randomBytes(10));
  await other.catalogue.finishUpload(video.id, arrival);
  await assert.rejects(move(from, other, tools), (error) => isAppError(error, 'conflict'));
});

test('one that was stopped goes on, and what is not what was read is refused', async (t) => {
  const database = await testDatabase(t);
  if (!database) return;
  const from = await openFolder(t, await temporaryFolder());
  await fill(from);
  const there = await openDatabase(t, await temporaryFolder(), database.url);
  const tools = { clock, log, cameraIds: [], out: () => {} };
  // The connection breaks at every third piece that is written.
  let pieces = 0;
  const breaking: BlobStore = {
    ...bound(there.blobs),
    async append(id) {
      const writer = await there.blobs.append(id);
      return {
        get sizeBytes() {
          return writer.sizeBytes;
        },
        async write(piece) {
          pieces += 1;
          if (pieces % 3 === 0) throw new Error('the line is cut');
          await writer.write(piece);
        },
        sync: () => writer.sync(),
        seal: () => writer.seal(),
        close: () => writer.close(),
      };
    },
  };
  let cuts = 0;
  for (;;) {
    try {
      await move(from, { ...there, blobs: breaking }, tools);
      break;
    } catch (error) {
      assert.match((error as Error).message, /the line is cut/);
      cuts += 1;
      assert.ok(cuts < 40);
    }
  }
  assert.ok(cuts >= 3, `${cuts}`);
  assert.deepEqual(await everything(there), await everything(from));

  // A disk that gives back something else than it was given.
  const lying: BlobStore = {
    ...bound(there.blobs),
    async open(id) {
      const reader = await there.blobs.open(id);
      return {
        sizeBytes: reader.sizeBytes,
        modifiedAtMs: reader.modifiedAtMs,
        async read(into, position) {
          const count = await reader.read(into, position);
          if (position === 0) into[0]! ^= 1;
          return count;
        },
        close: () => reader.close(),
      };
    },
  };
  const more = newVideo('Film after');
  await from.blobs.put(more.blobId, randomBytes(2000));
  await from.catalogue.beginUpload(more);
  await from.catalogue.finishUpload(more.id, { ...arrival, indexId: null, sizeBytes: 2000 });
  await assert.rejects(move(from, { ...there, blobs: lying }, tools), (error) =>
    isAppError(error, 'corrupt'),
  );
  assert.equal(await there.catalogue.getVideo(more.id), null, 'it does not count as moved');
});

test('kinora move: afterwards the same people watch the same films from the database', async (t) => {
  const database = await testDatabase(t);
  if (!database) return;
  const dataFolder = await temporaryFolder();
  const house = await startHouse({ dataFolder });
  const film = await smallFilm();
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(film)]), 'Lake.mkv');
  const made = await house.owner.ask('/upload', {
    ...{ method: 'POST', body: form },
    headers: { accept: 'application/json' },
  });
  assert.equal(made.status, 201, await made.clone().text());
  const { videos } = (await made.json()) as { videos: [{ id: string }] };
  const path = `/videos/${videos[0].id}`;
  const view = Buffer.from(await (await house.owner.ask(`${path}/video.mp4`)).arrayBuffer());
  await house.program.end();

  const shared = { MONGODB_URL: database.url };
  const run = async (...words: string[]) => {
    const child = spawn(process.execPath, [main, ...words], {
      env: { ...plainEnvironment(), ...shared, KINORA_DATA: dataFolder, KINORA_CONFIG: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (piece) => (said += piece));
    const [code] = await once(child, 'exit');
    return { code, said };
  };
  assert.equal((await run('move', '--to', 'nowhere')).code, 2);
  const { code, said } = await run('move', '--to', 'mongodb');
  assert.equal(code, 0, said);
  assert.match(said, /moved 1 videos .* and 4 people/);

  const replicaFolder = join(dataFolder, 'replica');
  await mkdir(replicaFolder);
  const program = await startProgram({
    dataFolder: replicaFolder,
    settings: { ...shared, KINORA_AUTH: 'accounts' },
  });
  t.after(() => program.close());
  const asOwner = { headers: { cookie: house.owner.cookie } };
  const answer = await fetch(`${program.url}${path}/video.mp4`, asOwner);
  assert.equal(answer.status, 200, 'the session holds');
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(view));
  assert.equal((await fetch(`${program.url}${path}/video.mp4`, { redirect: 'manual' })).status, 401);
  const checked = await run('check');
  assert.equal(checked.code, 0, checked.said);
  assert.match(checked.said, /1 video checked: all is well/);
});

/** A store's methods, also those of its class, as an object's own. */
function bound(store: BlobStore): BlobStore {
  return {
    append: (id) => store.append(id),
    put: (id, bytes) => store.put(id, bytes),
    open: (id) => store.open(id),
    openUnfinished: (id) => store.openUnfinished(id),
    remove: (id) => store.remove(id),
    list: () => store.list(),
    room: () => store.room(),
    close: () => store.close(),
  };
}
