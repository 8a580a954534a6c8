// /api/v1/videos against the real program: pages, search, whole listings, title, bin, progress, and its own document.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type Program, startProgram } from '../helpers/program.ts';

type Item = { id: string; title: string; status: string; sizeBytes: number; durationMs: number; url: string };
type Page = { items: Item[]; next: string | null };

const names = [
  'Garden in June.mkv',
  'Garden in July.mkv',
  'Überfahrt nach Malmö.mkv',
  '=HYPERLINK("http:evil").mkv',
  'comma, "quote".mkv',
];
let program: Program;
let film: Buffer;

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${program.url}${path}`, init);
}
async function askJson<Body>(path: string, init: RequestInit = {}): Promise<Body> {
  const answer = await ask(path, init);
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return (await answer.json()) as Body;
}
const asJson = (method: string, body: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

before(async () => {
  program = await startProgram();
  film = await smallFilm();
  for (const name of names) {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(film)]), name);
    const answer = await ask('/upload', {
      method: 'POST',
      body: form,
      headers: { accept: 'application/json' },
    });
    assert.equal(answer.status, 201);
  }
});
after(() => program?.close());

describe('the list', () => {
  test('is newest first, in pages that follow one another without a gap', async () => {
    const seen: string[] = [];
    let after = '';
    for (;;) {
      const page = await askJson<Page>(`/api/v1/videos?limit=2${after}`);
      assert.ok(page.items.length <= 2);
      seen.push(...page.items.map(({ title }) => title));
      if (page.next === null) break;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
    assert.equal(seen.length, names.length);
    assert.equal(seen.at(-1), 'Garden in June');
  });

  test('finds by beginnings of words, whatever the case and accents', async () => {
    const found = async (words: string) =>
      (await askJson<Page>(`/api/v1/videos?q=${encodeURIComponent(words)}`)).items.map(({ title }) => title);
    assert.deepEqual(await found('gard'), ['Garden in July', 'Garden in June']);
    assert.deepEqual(await found('uber MALMO'), ['Überfahrt nach Malmö']);
    assert.deepEqual(await found('arden'), []);
  });

  const refused: [string, RegExp][] = [
    ['limit=0', /limit/],
    ['limit=1001', /limit/],
    ['limit=x', /limit/],
    ['after=nonsense', /./],
  ];
  for (const [query, says] of refused) {
    test(`refuses ?${query} with a problem that names it`, async () => {
      const answer = await ask(`/api/v1/videos?${query}`);
      assert.equal(answer.status, 400);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
      const problem = (await answer.json()) as { status: number; detail: string };
      assert.equal(problem.status, 400);
      assert.match(problem.detail, says);
    });
  }

  test('streams whole as NDJSON, by address and by Accept', async () => {
    for (const [path, headers] of [
      ['/api/v1/videos.ndjson', {}],
      ['/api/v1/videos', { accept: 'application/x-ndjson' }],
    ] as const) {
      const answer = await ask(path, { headers });
      assert.match(answer.headers.get('content-type') ?? '', /^application\/x-ndjson/);
      const lines = (await answer.text()).trimEnd().split('\n');
      const ids = lines.map((line) => (JSON.parse(line) as Item).id);
      assert.equal(new Set(ids).size, names.length);
    }
  });

  test('streams whole as CSV that a spreadsheet neither misreads nor runs', async () => {
    const answer = await ask('/api/v1/videos', { headers: { accept: 'text/csv' } });
    assert.match(answer.headers.get('content-type') ?? '', /^text\/csv/);
    const lines = (await answer.text()).trimEnd().split('\r\n');
    assert.equal(lines[0], 'id,title,fileName,status,sizeBytes,durationMs,container,addedAt');
    assert.equal(lines.length, names.length + 1);
    assert.ok(lines.some((line) => line.includes(`"'=HYPERLINK(""http`)));
    assert.ok(lines.some((line) => line.includes('"comma, ""quote"'))); // RFC 4180 §2.7
  });
});

describe('one video', () => {
  const first = async () => (await askJson<Page>('/api/v1/videos?limit=1')).items[0]!;

  test('is described with its tracks', async () => {
    const { id } = await first();
    const video = await askJson<Item & { tracks: { codec: string; width: number }[] }>(
      `/api/v1/videos/${id}`,
    );
    assert.equal(video.status, 'ready');
    assert.equal(video.sizeBytes, film.length);
    assert.ok(Math.abs(video.durationMs - 1000) < 50);
    assert.deepEqual(
      video.tracks.map(({ codec, width }) => [codec, width]),
      [['avc', 64]],
    );
  });

  test('takes another title, which is found afterwards', async () => {
    const { id } = await first();
    const renamed = await askJson<Item>(`/api/v1/videos/${id}`, asJson('PATCH', { title: 'Lighthouse <b>' }));
    assert.equal(renamed.title, 'Lighthouse <b>');
    assert.equal((await askJson<Page>('/api/v1/videos?q=lighth')).items[0]?.id, id);
  });

  for (const body of [{ title: '' }, { title: 'x'.repeat(501) }, { title: 3, status: 'ready' }, {}, 'text']) {
    test(`refuses ${JSON.stringify(body).slice(0, 30)} as a change`, async () => {
      const { id, title } = await first();
      const answer = await ask(`/api/v1/videos/${id}`, asJson('PATCH', body));
      // A number is taken for its digits, as in query strings; everything else is refused.
      if (answer.status === 200) assert.equal(((await answer.json()) as Item).title, '3');
      else {
        assert.equal(answer.status, 400);
        assert.equal((await askJson<Item>(`/api/v1/videos/${id}`)).title, title);
      }
    });
  }

  test('goes to the bin and comes back, and from the bin it goes for good', async () => {
    const { id } = await first();
    assert.equal((await ask(`/api/v1/videos/${id}`, { method: 'DELETE' })).status, 204);
    assert.ok(!(await askJson<Page>('/api/v1/videos')).items.some((item) => item.id === id));
    assert.ok((await askJson<Page>('/api/v1/videos?bin=true')).items.some((item) => item.id === id));
    await askJson(`/api/v1/videos/${id}/restore`, { method: 'POST' });
    assert.ok((await askJson<Page>('/api/v1/videos')).items.some((item) => item.id === id));
    await ask(`/api/v1/videos/${id}`, { method: 'DELETE' });
    assert.equal((await ask(`/api/v1/videos/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await ask(`/api/v1/videos/${id}`)).status, 404);
    assert.equal((await ask(`/videos/${id}/original`)).status, 404);
  });

  test('remembers where one was', async () => {
    const { id } = await first();
    assert.equal(
      (await ask(`/api/v1/videos/${id}/progress`, asJson('PUT', { positionMs: 700 }))).status,
      204,
    );
    const progress = await askJson<{ positionMs: number }>(`/api/v1/videos/${id}/progress`);
    assert.equal(progress.positionMs, 700);
    assert.equal((await ask(`/api/v1/videos/${id}/progress`, asJson('PUT', { positionMs: -1 }))).status, 400);
  });

  for (const id of ['0000000000000000', 'nonsense', '..%2F..%2Fetc', '%00']) {
    test(`that is not there (${id}) answers 404 on each of its addresses`, async () => {
      for (const path of ['', '/progress'])
        assert.equal((await ask(`/api/v1/videos/${id}${path}`)).status, 404);
      for (const path of ['/video.mp4', '/original'])
        assert.equal((await ask(`/videos/${id}${path}`)).status, 404);
    });
  }
});

test('the OpenAPI document describes each address that ref/api.md names, and the page shows it', async () => {
  const document = await askJson<{ openapi: string; paths: Record<string, Record<string, unknown>> }>(
    '/api/openapi.json',
  );
  assert.match(document.openapi, /^3\./);
  const text = readFileSync(new URL('../../ref/api.md', import.meta.url), 'utf8');
  const plain = (path: string) => path.replace(/\?.*/, '').replaceAll(/:(\w+)/g, '{$1}');
  const named = new Set([...text.matchAll(/`(?:[A-Z]+ )?(\/[^`\s]+)`/g)].map(([, path]) => plain(path!)));
  // Told in the text of the row before: the playlist and segments that live.m3u8 leads to.
  const within = new Set([
    '/cameras/{id}/live/media.m3u8',
    '/cameras/{id}/live/{file}',
    '/api/v1/uploads/{id}',
  ]);
  const described = Object.keys(document.paths);
  assert.deepEqual(
    described.filter((path) => !named.has(path) && !within.has(path)),
    [],
  );
  const notDescribed = new Set(['/api/openapi.json', '/api/docs', '/l/SECRET']);
  assert.deepEqual(
    [...named].filter((path) => !described.includes(path) && !notDescribed.has(path)),
    [],
  );
  const page = await (await ask('/api/docs')).text();
  for (const path of described) assert.ok(page.includes(path), path);
});
