// Names from outside: what becomes of them as titles, as stored text and in headers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contentDisposition } from '../../src/http/content-disposition.ts';
import { plainText, storedFileName, titleFromFileName } from '../../src/library/titles.ts';

const titles: readonly [fileName: string, title: string][] = [
  ['holiday.mp4', 'holiday'],
  ['The_Big.Film_1080p.mkv', 'The Big Film 1080p'],
  ['Meeting at 10.30 v1.2.webm', 'Meeting at 10.30 v1.2'],
  ['clip-v1.2.mp4', 'clip-v1.2'],
  ['Season 2. Part 4', 'Season 2. Part 4'],
  ['Summer.2019', 'Summer 2019'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\Users\\me\\Videos\\cat.avi', 'cat'],
  ['a\0b.mp4', 'a b'],
  ['"quoted" \'name\'.mp4', '"quoted" \'name\''],
  ['<script>alert(1)</script>.mp4', 'script>'],
  ['<script>alert(1).mp4', '<script>alert(1)'],
  ['\u202egnp.exe\u202c.mp4', 'gnp exe'],
  ['שלום עולם.mp4', 'שלום עולם'],
  ['cafe\u0301.mkv', 'caf\u00e9'],
  ['lone \ud800 half.mp4', 'lone \ufffd half'],
  ['.mp4', '.mp4'],
  ['', 'Untitled'],
  ['\u200b\u202e\0', 'Untitled'],
  ['///', 'Untitled'],
  ['....mp4', '....mp4'],
];

for (const [fileName, title] of titles) {
  test(`the title of ${JSON.stringify(fileName)} is ${JSON.stringify(title)}`, () => {
    assert.equal(titleFromFileName(fileName), title);
  });
}

test('whatever a file is called, its title is one plain line of 1 to 500 characters', () => {
  const anyName = fc.oneof(fc.string({ unit: 'binary', maxLength: 3000 }), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(anyName, (fileName) => {
      const title = titleFromFileName(fileName);
      assert.ok(title.length >= 1 && title.length <= 500);
      assert.ok(title.isWellFormed());
      assert.doesNotMatch(title, /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
      assert.equal(plainText(title), title);
      const stored = storedFileName(fileName);
      assert.ok(stored.length <= 1000 && stored.isWellFormed() && !stored.includes('\0'));
    }),
    { numRuns: 2000 },
  );
});

test('a long name is cut at 500 characters, not in the middle of one', () => {
  const title = titleFromFileName(`${'🎬'.repeat(400)}.mp4`);
  assert.equal(title, '🎬'.repeat(250));
});

test('a download is offered under a harmless name in both forms of RFC 6266', () => {
  assert.equal(
    contentDisposition('attachment', 'Café "du" Nord.mp4'),
    `attachment; filename="Cafe _du_ Nord.mp4"; filename*=UTF-8''Caf%C3%A9%20_du_%20Nord.mp4`,
  );
  assert.equal(
    contentDisposition('attachment', '../../x.mp4'),
    `attachment; filename="x.mp4"; filename*=UTF-8''x.mp4`,
  );
  assert.equal(
    contentDisposition('attachment', 'a\uff02b\uff3c\u2026'),
    `attachment; filename="a_b__"; filename*=UTF-8''a%EF%BC%82b%EF%BC%BC%E2%80%A6`,
  );
  assert.equal(contentDisposition('inline', '\0'), `inline; filename="video"; filename*=UTF-8''video`);
});

test('whatever a file is called, the header is printable ASCII without a way out of its quotes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (fileName) => {
      const header = contentDisposition('attachment', fileName);
      assert.match(
        header,
        /^attachment; filename="[ !#-[\]-~]+"; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]+$/,
      );
      const decoded = decodeURIComponent(header.slice(header.indexOf("''") + 2));
      assert.doesNotMatch(decoded, /[/\\\0:]|^\.|[\u202a-\u202e]/);
      assert.ok(header.length < 3000);
    }),
    { numRuns: 2000 },
  );
});
