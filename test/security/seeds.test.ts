// The holes of the five tutorials this program grew from, one test each: a shell command from a file name, passwords in
// plain text, script in a file name, anyone streams anyone's file by its name, an open upload page.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, housePassword, startHouse, upload } from '../helpers/people.ts';

let house: House;
let film: Uint8Array;

before(async () => {
  house = await startHouse();
  film = await smallFilm();
});
after(() => house?.close());

/** Every file of the data folder, once all of it is on the disk. */
function storedFiles(): string[] {
  return readdirSync(house.program.dataFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('a file name is never part of a command or a path', async () => {
  const mark = join(house.program.dataFolder, 'pwned');
  const names = [
    `$(touch '${mark}').mkv`,
    `; touch '${mark}' #.mkv`,
    `\`touch '${mark}'\`.mkv`,
    `| touch '${mark}'.mkv`,
    `../../../../../../../../${mark}`,
    '-y -f null.mkv',
    'film.mkv\u0000.sh',
  ];
  for (const name of names) {
    const id = await upload(house.member, film, name);
    // Whatever looks at the file (index, view, thumbnail, original) is asked to.
    for (const part of ['video.mp4', 'original', '']) {
      const answer = await house.member.ask(`/videos/${id}${part && `/${part}`}`);
      assert.equal(answer.status, 200, `${part} of ${name}`);
      await answer.arrayBuffer();
    }
  }
  assert.equal(existsSync(mark), false, 'a name was run as a command or written as a path');
  for (const file of storedFiles()) assert.doesNotMatch(file, /touch|null\.mkv|\.sh$/);
});

test('no password is on the disk, in the log or in an answer', async () => {
  const answers = [
    await house.owner.ask('/api/v1/people'),
    await house.owner.ask('/api/v1/me'),
    await house.owner.ask('/api/auth/get-session'),
  ];
  for (const answer of answers) assert.ok(!(await answer.text()).includes(housePassword));
  assert.ok(!house.program.output().includes(housePassword));
  const files = storedFiles();
  assert.ok(files.some((file) => file.endsWith('accounts.sqlite')));
  for (const file of files)
    assert.ok(!readFileSync(file).includes(housePassword), `${file} holds a password`);
});

test('script in a file name is text in every page that shows it', async () => {
  const name = '<img src=x onerror=alert(1)>.mkv';
  const id = await upload(house.member, film, name);
  for (const path of ['/', '/videos', `/videos/${id}`, '/videos?q=img']) {
    const answer = await house.member.ask(path, { headers: { accept: 'text/html' } });
    const page = await answer.text();
    assert.ok(page.includes('&#60;img'), `${path} shows the name`);
    assert.doesNotMatch(page, /<img src=x|<script>alert/);
    assert.match(answer.headers.get('content-security-policy') ?? '', /script-src 'self'(;|$)/);
  }
});

test('nobody streams a file by its name or by its id', async () => {
  const id = await upload(house.member, film, 'wedding.mkv');
  const paths = [
    ...['/videos/wedding.mkv', '/video/wedding.mkv', '/stream/wedding.mkv', '/static/wedding.mkv'],
    ...[`/videos/${id}`, `/videos/${id}/video.mp4`, `/videos/${id}/original`, `/api/v1/videos/${id}`],
  ];
  for (const path of paths) {
    const byNobody = await house.ask(path);
    assert.ok([401, 404].includes(byNobody.status), `${path}: ${byNobody.status}`);
    for (const other of [house.guest, house.child, house.owner]) {
      const answer = await other.ask(path);
      assert.equal(answer.status, 404, `${path} by ${other.name}`);
      assert.ok(!(await answer.text()).includes('wedding'));
    }
  }
});

test('the upload page is not open: neither the form nor the resumable way takes a byte of a stranger', async () => {
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(film)]), 'stranger.mkv');
  assert.equal((await house.ask('/upload', { method: 'POST', body: form })).status, 401);
  const resumable = await house.ask('/api/v1/uploads', {
    method: 'POST',
    headers: { 'tus-resumable': '1.0.0', 'upload-length': String(film.length) },
  });
  assert.equal(resumable.status, 401);
  const page = await house.ask('/upload', { headers: { accept: 'text/html' } });
  assert.equal(page.status, 303);
  assert.match(page.headers.get('location') ?? '', /^\/login\?next=/);
  // Nor one of somebody who has an account without the right to.
  const guests = new FormData();
  guests.set('file', new Blob([new Uint8Array(film)]), 'guest.mkv');
  assert.equal((await house.guest.ask('/upload', { method: 'POST', body: guests })).status, 403);
});
