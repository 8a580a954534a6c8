// What becomes of videos, told as it happens, over the real program: to those who may see them and to nobody else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, type HousePerson, startHouse, upload } from '../helpers/people.ts';
import { until as untilWithin } from '../helpers/until.ts';

const until = (condition: () => unknown) => untilWithin(condition, { timeoutMs: 15_000 });

let house: House;
let film: Uint8Array;
before(async () => {
  house = await startHouse();
  film = await smallFilm();
});
after(() => house?.close());

type Told = { readonly event: string; readonly data: Record<string, unknown> };

/** Follows as that person; `told` grows as it is told. */
async function follow(person: HousePerson, query = '') {
  const stopping = new AbortController();
  const answer = await person.ask(`/api/v1/events${query}`, { signal: stopping.signal });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const told: Told[] = [];
  let isOver = false;
  const reading = (async () => {
    let text = '';
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/s.exec(text.slice(0, end)) ?? [];
        if (event && data) told.push({ event, data: JSON.parse(data) as Told['data'] });
        text = text.slice(end + 2);
      }
    }
  })()
    .catch(() => undefined)
    .finally(() => {
      isOver = true;
    });
  return {
    told,
    get isOver() {
      return isOver;
    },
    last: (id: string) => told.findLast(({ data }) => data.id === id),
    async stop() {
      stopping.abort();
      await reading;
    },
  };
}

/** Begins an upload by tus; `send` brings the bytes up to there. */
async function beginUpload(person: HousePerson) {
  const tus = { 'Tus-Resumable': '1.0.0' };
  const metadata = `filename ${Buffer.from('a new film.mkv').toString('base64')}`;
  const made = await person.ask('/api/v1/uploads', {
    method: 'POST',
    headers: { ...tus, 'Upload-Length': String(film.length), 'Upload-Metadata': metadata },
  });
  assert.equal(made.status, 201);
  const place = new URL(made.headers.get('location')!, house.url).pathname;
  return {
    id: place.split('/').at(-1)!,
    async send(from: number, to: number) {
      const headers = {
        ...tus,
        ...{ 'Upload-Offset': String(from), 'Content-Type': 'application/offset+octet-stream' },
        ...{ Cookie: person.cookie, Origin: house.url },
      };
      const body = film.slice(from, to);
      const answer = await fetch(new URL(place, house.url), { method: 'PATCH', headers, body });
      assert.equal(answer.status, 204);
    },
  };
}

test('a video is followed from its first byte over its title to its end', async () => {
  const { member } = house;
  const all = await follow(member);
  const { id, send } = await beginUpload(member);
  const one = await follow(member, `?videos=${id}`);
  await until(() => all.last(id)?.data.status === 'arriving');
  await until(() => one.last(id)?.data.title === 'a new film');
  const half = Math.floor(film.length / 2);
  await send(0, half);
  await until(() => one.last(id)?.data.receivedBytes === half && all.last(id)?.data.receivedBytes === half);
  await send(half, film.length);
  await until(() => one.last(id)?.data.status === 'ready' && all.last(id)?.data.status === 'ready');
  await member.read(`/api/v1/videos/${id}`, { method: 'PATCH', body: { title: 'Renamed' } });
  await until(() => one.last(id)?.data.title === 'Renamed');
  await member.ask(`/api/v1/videos/${id}`, { method: 'DELETE' });
  await until(() => one.last(id)?.event === 'gone' && all.last(id)?.event === 'gone');
  const counts = one.told.length;
  assert.ok(counts < 12, `${counts}: nothing is told twice`);
  await Promise.all([all.stop(), one.stop()]);
});

test('nobody is told of what is not theirs to see, and of what they may see no more they are told it is gone', async () => {
  const { member, guest } = house;
  const id = await upload(member, film);
  const [named, all] = [await follow(guest, `?videos=${id}`), await follow(guest)];
  await until(() => named.last(id)?.event === 'gone');
  const share = (isHousehold: boolean) =>
    member.ask(`/api/v1/videos/${id}/shares`, { method: 'PUT', body: { isHousehold, people: [] } });
  const shared = await share(true);
  assert.ok(shared.ok, await shared.text());
  await until(() => named.last(id)?.event === 'video' && all.last(id)?.event === 'video');
  await share(false);
  await until(() => named.last(id)?.event === 'gone' && all.last(id)?.event === 'gone');
  await Promise.all([named.stop(), all.stop()]);
});

test('the head alone ends', async () => {
  const answer = await house.member.ask('/api/v1/events', { method: 'HEAD' });
  assert.deepEqual(
    [answer.status, answer.headers.get('content-type')],
    [200, 'text/event-stream; charset=utf-8'],
  );
});

test('too many, none, or nonsense is refused in words', async () => {
  const { member } = house;
  const ids = (count: number) => Array.from({ length: count }, (_, number) => `v${number}`).join();
  for (const query of [`?videos=${ids(101)}`, '?videos=', '?videos=,,', `?videos=${'x'.repeat(3000)}`]) {
    const answer = await member.ask(`/api/v1/events${query}`);
    assert.equal(answer.status, 400, query.slice(0, 40));
    await answer.body?.cancel();
  }
  const unknown = await follow(member, '?videos=$ne,constructor,zzzzzzzzzzzzzzzz');
  await until(() => unknown.told.length === 3);
  for (const { event } of unknown.told) assert.equal(event, 'gone');
  await unknown.stop();
});

test('who is logged out is told nothing more', async () => {
  const person = await house.logIn(house.member);
  const open = await follow(person);
  await person.ask('/logout', { method: 'POST', headers: { origin: house.url } });
  await until(() => open.isOver);
});
