// The pure parts of the search: words of titles and queries within their bounds, member sets and places in the list
// against a plain Set.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readCursor, writeCursor } from '../../src/catalogue/page-cursor.ts';
import { beginningsOf, queryWords, titleWords } from '../../src/catalogue/search-words.ts';
import {
  addMember,
  bucketSize,
  dropMember,
  eachMemberDown,
  readMembers,
  writeMembers,
} from '../../src/catalogue/sqlite/members.ts';
import { isAppError } from '../../src/errors.ts';
import { hostileTitles } from '../contracts/catalogue-samples.ts';

/** Any text at all, lone surrogates included. */
const anyText = fc.string({ unit: 'binary', maxLength: 60 });

describe('The words of a title', () => {
  it('stay within their bounds whatever the title is', () => {
    const expanding = '\ufdfa'.repeat(20_000); // one character that NFKD makes eighteen of
    for (const title of [...hostileTitles, expanding, '京'.repeat(50_000)]) {
      const words = titleWords(title);
      assert.ok(words.length <= 100);
      assert.ok(words.every((word) => word.length > 0 && [...word].length <= 32));
      assert.ok(beginningsOf(words).size <= 3200);
      assert.ok(queryWords(title).length <= 16);
    }
  });

  it('are letters and digits only, and words of themselves', () => {
    fc.assert(
      fc.property(anyText, (title) => {
        const words = titleWords(title);
        for (const word of words) {
          assert.match(word, /^[\p{L}\p{N}]+$/u);
          assert.deepEqual(titleWords(word), [word]);
        }
        assert.equal(new Set(words).size, words.length);
      }),
      { numRuns: 3000 },
    );
  });

  it('are found by every query made of their beginnings', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 40 }), (title, length) => {
        const beginnings = beginningsOf(titleWords(title));
        const query = titleWords(title)
          .map((word) => [...word].slice(0, length).join(''))
          .join(' ');
        for (const word of queryWords(query)) assert.ok(beginnings.has(word), word);
      }),
      { numRuns: 3000 },
    );
  });

  it('that begin another word of the query are not looked for twice', () => {
    assert.deepEqual(queryWords('a ab abc b b'), ['abc', 'b']);
  });
});

describe('A set of members', () => {
  const members = fc.array(fc.integer({ min: 0, max: bucketSize - 1 }), { maxLength: 1500 });

  function down(bitmap: Uint8Array, end = bucketSize, limit = Number.POSITIVE_INFINITY): number[] {
    const found: number[] = [];
    eachMemberDown(bitmap, end, (member) => found.push(member) < limit);
    return found;
  }

  it('is stored and read back, in the shorter form', () => {
    fc.assert(
      fc.property(members, members, (added, dropped) => {
        const bitmap = new Uint8Array(bucketSize / 8);
        for (const member of added) addMember(bitmap, member);
        for (const member of dropped) dropMember(bitmap, member);
        const expected = new Set(added).difference(new Set(dropped));
        const stored = writeMembers(bitmap);
        assert.equal(stored?.length ?? 0, Math.min(512, expected.size * 2));
        const scratch = new Uint8Array(bucketSize / 8).fill(255);
        const read = readMembers(stored ?? new Uint8Array(0), scratch);
        assert.deepEqual(
          down(read),
          [...expected].sort((a, b) => b - a),
        );
      }),
    );
  });

  it('is walked down from any place, as far as asked', () => {
    fc.assert(
      fc.property(
        members,
        fc.integer({ min: 0, max: bucketSize }),
        fc.integer({ min: 1, max: 9 }),
        (added, end, limit) => {
          const bitmap = new Uint8Array(bucketSize / 8);
          for (const member of added) addMember(bitmap, member);
          const expected = [...new Set(added)].filter((member) => member < end).sort((a, b) => b - a);
          assert.deepEqual(down(bitmap, end, limit), expected.slice(0, limit));
        },
      ),
    );
  });
});

describe('A place in the list', () => {
  it('is read back, and refused with any character changed', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (sequence) => {
        const place = { sequence, key: null };
        const text = writeCursor('newest', place);
        assert.match(text, /^[0-9a-z]+$/);
        assert.deepEqual(readCursor('newest', text), place);
        for (let i = 0; i < text.length; i++) {
          const other = text[i] === '7' ? '8' : '7';
          assert.throws(
            () => readCursor('newest', text.slice(0, i) + other + text.slice(i + 1)),
            (error) => isAppError(error, 'bad-request'),
          );
        }
      }),
    );
  });
});
