// Tar archives, written and read: held against a second implementation and against what the machine's own tar makes.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { extract, pack } from 'tar-stream';
import { tarEnd, tarHeader, tarPadding } from '../../src/archive/tar-header.ts';
import { readTar } from '../../src/archive/tar-reader.ts';
import { isAppError } from '../../src/errors.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

type Read = { name: string; kind: string; sizeBytes: number; text: string };

/** Everything of an archive, its bytes given in pieces of `chunkBytes`. */
async function readAll(bytes: Uint8Array, chunkBytes = 1000): Promise<Read[]> {
  const found: Read[] = [];
  for await (const entry of readTar(inPieces(bytes, chunkBytes))) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry.bytes()) chunks.push(Buffer.from(chunk));
    const { name, kind, sizeBytes } = entry;
    found.push({ name, kind, sizeBytes, text: Buffer.concat(chunks).toString() });
  }
  return found;
}

async function* inPieces(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

function archiveOf(files: readonly (readonly [name: string, text: string])[]): Buffer {
  const parts = files.flatMap(([name, text]) => {
    const bytes = Buffer.from(text);
    return [
      tarHeader({ name, sizeBytes: bytes.length, modifiedAtMs: 1e12 }),
      bytes,
      tarPadding(bytes.length),
    ];
  });
  return Buffer.concat([...parts, tarEnd()]);
}

const names = [
  'plain.txt',
  'with space.txt',
  `${'long/'.repeat(30)}name.txt`,
  'ünïcödé – 日本の夏.mkv',
  `${'x'.repeat(99)}é`,
  `${'y'.repeat(100)}`,
  `${'z'.repeat(101)}`,
  `deep/${'ж'.repeat(500)}.mp4`,
];

describe('what is written', () => {
  test('is read by a second implementation, names and bytes alike', async () => {
    const files = names.map((name, index) => [name, 'a'.repeat(index * 200)] as const);
    const found: [string, string][] = [];
    const reader = extract();
    reader.on('entry', (header, stream, next) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => chunks.push(chunk as Buffer));
      stream.on('end', () => {
        found.push([header.name, Buffer.concat(chunks).toString()]);
        next();
      });
    });
    const done = new Promise<void>((resolve, reject) => {
      reader.on('finish', () => resolve());
      reader.on('error', reject);
    });
    reader.end(archiveOf(files));
    await done;
    assert.deepEqual(found, files);
  });

  test('is unpacked by the tar of this machine', async () => {
    const folder = await temporaryFolder();
    const files = names.filter((name) => name.length < 300).map((name) => [name, `of ${name}`] as const);
    await writeFile(join(folder, 'made.tar'), archiveOf(files));
    execFileSync('tar', ['-xf', 'made.tar'], { cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    for (const [name, text] of files) assert.equal(await readFile(join(folder, name), 'utf8'), text);
    const { mtimeMs } = await stat(join(folder, 'plain.txt'));
    assert.equal(mtimeMs, 1e12);
  });

  test('says sizes past 8 GiB in a pax record, which the tar of this machine believes', async () => {
    const sizeBytes = 8 * 1024 ** 3 + 5;
    const header = tarHeader({ name: 'large.mkv', sizeBytes, modifiedAtMs: 0 });
    assert.match(header.toString('latin1'), /\d+ size=8589934597\n/);
    // The list is printed from the header alone; what is missing behind it is said afterwards.
    const listing = spawn('tar', ['-tvf', '-'], { stdio: ['pipe', 'pipe', 'ignore'] });
    listing.stdin.end(header);
    let printed = '';
    for await (const piece of listing.stdout) printed += piece;
    assert.match(printed, /8589934597 .*large\.mkv/);
    for await (const entry of readTar(Readable.from([header]))) {
      assert.equal(entry.sizeBytes, sizeBytes);
      break;
    }
  });
});

describe('what is read', () => {
  test('is what was written, however it is cut', async () => {
    const files = names.map((name, index) => [name, 'b'.repeat(index * 333)] as const);
    for (const chunkBytes of [1, 511, 512, 513, 100_000]) {
      const found = await readAll(archiveOf(files), chunkBytes);
      assert.deepEqual(
        found.map(({ name, text }) => [name, text]),
        files,
      );
    }
  });

  test('is what the tar of this machine makes, in each of its formats', async () => {
    const folder = await temporaryFolder();
    // Past the hundred bytes of the name's field together; `ustar` splits them.
    const long = `${'n'.repeat(80)}.txt`;
    const below = 'b'.repeat(60);
    await mkdir(join(folder, 'in', below), { recursive: true });
    await writeFile(join(folder, 'in', 'one.txt'), 'first');
    await writeFile(join(folder, 'in', below, long), 'second');
    await writeFile(join(folder, 'in', 'été.txt'), 'third');
    await symlink('/etc/passwd', join(folder, 'in', 'link'));
    for (const format of ['v7', 'gnu', 'ustar', 'pax']) {
      // The oldest form has no room for such a name.
      const left = format === 'v7' ? ['--exclude', long] : [];
      const options = [`--format=${format}`, ...left, '-cf', `${format}.tar`, 'in'];
      execFileSync('tar', options, { cwd: folder });
      const found = await readAll(await readFile(join(folder, `${format}.tar`)));
      const files = found.filter(({ kind }) => kind === 'file').map(({ name, text }) => [name, text]);
      const wanted = [
        ['in/one.txt', 'first'],
        ...(format === 'v7' ? [] : [[`in/${below}/${long}`, 'second']]),
        ['in/été.txt', 'third'],
      ];
      assert.deepEqual(files.sort(), wanted.sort(), format);
      const others = found.filter(({ kind }) => kind === 'other').map(({ name }) => name);
      assert.deepEqual(others, ['in/link'], format);
    }
  });

  test('what nobody reads is passed over, and the next entry is whole', async () => {
    const bytes = archiveOf([
      ['one', 'x'.repeat(5000)],
      ['two', 'here'],
    ]);
    const found: string[] = [];
    for await (const entry of readTar(inPieces(bytes, 700))) {
      if (entry.name === 'one') {
        for await (const _ of entry.bytes()) break;
        continue;
      }
      for await (const chunk of entry.bytes()) found.push(Buffer.from(chunk).toString());
    }
    assert.equal(found.join(''), 'here');
  });

  test('devices, pipes and links have no bytes, whatever size they state', async () => {
    const types = ['link', 'symlink', 'character-device', 'block-device', 'fifo', 'directory'] as const;
    for (const type of types) {
      const writer = pack();
      writer.entry({ name: 'odd', type, linkname: '../../etc/passwd' });
      writer.entry({ name: 'after' }, 'whole');
      writer.finalize();
      const chunks: Buffer[] = [];
      for await (const chunk of writer) chunks.push(Buffer.from(chunk as Uint8Array));
      const found = await readAll(Buffer.concat(chunks));
      assert.equal(found[0]!.kind, type === 'directory' ? 'folder' : 'other', type);
      assert.deepEqual([found[1]!.name, found[1]!.text], ['after', 'whole'], type);
    }
  });
});

describe('hostile archives are refused in a sentence', () => {
  const whole = archiveOf([['a.txt', 'some text']]);
  const changed = (at: number, text: string) => {
    const block = Buffer.from(whole.subarray(0, 512));
    block.write(text, at, 'latin1');
    block.write('        ', 148, 'latin1');
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return Buffer.concat([block, whole.subarray(512)]);
  };
  const gzip = Buffer.from([0x1f, 0x8b, 8, 0, ...new Array(600).fill(1)]);
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['a compressed one', gzip, /gzip.*Unpack it/],
    ['a zip', Buffer.from(`PK\x03\x04${'x'.repeat(600)}`), /zip/],
    ['a text', Buffer.from('All work and no play.\n'.repeat(100)), /no tar archive/],
    ['a short text', Buffer.from('hello'), /no tar archive/],
    ['a size below zero', changed(124, '-0000000001'), /no tar archive|damaged/],
    ['a size that is no number', changed(124, '99999999999'), /no tar archive|damaged/],
    [
      'a size past all numbers',
      changed(124, '\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff'),
      /no tar archive|damaged/,
    ],
    ['a size larger than what follows', changed(124, '00000077777'), /ends before its time/],
    ['a header that is cut', whole.subarray(0, 300), /no tar archive/],
    ['holes of the old kind', changed(156, 'S'), /holes/],
  ];
  for (const [what, bytes, sentence] of cases) {
    test(what, async () => {
      await assert.rejects(readAll(bytes), (error) => {
        assert.ok(isAppError(error, 'bad-request'), String(error));
        assert.match(error.message, sentence);
        return true;
      });
    });
  }

  test('records that claim a gigabyte are refused before they are read', async () => {
    const header = changed(156, 'x').subarray(0, 512);
    header.write('10000000000', 124, 'latin1');
    header.write('        ', 148, 'latin1');
    header.write(
      `${header.reduce((total, byte) => total + byte, 0).toString(8)}\0 `.padStart(8, '0'),
      148,
      'latin1',
    );
    let pulled = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield header;
      for (;;) {
        pulled += 1;
        assert.ok(pulled < 100, 'it goes on reading');
        yield new Uint8Array(65_536);
      }
    }
    await assert.rejects(async () => {
      for await (const _ of readTar(endless()));
    }, /damaged/);
    assert.ok(pulled <= 1);
  });

  test('records that lie about their own length', async () => {
    for (const record of [
      '99 path=a\n',
      '0 path=a\n',
      'x path=a\n',
      '11 path=abc',
      '5 \n',
      '9 size=-1\n',
      '11 size=1e99\n',
    ]) {
      const writer = [
        Buffer.from(changed(156, 'x').subarray(0, 512)),
        Buffer.from(record.padEnd(512, '\0')),
        whole,
      ];
      const header = writer[0]!;
      header.write(record.length.toString(8).padStart(11, '0'), 124, 'latin1');
      header.write('        ', 148, 'latin1');
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      await assert.rejects(readAll(Buffer.concat(writer)), /damaged/, record);
    }
  });

  test('whatever is done to the bytes of an archive, it is read or refused in words', async () => {
    const bytes = archiveOf(names.map((name) => [name, name.repeat(3)] as const));
    let state = 12345;
    const next = (limit: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state % limit;
    };
    for (let round = 0; round < 500; round += 1) {
      const hurt = Buffer.from(bytes);
      for (let wound = 0; wound < 3; wound += 1) hurt[next(hurt.length)] = next(256);
      try {
        await readAll(hurt.subarray(0, round % 3 === 0 ? next(hurt.length) : hurt.length));
      } catch (error) {
        assert.ok(isAppError(error, 'bad-request'), String(error));
      }
    }
  });
});
