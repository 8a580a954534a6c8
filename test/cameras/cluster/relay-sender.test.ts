// What the owner sends a relay whose socket is busy: the newest picture, or from a key frame on; never the same twice,
// never more than is bounded, and nothing once it is not the owner any more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noKinds } from '../../../src/cameras/camera-kinds.ts';
import type { Viewing } from '../../../src/cameras/cameras.ts';
import { RelaySender } from '../../../src/cameras/cluster/relay-sender.ts';
import { createRelayParser, type RelayFrame } from '../../../src/cameras/cluster/relay-wire.ts';
import type { CameraSample } from '../../../src/cameras/driver.ts';
import { LiveSample } from '../../../src/cameras/live-sample.ts';
import { SampleBacklog } from '../../../src/cameras/sample-backlog.ts';

/** A socket that takes what it is given, or holds it until it is told to go on. */
function createSocket() {
  const listeners = new Map<string, () => void>();
  let held: Uint8Array[] = [];
  const parser = createRelayParser();
  const frames: RelayFrame[] = [];
  const take = (bytes: Uint8Array) => frames.push(...parser.push(Buffer.from(bytes)));
  const socket = {
    isBusy: false,
    destroyed: false,
    get writableLength() {
      return held.reduce((sum, { length }) => sum + length, 0);
    },
    cork() {},
    uncork() {},
    write(bytes: Uint8Array) {
      if (socket.isBusy) held.push(bytes);
      else take(bytes);
      return !socket.isBusy;
    },
    end() {
      socket.destroyed = true;
    },
    destroy() {
      held = [];
      socket.destroyed = true;
      listeners.get('close')?.();
    },
    on: (event: string, listener: () => void) => void listeners.set(event, listener),
    /** `isSaid`: with the event that it has drained, which small writes never get. */
    drain(isSaid = true) {
      socket.isBusy = false;
      for (const bytes of held.splice(0)) take(bytes);
      if (isSaid) listeners.get('drain')?.();
    },
    frames,
    /** Of the samples that arrived: codec and number. */
    samples: () =>
      frames.flatMap((frame) => (frame.kind === 'sample' ? [`${frame.sample.codec} ${frame.sequence}`] : [])),
  };
  return socket;
}

function setUp({ after = 0 } = {}) {
  const socket = createSocket();
  const backlog = new SampleBacklog();
  const state = { mayServe: true, dropped: 0, isClosed: false, nowMs: 1000, people: 0 };
  let newest: LiveSample | null = null;
  let sequence = 0;
  const sender = new RelaySender({
    socket,
    monotonicMs: () => state.nowMs,
    mayServe: () => state.mayServe,
    ...{ afterSequence: after, audience: 1 },
    word: (yours, ends) => ({
      ...{ state: 'live', message: null, kinds: noKinds, viewers: 1, yours, run: 'r', token: 1, ends },
    }),
    onDropped: (samples) => {
      state.dropped += samples;
    },
    onSent: () => {},
    onClose: () => {
      state.isClosed = true;
    },
  });
  const viewing: Viewing = {
    newest: () => newest,
    backlog: () => backlog.samples,
    countDropped: () => {},
    audienceChanged: () => {
      state.people = sender.audience();
    },
    close: () => {},
  };
  /** As the hub does: kept first, then handed over. */
  const give = (codec: CameraSample['codec'], isKey = true, isHandedOver = true) => {
    sequence += 1;
    const given = { codec, data: Buffer.alloc(100, sequence), ptsMicros: sequence * 1000, isKey };
    const sample = new LiveSample(given, 0, state.nowMs, sequence);
    if (codec === 'jpeg') newest = sample;
    else backlog.add(sample);
    if (isHandedOver) sender.onSample(sample);
  };
  return { socket, sender, state, give, backlog, begin: () => sender.begin(() => viewing) };
}

test('pictures that came while the socket was busy are left out but for the newest, and sound is kept', () => {
  const { socket, state, give, begin } = setUp();
  begin();
  give('jpeg');
  socket.isBusy = true;
  give('jpeg');
  for (const codec of ['aac', 'jpeg', 'aac', 'jpeg', 'aac'] as const) give(codec);
  socket.drain();
  assert.deepEqual(socket.samples(), ['jpeg 1', 'jpeg 2', 'aac 3', 'aac 5', 'jpeg 6', 'aac 7']);
  assert.equal(state.dropped, 1);
  // Sound that waits is bounded.
  socket.isBusy = true;
  give('jpeg');
  for (let i = 0; i < 500; i += 1) give('aac');
  socket.drain();
  assert.equal(socket.samples().length, 6 + 1 + 100);
});

test('video goes on where it stopped, or at the last key frame where that is gone', () => {
  const { socket, state, give, begin } = setUp();
  begin();
  give('avc', true);
  give('avc', false);
  socket.isBusy = true;
  give('avc', false);
  give('avc', false);
  give('aac');
  give('avc', false);
  socket.drain();
  assert.deepEqual(socket.samples(), ['avc 1', 'avc 2', 'avc 3', 'avc 4', 'aac 5', 'avc 6']);
  assert.equal(state.dropped, 0);
  socket.isBusy = true;
  give('avc', false);
  give('avc', false);
  give('avc', true);
  give('avc', false);
  socket.drain();
  assert.deepEqual(socket.samples().slice(6), ['avc 7', 'avc 9', 'avc 10']);
  assert.equal(state.dropped, 1);
});

test('after a gap nothing goes out that cannot be decoded', () => {
  const { socket, state, give, begin, backlog } = setUp();
  begin();
  give('avc', true);
  socket.isBusy = true;
  give('avc', false);
  give('avc', false);
  // The stretch became too long to be kept.
  backlog.clear();
  socket.drain();
  give('avc', false);
  give('avc', false);
  give('avc', true);
  give('avc', false);
  assert.deepEqual(socket.samples(), ['avc 1', 'avc 2', 'avc 6', 'avc 7']);
  assert.equal(state.dropped, 3);
});

test('who comes begins with what is kept, and who comes again goes on behind what it has', () => {
  for (const [after, expected] of [
    [0, ['avc 2', 'avc 3', 'aac 4', 'avc 5']],
    [3, ['aac 4', 'avc 5']],
    [9, []],
  ] as const) {
    const { socket, give, begin } = setUp({ after });
    give('avc', false, false);
    give('avc', true, false);
    give('avc', false, false);
    give('aac', true, false);
    give('avc', false, false);
    begin();
    assert.equal(socket.frames[0]!.kind, 'word');
    assert.deepEqual(socket.samples(), expected);
  }
});

test('a picture from before that is old is not shown to who comes', () => {
  const { socket, give, state, begin } = setUp();
  give('jpeg', true, false);
  state.nowMs += 5000;
  begin();
  give('jpeg');
  assert.deepEqual(socket.samples(), ['jpeg 2']);
});

test('a socket that drains without a word is noticed with the next sample or word', () => {
  const { socket, sender, give, begin } = setUp();
  begin();
  socket.isBusy = true;
  give('jpeg');
  give('jpeg');
  socket.drain(false);
  give('jpeg');
  assert.deepEqual(socket.samples(), ['jpeg 1', 'jpeg 3']);
  socket.isBusy = true;
  give('jpeg');
  give('jpeg');
  socket.drain(false);
  sender.tell();
  assert.deepEqual(socket.samples(), ['jpeg 1', 'jpeg 3', 'jpeg 4', 'jpeg 5']);
});

test('one that may not serve any more sends nothing, whatever happens', () => {
  const { socket, sender, give, begin, state } = setUp();
  begin();
  socket.isBusy = true;
  give('jpeg');
  give('jpeg');
  state.mayServe = false;
  socket.drain();
  give('jpeg');
  sender.tell();
  assert.deepEqual(socket.samples(), ['jpeg 1'], 'what was under way');
  sender.end('moves');
  assert.ok(socket.destroyed);
  assert.ok(state.isClosed);
  assert.ok(socket.frames.every((frame) => frame.kind === 'sample' || frame.word.ends === null));
});

test('how long nothing was taken, and how many watch over there, is known', () => {
  const { socket, sender, give, begin, state } = setUp();
  begin();
  sender.setAudience(7);
  assert.equal(state.people, 7);
  socket.isBusy = true;
  give('jpeg');
  give('jpeg');
  state.nowMs += 4000;
  assert.equal(sender.stalledMs, 4000);
  socket.drain();
  assert.equal(sender.stalledMs, 0);
});
