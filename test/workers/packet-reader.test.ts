// How packets are read: where we are while a camera flows, in FFmpeg's own thread where it might hold us up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from 'node-av/lib';
import { createPacketReader } from '../../src/workers/packet-reader.ts';

/** A reader on an input whose packets each take `pauseMs` to come, by a clock that only they and sleepers move. */
function setUp(isLive: boolean) {
  let atMs = 0;
  const clock = {
    nowMs: () => atMs,
    monotonicMs: () => atMs,
    async sleep(ms: number) {
      atMs += ms;
    },
  };
  const input = {
    pauseMs: 40,
    here: 0,
    elsewhere: 0,
    async readFrame() {
      input.elsewhere += 1;
      atMs += input.pauseMs;
      return 0;
    },
    readFrameSync() {
      input.here += 1;
      atMs += input.pauseMs;
      return 0;
    },
  };
  const reader = createPacketReader(input, {} as Packet, isLive, clock);
  const read = async (count: number) => {
    input.here = 0;
    input.elsewhere = 0;
    for (let at = 0; at < count; at += 1) assert.equal(await reader.next(), 0);
  };
  return { input, reader, read };
}

test('a camera is read where we are once it has flowed for a second', async () => {
  const { input, read } = setUp(true);
  await read(25);
  assert.deepEqual([input.here, input.elsewhere], [0, 25]);
  await read(100);
  assert.deepEqual([input.here, input.elsewhere], [100, 0]);
});

test('a camera that pauses holds us up once, and is then read in the other thread for a while', async () => {
  const { input, read } = setUp(true);
  await read(26);
  input.pauseMs = 400;
  await read(20);
  assert.deepEqual([input.here, input.elsewhere], [1, 19]);
  input.pauseMs = 40;
  await read(74);
  assert.equal(input.here, 0, 'three seconds');
  await read(10);
  assert.ok(input.here >= 9);
});

test('a file is always read in the other thread', async () => {
  const { input, read } = setUp(false);
  await read(100);
  assert.deepEqual([input.here, input.elsewhere], [0, 100]);
});

test('we look up at each new picture, and at least every 50 ms, but make one that catches up not wait', async () => {
  const { input, reader, read } = setUp(true);
  await read(27);
  const waiting = reader.turn(true);
  assert.ok(waiting, 'a new picture');
  await waiting;
  assert.equal(reader.turn(true), null, 'the next follows at once');
  input.pauseMs = 20;
  await read(1);
  assert.equal(reader.turn(false), null, 'a piece of a picture');
  await read(2);
  const late = reader.turn(false);
  assert.ok(late, 'pieces for more than 50 ms');
  await late;
});
