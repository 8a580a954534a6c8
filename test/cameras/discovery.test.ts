// Looking for cameras: an ONVIF responder on the loopback, the answers of hostile neighbours, and the V4L2 devices of
// a folder that stands for the system's.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { discoverCameras } from '../../src/cameras/discovery/discover-cameras.ts';
import { findOnvifCameras } from '../../src/cameras/discovery/onvif.ts';
import { plainText } from '../../src/cameras/discovery/plain-text.ts';
import { readProbeMatch } from '../../src/cameras/discovery/probe-match.ts';
import { listVideoDevices } from '../../src/cameras/discovery/video-devices.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

/** What a real camera answers (Axis, Hikvision), with other prefixes. */
function answerTo(
  id: string,
  { scopes = '', addresses = 'http://127.0.0.1:8080/onvif/device_service' } = {},
) {
  return `<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<SOAP-ENV:Header><wsa:MessageID>uuid:1</wsa:MessageID><wsa:RelatesTo>${id}</wsa:RelatesTo></SOAP-ENV:Header>
<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:2</wsa:Address></wsa:EndpointReference>
<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>
<d:Scopes>onvif://www.onvif.org/type/video_encoder ${scopes}</d:Scopes>
<d:XAddrs>${addresses}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>`;
}

/** Answers every probe on a loopback port with what `answers` makes of its id. */
async function startResponder(answers: (id: string) => readonly (string | Buffer)[]) {
  const probes: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const id = /MessageID>([^<]+)</.exec(message.toString())![1]!;
    probes.push(message.toString());
    for (const answer of answers(id)) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    probes,
    search: { group: '127.0.0.1', port: socket.address().port, interfaces: ['127.0.0.1'] },
    close: () => socket.close(),
  };
}

/** Searches with the clock moved by hand; the answers on the loopback have had time to come in. */
async function search(responder: Awaited<ReturnType<typeof startResponder>>) {
  const clock = createFakeClock();
  const found = findOnvifCameras(
    { clock, searchMs: 3000, ...responder.search },
    new AbortController().signal,
  );
  await until(() => responder.probes.length === 1 && clock.sleepers === 1);
  await clock.advance(1000);
  await until(() => responder.probes.length === 2);
  // A datagram of our own through the same loopback: once it has come round, so have those before it.
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  probe.send('x', probe.address().port, '127.0.0.1');
  await once(probe, 'message');
  probe.close();
  await clock.settle();
  await clock.advance(2000);
  return found;
}

test('an ONVIF camera is offered with its name and the address it answered from', async () => {
  const scopes = 'onvif://www.onvif.org/name/Garden%20Cam onvif://www.onvif.org/hardware/P3245';
  const responder = await startResponder((id) => [answerTo(id, { scopes })]);
  assert.deepEqual(await search(responder), [
    {
      kind: 'onvif',
      name: 'Garden Cam P3245',
      address: '127.0.0.1:8080',
      driver: 'rtsp',
      options: { url: 'rtsp://127.0.0.1/' },
    },
  ]);
  assert.match(responder.probes[0]!, /<d:Types>dn:NetworkVideoTransmitter<\/d:Types>/);
  assert.equal(responder.probes[0], responder.probes[1], 'asked twice, in case a datagram was lost');
  responder.close();
});

const hostile: [string, (id: string) => string | Buffer][] = [
  ['an answer to another probe', () => answerTo('uuid:other')],
  ['an entity bomb', (id) => `<!DOCTYPE x [<!ENTITY a "&a;&a;">]>${answerTo(id)}`],
  ['CDATA', (id) => answerTo(id).replace('<d:Types>', '<d:Types><![CDATA[x]]>')],
  ['bytes', () => Buffer.alloc(1000, 0xff)],
  ['nothing', () => ''],
  ['tags without end', (id) => answerTo(id).slice(0, 300) + '<a'.repeat(10_000)],
  ['no ONVIF device', (id) => answerTo(id).replace('NetworkVideoTransmitter tds:Device', 'Printer')],
  ['too much', (id) => answerTo(id, { scopes: 'x '.repeat(20_000) })],
];
for (const [name, answer] of hostile) {
  test(`a neighbour that answers with ${name} finds no way in`, async () => {
    const responder = await startResponder((id) => [answer(id)]);
    assert.deepEqual(await search(responder), []);
    responder.close();
  });
}

test('an answer that claims another address is offered at the one it came from', async () => {
  const addresses = 'http://169.254.169.254/ file:///etc/passwd javascript:alert(1)';
  const scopes = 'onvif://www.onvif.org/name/%3Cscript%3E%0a%E2%80%AEx';
  const responder = await startResponder((id) => [answerTo(id, { addresses, scopes })]);
  const [found] = await search(responder);
  assert.equal(found!.address, '127.0.0.1');
  assert.equal(found!.options.url, 'rtsp://127.0.0.1/');
  assert.equal(found!.name, '<script> x');
  responder.close();
});

test('a flood of answers is one camera, and ends with the search', async () => {
  const responder = await startResponder((id) => Array.from({ length: 300 }, () => answerTo(id)));
  assert.equal((await search(responder)).length, 1);
  responder.close();
});

test('any text at all is a match or none, quickly', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '</',
      'RelatesTo',
      'XAddrs>',
      'd:',
      '&#x41;',
      '&#9999999;',
      '&amp;',
      'http://',
      'Types',
      ' ',
    ),
    fc.string({ maxLength: 10 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
      const text = answerTo('uuid:1').replace('uuid:2', pieces.join(''));
      readProbeMatch(text, 'uuid:1');
      readProbeMatch(pieces.join(''), 'uuid:1');
    }),
  );
  const began = performance.now();
  readProbeMatch('<XAddrs '.repeat(4000), 'x');
  readProbeMatch(`<RelatesTo>${'<RelatesTo'.repeat(3000)}`, 'x');
  assert.ok(performance.now() - began < 1000);
});

test('text of strangers is one bounded line', () => {
  assert.equal(plainText(' a\n\u202eb\u0000c\t '), 'a b c');
  assert.equal(plainText('x'.repeat(5000)).length, 100);
});

test('V4L2 devices are offered with their names, without their metadata nodes', async () => {
  const folder = await temporaryFolder();
  const node = async (name: string, files: Record<string, string>) => {
    await mkdir(join(folder, name));
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, name, file), text);
  };
  await node('video10', { name: 'Capture card\n', index: '0\n' });
  await node('video0', { name: 'USB2.0 HD Webcam: USB2.0\n', index: '0\n' });
  await node('video1', { name: 'USB2.0 HD Webcam: USB2.0\n', index: '1\n' });
  await node('video2', {});
  await node('v4l-subdev0', { name: 'sensor' });
  assert.deepEqual(
    (await listVideoDevices(folder)).map(({ name, address, driver, options }) => [
      name,
      address,
      driver,
      options,
    ]),
    [
      ['USB2.0 HD Webcam: USB2.0', '/dev/video0', 'v4l2', { device: '/dev/video0' }],
      ['/dev/video2', '/dev/video2', 'v4l2', { device: '/dev/video2' }],
      ['Capture card', '/dev/video10', 'v4l2', { device: '/dev/video10' }],
    ],
  );
  assert.deepEqual(await listVideoDevices(join(folder, 'absent')), []);
});

test('a search without a network finds nothing, and one that is given up ends at once', async () => {
  const clock = createFakeClock();
  const setup = { clock, onvif: { interfaces: ['192.0.2.1'] }, deviceFolder: '/nonexistent' };
  const found = discoverCameras(setup, new AbortController().signal);
  await until(() => clock.sleepers === 1);
  await clock.advance(3000);
  assert.deepEqual(await found, []);
  const controller = new AbortController();
  const given = discoverCameras(setup, controller.signal);
  await until(() => clock.sleepers === 1);
  controller.abort(new Error('gone'));
  await assert.rejects(given, /gone/);
  assert.equal(clock.sleepers, 0);
});
