// SQLite's own: the contract, then schema versions, damaged and foreign files, a full disk, and processes killed right
// after a write was acknowledged.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { sqliteFailure } from '../../src/catalogue/sqlite/failure.ts';
import { openForWriting } from '../../src/catalogue/sqlite/open-database.ts';
import { applicationId, type SchemaHistory, schemaHistory } from '../../src/catalogue/sqlite/schema.ts';
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { WordIndex } from '../../src/catalogue/sqlite/word-index.ts';
import { createWrites } from '../../src/catalogue/sqlite/writes.ts';
import { systemClock } from '../../src/clock.ts';
import { isAppError } from '../../src/errors.ts';
import { catalogueContract } from '../contracts/catalogue.ts';
import { newVideo } from '../contracts/catalogue-samples.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { schema1 } from './schema-1.ts';
import { schema2 } from './schema-2.ts';

const clock = systemClock;

catalogueContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kinora catalogue '));
  const file = join(folder, 'deep', 'kinora.sqlite');
  let catalogue = await openSqliteCatalogue({ file, clock });
  return {
    catalogue,
    async reopen() {
      await catalogue.close();
      catalogue = await openSqliteCatalogue({ file, clock });
      return catalogue;
    },
    dispose: () => rm(folder, { recursive: true }),
  };
});

/** Everything a schema says, whatever the order in which it came about. */
function shapeOf(database: DatabaseSync): unknown {
  const tables = database
    .prepare(
      "SELECT name, type, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name",
    )
    .all() as { name: string; type: string; tbl_name: string }[];
  return tables.map((table) => ({
    ...table,
    columns: table.type === 'table' ? database.prepare(`PRAGMA table_xinfo("${table.name}")`).all() : [],
    indexes: table.type === 'index' ? database.prepare(`PRAGMA index_xinfo("${table.name}")`).all() : [],
  }));
}

/** What user files of each old version look like; a version that was given out is never taken from here. */
const oldSchemas: Record<number, string> = { 1: schema1, 2: schema2 };

describe('The schema', () => {
  it('is the same after an upgrade from every old version as it is fresh', async () => {
    const folder = await temporaryFolder();
    const fresh = openForWriting(join(folder, 'fresh.sqlite'));
    for (let version = 1; version < schemaHistory.version; version++) {
      assert.ok(oldSchemas[version], `the schema of version ${version} must be kept here`);
    }
    for (const [version, sql] of Object.entries(oldSchemas)) {
      const file = join(folder, `${version}.sqlite`);
      const old = new DatabaseSync(file);
      old.exec(`${sql}; PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`);
      old.close();
      const upgraded = openForWriting(file);
      assert.deepEqual(shapeOf(upgraded), shapeOf(fresh));
      upgraded.close();
    }
    fresh.close();
  });

  it('goes forward step by step and keeps what is there', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'c.sqlite');
    const first: SchemaHistory = { version: 1, fresh: 'CREATE TABLE a (x TEXT) STRICT', steps: {} };
    const third: SchemaHistory = {
      version: 3,
      fresh: 'CREATE TABLE a (x TEXT, y TEXT, z TEXT) STRICT',
      steps: { 1: 'ALTER TABLE a ADD y TEXT', 2: 'ALTER TABLE a ADD z TEXT' },
    };
    const old = openForWriting(file, first);
    old.exec("INSERT INTO a VALUES ('kept')");
    old.close();
    const upgraded = openForWriting(file, third);
    const fresh = openForWriting(join(folder, 'fresh.sqlite'), third);
    assert.deepEqual(shapeOf(upgraded), shapeOf(fresh));
    assert.deepEqual({ ...upgraded.prepare('SELECT * FROM a').get() }, { x: 'kept', y: null, z: null });
    upgraded.close();
    fresh.close();
    assert.throws(
      () => openForWriting(file, first),
      (error) => isAppError(error, 'conflict') && /newer/.test(error.message),
    );
  });

  it('is left as it was when a step fails', async () => {
    const file = join(await temporaryFolder(), 'c.sqlite');
    openForWriting(file, { version: 1, fresh: 'CREATE TABLE a (x TEXT)', steps: {} }).close();
    const broken = { 1: 'ALTER TABLE a ADD y TEXT', 2: 'ALTER TABLE nowhere ADD z TEXT' };
    assert.throws(() => openForWriting(file, { version: 3, fresh: '', steps: broken }));
    const database = new DatabaseSync(file);
    assert.equal(database.prepare('PRAGMA user_version').get()?.user_version, 1);
    assert.equal(database.prepare('PRAGMA table_info(a)').all().length, 1);
    database.close();
  });

  it('explains every column', () => {
    for (const line of schemaHistory.fresh.split('\n')) assert.ok(!/\t/.test(line));
    const lines = schemaHistory.fresh.split('\n').map((line) => line.trim());
    const columns = lines.flatMap((line, i) => (/^[a-z_]+ (TEXT|INTEGER|REAL|BLOB)\b/.test(line) ? [i] : []));
    assert.ok(columns.length > 25);
    const plain = columns.filter((i) => !lines[i - 1]?.startsWith('--')).map((i) => lines[i]);
    // What a name says whole needs no words.
    const obvious = /^(person_id|video_id|id|name|videos) /;
    assert.deepEqual(
      plain.filter((line) => !obvious.test(line ?? '')),
      [],
    );
  });
});

describe('A catalogue file', () => {
  it('that is not one, or damaged, is told as such and left alone', async () => {
    const folder = await temporaryFolder();
    const foreign = join(folder, 'foreign.sqlite');
    const other = new DatabaseSync(foreign);
    other.exec('CREATE TABLE notes (x); PRAGMA user_version = 1');
    other.close();
    const text = join(folder, 'text.sqlite');
    await writeFile(text, 'This is no database, but a text of some length. '.repeat(100));
    for (const file of [foreign, text]) {
      const before = await readFile(file);
      await assert.rejects(
        openSqliteCatalogue({ file, clock }),
        (error) => isAppError(error, 'corrupt') && error.message.includes(file),
      );
      assert.ok(before.equals(await readFile(file)));
    }
  });

  it('whose pages are overwritten gives a clear error where they are met', async () => {
    const file = join(await temporaryFolder(), 'c.sqlite');
    const catalogue = await openSqliteCatalogue({ file, clock });
    await Promise.all(Array.from({ length: 500 }, (_, i) => catalogue.beginUpload(newVideo(`v ${i}`))));
    await catalogue.close();
    const handle = await open(file, 'r+');
    const { size } = await handle.stat();
    for (let at = 4096 * 2; at < size; at += 4096) await handle.write(Buffer.alloc(2048, 0xa5), 0, 2048, at);
    await handle.close();
    await assert.rejects(
      async () => {
        const damaged = await openSqliteCatalogue({ file, clock });
        try {
          await damaged.listVideos({ limit: 1000, after: null, query: '' });
        } finally {
          await damaged.close();
        }
      },
      (error) => isAppError(error, 'corrupt'),
    );
  });

  it('in a place that cannot be is unavailable', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(openSqliteCatalogue({ file: join(folder, 'file', 'c.sqlite'), clock }), (error) =>
      isAppError(error, 'unavailable'),
    );
    await assert.rejects(openSqliteCatalogue({ file: folder, clock }), (error) =>
      isAppError(error, 'unavailable'),
    );
  });

  it('acknowledges a commit only when the disk has it', async () => {
    const database = openForWriting(join(await temporaryFolder(), 'c.sqlite'));
    assert.equal(database.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
    assert.equal(database.prepare('PRAGMA synchronous').get()?.synchronous, 2); // FULL
    assert.equal(database.prepare('PRAGMA foreign_keys').get()?.foreign_keys, 1);
    database.close();
  });

  it('is one file again once it is closed', async () => {
    const file = join(await temporaryFolder(), 'c.sqlite');
    const catalogue = await openSqliteCatalogue({ file, clock });
    await catalogue.beginUpload(newVideo('x'));
    await catalogue.noteReceived((await catalogue.listArriving())[0]!.id, 77);
    await catalogue.close();
    await assert.rejects(stat(`${file}-wal`), { code: 'ENOENT' });
    const again = await openSqliteCatalogue({ file, clock });
    assert.equal((await again.listArriving())[0]?.receivedBytes, 77);
    await again.close();
  });
});

describe('What another process writes', () => {
  it('is known within two seconds: the revision moves, and whom a thing is shared with is asked anew', async () => {
    const file = join(await temporaryFolder(), 'c.sqlite');
    const fake = createFakeClock();
    const here = await openSqliteCatalogue({ file, clock: fake });
    const there = await openSqliteCatalogue({ file, clock });
    const video = newVideo('x', { ownerId: 'anna', audiences: ['bert'] });
    await there.beginUpload(video);
    const before = here.accessRevision();
    assert.deepEqual((await here.getSharing('video', video.id))?.audiences, ['bert']);
    assert.equal((await here.getVideo(video.id))?.ownerId, 'anna');
    await there.setAudiences('video', video.id, []);
    await there.giveVideos('anna', 'cora');
    await fake.advance(2000);
    assert.notEqual(here.accessRevision(), before);
    assert.deepEqual(await here.getSharing('video', video.id), { ownerId: 'cora', audiences: [] });
    assert.equal((await here.getVideo(video.id))?.ownerId, 'cora');
    await here.close();
    await there.close();
    assert.equal(typeof here.accessRevision(), 'number', 'asked once more by who ends later');
  });
});

describe('A write that SQLite refuses', () => {
  it('fails alone, though it shares a transaction with others', async () => {
    const catalogue = await openSqliteCatalogue({ file: join(await temporaryFolder(), 'c.sqlite'), clock });
    const [good, bad, last] = await Promise.allSettled([
      catalogue.beginUpload(newVideo('good one')),
      catalogue.beginUpload(newVideo('bad one', { sizeBytes: 1.5 })), // no whole number of bytes
      catalogue.beginUpload(newVideo('last one')),
    ]);
    assert.deepEqual([good?.status, bad?.status, last?.status], ['fulfilled', 'rejected', 'fulfilled']);
    const { items } = await catalogue.listVideos({ limit: 10, after: null, query: 'one' });
    assert.deepEqual(
      items.map(({ title }) => title),
      ['last one', 'good one'],
    );
    await catalogue.close();
  });

  it('for lack of room is told as that', async () => {
    const database = openForWriting(join(await temporaryFolder(), 'c.sqlite'));
    database.exec('PRAGMA max_page_count = 30'); // as full as a disk gets, by SQLite's own count
    const words = new WordIndex(database);
    const writes = createWrites(database, words);
    assert.throws(
      () => {
        for (let i = 0; i < 1000; i++) writes.beginUpload(newVideo(`video ${'x'.repeat(1000)} ${i}`));
      },
      (error) => isAppError(sqliteFailure(error, 'c.sqlite'), 'no-room'),
    );
    database.close();
  });
});

describe('A process killed while it writes the catalogue', () => {
  it('loses nothing that was acknowledged, in six kills on one file', async () => {
    const file = join(await temporaryFolder(), 'c.sqlite');
    const told = new Map<string, { status: string; title: string }>();
    for (let kill = 0; kill < 6; kill++) {
      const child = fork(join(import.meta.dirname, 'writing-process.ts'), [file]);
      const exited = once(child, 'exit');
      let left = randomInt(1, 60);
      child.on('message', (message: { id: string; status: string; title: string }) => {
        told.set(message.id, message);
        if (--left === 0) child.kill('SIGKILL');
      });
      const [, signal] = await exited;
      assert.equal(signal, 'SIGKILL', 'the process ended by itself');

      const catalogue = await openSqliteCatalogue({ file, clock });
      let count = 0;
      for await (const video of catalogue.streamVideos({ query: '', inBin: 'both' })) {
        count++;
        const { items } = await catalogue.listVideos({ limit: 1000, after: null, query: video.title });
        assert.ok(
          items.some(({ id }) => id === video.id),
          'the search knows what the list has',
        );
      }
      assert.equal(await catalogue.countVideos(), count);
      for (const [id, { status, title }] of told) {
        const video = await catalogue.getVideo(id);
        // The next write after the last one told may have been done or not.
        if (status === 'forgotten') assert.equal(video, null);
        else if (video) {
          assert.ok(video.status === status || video.status === 'ready');
          assert.ok(video.title === title || video.title.startsWith('Renamed'));
        } else {
          assert.ok(/^Renamed \d*[13579]$/.test(title), `${status} "${title}" is gone`);
        }
        if (status === 'forgotten') told.delete(id);
      }
      await catalogue.close();
    }
    assert.ok(told.size > 6);
  });
});
