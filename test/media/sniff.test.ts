// What a file is, told by its first bytes: real beginnings of every kind, and of what is no video.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { maxSniffBytes, sniff } from '../../src/media/sniff.ts';

const latin = (text: string, length = 64) => {
  const bytes = new Uint8Array(Math.max(length, text.length));
  bytes.set(Buffer.from(text, 'latin1'));
  return bytes;
};
const ebml = (docType: string) =>
  latin(
    `\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82${String.fromCharCode(0x80 + docType.length)}${docType}`,
  );
const fileType = (...brands: string[]) =>
  latin(
    `\0\0\0${String.fromCharCode(12 + 4 * brands.length)}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`,
  );
const repeated = (frame: number[], length: number, count: number) => {
  const bytes = new Uint8Array(length * count);
  for (let i = 0; i < count; i++) bytes.set(frame, i * length);
  return bytes;
};

const known: readonly [bytes: Uint8Array, kind: string, contentType: string, isServedAsIs: boolean][] = [
  [ebml('matroska'), 'matroska', 'video/x-matroska', false],
  [ebml('webm'), 'webm', 'video/webm', false],
  [fileType('isom', 'iso2', 'avc1'), 'mp4', 'video/mp4', false],
  [fileType('M4A ', 'M4A '), 'mp4', 'video/mp4', false],
  [fileType('qt  ', 'qt  '), 'mov', 'video/quicktime', false],
  [fileType('mif1', 'mif1', 'isom'), 'mp4', 'video/mp4', false],
  [latin('\0\0\x10\0moov\0\0\0\x6cmvhd'), 'mov', 'video/quicktime', false],
  [latin('\0\0\0\x08wide\0\0\x10\0mdat'), 'mov', 'video/quicktime', false],
  [latin('RIFF\0\0\0\0AVI LIST'), 'avi', 'video/x-msvideo', false],
  [latin('RIFF\0\0\0\0WAVEfmt '), 'wav', 'audio/wav', true],
  [latin('FLV\x01\x05'), 'flv', 'video/x-flv', false],
  [latin('\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c'), 'asf', 'video/x-ms-asf', false],
  [latin('\0\0\x01\xba\x44'), 'mpegps', 'video/mpeg', false],
  [repeated([0x47, 0x40], 188, 6), 'mpegts', 'video/mp2t', false],
  [repeated([0, 0, 0, 0, 0x47], 192, 6), 'mpegts', 'video/mp2t', false],
  [latin('fLaC\0\0\0\x22'), 'flac', 'audio/flac', true],
  [latin('OggS\0\x02\0\0\0\0OpusHead'), 'ogg', 'audio/ogg; codecs="opus"', true],
  [latin('OggS\0\x02\0\0\0\0\x01vorbis'), 'ogg', 'audio/ogg; codecs="vorbis"', true],
  [latin('OggS\0\x02\0\0\0\0\x80theora'), 'ogv', 'video/ogg', false],
  [latin('ID3\x04\0\0\0\0\x0f\x76', 4096), 'mp3', 'audio/mpeg', true],
  [repeated([0xff, 0xfb, 0x90, 0x00], 417, 3), 'mp3', 'audio/mpeg', true],
  [repeated([0xff, 0xfd, 0x80, 0x00], 417, 3), 'mp2', 'audio/mpeg', false],
  [repeated([0xff, 0xf1, 0x50, 0x80, 0x20, 0x1f, 0xfc], 256, 3), 'aac', 'audio/aac', true],
];
for (const [bytes, kind, contentType, isServedAsIs] of known) {
  test(`${kind} is told by ${JSON.stringify(Buffer.from(bytes.subarray(0, 20)).toString('latin1'))}`, () => {
    const found = sniff(bytes, true);
    assert.ok(typeof found !== 'string', `it is ${found}`);
    assert.deepEqual([found.kind, found.contentType, found.isServedAsIs], [kind, contentType, isServedAsIs]);
  });
}

const strangers: readonly [what: string, bytes: Uint8Array][] = [
  ['nothing', new Uint8Array(0)],
  ['one byte', Uint8Array.of(0x1a)],
  ['zeros', new Uint8Array(5000)],
  ['a page', latin('<!DOCTYPE html><html><body>video.mp4')],
  ['text', Buffer.from('Just a letter about RIFF and ftyp and OggS.\n'.repeat(200))],
  ['text in UTF-16', Buffer.from(`\ufeff${'hello '.repeat(900)}`, 'utf16le')],
  ['a zip', latin('PK\x03\x04\x14\0')],
  ['a program', latin('\x7fELF\x02\x01\x01')],
  ['a program of Windows', latin('MZ\x90\0\x03')],
  ['a JPEG', latin('\xff\xd8\xff\xe0\0\x10JFIF')],
  ['a PNG', latin('\x89PNG\r\n\x1a\n')],
  ['a GIF', latin('GIF89a\x01\0')],
  ['a WebP', latin('RIFF\0\0\0\0WEBPVP8 ')],
  ['a HEIC picture', fileType('heic', 'mif1', 'heic')],
  ['an AVIF picture', fileType('avif', 'avif', 'mif1', 'miaf')],
  ['a PDF', latin('%PDF-1.7')],
  ['an EBML file that is no Matroska', ebml('other')],
  ['an MP3 header with nothing behind', latin('\xff\xfb\x90\0', 4096)],
];
for (const [what, bytes] of strangers) {
  test(`${what} is no video and no sound`, () => assert.equal(sniff(bytes, true), 'unknown'));
}

test('of a file that goes on, every beginning either says what the whole does or asks for more', () => {
  for (const [bytes] of known) {
    const whole = sniff(bytes, true);
    const padded = new Uint8Array(maxSniffBytes);
    padded.set(bytes);
    for (let length = 0; length <= bytes.length; length++) {
      const found = sniff(bytes.subarray(0, length), false);
      if (found !== 'need-more') assert.equal(typeof found, 'object', `${length} bytes are ${found}`);
    }
    assert.notEqual(sniff(padded, false), 'need-more');
    assert.equal(typeof whole, 'object');
  }
  assert.equal(sniff(new Uint8Array(maxSniffBytes - 1), false), 'need-more');
  assert.equal(sniff(new Uint8Array(maxSniffBytes), false), 'unknown');
});

test('the shared corpus is told by its first bytes', (t) => {
  const folder =
    process.env.KINORA_SHARED_MEDIA ?? fileURLToPath(new URL('../../../shared/media', import.meta.url));
  if (!existsSync(folder)) {
    t.skip(`${folder} is not there`);
    return;
  }
  const byExtension: Record<string, readonly string[]> = {
    mp4: ['mp4', 'mov'],
    mkv: ['matroska'],
    webm: ['webm'],
    mka: ['matroska', 'webm'],
    avi: ['avi'],
    ts: ['mpegts'],
  };
  for (const part of ['play', 'odd', 'broken']) {
    for (const name of readdirSync(`${folder}/${part}`)) {
      const found = sniff(readFileSync(`${folder}/${part}/${name}`).subarray(0, maxSniffBytes), false);
      const expected = byExtension[name.split('.').at(-1)!];
      if (!expected) continue;
      assert.ok(
        typeof found !== 'string' && expected.includes(found.kind),
        `${name} is ${JSON.stringify(found)}`,
      );
    }
  }
});
