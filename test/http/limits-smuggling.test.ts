// Request smuggling: bytes that two readers of HTTP could take apart in two ways. Each shape is sent with a request hidden
// in or behind it; whatever the answer, it is one, and the hidden request is served by nobody (RFC 9112 §11.2).
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type LinkHouse, startLinkHouse } from '../helpers/link-house.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { chunked, crlf, form, hidden, post, refused } from '../helpers/smuggling-shapes.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

let house: LinkHouse;
let path: string;

before(async () => {
  house = await startLinkHouse({ settings: { KINORA_AUTH: 'none' } });
  path = await makeMedia({ container: 'mp4', video: { codec: 'h264', seconds: 2 } });
});
after(() => house.close());

/** Sends it all at once and waits for the end of the connection. */
async function outcome(bytes: string): Promise<{ statuses: number[]; text: string }> {
  const client = await connectRaw(house.port);
  client.send(bytes);
  await until(() => client.isClosed, { what: 'the end of the connection' });
  return { statuses: client.statuses(), text: client.text() };
}

describe('a request that could be read in two ways', () => {
  for (const [what, bytes] of refused) {
    test(`${what}: one refusal, and the end of the connection`, async () => {
      const { statuses, text } = await outcome(bytes);
      assert.equal(statuses.length, 1, text);
      assert.ok(statuses[0]! >= 400 && statuses[0]! < 500, text);
    });
  }

  test('is refused with a problem document that says nothing of the server', async () => {
    const { text } = await outcome(post('Content-Length : 0'));
    assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json\r\n/);
    assert.match(text, /Connection: close\r\n/);
    assert.doesNotMatch(text, /HPE_|fastify|node/i);
  });
});

describe('what is well formed', () => {
  const twoAnswers = async (bytes: string) => {
    const client = await connectRaw(house.port);
    client.send(bytes + hidden);
    await until(() => client.statuses().length >= 2 || client.isClosed, { what: `two answers to ${bytes}` });
    client.close();
    return client.statuses();
  };

  test('is read to its end and no further: the next request is the next', async () => {
    const cases: readonly (readonly [string, string, number])[] = [
      ['a form', `${post(form, 'Content-Length: 10')}theme=dark`, 303],
      ['a form in chunks', `${post(form, chunked)}5\r\ntheme\r\n5\r\n=dark\r\n0\r\n\r\n`, 303],
      [
        'chunks with an extension and a trailer',
        `${post(form, chunked)}a;x=y\r\ntheme=dark\r\n0\r\nX: y\r\n\r\n`,
        303,
      ],
      ['blanks around a value', `${post(form, 'Content-Length: \t 10 \t')}theme=dark`, 303],
      [
        'a body on GET',
        crlf('GET /livez HTTP/1.1', 'Host: localhost', 'Content-Length: 49', '', '') +
          hidden.padEnd(49, 'x').slice(0, 49),
        200,
      ],
      [
        'a body in chunks on GET',
        `${crlf('GET /livez HTTP/1.1', 'Host: localhost', chunked, '', '')}3\r\nabc\r\n0\r\n\r\n`,
        200,
      ],
      [
        'a body on HEAD',
        `${crlf('HEAD /livez HTTP/1.1', 'Host: localhost', 'Content-Length: 3', '', '')}abc`,
        200,
      ],
      [
        'a body that nobody takes',
        `${crlf('POST /nowhere HTTP/1.1', 'Host: localhost', form, 'Content-Length: 10', '', '')}theme=dark`,
        404,
      ],
      ['a whole address', crlf('GET http://localhost/livez HTTP/1.1', 'Host: localhost', '', ''), 200],
    ];
    for (const [what, bytes, status] of cases) assert.deepEqual(await twoAnswers(bytes), [status, 200], what);
  });

  test('asks for the word to go on, and gets it or a refusal; another expectation is none of ours', async () => {
    const asking = post(form, 'Content-Length: 10', 'Expect: 100-continue');
    const client = await connectRaw(house.port);
    client.send(asking);
    await until(() => client.statuses().length > 0);
    assert.deepEqual(client.statuses(), [100]);
    client.send('theme=dark');
    await until(() => client.statuses().length > 1);
    assert.deepEqual(client.statuses(), [100, 303]);
    client.close();
    const odd = await connectRaw(house.port);
    odd.send(post(form, `Content-Length: ${hidden.length}`, 'Expect: 200-ok') + hidden);
    await until(() => odd.statuses().length > 0);
    await house.clock.settle();
    assert.deepEqual(odd.statuses(), [417]);
    odd.close();
  });

  test('may ask for an upgrade that nobody offers: it is answered, and its body is not taken for a request', async () => {
    const fields = ['Host: localhost', 'Connection: upgrade', 'Upgrade: h2c'];
    const get = await outcome(crlf('GET /livez HTTP/1.1', ...fields, '', '') + hidden);
    assert.deepEqual(get.statuses, [200]);
    const client = await connectRaw(house.port);
    client.send(crlf('GET /livez HTTP/1.1', ...fields, `Content-Length: ${hidden.length}`, '', ''));
    await until(() => client.statuses().length > 0);
    client.send(hidden);
    await until(() => client.isClosed);
    assert.deepEqual(client.statuses(), [200]);
  });

  test('may be CONNECT, and is tunnelled nowhere', async () => {
    const { statuses } = await outcome(crlf('CONNECT 127.0.0.1:22 HTTP/1.1', 'Host: 127.0.0.1:22', '', ''));
    assert.ok(statuses.every((status) => status >= 400));
  });
});

test('garbage behind a request does not get into the answer that is under way', async () => {
  const film = await readFile(path);
  // A box of nothing at its end, so that no socket takes it whole.
  const nothing = Buffer.alloc(32 * 1024 * 1024);
  nothing.writeUInt32BE(nothing.length, 0);
  nothing.write('free', 4, 'latin1');
  const whole = Buffer.concat([film, nothing]);
  const long = join(await temporaryFolder(), 'long.mp4');
  await writeFile(long, whole);
  const { id } = await house.addVideo({ path: long, title: 'Long' });
  const client = await connectRaw(house.port);
  client.socket.once('data', () => client.socket.pause());
  client.send(crlf(`GET /videos/${id}/original HTTP/1.1`, 'Host: localhost', '', ''));
  await until(() => client.statuses().length > 0);
  client.send('\0\0garbage\r\n\r\n');
  await house.clock.settle();
  client.socket.resume();
  await until(() => client.isClosed, { what: 'the end of the connection' });
  const text = client.text();
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  assert.equal(whole.toString('latin1', 0, body.length), body);
});
