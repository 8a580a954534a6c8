// Request smuggling: bytes that two readers of HTTP could take apart in two ways. Each shape is sent with a request hidden
// in or behind it; whatever the answer, it is one, and the hidden request is served by nobody (RFC 9112 §11.2).
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type LinkHouse, startLinkHouse } from '../helpers/link-house.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

let house: LinkHouse;
let path: string;

before(async () => {
  house = await startLinkHouse({ settings: { KINORA_AUTH: 'none' } });
  path = await makeMedia({ container: 'mp4', video: { codec: 'h264', seconds: 2 } });
});
after(() => house.close());

const crlf = (...lines: string[]) => lines.join('\r\n');
/** What is hidden: were it served, there would be a second answer, of 200. */
const hidden = crlf('GET /livez HTTP/1.1', 'Host: localhost', '', '');
const post = (...fields: string[]) => crlf('POST /settings HTTP/1.1', 'Host: localhost', ...fields, '', '');
const form = 'Content-Type: application/x-www-form-urlencoded';
const chunked = 'Transfer-Encoding: chunked';

/** Sends it all at once and waits for the end of the connection. */
async function outcome(bytes: string): Promise<{ statuses: number[]; text: string }> {
  const client = await connectRaw(house.port);
  client.send(bytes);
  await until(() => client.isClosed, { what: 'the end of the connection' });
  return { statuses: client.statuses(), text: client.text() };
}

const refused: readonly (readonly [what: string, bytes: string])[] = [
  ['both lengths, the chunked end first', `${post(form, 'Content-Length: 6', chunked)}0\r\n\r\n${hidden}`],
  [
    'both lengths, in the other order',
    `${post(form, chunked, `Content-Length: ${hidden.length}`)}0\r\n\r\n${hidden}`,
  ],
  ['two lengths that differ', post(form, 'Content-Length: 0', `Content-Length: ${hidden.length}`) + hidden],
  ['two lengths that agree', post(form, 'Content-Length: 0', 'Content-Length: 0') + hidden],
  ['a list of lengths', post(form, 'Content-Length: 0, 0') + hidden],
  ['a length with a sign', post(form, 'Content-Length: +0') + hidden],
  ['a negative length', post(form, 'Content-Length: -1') + hidden],
  ['a length in hexadecimal', post(form, 'Content-Length: 0x10') + hidden],
  ['a length with letters', post(form, 'Content-Length: 0a') + hidden],
  ['a length beyond all numbers', post(form, 'Content-Length: 99999999999999999999') + hidden],
  ['an empty length', post(form, 'Content-Length:') + hidden],
  ['a length behind an underscore', `${post(form, chunked, 'Content_Length: 3')}zz\r\n${hidden}`],
  ['another coding', post(form, 'Transfer-Encoding: xchunked') + hidden],
  ['a coding before', `${post(form, 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n${hidden}`],
  ['a coding behind', `${post(form, 'Transfer-Encoding: chunked, identity')}0\r\n\r\n${hidden}`],
  ['chunked twice', `${post(form, chunked, chunked)}0\r\n\r\n${hidden}`],
  ['a coding with a tab before', `${post(form, 'Transfer-Encoding: \x0bchunked')}0\r\n\r\n${hidden}`],
  ['a coding in quotes', `${post(form, 'Transfer-Encoding: "chunked"')}0\r\n\r\n${hidden}`],
  [
    'a coding and another field for it',
    `${post(form, chunked, 'Transfer-Encoding: identity')}0\r\n\r\n${hidden}`,
  ],
  [
    'a coding in HTTP/1.0',
    `${crlf('POST /settings HTTP/1.0', 'Host: localhost', form, chunked, '', '')}0\r\n\r\n${hidden}`,
  ],
  ['a chunk with 0x', `${post(form, chunked)}0x0\r\n\r\n${hidden}`],
  ['a chunk with a sign', `${post(form, chunked)}-0\r\n\r\n${hidden}`],
  ['a chunk with a blank before', `${post(form, chunked)} 0\r\n\r\n${hidden}`],
  ['a chunk larger than all numbers', `${post(form, chunked)}fffffffffffffffff0\r\n${hidden}`],
  ['a chunk without its size', `${post(form, chunked)}\r\n\r\n${hidden}`],
  ['a chunk longer than its size', `${post(form, chunked)}3\r\na=bcd\r\n0\r\n\r\n${hidden}`],
  ['a chunk whose line ends in LF alone', `${post(form, chunked)}3\na=b\r\n0\r\n\r\n${hidden}`],
  ['a chunk that ends in LF alone', `${post(form, chunked)}3\r\na=b\n0\r\n\r\n${hidden}`],
  ['a chunk extension with LF in it', `${post(form, chunked)}3;a\nb\r\na=b\r\n0\r\n\r\n${hidden}`],
  [
    'a head whose lines end in LF alone',
    `POST /settings HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n${hidden}`,
  ],
  [
    'one line that ends in LF alone',
    `POST /settings HTTP/1.1\r\nHost: localhost\r\nX: y\nContent-Length: 0\r\n\r\n${hidden}`,
  ],
  ['a CR alone in a value', post(form, 'X: y\rContent-Length: 0', 'Content-Length: 0') + hidden],
  ['a folded line', post(form, 'X: y', ' Content-Length: 5', 'Content-Length: 0') + hidden],
  ['a folded length', post(form, 'Content-Length:', ' 0') + hidden],
  ['a folded coding', `${post(form, 'Transfer-Encoding:', ' chunked')}0\r\n\r\n${hidden}`],
  ['a blank before the colon', post(form, 'Content-Length : 0') + hidden],
  ['a tab before the colon', `${post(form, 'Transfer-Encoding\t: chunked')}0\r\n\r\n${hidden}`],
  ['a line without a colon', post(form, 'Content-Length 0') + hidden],
  ['a name of nothing', post(form, ': 0', 'Content-Length: 0') + hidden],
  ['a NUL in a value', post(form, 'X: a\0b', 'Content-Length: 0') + hidden],
  ['a NUL in a name', post(form, 'X\0: a', 'Content-Length: 0') + hidden],
  [
    'a field before the first',
    crlf('POST /settings HTTP/1.1', ' X: y', 'Host: localhost', 'Content-Length: 0', '', '') + hidden,
  ],
  [
    'two hosts',
    crlf('GET /livez HTTP/1.1', 'Host: localhost', 'Host: evil.example', 'Connection: close', '', ''),
  ],
  [
    'a whole address of another host',
    crlf('GET http://evil.example/livez HTTP/1.1', 'Host: localhost', '', '') + hidden,
  ],
  ['an address without its slash', crlf('GET livez HTTP/1.1', 'Host: localhost', '', '') + hidden],
  ['no host', crlf('GET /livez HTTP/1.1', '', '')],
  ['a third word in the first line', crlf('GET /livez HTTP/1.1 x', 'Host: localhost', '', '') + hidden],
  ['a version that is none', crlf('GET /livez HTTP/9.9', 'Host: localhost', '', '') + hidden],
  ['HTTP/2 without being asked', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`],
  ['a method in small letters', crlf('get /livez HTTP/1.1', 'Host: localhost', '', '') + hidden],
  ['a NUL in the address', crlf('GET /live\0z HTTP/1.1', 'Host: localhost', '', '') + hidden],
  ['a blank in the address', crlf('GET /live z HTTP/1.1', 'Host: localhost', '', '') + hidden],
  ['no request at all', `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${hidden}`],
];

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
