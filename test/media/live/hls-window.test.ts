// HLS playlists of live cameras read line by line against the rules of rfc8216bis, and segments and parts that are
// exactly the fragments, for cameras of every rate and distance of key frames.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HlsWindow } from '../../../src/media/live/hls-window.ts';
import type { LiveFragment, LiveInit } from '../../../src/media/live/live-muxer.ts';

type Camera = {
  fps: number;
  keyEvery: number;
  seconds: number;
  bytes?: number;
  /** Changes of init, holes and anything else, by picture. */
  change?: (i: number) => { init?: number; laterSeconds?: number };
};

const initOf = (number: number) =>
  ({
    ...{ number, bytes: Buffer.from(`init ${number}`), contentType: '' },
    tracks: [{ width: 640, height: 360, codecString: 'avc1.64001f' }],
  }) as unknown as LiveInit;

/** A window that has taken a camera's fragments, and what it was given. */
function run(
  { fps, keyEvery, seconds, bytes = 100, change = () => ({}) }: Camera,
  onPicture?: (window: HlsWindow) => void,
) {
  const fragments: LiveFragment[] = [];
  let changes = 0;
  const window = new HlsWindow({
    firstNumber: 1000,
    nowMs: () => 1_700_000_000_000,
    onChange: () => void changes++,
  });
  const inits = new Map<number, LiveInit>();
  let later = 0;
  let sequence = 0;
  for (let i = 0; i < fps * seconds; i += 1) {
    const { init = 1, laterSeconds = 0 } = change(i);
    later += laterSeconds * 1e6;
    if (!inits.has(init)) inits.set(init, initOf(init));
    const own = { init: inits.get(init)!, takenAtMonotonicMs: 0 };
    const startMicros = 1_000_000 + Math.round((i * 1e6) / fps) + later;
    const isKey = i % keyEvery === 0 || change(i).init !== change(i - 1).init || laterSeconds > 0;
    const picture = {
      ...{ ...own, startMicros, sequence: ++sequence, isKey, hasPicture: true },
      part: Buffer.alloc(bytes, sequence & 255),
    };
    const sound = {
      ...picture,
      sequence: ++sequence,
      isKey: false,
      hasPicture: false,
      part: Buffer.from('s'),
    };
    for (const fragment of i % 5 === 0 ? [picture, sound] : [picture]) {
      fragments.push(fragment);
      window.add(fragment);
    }
    if (window.isReady) onPicture?.(window);
  }
  return { window, fragments, changes };
}

type Read = {
  target: number;
  partTarget: number;
  holdBack: number;
  sequence: number;
  discontinuitySequence: number;
  segments: {
    uri: string;
    seconds: number;
    map: string;
    isDiscontinuity: boolean;
    parts: { seconds: number; uri: string; isIndependent: boolean }[];
  }[];
  openParts: { seconds: number; uri: string; isIndependent: boolean }[];
  hint: string;
};

/** Reads a playlist; every line must be one that is known, where it may stand. */
function read(text: string): Read {
  const lines = text.split('\n');
  assert.equal(lines.shift(), '#EXTM3U');
  assert.equal(lines.pop(), '', 'the last line ends');
  const found: Read = {
    ...{ target: 0, partTarget: 0, holdBack: 0, sequence: -1, discontinuitySequence: -1 },
    ...{ segments: [], openParts: [], hint: '' },
  };
  let map = '';
  let isDiscontinuity = false;
  let seconds: number | null = null;
  const number = (value: string) => {
    assert.match(value, /^\d+(\.\d+)?$/);
    return Number(value);
  };
  for (const line of lines) {
    assert.equal(found.hint, '', 'nothing stands behind the hint');
    const [, tag, value = ''] = /^#(EXT[A-Z-]*)(?::(.*))?$/.exec(line) ?? [];
    if (tag === 'EXT-X-VERSION') assert.ok(number(value) >= 6);
    else if (tag === 'EXT-X-TARGETDURATION') found.target = number(value);
    else if (tag === 'EXT-X-SERVER-CONTROL') {
      const [, holdBack] = /^CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=([\d.]+)$/.exec(value)!;
      found.holdBack = number(holdBack!);
    } else if (tag === 'EXT-X-PART-INF') found.partTarget = number(/^PART-TARGET=([\d.]+)$/.exec(value)![1]!);
    else if (tag === 'EXT-X-MEDIA-SEQUENCE') found.sequence = number(value);
    else if (tag === 'EXT-X-DISCONTINUITY-SEQUENCE') found.discontinuitySequence = number(value);
    else if (tag === 'EXT-X-DISCONTINUITY') isDiscontinuity = true;
    else if (tag === 'EXT-X-MAP') map = /^URI="([^"]+)"$/.exec(value)![1]!;
    else if (tag === 'EXT-X-PROGRAM-DATE-TIME') assert.ok(Date.parse(value) > 0);
    else if (tag === 'EXT-X-PART') {
      const [, length, uri, independent] = /^DURATION=([\d.]+),URI="([^"]+)"(,INDEPENDENT=YES)?$/.exec(
        value,
      )!;
      assert.notEqual(map, '', 'a part has its map before it');
      found.openParts.push({ seconds: number(length!), uri: uri!, isIndependent: independent !== undefined });
    } else if (tag === 'EXTINF') seconds = number(/^([\d.]+),$/.exec(value)![1]!);
    else if (tag === 'EXT-X-PRELOAD-HINT') found.hint = /^TYPE=PART,URI="([^"]+)"$/.exec(value)![1]!;
    else {
      assert.ok(tag === undefined && !line.startsWith('#'), `unknown line ${line}`);
      assert.ok(seconds !== null, 'a segment has its duration before it');
      found.segments.push({ ...{ uri: line, seconds, map, isDiscontinuity }, parts: found.openParts });
      found.openParts = [];
      isDiscontinuity = false;
      seconds = null;
    }
  }
  assert.notEqual(found.hint, '');
  return found;
}

/** What every playlist must keep to. */
function assertRules(playlist: Read) {
  for (const { seconds, uri, parts } of playlist.segments) {
    assert.ok(
      Math.round(seconds) <= playlist.target,
      `${uri} of ${seconds} s is longer than ${playlist.target}`,
    );
    if (parts.length === 0) continue;
    const sum = parts.reduce((total, part) => total + part.seconds, 0);
    assert.ok(Math.abs(sum - seconds) < 0.001, `the parts of ${uri} are ${sum} of ${seconds} s`);
    for (const [i, part] of parts.entries()) {
      assert.ok(part.seconds <= playlist.partTarget + 1e-6, `${part.uri} of ${part.seconds}`);
      if (i < parts.length - 1)
        assert.ok(part.seconds >= 0.85 * playlist.partTarget, `${part.uri} of ${part.seconds}`);
    }
  }
  assert.ok(playlist.holdBack >= 2 * playlist.partTarget);
  const numbers = playlist.segments.map(({ uri }) => Number.parseInt(uri, 10));
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => playlist.sequence + i),
  );
}

const cameras: Record<string, Camera> = {
  '25 fps, a key frame a second': { fps: 25, keyEvery: 25, seconds: 30 },
  '25 fps, a key frame every two seconds': { fps: 25, keyEvery: 50, seconds: 30 },
  '30 fps, a key frame twice a second': { fps: 30, keyEvery: 15, seconds: 30 },
  '15 fps, a key frame every four seconds': { fps: 15, keyEvery: 60, seconds: 60 },
  '1 fps, every picture a key frame': { fps: 1, keyEvery: 1, seconds: 60 },
  '10 fps, a key frame every half minute': { fps: 10, keyEvery: 300, seconds: 90 },
  '12.5 fps': { fps: 12.5, keyEvery: 25, seconds: 30 },
  '60 fps': { fps: 60, keyEvery: 60, seconds: 20 },
};

for (const [name, camera] of Object.entries(cameras)) {
  test(`${name}: every playlist on the way keeps the rules, and the last one's bytes are the fragments`, () => {
    let before: Read | null = null;
    const texts = new Set<string>();
    const { window, fragments } = run(camera, (current) => texts.add(current.playlist()));
    assert.ok(texts.size > 5);
    for (const text of texts) {
      const playlist = read(text);
      assertRules(playlist);
      if (before) {
        assert.equal(playlist.target, before.target, 'the target duration never changes');
        assert.ok(playlist.sequence >= before.sequence);
        for (const segment of before.segments) {
          const same = playlist.segments.find(({ uri }) => uri === segment.uri);
          if (same) assert.equal(same.seconds, segment.seconds);
        }
      }
      before = playlist;
    }
    assert.ok(before!.segments.length >= 3);
    const all = Buffer.concat(fragments.map(({ part }) => part));
    const bodies = before!.segments.map(({ uri }) => window.segment(Number.parseInt(uri, 10))!);
    assert.ok(all.includes(Buffer.concat(bodies)), 'segments follow each other without a byte lost');
    for (const { uri, parts } of before!.segments) {
      if (parts.length === 0) continue;
      const pieces = parts.map(
        ({ uri: part }) => window.part(...(part.split('.').slice(0, 2).map(Number) as [number, number]))!,
      );
      assert.deepEqual(Buffer.concat(pieces), window.segment(Number.parseInt(uri, 10)));
      const isKeyed = camera.keyEvery / camera.fps <= 6;
      if (isKeyed) assert.equal(parts[0]!.isIndependent, true, 'a segment begins at a key frame');
    }
  });
}

test('a new init segment and a hole in the times are discontinuities, counted when they have left', () => {
  const camera: Camera = {
    ...{ fps: 25, keyEvery: 25, seconds: 60 },
    change: (i) => ({ init: i < 200 ? 1 : 2, ...(i === 300 && { laterSeconds: 20 }) }),
  };
  const texts = new Set<string>();
  const { window } = run(camera, (current) => texts.add(current.playlist()));
  const playlists = [...texts].map(read);
  for (const playlist of playlists) assertRules(playlist);
  const [withChange] = playlists.filter(({ segments }) =>
    segments.some(({ isDiscontinuity }) => isDiscontinuity),
  );
  const changed = withChange!.segments.find(({ isDiscontinuity }) => isDiscontinuity)!;
  assert.equal(changed.map, 'init-2.mp4');
  assert.equal(playlists.at(-1)!.discontinuitySequence, 2);
  // The number of a segment's discontinuities is the same in every playlist that holds it.
  const counted = new Map<string, number>();
  for (const playlist of playlists) {
    let count = playlist.discontinuitySequence;
    for (const segment of playlist.segments) {
      if (segment.isDiscontinuity) count += 1;
      assert.equal(counted.get(segment.uri) ?? count, count, segment.uri);
      counted.set(segment.uri, count);
    }
  }
  assert.deepEqual(window.init(2), Buffer.from('init 2'));
  assert.equal(window.init(1), null);
});

test('what is kept has a bound in bytes and in segments', () => {
  const { window } = run({ fps: 25, keyEvery: 25, seconds: 60, bytes: 300_000 });
  const playlist = read(window.playlist());
  assert.ok(playlist.segments.length >= 2);
  let bytes = 0;
  for (let number = 1000; number < 1100; number += 1) bytes += window.segment(number)?.length ?? 0;
  assert.ok(bytes <= 64 * 1024 * 1024, `${bytes} bytes are kept`);
  const { window: small } = run({ fps: 25, keyEvery: 25, seconds: 120 });
  const kept = Array.from({ length: 200 }, (_, i) => small.segment(1000 + i)).filter(
    (segment) => segment !== null,
  );
  assert.ok(kept.length < 14);
  assert.equal(read(small.playlist()).segments.length, 7, 'and one that is being made');
});

test('whether a segment or part is there, will be, or is too far ahead', () => {
  const { window } = run({ fps: 25, keyEvery: 25, seconds: 5 });
  // 1000 and 1001 are whole (two seconds each), 1002 is open since one second.
  assert.equal(window.holds(1001, null), 'yes');
  assert.equal(window.holds(1002, null), 'no');
  assert.equal(window.holds(1002, 0), 'yes');
  assert.equal(window.holds(1002, 60), 'no');
  assert.equal(
    window.holds(1001, 60),
    'yes',
    'behind the last part of a whole segment is the first of the next',
  );
  assert.equal(window.holds(900, null), 'yes');
  assert.equal(window.holds(1005, null), 'never');
  const { hint } = read(window.playlist());
  assert.equal(window.isNext(...(hint.split('.').slice(0, 2).map(Number) as [number, number])), true);
  assert.equal(window.isNext(1002, 0), false);
});
